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
#include "server/service/minimum_count.h"
#include "server/service/minimum_rules.h"
#include "throng/v1/selection.pb.h"

namespace throng::service {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

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
