#include "query/leaf_reader.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <span>
#include <variant>

#include "index/chunk_algebra.h"
#include "index/chunk_ops.h"
#include "index/id_hash.h"
#include "index/overloaded.h"
#include "index/word_kernels.h"
#include "query/membership.h"

namespace throng::query {
namespace {

using index::ChunkScratch;
using index::ChunkSet;

// Adding up what the choice looks at anyway.
constexpr uint64_t kCardinalityCost = 1;
// Each time the intervals where a number may lie are halved.
constexpr uint64_t kHalveCost = 15;
// Bitmaps of a chunk with deltas that are merged side by side.
constexpr size_t kDeltaScratches = 16;
// Bitmaps taken away at a time, before seeing whether anybody is left: the largest, which leave
// few, then the others.
constexpr size_t kRemovedFirst = 8;
constexpr size_t kRemovedAtOnce = 64;
// Loads ahead of which a block is asked for.
constexpr size_t kPrefetchDistance = 8;

constexpr int64_t kCodeTableBits = index::kCodeTableWords * 64;

template <typename Node>
const Node* NodeOf(const PhysicalPlan& plan) {
  return std::get_if<Node>(&plan.node);
}

bool IsCategory(uint32_t tag, const index::Snapshot& snapshot) {
  const index::TagEntry* entry = snapshot.catalogue().FindById(tag);
  return entry != nullptr && entry->definition.type == index::TagType::kCategory;
}

// Keeps those of `users` for which `test(offset)` is true. `users` must not lie in `out`.
template <typename Test>
ChunkSet KeepIf(const ChunkSet& users, ChunkScratch& out, Test test) {
  if (users.cardinality <= index::kArrayMax) {
    uint32_t count = 0;
    index::ForEach(users, [&](uint32_t offset) {
      out.array.values[count] = static_cast<uint16_t>(offset);
      count += test(offset) ? 1 : 0;
    });
    return ChunkSet::Array(out.array.values, count);
  }
  uint64_t* words = out.bits.words;
  index::CopyTo(ChunkSet::Empty(), words);
  index::ForEach(users, [&](uint32_t offset) {
    words[offset >> 6] |= uint64_t{test(offset)} << (offset & 63);
  });
  return index::ViewOf(words);
}

}  // namespace

LeafReader::LeafReader(const PhysicalPlan& plan, const index::Snapshot& snapshot)
    : plan_(plan),
      snapshot_(snapshot),
      values_(NodeOf<TagValues>(plan)),
      ranges_(NodeOf<NumericRanges>(plan)),
      ordinals_(NodeOf<Ordinals>(plan)),
      buckets_(NodeOf<HashBuckets>(plan)) {
  for (index::ScratchRef& scratch : scratch_) scratch = index::TakeScratch();
  if (values_ == nullptr || values_->codes.size() < 2) return;
  disjoint_ = IsCategory(values_->tag, snapshot);
  if (!disjoint_) return;
  code_table_.resize((values_->codes.back() >> 6) + size_t{1});
  for (uint32_t code : values_->codes) code_table_[code >> 6] |= uint64_t{1} << (code & 63);
}

uint64_t LeafReader::StartShard(uint32_t shard_number) {
  shard_ = shard_number;
  bitmaps_.Clear();
  column_ = nullptr;
  in_place_ = true;
  return std::visit(
      index::Overloaded{
          [&](const TagValues& leaf) {
            return StartBitmaps(leaf.tag, [&](const index::TagShard& shard) {
              bitmaps_.Assign(shard, leaf.codes);
              bitmaps_.Sort();
              if (disjoint_) column_ = shard.column.get();
            });
          },
          [&](const TagExists& leaf) {
            return StartBitmaps(
                leaf.tag, [&](const index::TagShard& shard) { bitmaps_.Assign(shard.exists); });
          },
          [&](const Everybody&) {
            return StartBitmaps(index::kUniverseTag, [&](const index::TagShard& shard) {
              bitmaps_.Assign(shard.values[0]);
            });
          },
          [&](const NumericRanges& leaf) -> uint64_t {
            in_place_ = false;
            const index::TagShard* shard = snapshot_.shard(leaf.tag, shard_);
            if (shard == nullptr || shard->column == nullptr) return 0;
            column_ = shard->column.get();
            return index::Cardinality(shard->exists);
          },
          [&](const Ordinals&) {
            uint64_t users = 0;
            for (uint32_t c = 0; c < index::kChunksPerShard; ++c) users += UsersMax(c);
            return users;
          },
          [&](const HashBuckets& leaf) -> uint64_t {
            in_place_ = false;
            // An estimate, but never 0 where there may be somebody.
            return leaf.from < leaf.to ? index::kShardSize / 16 : 0;
          },
          [](const Nobody&) { return uint64_t{0}; },
          // Inner operators are no leaves.
          [](const IntersectInputs&) { return uint64_t{0}; },
          [](const UniteInputs&) { return uint64_t{0}; },
          [](const SubtractInputs&) { return uint64_t{0}; },
      },
      plan_.node);
}

template <typename Assign>
uint64_t LeafReader::StartBitmaps(uint32_t tag, Assign assign) {
  if (const index::TagShard* shard = snapshot_.shard(tag, shard_)) assign(*shard);
  in_place_ = bitmaps_.size() <= 1;
  return bitmaps_.cardinality();
}

bool LeafReader::is_exact() const {
  if (values_ != nullptr) return disjoint_ || values_->codes.size() == 1;
  return ranges_ == nullptr && buckets_ == nullptr;
}

uint32_t LeafReader::UsersMax(uint32_t chunk) const {
  if (ordinals_ != nullptr) {
    return ordinals_->set->chunk(shard_ * index::kChunksPerShard + chunk).cardinality;
  }
  if (bitmaps_.size() == 1) return bitmaps_.cardinalities(chunk)[0];
  if (ranges_ != nullptr) {
    if (column_ == nullptr || column_->empty(chunk)) return 0;
    const index::TagShard* shard = snapshot_.shard(ranges_->tag, shard_);
    return shard->exists ? shard->exists->ChunkCardinality(chunk) : 0;
  }
  if (buckets_ != nullptr) return UniverseMax(chunk);
  uint64_t users = 0;
  for (const uint32_t of_one : bitmaps_.cardinalities(chunk)) users += of_one;
  return static_cast<uint32_t>(std::min<uint64_t>(users, index::kChunkSize));
}

LeafChoice LeafReader::Choose(uint32_t chunk, LeafUse use, uint32_t at_hand) const {
  const bool whole = use == LeafUse::kRead || use == LeafUse::kCount;
  if (buckets_ != nullptr) {
    return LeafChoice(LeafForm::kHash, (whole ? UniverseMax(chunk) : at_hand) * kHashCost);
  }
  if (ranges_ != nullptr) return ChooseForRanges(chunk, whole, at_hand);
  if (bitmaps_.size() > 1) return ChooseForBitmaps(chunk, use, at_hand);
  const uint32_t users = UsersMax(chunk);
  if (users == 0) return LeafChoice(LeafForm::kNothing, 0);
  if (!whole) return LeafChoice(LeafForm::kBitmap, TestCost(std::min(users, at_hand)));
  LeafChoice choice;
  if (use == LeafUse::kCount) choice.Add(LeafForm::kCardinality, kCardinalityCost);
  choice.Add(LeafForm::kBitmap, UniteCost(users));
  return choice;
}

// Few users at hand are looked up rather than everybody's number compared. Of many intervals each
// number is looked for among them, rather than everybody's compared with one after the other.
LeafChoice LeafReader::ChooseForRanges(uint32_t chunk, bool whole, uint32_t at_hand) const {
  if (column_ == nullptr || column_->empty(chunk)) return LeafChoice(LeafForm::kNothing, 0);
  const index::ColumnBlock* block = column_->block(chunk).get();
  const uint64_t bytes = block == nullptr ? 1 : static_cast<uint64_t>(block->width());
  const uint64_t intervals = ranges_->intervals.size();
  LeafChoice choice(LeafForm::kScan, bytes * kScanByteCost * intervals);
  if (whole && intervals == 1) return choice;
  const auto halvings = static_cast<uint64_t>(std::bit_width(intervals - 1));
  choice.Add(LeafForm::kLookUp,
             (whole ? UsersMax(chunk) : at_hand) * (kReadCodeCost + kHalveCost * halvings));
  return choice;
}

// Of several values. With users at hand, bitmaps are probed where that is never more than twice the
// work of uniting them.
LeafChoice LeafReader::ChooseForBitmaps(uint32_t chunk, LeafUse use, uint32_t at_hand) const {
  const UnionWork work = WorkOf(bitmaps_.cardinalities(chunk));
  if (work.users == 0) return LeafChoice(LeafForm::kNothing, 0);
  const std::optional<uint64_t> pick_cost = PickCost(chunk);
  LeafChoice choice;
  if (use == LeafUse::kRead || use == LeafUse::kCount) {
    if (use == LeafUse::kCount && disjoint_) choice.Add(LeafForm::kCardinality, kCardinalityCost);
    choice.Add(LeafForm::kUnite, work.unite_cost);
    if (pick_cost.has_value()) choice.Add(LeafForm::kCodes, *pick_cost);
    return choice;
  }
  const uint64_t test_cost = TestCost(at_hand);
  if (use == LeafUse::kRemove || (use == LeafUse::kCountIn && disjoint_) ||
      at_hand <= index::kArrayMax / 4) {
    choice.Add(LeafForm::kProbe, work.probe_cost);
  } else {
    choice.Add(LeafForm::kUnite, work.unite_cost + test_cost);
  }
  if (PlainCodes(chunk) != nullptr) choice.Add(LeafForm::kLookUp, at_hand * kReadCodeCost);
  if (pick_cost.has_value()) choice.Add(LeafForm::kCodes, *pick_cost + test_cost);
  return choice;
}

ChunkSet LeafReader::Read(uint32_t chunk) {
  if (buckets_ != nullptr) {
    Note(LeafForm::kHash, 0);
    return SelectBuckets(Universe(chunk, *scratch_[0]), chunk, true, *scratch_[1]);
  }
  if (ranges_ != nullptr || bitmaps_.size() > 1) {
    const LeafForm form = Choose(chunk, LeafUse::kRead, 0).chosen();
    Note(form, 0);
    return ReadAs(form, chunk);
  }
  const ChunkSet users = ReadInPlace(chunk);
  Note(users.empty() ? LeafForm::kNothing : LeafForm::kBitmap, 0);
  return users;
}

ChunkSet LeafReader::ReadInPlace(uint32_t chunk) {
  if (ordinals_ != nullptr) {
    return ordinals_->set->chunk(shard_ * index::kChunksPerShard + chunk);
  }
  if (bitmaps_.empty()) return ChunkSet::Empty();
  if (reads_ahead_) {
    ApproachNextShard(chunk);
  } else if (chunk + 1 < index::kChunksPerShard) {
    bitmaps_[0].Prefetch(chunk + 1);
  }
  return LoadBitmap(0, chunk, *scratch_[0]);
}

// All users of ranges or of several bitmaps.
ChunkSet LeafReader::ReadAs(LeafForm form, uint32_t chunk) {
  if (form == LeafForm::kNothing) return ChunkSet::Empty();
  if (form == LeafForm::kScan) return ReadRanges(chunk, *scratch_[1]);
  if (form == LeafForm::kLookUp) return LookUpRanges(chunk);
  return form == LeafForm::kCodes ? Pick(chunk, *scratch_[0]) : UniteBitmaps(chunk);
}

uint32_t LeafReader::Count(uint32_t chunk) {
  if (ordinals_ == nullptr && bitmaps_.size() != 1 && !disjoint_) return Read(chunk).cardinality;
  const uint32_t users = UsersMax(chunk);
  Note(users == 0 ? LeafForm::kNothing : LeafForm::kCardinality, 0);
  return users;
}

ChunkSet LeafReader::Select(const ChunkSet& users, uint32_t chunk, bool wanted, ChunkScratch& out) {
  if (buckets_ != nullptr) {
    Note(LeafForm::kHash, users.cardinality);
    return SelectBuckets(users, chunk, wanted, out);
  }
  if (ranges_ != nullptr || bitmaps_.size() > 1) {
    const LeafUse use = wanted ? LeafUse::kKeep : LeafUse::kRemove;
    const LeafForm form = Choose(chunk, use, users.cardinality).chosen();
    Note(form, users.cardinality);
    return SelectAs(form, users, chunk, wanted, out);
  }
  const ChunkSet leaf = Read(chunk);
  return wanted ? index::Intersect(users, leaf, out) : index::Subtract(users, leaf, out);
}

// Of ranges or of several bitmaps.
ChunkSet LeafReader::SelectAs(LeafForm form, const ChunkSet& users, uint32_t chunk, bool wanted,
                              ChunkScratch& out) {
  if (form == LeafForm::kNothing) return wanted ? ChunkSet::Empty() : users;
  if (form == LeafForm::kLookUp) {
    if (ranges_ != nullptr) return SelectInRanges(users, chunk, wanted, out);
    return SelectByValue(users, chunk, wanted, out,
                         [this](int64_t code) { return HasCode(static_cast<uint64_t>(code)); });
  }
  if (form == LeafForm::kProbe) {
    if (!wanted) return Remove(users, chunk, out);
    const ChunkSet others = Remove(users, chunk, *scratch_[1]);
    return index::Subtract(users, others, out);
  }
  const ChunkSet leaf = ReadAs(form, chunk);
  return wanted ? index::Intersect(users, leaf, out) : index::Subtract(users, leaf, out);
}

uint32_t LeafReader::CountIn(const ChunkSet& users, uint32_t chunk) {
  if (buckets_ != nullptr) return Select(users, chunk, true, *scratch_[1]).cardinality;
  if (ranges_ == nullptr && bitmaps_.size() < 2) {
    return index::IntersectCardinality(users, Read(chunk));
  }
  const LeafForm form = Choose(chunk, LeafUse::kCountIn, users.cardinality).chosen();
  Note(form, users.cardinality);
  if (form == LeafForm::kProbe && disjoint_) return CountInEach(users, chunk);
  if (form == LeafForm::kProbe || form == LeafForm::kLookUp) {
    const index::ScratchRef out = index::TakeScratch();
    return SelectAs(form, users, chunk, true, *out).cardinality;
  }
  return index::IntersectCardinality(users, ReadAs(form, chunk));
}

// No user is in two of the bitmaps.
uint32_t LeafReader::CountInEach(const ChunkSet& users, uint32_t chunk) {
  uint32_t count = 0;
  for (size_t i = 0; i < bitmaps_.size(); ++i) {
    PrefetchAhead(i, chunk);
    if (bitmaps_.cardinalities(chunk)[i] == 0) continue;
    count += index::IntersectCardinality(bitmaps_[i].Load(chunk, *scratch_[0]), users);
  }
  return count;
}

void LeafReader::AppendSets(uint32_t chunk, std::vector<ChunkSet>* sets) {
  if (bitmaps_.size() < 2) {
    sets->push_back(Read(chunk));
    return;
  }
  const LeafForm form = Choose(chunk, LeafUse::kRead, 0).chosen();
  Note(form, 0);
  bool deltas = false;
  for (size_t i = 0; i < bitmaps_.size(); ++i) deltas |= bitmaps_[i].HasDelta(chunk);
  if (deltas || form != LeafForm::kUnite) {
    sets->push_back(ReadAs(form, chunk));
    return;
  }
  for (size_t i = 0; i < bitmaps_.size(); ++i) {
    PrefetchAhead(i, chunk);
    if (bitmaps_.cardinalities(chunk)[i] == 0) continue;
    sets->push_back(LoadBitmap(i, chunk, *scratch_[0]));
  }
}

void LeafReader::PrefetchAhead(size_t i, uint32_t chunk) const {
  if (i + kPrefetchDistance < bitmaps_.size()) bitmaps_[i + kPrefetchDistance].Prefetch(chunk);
}

// The codes of the chunk where each user's can be read as it is stored, but for the delta.
const index::ColumnBlock* LeafReader::PlainCodes(uint32_t chunk) const {
  if (code_table_.empty() || column_ == nullptr) return nullptr;
  const index::ColumnBlock* block = column_->block(chunk).get();
  return block != nullptr && block->has_plain_codes() ? block : nullptr;
}

// Of reading everybody's code; none where that cannot be done.
std::optional<uint64_t> LeafReader::PickCost(uint32_t chunk) const {
  const index::ColumnBlock* block = PlainCodes(chunk);
  // What lies beyond the table is taken to be not in it.
  if (block == nullptr || int64_t{values_->codes.back()} - block->base() + 1 >= kCodeTableBits) {
    return std::nullopt;
  }
  return static_cast<uint64_t>(block->width()) * index::Kernels().pick_cost;
}

ChunkSet LeafReader::Pick(uint32_t chunk, ChunkScratch& out) const {
  const index::ColumnBlock& block = *column_->block(chunk);
  std::array<uint64_t, index::kCodeTableWords> table{};
  for (uint32_t code : values_->codes) {
    const int64_t stored = int64_t{code} - block.base() + 1;
    if (stored > 0) table[static_cast<size_t>(stored >> 6)] |= uint64_t{1} << (stored & 63);
  }
  const index::WordKernels& kernels = index::Kernels();
  const auto pick = block.width() == 1 ? kernels.pick1 : kernels.pick2;
  uint64_t* words = out.bits.words;
  const uint32_t count = pick(block.codes(), table.data(), words);
  const std::span<const index::Cell> delta = column_->delta(chunk);
  if (delta.empty()) return ChunkSet::Bitset(words, count);
  for (const index::Cell& cell : delta) {
    const uint32_t offset = cell.offset & index::kChunkMask;
    const uint64_t bit = uint64_t{1} << (offset & 63);
    const bool picked = cell.present && HasCode(static_cast<uint64_t>(cell.value));
    words[offset >> 6] = (words[offset >> 6] & ~bit) | (picked ? bit : 0);
  }
  return index::ViewOf(words);
}

ChunkSet LeafReader::UniteBitmaps(uint32_t chunk) {
  ChunkSet users;
  uint32_t turn = 0;
  for (size_t next = 0; next < bitmaps_.size(); turn ^= 1) {
    sets_.assign(1, users);
    size_t deltas = 0;
    for (; next < bitmaps_.size() && deltas < kDeltaScratches; ++next) {
      PrefetchAhead(next, chunk);
      if (bitmaps_.cardinalities(chunk)[next] == 0) continue;
      sets_.push_back(LoadBitmap(next, chunk, DeltaScratch(deltas)));
      deltas += bitmaps_[next].HasDelta(chunk) ? 1 : 0;
    }
    users = index::UniteAll(sets_, *scratch_[turn]);
  }
  return users;
}

ChunkSet LeafReader::ReadRanges(uint32_t chunk, ChunkScratch& out) const {
  const std::vector<Interval>& intervals = ranges_->intervals;
  const ChunkSet users = column_->Scan(chunk, intervals[0].low, intervals[0].high, out);
  if (intervals.size() == 1) return users;
  uint64_t* words = out.bits.words;
  index::CopyTo(users, words);
  for (size_t i = 1; i < intervals.size(); ++i) {
    index::UniteInto(column_->Scan(chunk, intervals[i].low, intervals[i].high, *scratch_[0]),
                     words);
  }
  return index::ViewOf(words);
}

// Of several intervals: by the number of everybody who has one.
ChunkSet LeafReader::LookUpRanges(uint32_t chunk) {
  const index::TagShard* shard = snapshot_.shard(ranges_->tag, shard_);
  const ChunkSet users = index::Load(shard->exists, chunk, *scratch_[0]);
  return SelectInRanges(users, chunk, true, *scratch_[1]);
}

ChunkSet LeafReader::SelectInRanges(const ChunkSet& users, uint32_t chunk, bool wanted,
                                    ChunkScratch& out) const {
  const std::vector<Interval>& intervals = ranges_->intervals;
  if (intervals.size() > 1) {
    return SelectByValue(users, chunk, wanted, out,
                         [&](int64_t value) { return IsWithin(intervals, value); });
  }
  return SelectByValue(users, chunk, wanted, out, [only = intervals[0]](int64_t value) {
    return only.low <= value && value <= only.high;
  });
}

// By the number or code of each of `users`; those without one are not the leaf's.
template <typename Test>
ChunkSet LeafReader::SelectByValue(const ChunkSet& users, uint32_t chunk, bool wanted,
                                   ChunkScratch& out, Test test) const {
  const index::ColumnBlock* block = column_->block(chunk).get();
  if (block != nullptr && column_->delta(chunk).empty()) {
    return KeepIf(users, out, [&](uint32_t offset) {
      const std::optional<int64_t> value = block->Get(offset);
      return (value.has_value() && test(*value)) == wanted;
    });
  }
  return KeepIf(users, out, [&](uint32_t offset) {
    const std::optional<int64_t> value = column_->Get(chunk << index::kChunkBits | offset);
    return (value.has_value() && test(*value)) == wanted;
  });
}

// `users` but those of each bitmap in turn, until nobody is left.
ChunkSet LeafReader::Remove(const ChunkSet& users, uint32_t chunk, ChunkScratch& out) {
  ChunkSet left = users;
  for (size_t next = 0; next < bitmaps_.size() && !left.empty();) {
    sets_.clear();
    const size_t most = next == 0 ? kRemovedFirst : kRemovedAtOnce;
    size_t deltas = 0;
    for (; next < bitmaps_.size() && sets_.size() < most && deltas < kDeltaScratches; ++next) {
      const index::BitmapShard& bitmap = bitmaps_[next];
      PrefetchAhead(next, chunk);
      if (bitmaps_.cardinalities(chunk)[next] == 0) continue;
      sets_.push_back(bitmap.Load(chunk, DeltaScratch(deltas)));
      deltas += bitmap.HasDelta(chunk) ? 1 : 0;
    }
    left = index::IntersectAll(std::span(&left, 1), sets_, out);
  }
  return left;
}

ChunkScratch& LeafReader::DeltaScratch(size_t i) {
  while (delta_scratches_.size() <= i) delta_scratches_.push_back(index::TakeScratch());
  return *delta_scratches_[i];
}

ChunkSet LeafReader::Universe(uint32_t chunk, ChunkScratch& scratch) const {
  const index::TagShard* universe = snapshot_.shard(index::kUniverseTag, shard_);
  return universe == nullptr ? ChunkSet::Empty() : index::Load(universe->values[0], chunk, scratch);
}

uint32_t LeafReader::UniverseMax(uint32_t chunk) const {
  const index::TagShard* universe = snapshot_.shard(index::kUniverseTag, shard_);
  if (universe == nullptr || !universe->values[0]) return 0;
  return universe->values[0]->ChunkCardinality(chunk);
}

ChunkSet LeafReader::SelectBuckets(const ChunkSet& users, uint32_t chunk, bool wanted,
                                   ChunkScratch& out) const {
  if (users.empty()) return users;
  const index::IdChunk& ids = snapshot_.ids().chunk(shard_ * index::kChunksPerShard + chunk);
  return KeepIf(users, out, [&](uint32_t offset) {
    const uint32_t bucket = index::BucketOf(ids.hash(offset), buckets_->salt_hash);
    return (buckets_->from <= bucket && bucket < buckets_->to) == wanted;
  });
}

}  // namespace throng::query
