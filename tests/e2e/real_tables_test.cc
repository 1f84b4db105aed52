// Tables over two tags of the real data sets, from their files through `throng load` to `throng
// crosstab`: every cell against figures that were counted from the files with Python.
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/e2e/live_server_test.h"
#include "tests/e2e/plain_table.h"

namespace throng::e2e {
namespace {

using RealTablesTest = LiveServerTest;

// A value of the rows, and how many of its users have each of two values of the columns.
struct Row {
  std::string value;
  int64_t first = 0;
  int64_t second = 0;
};

std::string KeyOf(Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// Expects a table of `rows` by two columns and of nothing else: no others, nobody missing.
void ExpectTable(Json table, const std::vector<std::string>& columns,
                 const std::vector<Row>& rows) {
  ASSERT_TRUE(table.is_object());
  std::map<std::string, std::vector<int64_t>> expected;
  std::vector<int64_t> totals(2);
  for (const Row& row : rows) {
    expected[row.value] = {row.first, row.second};
    totals[0] += row.first;
    totals[1] += row.second;
  }
  EXPECT_EQ(table["count"], totals[0] + totals[1]);
  ASSERT_EQ(table["rows"]["entries"].size(), rows.size());
  ASSERT_EQ(table["columns"]["entries"].size(), 2u);
  ASSERT_EQ(table["cells"].size(), rows.size() + 2);
  for (size_t c = 0; c < 2; ++c) {
    EXPECT_EQ(KeyOf(table["columns"]["entries"][c]["value"]), columns[c]);
    EXPECT_EQ(table["columns"]["entries"][c]["count"], totals[c]);
  }
  int64_t before = totals[0] + totals[1];
  for (size_t r = 0; r < rows.size(); ++r) {
    Json& entry = table["rows"]["entries"][r];
    const std::string value = KeyOf(entry["value"]);
    ASSERT_TRUE(expected.contains(value)) << value;
    const std::vector<int64_t>& cells = expected.at(value);
    const int64_t users = cells[0] + cells[1];
    EXPECT_EQ(entry["count"], users) << value;
    EXPECT_EQ(table["cells"][r], Json({cells[0], cells[1], 0, 0})) << value;
    EXPECT_LE(users, before) << value << " stands behind a row of fewer users";
    before = users;
    for (size_t c = 0; c < 2; ++c) {
      const auto cell = static_cast<double>(cells[c]);
      const auto near = [&](const char* shares, int64_t of) {
        EXPECT_NEAR(table[shares][r][c].get<double>(), cell / static_cast<double>(of), 1e-12)
            << shares << " of " << value;
      };
      near("row_shares", users);
      near("column_shares", totals[c]);
      near("total_shares", totals[0] + totals[1]);
    }
    expected.erase(value);
  }
  for (size_t r = rows.size(); r < rows.size() + 2; ++r) {
    EXPECT_EQ(table["cells"][r], Json({0, 0, 0, 0})) << "others and missing";
  }
  EXPECT_EQ(table["rows"]["others"]["values"], 0);
}

TEST_F(RealTablesTest, AdultIncomeBySexAndByEducation) {
  const std::string path = DataFile("adult/adult.csv.gz");
  if (path.empty()) GTEST_SKIP() << NoDataMessage();
  const Throng adult = CreatePopulation(throng(), "adult");
  Load(adult, path,
       Write("adult.toml", "id = \"row-number\"\n" + Tag("sex", "CATEGORY") +
                               Tag("education", "CATEGORY") + Tag("income", "CATEGORY")));
  const auto table = [&](const std::string& expression, const std::string& rows) {
    return adult.Ask({"crosstab", expression, "--rows", rows, "--columns", "income"});
  };
  const std::vector<std::string> columns = {"<=50K", ">50K"};
  ExpectTable(table("all()", "sex"), columns, {{"Male", 15'128, 6'662}, {"Female", 9'592, 1'179}});
  ExpectTable(table("all()", "education"), columns,
              {{"HS-grad", 8'826, 1'675},
               {"Some-college", 5'904, 1'387},
               {"Bachelors", 3'134, 2'221},
               {"Masters", 764, 959},
               {"Assoc-voc", 1'021, 361},
               {"11th", 1'115, 60},
               {"Assoc-acdm", 802, 265},
               {"10th", 871, 62},
               {"7th-8th", 606, 40},
               {"Prof-school", 153, 423},
               {"9th", 487, 27},
               {"12th", 400, 33},
               {"Doctorate", 107, 306},
               {"5th-6th", 317, 16},
               {"1st-4th", 162, 6},
               {"Preschool", 51, 0}});
  ExpectTable(table("sex = 'Female'", "education"), columns,
              {{"HS-grad", 3'164, 226},
               {"Some-college", 2'609, 197},
               {"Bachelors", 1'280, 339},
               {"Masters", 357, 179},
               {"Assoc-voc", 433, 67},
               {"11th", 424, 8},
               {"Assoc-acdm", 365, 56},
               {"10th", 292, 3},
               {"7th-8th", 159, 1},
               {"12th", 140, 4},
               {"9th", 139, 5},
               {"Prof-school", 50, 42},
               {"Doctorate", 36, 50},
               {"5th-6th", 82, 2},
               {"1st-4th", 46, 0},
               {"Preschool", 16, 0}});
}

TEST_F(RealTablesTest, BankOutcomeByJobAndByMonth) {
  const std::string path = DataFile("bank-marketing/bank-full.csv.gz");
  if (path.empty()) GTEST_SKIP() << NoDataMessage();
  const Throng bank = CreatePopulation(throng(), "bank");
  Load(bank, path, Write("bank.toml", BankMonthsSchema()));
  const auto table = [&](const std::string& rows) {
    return bank.Ask({"crosstab", "all()", "--rows", rows, "--columns", "y"});
  };
  // Who said yes, and who did not.
  const std::vector<std::string> columns = {"true", "false"};
  ExpectTable(table("job"), columns,
              {{"blue-collar", 708, 9'024},
               {"management", 1'301, 8'157},
               {"technician", 840, 6'757},
               {"admin.", 631, 4'540},
               {"services", 369, 3'785},
               {"retired", 516, 1'748},
               {"self-employed", 187, 1'392},
               {"entrepreneur", 123, 1'364},
               {"unemployed", 202, 1'101},
               {"housemaid", 109, 1'131},
               {"student", 269, 669},
               {"unknown", 34, 254}});
  ExpectTable(table("month"), columns,
              {{"may", 925, 12'841},
               {"jul", 627, 6'268},
               {"aug", 688, 5'559},
               {"jun", 546, 4'795},
               {"nov", 403, 3'567},
               {"apr", 577, 2'355},
               {"feb", 441, 2'208},
               {"jan", 142, 1'261},
               {"oct", 323, 415},
               {"sep", 269, 310},
               {"mar", 248, 229},
               {"dec", 100, 114}});
}

}  // namespace
}  // namespace throng::e2e
