#include "cli/batch_builder.h"

#include <algorithm>
#include <map>
#include <random>
#include <string>

#include "cli/text_dictionary.h"
#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/file_fixture.h"
#include "tests/cli/row_fixture.h"

namespace throng::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kSchema = R"(
id_column = "id"
missing = ["", "NULL"]
[[tag]]
name = "city"
type = "CATEGORY"
[[tag]]
name = "likes"
type = "LABELS"
separator = "|"
[[tag]]
name = "age"
type = "INTEGER"
[[tag]]
name = "vip"
type = "FLAG"
[[tag]]
name = "spend"
type = "DECIMAL"
scale = 2
[[tag]]
name = "born"
type = "DATE"
)";
constexpr std::string_view kHeader = "id,city,likes,age,vip,spend,born\n";

class BatchBuilderTest : public testing::Test {
 protected:
  ParsedFile Parse(std::string_view rows, std::string_view schema = kSchema,
                   std::string_view header = kHeader, size_t batch_rows = 65'536) {
    const std::string path = directory_.Write("f.csv", std::string(header) + std::string(rows));
    return ParseFile(path, schema, batch_rows);
  }
  DecodedBatch DecodeOne(const ParsedFile& file) {
    EXPECT_EQ(file.batches.size(), 1) << file.failure << file.errors;
    return file.batches.empty() ? DecodedBatch() : Decode(file.batches[0].request.batch());
  }

  const TemporaryDirectory directory_;
};

TEST_F(BatchBuilderTest, PacksEveryType) {
  const ParsedFile file = Parse("7,Paris,a|b,30,yes,1.5,1970-01-02\n8,Rome,b|c|b,-1,0,-2,\n");
  const DecodedBatch batch = DecodeOne(file);
  EXPECT_THAT(batch.ids, ElementsAre("7", "8"));
  EXPECT_EQ(batch.rows[0], (DecodedRow{{"city", "Paris"},
                                       {"likes", "a|b"},
                                       {"age", "30"},
                                       {"vip", "true"},
                                       {"spend", "150"},
                                       {"born", "1"}}));
  EXPECT_EQ(batch.rows[1], (DecodedRow{{"city", "Rome"},
                                       {"likes", "b|c"},
                                       {"age", "-1"},
                                       {"vip", "false"},
                                       {"spend", "-200"},
                                       {"born", "leave"}}));
  EXPECT_THAT(file.batches[0].lines, ElementsAre(2, 3));
  EXPECT_EQ(file.batches[0].request.batch().batch_number(), 1);
}

TEST_F(BatchBuilderTest, TellsLeaveFromClear) {
  const DecodedRow left = DecodeOne(Parse("7,NULL,,,,,\n")).rows[0];
  for (const auto& [tag, value] : left) EXPECT_EQ(value, "leave") << tag;
  EXPECT_EQ(left.size(), 6);
  const std::string clearing = "on_missing = \"clear\"\n" + std::string(kSchema);
  const DecodedRow cleared = DecodeOne(Parse("7,NULL,,,,,\n", clearing)).rows[0];
  for (const auto& [tag, value] : cleared) EXPECT_EQ(value, "clear") << tag;
}

TEST_F(BatchBuilderTest, SendsIdsAsNumbersOnlyWhenAllAre) {
  const std::string rest = ",,,,,,\n";
  const ParsedFile numbers = Parse("7" + rest + "18446744073709551615" + rest);
  EXPECT_TRUE(numbers.batches[0].request.batch().ids().has_numbers());
  EXPECT_THAT(DecodeOne(numbers).ids, ElementsAre("7", "18446744073709551615"));
  for (const std::string odd : {"u1", "007", "18446744073709551616", "-1", "\xC3\xA9"}) {
    const ParsedFile texts = Parse("7" + rest + odd + rest + "9" + rest);
    EXPECT_TRUE(texts.batches[0].request.batch().ids().has_texts());
    EXPECT_THAT(DecodeOne(texts).ids, ElementsAre("7", odd, "9"));
  }
}

TEST_F(BatchBuilderTest, CountsRowsAsIds) {
  const std::string schema = "id = \"row-number\"\n[[tag]]\nname = \"age\"\ntype = \"INTEGER\"\n";
  const ParsedFile file = Parse("5\nx\n7\n", schema, "age\n");
  EXPECT_THAT(DecodeOne(file).ids, ElementsAre("1", "3"));
  EXPECT_THAT(file.errors, HasSubstr("f:3: column 'age': value 'x': not a whole number"));
}

TEST_F(BatchBuilderTest, RefusesRowsAndNamesEveryCell) {
  const ParsedFile file = Parse(
      "7,Paris,a,30,yes,1.555,\n"
      "8,Paris,a,thirty,perhaps,1,\n"
      ",Paris,a,1,1,1,\n" +
      std::string(129, 'x') + ",Paris,a,1,1,1,\n" + "9," + std::string(1025, 'y') +
      ",,,,,\n10,ok,,,,,\n");
  EXPECT_THAT(DecodeOne(file).ids, ElementsAre("10"));
  EXPECT_THAT(file.errors, HasSubstr("f:2: column 'spend': value '1.555': has more decimals"));
  EXPECT_THAT(file.errors, HasSubstr("f:3: column 'age': value 'thirty': not a whole number"));
  EXPECT_THAT(file.errors, HasSubstr("f:3: column 'vip': value 'perhaps': neither true nor false"));
  EXPECT_THAT(file.errors, HasSubstr("f:4: column 'id': value '': the id is missing"));
  EXPECT_THAT(file.errors, HasSubstr("the id has 129 bytes, more than 128"));
  EXPECT_THAT(file.errors, HasSubstr("yyy... (1025 bytes)': has 1025 bytes, more than 1024"));
}

TEST_F(BatchBuilderTest, SkipsRowsWithoutIdsWhereTold) {
  const ParsedFile file =
      Parse("17850.0,1\n,2\n17851.0,3\n",
            "id_column = \"id\"\nintegral_floats = true\nmissing_id = \"skip\"\n"
            "[[tag]]\nname = \"age\"\ntype = \"INTEGER\"\n",
            "id,age\n");
  EXPECT_THAT(DecodeOne(file).ids, ElementsAre("17850", "17851"));
  EXPECT_EQ(file.rows_skipped, 1);
  EXPECT_THAT(file.errors, IsEmpty());
}

TEST_F(BatchBuilderTest, GathersLabelsFromColumns) {
  const std::string schema = R"(
id_column = "#0"
[[tag]]
name = "events"
type = "LABELS"
columns = ["#1", "#2"]
[[tag]]
name = "topics"
type = "LABELS"
labels = {"c" = "See", "d" = "Dee"}
)";
  const DecodedBatch batch =
      DecodeOne(Parse("1,a,b,x,\n2,,b,,\n3,,,1,1\n", schema, "id,o,o,c,d\n"));
  EXPECT_EQ(batch.rows[0], (DecodedRow{{"events", "a|b"}, {"topics", "See"}}));
  EXPECT_EQ(batch.rows[1], (DecodedRow{{"events", "b"}, {"topics", "leave"}}));
  EXPECT_EQ(batch.rows[2], (DecodedRow{{"events", "leave"}, {"topics", "See|Dee"}}));
}

TEST_F(BatchBuilderTest, SplitsAtTheRowLimitAndStartsAnew) {
  const ParsedFile file =
      Parse("1,a,,,,,\n2,b,,,,,\n3,c,,,,,\n4,a,,,,,\n5,a,,,,,\n", kSchema, kHeader, 2);
  ASSERT_EQ(file.batches.size(), 3);
  EXPECT_EQ(file.batches[1].request.batch().batch_number(), 2);
  const DecodedBatch second = Decode(file.batches[1].request.batch());
  EXPECT_THAT(second.ids, ElementsAre("3", "4"));
  EXPECT_EQ(second.rows[0].at("city"), "c");
  EXPECT_EQ(second.rows[1].at("city"), "a");
  EXPECT_THAT(file.batches[2].lines, ElementsAre(6));
}

TEST_F(BatchBuilderTest, StaysBelowTheMessageLimit) {
  const std::string schema = "id = \"row-number\"\n[[tag]]\nname = \"text\"\ntype = \"CATEGORY\"\n";
  std::string rows;
  for (int i = 0; i < 50'000; ++i) rows += fmt::format("{:x<1000}\n", i);
  const ParsedFile file = Parse(rows, schema, "text\n");
  EXPECT_GT(file.batches.size(), 1);
  size_t total = 0;
  for (const LoadBatch& batch : file.batches) {
    EXPECT_LT(batch.request.ByteSizeLong(), size_t{32} << 20);
    total += batch.lines.size();
  }
  EXPECT_EQ(total, 50'000);
}

constexpr std::string_view kLongSchema = R"(
form = "long"
user_column = "u"
tag_column = "t"
value_column = "v"
[[tag]]
name = "areas"
type = "LABELS"
[[tag]]
name = "age"
type = "INTEGER"
[[tag]]
name = "city"
type = "CATEGORY"
)";

TEST_F(BatchBuilderTest, CollectsTheLongForm) {
  const ParsedFile file = Parse(
      "7,areas,x\n8,age,30\n7,city,Rome\n8,areas,y\n7,areas,z\n7,city,Paris\n7,areas,x\n"
      "9,city,\n8,age,31\n",
      kLongSchema, "u,t,v\n");
  const DecodedBatch batch = DecodeOne(file);
  EXPECT_THAT(batch.ids, ElementsAre("7", "8", "9"));
  EXPECT_EQ(batch.rows[0], (DecodedRow{{"areas", "x|z"}, {"age", "leave"}, {"city", "Paris"}}));
  EXPECT_EQ(batch.rows[1], (DecodedRow{{"areas", "y"}, {"age", "31"}, {"city", "leave"}}));
  EXPECT_EQ(batch.rows[2], (DecodedRow{{"areas", "leave"}, {"age", "leave"}, {"city", "leave"}}));
  EXPECT_THAT(file.batches[0].lines, ElementsAre(2, 3, 9));
}

TEST_F(BatchBuilderTest, RefusesRowsOfTheLongForm) {
  const ParsedFile file = Parse("7,area,x\n8,age,old\n,age,1\n9,age,2\n", kLongSchema, "u,t,v\n");
  EXPECT_THAT(DecodeOne(file).ids, ElementsAre("9"));
  EXPECT_THAT(file.errors, HasSubstr("f:2: column 't': value 'area': the schema has no such tag; "
                                     "did you mean 'areas'?"));
  EXPECT_THAT(file.errors,
              HasSubstr("f:3: column 'v': value 'old': tag 'age': not a whole number"));
  EXPECT_THAT(file.errors, HasSubstr("f:4: column 'u': value '': the id is missing"));
}

// The long form of random triples is what a map of maps says.
TEST_F(BatchBuilderTest, CollectsRandomTriples) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937 random(seed);
  std::map<std::string, std::map<std::string, std::vector<std::string>>> expected;
  std::string rows;
  for (int i = 0; i < 3'000; ++i) {
    const std::string user = std::to_string(random() % 500);
    const std::string tag = random() % 2 == 0 ? "areas" : random() % 2 == 0 ? "age" : "city";
    const std::string value = std::to_string(random() % 40);
    rows += fmt::format("{},{},{}\n", user, tag, value);
    std::vector<std::string>& values = expected[user][tag];
    if (tag != "areas") values.clear();
    if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
  }
  const ParsedFile file = Parse(rows, kLongSchema, "u,t,v\n", 100);
  size_t users = 0;
  for (const LoadBatch& part : file.batches) {
    const DecodedBatch batch = Decode(part.request.batch());
    for (size_t i = 0; i < batch.ids.size(); ++i, ++users) {
      for (const auto& [tag, value] : batch.rows[i]) {
        const auto it = expected[batch.ids[i]].find(tag);
        std::string text;
        for (size_t j = 0; it != expected[batch.ids[i]].end() && j < it->second.size(); ++j) {
          text += (j == 0 ? "" : "|") + it->second[j];
        }
        EXPECT_EQ(value, text.empty() ? "leave" : text) << batch.ids[i] << " " << tag;
      }
    }
  }
  EXPECT_EQ(users, expected.size());
}

TEST_F(BatchBuilderTest, RefusesFilesWithoutRows) {
  EXPECT_THAT(Parse("", kSchema, "").failure, HasSubstr("the file is empty"));
  EXPECT_THAT(Parse("", kSchema).failure, HasSubstr("the file has a header and no rows"));
  EXPECT_THAT(Parse("1;2\n", kSchema, "id;city;likes\n").failure,
              HasSubstr("the delimiter seems to be ';'"));
}

TEST_F(BatchBuilderTest, ReadsFilesWithoutHeader) {
  const DecodedBatch batch =
      DecodeOne(Parse("1,30\n2,31\n",
                      "header = false\nid_column = \"#0\"\n[[tag]]\n"
                      "name = \"age\"\ncolumn = \"#1\"\ntype = \"INTEGER\"\n",
                      ""));
  EXPECT_THAT(batch.ids, ElementsAre("1", "2"));
  EXPECT_EQ(batch.rows[1].at("age"), "31");
}

// Texts shorter and longer than the 8 bytes that need no hash, alike but for one byte.
TEST(TextDictionaryTest, NumbersTextsAsAMapDoes) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 20; ++round) {
    TextDictionary dictionary;
    std::map<std::string, uint32_t> twin;
    for (int i = 0; i < 3000; ++i) {
      std::string text(random() % 18, "ab\0"[random() % 3]);
      if (!text.empty()) text[random() % text.size()] = "abc\0"[random() % 4];
      if (i % 3 == 0) text = std::to_string(random() % 2000);
      EXPECT_EQ(dictionary.Find(text).has_value(), twin.contains(text));
      const auto [known, is_new] = twin.try_emplace(text, static_cast<uint32_t>(twin.size()));
      ASSERT_EQ(dictionary.Add(text), known->second);
    }
    ASSERT_EQ(dictionary.size(), twin.size());
    for (const auto& [text, code] : twin) EXPECT_EQ(dictionary.text(code), text);
    dictionary.Clear();
    EXPECT_EQ(dictionary.size(), 0u);
    EXPECT_FALSE(dictionary.Find(twin.begin()->first).has_value());
  }
}

}  // namespace
}  // namespace throng::cli
