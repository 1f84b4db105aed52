// What is done with the users a plan selects.
//
//   CountCollector / SetCollector / BreakdownCollector ...
//   Execute(plan, snapshot, parallel, check, collector);
//
// The executor hands over each chunk's users once; chunks come in any order, from several threads.
// A collector keeps one partial result a worker and merges them at the end, so that no thread waits
// for another.
#ifndef THRONG_QUERY_COLLECTOR_H_
#define THRONG_QUERY_COLLECTOR_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "index/block.h"
#include "index/chunk_set.h"
#include "index/ordinal_set.h"

namespace throng::query {

// Collect is called by several threads at once, each with a `worker` number of its own.
class Collector {
 public:
  virtual ~Collector() = default;
  // Once, before the first Collect.
  virtual void Start(uint32_t workers, uint32_t chunks) = 0;
  // About how many bytes a call of Collect reads where many users are selected, besides what
  // selects them: a plan is evaluated in another way when all does not stay in the caches.
  virtual uint64_t BytesAChunk() const { return 0; }
  // `users` are the selected users of chunk `chunk` (ordinal >> 16), never empty; the view is valid
  // during the call.
  virtual void Collect(uint32_t chunk, const index::ChunkSet& users, uint32_t worker) = 0;
};

// Keeps the users as a set.
class SetCollector final : public Collector {
 public:
  void Start(uint32_t workers, uint32_t chunks) override;
  void Collect(uint32_t chunk, const index::ChunkSet& users, uint32_t worker) override;
  // After execution.
  std::shared_ptr<const index::OrdinalSet> Build();

 private:
  std::vector<index::BlockRef> blocks_;  // each chunk is written by one thread
};

}  // namespace throng::query

#endif  // THRONG_QUERY_COLLECTOR_H_
