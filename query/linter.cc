#include "query/linter.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "fmt/format.h"
#include "index/id_hash.h"
#include "query/formatter.h"

namespace throng::query {
namespace {

using index::TagEntry;
using index::TagType;

constexpr size_t kWarningsMax = 100;
constexpr size_t kComparedMax = 64;  // operands of one node that are compared with one another

Verdict Complement(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSome:
      return Verdict::kSome;
    case Verdict::kNobody:
      return Verdict::kEverybody;
    case Verdict::kEverybody:
      return Verdict::kNobody;
  }
  return verdict;
}

// The verdict of an And (`absorbing` is kNobody) or an Or (kEverybody) over verdicts.
Verdict Combine(const std::vector<Verdict>& verdicts, Verdict absorbing) {
  bool neutral = true;
  for (const Verdict verdict : verdicts) {
    if (verdict == absorbing) return absorbing;
    neutral = neutral && verdict == Complement(absorbing);
  }
  return neutral ? Complement(absorbing) : Verdict::kSome;
}

struct LeafJudge {
  Verdict operator()(const LogicalAnd& node) const { return All(node.operands, Verdict::kNobody); }
  Verdict operator()(const LogicalOr& node) const {
    return All(node.operands, Verdict::kEverybody);
  }
  Verdict operator()(const LogicalNot& node) const { return Complement(Judge(node.operand[0])); }
  Verdict operator()(const TagValues&) const { return Verdict::kSome; }
  Verdict operator()(const TagExists&) const { return Verdict::kSome; }
  Verdict operator()(const NumericRanges&) const { return Verdict::kSome; }
  Verdict operator()(const Ordinals& node) const {
    return node.set == nullptr || node.set->cardinality() == 0 ? Verdict::kNobody : Verdict::kSome;
  }
  Verdict operator()(const HashBuckets& node) const {
    if (node.from == node.to) return Verdict::kNobody;
    const bool whole = node.from == 0 && node.to == index::kBuckets;
    return whole ? Verdict::kEverybody : Verdict::kSome;
  }
  Verdict operator()(const Everybody&) const { return Verdict::kEverybody; }
  Verdict operator()(const Nobody&) const { return Verdict::kNobody; }

  static Verdict All(const std::vector<LogicalPlan>& operands, Verdict absorbing) {
    std::vector<Verdict> verdicts;
    for (const LogicalPlan& operand : operands) verdicts.push_back(Judge(operand));
    return Combine(verdicts, absorbing);
  }
};

// The values `plan` asks of a tag, when that is all it asks.
struct ValueSet {
  uint32_t tag = 0;
  std::vector<Interval> intervals;  // codes are numbers, too
};

std::optional<ValueSet> ValuesOf(const LogicalPlan& plan) {
  if (const auto* ranges = std::get_if<NumericRanges>(&plan.node)) {
    return ValueSet{ranges->tag, ranges->intervals};
  }
  if (const auto* values = std::get_if<TagValues>(&plan.node)) {
    ValueSet set{values->tag, {}};
    for (const uint32_t code : values->codes) set.intervals.push_back({code, code});
    return set;
  }
  return std::nullopt;
}

// `set` becomes what it shares with `other`.
void Intersect(const ValueSet& other, ValueSet* set) {
  std::vector<Interval> shared;
  size_t i = 0;
  size_t j = 0;
  while (i < set->intervals.size() && j < other.intervals.size()) {
    const Interval& a = set->intervals[i];
    const Interval& b = other.intervals[j];
    const Interval both{std::max(a.low, b.low), std::min(a.high, b.high)};
    if (both.low <= both.high) shared.push_back(both);
    (a.high < b.high ? i : j) += 1;
  }
  set->intervals = std::move(shared);
}

// Whether the sets of some single-valued tag have nothing in common.
bool AreDisjoint(const std::vector<ValueSet>& sets, const index::Catalogue& catalogue) {
  std::vector<ValueSet> by_tag;
  for (const ValueSet& set : sets) {
    const TagEntry* entry = catalogue.FindById(set.tag);
    if (entry == nullptr || entry->definition.type == TagType::kLabels) continue;
    const auto same = std::find_if(by_tag.begin(), by_tag.end(),
                                   [&](const ValueSet& s) { return s.tag == set.tag; });
    if (same == by_tag.end()) {
      by_tag.push_back(set);
      continue;
    }
    Intersect(set, &*same);
    if (same->intervals.empty()) return true;
  }
  return false;
}

const LogicalPlan* NegatedBy(const LogicalPlan& plan) {
  const auto* negation = std::get_if<LogicalNot>(&plan.node);
  return negation == nullptr ? nullptr : &negation->operand[0];
}

// Whether both a plan and its complement are among `operands`.
bool HoldsBoth(const std::vector<const LogicalPlan*>& operands) {
  for (const LogicalPlan* operand : operands) {
    const LogicalPlan* negated = NegatedBy(*operand);
    if (negated == nullptr) continue;
    for (const LogicalPlan* other : operands) {
      if (*other == *negated) return true;
    }
  }
  return false;
}

// The values that `tag != v` excludes, if `plan` is one.
std::optional<ValueSet> ExcludedBy(const LogicalPlan& plan) {
  const auto* both = std::get_if<LogicalAnd>(&plan.node);
  if (both == nullptr || both->operands.size() != 2) return std::nullopt;
  if (!std::holds_alternative<TagExists>(both->operands[0].node)) return std::nullopt;
  const LogicalPlan* negated = NegatedBy(both->operands[1]);
  return negated == nullptr ? std::nullopt : ValuesOf(*negated);
}

// "40 s", "5 h", "3 days": cut to whole ones, of the largest unit that there are two of.
std::string AgeText(int64_t seconds) {
  if (seconds >= 2 * 86'400) return fmt::format("{} days", seconds / 86'400);
  if (seconds >= 2 * 3'600) return fmt::format("{} h", seconds / 3'600);
  if (seconds >= 2 * 60) return fmt::format("{} min", seconds / 60);
  return fmt::format("{} s", seconds);
}

// Walks the expression and its plan side by side.
class Linter {
 public:
  Linter(const index::CatalogueView& view, int64_t reference_us, Resolved* resolved)
      : view_(view),
        reference_us_(reference_us),
        warnings_(resolved->warnings),
        first_(resolved->warnings.size()) {}

  void Run(const Expression& root, const LogicalPlan& plan) {
    const Expression& expression = WithoutLimit(root);
    CollectExists(expression);
    const bool literal = std::holds_alternative<AllUsers>(expression.node) ||
                         std::holds_alternative<NoUsers>(expression.node);
    const Found found = Visit(expression, plan);
    if (!literal) Report(found, expression, "the expression");
    const auto* limited = std::get_if<Limited>(&root.node);
    const auto* order = limited == nullptr ? nullptr : std::get_if<ByTag>(&limited->order);
    if (order != nullptr) LintOrder(*order, *limited);
  }

 private:
  // What is known of a part, and whether a warning already says so.
  struct Found {
    Verdict verdict = Verdict::kSome;
    bool reported = false;
  };

  void CollectExists(const Expression& expression);
  Found Visit(const Expression& expression, const LogicalPlan& plan);
  Found VisitLeaf(const Expression& expression, const LogicalPlan& plan);
  Found VisitOperands(const Expression& parent, const std::vector<Expression>& operands,
                      const std::vector<LogicalPlan>& plans, Verdict absorbing);
  void LintCondition(const Condition& condition);
  void LintOrder(const ByTag& order, const Limited& limited);
  void LintState(const index::TagDefinition& tag, const SourceSpan& span);
  void LintFreshness(const index::TagDefinition& tag, const SourceSpan& span);
  void LintDisjunction(const Expression& parent, const std::vector<LogicalPlan>& plans);
  Found Report(Found found, const Expression& at, std::string_view what);
  void Warn(std::string_view reason, const SourceSpan& span, std::string message,
            std::string tag = {}) {
    if (warnings_.size() - first_ >= kWarningsMax) return;
    warnings_.push_back({std::string(reason), std::move(message), span, std::move(tag)});
  }
  static SourceSpan SpanOf(const Expression& expression);

  const index::CatalogueView& view_;
  const int64_t reference_us_;
  std::vector<Warning>& warnings_;
  size_t first_;
  std::set<std::string, std::less<>> exists_tags_;   // named in an exists(tag)
  std::set<std::string, std::less<>> offline_tags_;  // warned of
  std::set<std::string, std::less<>> stale_tags_;    // warned of
  std::set<std::string, std::less<>> negated_tags_;  // warned of
};

const std::vector<Expression>* OperandsOf(const Expression& expression) {
  if (const auto* node = std::get_if<And>(&expression.node)) return &node->operands;
  if (const auto* node = std::get_if<Or>(&expression.node)) return &node->operands;
  if (const auto* node = std::get_if<Not>(&expression.node)) return &node->operand;
  return nullptr;
}

void Linter::CollectExists(const Expression& expression) {
  const std::vector<Expression>* operands = OperandsOf(expression);
  if (operands != nullptr) {
    for (const Expression& operand : *operands) CollectExists(operand);
  }
  const auto* condition = std::get_if<Condition>(&expression.node);
  if (condition != nullptr && std::holds_alternative<Exists>(condition->test)) {
    exists_tags_.insert(condition->tag);
  }
}

Linter::Found Linter::Visit(const Expression& expression, const LogicalPlan& plan) {
  if (const auto* node = std::get_if<And>(&expression.node)) {
    return VisitOperands(expression, node->operands, std::get<LogicalAnd>(plan.node).operands,
                         Verdict::kNobody);
  }
  if (const auto* node = std::get_if<Or>(&expression.node)) {
    const std::vector<LogicalPlan>& plans = std::get<LogicalOr>(plan.node).operands;
    LintDisjunction(expression, plans);
    return VisitOperands(expression, node->operands, plans, Verdict::kEverybody);
  }
  if (const auto* node = std::get_if<Not>(&expression.node)) {
    Found found = Visit(node->operand[0], std::get<LogicalNot>(plan.node).operand[0]);
    found.verdict = Complement(found.verdict);
    return found;
  }
  return VisitLeaf(expression, plan);
}

Linter::Found Linter::VisitLeaf(const Expression& expression, const LogicalPlan& plan) {
  if (const auto* condition = std::get_if<Condition>(&expression.node)) LintCondition(*condition);
  const Found found{Judge(plan), false};
  const bool meant = std::holds_alternative<AllUsers>(expression.node) ||
                     std::holds_alternative<NoUsers>(expression.node);
  return meant ? found : Report(found, expression, "this condition");
}

Linter::Found Linter::VisitOperands(const Expression& parent,
                                    const std::vector<Expression>& operands,
                                    const std::vector<LogicalPlan>& plans, Verdict absorbing) {
  std::vector<Verdict> verdicts;
  bool reported = false;
  for (size_t i = 0; i < operands.size(); ++i) {
    const Found found = Visit(operands[i], plans[i]);
    verdicts.push_back(found.verdict);
    reported = reported || (found.reported && found.verdict != Verdict::kSome);
  }
  const Verdict verdict = Combine(verdicts, absorbing);
  if (verdict != Verdict::kSome) return {verdict, reported};

  // No operand decides alone: look for two that do together. In an Or the complements are compared.
  std::vector<const LogicalPlan*> flat;
  std::vector<ValueSet> sets;
  for (const LogicalPlan& plan : plans) {
    if (flat.size() >= kComparedMax) break;
    const auto* inner = std::get_if<LogicalAnd>(&plan.node);
    if (inner != nullptr && absorbing == Verdict::kNobody) {
      for (const LogicalPlan& part : inner->operands) flat.push_back(&part);
    } else {
      flat.push_back(&plan);
    }
    const LogicalPlan* compared = absorbing == Verdict::kNobody ? &plan : NegatedBy(plan);
    if (compared == nullptr) continue;
    if (std::optional<ValueSet> set = ValuesOf(*compared)) sets.push_back(*std::move(set));
  }
  if (!HoldsBoth(flat) && !AreDisjoint(sets, view_.catalogue())) return {Verdict::kSome, false};
  return Report({absorbing, false}, parent,
                absorbing == Verdict::kNobody ? "this conjunction" : "this disjunction");
}

void Linter::LintState(const index::TagDefinition& tag, const SourceSpan& span) {
  LintFreshness(tag, span);
  if (tag.state == index::TagState::kOnline || !offline_tags_.insert(tag.name).second) return;
  Warn("TAG_OFFLINE", span,
       fmt::format("tag \"{}\" is {}: its content may be old or incomplete", tag.name,
                   tag.state == index::TagState::kDraft ? "a draft" : "offline"));
}

void Linter::LintFreshness(const index::TagDefinition& tag, const SourceSpan& span) {
  if (tag.freshness_s == 0 || tag.content_time_us == 0) return;
  // Microseconds of the years 1 to 9999 are far from the ends of int64.
  const int64_t age_s = (reference_us_ - tag.content_time_us) / 1'000'000;
  if (age_s <= int64_t{tag.freshness_s} || !stale_tags_.insert(tag.name).second) return;
  Warn("TAG_STALE", span,
       fmt::format("the content of tag \"{}\" is {} old; it should be no older than {}", tag.name,
                   AgeText(age_s), AgeText(tag.freshness_s)));
}

// A tree always says which direction it means.
void Linter::LintOrder(const ByTag& order, const Limited& limited) {
  if (const TagEntry* entry = view_.Find(order.tag)) LintState(entry->definition, order.tag_span);
  if (limited.span.line == 0 || order.direction_span.line > 0) return;
  Warn("TOP_ASCENDING", limited.span,
       fmt::format("without a direction these are the users with the least values of \"{}\"; "
                   "'desc' takes the largest, 'asc' says that the least are meant",
                   order.tag));
}

void Linter::LintCondition(const Condition& condition) {
  const TagEntry* entry = view_.Find(condition.tag);
  if (entry == nullptr) return;
  const index::TagDefinition& tag = entry->definition;
  LintState(tag, condition.tag_span);
  const auto* none = std::get_if<NoneOf>(&condition.test);
  if (none == nullptr || tag.type == TagType::kFlag || exists_tags_.count(tag.name) > 0) return;
  if (!negated_tags_.insert(tag.name).second) return;
  Warn("NEGATED_MISSING", condition.span,
       fmt::format("users without any value of \"{}\" are left out; not (... {} ...) keeps them",
                   tag.name, none->values.size() == 1 ? "=" : "in"),
       tag.name);
}

void Linter::LintDisjunction(const Expression& parent, const std::vector<LogicalPlan>& plans) {
  std::vector<ValueSet> excluded;
  for (const LogicalPlan& plan : plans) {
    if (excluded.size() == kComparedMax) break;
    if (std::optional<ValueSet> set = ExcludedBy(plan)) excluded.push_back(*std::move(set));
  }
  if (!AreDisjoint(excluded, view_.catalogue())) return;
  Warn("REDUNDANT_OR", SpanOf(parent),
       "whoever has one of the excluded values has not the other: this disjunction holds everybody "
       "with the tag; 'not in (...)' excludes several values");
}

Linter::Found Linter::Report(Found found, const Expression& at, std::string_view what) {
  if (found.verdict == Verdict::kSome || found.reported) return found;
  const bool nobody = found.verdict == Verdict::kNobody;
  Warn(nobody ? "ALWAYS_EMPTY" : "ALWAYS_EVERYBODY", SpanOf(at),
       fmt::format("{} matches {}", what, nobody ? "nobody" : "everybody"));
  found.reported = true;
  return found;
}

// A condition's own place, else that of the first one inside.
SourceSpan Linter::SpanOf(const Expression& expression) {
  if (const auto* node = std::get_if<Condition>(&expression.node)) return node->span;
  if (const auto* node = std::get_if<IdSet>(&expression.node)) return node->span;
  if (const auto* node = std::get_if<Bucket>(&expression.node)) return node->span;
  if (const auto* node = std::get_if<Sample>(&expression.node)) return node->span;
  if (const auto* node = std::get_if<CrowdRef>(&expression.node)) return node->span;
  const std::vector<Expression>* operands = OperandsOf(expression);
  if (operands == nullptr) return {};
  for (const Expression& operand : *operands) {
    const SourceSpan span = SpanOf(operand);
    if (span.line > 0) return span;
  }
  return {};
}

}  // namespace

Verdict Judge(const LogicalPlan& plan) { return std::visit(LeafJudge(), plan.node); }

void Lint(const Expression& expression, const index::CatalogueView& view, int64_t reference_us,
          Resolved* resolved) {
  Linter(view, reference_us, resolved).Run(expression, resolved->plan);
}

}  // namespace throng::query
