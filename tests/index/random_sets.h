// Random sets of offsets for tests of the index: every form a chunk can take, edges included.
//
//   std::set<uint32_t> members = RandomSet(random, kChunkSize);
#ifndef THRONG_TESTS_INDEX_RANDOM_SETS_H_
#define THRONG_TESTS_INDEX_RANDOM_SETS_H_

#include <cstdint>
#include <random>
#include <set>

#include "index/block.h"
#include "index/chunk_set.h"

namespace throng::index {

// Offsets below `end`: empty, a few, many, runs, all, or all but a few. Thread-safe.
std::set<uint32_t> RandomSet(std::mt19937_64& random, uint32_t end);

// The members of a chunk as a set.
std::set<uint32_t> Members(const ChunkSet& set);

// A block of the members, which are below kChunkSize.
BlockRef BlockOf(const std::set<uint32_t>& members);

}  // namespace throng::index

#endif  // THRONG_TESTS_INDEX_RANDOM_SETS_H_
