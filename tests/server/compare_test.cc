// Comparisons of two crowds: known answers, what is refused, and counts against the naive model on
// random populations with deltas and erased users.
#include "server/engine/compare.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "query/formatter.h"
#include "server/engine/crowds.h"
#include "server/engine/insights.h"
#include "tests/server/engine_world.h"
#include "tests/testing/expression_generator.h"
#include "tests/testing/naive_model.h"
#include "tests/testing/population_generator.h"
#include "tests/testing/seed.h"

namespace throng::engine {
namespace {

using Lines = std::vector<std::string>;

std::string LabelOf(const ComparedRow& row) {
  if (row.is_missing) return "(missing)";
  if (!row.lower.has_value() && !row.upper.has_value()) return row.value;
  return fmt::format("{}..{}", row.lower.has_value() ? fmt::format("{}", *row.lower) : "",
                     row.upper.has_value() ? fmt::format("{}", *row.upper) : "");
}

// "Beijing 1 2 -17", with the difference in points of percent.
std::string Print(const ComparedRow& row) {
  return fmt::format("{} {} {} {:+.0f}", LabelOf(row), row.count, row.baseline_count,
                     row.difference.difference * 100);
}
Lines Print(const ComparedTag& tag) {
  Lines lines;
  for (const ComparedRow& row : tag.rows) lines.push_back(Print(row));
  std::sort(lines.begin(), lines.end());
  lines.push_back(Print(tag.missing));
  return lines;
}

const ComparedTag& TagOf(const CompareResult& result, const std::string& name) {
  return *std::find_if(result.tags.begin(), result.tags.end(),
                       [&](const ComparedTag& tag) { return tag.tag == name; });
}

class CompareTest : public ::testing::Test {
 protected:
  CompareTest() { FillRental(&world_); }

  absl::StatusOr<CompareResult> Compare(const std::string& expression,
                                        const CompareRequest& request) {
    return world_.engine().insights().Compare(world_.context(), {.what = expression}, request);
  }
  void ExpectError(const CompareRequest& request, std::string_view reason, std::string_view field) {
    const absl::Status status = Compare("all()", request).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_EQ(ReasonOf(status), reason) << status;
    EXPECT_EQ(FieldOf(status), field) << status;
  }

  EngineWorld world_;
};

TEST_F(CompareTest, CountsEveryTypeOfTag) {
  const CompareResult result =
      *Compare("is_graduate", {.baseline = std::string("views <= 3"),
                               .tags = {"city", "interests", "is_graduate", "views", "nobody"}});
  // u1, u2, u5 against u2, u3, u4.
  EXPECT_EQ(result.count, 3u);
  EXPECT_EQ(result.baseline_count, 3u);
  EXPECT_EQ(result.common, 1u);
  EXPECT_EQ(result.baseline_expression, "views <= 3");
  EXPECT_EQ(Print(TagOf(result, "city")),
            (Lines{"Beijing 1 1 +0", "Tianjin 1 1 +0", "Wuhan 0 1 -33", "(missing) 1 0 +33"}));
  EXPECT_EQ(Print(TagOf(result, "interests")),
            (Lines{"a|b\\c 0 1 -33", "garden 1 1 +0", "metro 2 1 +33", "pool 0 1 -33",
                   "(missing) 1 0 +33"}));
  EXPECT_EQ(Print(TagOf(result, "is_graduate")),
            (Lines{"false 0 2 -67", "true 3 1 +67", "(missing) 0 0 +0"}));
  EXPECT_EQ(Print(TagOf(result, "nobody")), (Lines{"(missing) 3 3 +0"}));
  EXPECT_NEAR(TagOf(result, "city").difference, 1.0 / 3, 1e-12);
  EXPECT_NEAR(TagOf(result, "is_graduate").difference, 2.0 / 3, 1e-12);
  uint64_t crowd = TagOf(result, "views").missing.count;
  for (const ComparedRow& row : TagOf(result, "views").rows) crowd += row.count;
  EXPECT_EQ(crowd, 3u);
}

TEST_F(CompareTest, WithoutTagsAndBaselineItIsAllOnlineTagsAgainstEverybody) {
  const CompareResult result = *Compare("is_graduate", {});
  EXPECT_EQ(result.baseline_count, 6u);
  EXPECT_EQ(result.common, 3u);
  EXPECT_EQ(result.baseline_expression, "");
  std::set<std::string> tags;
  for (const ComparedTag& tag : result.tags) tags.insert(tag.tag);
  EXPECT_EQ(tags, (std::set<std::string>{"birthday", "city", "income", "interests", "is_graduate",
                                         "nobody", "score", "seen", "views"}));
  EXPECT_EQ(result.tags.front().tag, "is_graduate");
}

TEST_F(CompareTest, ATagBeyondTheCallersLevelIsNotComparedBy) {
  const auto ask = [&](int level, const CompareRequest& request) {
    return world_.engine().insights().Compare(EngineWorld::Seeing(level), {.what = "all()"},
                                              request);
  };
  const CompareResult seen = *ask(7, {});
  const CompareResult unseen = *ask(6, {});
  EXPECT_EQ(seen.tags.size(), unseen.tags.size() + 1);
  for (const ComparedTag& tag : unseen.tags) EXPECT_NE(tag.tag, "income");
  EXPECT_EQ(ReasonOf(ask(6, {.tags = {"income"}}).status()), "UNKNOWN_TAG");
  EXPECT_EQ(ReasonOf(ask(6, {.baseline = std::string("income = 'high'")}).status()), "UNKNOWN_TAG");
}

// The same crowd twice differs in nothing, and chance does not come into it.
TEST_F(CompareTest, TheSameCrowdDiffersInNothing) {
  const CompareResult result = *Compare("exists(city)", {.baseline = std::string("exists(city)")});
  EXPECT_TRUE(result.features.empty());
  for (const ComparedTag& tag : result.tags) {
    EXPECT_EQ(tag.difference, 0) << tag.tag;
    EXPECT_EQ(tag.by_chance, 0) << tag.tag;
    EXPECT_EQ(tag.p_value, 1) << tag.tag;
  }
}

TEST_F(CompareTest, NobodyHasNoShares) {
  const CompareResult result = *Compare("none()", {});
  EXPECT_EQ(result.count, 0u);
  EXPECT_TRUE(result.features.empty());
  for (const ComparedTag& tag : result.tags) {
    for (const ComparedRow& row : tag.rows) {
      EXPECT_EQ(row.share, 0);
      EXPECT_EQ(row.difference.difference, 0);
    }
  }
  EXPECT_TRUE(Compare("all()", {.baseline = std::string("none()")}).ok());
}

TEST_F(CompareTest, ErrorsNameTheField) {
  ExpectError({.tags = {"city", "citty"}}, "UNKNOWN_TAG", "tags[1]");
  ExpectError({.tags = {"city", "city"}}, "DUPLICATE_TAG", "tags[1]");
  ExpectError({.tags = std::vector<std::string>(kCompareTagsMax + 1, "city")}, "TOO_MANY_TAGS",
              "tags");
  ExpectError({.rows_max = 0}, "VALUE_OUT_OF_RANGE", "rows");
  ExpectError({.rows_max = kCompareRowsMax + 1}, "VALUE_OUT_OF_RANGE", "rows");
  ExpectError({.features_max = kCompareFeaturesMax + 1}, "VALUE_OUT_OF_RANGE", "features");
  ExpectError({.bins = 1}, "VALUE_OUT_OF_RANGE", "bins");
  ExpectError({.bins = kCompareBinsMax + 1}, "VALUE_OUT_OF_RANGE", "bins");
  ExpectError({.confidence = 0.4}, "VALUE_OUT_OF_RANGE", "confidence");
  ExpectError({.confidence = std::nan("")}, "VALUE_OUT_OF_RANGE", "confidence");
  ExpectError({.baseline = std::string("city = ")}, "SYNTAX_ERROR", "baseline.expression");
  EXPECT_TRUE(Compare("all()", {.rows_max = kCompareRowsMax,
                                .features_max = kCompareFeaturesMax,
                                .bins = kCompareBinsMax,
                                .confidence = 0.9999})
                  .ok());
}

TEST_F(CompareTest, RowsAreTheSurestDifferencesFirst) {
  const CompareResult result = *Compare("city = 'Beijing'", {.tags = {"city"}, .rows_max = 1});
  ASSERT_EQ(result.tags[0].rows.size(), 1u);
  EXPECT_EQ(result.tags[0].rows[0].value, "Beijing");
  EXPECT_EQ(result.tags[0].rows_left_out, 2u);
}

// Rows of all tags: as many as there may be, and one more.
TEST(CompareLimitTest, RowsOfAllTagsEndAtTheirLimit) {
  EngineWorld world;
  const std::vector<testing::PlainTag> tags = {{"a", testing::PlainType::kCategory},
                                               {"b", testing::PlainType::kCategory}};
  world.CreateTags(tags);
  testing::PlainBatch batch;
  for (uint32_t tag = 0; tag < 2; ++tag) {
    testing::PlainColumn column{.tag = tag};
    for (uint32_t i = 0; i < 10'000; ++i) {
      column.texts.push_back(fmt::format("v{}", i));
      column.kinds.push_back(testing::CellKind::kSet);
      column.numbers.push_back(i);
    }
    batch.columns.push_back(column);
  }
  for (uint32_t i = 0; i < 10'000; ++i) batch.ids.push_back(fmt::format("u{}", i));
  world.Load(batch, tags);
  // Each tag has a row of users without a value besides.
  const auto ask = [&](uint32_t rows) {
    return world.engine()
        .insights()
        .Compare(world.context(), {.what = "all()"}, {.rows_max = rows})
        .status();
  };
  EXPECT_TRUE(ask(9'999).ok());
  EXPECT_EQ(ReasonOf(ask(10'000)), "TOO_MANY_ROWS");
  EXPECT_EQ(FieldOf(ask(10'000)), "rows");
}

// An answer names every crowd version that it rests on, whichever side read it.
TEST_F(CompareTest, NamesTheCrowdsOfBothSides) {
  for (const char* name : {"one", "two"}) {
    MustBeOk(world_.engine()
                 .crowds()
                 .Create(world_.context(), {.name = name, .rule = "is_graduate"}, {})
                 .status());
  }
  MustBeOk(
      world_.engine().crowds().Refresh(world_.context(), {.names = {"one", "two"}}, {}).status());
  const CompareResult result =
      *Compare("crowd('two')", {.baseline = std::string("not crowd('one')"), .tags = {"city"}});
  ASSERT_EQ(result.info.crowds.size(), 2u);
  EXPECT_EQ(result.info.crowds[0].crowd, "one");
  const BreakdownResult breakdown = Must(world_.engine().insights().Breakdown(
      world_.context(), {.what = "crowd('two')"},
      {.tags = {"city"}, .baseline = std::string("crowd('one') or crowd('two')")}));
  EXPECT_EQ(breakdown.info.crowds.size(), 2u);
  const OverlapResult overlap = Must(world_.engine().insights().Overlap(
      world_.context(), {.selections = {{.name = "a", .what = "crowd('one')"},
                                        {.name = "b", .what = "crowd('two')"}}}));
  EXPECT_EQ(overlap.info.crowds.size(), 2u);
}

// Who has a value that the others never have is marked by it, in both directions.
TEST(CompareFeaturesTest, FindsWhatMarksACrowd) {
  EngineWorld world;
  world.CreateTag({.name = "club", .type = index::TagType::kFlag});
  world.CreateTag({.name = "color", .type = index::TagType::kCategory});
  world.CreateTag({.name = "age", .type = index::TagType::kInteger});
  for (int i = 0; i < 400; ++i) {
    const bool in_club = i % 4 == 0;
    std::vector<std::pair<std::string, query::Value>> set = {
        {"color", Text(in_club && i % 8 == 0 ? "red"
                       : i % 3 == 0          ? "blue"
                                             : "green")},
        {"age", Whole(in_club ? 20 + i % 7 : 40 + i % 7)}};
    if (in_club) set.emplace_back("club", Flag(true));
    world.Write(fmt::format("u{}", i), set);
  }
  const CompareResult result = Must(world.engine().insights().Compare(
      world.context(), {.what = "club"}, {.baseline = std::string("not club"), .bins = 2}));
  ASSERT_GE(result.features.size(), 4u);
  EXPECT_EQ(result.tags[result.features[0].tag].tag, "age");
  EXPECT_EQ(std::abs(result.features[0].row.difference.difference), 1);
  EXPECT_EQ(TagOf(result, "age").difference, 1);
  EXPECT_LT(TagOf(result, "age").p_value, 1e-9);
  bool has_red = false;
  for (const ComparedFeature& feature : result.features) {
    if (feature.row.value == "red") {
      has_red = true;
      EXPECT_NEAR(feature.row.difference.difference, 0.5, 1e-12);
      EXPECT_GT(feature.row.difference.low, 0.3);
    }
    EXPECT_NE(feature.row.value, "false");
  }
  EXPECT_TRUE(has_red);
  // Half of a crowd drawn at random is marked by nothing.
  const CompareResult random = Must(
      world.engine().insights().Compare(world.context(), {.what = "bucket('x', 0, 500000)"},
                                        {.baseline = std::string("bucket('x', 500000, 1000000)")}));
  EXPECT_TRUE(random.features.empty());
}

// Counts of the rows against asking each user of the naive model.
class RandomComparisons {
 public:
  explicit RandomComparisons(uint64_t seed)
      : random_(seed),
        world_({.query_threads = 2}),
        generator_({}, seed + 1),
        expressions_(generator_.expression_tags(), {.depth_max = 2}, seed + 2),
        model_(generator_.tags()) {
    world_.CreateTags(generator_.tags());
    Load(generator_.NextUsers(2'500));
    for (int i = 0; i < 3; ++i) Load(generator_.MakeUpdate(40));
    for (int i = 0; i < 20; ++i) {
      const size_t user = random_() % model_.size();
      if (!model_.Find("", model_.id(user)).has_value()) continue;  // erased before
      MustBeOk(world_.engine()
                   .erasures()
                   .Erase(world_.context(), {.users = {{"", model_.id(user)}}})
                   .status());
      model_.Erase(model_.id(user));
    }
  }

  void CompareOnce() {
    const query::Expression crowd = expressions_.Next();
    CompareRequest request{.rows_max = kCompareRowsMax,
                           .bins = 2 + static_cast<uint32_t>(random_() % 12)};
    std::vector<bool> baseline(model_.size(), true);
    if (random_() % 3 != 0) {
      request.baseline = expressions_.Next();
      baseline = model_.Test(std::get<query::Expression>(*request.baseline), clock_);
    } else {
      baseline = model_.Test({query::AllUsers()}, clock_);
    }
    SCOPED_TRACE(query::Format(crowd));
    const CompareResult result = Must(world_.engine().insights().Compare(
        world_.context(), {.what = crowd, .reference_us = EngineWorld::kStartUs}, request));
    const std::vector<bool> selected = model_.Test(crowd, clock_);
    EXPECT_EQ(result.count,
              static_cast<uint64_t>(std::count(selected.begin(), selected.end(), true)));
    ASSERT_EQ(result.tags.size(), model_.tags().size());
    for (const ComparedTag& tag : result.tags) {
      SCOPED_TRACE(tag.tag);
      for (const ComparedRow& row : tag.rows) ExpectRow(tag, row, selected, baseline);
      ExpectRow(tag, tag.missing, selected, baseline);
      ExpectWhole(tag, result);
    }
  }

 private:
  void Load(const testing::PlainBatch& batch) {
    world_.Load(batch, generator_.tags());
    model_.Apply(batch);
  }

  bool IsIn(uint32_t tag, const ComparedTag& compared, const ComparedRow& row, size_t user) const {
    const testing::PlainType type = model_.tags()[tag].type;
    if (type == testing::PlainType::kFlag) {
      const bool set = model_.Number(tag, user).value_or(0) != 0;
      return !row.is_missing && row.value == (set ? "true" : "false");
    }
    if (index::HasDictionary(compared.type)) {
      const std::set<std::string> texts = model_.Texts(tag, user);
      return row.is_missing ? texts.empty() : texts.count(row.value) > 0;
    }
    const std::optional<int64_t> number = model_.Number(tag, user);
    if (!number.has_value() || row.is_missing) return row.is_missing && !number.has_value();
    return row.lower.value_or(*number) <= *number && (!row.upper || *number < *row.upper);
  }

  void ExpectRow(const ComparedTag& tag, const ComparedRow& row, const std::vector<bool>& crowd,
                 const std::vector<bool>& baseline) const {
    uint32_t number = 0;
    while (model_.tags()[number].name != tag.tag) ++number;
    uint64_t in_crowd = 0;
    uint64_t in_baseline = 0;
    for (size_t user = 0; user < model_.size(); ++user) {
      if (!crowd[user] && !baseline[user]) continue;
      if (!IsIn(number, tag, row, user)) continue;
      in_crowd += crowd[user] ? 1 : 0;
      in_baseline += baseline[user] ? 1 : 0;
    }
    EXPECT_EQ(row.count, in_crowd) << LabelOf(row);
    EXPECT_EQ(row.baseline_count, in_baseline) << LabelOf(row);
    EXPECT_LE(row.difference.low, row.difference.difference);
    EXPECT_LE(row.difference.difference, row.difference.high);
  }

  // Where a user is in one row, the rows add up to the crowds.
  static void ExpectWhole(const ComparedTag& tag, const CompareResult& result) {
    if (tag.type == index::TagType::kLabels) return;
    uint64_t crowd = tag.missing.count;
    uint64_t baseline = tag.missing.baseline_count;
    for (const ComparedRow& row : tag.rows) {
      crowd += row.count;
      baseline += row.baseline_count;
    }
    EXPECT_EQ(crowd, result.count);
    EXPECT_EQ(baseline, result.baseline_count);
  }

  std::mt19937_64 random_;
  EngineWorld world_;
  testing::PopulationGenerator generator_;
  testing::ExpressionGenerator expressions_;
  testing::NaiveModel model_;
  const testing::NaiveClock clock_{"UTC", EngineWorld::kStartUs};
};

TEST(RandomCompareTest, CountsAsTheNaiveModel) {
  RandomComparisons comparisons(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(40); ++round) {
    comparisons.CompareOnce();
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace throng::engine
