// Which conditions of an expression would have to change for one user to come in or go out.
//
//   ConditionFlips flips(expression);
//   bool is_in = flips.SetUser(matches);  // matches[c]: the user matches condition c, as written
//   flips.Smallest().conditions;          // {1, 3}: were these two the other way, so were is_in
//   flips.Decides(2);                     // whether condition 2 alone turns it over
//
// Conditions are those of query/condition_tree.h. Identical ones (one tag and test, or one list or
// bucket range) are one condition in several places: they change together and go by the number of
// the first. Others change independently here, even where no value could do that (`x = 'a'` and
// `x = 'b'` of one CATEGORY): what is looked for is a set of conditions, not new values.
//
// Where every condition stands in one place, costs are added up over the tree: an `and` is made
// true by turning all false operands over, and false by turning over its cheapest one; an `or` the
// other way round. What stands in several places is decided first: every choice of such conditions,
// small ones first, with the tree's costs for the rest.
#ifndef THRONG_QUERY_CONDITION_FLIPS_H_
#define THRONG_QUERY_CONDITION_FLIPS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "query/condition_tree.h"
#include "query/expression.h"

namespace throng::query {

// A value.
struct Flip {
  enum class Kind : uint8_t {
    kSmallest,    // no smaller set turns the answer over
    kFound,       // it does, but not all smaller sets were looked at
    kImpossible,  // no set does: `x or all()`
    kUnknown,     // none was found, and not all were looked at
  };
  Kind kind = Kind::kImpossible;
  // Ascending; of equally small sets the one that is first in the order written.
  std::vector<uint32_t> conditions;
};

// For one thread. A call takes the tree's size, Smallest() at most about 10 ms beyond that.
class ConditionFlips {
 public:
  explicit ConditionFlips(const Expression& expression);

  // By condition, the first identical one: often itself.
  const std::vector<uint32_t>& first_same() const { return first_same_; }
  // By condition, whether an odd number of nots stands before it.
  const std::vector<bool>& negated() const { return negated_; }

  // From now on the answers are about a user who matches so. Returns whether the expression selects
  // the user. Of identical conditions the first counts. REQUIRES: one entry a condition.
  bool SetUser(const std::vector<bool>& matches);
  // Whether the answer turns over when this condition, in all its places, changes and no other.
  bool Decides(uint32_t condition);
  Flip Smallest();

 private:
  struct Node {
    ConditionNode::Kind kind = ConditionNode::Kind::kNobody;
    bool negated = false;  // the nots directly before it
    uint32_t parent = 0;   // the root's is its own number
    std::vector<uint32_t> operands;
    uint32_t condition = 0;
  };

  uint32_t AddNode(const ConditionNode& tree, bool negated);
  void FindSame(const Expression& expression);

  bool OwnValue(uint32_t node) const;
  void Toggle(uint32_t leaf);
  void ToggleAll(const std::vector<uint32_t>& conditions);
  bool root_value() const { return values_.back(); }

  void SetCosts(bool only_single_places);
  void AppendCheapest(uint32_t node, std::vector<uint32_t>* conditions) const;
  void Try(const std::vector<uint32_t>& chosen, bool* found, std::vector<uint32_t>* best);
  bool TryAllOfSize(size_t size, uint64_t* tries_left, bool* found, std::vector<uint32_t>* best);
  void TryAsIfIndependent(bool* found, std::vector<uint32_t>* best);

  std::vector<Node> nodes_;                    // operands before what combines them
  std::vector<uint32_t> first_same_;           // by condition
  std::vector<bool> negated_;                  // by condition
  std::vector<std::vector<uint32_t>> places_;  // by condition: its nodes, of the first of its kind
  std::vector<uint32_t> repeated_;             // conditions with several places, ascending

  // Of the user.
  std::vector<bool> values_;        // by node
  std::vector<uint32_t> deciding_;  // by node: false operands of an and, true ones of an or
  std::vector<uint32_t> costs_;     // by node: conditions to change at least
};

}  // namespace throng::query

#endif  // THRONG_QUERY_CONDITION_FLIPS_H_
