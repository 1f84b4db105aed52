// Sets of users that are kept: as shards for the disk, without those who were erased, compared.
//
//   std::shared_ptr<const OrdinalSet> now = LivingIn(snapshot, stored);
//   SetDifference change = Compare(*before, *now);   // change.added, change.removed
//
// Thread-safe functions.
#ifndef THRONG_INDEX_CROWD_SETS_H_
#define THRONG_INDEX_CROWD_SETS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "index/bitmap_shard.h"
#include "index/ordinal_set.h"

namespace throng::index {

class Snapshot;

using OrdinalSetRef = std::shared_ptr<const OrdinalSet>;

// Shards that have members end before it.
uint32_t ShardEnd(const OrdinalSet& set);
// Of a set, null when nobody of the shard is in it.
BitmapShardRef ShardOf(const OrdinalSet& set, uint32_t shard);
// The set of shards; null ones are empty.
OrdinalSetRef SetOfShards(std::span<const BitmapShardRef> shards);

// The set without `ordinals`, which ascend; the same object when none of them is in it.
OrdinalSetRef Without(const OrdinalSetRef& set, std::span<const uint32_t> ordinals);
// Those of the set who are users of the snapshot; the same object when all are.
OrdinalSetRef LivingIn(const Snapshot& snapshot, const OrdinalSetRef& set);

struct SetDifference {
  uint64_t added = 0;    // in `now` only
  uint64_t removed = 0;  // in `before` only
};
SetDifference Compare(const OrdinalSet& before, const OrdinalSet& now);
// Those of `a` who are not in `b`.
OrdinalSetRef Difference(const OrdinalSet& a, const OrdinalSet& b);
// Those of `a` and of `b`.
OrdinalSetRef Union(const OrdinalSet& a, const OrdinalSet& b);

}  // namespace throng::index

#endif  // THRONG_INDEX_CROWD_SETS_H_
