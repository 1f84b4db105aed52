// An engine with short ways to make crowds and to look at them.
//
//   CrowdWorld world;
//   world.Create("spring", "city = 'Beijing'");
//   world.Refresh({"spring"});
//   world.Members({.what = "crowd('spring')"});
#ifndef THRONG_TESTS_SERVER_CROWD_WORLD_H_
#define THRONG_TESTS_SERVER_CROWD_WORLD_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "server/engine/crowds.h"
#include "tests/server/engine_world.h"

namespace throng::engine {

// Not thread-safe.
class CrowdWorld : public EngineWorld {
 public:
  explicit CrowdWorld(EngineOptions options = {}) : EngineWorld(std::move(options)) {}

  Crowds& crowds() { return engine().crowds(); }

  absl::StatusOr<CrowdInfo> TryCreate(const std::string& name, const std::string& rule) {
    return crowds().Create(context(), {.name = name, .rule = rule}, {});
  }
  CrowdInfo Create(const std::string& name, const std::string& rule) {
    return Must(TryCreate(name, rule));
  }
  CrowdInfo Get(const std::string& name) { return Must(crowds().Get(context(), "default", name)); }
  absl::StatusOr<RefreshResult> TryRefresh(const std::vector<std::string>& names) {
    return crowds().Refresh(context(), {.names = names}, {});
  }
  RefreshResult Refresh(const std::vector<std::string>& names) { return Must(TryRefresh(names)); }
  absl::StatusOr<CrowdInfo> TryDelete(const std::string& name) {
    return crowds().Delete(context(), "default", name, "", kCrowdKeptUs, {});
  }
  absl::Status CountError(const std::string& expression) {
    return selections().Count(context(), {.what = expression}).status();
  }
  void Erase(const std::string& id) {
    MustBeOk(engine().erasures().Erase(context(), {.users = {{"", id}}}).status());
  }
};

// FillRental's users; see tests/server/engine_world.h.
class CrowdTest : public ::testing::Test {
 protected:
  CrowdTest() { FillRental(&world_); }

  std::vector<std::string> Members(const std::string& expression) {
    return world_.Members({.what = expression});
  }
  Crowds& crowds() { return world_.crowds(); }
  const CallContext& context() const { return world_.context(); }

  static void ExpectError(const absl::Status& status, absl::StatusCode code,
                          std::string_view reason, std::string_view field) {
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(ReasonOf(status), reason) << status;
    EXPECT_EQ(FieldOf(status), field) << status;
  }

  CrowdWorld world_;
};

}  // namespace throng::engine

#endif  // THRONG_TESTS_SERVER_CROWD_WORLD_H_
