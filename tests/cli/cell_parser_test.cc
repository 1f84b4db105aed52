#include "cli/cell_parser.h"

#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace throng::cli {
namespace {

using testing::HasSubstr;

TagSchema TagOf(v1::TagType type) {
  TagSchema tag;
  tag.name = "x";
  tag.type = type;
  return tag;
}

// The number, or the reason as text.
std::string Parsed(const TagSchema& tag, std::string_view cell) {
  const absl::StatusOr<int64_t> value = CellParser(tag, Schema()).ParseNumber(cell);
  if (value.ok()) return std::to_string(*value);
  return std::string(value.status().message());
}

TEST(CellParserTest, IntegersAreExactAndInRange) {
  const TagSchema tag = TagOf(v1::TAG_TYPE_INTEGER);
  EXPECT_EQ(Parsed(tag, "0"), "0");
  EXPECT_EQ(Parsed(tag, "-17"), "-17");
  EXPECT_EQ(Parsed(tag, "+17"), "17");
  EXPECT_EQ(Parsed(tag, "007"), "7");
  EXPECT_EQ(Parsed(tag, "9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(Parsed(tag, "-9223372036854775808"), "-9223372036854775808");
  for (const std::string_view cell :
       {"9223372036854775808", "-9223372036854775809", "99999999999999999999999"}) {
    EXPECT_THAT(Parsed(tag, cell), HasSubstr("out of range")) << cell;
  }
  for (const std::string_view cell :
       {"", "-", "+", "1e5", "1,000", " 1", "1 ", "abc", "--1", "+-1", "1.5", ".", ".0", "0x10"}) {
    EXPECT_THAT(Parsed(tag, cell), HasSubstr("not a whole number")) << cell;
  }
  EXPECT_THAT(Parsed(tag, "17850.0"), HasSubstr("integral_floats"));
}

TEST(CellParserTest, IntegralFloatsPassWhereAllowed) {
  TagSchema tag = TagOf(v1::TAG_TYPE_INTEGER);
  tag.integral_floats = true;
  EXPECT_EQ(Parsed(tag, "17850.0"), "17850");
  EXPECT_EQ(Parsed(tag, "-159.00"), "-159");
  EXPECT_EQ(Parsed(tag, "-159."), "-159");
  EXPECT_EQ(Parsed(tag, "17850.5"), "not a whole number");
}

TEST(CellParserTest, DecimalsAreNeverRounded) {
  TagSchema tag = TagOf(v1::TAG_TYPE_DECIMAL);
  tag.scale = 2;
  EXPECT_EQ(Parsed(tag, "2.55"), "255");
  EXPECT_EQ(Parsed(tag, "-2.5"), "-250");
  EXPECT_EQ(Parsed(tag, "7"), "700");
  EXPECT_EQ(Parsed(tag, ".5"), "50");
  EXPECT_EQ(Parsed(tag, "5."), "500");
  EXPECT_EQ(Parsed(tag, "-0.01"), "-1");
  EXPECT_EQ(Parsed(tag, "9999999999999999.99"), "999999999999999999");
  EXPECT_EQ(Parsed(tag, "-9999999999999999.99"), "-999999999999999999");
  EXPECT_EQ(Parsed(tag, "2.555"), "has more decimals than the tag's 2");
  EXPECT_THAT(Parsed(tag, "10000000000000000"), HasSubstr("more than 18 digits"));
  EXPECT_THAT(Parsed(tag, "99999999999999999999999999"), HasSubstr("more than 18 digits"));
  for (const std::string_view cell : {"", "-", ".", "1e2", "1.2.3", "1,5", " 1"}) {
    EXPECT_THAT(Parsed(tag, cell), HasSubstr("not a decimal number")) << cell;
  }
}

TEST(CellParserTest, DatesMustExist) {
  TagSchema tag = TagOf(v1::TAG_TYPE_DATE);
  EXPECT_EQ(Parsed(tag, "1970-01-01"), "0");
  EXPECT_EQ(Parsed(tag, "1969-12-31"), "-1");
  EXPECT_EQ(Parsed(tag, "2024-02-29"), "19782");
  EXPECT_EQ(Parsed(tag, "2026-02-29"), "there is no such day");
  EXPECT_EQ(Parsed(tag, "2026-13-01"), "there is no such day");
  EXPECT_EQ(Parsed(tag, "0000-01-01"), "there is no such day");
  for (const std::string_view cell : {"", "2026-1-1", "2026/01/01", "2026-01-01 ", "20260101"}) {
    EXPECT_EQ(Parsed(tag, cell), "not a date written YYYY-MM-DD") << cell;
  }
  tag.format = "%d/%m/%Y";
  EXPECT_EQ(Parsed(tag, "29/02/2024"), "19782");
  EXPECT_THAT(Parsed(tag, "02/29/2024"), HasSubstr("not written as %d/%m/%Y"));
  EXPECT_THAT(Parsed(tag, "infinite-future"), HasSubstr("year"));
}

TEST(CellParserTest, TimesKnowTheirZone) {
  TagSchema tag = TagOf(v1::TAG_TYPE_DATE_TIME);
  const std::string noon = "1772625600000000";  // 2026-03-04T12:00:00Z
  for (const std::string_view cell :
       {"2026-03-04 12:00:00", "2026-03-04T12:00:00Z", "2026-03-04T12:00:00.000Z",
        "2026-03-04T20:00:00+08:00", "2026-03-04 06:30:00-0530", "2026-03-04t12:00:00.0000000z"}) {
    EXPECT_EQ(Parsed(tag, cell), noon) << cell;
  }
  EXPECT_EQ(Parsed(tag, "1970-01-01 00:00:00.000001"), "1");
  EXPECT_EQ(Parsed(tag, "1969-12-31 23:59:59.5"), "-500000");
  EXPECT_EQ(Parsed(tag, "1970-01-01 00:00:00.0000001"), "finer than a microsecond");
  EXPECT_EQ(Parsed(tag, "2026-03-04 24:00:00"), "there is no such time of day");
  EXPECT_EQ(Parsed(tag, "2026-02-30 12:00:00"), "there is no such day");
  EXPECT_THAT(Parsed(tag, "2026-03-04"), HasSubstr("the time of day is missing"));
  EXPECT_THAT(Parsed(tag, "2026-03-04 12:00"), HasSubstr("not a time"));
  EXPECT_THAT(Parsed(tag, "2026-03-04 12:00:00 CET"), HasSubstr("not a time"));
  tag.time_zone = "Asia/Shanghai";
  EXPECT_EQ(Parsed(tag, "2026-03-04 20:00:00"), noon);
  EXPECT_EQ(Parsed(tag, "2026-03-04 12:00:00Z"), noon);
  tag.time_zone = "Europe/Berlin";
  EXPECT_EQ(Parsed(tag, "2026-03-29 02:30:00"), "the clocks of Europe/Berlin skip this time");
  // 2026-10-25 02:30 comes twice: the first is in summer time, 00:30 UTC.
  EXPECT_EQ(Parsed(tag, "2026-10-25 02:30:00"), "1792888200000000");
  tag.format = "%d.%m.%Y %H:%M";
  EXPECT_EQ(Parsed(tag, "04.03.2026 13:00"), noon);
}

TEST(CellParserTest, FlagsHaveTheirWords) {
  TagSchema tag = TagOf(v1::TAG_TYPE_FLAG);
  const CellParser plain(tag, Schema());
  for (const std::string_view cell : {"1", "true", "TRUE", "Yes", "y", "T"}) {
    EXPECT_TRUE(plain.ParseFlag(cell).value()) << cell;
  }
  for (const std::string_view cell : {"0", "false", "No", "n", "F"}) {
    EXPECT_FALSE(plain.ParseFlag(cell).value()) << cell;
  }
  EXPECT_FALSE(plain.ParseFlag("maybe").ok());
  EXPECT_TRUE(plain.IsMissing(""));
  tag.true_texts = {"Y"};
  tag.false_texts = {"N", ""};
  const CellParser own(tag, Schema());
  EXPECT_TRUE(own.ParseFlag("Y").value());
  EXPECT_FALSE(own.ParseFlag("").value());
  EXPECT_FALSE(own.IsMissing(""));
  EXPECT_FALSE(own.ParseFlag("yes").ok());
}

TEST(CellParserTest, MissingTextsAreExactAndPerTag) {
  Schema schema;
  schema.missing = {"", "NULL"};
  TagSchema tag = TagOf(v1::TAG_TYPE_CATEGORY);
  EXPECT_TRUE(CellParser(tag, schema).IsMissing("NULL"));
  EXPECT_FALSE(CellParser(tag, schema).IsMissing("null"));
  tag.missing = {"?"};
  EXPECT_TRUE(CellParser(tag, schema).IsMissing("?"));
  EXPECT_FALSE(CellParser(tag, schema).IsMissing("NULL"));
}

TEST(CellParserTest, TextsAreBounded) {
  EXPECT_TRUE(CellParser::CheckText(std::string(kValueBytesMax, 'x')).ok());
  EXPECT_FALSE(CellParser::CheckText(std::string(kValueBytesMax + 1, 'x')).ok());
  EXPECT_FALSE(CellParser::CheckText("").ok());
}

TEST(ParseCanonicalIdTest, TakesOnlyTheOneWayOfWritingANumber) {
  uint64_t number = 0;
  EXPECT_TRUE(ParseCanonicalId("0", number));
  EXPECT_TRUE(ParseCanonicalId("18446744073709551615", number));
  EXPECT_EQ(number, std::numeric_limits<uint64_t>::max());
  for (const std::string_view text :
       {"", "01", "00", "+1", "-1", "1.0", "18446744073709551616", "x"}) {
    EXPECT_FALSE(ParseCanonicalId(text, number)) << text;
  }
}

}  // namespace
}  // namespace throng::cli
