#include "index/scratch_pool.h"

#include <utility>
#include <vector>

namespace throng::index {
namespace {

using Kept = std::vector<std::unique_ptr<ChunkScratch>>;

// Of this thread; null once it ends and its variables are gone.
Kept* KeptScratches() {
  thread_local bool ended = false;
  struct Holder {
    Kept kept;
    Holder() { kept.reserve(kScratchesKeptMax); }  // so that giving back never fails
    ~Holder() { ended = true; }
  };
  if (ended) return nullptr;
  thread_local Holder holder;
  return &holder.kept;
}

}  // namespace

void ScratchReturn::operator()(ChunkScratch* scratch) const {
  std::unique_ptr<ChunkScratch> owned(scratch);
  Kept* kept = KeptScratches();
  if (kept != nullptr && kept->size() < kScratchesKeptMax) kept->push_back(std::move(owned));
}

ScratchRef TakeScratch() {
  Kept* kept = KeptScratches();
  if (kept == nullptr || kept->empty()) {
    return ScratchRef(std::make_unique_for_overwrite<ChunkScratch>().release());
  }
  ScratchRef scratch(kept->back().release());
  kept->pop_back();
  return scratch;
}

}  // namespace throng::index
