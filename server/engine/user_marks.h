// Users that are being collected, each once: a bit a user, in chunks that are made when they are
// needed, so that it takes at most an eighth of a byte a user of the population.
//
//   UserMarks marks;
//   if (!marks.Add(ordinal)) ++duplicates;
//   index::OrdinalSetRef users = marks.ToSet();
//
// Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_USER_MARKS_H_
#define THRONG_SERVER_ENGINE_USER_MARKS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "index/chunk_set.h"
#include "index/crowd_sets.h"
#include "index/ordinal_set.h"

namespace throng::engine {

// Not thread-safe.
class UserMarks {
 public:
  // False when the user is in already.
  bool Add(uint32_t ordinal) {
    const uint32_t chunk = ordinal >> index::kChunkBits;
    if (chunk >= chunks_.size()) chunks_.resize(chunk + 1);
    if (chunks_[chunk] == nullptr) chunks_[chunk] = std::make_unique<index::ChunkWords>();
    uint64_t& word = chunks_[chunk]->words[(ordinal & index::kChunkMask) >> 6];
    const uint64_t bit = uint64_t{1} << (ordinal & 63);
    if ((word & bit) != 0) return false;
    word |= bit;
    ++count_;
    return true;
  }
  bool Has(uint32_t ordinal) const {
    const uint32_t chunk = ordinal >> index::kChunkBits;
    if (chunk >= chunks_.size() || chunks_[chunk] == nullptr) return false;
    const uint64_t word = chunks_[chunk]->words[(ordinal & index::kChunkMask) >> 6];
    return (word >> (ordinal & 63) & 1) != 0;
  }
  void AddAll(const index::OrdinalSet& users);
  uint64_t count() const { return count_; }
  index::OrdinalSetRef ToSet() const;

 private:
  std::vector<std::unique_ptr<index::ChunkWords>> chunks_;
  uint64_t count_ = 0;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_USER_MARKS_H_
