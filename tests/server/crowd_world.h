// An engine with short ways to make crowds and to look at them.
//
//   CrowdWorld world;
//   world.Create("spring", "city = 'Beijing'");
//   world.Refresh({"spring"});
//   world.Members({.what = "crowd('spring')"});
#ifndef THRONG_TESTS_SERVER_CROWD_WORLD_H_
#define THRONG_TESTS_SERVER_CROWD_WORLD_H_

#include <string>
#include <utility>
#include <vector>

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

}  // namespace throng::engine

#endif  // THRONG_TESTS_SERVER_CROWD_WORLD_H_
