// Overlaps of known answers through the engine, what is refused, and random selections against the
// naive model and against counts.
#include "server/engine/overlap.h"

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "query/formatter.h"
#include "server/engine/insights.h"
#include "tests/server/engine_world.h"
#include "tests/testing/expression_generator.h"
#include "tests/testing/naive_model.h"
#include "tests/testing/population_generator.h"
#include "tests/testing/seed.h"

namespace throng::engine {
namespace {

class OverlapTest : public ::testing::Test {
 protected:
  OverlapTest() { FillRental(&world_); }

  absl::StatusOr<OverlapResult> Lay(const OverlapRequest& request) {
    return world_.engine().insights().Overlap(world_.context(), request);
  }
  void ExpectError(const OverlapRequest& request, std::string_view reason, std::string_view field) {
    const absl::Status status = Lay(request).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_EQ(ReasonOf(status), reason) << status;
    EXPECT_EQ(FieldOf(status), field) << status;
  }

  EngineWorld world_;
};

// "0&2: 3"
std::vector<std::string> Print(const std::vector<ExclusiveUsers>& intersections) {
  std::vector<std::string> lines;
  for (const ExclusiveUsers& each : intersections) {
    lines.push_back(fmt::format("{}: {}", fmt::join(each.selections, "&"), each.count));
  }
  return lines;
}

TEST_F(OverlapTest, KnownAnswers) {
  // u1 u2 u5; u1 u3; u1 u2; nobody.
  const OverlapRequest request{.selections = {{"graduates", "is_graduate"},
                                              {"local", "city = 'Beijing'"},
                                              {"active", "views > 2"},
                                              {"nobody", "city = 'Nowhere'"}}};
  const OverlapResult result = *Lay(request);
  EXPECT_EQ(result.pairs, (std::vector<uint64_t>{3, 1, 2, 0,  //
                                                 1, 2, 1, 0,  //
                                                 2, 1, 2, 0,  //
                                                 0, 0, 0, 0}));
  EXPECT_EQ(result.union_count, 4u);
  EXPECT_DOUBLE_EQ(result.Jaccard(0, 2), 2.0 / 3);
  EXPECT_EQ(result.Jaccard(3, 3), 0);
  EXPECT_EQ(Print(result.intersections),
            (std::vector<std::string>{"0: 1", "1: 1", "0&2: 1", "0&1&2: 1"}));
  EXPECT_EQ(result.selections[0].unique, 1u);
  EXPECT_EQ(result.selections[2].unique, 0u);
  EXPECT_EQ(result.selections[1].canonical_expression, "city = 'Beijing'");
  EXPECT_FALSE(result.selections[3].warnings.empty());
  EXPECT_TRUE(result.intersections_status.ok());

  OverlapRequest top = request;
  top.top = 3;
  EXPECT_EQ(Lay(top)->intersections.size(), 3u);
  EXPECT_EQ(Lay(top)->intersections_left_out, 1u);
  EXPECT_EQ(Lay(top)->users_left_out, 1u);
}

TEST_F(OverlapTest, ReadsTheVersionThatWasNamed) {
  OverlapRequest request{.selections = {{"all", "all()"}}};
  request.read_version = Lay(request)->info.data_version;
  world_.Write("u9", {{"city", Text("Beijing")}});
  EXPECT_EQ(Lay(request)->union_count, 6u);
  request.read_version = 0;
  EXPECT_EQ(Lay(request)->union_count, 7u);
}

TEST_F(OverlapTest, ErrorsNameTheField) {
  ExpectError({}, "NO_SELECTIONS", "selections");
  ExpectError({.selections = {{"a", "all()"}, {"b", "citty = 'x'"}}}, "UNKNOWN_TAG",
              "selections[1].selection.expression");
  ExpectError({.selections = {{"a", query::Expression{query::Or{}}}}}, "INVALID_EXPRESSION",
              "selections[0].selection.tree");
  ExpectError({.selections = {{"a", "all()"}, {"a", "none()"}}}, "DUPLICATE_NAME",
              "selections[1].name");
  ExpectError({.selections = {{"", "all()"}}}, "BAD_NAME", "selections[0].name");
  ExpectError({.selections = {{std::string(kOverlapNameBytesMax + 1, 'x'), "all()"}}}, "BAD_NAME",
              "selections[0].name");
  EXPECT_TRUE(Lay({.selections = {{std::string(kOverlapNameBytesMax, 'x'), "all()"}}}).ok());
  ExpectError({.selections = {{"a", "all()"}}, .top = 0}, "VALUE_OUT_OF_RANGE", "top");
  ExpectError({.selections = {{"a", "all()"}}, .top = kOverlapTopMax + 1}, "VALUE_OUT_OF_RANGE",
              "top");
  EXPECT_TRUE(Lay({.selections = {{"a", "all()"}}, .top = kOverlapTopMax}).ok());
}

TEST_F(OverlapTest, SelectionsEndAtTheirLimit) {
  OverlapRequest request;
  for (size_t i = 0; i < kOverlapSelectionsMax; ++i) {
    request.selections.push_back({fmt::format("s{}", i), i % 2 == 0 ? "all()" : "is_graduate"});
  }
  const OverlapResult result = *Lay(request);
  EXPECT_EQ(result.union_count, 6u);
  EXPECT_EQ(result.pair(62, 63), 3u);
  ASSERT_EQ(result.intersections.size(), 2u);
  EXPECT_EQ(result.intersections[0].selections.size(), 32u);  // as many users: by mask
  EXPECT_EQ(result.intersections[1].selections.size(), 64u);
  request.selections.push_back({"more", "all()"});
  ExpectError(request, "TOO_MANY_SELECTIONS", "selections");
}

TEST_F(OverlapTest, ATagBeyondTheCallersLevelDoesNotExist) {
  const OverlapRequest request{.selections = {{"a", "all()"}, {"b", "income = 'low'"}}};
  EXPECT_TRUE(world_.engine().insights().Overlap(EngineWorld::Seeing(7), request).ok());
  const absl::Status status =
      world_.engine().insights().Overlap(EngineWorld::Seeing(6), request).status();
  EXPECT_EQ(ReasonOf(status), "UNKNOWN_TAG");
  EXPECT_EQ(FieldOf(status), "selections[1].selection.expression");
}

TEST_F(OverlapTest, EndsWhenCancelled) {
  CallContext context = CallContext::Internal();
  context.cancelled = [] { return true; };
  EXPECT_EQ(
      world_.engine().insights().Overlap(context, {.selections = {{"a", "all()"}}}).status().code(),
      absl::StatusCode::kCancelled);
}

// Erased users are in no selection, and their ids may be others' by now.
TEST(OverlapRandomTest, FiguresAreThoseOfTheNaiveModel) {
  std::mt19937_64 random(testing::TestSeed());
  EngineWorld world({.query_threads = 2});
  testing::PopulationGenerator generator({}, random());
  testing::NaiveModel model(generator.tags());
  world.CreateTags(generator.tags());
  for (int i = 0; i < 4; ++i) {
    const testing::PlainBatch batch =
        i == 0 ? generator.NextUsers(3'000) : generator.MakeUpdate(50);
    model.Apply(batch);
    world.Load(batch, generator.tags());
    EraseRequest erase;
    for (const std::string& id : generator.some_text_ids(i < 3 ? 100 : 10)) {
      if (!model.Find("", id).has_value()) continue;
      erase.users.push_back({"", id});
      model.Erase(id);
    }
    MustBeOk(world.engine().erasures().Erase(world.context(), erase).status());
  }
  testing::ExpressionGenerator expressions(generator.expression_tags(), {.depth_max = 2}, random());
  const testing::NaiveClock clock("UTC", EngineWorld::kStartUs);
  for (int round = 0; round < testing::TestRounds(30); ++round) {
    OverlapRequest request{.reference_us = EngineWorld::kStartUs, .top = kOverlapTopMax};
    std::vector<std::vector<bool>> users;
    std::string what;
    for (uint64_t i = 0; i < 1 + random() % 12; ++i) {
      const query::Expression expression = expressions.Next();
      what += query::Format(expression) + "\n";
      users.push_back(model.Test(expression, clock));
      request.selections.push_back({fmt::format("s{}", i), expression});
    }
    const OverlapResult result = Must(world.engine().insights().Overlap(world.context(), request));
    std::map<std::vector<uint32_t>, uint64_t> exclusive;
    for (size_t user = 0; user < model.size(); ++user) {
      std::vector<uint32_t> in;
      for (uint32_t i = 0; i < users.size(); ++i) {
        if (users[i][user]) in.push_back(i);
      }
      if (!in.empty()) ++exclusive[in];
    }
    std::map<std::vector<uint32_t>, uint64_t> answered;
    uint64_t sum = 0;
    for (const ExclusiveUsers& each : result.intersections) {
      answered[each.selections] = each.count;
      sum += each.count;
    }
    ASSERT_EQ(answered, exclusive) << what;
    ASSERT_EQ(sum, result.union_count) << what;
    for (size_t a = 0; a < users.size(); ++a) {
      const Selection alone{.what = request.selections[a].what,
                            .reference_us = EngineWorld::kStartUs};
      ASSERT_EQ(result.pair(a, a), Must(world.selections().Count(world.context(), alone)).count)
          << what;
    }
  }
}

}  // namespace
}  // namespace throng::engine
