// An expression as its conditions and what combines them: for asking what one condition does.
//
//   ConditionNode tree = MakeConditionTree(expression);
//   LogicalPlan all = ReplaceCondition(expression, resolved.plan, 2, LogicalPlan{Everybody{}});
//
// Conditions are numbered from 0 as Resolved::conditions: tests of tags, ids, buckets, samples and
// crowds, in the order written; all() and none() are none. A limit combines nothing: all here is of
// what it is taken of.
#ifndef THRONG_QUERY_CONDITION_TREE_H_
#define THRONG_QUERY_CONDITION_TREE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "query/expression.h"
#include "query/logical_plan.h"

namespace throng::query {

// Every `not` is folded into what it stands before. A value.
struct ConditionNode {
  enum class Kind : uint8_t { kCondition, kAnd, kOr, kEverybody, kNobody };
  Kind kind = Kind::kNobody;
  bool negated = false;                 // an odd number of nots stands before it
  uint32_t condition = 0;               // of kCondition
  std::vector<ConditionNode> operands;  // of kAnd and kOr, in the order written
};

// Thread-safe, like all here.
ConditionNode MakeConditionTree(const Expression& expression);

// The conditions of an expression, by number. Views of it.
std::vector<const Expression*> ConditionsOf(const Expression& expression);

// Whether an odd number of nots stands before condition `condition`: then users that come to match
// it leave the crowd, if they change it. REQUIRES: there is one.
bool IsNegated(const Expression& expression, size_t condition);

// `plan` with `replacement` in place of a condition. REQUIRES: `plan` is what `expression` resolved
// to, and has it.
LogicalPlan ReplaceCondition(const Expression& expression, LogicalPlan plan, size_t condition,
                             LogicalPlan replacement);

}  // namespace throng::query

#endif  // THRONG_QUERY_CONDITION_TREE_H_
