#include "query/leaf_reader.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <variant>

#include "index/chunk_algebra.h"
#include "index/chunk_ops.h"
#include "index/id_hash.h"
#include "index/word_kernels.h"

namespace throng::query {
namespace {

using index::ChunkScratch;
using index::ChunkSet;

// Rough costs on one core in units of 0.1 ns. Only their ratios matter, and only for speed.
constexpr uint64_t kBitsetPassCost = 1'500;  // a pass over a bitset and one more set
constexpr uint64_t kSetBitCost = 12;         // uniting a member of an array
constexpr uint64_t kTestBitCost = 6;         // looking a member of an array up
constexpr uint64_t kReadCodeCost = 50;       // finding one user's code or number
constexpr uint64_t kScanByteCost = 15'000;   // comparing everybody's numbers, for each byte of one
// Bitmaps of a chunk with deltas that are merged side by side.
constexpr size_t kDeltaScratches = 16;
// Bitmaps taken away from many users at a time, before seeing whether anybody is left.
constexpr size_t kRemovedAtOnce = 8;
// Loads ahead of which a block is asked for.
constexpr size_t kPrefetchDistance = 8;
// Bitmaps ahead of which all of one is asked for while another is read.
constexpr size_t kReadAheadDistance = 16;

constexpr int64_t kCodeTableBits = index::kCodeTableWords * 64;

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

template <typename Node>
const Node* NodeOf(const PhysicalPlan& plan) {
  return std::get_if<Node>(&plan.node);
}

// Of a leaf that reads one bitmap in each shard.
uint32_t OnlyBitmapsTag(const PhysicalPlan& plan) {
  if (const auto* values = NodeOf<TagValues>(plan)) return values->tag;
  if (const auto* exists = NodeOf<TagExists>(plan)) return exists->tag;
  return index::kUniverseTag;
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
      Overloaded{
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

uint32_t LeafReader::UsersMax(uint32_t chunk) const {
  if (ordinals_ != nullptr) {
    return ordinals_->set->chunk(shard_ * index::kChunksPerShard + chunk).cardinality;
  }
  if (bitmaps_.size() == 1) return bitmaps_.cardinalities(chunk)[0];
  if (ranges_ != nullptr)
    return column_ == nullptr || column_->empty(chunk) ? 0 : index::kChunkSize;
  return index::kChunkSize;
}

ChunkSet LeafReader::Read(uint32_t chunk) {
  if (ordinals_ != nullptr) {
    return ordinals_->set->chunk(shard_ * index::kChunksPerShard + chunk);
  }
  if (ranges_ != nullptr) return ReadRanges(chunk, *scratch_[1]);
  if (buckets_ != nullptr) {
    return SelectBuckets(Universe(chunk, *scratch_[0]), chunk, true, *scratch_[1]);
  }
  if (bitmaps_.empty()) return ChunkSet::Empty();
  if (bitmaps_.size() > 1) return ReadBitmaps(chunk);
  if (reads_ahead_) {
    ApproachNextShard(chunk);
  } else if (chunk + 1 < index::kChunksPerShard) {
    bitmaps_[0].Prefetch(chunk + 1);
  }
  return LoadBitmap(0, chunk, *scratch_[0]);
}

ChunkSet LeafReader::LoadBitmap(size_t i, uint32_t chunk, ChunkScratch& scratch) const {
  ChunkSet users = bitmaps_[i].Load(chunk, scratch);
  if (!reads_ahead_) return users;
  const uint64_t* ahead = WordsAhead(i, chunk);
  if (ahead != nullptr) {
    __builtin_prefetch(reinterpret_cast<const char*>(ahead) - index::Block::kWordsOffset);
  }
  if (users.kind == index::SetKind::kBitset) users.ahead = ahead;
  return users;
}

// What is read after a bitmap is the one some places behind it, of the next chunk in the end.
const uint64_t* LeafReader::WordsAhead(size_t i, uint32_t chunk) const {
  const size_t next = i + std::min(kReadAheadDistance, bitmaps_.size());
  if (next < bitmaps_.size()) return bitmaps_[next].WordsPlace(chunk);
  if (chunk + 1 < index::kChunksPerShard) {
    return bitmaps_[next - bitmaps_.size()].WordsPlace(chunk + 1);
  }
  const index::BitmapShard* bitmap = bitmaps_.size() == 1 ? NextShardsBitmap() : nullptr;
  return bitmap == nullptr ? nullptr : bitmap->WordsPlace(0);
}

// The only bitmap in the next shard of a leaf that has one in this shard.
const index::BitmapShard* LeafReader::NextShardsBitmap() const {
  if (values_ != nullptr && values_->codes.size() > 1) return nullptr;
  const index::TagShard* shard = snapshot_.shard(OnlyBitmapsTag(plan_), shard_ + 1);
  if (shard == nullptr) return nullptr;
  return std::holds_alternative<TagExists>(plan_.node)
             ? shard->exists.get()
             : shard->values[values_ == nullptr ? 0 : values_->codes[0]].get();
}

// The way to a bitmap of the next shard leads from one place of memory to the next: a step every
// few chunks, so that none is waited for.
void LeafReader::ApproachNextShard(uint32_t chunk) const {
  const bool one_value = values_ == nullptr || values_->codes.size() == 1;
  const index::TagShard* shard =
      one_value ? snapshot_.shard(OnlyBitmapsTag(plan_), shard_ + 1) : nullptr;
  if (shard == nullptr) return;
  const index::BitmapShard* bitmap = nullptr;
  switch (chunk) {
    case 1:
      __builtin_prefetch(shard);
      __builtin_prefetch(&shard->exists);
      return;
    case 4:
      shard->values.PrefetchPage();
      return;
    case 7:
      shard->values.PrefetchEntry(values_ == nullptr ? 0 : values_->codes[0]);
      return;
    case 10:
      __builtin_prefetch(NextShardsBitmap());
      return;
    case 13:
      bitmap = NextShardsBitmap();
      if (bitmap != nullptr) bitmap->PrefetchChunks();
      return;
  }
}

uint32_t LeafReader::Count(uint32_t chunk) {
  if (bitmaps_.size() == 1) return bitmaps_.cardinalities(chunk)[0];
  if (disjoint_) return static_cast<uint32_t>(WorkOf(chunk).users);
  return Read(chunk).cardinality;
}

ChunkSet LeafReader::Select(const ChunkSet& users, uint32_t chunk, bool wanted, ChunkScratch& out) {
  if (buckets_ != nullptr) return SelectBuckets(users, chunk, wanted, out);
  if (ranges_ != nullptr && IsScanDearer(users, chunk)) {
    return SelectByValue(users, chunk, wanted, out,
                         [this](int64_t value) { return InIntervals(value); });
  }
  if (bitmaps_.size() > 1) return SelectBitmaps(users, chunk, wanted, out);
  const ChunkSet leaf = Read(chunk);
  return wanted ? index::Intersect(users, leaf, out) : index::Subtract(users, leaf, out);
}

uint32_t LeafReader::CountIn(const ChunkSet& users, uint32_t chunk) {
  if (buckets_ != nullptr || (ranges_ != nullptr && IsScanDearer(users, chunk))) {
    return Select(users, chunk, true, *scratch_[1]).cardinality;
  }
  if (bitmaps_.size() > 1) {
    const UnionWork work = WorkOf(chunk);
    if (work.users == 0) return 0;
    const bool by_code =
        PlainCodes(chunk) != nullptr && users.cardinality * kReadCodeCost < work.probe_cost;
    if (disjoint_ && !by_code && work.probe_cost < PickCost(chunk)) {
      uint32_t count = 0;
      for (size_t i = 0; i < bitmaps_.size(); ++i) {
        PrefetchAhead(i, chunk);
        if (bitmaps_.cardinalities(chunk)[i] == 0) continue;
        count += index::IntersectCardinality(bitmaps_[i].Load(chunk, *scratch_[0]), users);
      }
      return count;
    }
    if (by_code || users.cardinality <= index::kArrayMax / 4) {
      const index::ScratchRef out = index::TakeScratch();
      return SelectBitmaps(users, chunk, true, *out).cardinality;
    }
  }
  return index::IntersectCardinality(users, Read(chunk));
}

void LeafReader::AppendSets(uint32_t chunk, std::vector<ChunkSet>* sets) {
  bool deltas = false;
  for (size_t i = 0; i < bitmaps_.size(); ++i) deltas |= bitmaps_[i].HasDelta(chunk);
  const bool picks = bitmaps_.size() > 1 && PickCost(chunk) < WorkOf(chunk).unite_cost;
  if (bitmaps_.size() < 2 || deltas || picks) {
    sets->push_back(Read(chunk));
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

LeafReader::UnionWork LeafReader::WorkOf(uint32_t chunk) const {
  UnionWork work;
  for (const uint64_t users : bitmaps_.cardinalities(chunk)) {
    work.users += users;
    work.unite_cost += std::min(users * kSetBitCost, kBitsetPassCost);
    work.probe_cost += std::min(users * kTestBitCost, kBitsetPassCost);
  }
  return work;
}

// The codes of the chunk where each user's can be read as it is stored, but for the delta.
const index::ColumnBlock* LeafReader::PlainCodes(uint32_t chunk) const {
  if (code_table_.empty() || column_ == nullptr) return nullptr;
  const index::ColumnBlock* block = column_->block(chunk).get();
  const bool plain = block != nullptr && block->codes() != nullptr && block->width() <= 2 &&
                     block->exceptions().empty();
  return plain ? block : nullptr;
}

// Of reading everybody's code; more than anything where that cannot be done.
uint64_t LeafReader::PickCost(uint32_t chunk) const {
  const index::ColumnBlock* block = PlainCodes(chunk);
  // What lies beyond the table is taken to be not in it.
  if (block == nullptr || int64_t{values_->codes.back()} - block->base() + 1 >= kCodeTableBits) {
    return ~uint64_t{0};
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

ChunkSet LeafReader::ReadBitmaps(uint32_t chunk) {
  if (PickCost(chunk) < WorkOf(chunk).unite_cost) {
    return Pick(chunk, *scratch_[0]);
  }
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

// Whether comparing everybody's numbers takes longer than finding those of `users`.
bool LeafReader::IsScanDearer(const ChunkSet& users, uint32_t chunk) const {
  if (column_ == nullptr) return false;
  const index::ColumnBlock* block = column_->block(chunk).get();
  const uint64_t bytes = block == nullptr ? 1 : static_cast<uint64_t>(block->width());
  return users.cardinality * kReadCodeCost < bytes * kScanByteCost * ranges_->intervals.size();
}

bool LeafReader::InIntervals(int64_t value) const {
  for (const Interval& interval : ranges_->intervals) {
    if (interval.low <= value && value <= interval.high) return true;
  }
  return false;
}

ChunkSet LeafReader::ReadRanges(uint32_t chunk, ChunkScratch& out) const {
  if (column_ == nullptr) return ChunkSet::Empty();
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

ChunkSet LeafReader::SelectBitmaps(const ChunkSet& users, uint32_t chunk, bool wanted,
                                   ChunkScratch& out) {
  const UnionWork work = WorkOf(chunk);
  if (work.users == 0) return wanted ? ChunkSet::Empty() : users;
  if (PlainCodes(chunk) != nullptr && users.cardinality * kReadCodeCost < work.probe_cost) {
    return SelectByValue(users, chunk, wanted, out,
                         [this](int64_t code) { return HasCode(static_cast<uint64_t>(code)); });
  }
  if (!wanted) return Remove(users, chunk, out);
  if (users.cardinality <= index::kArrayMax / 4) {
    const ChunkSet others = Remove(users, chunk, *scratch_[1]);
    return index::Subtract(users, others, out);
  }
  return index::Intersect(users, ReadBitmaps(chunk), out);
}

// `users` but those of each bitmap in turn, until nobody is left.
ChunkSet LeafReader::Remove(const ChunkSet& users, uint32_t chunk, ChunkScratch& out) {
  ChunkSet left = users;
  for (size_t next = 0; next < bitmaps_.size() && !left.empty();) {
    sets_.clear();
    for (; next < bitmaps_.size() && sets_.size() < kRemovedAtOnce; ++next) {
      const index::BitmapShard& bitmap = bitmaps_[next];
      PrefetchAhead(next, chunk);
      if (bitmaps_.cardinalities(chunk)[next] == 0) continue;
      sets_.push_back(bitmap.Load(chunk, DeltaScratch(sets_.size())));
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
