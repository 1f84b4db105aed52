#include "query/resolver.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "fmt/format.h"
#include "index/error.h"
#include "index/id_hash.h"
#include "query/formatter.h"
#include "query/lexer.h"
#include "query/linter.h"
#include "query/value_resolver.h"

namespace throng::query {
namespace {

using index::TagEntry;
using index::TagType;

constexpr size_t kNamedValuesMax = 10;  // unknown or inexact ones that a condition's warnings name
constexpr size_t kPrintedValuesMax = 100;  // of a list in ResolvedCondition::text
constexpr size_t kWarningsMax = 100;
constexpr int kSuggestionsMax = 20;  // each costs a look at the tag's values

LogicalPlan MakeNot(LogicalPlan plan) {
  LogicalNot negation;
  negation.operand.push_back(std::move(plan));
  return LogicalPlan{std::move(negation)};
}

// "has the tag and is not in `plan`"
LogicalPlan MakeExistsAndNot(uint32_t tag, LogicalPlan plan) {
  LogicalAnd conjunction;
  conjunction.operands.push_back(LogicalPlan{TagExists{tag}});
  conjunction.operands.push_back(MakeNot(std::move(plan)));
  return LogicalPlan{std::move(conjunction)};
}

// The head of a list that is too long to print whole.
template <typename T>
std::vector<T> Head(const std::vector<T>& list) {
  constexpr size_t kHead = 8;
  return {list.begin(), list.begin() + static_cast<ptrdiff_t>(std::min(list.size(), kHead))};
}

std::string CutNote(size_t size) { return fmt::format(" (the first of {} values)", size); }

std::string Print(const Condition& condition) {
  const auto* any = std::get_if<AnyOf>(&condition.test);
  const auto* none = std::get_if<NoneOf>(&condition.test);
  if (any != nullptr && any->values.size() > kPrintedValuesMax) {
    return Format(Condition{condition.tag, AnyOf{Head(any->values)}, {}, {}}) +
           CutNote(any->values.size());
  }
  if (none != nullptr && none->values.size() > kPrintedValuesMax) {
    return Format(Condition{condition.tag, NoneOf{Head(none->values)}, {}, {}}) +
           CutNote(none->values.size());
  }
  return Format(condition);
}

std::string Print(const IdSet& ids) {
  const size_t size = ids.ids.size() + ids.numbers.size();
  if (size <= kPrintedValuesMax) return Format(Expression{ids});
  return Format(Expression{IdSet{Head(ids.ids), Head(ids.numbers), {}}}) + CutNote(size);
}

// Binds one expression. REQUIRES: it is valid (its depth bounds the stack).
class Resolver {
 public:
  Resolver(const index::CatalogueView& view, const IdLookup& ids, const TimeContext& time,
           CrowdLookup* crowds, Resolved* resolved)
      : view_(view), ids_(ids), time_(time), crowds_(crowds), resolved_(*resolved) {}

  absl::StatusOr<LogicalPlan> Visit(const Expression& expression) {
    return std::visit([this](const auto& node) { return Bind(node); }, expression.node);
  }

 private:
  absl::StatusOr<LogicalPlan> Bind(const And& node) {
    LogicalAnd bound;
    THRONG_ASSIGN_OR_RETURN(bound.operands, BindAll(node.operands));
    return LogicalPlan{std::move(bound)};
  }
  absl::StatusOr<LogicalPlan> Bind(const Or& node) {
    LogicalOr bound;
    THRONG_ASSIGN_OR_RETURN(bound.operands, BindAll(node.operands));
    return LogicalPlan{std::move(bound)};
  }
  absl::StatusOr<LogicalPlan> Bind(const Not& node) {
    LogicalNot bound;
    THRONG_ASSIGN_OR_RETURN(bound.operand, BindAll(node.operand));
    return LogicalPlan{std::move(bound)};
  }
  absl::StatusOr<LogicalPlan> Bind(const Condition& node);
  absl::StatusOr<LogicalPlan> Bind(const IdSet& node) {
    uint64_t unknown = 0;
    LogicalPlan plan{Ordinals{ids_.Lookup(node.ids, node.numbers, &unknown)}};
    if (unknown > 0) {
      Warn(
          "UNKNOWN_IDS", node.span,
          fmt::format("{} of {} ids are no users", unknown, node.ids.size() + node.numbers.size()));
    }
    return Record(Print(node), node.span, std::move(plan));
  }
  absl::StatusOr<LogicalPlan> Bind(const Bucket& node) {
    return Record(Format(Expression{node}), node.span, Buckets(node.salt, node.from, node.to));
  }
  absl::StatusOr<LogicalPlan> Bind(const Sample& node) {
    return Record(Format(Expression{node}), node.span, Buckets(node.salt, 0, node.millionths));
  }
  absl::StatusOr<LogicalPlan> Bind(const Limited& node) {
    THRONG_ASSIGN_OR_RETURN(LogicalPlan plan, Visit(node.operand[0]));
    Limit limit{.users = node.users, .text = FormatLimit(node), .span = node.span};
    if (const auto* by_tag = std::get_if<ByTag>(&node.order)) {
      THRONG_ASSIGN_OR_RETURN(limit.order, BindOrder(*by_tag));
    } else {
      limit.order = HashOrder{index::SaltHash(std::get<BySalt>(node.order).salt)};
    }
    resolved_.limit = std::move(limit);
    return plan;
  }
  absl::StatusOr<LogicalPlan> Bind(const CrowdRef& node) {
    if (crowds_ == nullptr) {
      return MakeSyntaxError(
          "INVALID_EXPRESSION",
          {.span = node.span, .message = "there are no crowds here", .expected = "a condition"});
    }
    THRONG_ASSIGN_OR_RETURN(LogicalPlan plan, crowds_->Lookup(node));
    return Record(Format(Expression{node}), node.span, std::move(plan));
  }
  absl::StatusOr<LogicalPlan> Bind(const AllUsers&) { return LogicalPlan{Everybody{}}; }
  absl::StatusOr<LogicalPlan> Bind(const NoUsers&) { return LogicalPlan{Nobody{}}; }

  absl::StatusOr<const TagEntry*> FindTag(const std::string& name, const SourceSpan& span) const;
  absl::StatusOr<NumberOrder> BindOrder(const ByTag& order) const;
  absl::StatusOr<std::vector<LogicalPlan>> BindAll(const std::vector<Expression>& operands);
  absl::StatusOr<LogicalPlan> BindTest(const Condition& condition, const TagEntry& entry);
  absl::StatusOr<LogicalPlan> BindFlag(const std::vector<Value>& values, const TagEntry& entry);
  absl::StatusOr<LogicalPlan> BindTexts(const std::vector<Value>& values, const TagEntry& entry);
  absl::StatusOr<LogicalPlan> BindNumbers(const std::vector<Value>& values, const TagEntry& entry);
  absl::StatusOr<LogicalPlan> BindRange(const Range& range, const TagEntry& entry);
  absl::StatusOr<LogicalPlan> BindAnyOf(const std::vector<Value>& values, const TagEntry& entry);

  static LogicalPlan Buckets(const std::string& salt, uint32_t from, uint32_t to) {
    if (from == to) return LogicalPlan{Nobody{}};
    return LogicalPlan{HashBuckets{index::SaltHash(salt), salt, from, to}};
  }
  LogicalPlan Record(std::string text, const SourceSpan& span, LogicalPlan plan) {
    resolved_.conditions.push_back({std::move(text), span, plan});
    return plan;
  }
  void Warn(std::string_view reason, const SourceSpan& span, std::string message) {
    if (resolved_.warnings.size() == kWarningsMax) return;
    resolved_.warnings.push_back({std::string(reason), std::move(message), span});
  }
  void WarnOfRest(std::string_view reason, size_t count, const SourceSpan& span,
                  const TagEntry& entry);
  void WarnOfUnknown(const std::string& text, const Value& value, const TagEntry& entry);

  const index::CatalogueView& view_;
  const IdLookup& ids_;
  const TimeContext& time_;
  CrowdLookup* const crowds_;
  Resolved& resolved_;
  int suggestions_ = 0;
};

absl::StatusOr<std::vector<LogicalPlan>> Resolver::BindAll(
    const std::vector<Expression>& operands) {
  std::vector<LogicalPlan> plans;
  plans.reserve(operands.size());
  for (const Expression& operand : operands) {
    THRONG_ASSIGN_OR_RETURN(LogicalPlan plan, Visit(operand));
    plans.push_back(std::move(plan));
  }
  return plans;
}

absl::StatusOr<const TagEntry*> Resolver::FindTag(const std::string& name,
                                                  const SourceSpan& span) const {
  const TagEntry* entry = view_.Find(name);
  if (entry != nullptr) return entry;
  return MakeSyntaxError("UNKNOWN_TAG",
                         {.span = span,
                          .message = fmt::format("there is no tag \"{}\"", Excerpt(name)),
                          .expected = "the name of a tag",
                          .suggestion = view_.NearestTag(name)});
}

absl::StatusOr<NumberOrder> Resolver::BindOrder(const ByTag& order) const {
  THRONG_ASSIGN_OR_RETURN(const TagEntry* entry, FindTag(order.tag, order.tag_span));
  const index::TagDefinition& tag = entry->definition;
  if (index::IsNumeric(tag.type)) return NumberOrder{tag.id, order.descending};
  return MakeSyntaxError("NOT_ORDERED",
                         {.span = order.tag_span,
                          .message = fmt::format("tag \"{}\" is of type {}, which has no order",
                                                 tag.name, index::TagTypeName(tag.type)),
                          .expected = "an INTEGER, DECIMAL, DATE or DATETIME tag"});
}

absl::StatusOr<LogicalPlan> Resolver::Bind(const Condition& node) {
  THRONG_ASSIGN_OR_RETURN(const TagEntry* entry, FindTag(node.tag, node.tag_span));
  THRONG_ASSIGN_OR_RETURN(LogicalPlan plan, BindTest(node, *entry));
  return Record(Print(node), node.span, std::move(plan));
}

absl::StatusOr<LogicalPlan> Resolver::BindTest(const Condition& condition, const TagEntry& entry) {
  const index::TagDefinition& tag = entry.definition;
  const bool flag = tag.type == TagType::kFlag;
  if (std::holds_alternative<Exists>(condition.test)) {
    return flag ? LogicalPlan{Everybody{}} : LogicalPlan{TagExists{tag.id}};
  }
  if (std::holds_alternative<IsSet>(condition.test)) {
    if (flag) return LogicalPlan{TagValues{tag.id, {0}}};
    return MakeSyntaxError(
        "NOT_A_FLAG",
        {.span = condition.span,
         .message = fmt::format("tag \"{}\" is of type {}: only a FLAG stands without a comparison",
                                tag.name, index::TagTypeName(tag.type)),
         .expected = "a comparison, or exists(tag) for the users with any value",
         .suggestion = Format(Condition{tag.name, Exists{}, {}, {}})});
  }
  if (const auto* range = std::get_if<Range>(&condition.test)) {
    if (index::IsNumeric(tag.type)) return BindRange(*range, entry);
    return MakeSyntaxError("NOT_ORDERED",
                           {.span = condition.span,
                            .message = fmt::format("tag \"{}\" is of type {}, which has no order",
                                                   tag.name, index::TagTypeName(tag.type)),
                            .expected = flag ? "=, != or the bare name" : "=, !=, in or not in"});
  }
  const auto* none = std::get_if<NoneOf>(&condition.test);
  THRONG_ASSIGN_OR_RETURN(
      LogicalPlan any,
      BindAnyOf(none != nullptr ? none->values : std::get<AnyOf>(condition.test).values, entry));
  if (none == nullptr) return any;
  if (std::holds_alternative<Nobody>(any.node)) {
    return flag ? LogicalPlan{Everybody{}} : LogicalPlan{TagExists{tag.id}};
  }
  if (std::holds_alternative<Everybody>(any.node)) return LogicalPlan{Nobody{}};
  if (!flag) return MakeExistsAndNot(tag.id, std::move(any));
  if (auto* negation = std::get_if<LogicalNot>(&any.node)) {
    return std::move(negation->operand[0]);
  }
  return MakeNot(std::move(any));
}

absl::StatusOr<LogicalPlan> Resolver::BindAnyOf(const std::vector<Value>& values,
                                                const TagEntry& entry) {
  switch (entry.definition.type) {
    case TagType::kFlag:
      return BindFlag(values, entry);
    case TagType::kCategory:
    case TagType::kLabels:
      return BindTexts(values, entry);
    case TagType::kInteger:
    case TagType::kDecimal:
    case TagType::kDate:
    case TagType::kDateTime:
      return BindNumbers(values, entry);
  }
  return absl::InternalError("a tag of no known type");
}

absl::StatusOr<LogicalPlan> Resolver::BindFlag(const std::vector<Value>& values,
                                               const TagEntry& entry) {
  bool set = false;
  bool not_set = false;
  for (const Value& value : values) {
    THRONG_ASSIGN_OR_RETURN(const bool wanted, ResolveFlag(value, entry.definition));
    (wanted ? set : not_set) = true;
  }
  if (set && not_set) return LogicalPlan{Everybody{}};
  LogicalPlan plan{TagValues{entry.definition.id, {0}}};
  return set ? plan : MakeNot(std::move(plan));
}

absl::StatusOr<LogicalPlan> Resolver::BindTexts(const std::vector<Value>& values,
                                                const TagEntry& entry) {
  TagValues bound{entry.definition.id, {}};
  size_t unknown = 0;
  SourceSpan first_unnamed;
  for (const Value& value : values) {
    THRONG_ASSIGN_OR_RETURN(const std::string* text, ResolveText(value, entry.definition));
    if (const std::optional<uint32_t> code = entry.values->Find(*text)) {
      bound.codes.push_back(*code);
    } else if (++unknown <= kNamedValuesMax) {
      WarnOfUnknown(*text, value, entry);
    } else if (unknown == kNamedValuesMax + 1) {
      first_unnamed = value.span;
    }
  }
  WarnOfRest("UNKNOWN_VALUE", unknown, first_unnamed, entry);
  if (bound.codes.empty()) return LogicalPlan{Nobody{}};
  std::sort(bound.codes.begin(), bound.codes.end());
  bound.codes.erase(std::unique(bound.codes.begin(), bound.codes.end()), bound.codes.end());
  return LogicalPlan{std::move(bound)};
}

absl::StatusOr<LogicalPlan> Resolver::BindNumbers(const std::vector<Value>& values,
                                                  const TagEntry& entry) {
  const index::TagDefinition& tag = entry.definition;
  std::vector<Interval> intervals;
  size_t inexact = 0;
  SourceSpan first_unnamed;
  for (const Value& value : values) {
    THRONG_ASSIGN_OR_RETURN(const ValueSpan span, ResolveOrdered(value, tag, time_));
    if (const std::optional<Interval> interval = Within(span)) {
      intervals.push_back(*interval);
    } else if (++inexact <= kNamedValuesMax) {
      Warn("INEXACT_LITERAL", value.span,
           fmt::format("no user can have {}: tag \"{}\" {}", Excerpt(Format(value)), tag.name,
                       span.low > span.high ? fmt::format("has {} decimals", tag.scale)
                                            : "ends before it"));
    } else if (inexact == kNamedValuesMax + 1) {
      first_unnamed = value.span;
    }
  }
  WarnOfRest("INEXACT_LITERAL", inexact, first_unnamed, entry);
  if (intervals.empty()) return LogicalPlan{Nobody{}};
  return LogicalPlan{NumericRanges{tag.id, Merge(std::move(intervals))}};
}

absl::StatusOr<LogicalPlan> Resolver::BindRange(const Range& range, const TagEntry& entry) {
  std::optional<ValueSpan> lower;
  std::optional<ValueSpan> upper;
  if (range.lower.has_value()) {
    THRONG_ASSIGN_OR_RETURN(lower, ResolveOrdered(*range.lower, entry.definition, time_));
  }
  if (range.upper.has_value()) {
    THRONG_ASSIGN_OR_RETURN(upper, ResolveOrdered(*range.upper, entry.definition, time_));
  }
  const std::optional<Interval> interval =
      Between(lower.has_value() ? &*lower : nullptr, range.lower_inclusive,
              upper.has_value() ? &*upper : nullptr, range.upper_inclusive);
  if (!interval.has_value()) return LogicalPlan{Nobody{}};
  return LogicalPlan{NumericRanges{entry.definition.id, {*interval}}};
}

void Resolver::WarnOfUnknown(const std::string& text, const Value& value, const TagEntry& entry) {
  std::string nearest;
  if (++suggestions_ <= kSuggestionsMax) {
    std::vector<std::string_view> known;
    known.reserve(entry.values->size());
    for (uint32_t code = 0; code < entry.values->size(); ++code) {
      known.push_back(entry.values->value(code));
    }
    nearest = index::NearestName(text, known);
  }
  Warn("UNKNOWN_VALUE", value.span,
       fmt::format("no user has ever had {} in tag \"{}\"{}", Excerpt(Format(value)),
                   entry.definition.name,
                   nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest)));
}

void Resolver::WarnOfRest(std::string_view reason, size_t count, const SourceSpan& span,
                          const TagEntry& entry) {
  if (count <= kNamedValuesMax) return;
  Warn(reason, span,
       fmt::format("and so with {} more values of the list for tag \"{}\"", count - kNamedValuesMax,
                   entry.definition.name));
}

}  // namespace

absl::StatusOr<Resolved> Resolve(const Expression& expression, const index::CatalogueView& view,
                                 const IdLookup& ids, const TimeContext& time,
                                 CrowdLookup* crowds) {
  Resolved resolved;
  THRONG_ASSIGN_OR_RETURN(resolved.plan,
                          Resolver(view, ids, time, crowds, &resolved).Visit(expression));
  Lint(expression, view, time.reference_us, &resolved);
  return resolved;
}

}  // namespace throng::query
