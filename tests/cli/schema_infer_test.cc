#include "cli/schema_infer.h"

#include <map>

#include "cli/schema.h"
#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/file_fixture.h"
#include "tests/cli/row_fixture.h"

namespace throng::cli {
namespace {

using testing::HasSubstr;

class SchemaInferTest : public testing::Test {
 protected:
  // The draft, which must parse back.
  Schema Infer(const std::string& path) {
    const absl::StatusOr<std::string> toml = InferSchema(path, {});
    EXPECT_TRUE(toml.ok()) << toml.status();
    text_ = toml.value_or("");
    const absl::StatusOr<Schema> schema = ParseSchema(text_, "draft.toml");
    EXPECT_TRUE(schema.ok()) << schema.status() << "\n" << text_;
    tags_.clear();
    if (!schema.ok()) return Schema();
    for (const TagSchema& tag : schema->tags) tags_[tag.name] = tag;
    return *schema;
  }

  const TemporaryDirectory directory_;
  std::string text_;
  std::map<std::string, TagSchema> tags_;
};

TEST_F(SchemaInferTest, GuessesEveryType) {
  std::string rows = "name,user_id,city,vip,age,code,spend,born,seen,likes,day,float,empty,note\n";
  for (int i = 0; i < 200; ++i) {
    rows += fmt::format(
        "n{0},{1},c{2},{3},{2},0{2},{2}.5,2026-01-0{4},2026-01-0{4} 10:00:00,a{2}|b,"
        "3{5}/12/2025,{2}.0,,text {0} of many\n",
        i, 1000 + i, i % 7 + 2, i % 2 == 0 ? "yes" : "no", i % 9 + 1, i % 2);
  }
  const Schema schema = Infer(directory_.Write("f.csv", rows));
  EXPECT_EQ(schema.id_column->name, "user_id");
  EXPECT_EQ(tags_["city"].type, v1::TAG_TYPE_CATEGORY);
  EXPECT_EQ(tags_["vip"].type, v1::TAG_TYPE_FLAG);
  EXPECT_EQ(tags_["age"].type, v1::TAG_TYPE_INTEGER);
  EXPECT_EQ(tags_["code"].type, v1::TAG_TYPE_CATEGORY);
  EXPECT_EQ(tags_["spend"].type, v1::TAG_TYPE_DECIMAL);
  EXPECT_EQ(tags_["spend"].scale, 1);
  EXPECT_EQ(tags_["born"].type, v1::TAG_TYPE_DATE);
  EXPECT_EQ(tags_["seen"].type, v1::TAG_TYPE_DATE_TIME);
  EXPECT_EQ(tags_["likes"].type, v1::TAG_TYPE_LABELS);
  EXPECT_EQ(tags_["likes"].separator, "|");
  EXPECT_EQ(tags_["day"].type, v1::TAG_TYPE_DATE);
  EXPECT_EQ(tags_["day"].format, "%d/%m/%Y");
  EXPECT_EQ(tags_["float"].type, v1::TAG_TYPE_INTEGER);
  EXPECT_TRUE(tags_["float"].integral_floats);
  EXPECT_FALSE(tags_.contains("empty"));
  EXPECT_FALSE(tags_.contains("note"));
  EXPECT_THAT(text_, HasSubstr("#name = \"empty\""));
  EXPECT_THAT(text_, HasSubstr("free text is no tag"));
}

TEST_F(SchemaInferTest, OptionsOfOneQuestionAreLabels) {
  const Schema schema = Infer(directory_.Write("f.csv",
                                               "id,Meetup,  Camp,Other,Podcast,Other,city\n"
                                               "1,Meetup,,,Podcast,,rome\n"
                                               "2,,  Camp,Other,,Other,rome\n"
                                               "3,Meetup,Camp,,,Other,oslo\n"
                                               "4,,  Camp,,Podcast,,city\n"));
  ASSERT_EQ(tags_.size(), 5);
  EXPECT_EQ(tags_["Meetup"].type, v1::TAG_TYPE_CATEGORY);  // the camp is written in two ways
  const TagSchema& first = tags_["choices_3"];
  EXPECT_EQ(first.type, v1::TAG_TYPE_LABELS);
  ASSERT_EQ(first.columns.size(), 2);
  EXPECT_EQ(first.columns[0].number, 3);
  EXPECT_EQ(first.columns[1].name, "Podcast");
  EXPECT_EQ(tags_["Other"].columns[0].number, 5);
  EXPECT_EQ(tags_["city"].type, v1::TAG_TYPE_CATEGORY);
}

TEST_F(SchemaInferTest, FindsTheDelimiter) {
  EXPECT_EQ(Infer(directory_.Write("a.csv", "a;b\n1;2,5\n1;3,5\n")).delimiter, ';');
  EXPECT_EQ(Infer(directory_.Write("b.csv", "a\tb\n1\t2\n1\t3\n")).delimiter, '\t');
  EXPECT_EQ(Infer(directory_.Write("c.csv", "a|b,c|d\n1|2,2|3\n1|2|4\n")).delimiter, '|');
  EXPECT_EQ(Infer(directory_.Write("d.csv", "a\n1\n1\n")).delimiter, ',');
}

TEST_F(SchemaInferTest, WritesOddNamesSafely) {
  Infer(directory_.Write(
      "f.csv", "id,\"say \"\"hi\"\"\",a/b,Other,Other,,#3\n1,x,y,p,q,r,s\n2,x,y,p,q,r,s\n"));
  EXPECT_EQ(tags_.size(), 6);
  EXPECT_TRUE(tags_.contains("say \"hi\""));
  EXPECT_EQ(tags_["a_b"].columns[0].name, "a/b");
  EXPECT_EQ(tags_["Other"].columns[0].number, 3);
  EXPECT_EQ(tags_["Other_4"].columns[0].number, 4);
  EXPECT_EQ(tags_["column_5"].columns[0].number, 5);
  EXPECT_EQ(tags_["#3"].columns[0].number, 6);
}

TEST_F(SchemaInferTest, CountsRowsWhereNoColumnIsAnId) {
  EXPECT_TRUE(Infer(directory_.Write("f.csv", "a,b\n1,x\n1,x\n")).id_is_row_number);
  EXPECT_THAT(text_, HasSubstr("No column tells all rows apart"));
}

TEST_F(SchemaInferTest, RefusesFilesWithoutRows) {
  EXPECT_THAT(std::string(InferSchema(directory_.Write("e.csv", ""), {}).status().message()),
              HasSubstr("the file is empty"));
  EXPECT_THAT(std::string(InferSchema(directory_.Write("h.csv", "a,b\n"), {}).status().message()),
              HasSubstr("no rows"));
}

// A draft of a real file loads that file as it is.
TEST_F(SchemaInferTest, DraftsLoadTheRealFiles) {
  struct Case {
    std::string file;
    uint64_t rows;
  };
  const Case cases[] = {
      {"bank-marketing/bank-full.csv.gz", 45'211},
      {"bank-marketing/bank-additional-full.csv.gz", 41'188},
      {"adult/adult.csv.gz", 32'561},
      {"oulad/studentInfo.csv.gz", 32'593},
      {"oulad/studentRegistration.csv", 32'593},
      {"oulad/courses.csv", 22},
      {"fcc-new-coder-2016/new-coder-survey-2016-part1.csv.gz", 15'653},
  };
  for (const Case& c : cases) {
    const std::string path = DataFile(c.file);
    if (path.empty()) GTEST_SKIP() << "no real data at hand";
    Infer(path);
    const ParsedFile file = ParseFile(path, text_);
    EXPECT_EQ(file.failure, "") << c.file;
    EXPECT_EQ(file.errors, "") << c.file;
    EXPECT_EQ(file.rows_read, c.rows) << c.file;
  }
}

}  // namespace
}  // namespace throng::cli
