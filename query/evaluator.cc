#include "query/evaluator.h"

#include <algorithm>
#include <span>
#include <utility>

#include "index/chunk_algebra.h"
#include "index/chunk_ops.h"

namespace throng::query {
namespace {

using index::ChunkScratch;
using index::ChunkSet;

// What the last-level cache may keep from one evaluation to the next.
constexpr uint64_t kCachedBytes = 24 << 20;

ChunkSet Counted(uint32_t count) { return ChunkSet::Bitset(nullptr, count); }

bool IsIntersection(const PhysicalPlan& plan) {
  return std::holds_alternative<IntersectInputs>(plan.node);
}
bool IsDifference(const PhysicalPlan& plan) {
  return std::holds_alternative<SubtractInputs>(plan.node);
}
bool IsUnion(const PhysicalPlan& plan) { return std::holds_alternative<UniteInputs>(plan.node); }

// Times an operator in a chunk, from here to Stop; does nothing without a profile.
class OperatorClock {
 public:
  explicit OperatorClock(OperatorProfile* profile) : profile_(profile) {
    if (profile_ != nullptr) start_ = std::chrono::steady_clock::now();
  }
  // Returns `users`.
  ChunkSet Stop(const ChunkSet& users) {
    StopAt(users.cardinality);
    return users;
  }
  void StopAt(uint64_t users, bool known = true) {
    if (profile_ == nullptr) return;
    profile_->time += std::chrono::steady_clock::now() - start_;
    profile_->users += users;
    profile_->chunks += 1;
    profile_->users_known &= known;
  }

 private:
  OperatorProfile* const profile_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace

void OperatorProfile::Add(const OperatorProfile& other) {
  users += other.users;
  chunks += other.chunks;
  time += other.time;
  users_known &= other.users_known;
  chunks_in_parent += other.chunks_in_parent;
  for (size_t i = 0; i < kLeafForms; ++i) accesses.chunks[i] += other.accesses.chunks[i];
  accesses.users_at_hand += other.accesses.users_at_hand;
}

Evaluator::Evaluator(const PhysicalPlan& plan, const index::Snapshot& snapshot, Profiling profiling,
                     uint64_t other_bytes)
    : snapshot_(snapshot), profiling_(profiling) {
  Flatten(plan);
  profiles_.resize(operators_.size());
  ReadAheadIfLarge(other_bytes);
  for (uint32_t i = 0; i < operators_.size(); ++i) {
    OperatorProfile* profile = ProfileOf(i);
    if (operators_[i].leaf != nullptr && profile != nullptr) {
      operators_[i].leaf->NoteIn(&profile->accesses);
    }
  }
}

void Evaluator::ReadAheadIfLarge(uint64_t other_bytes) {
  uint64_t bitmaps = 0;
  for (const Operator& op : operators_) bitmaps += op.leaf == nullptr ? 0 : op.leaf->bitmaps_max();
  const uint64_t chunks = uint64_t{snapshot_.shard_count()} * index::kChunksPerShard;
  if ((bitmaps * sizeof(index::ChunkWords) + other_bytes) * chunks < kCachedBytes) return;
  for (Operator& op : operators_) {
    if (op.leaf != nullptr) op.leaf->SetReadsAhead();
  }
}

// What was read in its parent's pass; `users` if they were counted.
void Evaluator::NoteInParent(uint32_t number, std::optional<uint32_t> users) {
  OperatorProfile* profile = ProfileOf(number);
  if (profile == nullptr) return;
  profile->chunks += 1;
  profile->chunks_in_parent += 1;
  profile->users += users.value_or(0);
  profile->users_known &= users.has_value();
}

uint32_t Evaluator::Flatten(const PhysicalPlan& plan) {
  const auto number = static_cast<uint32_t>(operators_.size());
  operators_.emplace_back();
  operators_[number].plan = &plan;
  const std::vector<PhysicalPlan>* inputs = InputsOf(plan);
  if (inputs == nullptr) {
    operators_[number].leaf = std::make_unique<LeafReader>(plan, snapshot_);
    return number;
  }
  for (index::ScratchRef& scratch : operators_[number].scratch) scratch = index::TakeScratch();
  for (const PhysicalPlan& input : *inputs) {
    const uint32_t child = Flatten(input);
    operators_[number].inputs.push_back(child);
  }
  return number;
}

uint64_t Evaluator::StartShard(uint32_t shard) {
  for (Operator& op : operators_) {
    if (op.leaf != nullptr) op.users_max = op.leaf->StartShard(shard);
  }
  return StartOperator(0);
}

uint64_t Evaluator::StartOperator(uint32_t number) {
  Operator& op = operators_[number];
  if (op.leaf != nullptr) return op.users_max;
  for (uint32_t input : op.inputs) StartOperator(input);
  Sort(op);
  op.users_max = operators_[op.inputs.front()].users_max;
  if (IsUnion(*op.plan)) {
    op.users_max = 0;
    for (uint32_t input : op.inputs) op.users_max += operators_[input].users_max;
  } else if (profiling_ != Profiling::kOperators) {
    SortConjuncts(op);
  }
  return op.users_max;
}

void Evaluator::Sort(Operator& op) {
  const auto fewer = [&](uint32_t a, uint32_t b) {
    return operators_[a].users_max < operators_[b].users_max;
  };
  const auto more = [&](uint32_t a, uint32_t b) { return fewer(b, a); };
  if (IsIntersection(*op.plan)) {
    std::stable_sort(op.inputs.begin(), op.inputs.end(), fewer);
  } else if (IsDifference(*op.plan)) {
    std::stable_sort(op.inputs.begin() + 1, op.inputs.end(), more);
  }
}

// Sorts the operands of an intersection or a difference by how they are read. The inputs are in
// order, and stay so.
void Evaluator::SortConjuncts(Operator& op) {
  op.in_place.clear();
  op.minus_in_place.clear();
  op.asked.clear();
  op.minus_asked.clear();
  op.taken_in = 0;
  const auto add = [&](uint32_t number, bool wanted) {
    const LeafReader* leaf = operators_[number].leaf.get();
    if (leaf != nullptr && leaf->is_in_place()) {
      (wanted ? op.in_place : op.minus_in_place).push_back(number);
    } else {
      (wanted ? op.asked : op.minus_asked).push_back(number);
    }
  };
  const bool difference = IsDifference(*op.plan);
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    const uint32_t number = op.inputs[i];
    const bool wanted = !difference || i == 0;
    const Operator& input = operators_[number];
    if (difference && wanted && IsIntersection(*input.plan)) {
      op.taken_in = number;
      for (uint32_t nested : input.inputs) add(nested, true);
    } else if (wanted || input.users_max > 0) {
      add(number, wanted);
    }
  }
}

ChunkSet Evaluator::Evaluate(uint32_t chunk) {
  return profiling_ == Profiling::kOperators ? EvaluateProfiled(0, chunk)
                                             : Evaluate(0, chunk, Goal::kUsers);
}

uint32_t Evaluator::Count(uint32_t chunk) {
  if (profiling_ == Profiling::kOperators) return EvaluateProfiled(0, chunk).cardinality;
  return Evaluate(0, chunk, Goal::kCount).cardinality;
}

ChunkSet Evaluator::Evaluate(uint32_t number, uint32_t chunk, Goal goal) {
  Operator& op = operators_[number];
  if (op.users_max == 0) return ChunkSet::Empty();
  OperatorClock clock(ProfileOf(number));
  if (op.leaf != nullptr) {
    return clock.Stop(goal == Goal::kUsers ? op.leaf->Read(chunk) : Counted(op.leaf->Count(chunk)));
  }
  return clock.Stop(IsUnion(*op.plan) ? EvaluateUnion(op, {}, chunk, goal)
                                      : EvaluateConjuncts(op, chunk, goal));
}

// Reads the operands that lie in blocks, without those that change nothing; false when they leave
// nobody.
bool Evaluator::ReadInPlace(Operator& op, uint32_t chunk) {
  for (uint32_t number : op.in_place) {
    if (operators_[number].leaf->UsersMax(chunk) == 0) return false;
  }
  op.sets.clear();
  op.minus_sets.clear();
  for (uint32_t number : op.in_place) {
    const ChunkSet set = operators_[number].leaf->Read(chunk);
    NoteInParent(number, set.cardinality);
    if (set.kind != index::SetKind::kFull) op.sets.push_back(set);
  }
  if (op.sets.empty() && !op.in_place.empty()) op.sets.push_back(ChunkSet::Full());
  for (uint32_t number : op.minus_in_place) {
    const ChunkSet set = operators_[number].leaf->Read(chunk);
    NoteInParent(number, set.cardinality);
    if (set.kind == index::SetKind::kFull) return false;
    if (!set.empty()) op.minus_sets.push_back(set);
  }
  return true;
}

// First all operands that lie in blocks, in one pass; then the others, of those still at hand.
ChunkSet Evaluator::EvaluateConjuncts(Operator& op, uint32_t chunk, Goal goal) {
  if (op.taken_in != 0) NoteInParent(op.taken_in, std::nullopt);
  if (!ReadInPlace(op, chunk)) return ChunkSet::Empty();
  size_t left = op.asked.size() + op.minus_asked.size();
  size_t next = 0;
  if (left == 1 && op.asked.size() == 1 && IsUnion(*operators_[op.asked[0]].plan)) {
    const index::ChunkTerm common{.in = op.sets, .minus = op.minus_sets};
    if (index::IsWords(common)) {
      OperatorClock clock(ProfileOf(op.asked[0]));
      return clock.Stop(EvaluateUnion(operators_[op.asked[0]], common, chunk, goal));
    }
  }
  if (op.sets.empty()) {
    next = 1;
    --left;
    op.sets.push_back(Evaluate(op.asked[0], chunk, Goal::kUsers));
  }
  if (left == 0 && goal == Goal::kCount) {
    return Counted(index::IntersectAllCardinality(op.sets, op.minus_sets, *op.scratch[0]));
  }
  ChunkSet users = index::IntersectAll(op.sets, op.minus_sets, *op.scratch[0]);
  // A result must not be made in the scratch that its operand lies in; one that changes nothing is
  // the operand itself, and leaves the turns as they were.
  uint32_t turn = 1;
  const auto restrict = [&](uint32_t number, bool wanted) {
    --left;
    const ChunkSet before = users;
    users =
        Restrict(users, number, chunk, wanted, left == 0 ? goal : Goal::kUsers, *op.scratch[turn]);
    if (users.words != before.words) turn ^= 1;
  };
  for (; next < op.asked.size() && !users.empty(); ++next) restrict(op.asked[next], true);
  for (size_t i = 0; i < op.minus_asked.size() && !users.empty(); ++i) {
    restrict(op.minus_asked[i], false);
  }
  return users;
}

ChunkSet Evaluator::Restrict(const ChunkSet& users, uint32_t number, uint32_t chunk, bool wanted,
                             Goal goal, ChunkScratch& out) {
  Operator& op = operators_[number];
  if (op.users_max == 0) return wanted ? ChunkSet::Empty() : users;
  if (op.leaf == nullptr) {
    const ChunkSet other = Evaluate(number, chunk, Goal::kUsers);
    if (goal == Goal::kUsers) {
      return wanted ? index::Intersect(users, other, out) : index::Subtract(users, other, out);
    }
    const uint32_t both = index::IntersectCardinality(users, other);
    return Counted(wanted ? both : users.cardinality - both);
  }
  OperatorClock clock(ProfileOf(number));
  if (goal == Goal::kUsers) {
    const ChunkSet kept = op.leaf->Select(users, chunk, wanted, out);
    clock.StopAt(wanted ? kept.cardinality : users.cardinality - kept.cardinality);
    return kept;
  }
  const uint32_t both = op.leaf->CountIn(users, chunk);
  clock.StopAt(both);
  return Counted(wanted ? both : users.cardinality - both);
}

// The inputs of a union: as terms where all their operands lie in blocks and are bitsets, else as
// sets.
void Evaluator::GatherUnion(Operator& op, uint32_t chunk) {
  op.sets.clear();
  op.terms.clear();
  for (uint32_t number : op.inputs) {
    Operator& input = operators_[number];
    if (input.users_max == 0) continue;
    if (input.leaf != nullptr) {
      GatherLeaf(op, number, chunk);
    } else if (!IsUnion(*input.plan) && input.asked.empty() && input.minus_asked.empty()) {
      GatherTerm(op, number, chunk);
    } else {
      op.sets.push_back(Evaluate(number, chunk, Goal::kUsers));
    }
  }
}

void Evaluator::GatherLeaf(Operator& op, uint32_t number, uint32_t chunk) {
  OperatorClock clock(ProfileOf(number));
  const size_t before = op.sets.size();
  const LeafReader& leaf = *operators_[number].leaf;
  operators_[number].leaf->AppendSets(chunk, &op.sets);
  if (profiling_ == Profiling::kNone) return;
  uint64_t users = 0;
  for (size_t i = before; i < op.sets.size(); ++i) users += op.sets[i].cardinality;
  clock.StopAt(users, op.sets.size() - before < 2 || leaf.is_exact());
}

// An intersection or difference of operands that all lie in blocks.
void Evaluator::GatherTerm(Operator& op, uint32_t number, uint32_t chunk) {
  Operator& input = operators_[number];
  OperatorClock clock(ProfileOf(number));
  if (input.taken_in != 0) NoteInParent(input.taken_in, std::nullopt);
  if (!ReadInPlace(input, chunk)) {
    clock.StopAt(0);
    return;
  }
  const index::ChunkTerm term{.in = input.sets, .minus = input.minus_sets};
  if (index::IsWords(term)) {
    op.terms.push_back(term);
    clock.StopAt(0, /*known=*/false);
    return;
  }
  op.sets.push_back(clock.Stop(index::IntersectAll(term.in, term.minus, *input.scratch[0])));
}

// Those of the union that are also in `common`, if it has sets.
ChunkSet Evaluator::EvaluateUnion(Operator& op, const index::ChunkTerm& common, uint32_t chunk,
                                  Goal goal) {
  if (op.users_max == 0) return ChunkSet::Empty();
  GatherUnion(op, chunk);
  if (op.terms.empty() && common.in.empty()) {
    if (goal == Goal::kUsers) return index::UniteAll(op.sets, *op.scratch[0]);
    return Counted(index::UniteAllCardinality(op.sets, *op.scratch[0]));
  }
  // No set of the union lies in its second scratch.
  if (goal == Goal::kUsers) {
    return index::UniteTerms(op.terms, op.sets, common, *op.scratch[1], *op.scratch[0]);
  }
  return Counted(
      index::UniteTermsCardinality(op.terms, op.sets, common, *op.scratch[1], *op.scratch[0]));
}

ChunkSet Evaluator::EvaluateProfiled(uint32_t number, uint32_t chunk) {
  Operator& op = operators_[number];
  if (op.users_max == 0) return ChunkSet::Empty();
  const auto start = std::chrono::steady_clock::now();
  const ChunkSet users = op.leaf != nullptr ? op.leaf->Read(chunk) : EvaluatePairwise(op, chunk);
  OperatorProfile& profile = profiles_[number];
  profile.users += users.cardinality;
  profile.chunks += 1;
  profile.time += std::chrono::steady_clock::now() - start;
  return users;
}

// One input after the other. The running result alternates between the operator's two scratches; an
// input that changes nothing leaves the result, and so the turns, as they were.
ChunkSet Evaluator::EvaluatePairwise(Operator& op, uint32_t chunk) {
  ChunkSet users = EvaluateProfiled(op.inputs[0], chunk);
  const bool any = IsUnion(*op.plan);
  const bool both = IsIntersection(*op.plan);
  uint32_t turn = 0;
  for (size_t i = 1; i < op.inputs.size() && (any || !users.empty()); ++i) {
    const ChunkSet input = EvaluateProfiled(op.inputs[i], chunk);
    ChunkScratch& out = *op.scratch[turn];
    const ChunkSet before = users;
    users = any    ? index::Unite(users, input, out)
            : both ? index::Intersect(users, input, out)
                   : index::Subtract(users, input, out);
    if (users.words != before.words) turn ^= 1;
  }
  return users;
}

}  // namespace throng::query
