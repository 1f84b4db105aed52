#include "server/engine/sample.h"

#include "fmt/format.h"
#include "index/error.h"
#include "index/utf8.h"

namespace throng::engine {

absl::Status CheckSample(const SampleRequest& request) {
  if (request.millionths < 1 || request.millionths > kSampleMillionthsMax) {
    return index::MakeError(
        absl::StatusCode::kInvalidArgument,
        fmt::format("sample.millionths is {}; it must be 1 to {} (without a sample all users are "
                    "counted)",
                    request.millionths, kSampleMillionthsMax),
        {.reason = "VALUE_OUT_OF_RANGE",
         .field = "sample.millionths",
         .limit = kSampleMillionthsMax,
         .requested = request.millionths});
  }
  // Not a number is refused, too.
  if (!(request.confidence >= kConfidenceMin && request.confidence <= kConfidenceMax)) {
    return index::InvalidArgument("VALUE_OUT_OF_RANGE", "sample.confidence",
                                  fmt::format("sample.confidence is {}; it must be {} to {}",
                                              request.confidence, kConfidenceMin, kConfidenceMax));
  }
  if (request.salt.size() > kSampleSaltBytesMax) {
    return index::WithField(index::LimitExceeded(absl::StatusCode::kInvalidArgument,
                                                 "SALT_TOO_LONG", "the length of the salt in bytes",
                                                 kSampleSaltBytesMax, request.salt.size()),
                            "sample.salt");
  }
  if (index::IsValidUtf8(request.salt)) return absl::OkStatus();
  return index::InvalidArgument("INVALID_UTF8", "sample.salt", "the salt is not UTF-8");
}

absl::Status CheckNoLimit(const std::optional<query::Limit>& limit) {
  if (!limit.has_value()) return absl::OkStatus();
  return index::InvalidArgument(
      "LIMIT_WITH_SAMPLE", "sample",
      fmt::format("\"{}\" takes exactly so many users, whom a sample cannot tell: leave the limit "
                  "or the sample out",
                  limit->text));
}

SampleReport ReportOf(const SampleRequest& request, const query::SampleFrame& frame) {
  return {.request = request,
          .by_chunks = frame.by_chunks,
          .users = frame.users,
          .users_looked_at = frame.looked_at,
          .chunks = frame.chunk_count,
          .chunks_read =
              frame.by_chunks ? static_cast<uint32_t>(frame.chunks.size()) : frame.chunk_count};
}

SampleRange RangeOf(const query::SampleTally& tally, const query::SampleIntervals& intervals) {
  const query::SampleInterval interval = intervals.Of(tally);
  return {.found = tally.found, .low = interval.low, .high = interval.high};
}

}  // namespace throng::engine
