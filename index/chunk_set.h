// A set of users inside one chunk of 65,536 consecutive ordinals: what evaluation works on.
//
//   ChunkSet a = shard.Load(chunk, scratch);      // a view: of a block in place, or of scratch
//   for (...) ForEach(a, [](uint32_t offset) {...});
//
// A ChunkSet is a view: it is valid as long as the block or the scratch it points into.
#ifndef THRONG_INDEX_CHUNK_SET_H_
#define THRONG_INDEX_CHUNK_SET_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace throng::index {

inline constexpr uint32_t kChunkBits = 16;
inline constexpr uint32_t kChunkSize = 1u << kChunkBits;
inline constexpr uint32_t kChunkMask = kChunkSize - 1;
inline constexpr uint32_t kChunksPerShard = 16;
inline constexpr uint32_t kShardBits = 20;
inline constexpr uint32_t kShardSize = 1u << kShardBits;
inline constexpr uint32_t kShardMask = kShardSize - 1;
inline constexpr uint32_t kWordsPerChunk = kChunkSize / 64;
// The most users a population can have: ordinals stay below the sign bit.
inline constexpr uint32_t kOrdinalsMax = 1u << 31;

enum class SetKind : uint8_t {
  kEmpty = 0,
  kArray = 1,   // ascending offsets
  kBitset = 2,  // 1,024 words
  kRuns = 3,    // ascending, disjoint, not adjacent runs
  kFull = 4,    // all 65,536
};

// Offsets first to last, both included.
struct Run {
  uint16_t first;
  uint16_t last;
};

struct ChunkSet {
  SetKind kind = SetKind::kEmpty;
  uint32_t cardinality = 0;  // exact
  union {
    const uint16_t* array = nullptr;
    const uint64_t* words;
    const Run* runs;
  };
  union {
    // Of a bitset: words that will be read after these, so that memory is asked for them meanwhile.
    // Only an address, which may be null or of anything.
    const uint64_t* ahead = nullptr;
    uint32_t size;  // entries of `array`, or of `runs`
  };

  bool empty() const { return cardinality == 0; }

  static ChunkSet Empty() { return ChunkSet(); }
  static ChunkSet Full() { return {.kind = SetKind::kFull, .cardinality = kChunkSize}; }
  static ChunkSet Array(const uint16_t* array, uint32_t size) {
    if (size == 0) return Empty();
    ChunkSet set{.kind = SetKind::kArray, .cardinality = size};
    set.array = array;
    set.size = size;
    return set;
  }
  static ChunkSet Bitset(const uint64_t* words, uint32_t cardinality) {
    if (cardinality == 0) return Empty();
    ChunkSet set{.kind = SetKind::kBitset, .cardinality = cardinality};
    set.words = words;
    return set;
  }
  static ChunkSet Runs(const Run* runs, uint32_t size, uint32_t cardinality) {
    ChunkSet set{.kind = SetKind::kRuns, .cardinality = cardinality};
    set.runs = runs;
    set.size = size;
    return set;
  }
};

// Words of one chunk, aligned for vector loads.
struct alignas(64) ChunkWords {
  uint64_t words[kWordsPerChunk];
};
// Results of more members than this are bitsets; no array is longer.
inline constexpr uint32_t kArrayMax = 4096;
struct alignas(64) ChunkArray {
  uint16_t values[kArrayMax];
};

// Room for one operand's result. Not thread-safe: one per operator and thread.
struct ChunkScratch {
  ChunkWords bits;
  ChunkArray array;
};

bool Contains(const ChunkSet& set, uint32_t offset);

// Calls `visit(offset)` for each member in ascending order.
template <typename Visit>
void ForEach(const ChunkSet& set, Visit visit) {
  switch (set.kind) {
    case SetKind::kEmpty:
      return;
    case SetKind::kArray:
      for (uint32_t i = 0; i < set.size; ++i) visit(uint32_t{set.array[i]});
      return;
    case SetKind::kBitset:
      for (uint32_t w = 0; w < kWordsPerChunk; ++w) {
        for (uint64_t word = set.words[w]; word != 0; word &= word - 1) {
          visit(w * 64 + static_cast<uint32_t>(std::countr_zero(word)));
        }
      }
      return;
    case SetKind::kRuns:
      for (uint32_t i = 0; i < set.size; ++i) {
        for (uint32_t v = set.runs[i].first; v <= set.runs[i].last; ++v) visit(v);
      }
      return;
    case SetKind::kFull:
      for (uint32_t v = 0; v < kChunkSize; ++v) visit(v);
      return;
  }
}

}  // namespace throng::index

#endif  // THRONG_INDEX_CHUNK_SET_H_
