// Literals and tag values of the API and of the engine.
//
//   absl::StatusOr<query::Value> value = ToValue(proto, FieldPath("set"));
//   ValueToProto(*value, &proto);                            // the same literal
//   NumberToProto(index::TagType::kDecimal, 2, -5, &proto);  // decimal "-0.05"
//
// Every function is thread-safe.
#ifndef THRONG_SERVER_SERVICE_CONVERT_VALUE_H_
#define THRONG_SERVER_SERVICE_CONVERT_VALUE_H_

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "index/catalogue.h"
#include "query/expression.h"
#include "server/service/field_path.h"
#include "throng/v1/expression.pb.h"

namespace throng::service {

// Ranges of dates and offsets and UTF-8 are left to query::Validate or the engine.
// Errors: kInvalidArgument (REQUIRED, UNSPECIFIED, BAD_DECIMAL, BAD_TIMESTAMP).
absl::StatusOr<query::Value> ToValue(const v1::Value& proto, const FieldPath& field);

// A whole number in int64's range is `integer`, any other number `decimal`.
void ValueToProto(const query::Value& value, v1::Value* proto);

// What an ordered tag stores (index::IsNumeric) as the API shows it. DECIMAL has all its digits:
// "1.50" at scale 2.
void NumberToProto(index::TagType type, int scale, int64_t number, v1::Value* proto);

// What a tag with values shows for one: FLAG's "true" and "false" become `flag`.
void TextToProto(index::TagType type, std::string_view text, v1::Value* proto);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CONVERT_VALUE_H_
