#include "cli/schema.h"

#include "cli/column_binding.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace throng::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string ErrorOf(std::string_view toml, const SchemaOverrides& overrides = {}) {
  const absl::StatusOr<Schema> schema = ParseSchema(toml, "s.toml", overrides);
  return schema.ok() ? "" : std::string(schema.status().message());
}

constexpr std::string_view kEveryKey = R"(
delimiter = "\t"
quote = ""
header = false
form = "wide"
missing = ["", "NULL"]
on_missing = "clear"
trim = true
id_column = "#0"
integral_floats = true
missing_id = "skip"
[[tag]]
name = "city"
column = "#1"
type = "CATEGORY"
display_name = "City"
path = "home/place"
description = "where they live"
owner = "growth"
sensitivity = 3
max_values = 400
missing = ["?"]
[[tag]]
name = "spend"
column = "#2"
type = "decimal"
scale = 2
[[tag]]
name = "likes"
column = "#3"
type = "LABELS"
separator = "|"
[[tag]]
name = "events"
columns = ["#4", "#5"]
type = "LABELS"
[[tag]]
name = "topics"
labels = {"#6" = "Six", "#7" = "Seven"}
type = "LABELS"
[[tag]]
name = "vip"
column = "#8"
type = "FLAG"
true = ["yes"]
false = ["no", ""]
[[tag]]
name = "born"
column = "#9"
type = "DATE"
date_format = "%d/%m/%Y"
[[tag]]
name = "seen"
column = "#10"
type = "DATETIME"
datetime_format = "%Y%m%d%H%M%S"
time_zone = "Asia/Shanghai"
[[tag]]
name = "age"
column = "#11"
type = "INTEGER"
integral_floats = false
)";

TEST(SchemaTest, ReadsTheRulesOfTheFile) {
  const absl::StatusOr<Schema> schema = ParseSchema(kEveryKey, "s.toml");
  ASSERT_TRUE(schema.ok()) << schema.status();
  EXPECT_EQ(schema->delimiter, '\t');
  EXPECT_EQ(schema->quote, '\0');
  EXPECT_FALSE(schema->header);
  EXPECT_THAT(schema->missing, ElementsAre("", "NULL"));
  EXPECT_EQ(schema->on_missing, Schema::OnMissing::kClear);
  EXPECT_TRUE(schema->trim);
  EXPECT_TRUE(schema->skip_missing_ids);
  EXPECT_EQ(schema->id_column->number, 0);
  ASSERT_EQ(schema->tags.size(), 9);
  EXPECT_TRUE(schema->integral_floats);
}

TEST(SchemaTest, ReadsEveryKeyOfTags) {
  const absl::StatusOr<Schema> schema = ParseSchema(kEveryKey, "s.toml");
  ASSERT_TRUE(schema.ok()) << schema.status();
  ASSERT_EQ(schema->tags.size(), 9);
  const TagSchema& city = schema->tags[0];
  EXPECT_EQ(city.type, v1::TAG_TYPE_CATEGORY);
  EXPECT_EQ(city.definition.display_name(), "City");
  EXPECT_EQ(city.definition.path(), "home/place");
  EXPECT_EQ(city.definition.description(), "where they live");
  EXPECT_EQ(city.definition.owner(), "growth");
  EXPECT_EQ(city.definition.sensitivity(), 3);
  EXPECT_EQ(city.definition.max_values(), 400);
  EXPECT_THAT(*city.missing, ElementsAre("?"));
  EXPECT_EQ(schema->tags[1].scale, 2);
  EXPECT_EQ(schema->tags[2].separator, "|");
  EXPECT_EQ(schema->tags[3].columns.size(), 2);
  EXPECT_THAT(schema->tags[4].labels, ElementsAre("Six", "Seven"));
  EXPECT_EQ(schema->tags[4].columns[1].ToString(), "#7");
  EXPECT_THAT(schema->tags[5].false_texts, ElementsAre("no", ""));
  EXPECT_EQ(schema->tags[6].format, "%d/%m/%Y");
  EXPECT_EQ(schema->tags[7].time_zone, "Asia/Shanghai");
  EXPECT_FALSE(schema->tags[8].integral_floats);
}

TEST(SchemaTest, NamesEachMistakeWithItsLineAndKey) {
  struct Case {
    std::string toml;
    std::string error;
  };
  const std::string id = "id_column = \"id\"\n";
  const std::string tag = id + "[[tag]]\nname = \"a\"\n";
  const Case cases[] = {
      {"id_column = \"id\n", "s.toml:1: not TOML"},
      {"", "s.toml:1: there must be at least one [[tag]]"},
      {"[[tag]]\nname=\"a\"\ntype=\"FLAG\"\n", "say where the id is"},
      {id + "delimeter = \",\"\n" + tag.substr(id.size()) + "type=\"FLAG\"\n",
       "s.toml:2: unknown key 'delimeter'; did you mean 'delimiter'?"},
      {id + "delimiter = \"ab\"\n[[tag]]\nname=\"a\"\ntype=\"FLAG\"\n",
       "s.toml:2: delimiter: must be one ASCII character"},
      {"header = \"no\"\n" + tag + "type=\"FLAG\"\n", "s.toml:1: header: must be true or false"},
      {"missing = \"NULL\"\n" + tag + "type=\"FLAG\"\n", "s.toml:1: missing: must be a list"},
      {"form = \"tall\"\n" + tag + "type=\"FLAG\"\n",
       "s.toml:1: form: must be \"wide\" or \"long\""},
      {"form = \"long\"\n" + tag + "type=\"FLAG\"\n", "the long form needs tag_column"},
      {"id = \"row\"\n" + tag.substr(id.size()) + "type=\"FLAG\"\n",
       "s.toml:1: id: can only be \"row-number\""},
      {tag, "s.toml:2: tag 'a': type is missing"},
      {tag + "type = \"STRING\"\n", "s.toml:4: tag 'a': type: 'STRING' is not one of"},
      {tag + "type = \"DECIMAL\"\n", "s.toml:4: tag 'a': scale is missing"},
      {tag + "type = \"DECIMAL\"\nscale = 10\n",
       "s.toml:5: tag 'a': scale: must be a whole number from 0 to 9"},
      {tag + "type = \"INTEGER\"\nscale = 1\n",
       "s.toml:5: tag 'a': scale: is only for DECIMAL tags, not for INTEGER"},
      {tag + "type = \"FLAG\"\ntrue = [\"x\"]\nfalse = [\"x\"]\n", "'x' is among false too"},
      {tag + "type = \"LABELS\"\nseparator = \"\"\n", "separator: must not be empty"},
      {tag + "type = \"LABELS\"\ncolumn = \"a\"\ncolumns = [\"b\"]\n", "give one of column"},
      {tag + "type = \"DATETIME\"\ntime_zone = \"Mars/Base\"\n",
       "s.toml:5: tag 'a': time_zone: 'Mars/Base' is not an IANA zone"},
      {tag + "type = \"DATE\"\ndate_format = \"YYYY\"\n", "date_format: must hold fields"},
      {tag + "type = \"FLAG\"\nspearator = \"|\"\n",
       "s.toml:5: tag 'a': unknown key 'spearator'; did you mean 'separator'?"},
      {tag + "type = \"FLAG\"\n[[tag]]\nname = \"a\"\ntype = \"FLAG\"\n",
       "s.toml:5: tag 'a' is there twice"},
      {id + "[[tag]]\nname = \"a/b\"\ntype = \"FLAG\"\n", "must not hold '/'"},
      {id + "[[tag]]\ntype = \"FLAG\"\n", "tag number 1: name is missing"},
  };
  for (const Case& c : cases) EXPECT_THAT(ErrorOf(c.toml), HasSubstr(c.error)) << c.toml;
}

TEST(SchemaTest, NamesAllMistakesAtOnce) {
  const std::string error = ErrorOf(
      "id_column = \"id\"\ntrim = 1\n[[tag]]\nname = \"a\"\ntype = \"X\"\n[[tag]]\nname = \"b\"\n");
  EXPECT_THAT(error, HasSubstr("s.toml:2: trim"));
  EXPECT_THAT(error, HasSubstr("s.toml:5: tag 'a'"));
  EXPECT_THAT(error, HasSubstr("s.toml:6: tag 'b'"));
}

TEST(SchemaTest, TheCommandLineWins) {
  const std::string toml =
      "id_column = \"id\"\ntag_column = \"t\"\nvalue_column = \"v\"\n[[tag]]\nname = \"a\"\n"
      "type = \"FLAG\"\n";
  EXPECT_EQ(ParseSchema(toml, "s", {.form = Schema::Form::kLong, .id_column = {}})->form,
            Schema::Form::kLong);
  EXPECT_EQ(ParseSchema(toml, "s", {.form = {}, .id_column = "#4"})->id_column->number, 4);
  EXPECT_TRUE(ParseSchema(toml, "s", {.form = {}, .id_column = {}, .id_is_row_number = true})
                  ->id_is_row_number);
}

std::string BindError(std::string_view toml, const std::vector<std::string_view>& header) {
  const absl::StatusOr<Schema> schema = ParseSchema(toml, "s.toml");
  if (!schema.ok()) return std::string(schema.status().message());
  const absl::StatusOr<ColumnBinding> binding = BindColumns(*schema, header, "f.csv");
  return binding.ok() ? "" : std::string(binding.status().message());
}

TEST(BindColumnsTest, FindsColumnsByNameAndNumber) {
  const absl::StatusOr<Schema> schema = ParseSchema(
      "id_column = \"#\"\n[[tag]]\nname = \"a\"\ntype = \"FLAG\"\n[[tag]]\nname = \"e\"\n"
      "type = \"LABELS\"\ncolumns = [\"#2\", \"c\"]\n",
      "s");
  ASSERT_TRUE(schema.ok()) << schema.status();
  const absl::StatusOr<ColumnBinding> binding = BindColumns(*schema, {"a", "#", "b", "c"}, "f");
  ASSERT_TRUE(binding.ok()) << binding.status();
  EXPECT_EQ(binding->id, 1);
  EXPECT_THAT(binding->tags, ElementsAre(ElementsAre(0), ElementsAre(2, 3)));
}

TEST(BindColumnsTest, NamesWhatItCannotFind) {
  const std::string tag = "[[tag]]\nname = \"a\"\ntype = \"FLAG\"\n";
  const std::string by_id = "id_column = \"id\"\n" + tag;
  EXPECT_THAT(BindError(by_id, {"id", "b"}), HasSubstr("f.csv: tag 'a': the header has no column"));
  EXPECT_THAT(BindError("id_column = \"user_idd\"\n" + tag, {"user_id", "a"}),
              HasSubstr("did you mean 'user_id'?"));
  EXPECT_THAT(BindError(by_id, {"id", "a", "a"}), HasSubstr("has column 'a' 2 times"));
  EXPECT_THAT(BindError("id_column = \"#7\"\n" + tag, {"id", "a"}),
              HasSubstr("there is no column #7: the file has 2, #0 to #1"));
  EXPECT_THAT(BindError("header = false\n" + by_id, {"id", "a"}), HasSubstr("by number"));
  EXPECT_THAT(BindError(by_id, {"id;a;b"}), HasSubstr("the delimiter seems to be ';'"));
}

TEST(NearestNameTest, OnlyNearNamesCount) {
  EXPECT_EQ(NearestName("ctiy", {"city", "age"}), "city");
  EXPECT_EQ(NearestName("cxyy", {"city", "age"}), "");
  EXPECT_EQ(NearestName("cit", {"city", "age"}), "city");
  EXPECT_EQ(NearestName("membershp", {"membership", "member"}), "membership");
  EXPECT_EQ(NearestName("zzz", {"city"}), "");
}

}  // namespace
}  // namespace throng::cli
