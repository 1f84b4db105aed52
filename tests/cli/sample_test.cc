#include <algorithm>
#include <map>
#include <set>

#include "cli/delimited_reader.h"
#include "cli/sample_population.h"
#include "cli/schema.h"
#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/file_fixture.h"
#include "tests/cli/row_fixture.h"

namespace throng::cli {
namespace {

constexpr uint64_t kUsers = 20'000;

class SampleTest : public testing::Test {
 protected:
  void SetUp() override {
    const absl::Status status =
        WriteSamplePopulation({.users = kUsers, .seed = 1}, directory_.Path("a"));
    ASSERT_TRUE(status.ok()) << status;
  }

  const TemporaryDirectory directory_;
};

TEST_F(SampleTest, TheSameSeedGivesTheSameBytes) {
  ASSERT_TRUE(WriteSamplePopulation({.users = kUsers, .seed = 1}, directory_.Path("b")).ok());
  ASSERT_TRUE(WriteSamplePopulation({.users = kUsers, .seed = 2}, directory_.Path("c")).ok());
  const std::string first = ReadFile(directory_.Path("a/users.csv"));
  EXPECT_EQ(first, ReadFile(directory_.Path("b/users.csv")));
  EXPECT_NE(first, ReadFile(directory_.Path("c/users.csv")));
  EXPECT_EQ(ReadFile(directory_.Path("a/schema.toml")), SampleSchema());
}

TEST_F(SampleTest, ItsSchemaLoadsIt) {
  const ParsedFile file = ParseFile(directory_.Path("a/users.csv"), SampleSchema());
  EXPECT_EQ(file.failure, "");
  EXPECT_EQ(file.errors, "");
  ASSERT_EQ(file.batches.size(), 1);
  EXPECT_EQ(file.batches[0].lines.size(), kUsers);
  const v1::ColumnBatch& batch = file.batches[0].request.batch();
  EXPECT_EQ(batch.ids().numbers().values(0), kSampleFirstId);
  EXPECT_EQ(batch.columns_size(), 25);
}

TEST_F(SampleTest, HasEveryTypeAndAboutSevenHundredValues) {
  const ParsedFile file = ParseFile(directory_.Path("a/users.csv"), SampleSchema());
  std::map<std::string, size_t> values;
  size_t total = 0;
  for (const v1::TagColumn& column : file.batches[0].request.batch().columns()) {
    const int count =
        column.has_labels() ? column.labels().values_size() : column.categories().values_size();
    values[column.tag()] = static_cast<size_t>(count);
    total += static_cast<size_t>(count);
  }
  EXPECT_EQ(values["city"], 300);
  EXPECT_EQ(values["interests"], 200);
  EXPECT_EQ(values["districts"], 120);
  EXPECT_GE(total, 650);
  EXPECT_LE(total, 750);
  const absl::StatusOr<Schema> schema = ParseSchema(SampleSchema(), "schema.toml");
  ASSERT_TRUE(schema.ok()) << schema.status();
  std::set<v1::TagType> types;
  for (const TagSchema& tag : schema->tags) {
    types.insert(tag.type);
    EXPECT_NE(tag.definition.display_name(), "") << tag.name;
    EXPECT_NE(tag.definition.path(), "") << tag.name;
  }
  EXPECT_EQ(types.size(), 7);
  // No two values of a tag are the same.
  EXPECT_EQ(std::set(SampleCities().begin(), SampleCities().end()).size(), 300);
  EXPECT_EQ(std::set(SampleInterests().begin(), SampleInterests().end()).size(), 200);
  EXPECT_EQ(std::set(SampleDistricts().begin(), SampleDistricts().end()).size(), 120);
}

TEST_F(SampleTest, IsSkewedClusteredAndIncomplete) {
  const ParsedFile file = ParseFile(directory_.Path("a/users.csv"), SampleSchema());
  const DecodedBatch batch = Decode(file.batches[0].request.batch());
  std::map<std::string, uint64_t> missing;
  std::map<std::string, uint64_t> cities;
  std::map<std::string, uint64_t> early;
  uint64_t labels = 0;
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    for (const auto& [tag, value] : batch.rows[i]) missing[tag] += value == "clear" ? 1 : 0;
    const std::string& city = batch.rows[i].at("city");
    ++cities[city];
    if (i < kUsers / 2) ++early[city];
    const std::string& interests = batch.rows[i].at("interests");
    labels += interests == "clear"
                  ? 0
                  : 1 + static_cast<uint64_t>(std::count(interests.begin(), interests.end(), '|'));
  }
  EXPECT_GT(missing["gender"], kUsers / 50);
  EXPECT_GT(missing["lease_end"], kUsers / 3);
  EXPECT_EQ(missing["city"], 0);
  EXPECT_GT(cities["Beijing"], kUsers / 20);  // of 300 cities
  // Cities that opened early have their users early, late ones late.
  const auto early_percent = [&](size_t first_city) {
    uint64_t before = 0;
    uint64_t all = 0;
    for (size_t i = first_city; i < first_city + 40; ++i) {
      before += early[SampleCities()[i]];
      all += cities[SampleCities()[i]];
    }
    return before * 100 / all;
  };
  EXPECT_GT(early_percent(30), 60);
  EXPECT_LT(early_percent(230), 40);
  EXPECT_GT(labels, kUsers * 3);
  EXPECT_LT(labels, kUsers * 5);
}

TEST(SampleOptionsTest, RefusesWhatItCannotWrite) {
  const TemporaryDirectory directory;
  EXPECT_EQ(WriteSamplePopulation({.users = 0}, directory.Path("x")).code(),
            absl::StatusCode::kInvalidArgument);
  const std::string file = directory.Write("file", "");
  EXPECT_FALSE(WriteSamplePopulation({.users = 1}, file + "/x").ok());
}

}  // namespace
}  // namespace throng::cli
