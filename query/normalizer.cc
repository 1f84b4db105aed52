#include "query/normalizer.h"

#include <algorithm>
#include <compare>
#include <cstddef>
#include <iterator>
#include <span>
#include <utility>

#include "query/value_resolver.h"

namespace throng::query {
namespace {

template <typename T>
bool Is(const LogicalPlan& plan) {
  return std::holds_alternative<T>(plan.node);
}

const LogicalPlan& Operand(const LogicalNot& negation) { return negation.operand.front(); }

LogicalPlan Negate(LogicalPlan plan) {
  LogicalNot negation;
  negation.operand.push_back(std::move(plan));
  return LogicalPlan{std::move(negation)};
}

bool AreComplements(const LogicalPlan& a, const LogicalPlan& b) {
  if (const auto* negation = std::get_if<LogicalNot>(&a.node)) return Operand(*negation) == b;
  if (const auto* negation = std::get_if<LogicalNot>(&b.node)) return Operand(*negation) == a;
  return false;
}

// not(not(x)) = x.
bool DoubleNegation(LogicalPlan& plan, const index::Catalogue&) {
  auto* outer = std::get_if<LogicalNot>(&plan.node);
  if (outer == nullptr) return false;
  auto* inner = std::get_if<LogicalNot>(&outer->operand.front().node);
  if (inner == nullptr) return false;
  LogicalPlan operand = std::move(inner->operand.front());
  plan = std::move(operand);
  return true;
}

// not(and(x, y)) = or(not(x), not(y)); not(or(x, y)) = and(not(x), not(y)). The operands' own
// double negations are removed here, since they are not visited again.
bool DeMorgan(LogicalPlan& plan, const index::Catalogue& catalogue) {
  auto* negation = std::get_if<LogicalNot>(&plan.node);
  if (negation == nullptr) return false;
  const auto negate_all = [&](std::vector<LogicalPlan> operands) {
    for (LogicalPlan& operand : operands)
      operand = Normalize(Negate(std::move(operand)), catalogue);
    return operands;
  };
  if (auto* both = std::get_if<LogicalAnd>(&negation->operand.front().node)) {
    LogicalPlan next{LogicalOr{negate_all(std::move(both->operands))}};
    plan = std::move(next);
    return true;
  }
  if (auto* any = std::get_if<LogicalOr>(&negation->operand.front().node)) {
    LogicalPlan next{LogicalAnd{negate_all(std::move(any->operands))}};
    plan = std::move(next);
    return true;
  }
  return false;
}

template <typename Kind>
bool FlattenKind(LogicalPlan& plan) {
  auto* node = std::get_if<Kind>(&plan.node);
  if (node == nullptr) return false;
  if (std::none_of(node->operands.begin(), node->operands.end(), Is<Kind>)) return false;
  std::vector<LogicalPlan> operands;
  for (LogicalPlan& operand : node->operands) {
    if (auto* nested = std::get_if<Kind>(&operand.node)) {
      std::move(nested->operands.begin(), nested->operands.end(), std::back_inserter(operands));
    } else {
      operands.push_back(std::move(operand));
    }
  }
  node->operands = std::move(operands);
  return true;
}

// and(x, and(y, z)) = and(x, y, z), and the same for or.
bool Flatten(LogicalPlan& plan, const index::Catalogue&) {
  return FlattenKind<LogicalAnd>(plan) || FlattenKind<LogicalOr>(plan);
}

// Folds operands that are `Absorbing` (decides the result) or `Neutral` (changes nothing).
template <typename Kind, typename Absorbing, typename Neutral>
bool FoldKind(LogicalPlan& plan) {
  auto* node = std::get_if<Kind>(&plan.node);
  if (node == nullptr) return false;
  if (std::any_of(node->operands.begin(), node->operands.end(), Is<Absorbing>)) {
    plan.node = Absorbing{};
    return true;
  }
  if (std::erase_if(node->operands, Is<Neutral>) > 0) {
    if (node->operands.empty()) plan.node = Neutral{};
    return true;
  }
  if (node->operands.size() != 1) return false;
  LogicalPlan only = std::move(node->operands.front());
  plan = std::move(only);
  return true;
}

// and(x, none) = none; and(x, all) = x; or(x, all) = all; or(x, none) = x; not(all) = none;
// not(none) = all; and(x) = or(x) = x.
bool FoldConstants(LogicalPlan& plan, const index::Catalogue&) {
  if (auto* negation = std::get_if<LogicalNot>(&plan.node)) {
    if (Is<Everybody>(Operand(*negation))) {
      plan.node = Nobody{};
      return true;
    }
    if (Is<Nobody>(Operand(*negation))) {
      plan.node = Everybody{};
      return true;
    }
    return false;
  }
  return FoldKind<LogicalAnd, Nobody, Everybody>(plan) ||
         FoldKind<LogicalOr, Everybody, Nobody>(plan);
}

std::vector<LogicalPlan>* OperandsOf(LogicalPlan& plan) {
  if (auto* both = std::get_if<LogicalAnd>(&plan.node)) return &both->operands;
  if (auto* any = std::get_if<LogicalOr>(&plan.node)) return &any->operands;
  return nullptr;
}

// Comparing all pairs of operands is quadratic: beyond this many they are left as they are.
constexpr size_t kPairsOperandsMax = 256;

// and(x, x) = x; or(x, x) = x.
bool DropRepeats(LogicalPlan& plan, const index::Catalogue&) {
  std::vector<LogicalPlan>* operands = OperandsOf(plan);
  if (operands == nullptr || operands->size() > kPairsOperandsMax) return false;
  bool changed = false;
  for (size_t i = 0; i < operands->size(); ++i) {
    for (size_t j = operands->size() - 1; j > i; --j) {
      if ((*operands)[i] == (*operands)[j]) {
        operands->erase(operands->begin() + static_cast<ptrdiff_t>(j));
        changed = true;
      }
    }
  }
  return changed;
}

// and(x, not(x)) = none; or(x, not(x)) = all.
bool Contradiction(LogicalPlan& plan, const index::Catalogue&) {
  std::vector<LogicalPlan>* operands = OperandsOf(plan);
  if (operands == nullptr || operands->size() > kPairsOperandsMax) return false;
  for (size_t i = 0; i < operands->size(); ++i) {
    for (size_t j = i + 1; j < operands->size(); ++j) {
      if (!AreComplements((*operands)[i], (*operands)[j])) continue;
      if (Is<LogicalAnd>(plan)) {
        plan.node = Nobody{};
      } else {
        plan.node = Everybody{};
      }
      return true;
    }
  }
  return false;
}

std::vector<Interval> UnionOf(std::vector<Interval> all) { return Merge(std::move(all)); }

std::vector<uint32_t> UnionOf(std::vector<uint32_t> all) {
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

std::vector<Interval> IntersectionOf(const std::vector<Interval>& a,
                                     const std::vector<Interval>& b) {
  std::vector<Interval> both;
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const int64_t low = std::max(a[i].low, b[j].low);
    const int64_t high = std::min(a[i].high, b[j].high);
    if (low <= high) both.push_back({low, high});
    if (a[i].high < b[j].high) {
      ++i;
    } else {
      ++j;
    }
  }
  return both;
}

std::vector<uint32_t> IntersectionOf(const std::vector<uint32_t>& a,
                                     const std::vector<uint32_t>& b) {
  std::vector<uint32_t> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both;
}

bool IsCategory(uint32_t tag, const index::Catalogue& catalogue) {
  const index::TagEntry* entry = catalogue.FindById(tag);
  return entry != nullptr && entry->definition.type == index::TagType::kCategory;
}

// An operand that is merged with the others of its kind and tag.
struct Mergeable {
  size_t kind;
  uint32_t tag;
  size_t operand;

  bool IsLike(const Mergeable& other) const { return kind == other.kind && tag == other.tag; }
  friend auto operator<=>(const Mergeable&, const Mergeable&) = default;
};

// Those of one tag side by side, in the order of the operands.
std::vector<Mergeable> MergeablesOf(const std::vector<LogicalPlan>& operands, bool any,
                                    const index::Catalogue& catalogue) {
  std::vector<Mergeable> found;
  for (size_t i = 0; i < operands.size(); ++i) {
    const size_t kind = operands[i].node.index();
    if (const auto* ranges = std::get_if<NumericRanges>(&operands[i].node)) {
      found.push_back({kind, ranges->tag, i});
    } else if (const auto* values = std::get_if<TagValues>(&operands[i].node)) {
      // A user may have several labels.
      if (any || IsCategory(values->tag, catalogue)) found.push_back({kind, values->tag, i});
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

// What the operands of `group`, which are `Leaf`s, ask together.
template <typename Leaf, typename Item>
std::vector<Item> MergeLists(const std::vector<LogicalPlan>& operands,
                             std::span<const Mergeable> group, std::vector<Item> Leaf::*list,
                             bool any) {
  std::vector<const std::vector<Item>*> lists;
  for (const Mergeable& one : group) {
    lists.push_back(&(std::get<Leaf>(operands[one.operand].node).*list));
  }
  if (any) {
    std::vector<Item> all;
    for (const std::vector<Item>* one : lists) all.insert(all.end(), one->begin(), one->end());
    return UnionOf(std::move(all));
  }
  // The shortest first, so that a long list is not walked once for each of the others.
  std::sort(lists.begin(), lists.end(),
            [](const auto* a, const auto* b) { return a->size() < b->size(); });
  std::vector<Item> both = *lists.front();
  for (size_t i = 1; i < lists.size() && !both.empty(); ++i) both = IntersectionOf(both, *lists[i]);
  return both;
}

// The first operand of `group` becomes all of it.
void MergeGroup(std::span<const Mergeable> group, bool any, std::vector<LogicalPlan>* operands) {
  LogicalPlan& merged = (*operands)[group.front().operand];
  bool is_empty = false;
  if (auto* ranges = std::get_if<NumericRanges>(&merged.node)) {
    ranges->intervals = MergeLists(*operands, group, &NumericRanges::intervals, any);
    is_empty = ranges->intervals.empty();
  } else {
    auto& values = std::get<TagValues>(merged.node);
    values.codes = MergeLists(*operands, group, &TagValues::codes, any);
    is_empty = values.codes.empty();
  }
  if (is_empty) merged.node = Nobody{};
}

// or(t in A, t in B) = t in (A or B); and(t in A, t in B) = t in (A and B) where a user has at most
// one value (CATEGORY, numbers).
bool MergeSameTag(LogicalPlan& plan, const index::Catalogue& catalogue) {
  std::vector<LogicalPlan>* operands = OperandsOf(plan);
  if (operands == nullptr) return false;
  const bool any = Is<LogicalOr>(plan);
  const std::vector<Mergeable> found = MergeablesOf(*operands, any, catalogue);
  std::vector<bool> is_merged(operands->size());
  for (size_t first = 0, end = 0; first < found.size(); first = end) {
    while (end < found.size() && found[end].IsLike(found[first])) ++end;
    if (end - first == 1) continue;
    MergeGroup(std::span(found).subspan(first, end - first), any, operands);
    for (size_t i = first + 1; i < end; ++i) is_merged[found[i].operand] = true;
  }
  size_t kept = 0;
  for (size_t i = 0; i < operands->size(); ++i) {
    if (is_merged[i]) continue;
    if (kept < i) (*operands)[kept] = std::move((*operands)[i]);
    ++kept;
  }
  if (kept == operands->size()) return false;
  operands->resize(kept);
  return true;
}

// The tag that a leaf implies a user has; 0 for none.
uint32_t ImpliedTag(const LogicalPlan& plan) {
  if (const auto* values = std::get_if<TagValues>(&plan.node)) return values->tag;
  if (const auto* ranges = std::get_if<NumericRanges>(&plan.node)) return ranges->tag;
  return 0;
}

// and(exists(t), t in A) = t in A; or(exists(t), t in A) = exists(t).
bool AbsorbExists(LogicalPlan& plan, const index::Catalogue&) {
  std::vector<LogicalPlan>* operands = OperandsOf(plan);
  if (operands == nullptr || operands->size() > kPairsOperandsMax) return false;
  const bool any = Is<LogicalOr>(plan);
  for (size_t i = 0; i < operands->size(); ++i) {
    const auto* exists = std::get_if<TagExists>(&(*operands)[i].node);
    if (exists == nullptr) continue;
    for (size_t j = 0; j < operands->size(); ++j) {
      if (ImpliedTag((*operands)[j]) != exists->tag) continue;
      operands->erase(operands->begin() + static_cast<ptrdiff_t>(any ? j : i));
      return true;
    }
  }
  return false;
}

void NormalizeOperands(LogicalPlan& plan, const index::Catalogue& catalogue) {
  if (auto* negation = std::get_if<LogicalNot>(&plan.node)) {
    LogicalPlan& operand = negation->operand.front();
    operand = Normalize(std::move(operand), catalogue);
  } else if (std::vector<LogicalPlan>* operands = OperandsOf(plan)) {
    for (LogicalPlan& operand : *operands) operand = Normalize(std::move(operand), catalogue);
  }
}

}  // namespace

const std::vector<Rewrite>& Rewrites() {
  static const auto& rewrites = *new std::vector<Rewrite>{
      {"double-negation", DoubleNegation},
      {"de-morgan", DeMorgan},
      {"flatten", Flatten},
      {"fold-constants", FoldConstants},
      {"drop-repeats", DropRepeats},
      {"merge-same-tag", MergeSameTag},
      {"absorb-exists", AbsorbExists},
      {"contradiction", Contradiction},
  };
  return rewrites;
}

LogicalPlan Normalize(LogicalPlan plan, const index::Catalogue& catalogue) {
  NormalizeOperands(plan, catalogue);
  for (bool changed = true; changed;) {
    changed = false;
    for (const Rewrite& rewrite : Rewrites()) changed |= rewrite.apply(plan, catalogue);
  }
  return plan;
}

}  // namespace throng::query
