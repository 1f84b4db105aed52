// Which numbers of an answer are withheld so that none of few users can be worked out.
#include "server/service/withhold.h"

#include <cstdint>
#include <fstream>
#include <iterator>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/error.h"
#include "server/service/call_scope.h"
#include "server/service/minimum_count.h"
#include "server/service/minimum_rules.h"
#include "server/service/withheld_answers.h"
#include "throng/v1/selection.pb.h"

namespace throng::service {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(WithholdTest, FieldsAreClearedAndNamedOnce) {
  v1::CountResponse response;
  response.set_count(7);
  Withhold(&response, {"count"});
  Withhold(&response, {"count"});
  EXPECT_EQ(response.count(), 0);
  EXPECT_THAT(response.withheld(), ElementsAre("count"));
}

TEST(WithholdTest, CellsOfASumHideBehindEachOther) {
  using Hidden = std::vector<bool>;
  EXPECT_EQ(WithheldCells({}, 10), Hidden());
  EXPECT_EQ(WithheldCells({10, 11}, 10), Hidden({false, false}));
  // One small cell would follow from the sum; two of few users as well, together.
  EXPECT_EQ(WithheldCells({9, 50, 11}, 10), Hidden({true, false, true}));
  EXPECT_EQ(WithheldCells({1, 2, 50, 11}, 10), Hidden({true, true, false, true}));
  EXPECT_EQ(WithheldCells({5, 5, 50}, 10), Hidden({true, true, false}));
  EXPECT_EQ(WithheldCells({0, 50}, 10), Hidden({true, true}));
  EXPECT_EQ(WithheldCells({3}, 10), Hidden({true}));
  EXPECT_EQ(WithheldCells({20, 30, 40}, 10, {true, false, false}), Hidden({true, true, false}));
}

TEST(WithholdTest, WhatIsWithheldIsNeitherAloneNorFew) {
  const auto seed = static_cast<uint32_t>(std::random_device()());
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 2'000; ++round) {
    const uint64_t minimum = 1 + random() % 20;
    std::vector<uint64_t> cells(random() % 8);
    for (uint64_t& cell : cells) cell = random() % (random() % 2 == 0 ? 5 : 60);
    const std::vector<bool> hidden = WithheldCells(cells, minimum);
    size_t count = 0;
    uint64_t sum = 0;
    for (size_t i = 0; i < cells.size(); ++i) {
      EXPECT_TRUE(hidden[i] || cells[i] >= minimum);
      count += hidden[i] ? 1 : 0;
      sum += hidden[i] ? cells[i] : 0;
    }
    const uint64_t all = std::accumulate(cells.begin(), cells.end(), uint64_t{0});
    EXPECT_TRUE(count == 0 || count == cells.size() || (count >= 2 && sum >= minimum))
        << all << " users, " << count << " cells of " << sum << " are withheld";
  }
}

TEST(WithholdTest, ShownNumbersAreApart) {
  Apart apart(10);
  EXPECT_FALSE(apart.Show(9));
  EXPECT_TRUE(apart.Show(10));
  EXPECT_FALSE(apart.Show(10));
  EXPECT_FALSE(apart.Show(19));
  EXPECT_TRUE(apart.Show(40));
  EXPECT_FALSE(apart.Show(31));
  EXPECT_TRUE(apart.Show(30));
  EXPECT_TRUE(apart.Show(20));
}

// Finished answers by themselves, for a caller with a minimum of 10.
class WithheldAnswersTest : public ::testing::Test {
 protected:
  WithheldAnswersTest() { who_.minimum_count = 10; }

  // Of 70 users, of whom so many have no value.
  static v1::StatisticsResponse Statistics(uint64_t missing) {
    v1::StatisticsResponse response;
    response.set_count(70);
    v1::TagStatistics* tag = response.add_tags();
    tag->set_with_value(70 - missing);
    tag->set_missing(missing);
    tag->set_average(7.5);
    tag->mutable_average_time()->set_seconds(7);
    return response;
  }
  v1::TagStatistics Withheld(v1::StatisticsResponse response) const {
    EXPECT_TRUE(WithholdFrom(scope_, v1::StatisticsRequest(), &response).ok());
    return response.tags(0);
  }
  static std::vector<uint64_t> CountsOf(const v1::Histogram& histogram) {
    std::vector<uint64_t> counts;
    for (const v1::HistogramBin& bin : histogram.bins()) counts.push_back(bin.count());
    return counts;
  }
  static std::vector<std::string> ShownPercentiles(const v1::TagStatistics& tag) {
    std::vector<std::string> shown;
    for (const v1::PercentileValue& each : tag.percentiles()) {
      if (each.has_value()) shown.push_back(each.percentile());
    }
    return shown;
  }
  static void SetVersion(v1::CrowdVersion* version) {
    version->set_current_count(500);
    version->set_computed_count(700);
    version->set_added(60);
    version->set_removed(40);
  }

  Admitted who_;
  engine::CallContext caller_;
  ServiceLimits limits_;
  const CallScope scope_{nullptr, caller_, limits_, who_};
};

// A warning that nobody has looked at is one that may count.
TEST_F(WithheldAnswersTest, OnlyWarningsThatCountNothingAreLeft) {
  v1::Crowd crowd;
  for (const char* reason :
       {"UNKNOWN_VALUE", "INEXACT_LITERAL", "UNKNOWN_IDS", "TOP_ASCENDING", "NEGATED_MISSING",
        "TAG_OFFLINE", "REDUNDANT_OR", "TAG_STALE", "ALWAYS_EMPTY", "LIMIT_LEFT_OUT",
        "ALWAYS_EVERYBODY", "MARGINALS_LEFT_OUT", "LIMIT_NOT_REACHED", "CONDITION_EMPTY",
        "CONDITION_EVERYBODY", "REDUNDANT_CONDITION", "CONTRADICTION", "A_NEW_ONE"}) {
    crowd.add_warnings()->set_reason(reason);
  }
  WithholdFrom(scope_, &crowd);
  std::vector<std::string> left;
  for (const v1::Warning& warning : crowd.warnings()) left.push_back(warning.reason());
  EXPECT_THAT(left, ElementsAre("INEXACT_LITERAL", "TOP_ASCENDING", "TAG_OFFLINE", "TAG_STALE",
                                "LIMIT_LEFT_OUT", "MARGINALS_LEFT_OUT"));
}

TEST_F(WithheldAnswersTest, PercentilesHaveUsersBetweenThem) {
  v1::StatisticsResponse response = Statistics(20);
  for (const char* percent : {"50", "22", "40", "69", "70", "80", "78"}) {
    v1::PercentileValue* added = response.mutable_tags(0)->add_percentiles();
    added->set_percentile(percent);
    added->mutable_value()->set_integer(1);
  }
  // The ranks are 25, 11, 20, 35 (34.5), 35, 40 and 39 of 50.
  EXPECT_THAT(ShownPercentiles(Withheld(response)), ElementsAre("50", "22", "69"));
  response.mutable_tags(0)->mutable_histogram()->add_bins()->set_count(50);
  EXPECT_THAT(ShownPercentiles(Withheld(response)), IsEmpty());
}

TEST_F(WithheldAnswersTest, AveragesAreShownBesideCountsThatAreShown) {
  const v1::TagStatistics many = Withheld(Statistics(20));
  EXPECT_EQ(many.with_value(), 50);
  EXPECT_EQ(many.average(), 7.5);
  EXPECT_EQ(many.average_time().seconds(), 7);
  for (const uint64_t missing : {3, 65}) {
    const v1::TagStatistics few = Withheld(Statistics(missing));
    EXPECT_EQ(few.with_value() + few.missing(), 0);
    EXPECT_FALSE(few.has_average());
    EXPECT_FALSE(few.has_average_time());
  }
}

TEST_F(WithheldAnswersTest, TheEndsOfPeriodsAreOpenAndOfMany) {
  v1::StatisticsResponse response = Statistics(20);
  int64_t day = 1;
  for (const uint64_t count : {3, 5, 20, 3, 0, 11, 4, 4}) {
    v1::HistogramBin* bin = response.mutable_tags(0)->mutable_histogram()->add_bins();
    bin->set_period("day " + std::to_string(day));
    bin->mutable_lower()->set_integer(day++);
    bin->mutable_upper()->set_integer(day);
    bin->set_count(count);
  }
  const v1::Histogram histogram = Withheld(response).histogram();
  // 28 and 19 at the ends; 3 and nobody between them, behind the smaller end.
  EXPECT_THAT(CountsOf(histogram), ElementsAre(28, 0, 0, 0));
  EXPECT_FALSE(histogram.bins(0).has_lower());
  EXPECT_EQ(histogram.bins(0).period(), "");
  EXPECT_EQ(histogram.bins(0).upper().integer(), 4);
  EXPECT_EQ(histogram.bins(1).period(), "day 4");
  EXPECT_THAT(histogram.bins(1).withheld(), ElementsAre("count", "share"));
  EXPECT_EQ(histogram.bins(3).lower().integer(), 6);
  EXPECT_FALSE(histogram.bins(3).has_upper());
  EXPECT_EQ(histogram.bins(3).period(), "");
}

TEST_F(WithheldAnswersTest, ErrorsDoNotSayHowFarValuesAreApart) {
  for (const char* reason : {"TOO_MANY_PERIODS", "TOO_MANY_BINS"}) {
    const absl::Status whole =
        index::MakeError(absl::StatusCode::kResourceExhausted, "from 1901-02-03 to 2026-11-30",
                         {.reason = reason, .field = "period", .limit = 7, .requested = 45'956});
    const absl::Status told = WithholdFromError(scope_, whole);
    EXPECT_EQ(told.code(), whole.code());
    EXPECT_THAT(std::string(told.message()), Not(HasSubstr("1901")));
    const auto detail = index::GetErrorDetail(told);
    ASSERT_TRUE(detail.has_value());
    EXPECT_EQ(detail->reason, reason);
    EXPECT_EQ(detail->field, "period");
    EXPECT_EQ(detail->limit, 7);
    EXPECT_EQ(detail->requested, 0);
    const Admitted anybody;
    EXPECT_EQ(WithholdFromError({nullptr, caller_, limits_, anybody}, whole), whole);
  }
  const absl::Status other = index::MakeError(absl::StatusCode::kNotFound, "no", {.reason = "NO"});
  EXPECT_EQ(WithholdFromError(scope_, other), other);
}

TEST_F(WithheldAnswersTest, ListsOfSeveralCrowdsHaveNoNumbers) {
  for (const int crowds : {1, 2}) {
    v1::ListCrowdsResponse list;
    v1::BatchRefreshCrowdsResponse refreshed;
    v1::ListSplitsResponse splits;
    for (int i = 0; i < crowds; ++i) {
      SetVersion(list.add_crowds()->mutable_newest_version());
      SetVersion(refreshed.add_crowds()->mutable_version());
      v1::Split* split = splits.add_splits();
      for (int arm = 0; arm < 2; ++arm) SetVersion(split->add_arms()->mutable_newest_version());
      split->add_arms();  // that was not refreshed
    }
    WithholdFrom(scope_, &list);
    WithholdFrom(scope_, &refreshed);
    WithholdFrom(scope_, &splits);
    for (int i = 0; i < crowds; ++i) {
      for (const v1::CrowdVersion* version :
           {&list.crowds(i).newest_version(), &refreshed.crowds(i).version(),
            &splits.splits(i).arms(0).newest_version(),
            &splits.splits(i).arms(1).newest_version()}) {
        EXPECT_EQ(version->current_count(), crowds == 1 ? 500 : 0);
        EXPECT_EQ(version->computed_count(), crowds == 1 ? 700 : 0);
        EXPECT_EQ(version->added(), crowds == 1 ? 60 : 0);
        EXPECT_EQ(version->removed(), crowds == 1 ? 40 : 0);
        EXPECT_EQ(version->withheld_size(), crowds == 1 ? 0 : 4);
      }
      EXPECT_FALSE(splits.splits(i).arms(2).has_newest_version());
    }
  }
}

TEST_F(WithheldAnswersTest, IdTypesDoNotSayHowFewLackAnId) {
  v1::ListIdTypesResponse response;
  for (const uint64_t count : {95, 100, 80, 9}) {
    v1::IdType* id_type = response.add_id_types();
    id_type->set_primary(count == 100);
    id_type->set_id_count(count);
  }
  WithholdFrom(scope_, &response);
  std::vector<uint64_t> shown;
  for (const v1::IdType& id_type : response.id_types()) shown.push_back(id_type.id_count());
  EXPECT_THAT(shown, ElementsAre(0, 100, 80, 0));
  EXPECT_THAT(response.id_types(0).withheld(), ElementsAre("id_count"));
}

TEST(MinimumRulesTest, EveryCallHasARow) {
  EXPECT_THAT(CheckMinimumRows(MinimumRows()), IsEmpty());
  for (const MinimumRow& row : MinimumRows()) {
    EXPECT_EQ(row.protection == Protection::kWithheld, HasWithholding(row.method)) << row.method;
  }
}

std::string DocumentRow(const MinimumRow& row) {
  std::string fields;
  for (const std::string_view path : row.refused_with) {
    fields += fmt::format("{}`{}`", fields.empty() ? "" : ", ", path);
  }
  return fmt::format(
      "| `{}` | {} | {} |\n", row.method,
      row.protection == Protection::kNothing ? "as for everybody" : "small numbers are withheld",
      fields);
}

TEST(MinimumRulesTest, TheDocumentHasTheTable) {
  std::ifstream file(THRONG_SOURCE_DIR "/docs/security.md");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  for (const MinimumRow& row : MinimumRows()) {
    if (row.protection == Protection::kRefused) continue;
    EXPECT_THAT(text, HasSubstr(DocumentRow(row)));
  }
}

TEST(MinimumRulesTest, WhatIsWrongWithRowsIsSaid) {
  const std::vector<MinimumRow> all(MinimumRows().begin(), MinimumRows().end());
  const auto findings = [](const std::vector<MinimumRow>& rows) {
    std::string text;
    for (const std::string& finding : CheckMinimumRows(rows)) text += finding + "\n";
    return text;
  };
  EXPECT_THAT(findings({all.begin() + 1, all.end()}),
              HasSubstr("AdminService/GetStats: a call that says nothing of callers with"));
  std::vector<MinimumRow> rows = all;
  rows.push_back(all.front());
  EXPECT_THAT(findings(rows), HasSubstr("AdminService/GetStats: there is no such call, or it has"));
  const auto with = [&](std::string_view method, const auto& change) {
    rows = all;
    for (MinimumRow& row : rows) {
      if (row.method == method) change(row);
    }
    return findings(rows);
  };
  EXPECT_THAT(with("SelectionService/Count", [](MinimumRow& row) { row.refused_with = {"nope"}; }),
              HasSubstr("CountRequest has no field \"nope\""));
  EXPECT_THAT(
      with("UserService/Load", [](MinimumRow& row) { row.protection = Protection::kWithheld; }),
      HasSubstr("UserService/Load: nothing is withheld from streams"));
}

}  // namespace
}  // namespace throng::service
