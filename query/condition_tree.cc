#include "query/condition_tree.h"

#include <optional>
#include <utility>
#include <variant>

#include "index/overloaded.h"

namespace throng::query {
namespace {

class TreeMaker {
 public:
  ConditionNode Make(const Expression& expression) {
    using Kind = ConditionNode::Kind;
    return std::visit(index::Overloaded{
                          [this](const And& node) { return MakeInner(Kind::kAnd, node.operands); },
                          [this](const Or& node) { return MakeInner(Kind::kOr, node.operands); },
                          [this](const Not& node) {
                            ConditionNode negated = Make(node.operand[0]);
                            negated.negated = !negated.negated;
                            return negated;
                          },
                          [this](const Limited& node) { return Make(node.operand[0]); },
                          [](const AllUsers&) { return ConditionNode{.kind = Kind::kEverybody}; },
                          [](const NoUsers&) { return ConditionNode{.kind = Kind::kNobody}; },
                          [this](const auto&) {
                            return ConditionNode{.kind = Kind::kCondition, .condition = next_++};
                          },
                      },
                      expression.node);
  }

 private:
  ConditionNode MakeInner(ConditionNode::Kind kind, const std::vector<Expression>& operands) {
    ConditionNode inner{.kind = kind};
    for (const Expression& operand : operands) inner.operands.push_back(Make(operand));
    return inner;
  }

  uint32_t next_ = 0;
};

// The operands of an inner node; nullptr for others.
const std::vector<Expression>* OperandsOf(const Expression& expression) {
  if (const auto* node = std::get_if<And>(&expression.node)) return &node->operands;
  if (const auto* node = std::get_if<Or>(&expression.node)) return &node->operands;
  if (const auto* node = std::get_if<Not>(&expression.node)) return &node->operand;
  return nullptr;
}

std::vector<LogicalPlan>* OperandsOf(LogicalPlan& plan) {
  if (auto* node = std::get_if<LogicalAnd>(&plan.node)) return &node->operands;
  if (auto* node = std::get_if<LogicalOr>(&plan.node)) return &node->operands;
  return &std::get<LogicalNot>(plan.node).operand;
}

bool IsConstant(const Expression& expression) {
  return std::holds_alternative<AllUsers>(expression.node) ||
         std::holds_alternative<NoUsers>(expression.node);
}

void AppendConditions(const Expression& expression, std::vector<const Expression*>* conditions) {
  const std::vector<Expression>* operands = OperandsOf(expression);
  if (operands != nullptr) {
    for (const Expression& operand : *operands) AppendConditions(operand, conditions);
  } else if (!IsConstant(expression)) {
    conditions->push_back(&expression);
  }
}

// Where a condition was found.
struct Found {
  LogicalPlan* plan = nullptr;  // null without a plan
  bool negated = false;
};

// Walks to the condition; `left` counts down to it. `plan` may be null.
std::optional<Found> Walk(const Expression& expression, LogicalPlan* plan, bool negated,
                          size_t* left) {
  const std::vector<Expression>* operands = OperandsOf(expression);
  if (operands == nullptr) {
    if (IsConstant(expression)) return std::nullopt;
    if ((*left)-- > 0) return std::nullopt;
    return Found{plan, negated};
  }
  const bool inner = negated != std::holds_alternative<Not>(expression.node);
  std::vector<LogicalPlan>* plans = plan == nullptr ? nullptr : OperandsOf(*plan);
  for (size_t i = 0; i < operands->size(); ++i) {
    LogicalPlan* operand_plan = plans == nullptr ? nullptr : &(*plans)[i];
    const std::optional<Found> found = Walk((*operands)[i], operand_plan, inner, left);
    if (found.has_value()) return found;
  }
  return std::nullopt;
}

}  // namespace

ConditionNode MakeConditionTree(const Expression& expression) {
  return TreeMaker().Make(expression);
}

std::vector<const Expression*> ConditionsOf(const Expression& expression) {
  std::vector<const Expression*> conditions;
  AppendConditions(WithoutLimit(expression), &conditions);
  return conditions;
}

bool IsNegated(const Expression& expression, size_t condition) {
  return Walk(WithoutLimit(expression), nullptr, false, &condition)->negated;
}

LogicalPlan ReplaceCondition(const Expression& expression, LogicalPlan plan, size_t condition,
                             LogicalPlan replacement) {
  *Walk(WithoutLimit(expression), &plan, false, &condition)->plan = std::move(replacement);
  return plan;
}

}  // namespace throng::query
