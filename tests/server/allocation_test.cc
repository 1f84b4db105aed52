// Crowds by priority: who keeps whom, what is lost to whom, what is saved, and what is refused.
#include "server/engine/allocation.h"

#include <map>
#include <random>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "server/engine/splits.h"
#include "tests/server/crowd_world.h"
#include "tests/testing/expression_generator.h"
#include "tests/testing/population_generator.h"
#include "tests/testing/seed.h"

namespace throng::engine {
namespace {

using Counts = std::vector<uint64_t>;
using Texts = std::vector<std::string>;

class AllocationTest : public CrowdTest {
 protected:
  absl::StatusOr<AllocationResult> Try(const AllocationRequest& request,
                                       const WriteOptions& options = {}) {
    return crowds().splits().Allocate(context(), request, options);
  }
  void Refuse(const AllocationRequest& request, absl::StatusCode code, std::string_view reason,
              std::string_view field) {
    ExpectError(Try(request).status(), code, reason, field);
  }
};

// u1 u2 u5; u1 u3; all six; nobody.
const std::vector<NamedSelection> kCrowds = {{"graduates", "is_graduate"},
                                             {"local", "city = 'Beijing'"},
                                             {"all", "all()"},
                                             {"nobody", "city = 'Nowhere'"}};

TEST_F(AllocationTest, KnownAnswers) {
  const AllocationResult result = Must(Try({.crowds = {.selections = kCrowds}}));
  EXPECT_EQ(result.counts.gross, (Counts{3, 2, 6, 0}));
  EXPECT_EQ(result.counts.kept, (Counts{3, 1, 2, 0}));
  EXPECT_EQ(result.counts.losses, (Counts{0, 0, 0, 0,  //
                                          1, 0, 0, 0,  //
                                          3, 1, 0, 0,  //
                                          0, 0, 0, 0}));
  EXPECT_EQ(result.crowds[2].name, "all");
  EXPECT_EQ(result.crowds[2].count, 6u);
  EXPECT_EQ(result.crowds[1].canonical_expression, "city = 'Beijing'");
  EXPECT_FALSE(result.crowds[3].warnings.empty()) << "it is always empty";
  EXPECT_TRUE(Must(crowds().List(context(), {})).crowds.empty()) << "nothing is saved";
}

TEST_F(AllocationTest, ExclusionsAndLimitsCount) {
  world_.Create("local", "city = 'Beijing'");
  world_.Refresh({"local"});
  const AllocationResult result =
      Must(Try({.crowds = {.selections = {{"top", "all() top 2 by views desc", {{.name = "local"}}},
                                          {"all", "all()"}}}}));
  EXPECT_EQ(result.counts.kept, (Counts{2, 4}));
}

TEST_F(AllocationTest, SavedCrowdsAreExclusiveWheneverTheyAreRefreshed) {
  const AllocationRequest request{.crowds = {.selections = kCrowds}, .save = true, .folder = "f"};
  const WriteOptions options{.request_id = "r", .payload_hash = 1};
  Must(Try(request, options));
  EXPECT_EQ(world_.Get("all").definition.rule,
            "all() and not is_graduate and not city = 'Beijing'");
  EXPECT_EQ(world_.Get("graduates").definition.rule, "is_graduate");
  EXPECT_EQ(world_.Get("graduates").definition.folder, "f");
  Must(Try(request, options));
  EXPECT_EQ(Must(crowds().List(context(), {})).crowds.size(), 4u) << "a retry";
  ExpectError(Try(request, {.request_id = "r2", .payload_hash = 2}).status(),
              absl::StatusCode::kAlreadyExists, "CROWD_EXISTS", "selections[0].name");
  const Texts names = {"graduates", "local", "all", "nobody"};
  for (int round = 0; round < 2; ++round) {
    const RefreshResult refreshed = world_.Refresh(names);
    const AllocationResult counted = Must(Try({.crowds = request.crowds}));
    for (size_t i = 0; i < names.size(); ++i) {
      EXPECT_EQ(refreshed.crowds[i].computed.current_count, counted.counts.kept[i]) << names[i];
    }
    EXPECT_EQ(Members("crowd('graduates') and crowd('all')"), Texts{});
    world_.Write("u4", {{"is_graduate", Flag(true)}});
  }
}

TEST_F(AllocationTest, NothingIsSavedWhereOneCannotBe) {
  world_.Create("local", "all()");
  AllocationRequest request{.crowds = {.selections = kCrowds}, .save = true};
  Refuse(request, absl::StatusCode::kAlreadyExists, "CROWD_EXISTS", "selections[1].name");
  request.crowds.selections[1] = {"top", "all() top 2 by views desc"};
  Refuse(request, absl::StatusCode::kInvalidArgument, "LIMIT_NOT_SAVED", "selections[1].selection");
  request.crowds.selections[1] = {"a/b", "all()"};
  EXPECT_EQ(FieldOf(Try(request).status()), "selections[1].name");
  request.crowds.selections[1] = {"fine", "all()"};
  Must(Try(request, {.validate_only = true}));
  EXPECT_EQ(Must(crowds().List(context(), {})).crowds.size(), 1u);
}

TEST_F(AllocationTest, WhatIsRefused) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  const auto of = [](size_t count) {
    AllocationRequest request;
    for (size_t i = 0; i < count; ++i) {
      request.crowds.selections.push_back({fmt::format("c{}", i), "all()"});
    }
    return request;
  };
  Refuse(of(0), kInvalid, "NO_SELECTIONS", "selections");
  Refuse(of(1), kInvalid, "NO_SELECTIONS", "selections");
  EXPECT_EQ(Must(Try(of(2))).counts.kept, (Counts{6, 0}));
  EXPECT_EQ(Must(Try(of(64))).counts.lost(63, 0), 6u);
  Refuse(of(65), kInvalid, "TOO_MANY_SELECTIONS", "selections");
  AllocationRequest twice = of(2);
  twice.crowds.selections[1].name = "c0";
  Refuse(twice, kInvalid, "DUPLICATE_NAME", "selections[1].name");
  AllocationRequest hidden = of(2);
  hidden.crowds.selections[1].what = "income = 'high'";
  ExpectError(crowds().splits().Allocate(EngineWorld::Seeing(6), hidden, {}).status(), kInvalid,
              "UNKNOWN_TAG", "selections[1].selection.expression");
}

TEST_F(AllocationTest, RandomAllocationsAgreeWithANaiveLoop) {
  const uint64_t seed = testing::TestSeed();
  std::mt19937_64 random(seed);
  EngineWorld world({.query_threads = 2});
  testing::PopulationGenerator generator({}, seed);
  world.CreateTags(generator.tags());
  world.Load(generator.NextUsers(3'000), generator.tags());
  MustBeOk(world.engine()
               .erasures()
               .Erase(world.context(), {.users = {{"", world.Members({.what = "all()"})[7]}}})
               .status());
  testing::ExpressionGenerator expressions(generator.expression_tags(), {.depth_max = 2}, seed + 1);
  for (int round = 0; round < testing::TestRounds(15); ++round) {
    const size_t n = 2 + random() % 7;
    AllocationRequest request;
    Counts gross(n);
    Counts kept(n);
    Counts losses(n * n);
    std::map<std::string, size_t> owners;
    for (size_t i = 0; i < n; ++i) {
      const query::Expression expression = expressions.Next();
      request.crowds.selections.push_back({fmt::format("c{}", i), expression});
      for (const std::string& id : world.Members({.what = expression})) {
        ++gross[i];
        const size_t owner = owners.emplace(id, i).first->second;
        ++(owner == i ? kept[i] : losses[i * n + owner]);
      }
    }
    const AllocationResult result =
        Must(world.engine().crowds().splits().Allocate(world.context(), request, {}));
    ASSERT_EQ(result.counts.gross, gross) << "seed " << seed << ", round " << round;
    ASSERT_EQ(result.counts.kept, kept) << "seed " << seed << ", round " << round;
    ASSERT_EQ(result.counts.losses, losses) << "seed " << seed << ", round " << round;
  }
}

}  // namespace
}  // namespace throng::engine
