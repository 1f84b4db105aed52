#include "server/service/convert_time.h"

#include "absl/time/civil_time.h"
#include "fmt/format.h"
#include "index/error.h"

namespace throng::service {
namespace {

constexpr int64_t kMicros = 1'000'000;
constexpr int64_t kSecondsMin = -62'135'596'800;  // 0001-01-01T00:00:00Z
constexpr int64_t kSecondsMax = 253'402'300'799;  // 9999-12-31T23:59:59Z
constexpr int32_t kNanosMax = 999'999'999;
constexpr int32_t kNanosPerMicro = 1'000;

absl::Status BadTimestamp(const FieldPath& field, std::string_view why) {
  const std::string path = field.ToString();
  return index::InvalidArgument("BAD_TIMESTAMP", path, fmt::format("{}: {}", path, why));
}

}  // namespace

absl::StatusOr<int64_t> ToUnixMicros(const google::protobuf::Timestamp& timestamp, Finer finer,
                                     const FieldPath& field) {
  if (timestamp.seconds() < kSecondsMin || timestamp.seconds() > kSecondsMax) {
    return BadTimestamp(field, "the time is not in the years 1 to 9999");
  }
  if (timestamp.nanos() < 0 || timestamp.nanos() > kNanosMax) {
    return BadTimestamp(field, "nanos are 0 to 999,999,999");
  }
  if (finer == Finer::kRefuse && timestamp.nanos() % kNanosPerMicro != 0) {
    return BadTimestamp(field, "the time is finer than a microsecond");
  }
  return timestamp.seconds() * kMicros + timestamp.nanos() / kNanosPerMicro;
}

void UnixMicrosToProto(int64_t unix_us, google::protobuf::Timestamp* proto) {
  int64_t seconds = unix_us / kMicros;
  int64_t micros = unix_us % kMicros;
  if (micros < 0) {
    micros += kMicros;
    --seconds;
  }
  proto->set_seconds(seconds);
  proto->set_nanos(static_cast<int32_t>(micros) * kNanosPerMicro);
}

void DurationToProto(std::chrono::nanoseconds duration, google::protobuf::Duration* proto) {
  constexpr int64_t kNanos = 1'000'000'000;
  proto->set_seconds(duration.count() / kNanos);
  proto->set_nanos(static_cast<int32_t>(duration.count() % kNanos));
}

void DayToProto(int64_t days, v1::Date* proto) {
  const absl::CivilDay day = absl::CivilDay(1970, 1, 1) + days;
  proto->set_year(static_cast<int32_t>(day.year()));
  proto->set_month(day.month());
  proto->set_day(day.day());
}

}  // namespace throng::service
