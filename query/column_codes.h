// The codes of some users, as they lie in a column's block: what sums and histograms read.
//
//   VisitCollected<uint16_t>(block.codes(), users.words, NextCodes(column, chunk),
//                            [&](const uint8_t* codes, uint32_t size) {...});
//
// Internal to the folder. Thread-safe.
#ifndef THRONG_QUERY_COLUMN_CODES_H_
#define THRONG_QUERY_COLUMN_CODES_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "index/chunk_ops.h"
#include "index/chunk_set.h"
#include "index/column_shard.h"
#include "index/word_kernels.h"

namespace throng::query {

// Codes that are collected before they are visited.
inline constexpr uint32_t kCollectedMax = 4096;
// Codes are asked for so many bytes before they are read: a machine that reads ahead by itself
// stops at every page, and begins anew with every chunk.
inline constexpr uint32_t kAheadBytes = 24 << 10;

template <typename Code>
inline __attribute__((always_inline)) Code LoadCode(const uint8_t* codes, size_t i) {
  Code code;
  std::memcpy(&code, codes + i * sizeof(Code), sizeof(Code));
  return code;
}

// The kernel of the codes' width: index/word_kernels.h.
template <typename Code>
uint32_t CollectCodes(const uint8_t* codes, const uint64_t* words, uint32_t size,
                      const uint8_t* ahead, uint8_t* out) {
  const index::WordKernels& kernels = index::Kernels();
  if constexpr (sizeof(Code) == 1) return kernels.collect1(codes, words, size, ahead, out);
  if constexpr (sizeof(Code) == 2) return kernels.collect2(codes, words, size, ahead, out);
  if constexpr (sizeof(Code) == 4) return kernels.collect4(codes, words, size, ahead, out);
  if constexpr (sizeof(Code) == 8) return kernels.collect8(codes, words, size, ahead, out);
}

// Calls visit(codes, size) for the codes of the members, at most kCollectedMax at a time, with any
// number of zeros among them. `next` are codes of as many users that will be read after these.
template <typename Code, typename Visit>
inline __attribute__((always_inline)) void VisitCollected(const uint8_t* data,
                                                          const uint64_t* words,
                                                          const uint8_t* next, Visit visit) {
  alignas(64) uint8_t codes[kCollectedMax * sizeof(Code) + index::kCollectPadding];
  constexpr size_t kBytes = index::kChunkSize * sizeof(Code);
  constexpr uint32_t kWords = 16;
  uint32_t count = 0;
  for (uint32_t first = 0; first < index::kWordsPerChunk; first += kWords) {
    if (count + kWords * 64 > kCollectedMax) {
      visit(codes, count);
      count = 0;
    }
    const size_t at = size_t{first} * 64 * sizeof(Code);
    const size_t later = at + kAheadBytes;
    count += CollectCodes<Code>(data + at, words + first, kWords,
                                later < kBytes ? data + later : next + (later - kBytes),
                                codes + count * sizeof(Code));
  }
  visit(codes, count);
}

// Members that are read one by one where they are fewer.
inline constexpr uint32_t kFewMembers = 1024;

// Calls visit(codes, size) for the codes of `users` of a chunk, whatever form the set has, with any
// number of zeros among them. `next` as above.
template <typename Code, typename Visit>
inline __attribute__((always_inline)) void VisitCodes(const uint8_t* data,
                                                      const index::ChunkSet& users,
                                                      const uint8_t* next, Visit visit) {
  if (users.kind == index::SetKind::kFull) {
    visit(data, index::kChunkSize);
  } else if (users.kind == index::SetKind::kRuns) {
    for (uint32_t i = 0; i < users.size; ++i) {
      const index::Run run = users.runs[i];
      visit(data + size_t{run.first} * sizeof(Code), uint32_t{run.last} - run.first + 1);
    }
  } else if (users.kind == index::SetKind::kArray || users.cardinality <= kFewMembers) {
    alignas(64) uint8_t few[kCollectedMax * sizeof(Code)];
    uint32_t size = 0;
    index::ForEach(users, [&](uint32_t offset) {
      std::memcpy(few + size_t{size++} * sizeof(Code), data + size_t{offset} * sizeof(Code),
                  sizeof(Code));
      if (size < kCollectedMax) return;
      visit(few, size);
      size = 0;
    });
    visit(few, size);
  } else {
    VisitCollected<Code>(data, users.words, next, visit);
  }
}

// The codes of the chunk after `chunk` of the shard, or of this one where there are none. REQUIRES:
// the chunk has codes.
const uint8_t* NextCodes(const index::ColumnShard& column, uint32_t chunk);

// The users whose cells the delta does not override; may lie in `scratch`.
index::ChunkSet WithoutDelta(const index::ChunkSet& users, std::span<const index::Cell> delta,
                             index::ChunkScratch& scratch);

}  // namespace throng::query

#endif  // THRONG_QUERY_COLUMN_CODES_H_
