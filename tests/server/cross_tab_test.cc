// Cross-tabs of known answers through the engine, what is refused, and tables against the naive
// model on random populations with deltas and erased users.
#include "server/engine/cross_tab.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "server/engine/insights.h"
#include "tests/server/engine_world.h"
#include "tests/testing/expression_generator.h"
#include "tests/testing/naive_model.h"
#include "tests/testing/population_generator.h"
#include "tests/testing/seed.h"

namespace throng::engine {
namespace {

using Lines = std::vector<std::string>;

std::string LabelOf(const CrossTabEntry& entry) {
  if (!entry.lower.has_value() && !entry.upper.has_value()) return entry.value;
  return fmt::format("{}..{}", entry.lower.has_value() ? fmt::format("{}", *entry.lower) : "",
                     entry.upper.has_value() ? fmt::format("{}", *entry.upper) : "");
}

// "Beijing 2: 1 0 1", others and missing last.
Lines Print(const CrossTabResult& result) {
  Lines lines;
  for (size_t row = 0; row < result.rows.size(); ++row) {
    std::string line =
        fmt::format("{} {}:", LabelOf(result.rows.at(row)), result.rows.at(row).count);
    for (size_t column = 0; column < result.columns.size(); ++column) {
      line += fmt::format(" {}", result.cell(row, column));
    }
    lines.push_back(line);
  }
  std::string line = "=";
  for (size_t i = 0; i < result.columns.size(); ++i) {
    line += fmt::format(" {} {}", LabelOf(result.columns.at(i)), result.columns.at(i).count);
  }
  lines.push_back(line);
  return lines;
}

class CrossTabTest : public ::testing::Test {
 protected:
  CrossTabTest() { FillRental(&world_); }

  absl::StatusOr<CrossTabResult> Cross(const std::string& expression,
                                       const CrossTabRequest& request) {
    return world_.engine().insights().CrossTab(world_.context(), {.what = expression}, request);
  }
  void ExpectError(const CrossTabRequest& request, std::string_view reason, std::string_view field,
                   absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
    const absl::Status status = Cross("all()", request).status();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(ReasonOf(status), reason) << status;
    EXPECT_EQ(FieldOf(status), field) << status;
  }

  EngineWorld world_;
};

TEST_F(CrossTabTest, KnownAnswers) {
  const CrossTabResult result =
      *Cross("all()", {.rows = {.tag = "city"}, .columns = {.tag = "is_graduate"}});
  EXPECT_EQ(result.count, 6u);
  EXPECT_EQ(Print(result), (Lines{"Beijing 2: 1 1 0 0", "Tianjin 1: 1 0 0 0", "Wuhan 1: 0 1 0 0",
                                  " 0: 0 0 0 0", " 2: 1 1 0 0", "= true 3 false 3  0  0"}));
  EXPECT_EQ(result.rows.type, index::TagType::kCategory);
  EXPECT_EQ(
      Print(*Cross("city = 'Beijing'", {.rows = {.tag = "interests"}, .columns = {.tag = "city"}})),
      (Lines{"garden 2: 2 0 0", "metro 1: 1 0 0", " 0: 0 0 0", " 0: 0 0 0", "= Beijing 2  0  0"}));
}

TEST_F(CrossTabTest, NumbersAndTimesFallIntoBins) {
  EXPECT_EQ(Print(*Cross("all()", {.rows = {.tag = "views", .edges = {Whole(0), Whole(5)}},
                                   .columns = {.tag = "score", .edges = {Decimal(1, 0)}}})),
            (Lines{"..0 1: 0 1 0 0", "0..5 2: 1 0 0 1", "5.. 1: 0 1 0 0", " 0: 0 0 0 0",
                   " 2: 0 0 0 2", "= ..100 1 100.. 2  0  3"}));
  // A day of a DATETIME tag begins at midnight in the selection's zone.
  const CrossTabResult result = Must(world_.engine().insights().CrossTab(
      world_.context(), {.what = "all()", .time_zone = "Asia/Shanghai"},
      {.rows = {.tag = "seen", .edges = {Date(2024, 3, 15)}}, .columns = {.tag = "is_graduate"}}));
  EXPECT_EQ(result.rows.entries[0].count, 0u);
  EXPECT_EQ(result.rows.entries[1].count, 2u);
  EXPECT_EQ(result.rows.missing.count, 4u);
}

// With `top`, others are users, each once, whatever labels they have.
TEST_F(CrossTabTest, OthersAreUsersOnce) {
  const CrossTabResult result = *Cross(
      "all()", {.rows = {.tag = "interests", .top = 1}, .columns = {.tag = "city", .top = 1}});
  // garden u1 u3, metro u1 u2, pool and a|b\c u4.
  EXPECT_EQ(Print(result),
            (Lines{"garden 2: 2 0 0", " 3: 1 2 0", " 2: 0 0 2", "= Beijing 2  2  2"}));
  EXPECT_EQ(result.rows.others_values, 3u);
  EXPECT_EQ(result.columns.others_values, 2u);
}

TEST_F(CrossTabTest, ErrorsNameTheField) {
  const CrossTabAxisRequest city{.tag = "city"};
  ExpectError({.rows = {.tag = "citty"}, .columns = city}, "UNKNOWN_TAG", "rows.tag");
  ExpectError({.rows = city, .columns = {}}, "UNKNOWN_TAG", "columns.tag");
  ExpectError({.rows = city, .columns = {.tag = "views"}}, "NO_EDGES", "columns.edges");
  ExpectError({.rows = {.tag = "city", .edges = {Whole(1)}}, .columns = city}, "NOT_ORDERED",
              "rows.edges");
  ExpectError({.rows = {.tag = "views", .edges = {Whole(1), Whole(1)}}, .columns = city},
              "NOT_ASCENDING", "rows.edges[1]");
  // Both lie between 1 and 2: no number falls between them.
  ExpectError(
      {.rows = {.tag = "views", .edges = {Decimal(12, 1), Decimal(15, 1)}}, .columns = city},
      "NOT_ASCENDING", "rows.edges[1]");
  ExpectError({.rows = {.tag = "views", .edges = {Text("x")}}, .columns = city}, "WRONG_VALUE_TYPE",
              "rows.edges[0]");
  ExpectError({.rows = {.tag = "city", .top = 0}, .columns = city}, "VALUE_OUT_OF_RANGE",
              "rows.top");
  ExpectError({.rows = city, .columns = {.tag = "city", .top = kCrossTabTopMax + 1}},
              "VALUE_OUT_OF_RANGE", "columns.top");
  EXPECT_TRUE(
      Cross("all()", {.rows = city, .columns = {.tag = "city", .top = kCrossTabTopMax}}).ok());
}

TEST_F(CrossTabTest, EdgesAndCellsEndAtTheirLimits) {
  CrossTabAxisRequest views{.tag = "views"};
  for (uint32_t i = 0; i < kCrossTabEdgesMax; ++i) views.edges.push_back(Whole(i));
  const CrossTabResult result = *Cross("all()", {.rows = views, .columns = {.tag = "is_graduate"}});
  EXPECT_EQ(result.rows.entries.size(), kCrossTabEdgesMax + 1);
  // 97 + 3 columns x 997 + 3 rows are as many cells as there may be.
  CrossTabAxisRequest columns{.tag = "views"};
  columns.edges.assign(views.edges.begin(), views.edges.begin() + 97);
  CrossTabAxisRequest rows{.tag = "views"};
  rows.edges.assign(views.edges.begin(), views.edges.begin() + 997);
  EXPECT_TRUE(Cross("all()", {.rows = rows, .columns = columns}).ok());
  rows.edges.push_back(Whole(997));
  const absl::Status cells = Cross("all()", {.rows = rows, .columns = columns}).status();
  EXPECT_EQ(cells.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(index::GetErrorDetail(cells)->reason, "TOO_MANY_CELLS");
  EXPECT_EQ(index::GetErrorDetail(cells)->limit, kCrossTabCellsMax);
  EXPECT_EQ(index::GetErrorDetail(cells)->requested, kCrossTabCellsMax + 100);
  views.edges.push_back(Whole(kCrossTabEdgesMax));
  ExpectError({.rows = views, .columns = {.tag = "city"}}, "TOO_MANY_EDGES", "rows.edges");
}

TEST_F(CrossTabTest, ATagBeyondTheCallersLevelDoesNotExist) {
  const auto ask = [&](int level, const std::string& tag) {
    return world_.engine()
        .insights()
        .CrossTab(EngineWorld::Seeing(level), {.what = "all()"},
                  {.rows = {.tag = "city"}, .columns = {.tag = tag}})
        .status();
  };
  EXPECT_TRUE(ask(7, "income").ok());
  for (const char* name : {"income", "incom"}) {
    EXPECT_EQ(ReasonOf(ask(6, name)), "UNKNOWN_TAG");
    EXPECT_EQ(index::GetErrorDetail(ask(6, name))->suggestion, "");
  }
}

// The naive model's table: cells by the labels of both axes; "(missing)" and "(others)" beside.
class NaiveTable {
 public:
  NaiveTable(const testing::NaiveModel& model, const std::vector<bool>& crowd)
      : model_(model), crowd_(crowd) {}

  // The labels of a user on the axis.
  std::set<std::string> LabelsOf(uint32_t tag, const CrossTabAxis& axis, size_t user) const {
    const testing::PlainType type = model_.tags()[tag].type;
    std::set<std::string> texts;
    if (type == testing::PlainType::kFlag) {
      return {model_.Number(tag, user).value_or(0) != 0 ? "true" : "false"};
    }
    if (type == testing::PlainType::kCategory || type == testing::PlainType::kLabels) {
      texts = model_.Texts(tag, user);
    } else if (const std::optional<int64_t> number = model_.Number(tag, user)) {
      for (const CrossTabEntry& entry : axis.entries) {
        if (entry.lower.value_or(*number) <= *number && (!entry.upper || *number < *entry.upper)) {
          texts.insert(LabelOf(entry));
        }
      }
    }
    if (texts.empty()) return {"(missing)"};
    std::set<std::string> labels;
    for (const std::string& text : texts) {
      const bool shown =
          std::any_of(axis.entries.begin(), axis.entries.end(),
                      [&](const CrossTabEntry& entry) { return LabelOf(entry) == text; });
      labels.insert(shown ? text : "(others)");
    }
    return labels;
  }

  std::map<std::string, uint64_t> Count(uint32_t rows, uint32_t columns,
                                        const CrossTabResult& shape) const {
    std::map<std::string, uint64_t> counts;
    for (size_t user = 0; user < model_.size(); ++user) {
      if (!crowd_[user]) continue;
      const std::set<std::string> in_rows = LabelsOf(rows, shape.rows, user);
      const std::set<std::string> in_columns = LabelsOf(columns, shape.columns, user);
      for (const std::string& row : in_rows) {
        ++counts["row " + row];
        for (const std::string& column : in_columns) ++counts[row + " / " + column];
      }
      for (const std::string& column : in_columns) ++counts["column " + column];
    }
    return counts;
  }

 private:
  const testing::NaiveModel& model_;
  const std::vector<bool>& crowd_;
};

std::string PlaceOf(const CrossTabAxis& axis, size_t i) {
  if (i < axis.entries.size()) return LabelOf(axis.entries[i]);
  return i == axis.entries.size() ? "(others)" : "(missing)";
}

// The same of an answer; what is 0 is left out, as nobody is counted for it above.
std::map<std::string, uint64_t> CountsOf(const CrossTabResult& result) {
  std::map<std::string, uint64_t> counts;
  for (size_t r = 0; r < result.rows.size(); ++r) {
    counts["row " + PlaceOf(result.rows, r)] = result.rows.at(r).count;
    for (size_t c = 0; c < result.columns.size(); ++c) {
      counts[PlaceOf(result.rows, r) + " / " + PlaceOf(result.columns, c)] = result.cell(r, c);
    }
  }
  for (size_t c = 0; c < result.columns.size(); ++c) {
    counts["column " + PlaceOf(result.columns, c)] = result.columns.at(c).count;
  }
  std::erase_if(counts, [](const auto& entry) { return entry.second == 0; });
  return counts;
}

class RandomCrossTabs {
 public:
  explicit RandomCrossTabs(uint64_t seed)
      : random_(seed),
        world_({.query_threads = 2}),
        generator_({}, seed + 1),
        model_(generator_.tags()) {
    world_.CreateTags(generator_.tags());
    Load(generator_.NextUsers(3'000));
    for (int i = 0; i < 4; ++i) Load(generator_.MakeUpdate(40));
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

  void CompareOne() {
    testing::ExpressionGenerator expressions(generator_.expression_tags(), {.depth_max = 2},
                                             random_());
    const query::Expression expression = expressions.Next();
    const Selection selection{.what = expression, .reference_us = EngineWorld::kStartUs};
    const auto rows = static_cast<uint32_t>(random_() % model_.tags().size());
    const auto columns = static_cast<uint32_t>(random_() % model_.tags().size());
    const CrossTabRequest request{.rows = AxisOf(rows), .columns = AxisOf(columns)};
    const std::string what =
        fmt::format("{} (top {}) x {} (top {})", request.rows.tag, request.rows.top,
                    request.columns.tag, request.columns.top);
    const CrossTabResult result =
        Must(world_.engine().insights().CrossTab(world_.context(), selection, request));
    const std::vector<bool> crowd =
        model_.Test(expression, testing::NaiveClock("UTC", EngineWorld::kStartUs));
    ASSERT_EQ(result.count, static_cast<uint64_t>(std::count(crowd.begin(), crowd.end(), true)));
    ASSERT_EQ(CountsOf(result), NaiveTable(model_, crowd).Count(rows, columns, result)) << what;
    ExpectTop(rows, request.rows, result.rows, crowd);
  }

 private:
  void Load(const testing::PlainBatch& batch) {
    model_.Apply(batch);
    world_.Load(batch, generator_.tags());
  }

  CrossTabAxisRequest AxisOf(uint32_t tag) {
    CrossTabAxisRequest axis{.tag = model_.tags()[tag].name, .top = 500};
    if (random_() % 2 == 0) axis.top = static_cast<uint32_t>(1 + random_() % 4);
    const testing::GeneratorTag shape = generator_.expression_tags()[tag];
    if (!index::IsNumeric(shape.type)) return axis;
    std::set<int64_t> edges;
    for (uint64_t i = 1 + random_() % 5; i > 0; --i) {
      const size_t user = random_() % model_.size();
      edges.insert(model_.Number(tag, user).value_or(shape.low));
    }
    for (int64_t edge : edges) axis.edges.push_back(EdgeOf(shape, edge));
    return axis;
  }

  static query::Value EdgeOf(const testing::GeneratorTag& tag, int64_t number) {
    if (tag.type == index::TagType::kDateTime) return Micros(number);
    if (tag.type == index::TagType::kDate) {
      const absl::CivilDay day = absl::CivilDay(1970, 1, 1) + number;
      return Date(static_cast<int>(day.year()), day.month(), day.day());
    }
    return Decimal(number, tag.type == index::TagType::kDecimal ? tag.scale : 0);
  }

  // The entries are the values that most users have.
  void ExpectTop(uint32_t tag, const CrossTabAxisRequest& request, const CrossTabAxis& axis,
                 const std::vector<bool>& crowd) const {
    if (!index::HasDictionary(axis.type)) return;
    std::vector<std::pair<uint64_t, std::string>> values;
    for (const auto& [text, users] : model_.CountValues(tag, crowd)) {
      if (users > 0) values.emplace_back(~users, text);
    }
    std::sort(values.begin(), values.end());
    ASSERT_EQ(axis.entries.size(), std::min<size_t>(values.size(), request.top));
    for (size_t i = 0; i < axis.entries.size(); ++i) {
      ASSERT_EQ(axis.entries[i].value, values[i].second) << i;
    }
    ASSERT_EQ(axis.others_values, values.size() - axis.entries.size());
  }

  std::mt19937_64 random_;
  EngineWorld world_;
  testing::PopulationGenerator generator_;
  testing::NaiveModel model_;
};

TEST(CrossTabRandomTest, TablesAreThoseOfTheNaiveModel) {
  RandomCrossTabs tables(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(150); ++round) {
    tables.CompareOne();
    if (::testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace throng::engine
