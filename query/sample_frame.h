// Which users a sample looks at.
//
//   SampleFrame frame = PickSample(snapshot, {.millionths = 10'000, .salt = "a"});   // 1 %
//   if (frame.by_chunks) Read(frame.chunks);
//
// Where the fraction comes to 30 chunks of 65,536 ordinals or more, whole chunks are picked at
// random, without replacement: only these are evaluated, which is what makes a sample fast.
// Otherwise too few chunks would be read to tell how they differ, and users are picked by the
// documented hash: everybody has to be passed over, but any handful of users can be judged.
//
// The salt decides: the same one picks the same chunks or users, and the larger of two fractions
// all of the smaller one's. By hash they are those of sample(F, 'throng sample SALT'), whose salt
// no expression is likely to have: a sample of a sample with its own salt would be all or nothing.
#ifndef THRONG_QUERY_SAMPLE_FRAME_H_
#define THRONG_QUERY_SAMPLE_FRAME_H_

#include <cstdint>
#include <string>
#include <vector>

#include "index/snapshot.h"
#include "query/logical_plan.h"

namespace throng::query {

inline constexpr uint32_t kSampleChunksMin = 30;
inline constexpr uint32_t kSampleWhole = 1'000'000;  // millionths

struct SampleSpec {
  uint32_t millionths = 0;  // above 0, below kSampleWhole
  std::string salt;
};

// A value.
struct SampleFrame {
  bool by_chunks = false;
  uint64_t users = 0;        // of the population
  uint64_t looked_at = 0;    // of them; by hash it is set by whoever counts them
  uint32_t chunk_count = 0;  // that have users
  // By chunks.
  std::vector<uint32_t> chunks;  // ordinal >> 16, ascending: those to read
  uint64_t squares = 0;          // of their users
  uint64_t largest = 0;          // users in one of all
  // By hash.
  HashBuckets buckets;
};

// Thread-safe, like all here.
SampleFrame PickSample(const index::Snapshot& snapshot, const SampleSpec& spec);

// Users of a chunk.
uint32_t UsersOfChunk(const index::Snapshot& snapshot, uint32_t chunk);

}  // namespace throng::query

#endif  // THRONG_QUERY_SAMPLE_FRAME_H_
