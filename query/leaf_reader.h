// Reads one leaf of a physical plan, chunk by chunk: bitmaps, a column, a list of ids, buckets.
//
//   LeafReader leaf(plan, snapshot);
//   leaf.StartShard(3);
//   index::ChunkSet all = leaf.Read(/*chunk in shard=*/7);
//   index::ChunkSet some = leaf.Select(users, 7, /*wanted=*/true, out);   // looks only at `users`
//
// For each chunk and call it takes what is cheaper there: the bitmaps of the values asked for, the
// column of codes or numbers, or a look-up for each of few users; of many intervals a look-up for
// everybody who has a number. The result is the same.
#ifndef THRONG_QUERY_LEAF_READER_H_
#define THRONG_QUERY_LEAF_READER_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "index/chunk_set.h"
#include "index/scratch_pool.h"
#include "index/shard_bitmaps.h"
#include "index/snapshot.h"
#include "query/leaf_choice.h"
#include "query/physical_plan.h"

namespace throng::query {

// For one thread. Borrows the plan and the snapshot. Views are valid until the next call.
class LeafReader {
 public:
  // REQUIRES: `plan` is a leaf.
  LeafReader(const PhysicalPlan& plan, const index::Snapshot& snapshot);

  // The bitmaps that it may read in a chunk.
  size_t bitmaps_max() const { return values_ == nullptr ? 1 : values_->codes.size(); }
  // Sets say from now on what is read after them: faster where the plan reads more than the caches
  // hold, slower where it does not.
  void SetReadsAhead() { reads_ahead_ = true; }

  // An upper bound of the leaf's users in the shard, but for buckets an estimate; 0: nobody.
  uint64_t StartShard(uint32_t shard);

  // Whether the leaf's users lie in one block of each chunk of this shard: Read() costs nothing.
  bool is_in_place() const { return in_place_; }
  // Whether StartShard() and UsersMax() say how many there are, not only how many at most.
  bool is_exact() const;
  // An upper bound of the users in a chunk, without looking at them.
  uint32_t UsersMax(uint32_t chunk) const;
  // The ways to answer `use` in a chunk. `at_hand` is how many users are asked about; it does not
  // matter where all are.
  LeafChoice Choose(uint32_t chunk, LeafUse use, uint32_t at_hand) const;
  // From now on every chunk that is read is noted there; nullptr: nowhere. Borrows it.
  void NoteIn(LeafAccesses* accesses) { accesses_ = accesses; }

  // The leaf's users in a chunk (0 to 15).
  index::ChunkSet Read(uint32_t chunk);
  uint32_t Count(uint32_t chunk);

  // Those of `users` that are (`wanted`) or are not the leaf's. `users` must not lie in `out`.
  index::ChunkSet Select(const index::ChunkSet& users, uint32_t chunk, bool wanted,
                         index::ChunkScratch& out);
  // How many of `users` are the leaf's.
  uint32_t CountIn(const index::ChunkSet& users, uint32_t chunk);

  // Appends sets whose union are the leaf's users in the chunk.
  void AppendSets(uint32_t chunk, std::vector<index::ChunkSet>* sets);

 private:
  template <typename Assign>
  uint64_t StartBitmaps(uint32_t tag, Assign assign);
  void Note(LeafForm form, uint64_t at_hand) {
    if (accesses_ != nullptr) accesses_->Note(form, at_hand);
  }
  LeafChoice ChooseForRanges(uint32_t chunk, bool whole, uint32_t at_hand) const;
  LeafChoice ChooseForBitmaps(uint32_t chunk, LeafUse use, uint32_t at_hand) const;
  std::optional<uint64_t> PickCost(uint32_t chunk) const;
  const index::ColumnBlock* PlainCodes(uint32_t chunk) const;
  void PrefetchAhead(size_t i, uint32_t chunk) const;
  index::ChunkSet ReadInPlace(uint32_t chunk);
  index::ChunkSet ReadAs(LeafForm form, uint32_t chunk);
  index::ChunkSet Pick(uint32_t chunk, index::ChunkScratch& out) const;
  index::ChunkSet UniteBitmaps(uint32_t chunk);
  index::ChunkSet ReadRanges(uint32_t chunk, index::ChunkScratch& out) const;
  index::ChunkSet LookUpRanges(uint32_t chunk);
  index::ChunkSet SelectInRanges(const index::ChunkSet& users, uint32_t chunk, bool wanted,
                                 index::ChunkScratch& out) const;
  index::ChunkSet SelectAs(LeafForm form, const index::ChunkSet& users, uint32_t chunk, bool wanted,
                           index::ChunkScratch& out);
  uint32_t CountInEach(const index::ChunkSet& users, uint32_t chunk);
  index::ChunkSet Remove(const index::ChunkSet& users, uint32_t chunk, index::ChunkScratch& out);
  index::ChunkSet SelectBuckets(const index::ChunkSet& users, uint32_t chunk, bool wanted,
                                index::ChunkScratch& out) const;
  template <typename Test>
  index::ChunkSet SelectByValue(const index::ChunkSet& users, uint32_t chunk, bool wanted,
                                index::ChunkScratch& out, Test test) const;
  bool HasCode(uint64_t code) const {
    return code >> 6 < code_table_.size() && ((code_table_[code >> 6] >> (code & 63)) & 1) != 0;
  }
  index::ChunkScratch& DeltaScratch(size_t i);
  index::ChunkSet LoadBitmap(size_t i, uint32_t chunk, index::ChunkScratch& scratch) const;
  const index::BitmapShard* NextShardsBitmap() const;
  const uint64_t* WordsAhead(size_t i, uint32_t chunk) const;
  void ApproachNextShard(uint32_t chunk) const;
  index::ChunkSet Universe(uint32_t chunk, index::ChunkScratch& scratch) const;
  uint32_t UniverseMax(uint32_t chunk) const;

  const PhysicalPlan& plan_;
  const index::Snapshot& snapshot_;
  const TagValues* const values_;
  const NumericRanges* const ranges_;
  const Ordinals* const ordinals_;
  const HashBuckets* const buckets_;
  bool disjoint_ = false;             // no user is in two of the bitmaps
  std::vector<uint64_t> code_table_;  // CATEGORY, several values: a bit for each that is asked for
  LeafAccesses* accesses_ = nullptr;

  bool reads_ahead_ = false;
  uint32_t shard_ = 0;
  bool in_place_ = true;
  index::ShardBitmaps bitmaps_;                 // the largest first
  const index::ColumnShard* column_ = nullptr;  // ranges, and codes of CATEGORY
  std::vector<index::ChunkSet> sets_;           // of the chunk at hand
  index::ScratchRef scratch_[2];
  std::vector<index::ScratchRef> delta_scratches_;  // for bitmaps of the chunk that have deltas
};

}  // namespace throng::query

#endif  // THRONG_QUERY_LEAF_READER_H_
