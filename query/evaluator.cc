#include "query/evaluator.h"

#include <algorithm>
#include <utility>

#include "index/chunk_ops.h"
#include "index/id_hash.h"

namespace throng::query {
namespace {

using index::ChunkScratch;
using index::ChunkSet;

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

}  // namespace

Evaluator::Evaluator(const PhysicalPlan& plan, const index::Snapshot& snapshot, bool profile)
    : snapshot_(snapshot), profile_(profile) {
  Flatten(plan);
  profiles_.resize(operators_.size());
}

uint32_t Evaluator::Flatten(const PhysicalPlan& plan) {
  const auto number = static_cast<uint32_t>(operators_.size());
  operators_.emplace_back();
  operators_[number].plan = &plan;
  operators_[number].scratch = std::make_unique<ChunkScratch[]>(2);
  if (const std::vector<PhysicalPlan>* inputs = InputsOf(plan)) {
    for (const PhysicalPlan& input : *inputs) {
      const uint32_t child = Flatten(input);
      operators_[number].inputs.push_back(child);
    }
  }
  return number;
}

uint64_t Evaluator::StartShard(uint32_t shard) {
  shard_ = shard;
  return StartOperator(0);
}

uint64_t Evaluator::StartLeaf(Operator& op) {
  op.bitmaps.clear();
  op.column = nullptr;
  uint64_t users = 0;
  const auto add = [&](const index::BitmapShardRef& bitmap) {
    if (!bitmap) return;
    op.bitmaps.push_back(bitmap.get());
    users += bitmap->cardinality();
  };
  std::visit(Overloaded{
                 [&](const TagValues& leaf) {
                   const index::TagShard* shard = snapshot_.shard(leaf.tag, shard_);
                   if (shard == nullptr) return;
                   for (uint32_t code : leaf.codes) add(shard->values[code]);
                 },
                 [&](const TagExists& leaf) {
                   const index::TagShard* shard = snapshot_.shard(leaf.tag, shard_);
                   if (shard != nullptr) add(shard->exists);
                 },
                 [&](const NumericRanges& leaf) {
                   const index::TagShard* shard = snapshot_.shard(leaf.tag, shard_);
                   if (shard == nullptr || shard->column == nullptr) return;
                   op.column = shard->column.get();
                   users = index::Cardinality(shard->exists);
                 },
                 [&](const Ordinals& leaf) {
                   for (uint32_t c = 0; c < index::kChunksPerShard; ++c) {
                     users += leaf.set->chunk(shard_ * index::kChunksPerShard + c).cardinality;
                   }
                 },
                 [&](const HashBuckets& leaf) {
                   // An estimate, but never 0 where there may be somebody.
                   users = leaf.from < leaf.to ? index::kShardSize / 16 : 0;
                 },
                 [&](const Everybody&) {
                   const index::TagShard* shard = snapshot_.shard(index::kUniverseTag, shard_);
                   if (shard != nullptr) add(shard->values[0]);
                 },
                 [](const Nobody&) {},
                 [](const IntersectInputs&) {},
                 [](const UniteInputs&) {},
                 [](const SubtractInputs&) {},
             },
             op.plan->node);
  return users;
}

uint64_t Evaluator::StartOperator(uint32_t number) {
  Operator& op = operators_[number];
  for (uint32_t input : op.inputs) StartOperator(input);
  const auto fewer = [&](uint32_t a, uint32_t b) {
    return operators_[a].users_max < operators_[b].users_max;
  };
  const auto more = [&](uint32_t a, uint32_t b) { return fewer(b, a); };
  if (std::holds_alternative<IntersectInputs>(op.plan->node)) {
    std::stable_sort(op.inputs.begin(), op.inputs.end(), fewer);
    op.users_max = operators_[op.inputs.front()].users_max;
  } else if (std::holds_alternative<SubtractInputs>(op.plan->node)) {
    std::stable_sort(op.inputs.begin() + 1, op.inputs.end(), more);
    op.users_max = operators_[op.inputs.front()].users_max;
  } else if (std::holds_alternative<UniteInputs>(op.plan->node)) {
    op.users_max = 0;
    for (uint32_t input : op.inputs) op.users_max += operators_[input].users_max;
  } else {
    op.users_max = StartLeaf(op);
  }
  return op.users_max;
}

ChunkSet Evaluator::Evaluate(uint32_t chunk) { return Evaluate(0, chunk); }

ChunkSet Evaluator::Evaluate(uint32_t number, uint32_t chunk) {
  Operator& op = operators_[number];
  if (op.users_max == 0) return ChunkSet::Empty();
  if (!profile_) return EvaluatePlan(op, chunk);
  const auto start = std::chrono::steady_clock::now();
  const ChunkSet users = EvaluatePlan(op, chunk);
  OperatorProfile& profile = profiles_[number];
  profile.users += users.cardinality;
  profile.chunks += 1;
  profile.time += std::chrono::steady_clock::now() - start;
  return users;
}

ChunkSet Evaluator::EvaluatePlan(Operator& op, uint32_t chunk) {
  return std::visit(
      Overloaded{
          [&](const IntersectInputs&) { return EvaluateIntersect(op, chunk, op.inputs.size()); },
          [&](const SubtractInputs&) { return EvaluateSubtract(op, chunk, op.inputs.size()); },
          [&](const UniteInputs&) { return EvaluateUnite(op, chunk); },
          [&](const TagValues&) { return EvaluateBitmaps(op, chunk); },
          [&](const TagExists&) { return EvaluateBitmaps(op, chunk); },
          [&](const Everybody&) { return EvaluateBitmaps(op, chunk); },
          [&](const NumericRanges& leaf) { return EvaluateRanges(op, leaf, chunk); },
          [&](const Ordinals& leaf) {
            return leaf.set->chunk(shard_ * index::kChunksPerShard + chunk);
          },
          [&](const HashBuckets& leaf) { return EvaluateBuckets(op, leaf, chunk); },
          [](const Nobody&) { return ChunkSet::Empty(); },
      },
      op.plan->node);
}

// The first `inputs` inputs. The running result alternates between the operator's two scratches,
// because a result must not be made in the scratch an operand lies in.
ChunkSet Evaluator::EvaluateIntersect(Operator& op, uint32_t chunk, size_t inputs) {
  ChunkSet users = Evaluate(op.inputs[0], chunk);
  for (size_t i = 1; i < inputs && !users.empty(); ++i) {
    users = index::Intersect(users, Evaluate(op.inputs[i], chunk), op.scratch[i & 1]);
  }
  return users;
}

ChunkSet Evaluator::EvaluateSubtract(Operator& op, uint32_t chunk, size_t inputs) {
  ChunkSet users = Evaluate(op.inputs[0], chunk);
  for (size_t i = 1; i < inputs && !users.empty(); ++i) {
    users = index::Subtract(users, Evaluate(op.inputs[i], chunk), op.scratch[i & 1]);
  }
  return users;
}

// As in EvaluateIntersect, but an empty input leaves the result, and so the turns, as they were.
ChunkSet Evaluator::EvaluateUnite(Operator& op, uint32_t chunk) {
  ChunkSet users = Evaluate(op.inputs[0], chunk);
  uint64_t* words = nullptr;  // once the result has been copied there
  uint32_t turn = 0;          // the scratch that `users` does not lie in
  for (size_t i = 1; i < op.inputs.size(); ++i) {
    const ChunkSet input = Evaluate(op.inputs[i], chunk);
    if (input.empty()) continue;
    if (words != nullptr) {
      index::UniteInto(input, words);
    } else if (users.cardinality + input.cardinality <= index::kArrayMax || i == 1) {
      users = index::Unite(users, input, op.scratch[turn]);
      turn ^= 1;
    } else {
      words = op.scratch[turn].bits.words;
      index::CopyTo(users, words);
      index::UniteInto(input, words);
    }
  }
  return words == nullptr ? users : index::ViewOf(words);
}

ChunkSet Evaluator::EvaluateBitmaps(Operator& op, uint32_t chunk) {
  if (op.bitmaps.size() == 1) return op.bitmaps[0]->Load(chunk, op.scratch[0]);
  uint32_t total = 0;
  for (const index::BitmapShard* bitmap : op.bitmaps) total += bitmap->ChunkCardinality(chunk);
  if (total == 0) return ChunkSet::Empty();
  uint64_t* words = op.scratch[1].bits.words;
  index::CopyTo(ChunkSet::Empty(), words);
  for (const index::BitmapShard* bitmap : op.bitmaps) {
    if (bitmap->ChunkCardinality(chunk) == 0) continue;
    index::UniteInto(bitmap->Load(chunk, op.scratch[0]), words);
  }
  return index::ViewOf(words);
}

ChunkSet Evaluator::EvaluateRanges(Operator& op, const NumericRanges& ranges, uint32_t chunk) {
  if (op.column == nullptr) return ChunkSet::Empty();
  ChunkSet users =
      op.column->Scan(chunk, ranges.intervals[0].low, ranges.intervals[0].high, op.scratch[1]);
  if (ranges.intervals.size() == 1) return users;
  uint64_t* words = op.scratch[1].bits.words;
  index::CopyTo(users, words);
  for (size_t i = 1; i < ranges.intervals.size(); ++i) {
    const Interval& interval = ranges.intervals[i];
    index::UniteInto(op.column->Scan(chunk, interval.low, interval.high, op.scratch[0]), words);
  }
  return index::ViewOf(words);
}

ChunkSet Evaluator::EvaluateBuckets(Operator& op, const HashBuckets& buckets, uint32_t chunk) {
  const index::TagShard* universe = snapshot_.shard(index::kUniverseTag, shard_);
  if (universe == nullptr) return ChunkSet::Empty();
  const ChunkSet users = index::Load(universe->values[0], chunk, op.scratch[0]);
  if (users.empty()) return users;
  const index::IdChunk& ids = snapshot_.ids().chunk(shard_ * index::kChunksPerShard + chunk);
  uint64_t* words = op.scratch[1].bits.words;
  index::CopyTo(ChunkSet::Empty(), words);
  index::ForEach(users, [&](uint32_t offset) {
    const uint32_t bucket = index::BucketOf(ids.hash(offset), buckets.salt_hash);
    const bool inside = buckets.from <= bucket && bucket < buckets.to;
    words[offset >> 6] |= uint64_t{inside} << (offset & 63);
  });
  return index::ViewOf(words);
}

uint32_t Evaluator::Count(uint32_t chunk) {
  Operator& root = operators_[0];
  if (root.users_max == 0) return 0;
  if (profile_) return Evaluate(0, chunk).cardinality;
  const size_t last = root.inputs.empty() ? 0 : root.inputs.size() - 1;
  if (std::holds_alternative<IntersectInputs>(root.plan->node)) {
    const ChunkSet users = EvaluateIntersect(root, chunk, last);
    if (users.empty()) return 0;
    return index::IntersectCardinality(users, Evaluate(root.inputs[last], chunk));
  }
  if (std::holds_alternative<SubtractInputs>(root.plan->node)) {
    const ChunkSet users = EvaluateSubtract(root, chunk, last);
    if (users.empty()) return 0;
    return users.cardinality -
           index::IntersectCardinality(users, Evaluate(root.inputs[last], chunk));
  }
  if (root.bitmaps.size() == 1) return root.bitmaps[0]->ChunkCardinality(chunk);
  return Evaluate(0, chunk).cardinality;
}

}  // namespace throng::query
