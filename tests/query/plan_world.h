// A small random population, random logical plans over it, and who matches them, user by user.
//
//   PlanWorld world(random, /*users=*/70'000);
//   LogicalPlan plan = world.RandomPlan(random, 3);
//   std::set<uint32_t> users = world.Matching(plan);
#ifndef THRONG_TESTS_QUERY_PLAN_WORLD_H_
#define THRONG_TESTS_QUERY_PLAN_WORLD_H_

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "index/parallel.h"
#include "index/snapshot.h"
#include "query/logical_plan.h"

namespace throng::query {

inline constexpr uint32_t kCity = 1;       // CATEGORY of 6 values, or as many as asked for
inline constexpr uint32_t kInterests = 2;  // LABELS of as many
inline constexpr uint32_t kViews = 3;      // INTEGER, -5 to 20
inline constexpr uint32_t kGraduate = 4;   // FLAG

// Not thread-safe.
class PlanWorld {
 public:
  // A third of the users lack each tag. With `deltas` a fiftieth of them lies in deltas.
  PlanWorld(std::mt19937_64& random, uint32_t users, uint32_t codes = 6, bool deltas = true);

  const index::Snapshot& snapshot() const { return *snapshot_; }
  const index::Catalogue& catalogue() const { return snapshot_->catalogue(); }
  LogicalPlan RandomPlan(std::mt19937_64& random, int depth) const;
  // By asking each user, with no code of the index or the query.
  std::set<uint32_t> Matching(const LogicalPlan& plan) const;
  // By the machinery under test: normalised, planned, executed.
  std::set<uint32_t> Executed(const LogicalPlan& plan);
  index::Parallel& parallel() { return parallel_; }

 private:
  struct User {
    std::optional<uint32_t> city;
    std::set<uint32_t> interests;
    std::optional<int64_t> views;
    bool graduate = false;
  };

  bool Matches(const LogicalPlan& plan, uint32_t ordinal) const;
  uint32_t RandomCode(std::mt19937_64& random) const;
  std::vector<uint32_t> RandomCodes(std::mt19937_64& random) const;
  LogicalPlan RandomLeaf(std::mt19937_64& random) const;
  void Change(std::mt19937_64& random, uint64_t version, uint64_t one_in);

  std::vector<User> users_;
  uint32_t codes_;
  index::Parallel parallel_{2};
  index::SnapshotRef snapshot_;
};

// A plan over a catalogue of the same tags written as text: "and(c0, c1)", "not(v3..9)", "i0|2",
// "g", "ec" (exists city), "all", "none".
LogicalPlan PlanOf(std::string_view text);

}  // namespace throng::query

#endif  // THRONG_TESTS_QUERY_PLAN_WORLD_H_
