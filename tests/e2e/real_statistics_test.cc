// Statistics of the real data sets, from their files through `throng load` to `throng statistics`,
// against the same figures made here from the files.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/e2e/live_server_test.h"

namespace throng::e2e {
namespace {

using RealStatisticsTest = LiveServerTest;

// The numbers of a column of a file without commas in its fields, sorted.
std::vector<int64_t> SortedColumn(const std::string& path, size_t column) {
  std::vector<int64_t> numbers;
  bool header = true;
  for (const std::string& line : LinesOf(ReadGzip(path))) {
    size_t begin = 0;
    for (size_t i = 0; i < column; ++i) begin = line.find(',', begin) + 1;
    if (!header) numbers.push_back(std::atoll(line.c_str() + begin));
    header = false;
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

// `tag` as `throng statistics` gives it, with percentiles in tenths of a percent and bins.
void ExpectFigures(Json& tag, const std::vector<int64_t>& sorted,
                   const std::vector<size_t>& tenths) {
  int64_t sum = 0;
  for (int64_t number : sorted) sum += number;
  const auto n = static_cast<double>(sorted.size());
  EXPECT_EQ(tag["with_value"], sorted.size());
  EXPECT_EQ(tag["missing"], 0);
  EXPECT_EQ(tag["sum"], sum);
  EXPECT_DOUBLE_EQ(tag["average"].get<double>(), static_cast<double>(sum) / n);
  EXPECT_EQ(tag["min"], sorted.front());
  EXPECT_EQ(tag["max"], sorted.back());
  ASSERT_EQ(tag["percentiles"].size(), tenths.size());
  for (size_t i = 0; i < tenths.size(); ++i) {
    const size_t rank = std::max<size_t>((tenths[i] * sorted.size() + 999) / 1'000, 1);
    EXPECT_EQ(tag["percentiles"][i]["value"], sorted[rank - 1]) << tenths[i];
  }
  int64_t counted = 0;
  for (Json& bin : tag["histogram"]) {
    const auto lower = bin["lower"].get<int64_t>();
    const auto upper = bin["upper"].get<int64_t>();
    const bool includes_upper = bin["includes_upper"].get<bool>();
    const auto count = std::count_if(sorted.begin(), sorted.end(), [&](int64_t number) {
      return lower <= number && (number < upper || (includes_upper && number == upper));
    });
    EXPECT_EQ(bin["count"], count) << lower;
    counted += count;
  }
  EXPECT_EQ(counted, static_cast<int64_t>(sorted.size()));
}

TEST_F(RealStatisticsTest, AdultAgesAndHours) {
  const std::string path = DataFile("adult/adult.csv.gz");
  if (path.empty()) GTEST_SKIP() << NoDataMessage();
  const Throng adult = CreatePopulation(throng(), "adult");
  const std::string schema = File("adult.toml");
  ASSERT_EQ(adult.Run({"schema", "infer", path, "-o", schema}).exit_code, 0);
  Load(adult, path, schema);
  Json answer = adult.Ask({"statistics", "all()", "--tags", "age,hours.per.week,fnlwgt",
                           "--percentiles", "0,0.1,25,50,75,90,99.9,100", "--bins", "20"});
  EXPECT_EQ(answer["count"], 32'561);
  ASSERT_EQ(answer["tags"].size(), 3u);
  const std::vector<size_t> tenths = {0, 1, 250, 500, 750, 900, 999, 1'000};
  ExpectFigures(answer["tags"][0], SortedColumn(path, 0), tenths);
  ExpectFigures(answer["tags"][1], SortedColumn(path, 12), tenths);
  // Further apart than 2^20: in two passes.
  ExpectFigures(answer["tags"][2], SortedColumn(path, 2), tenths);
}

TEST_F(RealStatisticsTest, OnlineRetailByMonthAndDay) {
  const std::string path = DataFile("online-retail/online-retail.csv.gz");
  if (path.empty()) GTEST_SKIP() << NoDataMessage();
  // Descriptions hold commas; days have a form of their own.
  std::map<std::string, int64_t> months;
  std::map<std::string, int64_t> days;
  for (const std::string& line : LinesOf(ReadGzip(path))) {
    for (size_t at = line.find(",201"); at != std::string::npos; at = line.find(",201", at + 1)) {
      if (line.size() < at + 20 || line[at + 5] != '-' || line[at + 11] != ' ') continue;
      ++months[line.substr(at + 1, 7)];
      ++days[line.substr(at + 1, 10)];
      break;
    }
  }
  const Throng retail = CreatePopulation(throng(), "retail");
  Load(retail, path, Write("rows.toml", "id = \"row-number\"\n" + Tag("InvoiceDate", "DATETIME")));
  const auto counts = [&](const std::string& period) {
    std::map<std::string, int64_t> found;
    Json answer = retail.Ask({"statistics", "all()", "--tags", "InvoiceDate", "--by", period});
    for (Json& bin : answer["tags"][0]["histogram"]) {
      if (bin["count"] != 0) found[bin["period"].get<std::string>()] = bin["count"].get<int64_t>();
    }
    return found;
  };
  EXPECT_EQ(months.at("2010-12"), 42'481);
  EXPECT_EQ(counts("month"), months);
  EXPECT_EQ(counts("day"), days);
}

}  // namespace
}  // namespace throng::e2e
