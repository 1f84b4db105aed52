// Set algebra on chunks: the kernels every query spends its time in.
//
//   ChunkSet both = Intersect(a, b, scratch);     // a view of scratch, or of an operand in place
//   uint32_t n = IntersectCardinality(a, b);      // nothing is materialised
//
// A result may point into `out` or into either operand; it is valid as long as all three. `out`
// must not be the scratch that an operand points into, unless said so. Results are arrays where
// they are small, bitsets otherwise, or an operand as it is. Thread-safe.
#ifndef THRONG_INDEX_CHUNK_OPS_H_
#define THRONG_INDEX_CHUNK_OPS_H_

#include <cstdint>

#include "index/chunk_set.h"

namespace throng::index {

// `a` may lie in `out` where it is an array that is not longer than `b`.
ChunkSet Intersect(const ChunkSet& a, const ChunkSet& b, ChunkScratch& out);
ChunkSet Unite(const ChunkSet& a, const ChunkSet& b, ChunkScratch& out);
// Members of `a` that are not in `b`. `a` may lie in `out` where it is an array.
ChunkSet Subtract(const ChunkSet& a, const ChunkSet& b, ChunkScratch& out);

uint32_t IntersectCardinality(const ChunkSet& a, const ChunkSet& b);

// The same on words that the caller owns and accumulates in.
void CopyTo(const ChunkSet& set, uint64_t* words);         // overwrites
void UniteInto(const ChunkSet& set, uint64_t* words);      // words |= set
void IntersectInto(const ChunkSet& set, uint64_t* words);  // words &= set
void SubtractFrom(const ChunkSet& set, uint64_t* words);   // words &= ~set
uint32_t CountBits(const uint64_t* words);                 // of kWordsPerChunk words
uint32_t CountRange(const uint64_t* words, uint32_t first, uint32_t last);  // both included

// The set in `out.bits`, of that cardinality: turned into an array where it is small.
ChunkSet Settle(ChunkScratch& out, uint32_t cardinality);

// A view of `words` as they are.
inline ChunkSet ViewOf(const uint64_t* words) { return ChunkSet::Bitset(words, CountBits(words)); }

// Asks for the memory of a set that will be read soon, all of it.
inline void Prefetch(const ChunkSet& set) {
  const size_t bytes = set.kind == SetKind::kBitset  ? sizeof(ChunkWords)
                       : set.kind == SetKind::kArray ? set.size * sizeof(uint16_t)
                       : set.kind == SetKind::kRuns  ? set.size * sizeof(Run)
                                                     : 0;
  const char* memory = reinterpret_cast<const char*>(set.words);
  for (size_t at = 0; at < bytes; at += 64) __builtin_prefetch(memory + at);
}

// Writes the members in ascending order; returns how many. `out` has room for the cardinality.
uint32_t ToArray(const ChunkSet& set, uint16_t* out);

}  // namespace throng::index

#endif  // THRONG_INDEX_CHUNK_OPS_H_
