// Cross-tabs against asking each user: every pair of types, tables of few and of many values,
// crowds of every size, deltas, and values that share a slot.
#include "query/cross_tab_collector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "query/breakdown_collector.h"
#include "query/executor.h"
#include "query/normalizer.h"
#include "query/physical_plan.h"
#include "tests/query/plan_world.h"
#include "tests/testing/seed.h"

namespace throng::query {
namespace {

using Members = std::vector<bool>;  // by ordinal

// An axis, and who is in each of its slots by asking each user; those without a value last.
struct AskedAxis {
  CrossTabAxis axis;
  std::vector<Members> slots;
};

class CrossTabWorld {
 public:
  CrossTabWorld(std::mt19937_64& random, uint32_t users, uint32_t codes, bool deltas)
      : world_(random, users, codes, deltas), users_(users), codes_(codes) {}

  PlanWorld& world() { return world_; }

  // Codes from `shared` on have one slot.
  AskedAxis Values(uint32_t tag, uint32_t shared) const {
    AskedAxis asked{.axis = {.tag = tag, .slots = std::min(shared + 1, codes_)}};
    for (uint32_t code = 0; code < codes_; ++code) {
      asked.axis.slot_of_code.push_back(std::min(code, shared));
    }
    for (uint32_t slot = 0; slot < asked.axis.slots; ++slot) {
      TagValues values{.tag = tag};
      for (uint32_t code = slot; code < codes_ && (code == slot || slot == shared); ++code) {
        values.codes.push_back(code);
      }
      asked.slots.push_back(Who({values}));
    }
    asked.slots.push_back(Who({LogicalNot{{LogicalPlan{TagExists{tag}}}}}));
    return asked;
  }
  AskedAxis Flag() const {
    const LogicalPlan set{TagValues{kGraduate, {0}}};
    return {.axis = {.tag = kGraduate, .slots = 2},
            .slots = {Who(set), Who({LogicalNot{{set}}}), Who({Nobody{}})}};
  }
  AskedAxis Bins(std::vector<int64_t> edges) const {
    AskedAxis asked{.axis = {.tag = kViews, .slots = static_cast<uint32_t>(edges.size()) + 1}};
    for (size_t i = 0; i <= edges.size(); ++i) {
      Interval bin;
      if (i > 0) bin.low = edges[i - 1];
      if (i < edges.size()) bin.high = edges[i] - 1;
      asked.slots.push_back(Who({NumericRanges{kViews, {bin}}}));
    }
    asked.slots.push_back(Who({LogicalNot{{LogicalPlan{TagExists{kViews}}}}}));
    asked.axis.edges = std::move(edges);
    return asked;
  }
  Members Who(const LogicalPlan& plan) const {
    Members members(users_);
    for (uint32_t user : world_.Matching(plan)) members[user] = true;
    return members;
  }

  CrossTabCounts Count(const LogicalPlan& crowd, const AskedAxis& rows, const AskedAxis& columns) {
    CrossTabCollector collector(world_.snapshot(), rows.axis, columns.axis);
    const PhysicalPlan plan =
        MakePhysicalPlan(Normalize(crowd, world_.catalogue()), world_.snapshot());
    EXPECT_TRUE(Execute(plan, world_.snapshot(), world_.parallel(), {}, collector).ok());
    return collector.Finish();
  }

 private:
  PlanWorld world_;
  uint32_t users_;
  uint32_t codes_;
};

uint64_t Common(const Members& a, const Members& b, const Members& c) {
  uint64_t count = 0;
  for (size_t i = 0; i < a.size(); ++i) count += a[i] && b[i] && c[i] ? 1 : 0;
  return count;
}

void ExpectCounts(const CrossTabCounts& counts, const Members& crowd, const AskedAxis& rows,
                  const AskedAxis& columns, const std::string& what) {
  ASSERT_EQ(counts.users, Common(crowd, crowd, crowd)) << what;
  ASSERT_EQ(counts.rows, rows.slots.size()) << what;
  ASSERT_EQ(counts.columns, columns.slots.size()) << what;
  for (uint32_t r = 0; r < counts.rows; ++r) {
    ASSERT_EQ(counts.row_users[r], Common(crowd, rows.slots[r], crowd)) << what << ", row " << r;
    for (uint32_t c = 0; c < counts.columns; ++c) {
      ASSERT_EQ(counts.cell(r, c), Common(crowd, rows.slots[r], columns.slots[c]))
          << what << ", cell " << r << ", " << c;
    }
  }
  for (uint32_t c = 0; c < counts.columns; ++c) {
    ASSERT_EQ(counts.column_users[c], Common(crowd, columns.slots[c], crowd))
        << what << ", column " << c;
  }
}

TEST(CrossTabCollectorRandomTest, CountsWhatAskingEachUserDoes) {
  std::mt19937_64 random(testing::TestSeed());
  for (uint32_t codes : {6u, 40u, 300u}) {
    for (bool deltas : {false, true}) {
      CrossTabWorld world(random, codes == 300 ? 66'000 : 140'000, codes, deltas);
      const uint32_t shown = codes == 300 ? 12 : codes;
      const std::vector<AskedAxis> axes = {world.Values(kCity, shown),
                                           world.Values(kInterests, shown),
                                           world.Values(kCity, 2),
                                           world.Values(kInterests, 2),
                                           world.Flag(),
                                           world.Bins({0, 3, 12}),
                                           world.Bins({-1'000'000, 5}),
                                           world.Bins({std::numeric_limits<int64_t>::min() + 1,
                                                       std::numeric_limits<int64_t>::max()})};
      std::vector<LogicalPlan> crowds = {PlanOf("all"), PlanOf("c1"), PlanOf("none"),
                                         PlanOf("and(i1, v3..4)")};
      crowds.push_back({HashBuckets{7, "x", 0, 500}});  // nearly nobody
      crowds.push_back(world.world().RandomPlan(random, 3));
      for (int round = 0; round < testing::TestRounds(24); ++round) {
        const AskedAxis& rows = axes[random() % axes.size()];
        const AskedAxis& columns = axes[random() % axes.size()];
        const LogicalPlan& crowd = crowds[random() % crowds.size()];
        const std::string what =
            fmt::format("{} codes, deltas {}, tags {} x {}, crowd {}", codes, deltas, rows.axis.tag,
                        columns.axis.tag, ToString(crowd, world.world().catalogue()));
        ExpectCounts(world.Count(crowd, rows, columns), world.Who(crowd), rows, columns, what);
        if (HasFatalFailure()) return;
      }
    }
  }
}

// The sums over rows and columns are the breakdowns of both tags.
TEST(CrossTabCollectorTest, CellsOfSingleValuesSumToTheBreakdowns) {
  std::mt19937_64 random(testing::TestSeed());
  CrossTabWorld world(random, 80'000, 60, true);
  const AskedAxis city = world.Values(kCity, 60);
  const AskedAxis flag = world.Flag();
  const LogicalPlan crowd = PlanOf("or(i1|2|3, v0..9)");
  const CrossTabCounts counts = world.Count(crowd, city, flag);
  PlanWorld& plans = world.world();
  BreakdownCollector breakdown(plans.snapshot(), {kCity, kGraduate});
  const PhysicalPlan plan = MakePhysicalPlan(Normalize(crowd, plans.catalogue()), plans.snapshot());
  ASSERT_TRUE(Execute(plan, plans.snapshot(), plans.parallel(), {}, breakdown).ok());
  const std::vector<TagCounts> tags = breakdown.Finish();
  uint64_t with_city = 0;
  for (uint32_t code = 0; code < 60; ++code) {
    EXPECT_EQ(counts.cell(code, 0) + counts.cell(code, 1), tags[0].counts[code]) << code;
    with_city += tags[0].counts[code];
  }
  EXPECT_EQ(with_city + counts.row_users[60], breakdown.users());
  EXPECT_EQ(counts.column_users[0], tags[1].counts[0]);
  EXPECT_EQ(counts.column_users[0] + counts.column_users[1], counts.users);
}

// A tag with itself: on the diagonal the breakdown, of LABELS beside it who has both.
TEST(CrossTabCollectorTest, ATagWithItself) {
  std::mt19937_64 random(testing::TestSeed());
  CrossTabWorld world(random, 30'000, 6, true);
  const AskedAxis labels = world.Values(kInterests, 6);
  const CrossTabCounts counts = world.Count(PlanOf("g"), labels, labels);
  for (uint32_t a = 0; a < 7; ++a) {
    EXPECT_EQ(counts.cell(a, a), counts.row_users[a]);
    for (uint32_t b = 0; b < a; ++b) EXPECT_EQ(counts.cell(a, b), counts.cell(b, a));
  }
  EXPECT_EQ(counts.cell(0, 6), 0u);
  EXPECT_GT(counts.cell(0, 1), 0u);
}

}  // namespace
}  // namespace throng::query
