#include "query/cross_tab_collector.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "index/chunk_ops.h"
#include "query/column_codes.h"
#include "query/cross_tab_reader.h"
#include "query/leaf_choice.h"

namespace throng::query {
namespace {

using index::ChunkScratch;
using index::ChunkSet;
using index::kChunkSize;

// Beside those of query/leaf_choice.h, of one user each: counting a pair of codes, finding a slot
// that cannot be read as it lies, counting a member of a set, and putting one into a list.
constexpr uint64_t kCountPairCost = 22;
constexpr uint64_t kFindSlotCost = 15;
constexpr uint64_t kCountMemberCost = 16;
constexpr uint64_t kListMemberCost = 45;
constexpr uint64_t kCountListedCost = 8;

// Sets that are intersected with all sets of the other axis: they stay in the caches.
constexpr size_t kKeptSetsMax = 32;
// Tables of so many cells are counted in several copies: neighbours with the same cell would wait
// for each other's count.
constexpr size_t kCopiedCellsMax = 2048;
constexpr size_t kCopies = 4;

bool IsLabels(const index::Snapshot& snapshot, const CrossTabAxis& axis) {
  return snapshot.catalogue().FindById(axis.tag)->definition.type == index::TagType::kLabels;
}

// Counts the users' pairs of slots in `copies` tables of `stride` columns, one after the other.
template <typename OuterCode, typename InnerCode>
void CountPairs(std::span<const uint16_t> offsets, const SlotColumn& outer, const SlotColumn& inner,
                size_t stride, std::span<uint32_t> cells, size_t copies) {
  const size_t size = cells.size() / copies;
  const auto cell_of = [&](uint32_t offset) {
    return outer.slots[LoadCode<OuterCode>(outer.codes, offset)] * stride +
           inner.slots[LoadCode<InnerCode>(inner.codes, offset)];
  };
  size_t i = 0;
  if (copies == kCopies) {
    for (; i + kCopies <= offsets.size(); i += kCopies) {
      for (size_t k = 0; k < kCopies; ++k) ++cells[k * size + cell_of(offsets[i + k])];
    }
  }
  for (; i < offsets.size(); ++i) ++cells[cell_of(offsets[i])];
}

// Counts the slots of the members in one row of cells.
void CountRow(std::span<const uint16_t> members, const SlotColumn& inner, uint32_t* row) {
  if (inner.width == 1) {
    for (uint16_t m : members) ++row[inner.slots[inner.codes[m]]];
  } else {
    for (uint16_t m : members) ++row[inner.slots[LoadCode<uint16_t>(inner.codes, m)]];
  }
}

// The set in `out`, wherever it lay, unless that is no memory.
ChunkSet Keep(const ChunkSet& set, ChunkScratch& out) {
  if (set.empty() || set.kind == index::SetKind::kFull) return set;
  if (set.kind == index::SetKind::kArray && set.size <= index::kArrayMax) {
    if (set.array != out.array.values) std::copy_n(set.array, set.size, out.array.values);
    return ChunkSet::Array(out.array.values, set.size);
  }
  if (set.words != out.bits.words) index::CopyTo(set, out.bits.words);
  return ChunkSet::Bitset(out.bits.words, set.cardinality);
}

}  // namespace

// One thread's readers and counts.
class CrossTabCollector::Worker {
 public:
  Worker(const index::Snapshot& snapshot, const CrossTabAxis& outer, const CrossTabAxis& inner)
      : outer_(snapshot, outer),
        inner_(snapshot, inner),
        stride_(size_t{inner.slots} + 1),
        size_((size_t{outer.slots} + 1) * stride_),
        copies_(size_ <= kCopiedCellsMax ? kCopies : 1),
        cells_(size_ * copies_),
        outer_users_(size_t{outer.slots} + 1),
        inner_users_(stride_),
        scratch_(index::TakeScratch()) {
    offsets_.resize(kChunkSize);
    members_.resize(kChunkSize);
  }

  void Collect(uint32_t chunk, const ChunkSet& users);

  uint64_t users() const { return users_; }
  uint64_t cell(size_t i) const {
    uint64_t count = 0;
    for (size_t k = 0; k < copies_; ++k) count += cells_[k * size_ + i];
    return count;
  }
  uint32_t outer_users(size_t slot) const { return outer_users_[slot]; }
  uint32_t inner_users(size_t slot) const { return inner_users_[slot]; }

 private:
  // The sets of an axis, of the users at hand, that all sets of the other are intersected with.
  struct KeptSet {
    uint32_t slot;
    ChunkSet set;
  };

  void CountCodes(uint32_t chunk, const ChunkSet& users);
  void CountSets(uint32_t chunk, const ChunkSet& users, bool keeps_outer);
  void CountMembers(uint32_t chunk, const ChunkSet& users);
  void CountLists(uint32_t chunk, const ChunkSet& users);
  void MakeLists(uint32_t chunk, const ChunkSet& users);
  std::span<const uint16_t> ReadOffsets(const ChunkSet& users);
  std::span<const uint16_t> MembersOf(const ChunkSet& set, const ChunkSet& users);
  uint32_t* row(uint32_t slot) { return cells_.data() + slot * stride_; }

  CrossTabReader outer_;
  CrossTabReader inner_;
  const size_t stride_;
  const size_t size_;
  const size_t copies_;
  // No more users than 2^31: 32 bits hold every count.
  std::vector<uint32_t> cells_;
  std::vector<uint32_t> outer_users_;  // where the inner axis is of LABELS
  std::vector<uint32_t> inner_users_;  // where the outer axis is of LABELS
  uint64_t users_ = 0;
  uint32_t shard_ = ~uint32_t{0};
  index::ScratchRef scratch_;
  std::vector<uint16_t> offsets_;
  std::vector<uint16_t> members_;
  std::vector<KeptSet> kept_;
  std::vector<index::ScratchRef> kept_scratch_;
  // Lists of slots of the users of a chunk: those of a user end at list_ends_[offset].
  std::vector<uint32_t> list_ends_;
  std::vector<uint32_t> list_sizes_;
  std::vector<uint16_t> lists_;
  std::vector<uint16_t> all_members_;
  std::vector<std::pair<uint32_t, size_t>> member_ends_;  // slot, end in all_members_
};

std::span<const uint16_t> CrossTabCollector::Worker::ReadOffsets(const ChunkSet& users) {
  return std::span(offsets_).first(index::ToArray(users, offsets_.data()));
}

std::span<const uint16_t> CrossTabCollector::Worker::MembersOf(const ChunkSet& set,
                                                               const ChunkSet& users) {
  const ChunkSet both = index::Intersect(set, users, *scratch_);
  return std::span(members_).first(index::ToArray(both, members_.data()));
}

void CrossTabCollector::Worker::Collect(uint32_t chunk, const ChunkSet& users) {
  users_ += users.cardinality;
  const uint32_t shard = chunk / index::kChunksPerShard;
  const uint32_t in_shard = chunk % index::kChunksPerShard;
  if (shard_ != shard) {
    outer_.StartShard(shard);
    inner_.StartShard(shard);
    shard_ = shard;
  }
  const uint64_t n = users.cardinality;
  const SlotSetWork outer = outer_.SetWork(in_shard, n);
  const SlotSetWork inner = inner_.SetWork(in_shard, n);
  uint64_t cost = n * (kCountPairCost + kFindSlotCost);
  if (!inner_.is_single()) {
    cost = inner.members * kListMemberCost + outer.members * kCountMemberCost +
           outer.members * inner.members / n * kCountListedCost;
  } else if (!outer_.is_single()) {
    cost =
        n * (kCountPairCost + kFindSlotCost) + outer.test_cost + outer.members * kCountMemberCost;
  }
  if (outer_.has_sets() && inner_.has_sets()) {
    const bool keeps_outer = outer.sets < inner.sets;
    const SlotSetWork& kept = keeps_outer ? outer : inner;
    const SlotSetWork& other = keeps_outer ? inner : outer;
    if (kept.sets <= kKeptSetsMax && (kept.sets + 1) * other.test_cost + kept.test_cost < cost) {
      CountSets(in_shard, users, keeps_outer);
      return;
    }
  }
  if (!inner_.is_single()) {
    CountLists(in_shard, users);
  } else if (!outer_.is_single()) {
    CountMembers(in_shard, users);
  } else {
    CountCodes(in_shard, users);
  }
}

// Both tags have one value a user: the pair of each.
void CrossTabCollector::Worker::CountCodes(uint32_t chunk, const ChunkSet& users) {
  const std::span<const uint16_t> offsets = ReadOffsets(users);
  const SlotColumn outer = outer_.ReadSlots(chunk, users, offsets);
  const SlotColumn inner = inner_.ReadSlots(chunk, users, offsets);
  const auto count =
      outer.width == 1
          ? (inner.width == 1 ? &CountPairs<uint8_t, uint8_t> : &CountPairs<uint8_t, uint16_t>)
          : (inner.width == 1 ? &CountPairs<uint16_t, uint8_t> : &CountPairs<uint16_t, uint16_t>);
  count(offsets, outer, inner, stride_, cells_, copies_);
}

// Each set of one axis with each of the other.
void CrossTabCollector::Worker::CountSets(uint32_t chunk, const ChunkSet& users, bool keeps_outer) {
  CrossTabReader& kept_reader = keeps_outer ? outer_ : inner_;
  CrossTabReader& other_reader = keeps_outer ? inner_ : outer_;
  std::vector<uint32_t>& kept_users = keeps_outer ? outer_users_ : inner_users_;
  std::vector<uint32_t>& other_users = keeps_outer ? inner_users_ : outer_users_;
  kept_.clear();
  kept_reader.ForEachSet(chunk, users, [&](uint32_t slot, const ChunkSet& set) {
    if (kept_.size() == kept_scratch_.size()) kept_scratch_.push_back(index::TakeScratch());
    ChunkScratch& own = *kept_scratch_[kept_.size()];
    const ChunkSet both = Keep(index::Intersect(set, users, own), own);
    if (both.empty()) return;
    kept_.push_back({slot, both});
    kept_users[slot] += both.cardinality;
  });
  const size_t kept_step = keeps_outer ? stride_ : 1;
  const size_t other_step = keeps_outer ? 1 : stride_;
  other_reader.ForEachSet(chunk, users, [&](uint32_t slot, const ChunkSet& set) {
    uint32_t* cells = cells_.data() + slot * other_step;
    for (const KeptSet& kept : kept_) {
      cells[kept.slot * kept_step] += index::IntersectCardinality(kept.set, set);
    }
    if (!kept_reader.is_single()) {
      other_users[slot] += index::IntersectCardinality(users, set);
    }
  });
}

// The outer tag's sets, member by member, with the inner tag's one value of each.
void CrossTabCollector::Worker::CountMembers(uint32_t chunk, const ChunkSet& users) {
  const std::span<const uint16_t> offsets = ReadOffsets(users);
  const SlotColumn inner = inner_.ReadSlots(chunk, users, offsets);
  CountRow(offsets, inner, inner_users_.data());
  outer_.ForEachSet(chunk, users, [&](uint32_t slot, const ChunkSet& set) {
    CountRow(MembersOf(set, users), inner, row(slot));
  });
}

// Both tags have several values a user: the outer tag's sets, member by member, with the list of
// the inner tag's values of each.
void CrossTabCollector::Worker::CountLists(uint32_t chunk, const ChunkSet& users) {
  MakeLists(chunk, users);
  outer_.ForEachSet(chunk, users, [&](uint32_t slot, const ChunkSet& set) {
    const std::span<const uint16_t> members = MembersOf(set, users);
    outer_users_[slot] += static_cast<uint32_t>(members.size());
    uint32_t* cells = row(slot);
    for (uint16_t member : members) {
      const uint16_t* end = lists_.data() + list_ends_[member];
      for (const uint16_t* at = end - list_sizes_[member]; at != end; ++at) ++cells[*at];
    }
  });
}

void CrossTabCollector::Worker::MakeLists(uint32_t chunk, const ChunkSet& users) {
  list_ends_.resize(kChunkSize);
  list_sizes_.resize(kChunkSize);
  const std::span<const uint16_t> offsets = ReadOffsets(users);
  for (uint16_t offset : offsets) list_sizes_[offset] = 0;
  all_members_.clear();
  member_ends_.clear();
  inner_.ForEachSet(chunk, users, [&](uint32_t slot, const ChunkSet& set) {
    const std::span<const uint16_t> members = MembersOf(set, users);
    inner_users_[slot] += static_cast<uint32_t>(members.size());
    for (uint16_t member : members) ++list_sizes_[member];
    all_members_.insert(all_members_.end(), members.begin(), members.end());
    member_ends_.emplace_back(slot, all_members_.size());
  });
  uint32_t begin = 0;
  for (uint16_t offset : offsets) {
    list_ends_[offset] = begin;  // where the next of the user goes
    begin += list_sizes_[offset];
  }
  lists_.resize(begin);
  size_t at = 0;
  for (const auto& [slot, end] : member_ends_) {
    for (; at < end; ++at) lists_[list_ends_[all_members_[at]]++] = static_cast<uint16_t>(slot);
  }
}

CrossTabCollector::CrossTabCollector(const index::Snapshot& snapshot, CrossTabAxis rows,
                                     CrossTabAxis columns)
    : snapshot_(snapshot),
      swapped_(IsLabels(snapshot, columns) && !IsLabels(snapshot, rows)),
      outer_(swapped_ ? columns : rows),
      inner_(swapped_ ? std::move(rows) : std::move(columns)) {}

CrossTabCollector::~CrossTabCollector() = default;

void CrossTabCollector::Start(uint32_t workers, uint32_t /*chunks*/) { workers_.resize(workers); }

void CrossTabCollector::Collect(uint32_t chunk, const ChunkSet& users, uint32_t worker) {
  if (workers_[worker] == nullptr) {
    workers_[worker] = std::make_unique<Worker>(snapshot_, outer_, inner_);
  }
  workers_[worker]->Collect(chunk, users);
}

CrossTabCounts CrossTabCollector::Finish() const {
  const uint32_t outer_slots = outer_.slots + 1;
  const uint32_t inner_slots = inner_.slots + 1;
  CrossTabCounts counts{.rows = swapped_ ? inner_slots : outer_slots,
                        .columns = swapped_ ? outer_slots : inner_slots};
  counts.cells.resize(size_t{counts.rows} * counts.columns);
  std::vector<uint64_t> outer_users(outer_slots);
  std::vector<uint64_t> inner_users(inner_slots);
  const bool outer_is_single = !IsLabels(snapshot_, outer_);
  const bool inner_is_single = !IsLabels(snapshot_, inner_);
  for (const std::unique_ptr<Worker>& worker : workers_) {
    if (worker == nullptr) continue;
    counts.users += worker->users();
    for (uint32_t o = 0; o < outer_slots; ++o) {
      for (uint32_t i = 0; i < inner_slots; ++i) {
        const uint64_t cell = worker->cell(size_t{o} * inner_slots + i);
        counts.cells[swapped_ ? size_t{i} * outer_slots + o : size_t{o} * inner_slots + i] += cell;
        if (inner_is_single) outer_users[o] += cell;
        if (outer_is_single) inner_users[i] += cell;
      }
    }
    if (!inner_is_single) {
      for (uint32_t o = 0; o < outer_slots; ++o) outer_users[o] += worker->outer_users(o);
    }
    if (!outer_is_single) {
      for (uint32_t i = 0; i < inner_slots; ++i) inner_users[i] += worker->inner_users(i);
    }
  }
  counts.row_users = swapped_ ? inner_users : outer_users;
  counts.column_users = swapped_ ? std::move(outer_users) : std::move(inner_users);
  return counts;
}

}  // namespace throng::query
