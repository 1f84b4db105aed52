#include "server/service/convert_value.h"

#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "query/decimal_literal.h"
#include "server/service/convert_time.h"

namespace throng::service {
namespace {

constexpr size_t kShownBytesMax = 60;

absl::StatusOr<query::DecimalLiteral> ToDecimal(const std::string& text, const FieldPath& field) {
  const std::optional<query::DecimalLiteral> decimal = query::ParseDecimal(text);
  if (decimal.has_value()) return *decimal;
  const std::string path = field.ToString();
  return index::InvalidArgument(
      "BAD_DECIMAL", path,
      fmt::format("{} is not a decimal number of at most {} digits{}", path,
                  query::kDecimalDigitsMax,
                  text.size() > kShownBytesMax ? "" : fmt::format(": \"{}\"", text)));
}

std::optional<query::TimeAnchor> ToAnchor(v1::RelativeTime::Anchor anchor) {
  switch (anchor) {
    case v1::RelativeTime::ANCHOR_TODAY:
      return query::TimeAnchor::kToday;
    case v1::RelativeTime::ANCHOR_NOW:
      return query::TimeAnchor::kNow;
    case v1::RelativeTime::ANCHOR_START_OF_WEEK:
      return query::TimeAnchor::kStartOfWeek;
    case v1::RelativeTime::ANCHOR_START_OF_MONTH:
      return query::TimeAnchor::kStartOfMonth;
    default:
      return std::nullopt;
  }
}

std::optional<query::TimeUnit> ToUnit(v1::RelativeTime::Unit unit) {
  switch (unit) {
    case v1::RelativeTime::UNIT_MINUTE:
      return query::TimeUnit::kMinute;
    case v1::RelativeTime::UNIT_HOUR:
      return query::TimeUnit::kHour;
    case v1::RelativeTime::UNIT_DAY:
      return query::TimeUnit::kDay;
    case v1::RelativeTime::UNIT_WEEK:
      return query::TimeUnit::kWeek;
    case v1::RelativeTime::UNIT_MONTH:
      return query::TimeUnit::kMonth;
    case v1::RelativeTime::UNIT_YEAR:
      return query::TimeUnit::kYear;
    default:
      return std::nullopt;
  }
}

absl::StatusOr<query::RelativeTimeLiteral> ToRelative(const v1::RelativeTime& proto,
                                                      const FieldPath& field) {
  query::RelativeTimeLiteral literal;
  const std::optional<query::TimeAnchor> anchor = ToAnchor(proto.anchor());
  if (!anchor.has_value()) return UnspecifiedEnum(FieldPath(field, "anchor"));
  literal.anchor = *anchor;
  const FieldPath offsets(field, "offsets");
  for (int i = 0; i < proto.offsets_size(); ++i) {
    const std::optional<query::TimeUnit> unit = ToUnit(proto.offsets(i).unit());
    if (!unit.has_value()) return UnspecifiedEnum(FieldPath(offsets.At(i), "unit"));
    literal.offsets.push_back({proto.offsets(i).amount(), *unit});
  }
  return literal;
}

v1::RelativeTime::Anchor AnchorToProto(query::TimeAnchor anchor) {
  switch (anchor) {
    case query::TimeAnchor::kToday:
      return v1::RelativeTime::ANCHOR_TODAY;
    case query::TimeAnchor::kNow:
      return v1::RelativeTime::ANCHOR_NOW;
    case query::TimeAnchor::kStartOfWeek:
      return v1::RelativeTime::ANCHOR_START_OF_WEEK;
    case query::TimeAnchor::kStartOfMonth:
      return v1::RelativeTime::ANCHOR_START_OF_MONTH;
  }
  return v1::RelativeTime::ANCHOR_UNSPECIFIED;
}

v1::RelativeTime::Unit UnitToProto(query::TimeUnit unit) {
  switch (unit) {
    case query::TimeUnit::kMinute:
      return v1::RelativeTime::UNIT_MINUTE;
    case query::TimeUnit::kHour:
      return v1::RelativeTime::UNIT_HOUR;
    case query::TimeUnit::kDay:
      return v1::RelativeTime::UNIT_DAY;
    case query::TimeUnit::kWeek:
      return v1::RelativeTime::UNIT_WEEK;
    case query::TimeUnit::kMonth:
      return v1::RelativeTime::UNIT_MONTH;
    case query::TimeUnit::kYear:
      return v1::RelativeTime::UNIT_YEAR;
  }
  return v1::RelativeTime::UNIT_UNSPECIFIED;
}

// Writes each kind of literal into a proto Value.
struct LiteralWriter {
  v1::Value* proto;

  void operator()(const std::string& text) const { proto->set_text(text); }
  void operator()(const query::DecimalLiteral& decimal) const {
    const bool whole = decimal.scale == 0 && decimal.units >= std::numeric_limits<int64_t>::min() &&
                       decimal.units <= std::numeric_limits<int64_t>::max();
    if (whole) {
      proto->set_integer(static_cast<int64_t>(decimal.units));
    } else {
      proto->set_decimal(query::FormatDecimal(decimal));
    }
  }
  void operator()(bool flag) const { proto->set_flag(flag); }
  void operator()(const query::DateLiteral& date) const {
    v1::Date* out = proto->mutable_date();
    out->set_year(date.year);
    out->set_month(date.month);
    out->set_day(date.day);
  }
  void operator()(const query::TimestampLiteral& time) const {
    UnixMicrosToProto(time.unix_us, proto->mutable_date_time());
  }
  void operator()(const query::RelativeTimeLiteral& time) const {
    v1::RelativeTime* out = proto->mutable_relative();
    out->set_anchor(AnchorToProto(time.anchor));
    for (const query::TimeOffset& offset : time.offsets) {
      v1::RelativeTime::Offset* added = out->add_offsets();
      added->set_amount(offset.amount);
      added->set_unit(UnitToProto(offset.unit));
    }
  }
};

}  // namespace

absl::StatusOr<query::Value> ToValue(const v1::Value& proto, const FieldPath& field) {
  query::Value value;
  switch (proto.kind_case()) {
    case v1::Value::kText:
      value.literal = proto.text();
      return value;
    case v1::Value::kInteger:
      value.literal = query::DecimalLiteral{.units = proto.integer()};
      return value;
    case v1::Value::kDecimal: {
      THRONG_ASSIGN_OR_RETURN(value.literal,
                              ToDecimal(proto.decimal(), FieldPath(field, "decimal")));
      return value;
    }
    case v1::Value::kFlag:
      value.literal = proto.flag();
      return value;
    case v1::Value::kDate:
      value.literal =
          query::DateLiteral{proto.date().year(), proto.date().month(), proto.date().day()};
      return value;
    case v1::Value::kDateTime: {
      THRONG_ASSIGN_OR_RETURN(const int64_t unix_us, ToUnixMicros(proto.date_time(), Finer::kRefuse,
                                                                  FieldPath(field, "date_time")));
      value.literal = query::TimestampLiteral{unix_us};
      return value;
    }
    case v1::Value::kRelative: {
      THRONG_ASSIGN_OR_RETURN(value.literal,
                              ToRelative(proto.relative(), FieldPath(field, "relative")));
      return value;
    }
    case v1::Value::KIND_NOT_SET:
      break;
  }
  return RequiredField(FieldPath(field, "kind"));
}

void ValueToProto(const query::Value& value, v1::Value* proto) {
  std::visit(LiteralWriter{proto}, value.literal);
}

void NumberToProto(index::TagType type, int scale, int64_t number, v1::Value* proto) {
  if (type == index::TagType::kDate) {
    DayToProto(number, proto->mutable_date());
  } else if (type == index::TagType::kDateTime) {
    UnixMicrosToProto(number, proto->mutable_date_time());
  } else if (type == index::TagType::kDecimal) {
    // -(n + 1) + 1 has no overflow at the smallest int64.
    const bool negative = number < 0;
    const uint64_t size =
        negative ? static_cast<uint64_t>(-(number + 1)) + 1 : static_cast<uint64_t>(number);
    std::string digits = std::to_string(size);
    const size_t width = static_cast<size_t>(scale) + 1;
    if (digits.size() < width) digits.insert(0, width - digits.size(), '0');
    if (scale > 0) digits.insert(digits.size() - static_cast<size_t>(scale), 1, '.');
    proto->set_decimal(negative ? "-" + digits : digits);
  } else {
    proto->set_integer(number);
  }
}

void TextToProto(index::TagType type, std::string_view text, v1::Value* proto) {
  if (type == index::TagType::kFlag) {
    proto->set_flag(text == "true");
  } else {
    proto->set_text(std::string(text));
  }
}

}  // namespace throng::service
