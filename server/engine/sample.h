// Answers from a sample, on request only: which fraction is looked at, and how far the estimate may
// be off.
//
//   engine.selections().Count(context, selection, SampleRequest{.millionths = 10'000})->sample;
//
// Types here are values; thread-compatible.
#ifndef THRONG_SERVER_ENGINE_SAMPLE_H_
#define THRONG_SERVER_ENGINE_SAMPLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "query/limit.h"
#include "query/sample_frame.h"
#include "query/sample_interval.h"

namespace throng::engine {

inline constexpr uint32_t kSampleMillionthsMax = 999'999;
inline constexpr size_t kSampleSaltBytesMax = 128;
inline constexpr double kConfidenceMin = 0.5;
inline constexpr double kConfidenceMax = 0.999;

struct SampleRequest {
  uint32_t millionths = 0;  // of the users, 1 to kSampleMillionthsMax
  std::string salt;         // another one, another sample; UTF-8, at most kSampleSaltBytesMax
  double confidence = 0.95;
};

// What was looked at.
struct SampleReport {
  SampleRequest request;
  bool by_chunks = false;  // else user by user, by the hash of their ids
  uint64_t users = 0;      // of the population
  uint64_t users_looked_at = 0;
  uint32_t chunks = 0;       // of the population
  uint32_t chunks_read = 0;  // all of them unless by_chunks
};

// Beside an estimate.
struct SampleRange {
  uint64_t found = 0;  // among the users looked at
  uint64_t low = 0;    // the number is between these with the confidence asked for
  uint64_t high = 0;
};

// Errors: kInvalidArgument ("sample.millionths", "sample.confidence": VALUE_OUT_OF_RANGE;
// "sample.salt": SALT_TOO_LONG, INVALID_UTF8). Thread-safe.
absl::Status CheckSample(const SampleRequest& request);

// A limit takes exactly N users, whom a sample cannot tell. Errors: kInvalidArgument
// (LIMIT_WITH_SAMPLE at "sample").
absl::Status CheckNoLimit(const std::optional<query::Limit>& limit);

// REQUIRES: the frame's looked_at is set.
SampleReport ReportOf(const SampleRequest& request, const query::SampleFrame& frame);

SampleRange RangeOf(const query::SampleTally& tally, const query::SampleIntervals& intervals);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_SAMPLE_H_
