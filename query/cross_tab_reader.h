// One axis of a cross-tab, chunk by chunk: as the slot of each user, or as a set of users a slot.
//
//   CrossTabReader reader(snapshot, axis);
//   reader.StartShard(3);
//   SlotColumn column = reader.ReadSlots(chunk, users, offsets);    // a tag of one value a user
//   column.slot(offset);
//   reader.ForEachSet(chunk, users, [](uint32_t slot, const index::ChunkSet& set) {...});
//
// Internal to the folder.
#ifndef THRONG_QUERY_CROSS_TAB_READER_H_
#define THRONG_QUERY_CROSS_TAB_READER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "index/chunk_ops.h"
#include "index/chunk_set.h"
#include "index/scratch_pool.h"
#include "index/shard_bitmaps.h"
#include "index/snapshot.h"
#include "index/tag_shard.h"
#include "query/cross_tab_collector.h"

namespace throng::query {

// The slot of a user is slots[code]. Codes have 1 or 2 bytes and stand by offset. A view: of the
// reader, until it reads another chunk.
struct SlotColumn {
  const uint8_t* codes = nullptr;
  int width = 1;
  const uint16_t* slots = nullptr;
};

// What reading the axis as sets takes.
struct SlotSetWork {
  size_t sets = 0;
  uint64_t members = 0;    // of the sets, of each no more than there are users
  uint64_t test_cost = 0;  // of intersecting each with the users, in units of query/leaf_choice.h
};

// Not thread-safe. Borrows the snapshot and the axis.
class CrossTabReader {
 public:
  CrossTabReader(const index::Snapshot& snapshot, const CrossTabAxis& axis);

  // Whether a user has one slot: every type but LABELS.
  bool is_single() const { return type_ != index::TagType::kLabels; }
  // Whether ForEachSet may be asked: every type with bitmaps.
  bool has_sets() const { return !index::IsNumeric(type_); }

  void StartShard(uint32_t shard);
  SlotSetWork SetWork(uint32_t chunk, uint64_t users) const;

  // Of the users, whose offsets ascend; what it says of others means nothing.
  // REQUIRES: is_single().
  SlotColumn ReadSlots(uint32_t chunk, const index::ChunkSet& users,
                       std::span<const uint16_t> offsets);

  // Calls visit(slot, set) with sets whose members among the users are those of the slot; the set
  // is valid during the call. Single axes may come to a slot more than once, with other users.
  // REQUIRES: has_sets().
  template <typename Visit>
  void ForEachSet(uint32_t chunk, const index::ChunkSet& users, Visit visit) {
    if (shard_ == nullptr) {
      visit(NoValueSlot(), users);
      return;
    }
    bool shares = false;
    for (size_t i = 0; i < bitmaps_.size(); ++i) {
      if (i + kPrefetchDistance < bitmaps_.size()) bitmaps_[i + kPrefetchDistance].Prefetch(chunk);
      if (bitmaps_.cardinalities(chunk)[i] == 0) continue;
      const index::ChunkSet set = bitmaps_[i].Load(chunk, *scratch_);
      const uint32_t slot = SlotOfCode(bitmaps_.code(i));
      if (!is_single() && slot == shared_slot_) {
        Share(set, !shares);
        shares = true;
      } else {
        visit(slot, set);
      }
    }
    if (shares) visit(*shared_slot_, index::ViewOf(shared_->bits.words));
    const index::ChunkSet others = WithoutValue(chunk, users);
    if (!others.empty()) visit(NoValueSlot(), others);
  }

 private:
  static constexpr size_t kPrefetchDistance = 8;

  bool is_flag() const { return type_ == index::TagType::kFlag; }
  // FLAG: who does not have it set.
  uint32_t NoValueSlot() const { return is_flag() ? 1 : axis_.slots; }
  uint32_t SlotOfCode(uint32_t code) const { return is_flag() ? 0 : axis_.slot_of_code[code]; }
  uint32_t SlotOfNumber(int64_t number) const;
  void Share(const index::ChunkSet& set, bool first);
  index::ChunkSet WithoutValue(uint32_t chunk, const index::ChunkSet& users);
  SlotColumn ReadFlags(uint32_t chunk, const index::ChunkSet& users,
                       std::span<const uint16_t> offsets);
  SlotColumn ReadPlainCodes(const index::ColumnBlock& block);
  SlotColumn ReadEach(const index::ColumnShard& column, uint32_t chunk,
                      const index::ChunkSet& users, std::span<const uint16_t> offsets);
  SlotColumn OwnSlots() const;

  const index::Snapshot& snapshot_;
  const CrossTabAxis& axis_;
  const index::TagType type_;
  std::optional<uint32_t> shared_slot_;  // of several codes
  const index::TagShard* shard_ = nullptr;
  index::ShardBitmaps bitmaps_;
  index::ScratchRef scratch_;
  index::ScratchRef shared_;
  index::ScratchRef without_value_;
  std::vector<uint16_t> slots_;       // by code of the chunk
  std::vector<uint8_t> flags_;        // by offset
  std::vector<uint16_t> user_slots_;  // by offset, where codes cannot be read as they lie
};

}  // namespace throng::query

#endif  // THRONG_QUERY_CROSS_TAB_READER_H_
