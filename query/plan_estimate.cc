#include "query/plan_estimate.h"

#include <algorithm>
#include <memory>
#include <span>
#include <utility>
#include <variant>

#include "index/error.h"
#include "query/evaluator.h"
#include "query/operator_work.h"
#include "query/shard_loop.h"

namespace throng::query {
namespace {

constexpr uint64_t kCostUnitsPerNs = 10;
constexpr uint32_t kShardsEstimatedMax = 4;  // of EstimateCosts

// Turns work by operator into estimates by operator; both are in pre-order.
class EstimateBuilder {
 public:
  explicit EstimateBuilder(const std::vector<OperatorWork>& works) : works_(works) {}

  std::vector<OperatorEstimate> Build(const PhysicalPlan& plan) {
    estimates_.reserve(works_.size());
    costs_.reserve(works_.size());
    Visit(plan);
    return std::move(estimates_);
  }

 private:
  // Returns the number of the plan's operator.
  size_t Visit(const PhysicalPlan& plan) {
    const size_t number = estimates_.size();
    const OperatorWork& work = works_[number];
    estimates_.emplace_back();
    costs_.push_back(work.cost);
    const std::vector<PhysicalPlan>* inputs = InputsOf(plan);
    if (inputs == nullptr) {
      SetLeaf(work, &estimates_[number]);
      return number;
    }
    std::vector<size_t> numbers;
    for (const PhysicalPlan& input : *inputs) {
      numbers.push_back(Visit(input));
      costs_[number] += costs_[numbers.back()];
    }
    estimates_[number].cost_ns = costs_[number] / kCostUnitsPerNs;
    estimates_[number].exact_users = ExactUsers(plan, numbers);
    return number;
  }

  static void SetLeaf(const OperatorWork& work, OperatorEstimate* estimate) {
    if (work.exact) estimate->exact_users = work.users;
    estimate->cost_ns = work.cost / kCostUnitsPerNs;
    estimate->users_at_hand = work.users_at_hand;
    estimate->form = LeafForm::kNothing;
    uint64_t cheapest = ~uint64_t{0};
    for (size_t i = 1; i < kLeafForms; ++i) {
      if (!work.offered[i]) continue;
      const uint64_t cost = work.cost + work.cost_above[i];
      const auto form = static_cast<LeafForm>(i);
      estimate->forms.push_back(
          {.form = form, .cost_ns = cost / kCostUnitsPerNs, .chunks = work.chunks[i]});
      if (cost >= cheapest) continue;
      cheapest = cost;
      estimate->form = form;
    }
  }

  // Where it follows from the inputs'. A tag's values are among those who have the tag, and all
  // among everybody.
  std::optional<uint64_t> ExactUsers(const PhysicalPlan& plan,
                                     const std::vector<size_t>& inputs) const {
    const auto exact = [&](size_t i) { return estimates_[inputs[i]].exact_users; };
    if (std::holds_alternative<IntersectInputs>(plan.node)) {
      for (size_t i = 0; i < inputs.size(); ++i) {
        if (exact(i) == 0) return 0;
      }
      return std::nullopt;
    }
    if (std::holds_alternative<UniteInputs>(plan.node)) {
      uint64_t users = 0;
      for (size_t i = 0; i < inputs.size(); ++i) {
        if (!exact(i).has_value() || (users > 0 && *exact(i) > 0)) return std::nullopt;
        users += *exact(i);
      }
      return users;
    }
    if (exact(0) == 0) return 0;
    const std::vector<PhysicalPlan>& nodes = *InputsOf(plan);
    if (inputs.size() == 2 && Contains(nodes[0], nodes[1]) && exact(0) && exact(1)) {
      return *exact(0) - *exact(1);
    }
    return std::nullopt;
  }

  // Whether it is plain that every user of `b` is one of `a`.
  static bool Contains(const PhysicalPlan& a, const PhysicalPlan& b) {
    if (std::holds_alternative<Everybody>(a.node)) return true;
    const auto* has = std::get_if<TagExists>(&a.node);
    const auto* values = std::get_if<TagValues>(&b.node);
    return has != nullptr && values != nullptr && has->tag == values->tag;
  }

  const std::vector<OperatorWork>& works_;
  std::vector<OperatorEstimate> estimates_;
  std::vector<uint64_t> costs_;  // the inputs' included
};

size_t OperatorsOf(const PhysicalPlan& plan) {
  size_t operators = 1;
  if (const std::vector<PhysicalPlan>* inputs = InputsOf(plan)) {
    for (const PhysicalPlan& input : *inputs) operators += OperatorsOf(input);
  }
  return operators;
}

}  // namespace

void OperatorWork::Add(const LeafChoice& choice, uint64_t at_hand) {
  const uint64_t taken = choice.cost_of_chosen();
  cost += taken;
  users_at_hand += at_hand;
  ++chunks[static_cast<size_t>(choice.chosen())];
  for (const LeafChoice::Alternative& alternative : choice.alternatives()) {
    const auto form = static_cast<size_t>(alternative.form);
    offered[form] = true;
    cost_above[form] += alternative.cost - taken;
  }
}

void OperatorWork::Add(const OperatorWork& other) {
  users += other.users;
  exact &= other.exact;
  cost += other.cost;
  users_at_hand += other.users_at_hand;
  for (size_t i = 0; i < kLeafForms; ++i) {
    chunks[i] += other.chunks[i];
    offered[i] |= other.offered[i];
    cost_above[i] += other.cost_above[i];
  }
}

absl::StatusOr<std::vector<OperatorEstimate>> EstimatePlan(const PhysicalPlan& plan,
                                                           const index::Snapshot& snapshot,
                                                           index::Parallel& parallel,
                                                           const Check& check) {
  std::vector<std::unique_ptr<Evaluator>> evaluators(parallel.threads());
  std::vector<std::vector<OperatorWork>> works(parallel.threads());
  THRONG_RETURN_IF_ERROR(ShardLoop(check).Run(
      snapshot.shard_count(), plan.users_max <= kInlineUsersMax, parallel,
      [&](uint32_t shard, uint32_t worker) {
        if (evaluators[worker] == nullptr) {
          evaluators[worker] = std::make_unique<Evaluator>(plan, snapshot, Profiling::kNone);
        }
        evaluators[worker]->EstimateShard(shard, &works[worker]);
      }));
  std::vector<OperatorWork> sums(OperatorsOf(plan));
  for (const std::vector<OperatorWork>& of_worker : works) {
    for (size_t i = 0; i < of_worker.size(); ++i) sums[i].Add(of_worker[i]);
  }
  return EstimateBuilder(sums).Build(plan);
}

std::vector<uint64_t> EstimateCosts(const PhysicalPlan& plan, const index::Snapshot& snapshot) {
  const uint32_t shards = snapshot.shard_count();
  const uint32_t picked = std::min(shards, kShardsEstimatedMax);
  Evaluator evaluator(plan, snapshot, Profiling::kNone);
  std::vector<OperatorWork> works(OperatorsOf(plan));
  for (uint32_t i = 0; i < picked; ++i) {  // the first and the last, too: what is new lies there
    evaluator.EstimateShard(
        static_cast<uint32_t>(uint64_t{shards - 1} * i / std::max(picked - 1, 1u)), &works);
  }
  std::vector<uint64_t> costs;
  for (const OperatorEstimate& estimate : EstimateBuilder(works).Build(plan)) {
    costs.push_back(estimate.cost_ns * shards / std::max(picked, 1u));
  }
  return costs;
}

}  // namespace throng::query
