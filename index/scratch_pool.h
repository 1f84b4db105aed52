// Scratch that outlives a query: the thread that ends one keeps what it used.
//
//   ScratchRef scratch = TakeScratch();       // not cleared
//   ChunkSet both = Intersect(a, b, *scratch);
#ifndef THRONG_INDEX_SCRATCH_POOL_H_
#define THRONG_INDEX_SCRATCH_POOL_H_

#include <memory>

#include "index/chunk_set.h"

namespace throng::index {

// Gives the scratch to the pool of the thread that destroys it, or frees it where that has enough.
struct ScratchReturn {
  void operator()(ChunkScratch* scratch) const;
};
using ScratchRef = std::unique_ptr<ChunkScratch, ScratchReturn>;

// One of this thread's, or a new one; its content is undefined. Thread-safe.
ScratchRef TakeScratch();

// What a thread keeps at most: 2 MB.
inline constexpr size_t kScratchesKeptMax = 128;

}  // namespace throng::index

#endif  // THRONG_INDEX_SCRATCH_POOL_H_
