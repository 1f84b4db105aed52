#include "query/shared_parts.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "index/error.h"
#include "index/overloaded.h"
#include "query/plan_estimate.h"
#include "query/shard_loop.h"

namespace throng::query {
namespace {

// Of a part in a chunk, in ns: making a block of its users, and reading one back.
constexpr int64_t kBuildChunkNs = 1'500;
constexpr int64_t kReadChunkNs = 200;

constexpr uint32_t kNoPart = ~uint32_t{0};

template <typename T>
void Put(const T& value, std::string* key) {
  static_assert(std::is_trivially_copyable_v<T>);
  key->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

template <typename T>
void PutAll(const std::vector<T>& values, std::string* key) {
  Put(values.size(), key);
  for (const T& value : values) Put(value, key);
}

// What leaves differ in.
std::string LeafKey(const PhysicalPlan& plan) {
  std::string key;
  Put(plan.node.index(), &key);
  std::visit(index::Overloaded{
                 [](const IntersectInputs&) {},
                 [](const UniteInputs&) {},
                 [](const SubtractInputs&) {},
                 [&](const TagValues& leaf) {
                   Put(leaf.tag, &key);
                   PutAll(leaf.codes, &key);
                 },
                 [&](const TagExists& leaf) { Put(leaf.tag, &key); },
                 [&](const NumericRanges& leaf) {
                   Put(leaf.tag, &key);
                   PutAll(leaf.intervals, &key);
                 },
                 [&](const Ordinals& leaf) { Put(leaf.set.get(), &key); },
                 [&](const HashBuckets& leaf) {
                   Put(leaf.salt_hash, &key);
                   Put(leaf.from, &key);
                   Put(leaf.to, &key);
                   key += leaf.salt;
                 },
                 [](const Everybody&) {},
                 [](const Nobody&) {},
             },
             plan.node);
  return key;
}

// Whether reading the operator costs no more than reading a part would.
bool IsInPlace(const PhysicalPlan& plan) {
  return std::visit(index::Overloaded{
                        [](const TagValues& leaf) { return leaf.codes.size() == 1; },
                        [](const TagExists&) { return true; },
                        [](const Ordinals&) { return true; },
                        [](const Everybody&) { return true; },
                        [](const Nobody&) { return true; },
                        [](const auto&) { return false; },
                    },
                    plan.node);
}

// One kind of operator over one kind of inputs, wherever it stands.
struct Node {
  const PhysicalPlan* plan = nullptr;  // where it stands first: that,
  uint32_t in_plan = 0;                // in which of the plans,
  uint32_t at = 0;                     // and which operator of it
  uint32_t operators = 0;              // it and all below it
  uint32_t stands = 0;                 // how often
  int64_t cost_ns = 0;                 // where it stands, added up
  int64_t saving_ns = 0;
  uint32_t part = kNoPart;
};

class PartFinder {
 public:
  PartFinder(const std::vector<PhysicalPlan>& plans, const index::Snapshot& snapshot,
             index::Parallel& parallel, const Check& check, const SharingLimits& limits)
      : plans_(plans), snapshot_(snapshot), parallel_(parallel), check_(check), limits_(limits) {}

  // Once.
  absl::StatusOr<SharedPlans> Find() {
    for (const PhysicalPlan& plan : plans_) {
      numbers_.emplace_back();
      Number(plan, &numbers_.back());
    }
    Numbers candidates = Candidates();
    if (!candidates.empty()) {
      THRONG_RETURN_IF_ERROR(AddUpCosts(candidates));
      THRONG_RETURN_IF_ERROR(Reckon(candidates));
      Choose(std::move(candidates));
      while (DropUnused()) {
      }
    }
    return Build();
  }

 private:
  using Numbers = std::vector<uint32_t>;  // of nodes, by operator in pre-order

  // Appends the nodes of the plan's operators. Returns its own.
  uint32_t Number(const PhysicalPlan& plan, Numbers* numbers) {
    const size_t at = numbers->size();
    numbers->push_back(0);
    std::string key = LeafKey(plan);
    if (const std::vector<PhysicalPlan>* inputs = InputsOf(plan)) {
      Numbers children;
      for (const PhysicalPlan& input : *inputs) children.push_back(Number(input, numbers));
      // What a difference is taken from stays first.
      const bool is_difference = std::holds_alternative<SubtractInputs>(plan.node);
      std::sort(children.begin() + (is_difference ? 1 : 0), children.end());
      PutAll(children, &key);
    }
    const auto [known, is_new] =
        by_key_.try_emplace(std::move(key), static_cast<uint32_t>(nodes_.size()));
    if (is_new) {
      nodes_.push_back({.plan = &plan,
                        .in_plan = static_cast<uint32_t>(numbers_.size() - 1),
                        .at = static_cast<uint32_t>(at),
                        .operators = static_cast<uint32_t>(numbers->size() - at)});
    }
    ++nodes_[known->second].stands;
    return (*numbers)[at] = known->second;
  }

  // What may become a part: it stands more than once, and is not read in place.
  Numbers Candidates() const {
    Numbers candidates;
    for (uint32_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i].stands > 1 && !IsInPlace(*nodes_[i].plan)) candidates.push_back(i);
    }
    return candidates;
  }

  // What a count takes each operator, its inputs' work included: ns, in pre-order.
  absl::StatusOr<std::vector<int64_t>> Costs(const PhysicalPlan& plan) const {
    static index::Parallel here(1);  // has no threads: the plans run beside each other already
    THRONG_ASSIGN_OR_RETURN(const std::vector<OperatorEstimate> estimates,
                            EstimatePlan(plan, snapshot_, here, check_));
    std::vector<int64_t> costs;
    for (const OperatorEstimate& estimate : estimates) {
      costs.push_back(static_cast<int64_t>(estimate.cost_ns));
    }
    return costs;
  }

  // Sets what candidates take where they stand; plans without one are not estimated.
  absl::Status AddUpCosts(const Numbers& candidates) {
    std::vector<bool> is_candidate(nodes_.size());
    for (const uint32_t node : candidates) is_candidate[node] = true;
    Numbers estimated;  // plans
    for (uint32_t i = 0; i < numbers_.size(); ++i) {
      const bool has_one = std::any_of(numbers_[i].begin(), numbers_[i].end(),
                                       [&](uint32_t node) { return is_candidate[node]; });
      if (has_one) estimated.push_back(i);
    }
    std::vector<std::vector<int64_t>> costs(estimated.size());
    THRONG_RETURN_IF_ERROR(
        ShardLoop(check_).Run(static_cast<uint32_t>(estimated.size()), /*inline_only=*/false,
                              parallel_, [&](uint32_t i, uint32_t) -> absl::Status {
                                THRONG_ASSIGN_OR_RETURN(costs[i], Costs(plans_[estimated[i]]));
                                return absl::OkStatus();
                              }));
    for (size_t i = 0; i < estimated.size(); ++i) {
      for (size_t at = 0; at < costs[i].size(); ++at) {
        nodes_[numbers_[estimated[i]][at]].cost_ns += costs[i][at];
      }
    }
    return absl::OkStatus();
  }

  // What the node takes by itself, for everybody.
  absl::StatusOr<int64_t> CostAlone(const Node& node) const {
    // As an operand, because a count may need less than the users do.
    const PhysicalPlan asked{.node = IntersectInputs{{{.node = Everybody{}}, *node.plan}},
                             .users_max = node.plan->users_max};
    THRONG_ASSIGN_OR_RETURN(const std::vector<int64_t> costs, Costs(asked));
    return costs[2];
  }

  // Sets what each candidate would save.
  absl::Status Reckon(const Numbers& candidates) {
    const int64_t chunks =
        (int64_t{snapshot_.ordinal_end()} + index::kChunkMask) >> index::kChunkBits;
    return ShardLoop(check_).Run(
        static_cast<uint32_t>(candidates.size()), /*inline_only=*/false, parallel_,
        [&](uint32_t i, uint32_t) -> absl::Status {
          Node& node = nodes_[candidates[i]];
          THRONG_ASSIGN_OR_RETURN(const int64_t alone, CostAlone(node));
          const int64_t reading = int64_t{node.stands} * kReadChunkNs * chunks;
          node.saving_ns = node.cost_ns - alone - kBuildChunkNs * chunks - reading;
          return absl::OkStatus();
        });
  }

  // Chooses the parts that save most.
  void Choose(Numbers candidates) {
    const bool takes_all = limits_.saving_min_ns < 0;
    std::erase_if(candidates, [&](uint32_t i) {
      return !takes_all && nodes_[i].saving_ns <= limits_.saving_min_ns;
    });
    std::stable_sort(candidates.begin(), candidates.end(), [&](uint32_t a, uint32_t b) {
      return nodes_[a].saving_ns > nodes_[b].saving_ns;
    });
    if (candidates.size() > limits_.parts_max) candidates.resize(limits_.parts_max);
    // What is part of another one has fewer operators.
    std::stable_sort(candidates.begin(), candidates.end(), [&](uint32_t a, uint32_t b) {
      return nodes_[a].operators < nodes_[b].operators;
    });
    chosen_ = std::move(candidates);
    NumberParts();
  }

  void NumberParts() {
    for (Node& node : nodes_) node.part = kNoPart;
    for (uint32_t i = 0; i < chosen_.size(); ++i) nodes_[chosen_[i]].part = i;
  }

  // The outermost parts in a plan with these operators; from its inputs on where `inside`.
  std::vector<PartRead> ReadsOf(std::span<const uint32_t> numbers, bool inside) const {
    std::vector<PartRead> reads;
    for (uint32_t at = inside ? 1 : 0; at < numbers.size();) {
      const Node& node = nodes_[numbers[at]];
      if (node.part != kNoPart) reads.push_back({at, node.part});
      at += node.part != kNoPart ? node.operators : 1;
    }
    return reads;
  }

  std::vector<PartRead> ReadsOfPart(uint32_t part) const {
    const Node& node = nodes_[chosen_[part]];
    const std::span<const uint32_t> numbers = numbers_[node.in_plan];
    return ReadsOf(numbers.subspan(node.at, node.operators), /*inside=*/true);
  }

  std::vector<uint32_t> CountUses() const {
    std::vector<uint32_t> uses(chosen_.size());
    const auto count = [&](const std::vector<PartRead>& reads) {
      for (const PartRead& read : reads) ++uses[read.part];
    };
    for (const Numbers& numbers : numbers_) count(ReadsOf(numbers, /*inside=*/false));
    for (uint32_t part = 0; part < chosen_.size(); ++part) count(ReadsOfPart(part));
    return uses;
  }

  // A part that stands only in others, which are computed once, is read once or never. Whether
  // there was one.
  bool DropUnused() {
    const std::vector<uint32_t> uses = CountUses();
    Numbers used;
    for (uint32_t part = 0; part < chosen_.size(); ++part) {
      if (uses[part] > 1) used.push_back(chosen_[part]);
    }
    if (used.size() == chosen_.size()) return false;
    chosen_ = std::move(used);
    NumberParts();
    return true;
  }

  SharedPlans Build() {
    SharedPlans shared;
    const std::vector<uint32_t> uses = CountUses();
    for (uint32_t part = 0; part < chosen_.size(); ++part) {
      SharedPart built{
          .plan = *nodes_[chosen_[part]].plan, .reads = ReadsOfPart(part), .uses = uses[part]};
      for (const PartRead& read : built.reads) {
        built.level = std::max(built.level, shared.parts[read.part].level + 1);
      }
      shared.parts.push_back(std::move(built));
    }
    for (const Numbers& numbers : numbers_)
      shared.reads.push_back(ReadsOf(numbers, /*inside=*/false));
    SortByLevel(&shared);
    return shared;
  }

  static void SortByLevel(SharedPlans* shared) {
    std::vector<uint32_t> order(shared->parts.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      return shared->parts[a].level < shared->parts[b].level;
    });
    std::vector<uint32_t> place(order.size());
    std::vector<SharedPart> parts;
    for (uint32_t i = 0; i < order.size(); ++i) {
      place[order[i]] = i;
      parts.push_back(std::move(shared->parts[order[i]]));
    }
    shared->parts = std::move(parts);
    const auto renumber = [&](std::vector<PartRead>& reads) {
      for (PartRead& read : reads) read.part = place[read.part];
    };
    for (SharedPart& part : shared->parts) renumber(part.reads);
    for (std::vector<PartRead>& reads : shared->reads) renumber(reads);
  }

  const std::vector<PhysicalPlan>& plans_;
  const index::Snapshot& snapshot_;
  index::Parallel& parallel_;
  const Check& check_;
  const SharingLimits limits_;
  std::map<std::string, uint32_t> by_key_;
  std::vector<Node> nodes_;
  std::vector<Numbers> numbers_;  // of each plan
  Numbers chosen_;                // nodes, by part
};

// Copies a plan with sets in place of parts.
class PartReader {
 public:
  PartReader(std::span<const PartRead> reads,
             std::span<const std::shared_ptr<const index::OrdinalSet>> sets)
      : reads_(reads), sets_(sets) {}

  PhysicalPlan Copy(const PhysicalPlan& plan) {
    if (!reads_.empty() && reads_.front().at == at_) {
      const std::shared_ptr<const index::OrdinalSet>& set = sets_[reads_.front().part];
      reads_ = reads_.subspan(1);
      Skip(plan);
      return {.node = Ordinals{set}, .users_max = set->cardinality()};
    }
    ++at_;
    return std::visit(index::Overloaded{
                          [&](const IntersectInputs& node) { return WithInputs(plan, node); },
                          [&](const UniteInputs& node) { return WithInputs(plan, node); },
                          [&](const SubtractInputs& node) { return WithInputs(plan, node); },
                          [&](const auto&) { return plan; },
                      },
                      plan.node);
  }

 private:
  template <typename Inner>
  PhysicalPlan WithInputs(const PhysicalPlan& plan, const Inner& node) {
    Inner copy;
    copy.inputs.reserve(node.inputs.size());
    for (const PhysicalPlan& input : node.inputs) copy.inputs.push_back(Copy(input));
    return {.node = std::move(copy), .users_max = plan.users_max, .rewrite = plan.rewrite};
  }

  void Skip(const PhysicalPlan& plan) {
    ++at_;
    if (const std::vector<PhysicalPlan>* inputs = InputsOf(plan)) {
      for (const PhysicalPlan& input : *inputs) Skip(input);
    }
  }

  std::span<const PartRead> reads_;
  std::span<const std::shared_ptr<const index::OrdinalSet>> sets_;
  uint32_t at_ = 0;
};

}  // namespace

absl::StatusOr<SharedPlans> FindSharedParts(const std::vector<PhysicalPlan>& plans,
                                            const index::Snapshot& snapshot,
                                            index::Parallel& parallel, const Check& check,
                                            const SharingLimits& limits) {
  return PartFinder(plans, snapshot, parallel, check, limits).Find();
}

PhysicalPlan WithParts(const PhysicalPlan& plan, std::span<const PartRead> reads,
                       std::span<const std::shared_ptr<const index::OrdinalSet>> sets) {
  return PartReader(reads, sets).Copy(plan);
}

}  // namespace throng::query
