// Times and durations of the API and of the engine.
//
//   Timestamp {seconds: -1, nanos: 500000000} <-> -500,000 microseconds since 1970
//
// Every function is thread-safe.
#ifndef THRONG_SERVER_SERVICE_CONVERT_TIME_H_
#define THRONG_SERVER_SERVICE_CONVERT_TIME_H_

#include <chrono>
#include <cstdint>

#include "absl/status/statusor.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "server/service/field_path.h"
#include "throng/v1/expression.pb.h"

namespace throng::service {

enum class Finer { kRefuse, kCut };  // what to do with parts of a microsecond

// Unix microseconds. Errors: kInvalidArgument (BAD_TIMESTAMP): not of the years 1 to 9999, nanos
// not 0 to 999,999,999, or finer than a microsecond where that is refused.
absl::StatusOr<int64_t> ToUnixMicros(const google::protobuf::Timestamp& timestamp, Finer finer,
                                     const FieldPath& field);
void UnixMicrosToProto(int64_t unix_us, google::protobuf::Timestamp* proto);

void DurationToProto(std::chrono::nanoseconds duration, google::protobuf::Duration* proto);

// `days` since 1970-01-01, in the years 1 to 9999.
void DayToProto(int64_t days, v1::Date* proto);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CONVERT_TIME_H_
