// How many of some users have a number in each of a few bins, chunk by chunk.
//
//   BinCounter bins({18, 30, 65});      // below 18, 18 to 29, 30 to 64, from 65 on
//   bins.Add(*shard->column, chunk, users, scratch);
//   bins.counts();                      // 4 of them
//
// Packed codes are compared with the edges as they lie, many at a time, and never looked at one by
// one: for a few bins that is several times as fast as counting every number. Internal to the
// folder.
#ifndef THRONG_QUERY_BIN_COUNTER_H_
#define THRONG_QUERY_BIN_COUNTER_H_

#include <cstdint>
#include <vector>

#include "index/chunk_set.h"
#include "index/column_shard.h"

namespace throng::query {

// For one thread.
class BinCounter {
 public:
  // `edges` ascend and are distinct; a number that is an edge falls into the bin above it.
  explicit BinCounter(std::vector<int64_t> edges);

  // `users` of chunk 0 to 15 of the shard; they must not lie in `scratch`.
  void Add(const index::ColumnShard& column, uint32_t chunk, const index::ChunkSet& users,
           index::ChunkScratch& scratch);

  // One more than edges.
  std::vector<uint64_t> counts() const;
  uint64_t with_value() const { return with_value_; }

 private:
  void AddNumber(int64_t number);
  void AddBlock(const index::ColumnBlock& block, const index::ChunkSet& users, const uint8_t* next);
  template <typename Code>
  void AddCodes(const index::ColumnBlock& block, const index::ChunkSet& users, const uint8_t* next);

  const std::vector<int64_t> edges_;
  std::vector<uint64_t> from_;  // by edge: users whose number is it or more
  uint64_t with_value_ = 0;
  // Of the block at hand: code 1, and the codes that edges are, with what they count.
  std::vector<uint64_t> limits_;
  std::vector<uint64_t> limit_counts_;
};

}  // namespace throng::query

#endif  // THRONG_QUERY_BIN_COUNTER_H_
