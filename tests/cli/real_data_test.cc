// The known answers of the real files, computed from the batches that a load would send.
#include <map>
#include <sstream>

#include "absl/status/statusor.h"
#include "cli/byte_source.h"
#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/cli/file_fixture.h"
#include "tests/cli/row_fixture.h"

namespace throng::cli {
namespace {

// How many rows have each value of `tag`; for LABELS each label counts.
std::map<std::string, uint64_t> CountValues(const ParsedFile& file, const std::string& tag) {
  std::map<std::string, uint64_t> counts;
  for (const LoadBatch& part : file.batches) {
    for (const DecodedRow& row : Decode(part.request.batch()).rows) {
      const std::string& value = row.at(tag);
      size_t begin = 0;
      while (true) {
        const size_t stop = value.find('|', begin);
        ++counts[value.substr(begin, stop == value.npos ? value.npos : stop - begin)];
        if (stop == value.npos) break;
        begin = stop + 1;
      }
    }
  }
  return counts;
}

int64_t SumOf(const ParsedFile& file, const std::string& tag) {
  int64_t sum = 0;
  for (const auto& [value, count] : CountValues(file, tag)) {
    if (value != "leave") sum += std::stoll(value) * static_cast<int64_t>(count);
  }
  return sum;
}

std::string Tag(std::string_view name, std::string_view type, std::string_view more = "") {
  return fmt::format("[[tag]]\nname = \"{}\"\ntype = \"{}\"\n{}\n", name, type, more);
}

#define SKIP_WITHOUT(path) \
  if (path.empty()) GTEST_SKIP() << "no real data at hand"

TEST(RealDataTest, BankFull) {
  const std::string path = DataFile("bank-marketing/bank-full.csv.gz");
  SKIP_WITHOUT(path);
  const ParsedFile file =
      ParseFile(path, "delimiter = \";\"\nid = \"row-number\"\n" + Tag("y", "FLAG") +
                          Tag("marital", "CATEGORY") + Tag("job", "CATEGORY") +
                          Tag("balance", "INTEGER") + Tag("campaign", "INTEGER"));
  ASSERT_EQ(file.failure + file.errors, "");
  EXPECT_EQ(file.rows_read, 45'211);
  EXPECT_EQ(CountValues(file, "y")["true"], 5'289);
  auto marital = CountValues(file, "marital");
  EXPECT_EQ(marital["married"], 27'214);
  EXPECT_EQ(marital["single"], 12'790);
  EXPECT_EQ(marital["divorced"], 5'207);
  auto job = CountValues(file, "job");
  EXPECT_EQ(job["blue-collar"], 9'732);
  EXPECT_EQ(job["unknown"], 288);
  EXPECT_EQ(SumOf(file, "balance"), 61'589'682);
  EXPECT_EQ(SumOf(file, "campaign"), 124'956);
}

TEST(RealDataTest, BankAdditionalHasCarriageReturnsAndDots) {
  const std::string path = DataFile("bank-marketing/bank-additional-full.csv.gz");
  SKIP_WITHOUT(path);
  const ParsedFile file =
      ParseFile(path, "delimiter = \";\"\nid = \"row-number\"\n" + Tag("y", "FLAG") +
                          Tag("default", "CATEGORY") + Tag("emp.var.rate", "DECIMAL", "scale = 1") +
                          Tag("pdays", "INTEGER"));
  ASSERT_EQ(file.failure + file.errors, "");
  EXPECT_EQ(file.rows_read, 41'188);
  EXPECT_EQ(CountValues(file, "y")["true"], 4'640);
  EXPECT_EQ(CountValues(file, "default")["unknown"], 8'597);
  EXPECT_EQ(CountValues(file, "pdays")["999"], 39'673);
}

TEST(RealDataTest, Adult) {
  const std::string path = DataFile("adult/adult.csv.gz");
  SKIP_WITHOUT(path);
  const ParsedFile file =
      ParseFile(path, "id = \"row-number\"\nmissing = [\"?\"]\n" + Tag("income", "CATEGORY") +
                          Tag("sex", "CATEGORY") + Tag("workclass", "CATEGORY") +
                          Tag("occupation", "CATEGORY") + Tag("fnlwgt", "INTEGER"));
  ASSERT_EQ(file.failure + file.errors, "");
  EXPECT_EQ(file.rows_read, 32'561);
  EXPECT_EQ(CountValues(file, "income")[">50K"], 7'841);
  EXPECT_EQ(CountValues(file, "sex")["Female"], 10'771);
  EXPECT_EQ(CountValues(file, "workclass")["leave"], 1'836);
  EXPECT_EQ(CountValues(file, "occupation")["leave"], 1'843);
  EXPECT_EQ(SumOf(file, "fnlwgt"), 6'179'373'392);
}

TEST(RealDataTest, OnlineRetailHasFloatIdsAndQuotes) {
  const std::string path = DataFile("online-retail/online-retail.csv.gz");
  SKIP_WITHOUT(path);
  const ParsedFile file = ParseFile(
      path, "id_column = \"CustomerID\"\nintegral_floats = true\nmissing_id = \"skip\"\n" +
                Tag("Country", "CATEGORY") + Tag("Quantity", "INTEGER") +
                Tag("InvoiceDate", "DATETIME") + Tag("Description", "CATEGORY"));
  ASSERT_EQ(file.failure + file.errors, "");
  EXPECT_EQ(file.rows_read, 541'909);
  EXPECT_EQ(file.rows_skipped, 135'080);
  std::map<std::string, int> customers;
  for (const LoadBatch& batch : file.batches) {
    EXPECT_TRUE(batch.request.batch().ids().has_numbers());
    for (const std::string& id : Decode(batch.request.batch()).ids) ++customers[id];
  }
  EXPECT_EQ(customers.size(), 4'372);
  const ParsedFile all = ParseFile(
      path, "id = \"row-number\"\n" + Tag("Quantity", "INTEGER") + Tag("Country", "CATEGORY"));
  EXPECT_EQ(SumOf(all, "Quantity"), 5'176'450);
  EXPECT_EQ(CountValues(all, "Country")["United Kingdom"], 495'478);
}

TEST(RealDataTest, NewCoderSurveyHasChoicesInColumns) {
  const std::string path = DataFile("fcc-new-coder-2016/new-coder-survey-2016-part1.csv.gz");
  SKIP_WITHOUT(path);
  const ParsedFile file = ParseFile(
      path, "id_column = \"#\"\n" + Tag("developer", "FLAG", "column = \"#1\"") +
                Tag("events", "LABELS",
                    "columns = [\"#9\", \"#10\", \"#11\", \"#12\", \"#13\", \"#14\", \"#15\", "
                    "\"#16\", \"#17\"]") +
                Tag("started", "DATETIME", "column = \"Start Date (UTC)\"") +
                Tag("resources", "LABELS", "labels = {\"#21\" = \"fcc\", \"#24\" = \"academy\"}"));
  ASSERT_EQ(file.failure + file.errors, "");
  EXPECT_EQ(file.rows_read, 15'653);
  EXPECT_EQ(CountValues(file, "developer")["true"], 4'309);
  EXPECT_EQ(CountValues(file, "events")["hackathons"], 2'429);
  EXPECT_EQ(CountValues(file, "events")["None"], 8'612);
  EXPECT_EQ(CountValues(file, "resources")["fcc"], 10'959);
  EXPECT_EQ(CountValues(file, "resources")["academy"], 9'607);
  const auto started = CountValues(file, "started");
  EXPECT_EQ(started.begin()->first, "1459286483000000");   // 2016-03-29 21:21:23
  EXPECT_EQ(started.rbegin()->first, "1462216257000000");  // 2016-05-02 19:10:57
}

TEST(RealDataTest, OuladRegistrationHasFloatsAndBlanks) {
  const std::string path = DataFile("oulad/studentRegistration.csv");
  SKIP_WITHOUT(path);
  const ParsedFile file =
      ParseFile(path, "id = \"row-number\"\nintegral_floats = true\n" +
                          Tag("date_registration", "INTEGER") + Tag("id_student", "INTEGER"));
  ASSERT_EQ(file.failure + file.errors, "");
  EXPECT_EQ(file.rows_read, 32'593);
  EXPECT_EQ(CountValues(file, "date_registration")["leave"], 45);
  EXPECT_EQ(CountValues(file, "id_student").size(), 28'785);
}

// User lines and the area lines after them, turned into (user, area) rows.
TEST(RealDataTest, WebVisitsInTheLongForm) {
  const std::string path = DataFile("msweb/anonymous-msweb.data.gz");
  SKIP_WITHOUT(path);
  const TemporaryDirectory directory;
  absl::StatusOr<std::unique_ptr<ByteSource>> source = OpenByteSource(path);
  ASSERT_TRUE(source.ok()) << source.status();
  std::string text(size_t{8} << 20, '\0');
  size_t size = 0;
  while (true) {
    const absl::StatusOr<size_t> count = (*source)->Read(text.data() + size, text.size() - size);
    ASSERT_TRUE(count.ok()) << count.status();
    if (*count == 0) break;
    size += *count;
  }
  text.resize(size);
  std::istringstream lines(text);
  std::string triples = "user,tag,value\n";
  std::string user;
  for (std::string line; std::getline(lines, line);) {
    const size_t comma = line.find(',', 2);
    if (line.starts_with("C,")) user = line.substr(line.rfind(',') + 1);
    if (user.ends_with('\r')) user.pop_back();
    if (line.starts_with("V,")) {
      triples += fmt::format("{},areas,{}\n", user, line.substr(2, comma - 2));
    }
  }
  const ParsedFile file = ParseFile(
      directory.Write("visits.csv", triples),
      "form = \"long\"\nuser_column = \"user\"\ntag_column = \"tag\"\nvalue_column = \"value\"\n" +
          Tag("areas", "LABELS"));
  ASSERT_EQ(file.failure + file.errors, "");
  EXPECT_EQ(file.rows_read, 98'654);
  size_t users = 0;
  for (const LoadBatch& batch : file.batches) users += batch.lines.size();
  EXPECT_EQ(users, 32'711);
  auto areas = CountValues(file, "areas");
  EXPECT_EQ(areas.size(), 285);
  EXPECT_EQ(areas["1008"], 10'836);
  EXPECT_EQ(areas["1034"], 9'383);
  EXPECT_EQ(areas["1004"], 8'463);
}

}  // namespace
}  // namespace throng::cli
