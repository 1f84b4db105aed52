#include "query/user_order.h"

#include <bit>
#include <span>
#include <utility>
#include <vector>

#include "index/chunk_ops.h"
#include "index/id_hash.h"
#include "index/scratch_pool.h"
#include "query/collector.h"
#include "query/joint_execution.h"
#include "query/normalizer.h"
#include "query/physical_plan.h"

namespace throng::query {
namespace {

using index::ChunkSet;

// Keeps the users of two plans as sets.
class BothCollector final : public JointCollector {
 public:
  void Start(uint32_t /*workers*/, uint32_t chunks) override {
    for (std::vector<index::BlockRef>& blocks : blocks_) blocks.assign(chunks, index::BlockRef());
  }
  void Collect(uint32_t chunk, std::span<const ChunkSet> users, uint32_t /*worker*/) override {
    for (size_t i = 0; i < users.size(); ++i) blocks_[i][chunk] = index::MakeBlock(users[i]);
  }
  RankSplit Build() {
    return {index::OrdinalSet::FromBlocks(std::move(blocks_[0])),
            index::OrdinalSet::FromBlocks(std::move(blocks_[1]))};
  }

 private:
  std::vector<index::BlockRef> blocks_[2];  // each chunk is written by one thread
};

// Splits the users by place.
class PlaceCollector final : public Collector {
 public:
  PlaceCollector(const index::IdDictionary& ids, uint64_t salt_hash, uint64_t low, uint64_t high)
      : ids_(ids), salt_hash_(salt_hash), low_(low), width_(high - low) {}

  void Start(uint32_t /*workers*/, uint32_t chunks) override {
    below_.assign(chunks, index::BlockRef());
    within_.assign(chunks, index::BlockRef());
  }
  uint64_t BytesAChunk() const override { return index::kChunkSize * sizeof(uint64_t); }
  void Collect(uint32_t chunk, const ChunkSet& users, uint32_t /*worker*/) override {
    const index::ScratchRef below = index::TakeScratch();
    const index::ScratchRef within = index::TakeScratch();
    if (users.cardinality < index::kArrayMax) {  // one entry more is written than kept
      SplitFew(ids_.chunk(chunk), users, chunk, *below, *within);
    } else {
      index::CopyTo(users, within->bits.words);
      SplitMany(ids_.chunk(chunk), chunk, *below, *within);
    }
  }
  RankSplit Build() {
    return {index::OrdinalSet::FromBlocks(std::move(below_)),
            index::OrdinalSet::FromBlocks(std::move(within_))};
  }

 private:
  bool IsBelow(uint64_t place) const { return place < low_; }
  bool IsWithin(uint64_t place) const { return place - low_ <= width_; }

  void SplitFew(const index::IdChunk& ids, const ChunkSet& users, uint32_t chunk,
                index::ChunkScratch& below, index::ChunkScratch& within) {
    uint32_t below_size = 0;
    uint32_t within_size = 0;
    index::ForEach(users, [&](uint32_t offset) {
      const uint64_t place = index::PlaceOf(ids.hash(offset), salt_hash_);
      below.array.values[below_size] = static_cast<uint16_t>(offset);
      within.array.values[within_size] = static_cast<uint16_t>(offset);
      below_size += IsBelow(place) ? 1 : 0;
      within_size += IsWithin(place) ? 1 : 0;
    });
    below_[chunk] = index::MakeBlock(ChunkSet::Array(below.array.values, below_size));
    within_[chunk] = index::MakeBlock(ChunkSet::Array(within.array.values, within_size));
  }

  // Of the users whose bits are in `within`. 64 users are split in registers: a bit that is set in
  // memory would wait for the one before.
  void SplitMany(const index::IdChunk& ids, uint32_t chunk, index::ChunkScratch& below,
                 index::ChunkScratch& within) {
    for (uint32_t w = 0; w < index::kWordsPerChunk; ++w) {
      uint64_t below_bits = 0;
      uint64_t within_bits = 0;
      for (uint64_t bits = within.bits.words[w]; bits != 0; bits &= bits - 1) {
        const auto bit = static_cast<uint32_t>(std::countr_zero(bits));
        const uint64_t place = index::PlaceOf(ids.hash(w * 64 + bit), salt_hash_);
        below_bits |= uint64_t{IsBelow(place)} << bit;
        within_bits |= uint64_t{IsWithin(place)} << bit;
      }
      below.bits.words[w] = below_bits;
      within.bits.words[w] = within_bits;
    }
    below_[chunk] = index::MakeBlock(index::ViewOf(below.bits.words));
    within_[chunk] = index::MakeBlock(index::ViewOf(within.bits.words));
  }

  const index::IdDictionary& ids_;
  const uint64_t salt_hash_;
  const uint64_t low_;
  const uint64_t width_;
  // Each chunk is written by one thread.
  std::vector<index::BlockRef> below_;
  std::vector<index::BlockRef> within_;
};

// Ranks are in the order of numbers when the sign bit is turned over.
constexpr uint64_t kSignBit = uint64_t{1} << 63;

uint64_t RankOfNumber(int64_t number, bool descending) {
  const uint64_t rank = static_cast<uint64_t>(number) ^ kSignBit;
  return descending ? ~rank : rank;
}

int64_t NumberOfRank(uint64_t rank, bool descending) {
  return static_cast<int64_t>((descending ? ~rank : rank) ^ kSignBit);
}

PhysicalPlan PlanOf(const LogicalPlan& plan, const index::Snapshot& snapshot) {
  return MakePhysicalPlan(Normalize(plan, snapshot.catalogue()), snapshot);
}

}  // namespace

absl::StatusOr<RankSplit> SelectBoth(const LogicalPlan& below, const LogicalPlan& within,
                                     const ExecutionContext& context) {
  BothCollector both;
  const absl::Status status =
      ExecuteJointly({PlanOf(below, context.snapshot), PlanOf(within, context.snapshot)},
                     context.snapshot, context.parallel, context.check, both);
  if (!status.ok()) return status;
  return both.Build();
}

uint64_t NumberRanks::RankOf(uint32_t ordinal) const {
  const index::TagShard* shard = context_.snapshot.shard(order_.tag, ordinal >> index::kShardBits);
  return RankOfNumber(*shard->column->Get(ordinal & index::kShardMask), order_.descending);
}

LogicalPlan NumberRanks::Within(const OrdinalSetRef& users, uint64_t low, uint64_t high) const {
  int64_t first = NumberOfRank(low, order_.descending);
  int64_t last = NumberOfRank(high, order_.descending);
  if (order_.descending) std::swap(first, last);
  LogicalAnd both;
  both.operands.push_back({Ordinals{users}});
  both.operands.push_back({NumericRanges{order_.tag, {{first, last}}}});
  return {std::move(both)};
}

absl::StatusOr<RankSplit> NumberRanks::Split(const OrdinalSetRef& users, uint64_t low,
                                             uint64_t high) const {
  return SelectBoth(low == 0 ? LogicalPlan{Nobody{}} : Within(users, 0, low - 1),
                    Within(users, low, high), context_);
}

uint64_t HashRanks::RankOf(uint32_t ordinal) const {
  return index::PlaceOf(context_.snapshot.ids().hash(ordinal), order_.salt_hash);
}

absl::StatusOr<RankSplit> HashRanks::Split(const OrdinalSetRef& users, uint64_t low,
                                           uint64_t high) const {
  PlaceCollector places(context_.snapshot.ids(), order_.salt_hash, low, high);
  const absl::Status status = Execute(PlanOf({Ordinals{users}}, context_.snapshot),
                                      context_.snapshot, context_.parallel, context_.check, places);
  if (!status.ok()) return status;
  return places.Build();
}

}  // namespace throng::query
