// An engine in a directory of its own, with a clock that stands still, and short ways to fill it.
//
//   EngineWorld world;
//   world.CreateTag({.name = "city", .type = index::TagType::kCategory});
//   world.Write("u1", {{"city", Text("Beijing")}});
//   world.engine().selections().Count(world.context(), {.what = "city = 'Beijing'"});
#ifndef THRONG_TESTS_SERVER_ENGINE_WORLD_H_
#define THRONG_TESTS_SERVER_ENGINE_WORLD_H_

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "index/catalogue.h"
#include "index/error.h"
#include "server/engine/engine.h"
#include "tests/testing/plain_rows.h"
#include "tests/testing/temporary_directory.h"

namespace throng::engine {

// What the set-up of a test needs to go well.
inline void MustBeOk(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::abort();
}
template <typename T>
T Must(absl::StatusOr<T> result) {
  MustBeOk(result.status());
  return *std::move(result);
}

query::Value Text(std::string text);
query::Value Whole(int64_t number);
query::Value Decimal(int64_t units, int scale);
query::Value Flag(bool flag);
query::Value Date(int year, int month, int day);
query::Value Micros(int64_t unix_us);

// The reason and the field of an error; empty for an error without detail.
std::string ReasonOf(const absl::Status& status);
std::string FieldOf(const absl::Status& status);

// Not thread-safe, but for the engine and the clock.
class EngineWorld {
 public:
  // 2024-03-15T10:00:00Z, a Friday.
  static constexpr int64_t kStartUs = 1'710'496'800'000'000;

  // The clock stands still unless `options` have one.
  explicit EngineWorld(EngineOptions options = {});

  Engine& engine() { return *engine_; }
  Selections& selections() { return engine_->selections(); }
  // Sees everything, never ends.
  const CallContext& context() const { return context_; }
  // Sees what is of sensitivity `sensitivity_max` or less.
  static CallContext Seeing(int sensitivity_max);

  void AdvanceClock(int64_t us) { now_us_ += us; }
  // Closes and opens again.
  void Reopen();

  void CreateTag(index::TagDefinition definition);
  void CreateTags(const std::vector<testing::PlainTag>& tags);
  // Sets tags of one user, who is created if need be. Returns the data version.
  uint64_t Write(const std::string& id,
                 const std::vector<std::pair<std::string, query::Value>>& set);
  uint64_t Write(const std::vector<testing::PlainLabelsEdit>& edits,
                 const std::vector<testing::PlainTag>& tags);
  uint64_t AddLabels(const std::string& id, const std::string& tag,
                     const std::vector<std::string>& labels);
  // Loads all of `batch` as an upsert that creates, or as a REPLACE of the batch's tags.
  uint64_t Load(const testing::PlainBatch& batch, const std::vector<testing::PlainTag>& tags,
                LoadMode mode = LoadMode::kUpsert);
  // Loads `users` users with the ids first, first + 1, ... and no tags.
  void LoadNumbers(uint64_t first, uint32_t users);

  uint64_t Count(const std::string& expression);
  // Every member, by one page after the other.
  std::vector<std::string> Members(const Selection& selection, uint32_t page_size = kPageSizeMax);

 private:
  // Where the data is.
  friend std::string DirectoryOf(const EngineWorld& world) { return world.directory_.path(); }

  void Open();

  testing::TemporaryDirectory directory_;
  std::atomic<int64_t> now_us_{kStartUs};
  EngineOptions options_;
  CallContext context_ = CallContext::Internal();
  std::unique_ptr<Engine> engine_;
};

// The small population that tests with known answers share:
//
//   id  is_graduate  city     interests        views  score  birthday    seen              income
//   u1  yes          Beijing  {garden, metro}      5   1.25  2000-02-29  2024-03-15 09:59  high
//   u2  yes          Tianjin  {metro}              3  -0.50  1999-12-31  2024-03-14 23:30  low
//   u3               Beijing  {garden}             0         2024-03-15                    high
//   u4               Wuhan    {pool, a|b\c}       -7  10.00
//   u5  yes
//   6
//
// `income` has sensitivity 7. `nobody` is a CATEGORY that nobody has.
void FillRental(EngineWorld* world);

}  // namespace throng::engine

#endif  // THRONG_TESTS_SERVER_ENGINE_WORLD_H_
