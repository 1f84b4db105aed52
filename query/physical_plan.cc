#include "query/physical_plan.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "index/overloaded.h"

namespace throng::query {
namespace {

// Adding up more values than this costs more than their order is worth.
constexpr size_t kCodesCountedMax = 256;

class Planner {
 public:
  explicit Planner(const index::Snapshot& snapshot)
      : snapshot_(snapshot), universe_(snapshot.user_count()) {}

  PhysicalPlan Plan(const LogicalPlan& plan) const {
    return std::visit(
        index::Overloaded{
            [&](const LogicalAnd& node) { return PlanAnd(node); },
            [&](const LogicalOr& node) { return PlanOr(node); },
            [&](const LogicalNot& node) { return Complement(Plan(node.operand.front())); },
            [&](const TagValues& node) { return PlanValues(node); },
            [&](const TagExists& node) { return Leaf(node, ExistsCardinality(node.tag)); },
            [&](const NumericRanges& node) { return Leaf(node, ExistsCardinality(node.tag)); },
            [&](const Ordinals& node) { return Leaf(node, node.set->cardinality()); },
            [&](const HashBuckets& node) {
              const double share = static_cast<double>(node.to - node.from) / 1e6;
              return Leaf(node, static_cast<uint64_t>(share * static_cast<double>(universe_)) + 1);
            },
            [&](const Everybody&) { return Universe(); },
            [&](const Nobody& node) { return Leaf(node, 0); },
        },
        plan.node);
  }

 private:
  template <typename Node>
  static PhysicalPlan Leaf(const Node& node, uint64_t users_max) {
    return {.node = node, .users_max = users_max};
  }

  PhysicalPlan Complement(PhysicalPlan of) const {
    PhysicalPlan plan = Subtract(Universe(), {std::move(of)});
    plan.rewrite.kind = PlanRewrite::Kind::kComplement;
    return plan;
  }

  PhysicalPlan Universe() const { return Leaf(Everybody{}, universe_); }

  uint64_t ExistsCardinality(uint32_t tag) const {
    const index::TagContent* content = snapshot_.content(tag);
    return content == nullptr ? 0 : content->ExistsCardinality();
  }

  PhysicalPlan PlanValues(const TagValues& node) const {
    const index::TagContent* content = snapshot_.content(node.tag);
    if (content == nullptr) return Leaf(Nobody{}, 0);
    const index::TagEntry* entry = snapshot_.catalogue().FindById(node.tag);
    const index::TagType type = entry->definition.type;
    if (type != index::TagType::kFlag && node.codes.size() * 2 > entry->values->size()) {
      return PlanMostValues(node, *content, entry->values->size(), type);
    }
    return Leaf(node, ValuesCardinality(node, *content));
  }

  // With T the few values that are not in A: t in A = exists(t) but t in T where a user has at most
  // one value; = exists(t) but (t in T but t in A) for LABELS, where only users with a value of T
  // are looked up in A.
  PhysicalPlan PlanMostValues(const TagValues& node, const index::TagContent& content,
                              uint32_t values, index::TagType type) const {
    TagValues rest{.tag = node.tag};
    for (uint32_t code = 0, next = 0; code < values; ++code) {
      if (next < node.codes.size() && node.codes[next] == code) {
        ++next;
      } else {
        rest.codes.push_back(code);
      }
    }
    PhysicalPlan exists = Leaf(TagExists{node.tag}, ExistsCardinality(node.tag));
    const auto asked = static_cast<uint32_t>(node.codes.size());
    if (rest.codes.empty()) {
      exists.rewrite = {PlanRewrite::Kind::kAllValues, asked};
      return exists;
    }
    PhysicalPlan others = Leaf(rest, ValuesCardinality(rest, content));
    if (type != index::TagType::kCategory) {
      others = Subtract(std::move(others), {Leaf(node, ValuesCardinality(node, content))});
    }
    PhysicalPlan most = Subtract(std::move(exists), {std::move(others)});
    most.rewrite = {PlanRewrite::Kind::kMostValues, asked};
    return most;
  }

  uint64_t ValuesCardinality(const TagValues& node, const index::TagContent& content) const {
    if (node.codes.size() > kCodesCountedMax) return content.ExistsCardinality();
    uint64_t users = 0;
    for (uint32_t code : node.codes) users += content.ValueCardinality(code);
    return std::min(users, universe_);
  }

  static void Sort(std::vector<PhysicalPlan>& plans, bool ascending) {
    std::stable_sort(plans.begin(), plans.end(), [=](const PhysicalPlan& a, const PhysicalPlan& b) {
      return ascending ? a.users_max < b.users_max : a.users_max > b.users_max;
    });
  }

  static PhysicalPlan Intersect(std::vector<PhysicalPlan> inputs) {
    if (inputs.size() == 1) return std::move(inputs.front());
    Sort(inputs, true);
    const uint64_t users = inputs.front().users_max;
    return {.node = IntersectInputs{std::move(inputs)}, .users_max = users};
  }

  static PhysicalPlan Subtract(PhysicalPlan from, std::vector<PhysicalPlan> minus) {
    if (minus.empty()) return from;
    // What takes away most comes first: it may leave nothing.
    Sort(minus, false);
    const uint64_t users = from.users_max;
    std::vector<PhysicalPlan> inputs;
    inputs.push_back(std::move(from));
    std::move(minus.begin(), minus.end(), std::back_inserter(inputs));
    return {.node = SubtractInputs{std::move(inputs)}, .users_max = users};
  }

  PhysicalPlan Unite(std::vector<PhysicalPlan> inputs) const {
    if (inputs.size() == 1) return std::move(inputs.front());
    Sort(inputs, false);
    uint64_t users = 0;
    for (const PhysicalPlan& input : inputs) users += input.users_max;
    return {.node = UniteInputs{std::move(inputs)}, .users_max = std::min(users, universe_)};
  }

  // Plans `operands`; those under a not go to `negative` without it.
  void Split(const std::vector<LogicalPlan>& operands, std::vector<PhysicalPlan>* positive,
             std::vector<PhysicalPlan>* negative) const {
    for (const LogicalPlan& operand : operands) {
      if (const auto* negation = std::get_if<LogicalNot>(&operand.node)) {
        negative->push_back(Plan(negation->operand.front()));
      } else {
        positive->push_back(Plan(operand));
      }
    }
  }

  PhysicalPlan PlanAnd(const LogicalAnd& node) const {
    std::vector<PhysicalPlan> positive;
    std::vector<PhysicalPlan> negative;
    Split(node.operands, &positive, &negative);
    if (positive.empty()) positive.push_back(Universe());
    return Subtract(Intersect(std::move(positive)), std::move(negative));
  }

  // or(x, not(y), not(z)) = all but ((y and z) but x).
  PhysicalPlan PlanOr(const LogicalOr& node) const {
    std::vector<PhysicalPlan> positive;
    std::vector<PhysicalPlan> negative;
    Split(node.operands, &positive, &negative);
    if (negative.empty()) return Unite(std::move(positive));
    return Complement(Subtract(Intersect(std::move(negative)), std::move(positive)));
  }

  const index::Snapshot& snapshot_;
  const uint64_t universe_;
};

// The logical plan of a leaf.
std::optional<LogicalPlan> ToLogicalLeaf(const PhysicalPlan& plan) {
  return std::visit(
      index::Overloaded{
          [](const IntersectInputs&) { return std::optional<LogicalPlan>(); },
          [](const UniteInputs&) { return std::optional<LogicalPlan>(); },
          [](const SubtractInputs&) { return std::optional<LogicalPlan>(); },
          [](const auto& leaf) { return std::optional<LogicalPlan>(LogicalPlan{leaf}); },
      },
      plan.node);
}

}  // namespace

std::string_view ToString(PlanRewrite::Kind kind) {
  switch (kind) {
    case PlanRewrite::Kind::kNone:
      return "";
    case PlanRewrite::Kind::kComplement:
      return "complement";
    case PlanRewrite::Kind::kMostValues:
      return "most_values";
    case PlanRewrite::Kind::kAllValues:
      return "all_values";
  }
  return "";
}

PhysicalPlan MakePhysicalPlan(const LogicalPlan& plan, const index::Snapshot& snapshot) {
  return Planner(snapshot).Plan(plan);
}

const std::vector<PhysicalPlan>* InputsOf(const PhysicalPlan& plan) {
  if (const auto* node = std::get_if<IntersectInputs>(&plan.node)) return &node->inputs;
  if (const auto* node = std::get_if<UniteInputs>(&plan.node)) return &node->inputs;
  if (const auto* node = std::get_if<SubtractInputs>(&plan.node)) return &node->inputs;
  return nullptr;
}

std::string OperatorName(const PhysicalPlan& plan) {
  return std::visit(index::Overloaded{
                        [](const IntersectInputs&) { return "and"; },
                        [](const UniteInputs&) { return "or"; },
                        [](const SubtractInputs&) { return "andnot"; },
                        [](const TagValues&) { return "value"; },
                        [](const TagExists&) { return "exists"; },
                        [](const NumericRanges&) { return "range"; },
                        [](const Ordinals& node) { return node.label.empty() ? "ids" : "crowd"; },
                        [](const HashBuckets&) { return "bucket"; },
                        [](const Everybody&) { return "all"; },
                        [](const Nobody&) { return "none"; },
                    },
                    plan.node);
}

std::string LeafText(const PhysicalPlan& plan, const index::Catalogue& catalogue) {
  const std::optional<LogicalPlan> leaf = ToLogicalLeaf(plan);
  return leaf.has_value() ? ToString(*leaf, catalogue) : "";
}

std::string ToString(const PhysicalPlan& plan, const index::Catalogue& catalogue) {
  const std::vector<PhysicalPlan>* inputs = InputsOf(plan);
  if (inputs == nullptr) return LeafText(plan, catalogue);
  std::string text = OperatorName(plan) + "(";
  for (const PhysicalPlan& input : *inputs) {
    if (&input != &inputs->front()) text += ", ";
    text += ToString(input, catalogue);
  }
  return text + ")";
}

}  // namespace throng::query
