#include "query/condition_flips.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <variant>

#include "index/overloaded.h"
#include "query/formatter.h"

namespace throng::query {
namespace {

using Kind = ConditionNode::Kind;

constexpr uint32_t kNever = std::numeric_limits<uint32_t>::max();
// Of nodes, while choices of repeated conditions are tried.
constexpr uint64_t kVisitsMax = 1 << 20;

// What differs between most conditions that are not identical, and costs nothing to say.
std::string SignatureOf(const Expression& condition) {
  return std::visit(
      index::Overloaded{
          [](const Condition& node) { return std::to_string(node.test.index()) + node.tag; },
          [](const IdSet& node) {
            return "ids " + std::to_string(node.ids.size() + node.numbers.size());
          },
          [](const Bucket& node) { return "bucket " + node.salt; },
          [](const Sample& node) { return "sample " + node.salt; },
          // No conditions.
          [](const And&) { return std::string(); },
          [](const Or&) { return std::string(); },
          [](const Not&) { return std::string(); },
          [](const AllUsers&) { return std::string(); },
          [](const NoUsers&) { return std::string(); },
          [](const Limited&) { return std::string(); },
          [](const CrowdRef& node) { return "crowd " + node.name; },
      },
      condition.node);
}

// Whether the conditions `a` come before `b`: fewer, or written earlier.
bool IsBetter(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

}  // namespace

ConditionFlips::ConditionFlips(const Expression& expression) {
  FindSame(expression);
  negated_.resize(first_same_.size());
  places_.resize(first_same_.size());
  const uint32_t root = AddNode(MakeConditionTree(expression), false);
  nodes_[root].parent = root;
  for (uint32_t c = 0; c < places_.size(); ++c) {
    if (places_[c].size() > 1) repeated_.push_back(c);
  }
  values_.resize(nodes_.size());
  deciding_.resize(nodes_.size());
  costs_.resize(nodes_.size());
}

// The canonical text says what is identical; it is only made where signatures are the same.
void ConditionFlips::FindSame(const Expression& expression) {
  const std::vector<const Expression*> conditions = ConditionsOf(expression);
  std::map<std::string, std::vector<uint32_t>> alike;
  for (uint32_t c = 0; c < conditions.size(); ++c) {
    first_same_.push_back(c);
    alike[SignatureOf(*conditions[c])].push_back(c);
  }
  for (const auto& [signature, numbers] : alike) {
    if (numbers.size() < 2) continue;
    std::map<std::string, uint32_t> first_of_text;
    for (const uint32_t c : numbers) {
      first_same_[c] = first_of_text.emplace(Format(*conditions[c]), c).first->second;
    }
  }
}

// Returns its number.
uint32_t ConditionFlips::AddNode(const ConditionNode& tree, bool negated) {
  Node node{.kind = tree.kind, .negated = tree.negated, .condition = tree.condition};
  const bool inside = negated != tree.negated;
  for (const ConditionNode& operand : tree.operands) {
    node.operands.push_back(AddNode(operand, inside));
  }
  const auto number = static_cast<uint32_t>(nodes_.size());
  for (const uint32_t operand : node.operands) nodes_[operand].parent = number;
  if (node.kind == Kind::kCondition) {
    negated_[node.condition] = inside;
    places_[first_same_[node.condition]].push_back(number);
  }
  nodes_.push_back(std::move(node));
  return number;
}

// What an inner node or a constant is, by its operands.
bool ConditionFlips::OwnValue(uint32_t number) const {
  const Node& node = nodes_[number];
  const bool none_decides = deciding_[number] == 0;
  const bool own = node.kind == Kind::kEverybody || (node.kind == Kind::kAnd && none_decides) ||
                   (node.kind == Kind::kOr && !none_decides);
  return own != node.negated;
}

bool ConditionFlips::SetUser(const std::vector<bool>& matches) {
  for (uint32_t n = 0; n < nodes_.size(); ++n) {
    const Node& node = nodes_[n];
    if (node.kind == Kind::kCondition) {
      values_[n] = matches[first_same_[node.condition]] != node.negated;
      continue;
    }
    deciding_[n] = 0;
    for (const uint32_t operand : node.operands) {
      deciding_[n] += values_[operand] == (node.kind == Kind::kOr) ? 1 : 0;
    }
    values_[n] = OwnValue(n);
  }
  return root_value();
}

// Turns a condition over in one place, and what follows from it.
void ConditionFlips::Toggle(uint32_t leaf) {
  for (uint32_t n = leaf;; n = nodes_[n].parent) {
    values_[n] = !values_[n];
    const uint32_t parent = nodes_[n].parent;
    if (parent == n) return;
    if (values_[n] == (nodes_[parent].kind == Kind::kOr)) {
      ++deciding_[parent];
    } else {
      --deciding_[parent];
    }
    if (OwnValue(parent) == values_[parent]) return;
  }
}

void ConditionFlips::ToggleAll(const std::vector<uint32_t>& conditions) {
  for (const uint32_t c : conditions) {
    for (const uint32_t place : places_[c]) Toggle(place);
  }
}

bool ConditionFlips::Decides(uint32_t condition) {
  const std::vector<uint32_t> alone{first_same_[condition]};
  const bool before = root_value();
  ToggleAll(alone);
  const bool after = root_value();
  ToggleAll(alone);
  return before != after;
}

// What it takes to turn each node over. With `only_single_places` repeated conditions stay as they
// are, otherwise each place of theirs is taken for a condition of its own.
void ConditionFlips::SetCosts(bool only_single_places) {
  for (uint32_t n = 0; n < nodes_.size(); ++n) {
    const Node& node = nodes_[n];
    if (node.kind == Kind::kCondition) {
      const bool stays = only_single_places && places_[first_same_[node.condition]].size() > 1;
      costs_[n] = stays ? kNever : 1;
      continue;
    }
    const bool one_is_enough = deciding_[n] == 0;
    uint64_t cost = one_is_enough ? kNever : 0;
    for (const uint32_t operand : node.operands) {
      if (one_is_enough) {
        cost = std::min<uint64_t>(cost, costs_[operand]);
      } else if (values_[operand] == (node.kind == Kind::kOr)) {
        cost = std::min<uint64_t>(cost + costs_[operand], kNever);
      }
    }
    costs_[n] = node.operands.empty() ? kNever : static_cast<uint32_t>(cost);
  }
}

// The conditions that the node's cost counts. REQUIRES: it is not kNever.
void ConditionFlips::AppendCheapest(uint32_t number, std::vector<uint32_t>* conditions) const {
  const Node& node = nodes_[number];
  if (node.kind == Kind::kCondition) {
    conditions->push_back(first_same_[node.condition]);
    return;
  }
  for (const uint32_t operand : node.operands) {
    if (deciding_[number] == 0) {
      if (costs_[operand] != costs_[number]) continue;
      AppendCheapest(operand, conditions);
      return;
    }
    if (values_[operand] == (node.kind == Kind::kOr)) AppendCheapest(operand, conditions);
  }
}

// The best set that holds `chosen` of the repeated conditions and no other repeated one.
void ConditionFlips::Try(const std::vector<uint32_t>& chosen, bool* found,
                         std::vector<uint32_t>* best) {
  const bool before = root_value();
  ToggleAll(chosen);
  std::vector<uint32_t> set = chosen;
  bool turns = root_value() != before;
  if (!turns) {
    SetCosts(true);
    turns = costs_.back() != kNever;
    if (turns) AppendCheapest(static_cast<uint32_t>(nodes_.size() - 1), &set);
  }
  ToggleAll(chosen);
  std::sort(set.begin(), set.end());
  if (!turns || (*found && !IsBetter(set, *best))) return;
  *found = true;
  *best = std::move(set);
}

// Every choice of `size` repeated conditions. False when the tries ended before.
bool ConditionFlips::TryAllOfSize(size_t size, uint64_t* tries_left, bool* found,
                                  std::vector<uint32_t>* best) {
  std::vector<size_t> picks(size);
  for (size_t i = 0; i < size; ++i) picks[i] = i;
  while (true) {
    if ((*tries_left)-- == 0) return false;
    std::vector<uint32_t> chosen;
    for (const size_t pick : picks) chosen.push_back(repeated_[pick]);
    Try(chosen, found, best);
    size_t last = size;  // the last pick that can move on
    while (last > 0 && picks[last - 1] == repeated_.size() - size + last - 1) --last;
    if (last == 0) return true;
    ++picks[last - 1];
    for (size_t i = last; i < size; ++i) picks[i] = picks[i - 1] + 1;
  }
}

// What the places of repeated conditions would do one by one, where it turns out to do it together.
void ConditionFlips::TryAsIfIndependent(bool* found, std::vector<uint32_t>* best) {
  SetCosts(false);
  if (costs_.back() == kNever) return;
  std::vector<uint32_t> set;
  AppendCheapest(static_cast<uint32_t>(nodes_.size() - 1), &set);
  std::sort(set.begin(), set.end());
  set.erase(std::unique(set.begin(), set.end()), set.end());
  const bool before = root_value();
  ToggleAll(set);
  const bool turns = root_value() != before;
  ToggleAll(set);
  if (!turns || (*found && !IsBetter(set, *best))) return;
  *found = true;
  *best = std::move(set);
}

Flip ConditionFlips::Smallest() {
  bool found = false;
  std::vector<uint32_t> best;
  uint64_t tries_left = std::max<uint64_t>(1, kVisitsMax / nodes_.size());
  size_t size = 0;  // all smaller choices of repeated conditions were tried
  bool all_tried = true;
  while (all_tried && size <= repeated_.size() && (!found || size <= best.size())) {
    all_tried = TryAllOfSize(size, &tries_left, &found, &best);
    if (all_tried) ++size;
  }
  if (all_tried) {
    return {found ? Flip::Kind::kSmallest : Flip::Kind::kImpossible, std::move(best)};
  }
  TryAsIfIndependent(&found, &best);
  if (!found) return {.kind = Flip::Kind::kUnknown, .conditions = {}};
  // What was not tried has `size` repeated conditions or more.
  return {best.size() <= size ? Flip::Kind::kSmallest : Flip::Kind::kFound, std::move(best)};
}

}  // namespace throng::query
