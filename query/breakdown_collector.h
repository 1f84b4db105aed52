// Counts the selected users over the values of several tags, in one pass.
//
//   BreakdownCollector collector(snapshot, {city, interests});
//   Execute(plan, snapshot, parallel, check, collector);
//   collector.Finish()[0].counts[code];
//
// For each chunk a tag is counted by whichever is cheaper there: intersecting its values' bitmaps,
// or reading the column of codes for the users at hand. Where most of the chunk's users are
// selected, it is the others who are counted, and taken away from the stored cardinalities.
#ifndef THRONG_QUERY_BREAKDOWN_COLLECTOR_H_
#define THRONG_QUERY_BREAKDOWN_COLLECTOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "index/catalogue.h"
#include "index/chunk_set.h"
#include "index/scratch_pool.h"
#include "index/shard_bitmaps.h"
#include "index/snapshot.h"
#include "query/collector.h"

namespace throng::query {

struct TagCounts {
  std::vector<uint64_t> counts;  // by code; FLAG: code 0 is "set"
  uint64_t with_value = 0;       // users with any value; FLAG: all of them
};

// Thread-safe as a Collector must be. Borrows the snapshot.
class BreakdownCollector final : public Collector {
 public:
  // `tags` are ids of CATEGORY, LABELS or FLAG tags.
  BreakdownCollector(const index::Snapshot& snapshot, const std::vector<uint32_t>& tags);

  void Start(uint32_t workers, uint32_t chunks) override;
  void Collect(uint32_t chunk, const index::ChunkSet& users, uint32_t worker) override;
  // The same in steps: first StartChunk, then every tag by its place in the list; so that two
  // collectors may read a tag one after the other while it is in the caches.
  void StartChunk(uint32_t chunk, const index::ChunkSet& users, uint32_t worker);
  void CollectTag(size_t tag, uint32_t chunk, const index::ChunkSet& users, uint32_t worker);
  // After execution; in the order of the tags.
  std::vector<TagCounts> Finish() const;
  uint64_t users() const;

 private:
  struct Target {
    uint32_t tag;
    index::TagType type;
    uint32_t codes;
  };
  struct Worker {
    std::vector<TagCounts> tags;
    uint64_t users = 0;
    index::ScratchRef scratch;
    index::ScratchRef others;
    // Whom to count of the chunk at hand: the selected, or else those who are not, who are taken
    // away from everybody: `unit` is 1 or minus 1, modulo 2^64. And their offsets, once a tag asks
    // for them.
    index::ChunkSet counted;
    uint64_t unit = 1;
    std::vector<uint16_t> offsets;
    bool has_offsets = false;
    std::vector<uint32_t> histogram;
    // Of the shard at hand, by target.
    uint32_t shard = ~uint32_t{0};
    std::vector<index::ShardBitmaps> bitmaps;
  };

  void PickCounted(uint32_t chunk, const index::ChunkSet& users, Worker& worker) const;
  void CountTag(const Target& target, const index::TagShard& shard,
                const index::ShardBitmaps& bitmaps, uint32_t chunk, Worker& worker,
                TagCounts& counts) const;
  static uint64_t CountBitmaps(const index::ShardBitmaps& bitmaps, uint32_t chunk, Worker& worker,
                               TagCounts& counts);
  static void CountColumn(const index::ColumnBlock& block, Worker& worker, TagCounts& counts);

  const index::Snapshot& snapshot_;
  std::vector<Target> targets_;
  std::vector<Worker> workers_;
};

// The same counts over everybody, from cardinalities alone.
std::vector<TagCounts> CountEverybody(const index::Snapshot& snapshot,
                                      const std::vector<uint32_t>& tags);

}  // namespace throng::query

#endif  // THRONG_QUERY_BREAKDOWN_COLLECTOR_H_
