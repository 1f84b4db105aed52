#include "query/membership.h"

#include <algorithm>
#include <optional>
#include <variant>

#include "index/id_hash.h"
#include "index/overloaded.h"

namespace throng::query {
namespace {

// Where a user's cells of one tag are.
struct Place {
  const index::TagShard* shard = nullptr;  // null: nobody there has the tag
  uint32_t offset = 0;

  std::optional<int64_t> Number() const {
    return shard == nullptr || shard->column == nullptr ? std::nullopt : shard->column->Get(offset);
  }
};

Place PlaceOf(uint32_t tag, const index::Snapshot& snapshot, uint32_t ordinal) {
  return {snapshot.shard(tag, ordinal >> index::kShardBits), ordinal & index::kShardMask};
}

bool HasAny(const TagValues& leaf, const Place& place) {
  if (place.shard == nullptr) return false;
  if (place.shard->column != nullptr) {  // CATEGORY
    const std::optional<int64_t> code = place.Number();
    return code.has_value() &&
           std::binary_search(leaf.codes.begin(), leaf.codes.end(), static_cast<uint32_t>(*code));
  }
  return std::any_of(leaf.codes.begin(), leaf.codes.end(), [&](uint32_t code) {
    return index::Contains(place.shard->values[code], place.offset);
  });
}

bool HasNumberIn(const NumericRanges& leaf, const Place& place) {
  const std::optional<int64_t> number = place.Number();
  return number.has_value() && IsWithin(leaf.intervals, *number);
}

}  // namespace

bool IsMember(const LogicalPlan& plan, const index::Snapshot& snapshot, uint32_t ordinal) {
  const auto is_member = [&](const LogicalPlan& operand) {
    return IsMember(operand, snapshot, ordinal);
  };
  return std::visit(
      index::Overloaded{
          [&](const LogicalAnd& node) {
            return std::all_of(node.operands.begin(), node.operands.end(), is_member);
          },
          [&](const LogicalOr& node) {
            return std::any_of(node.operands.begin(), node.operands.end(), is_member);
          },
          [&](const LogicalNot& node) { return !is_member(node.operand[0]); },
          [&](const TagValues& leaf) { return HasAny(leaf, PlaceOf(leaf.tag, snapshot, ordinal)); },
          [&](const TagExists& leaf) {
            const Place place = PlaceOf(leaf.tag, snapshot, ordinal);
            return place.shard != nullptr && index::Contains(place.shard->exists, place.offset);
          },
          [&](const NumericRanges& leaf) {
            return HasNumberIn(leaf, PlaceOf(leaf.tag, snapshot, ordinal));
          },
          [&](const Ordinals& leaf) { return leaf.set->Contains(ordinal); },
          [&](const HashBuckets& leaf) {
            const uint32_t bucket = index::BucketOf(snapshot.ids().hash(ordinal), leaf.salt_hash);
            return leaf.from <= bucket && bucket < leaf.to;
          },
          [](const Everybody&) { return true; },
          [](const Nobody&) { return false; },
      },
      plan.node);
}

}  // namespace throng::query
