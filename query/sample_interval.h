// How far a count that was taken of a sample may be from the count of all.
//
//   SampleFrame frame{.by_chunks = true, ...};      // query/sample_frame.h
//   SampleInterval i = SampleIntervals(frame, /*confidence=*/0.95).Of(tally);
//   i.estimate;   // 12,345, between i.low and i.high with 95 % confidence
//
// Users picked one by one (by the hash of their ids): Wilson's interval, for a sample without
// replacement from a finite population. Source: E. B. Wilson, "Probable inference, the law of
// succession, and statistical inference", JASA 22, 1927; the correction as in W. G. Cochran,
// "Sampling Techniques", 3rd ed., 2.6.
//
// Whole chunks: the ratio estimator of cluster sampling, whose error comes from how the chunks
// differ, with the finite population correction and Student's t of one degree less than chunks
// (Cochran, 6.3 and 9A.1). Users who joined together are alike, so that a chunk says less than as
// many users from everywhere; the interval is wider for it, and no wider than the data is. Where
// fewer than kChunksOfNormal of the chunks hold anybody, their differences say little of those not
// read: the upper end is then no less than if as many chunks as there can be (the hypergeometric
// bound) held as many as the fullest read, or, where nobody was found, everybody of the largest.
// The lower end likewise, by who was not found.
#ifndef THRONG_QUERY_SAMPLE_INTERVAL_H_
#define THRONG_QUERY_SAMPLE_INTERVAL_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "query/sample_frame.h"

namespace throng::query {

inline constexpr uint32_t kChunksOfNormal = 10;

// What was found of one count; by chunks, with what tells how they differ. A value.
struct SampleTally {
  uint64_t found = 0;
  // Of samples of chunks; a chunk without anybody adds nothing.
  uint64_t squares = 0;       // of each chunk's found
  uint64_t products = 0;      // of each chunk's found and users
  uint64_t most = 0;          // found in a chunk
  uint64_t most_missing = 0;  // not found in a chunk that has somebody
  uint32_t some = 0;          // chunks with somebody
  uint32_t whole = 0;         // chunks of which everybody was found

  void AddChunk(uint64_t found_there, uint64_t users_there) {
    if (found_there == 0) return;
    found += found_there;
    squares += found_there * found_there;
    products += found_there * users_there;
    most = std::max(most, found_there);
    most_missing = std::max(most_missing, users_there - found_there);
    ++some;
    whole += found_there == users_there ? 1 : 0;
  }
  void Merge(const SampleTally& other);
};

// low <= estimate <= high.
struct SampleInterval {
  uint64_t estimate = 0;
  uint64_t low = 0;
  uint64_t high = 0;
};

// The intervals of one sample's counts. For one thread. Borrows the frame.
class SampleIntervals {
 public:
  // `confidence` is above 0 and below 1. REQUIRES: looked_at is set; by chunks there are 2 or more.
  SampleIntervals(const SampleFrame& frame, double confidence);

  // The ends never contradict what was seen: low is at least what was found, high leaves out who
  // was looked at and not found. Where nobody was looked at, nothing is known.
  SampleInterval Of(const SampleTally& tally) const;
  // The estimate alone: found / looked at x users, to the nearest.
  uint64_t EstimateOf(uint64_t found) const;

 private:
  SampleTally Complement(const SampleTally& tally) const;
  double UpperEnd(const SampleTally& tally) const;
  uint32_t ChunksMaxOf(uint32_t some) const;

  const SampleFrame& frame_;
  const double confidence_;
  double quantile_ = 0;  // of Student's t or of the normal distribution
  // By chunks seen with somebody: how many can be there at most, where that was asked for.
  mutable std::array<std::optional<uint32_t>, kChunksOfNormal> chunks_max_;
};

}  // namespace throng::query

#endif  // THRONG_QUERY_SAMPLE_INTERVAL_H_
