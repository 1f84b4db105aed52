// How far the numbers of an ordered tag reach, by what its blocks say of themselves.
//
//   const Interval bounds = BoundsOf(snapshot, spend);   // low > high: nobody has one
//
// Thread-safe.
#ifndef THRONG_QUERY_COLUMN_BOUNDS_H_
#define THRONG_QUERY_COLUMN_BOUNDS_H_

#include <cstdint>

#include "index/snapshot.h"
#include "query/logical_plan.h"

namespace throng::query {

// No user's number is outside; what deltas override may reach further than anybody's does.
Interval BoundsOf(const index::Snapshot& snapshot, uint32_t tag);

// How many bytes the codes of a chunk take, by the first one, which stands for all.
uint64_t CodeBytesAChunk(const index::Snapshot& snapshot, uint32_t tag);

// high - low, which 64 bits without a sign always hold. REQUIRES: low <= high.
inline uint64_t Distance(int64_t low, int64_t high) {
  return static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
}

}  // namespace throng::query

#endif  // THRONG_QUERY_COLUMN_BOUNDS_H_
