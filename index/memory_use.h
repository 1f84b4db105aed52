// Where the memory of a population goes, in bytes.
//
//   MemoryUse all = MemoryOf(*snapshot);
//   MemoryUse city = MemoryOf(*snapshot, tag_id);
//   MemoryUse kept = MemoryOf(*older, snapshot.get());   // what goes when `older` goes
//
// Every allocation is counted once, with what glibc's allocator adds to it; memory that is shared
// by versions is counted with the newest one. What is walked is immutable: nothing is counted while
// it is made, and serving costs nothing.
#ifndef THRONG_INDEX_MEMORY_USE_H_
#define THRONG_INDEX_MEMORY_USE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace throng::index {

class Snapshot;

// What an allocation of `bytes` takes: glibc puts 8 bytes before it and rounds up to 16.
inline size_t HeapBytes(size_t bytes) {
  constexpr size_t kLeast = 32;
  return std::max(kLeast, (bytes + 8 + 15) & ~size_t{15});
}
// The same of std::make_shared<T>(), which puts two counts and a table of functions before a T.
template <typename T>
size_t SharedBytes() {
  return HeapBytes(sizeof(T) + 16);
}

// A value; thread-compatible, like those below.
struct BlockUse {
  uint64_t count = 0;
  size_t bytes = 0;

  void Add(size_t added) {
    ++count;
    bytes += added;
  }
  BlockUse& operator+=(const BlockUse& other) {
    count += other.count;
    bytes += other.bytes;
    return *this;
  }
};

struct BitmapMemory {
  BlockUse arrays;
  BlockUse bitsets;
  BlockUse runs;
  BlockUse full;   // shared by all: 0 bytes
  BlockUse small;  // not chunks, but whole shards of few members
  size_t deltas = 0;
  size_t overhead = 0;  // headers, pointers and the allocator's share of all of it

  size_t blocks() const {
    return arrays.bytes + bitsets.bytes + runs.bytes + full.bytes + small.bytes;
  }
  size_t total() const { return blocks() + deltas + overhead; }
  BitmapMemory& operator+=(const BitmapMemory& other);
};

struct MemoryUse {
  BitmapMemory bitmaps;
  size_t number_columns = 0;  // of ordered tags
  size_t code_columns = 0;    // of CATEGORY tags
  size_t column_deltas = 0;
  size_t ids = 0;         // primary ids, both directions
  size_t linked_ids = 0;  // ids of the declared types
  size_t value_dictionaries = 0;
  size_t crowds = 0;  // the sets of newest versions

  size_t columns() const { return number_columns + code_columns; }
  size_t total() const {
    return bitmaps.total() + columns() + column_deltas + ids + linked_ids + value_dictionaries +
           crowds;
  }
  MemoryUse& operator+=(const MemoryUse& other);
};

// Of a population; not null `beside`: without what that version, the next one that is still there,
// has at the same places. Takes time: walks all bitmaps, or those that differ. Thread-safe.
MemoryUse MemoryOf(const Snapshot& snapshot, const Snapshot* beside = nullptr);
// Of one tag, or of the universe: bitmaps, columns and values.
MemoryUse MemoryOf(const Snapshot& snapshot, uint32_t tag, const Snapshot* beside = nullptr);

}  // namespace throng::index

#endif  // THRONG_INDEX_MEMORY_USE_H_
