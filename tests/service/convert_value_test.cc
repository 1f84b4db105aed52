#include "server/service/convert_value.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "google/protobuf/text_format.h"
#include "server/service/convert_time.h"
#include "tests/service/status_matchers.h"

namespace throng::service {
namespace {

constexpr int64_t kInt64Min = std::numeric_limits<int64_t>::min();
constexpr int64_t kInt64Max = std::numeric_limits<int64_t>::max();

v1::Value FromText(const std::string& text) {
  v1::Value value;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &value)) << text;
  return value;
}

std::string RoundTrip(const std::string& text) {
  const absl::StatusOr<query::Value> value = ToValue(FromText(text), FieldPath("v"));
  if (!value.ok()) return ReasonOf(value.status());
  v1::Value proto;
  ValueToProto(*value, &proto);
  return proto.ShortDebugString();
}

TEST(ConvertValueTest, EveryKindComesBack) {
  for (const std::string text :
       {"text: \"x\"", "text: \"\"", "integer: 0", "integer: -5", "integer: 9223372036854775807",
        "integer: -9223372036854775808", "decimal: \"-12.5\"", "decimal: \"9223372036854775808\"",
        "flag: false", "flag: true", "date { year: 2024 month: 2 day: 29 }",
        "date_time { seconds: -1 nanos: 500000000 }", "date_time { }",
        "relative { anchor: ANCHOR_NOW }",
        "relative { anchor: ANCHOR_START_OF_MONTH offsets { amount: -3 unit: UNIT_YEAR } offsets { "
        "amount: 2 unit: UNIT_MINUTE } }"}) {
    EXPECT_EQ(RoundTrip(text), text);
  }
}

TEST(ConvertValueTest, DecimalsBecomeCanonical) {
  EXPECT_EQ(RoundTrip("decimal: \"12.50\""), "decimal: \"12.5\"");
  EXPECT_EQ(RoundTrip("decimal: \"7.00\""), "integer: 7");
}

TEST(ConvertValueTest, NamesWhatIsUnset) {
  EXPECT_EQ(RoundTrip(""), "REQUIRED at v.kind");
  EXPECT_EQ(RoundTrip("relative { }"), "UNSPECIFIED at v.relative.anchor");
  EXPECT_EQ(RoundTrip("relative { anchor: ANCHOR_NOW offsets { amount: 1 } }"),
            "UNSPECIFIED at v.relative.offsets[0].unit");
  v1::Value unknown;
  unknown.mutable_relative()->set_anchor(static_cast<v1::RelativeTime::Anchor>(99));
  EXPECT_EQ(ReasonOf(ToValue(unknown, FieldPath("v")).status()),
            "UNSPECIFIED at v.relative.anchor");
}

TEST(ConvertValueTest, RefusesBadNumbersAndTimes) {
  for (const std::string text :
       {"", "x", "1e5", "0x1", " 1", "1.", "--1", "123456789012345678901234567890123456789"}) {
    EXPECT_EQ(RoundTrip("decimal: \"" + text + "\""), "BAD_DECIMAL at v.decimal") << text;
  }
  for (const std::string text :
       {"nanos: -1", "nanos: 1000000000", "nanos: 1", "seconds: 253402300800",
        "seconds: -62135596801", "seconds: 9223372036854775807"}) {
    EXPECT_EQ(RoundTrip("date_time { " + text + " }"), "BAD_TIMESTAMP at v.date_time") << text;
  }
}

TEST(ConvertTimeTest, FinerTimesAreCutOnlyWhereAllowed) {
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(-1);
  timestamp.set_nanos(999'999'999);
  EXPECT_EQ(*ToUnixMicros(timestamp, Finer::kCut, FieldPath("t")), -1);
  EXPECT_FALSE(ToUnixMicros(timestamp, Finer::kRefuse, FieldPath("t")).ok());
}

TEST(ConvertTimeTest, MicrosecondsComeBack) {
  for (const int64_t unix_us : {int64_t{0}, int64_t{-1}, int64_t{1}, int64_t{-1'000'000},
                                int64_t{-1'500'001}, int64_t{1'700'000'000'123'456}}) {
    google::protobuf::Timestamp timestamp;
    UnixMicrosToProto(unix_us, &timestamp);
    EXPECT_EQ(*ToUnixMicros(timestamp, Finer::kRefuse, FieldPath("t")), unix_us);
  }
}

TEST(NumberToProtoTest, ShowsWhatTagsStore) {
  const auto shown = [](index::TagType type, int scale, int64_t number) {
    v1::Value proto;
    NumberToProto(type, scale, number, &proto);
    return proto.ShortDebugString();
  };
  EXPECT_EQ(shown(index::TagType::kInteger, 0, kInt64Min), "integer: -9223372036854775808");
  EXPECT_EQ(shown(index::TagType::kDecimal, 2, 150), "decimal: \"1.50\"");
  EXPECT_EQ(shown(index::TagType::kDecimal, 2, -5), "decimal: \"-0.05\"");
  EXPECT_EQ(shown(index::TagType::kDecimal, 2, 0), "decimal: \"0.00\"");
  EXPECT_EQ(shown(index::TagType::kDecimal, 0, 7), "decimal: \"7\"");
  EXPECT_EQ(shown(index::TagType::kDecimal, 9, kInt64Min), "decimal: \"-9223372036.854775808\"");
  EXPECT_EQ(shown(index::TagType::kDecimal, 9, kInt64Max), "decimal: \"9223372036.854775807\"");
  EXPECT_EQ(shown(index::TagType::kDate, 0, -1), "date { year: 1969 month: 12 day: 31 }");
  EXPECT_EQ(shown(index::TagType::kDate, 0, 19'782), "date { year: 2024 month: 2 day: 29 }");
  EXPECT_EQ(shown(index::TagType::kDateTime, 0, 1'500'000),
            "date_time { seconds: 1 nanos: 500000000 }");
}

TEST(FieldPathTest, WritesPathsOut) {
  const FieldPath root("selection.tree");
  const FieldPath operands(root, "conjunction.operands");
  const FieldPath operand = operands.At(12);
  EXPECT_EQ(FieldPath(operand, "kind").ToString(), "selection.tree.conjunction.operands[12].kind");
  EXPECT_EQ(FieldPath(FieldPath(""), "x").ToString(), "x");
}

}  // namespace
}  // namespace throng::service
