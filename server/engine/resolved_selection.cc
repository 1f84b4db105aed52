#include "server/engine/resolved_selection.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "index/overloaded.h"
#include "query/formatter.h"
#include "query/limited_users.h"
#include "query/normalizer.h"
#include "query/parser.h"
#include "server/engine/crowd_reader.h"
#include "server/engine/diagnosis.h"
#include "server/engine/user_lookup.h"

namespace throng::engine {
namespace {

// Where errors of a selection point.
struct Fields {
  std::string_view what;     // "selection.expression"
  std::string_view exclude;  // "selection.exclude"
};

Fields FieldsOf(const Selection& selection) {
  const bool is_text = std::holds_alternative<std::string>(selection.what);
  return {.what = selection.is_crowd ? "selection.crowd"
                  : is_text          ? "selection.expression"
                                     : "selection.tree",
          .exclude = "selection.exclude"};
}

// Binds `selection`, whose universe, snapshot, expression and time are set.
absl::Status Bind(const CallContext& context, const std::vector<query::CrowdRef>& exclude,
                  const Fields& fields, ResolvedSelection* selection) {
  selection->check = [&context] { return context.Check(); };
  THRONG_RETURN_IF_ERROR(context.Check());
  const index::Snapshot& snapshot = *selection->snapshot;
  const index::CatalogueView view(snapshot.catalogue(), context.visibility);
  CrowdReader crowds(*selection->universe, snapshot, context.visibility, selection->time,
                     selection->check);
  absl::StatusOr<query::Resolved> resolved = query::Resolve(
      selection->expression, view, SnapshotIdLookup(snapshot), selection->time, &crowds);
  if (!resolved.ok()) return index::WithField(resolved.status(), fields.what);
  selection->resolved = *std::move(resolved);
  THRONG_ASSIGN_OR_RETURN(selection->exclusions, BindExclusions(exclude, fields.exclude, crowds));
  THRONG_RETURN_IF_ERROR(AddExclusions(fields.exclude, &selection->exclusions,
                                       &selection->expression, &selection->resolved));
  if (context.notes != nullptr) {
    context.notes->NotePlace({.population = selection->universe->population().name,
                              .data_version = snapshot.data_version(),
                              .time_zone = selection->time.zone_name,
                              .reference_us = selection->time.reference_us});
    context.notes->Note(selection->expression);
  }
  selection->crowds = crowds.reads();
  AddMissingCounts(snapshot, &selection->resolved.warnings);
  return absl::OkStatus();
}

// The users that the selection's limit leaves of the plan's.
absl::StatusOr<index::OrdinalSetRef> Choose(const ResolvedSelection& selection,
                                            const query::PhysicalPlan& plan) {
  return query::ChooseUsers(plan, *selection.resolved.limit, *selection.snapshot,
                            selection.universe->parallel(), selection.check);
}

absl::Status BindAndPlan(const CallContext& context, const std::vector<query::CrowdRef>& exclude,
                         const Fields& fields, LimitUse limit_use, ResolvedSelection* selection) {
  THRONG_RETURN_IF_ERROR(Bind(context, exclude, fields, selection));
  const index::Snapshot& snapshot = *selection->snapshot;
  selection->normalized = query::Normalize(selection->resolved.plan, snapshot.catalogue());
  selection->plan = query::MakePhysicalPlan(selection->normalized, snapshot);
  if (selection->resolved.limit.has_value() && limit_use == LimitUse::kChooseUsers) {
    THRONG_ASSIGN_OR_RETURN(index::OrdinalSetRef users, Choose(*selection, selection->plan));
    selection->plan = query::MakePhysicalPlan({query::Ordinals{std::move(users)}}, snapshot);
  }
  return context.Check();
}

// The selection on its snapshot, not yet bound.
absl::StatusOr<ResolvedSelection> ReadSelection(Universes& universes, const Selection& selection) {
  ResolvedSelection bound;
  bound.start = std::chrono::steady_clock::now();
  THRONG_ASSIGN_OR_RETURN(bound.universe, universes.Find(selection.population));
  THRONG_ASSIGN_OR_RETURN(bound.expression,
                          ReadExpression(selection.what, FieldsOf(selection).what));
  absl::StatusOr<query::TimeContext> time = query::MakeTimeContext(
      selection.time_zone, selection.reference_us.value_or(bound.universe->now_us()));
  if (!time.ok()) return index::WithField(time.status(), "selection.time_zone");
  bound.time = *std::move(time);
  THRONG_ASSIGN_OR_RETURN(bound.snapshot, bound.universe->Pin(selection.read_version));
  return bound;
}

// Whether an expression is read and bound in microseconds: of crowds it names newest versions,
// which are in memory, and all names and values are known. Looking for the nearest of one that is
// not may take a hundred milliseconds. Thread-compatible.
class AtOnce {
 public:
  AtOnce(const index::Snapshot& snapshot, const CallContext& context)
      : snapshot_(snapshot), view_(snapshot.catalogue(), context.visibility) {}

  bool Allows(const query::Expression& expression) const {
    return std::visit(index::Overloaded{
                          [&](const query::And& node) { return AllowsAll(node.operands); },
                          [&](const query::Or& node) { return AllowsAll(node.operands); },
                          [&](const query::Not& node) { return AllowsAll(node.operand); },
                          [&](const query::Limited& node) { return AllowsAll(node.operand); },
                          [&](const query::Condition& node) { return Knows(node); },
                          [&](const query::CrowdRef& node) {
                            return !node.live && node.version == 0 &&
                                   snapshot_.crowds().Find(node.name) != nullptr;
                          },
                          [](const auto&) { return true; },
                      },
                      expression.node);
  }

 private:
  bool AllowsAll(const std::vector<query::Expression>& operands) const {
    return std::all_of(operands.begin(), operands.end(),
                       [this](const query::Expression& operand) { return Allows(operand); });
  }
  bool Knows(const query::Condition& condition) const {
    const index::TagEntry* tag = view_.Find(condition.tag);
    if (tag == nullptr) return false;
    if (const auto* any = std::get_if<query::AnyOf>(&condition.test)) {
      return KnowsAll(any->values, *tag);
    }
    const auto* none = std::get_if<query::NoneOf>(&condition.test);
    return none == nullptr || KnowsAll(none->values, *tag);
  }
  static bool KnowsAll(const std::vector<query::Value>& values, const index::TagEntry& tag) {
    return tag.values == nullptr ||
           std::all_of(values.begin(), values.end(), [&tag](const query::Value& value) {
             const auto* text = std::get_if<std::string>(&value.literal);
             return text == nullptr || tag.values->Find(*text).has_value();
           });
  }

  const index::Snapshot& snapshot_;
  const index::CatalogueView view_;
};

}  // namespace

absl::StatusOr<query::Expression> ReadExpression(
    const std::variant<std::string, query::Expression>& what, std::string_view field) {
  if (const auto* text = std::get_if<std::string>(&what)) {
    absl::StatusOr<query::Expression> parsed = query::Parse(*text, query::ExpressionLimits());
    if (!parsed.ok()) return index::WithField(parsed.status(), field);
    return parsed;
  }
  const auto& tree = std::get<query::Expression>(what);
  const absl::Status valid = query::Validate(tree, query::ExpressionLimits());
  if (!valid.ok()) return index::WithField(valid, field);
  return tree;
}

ResultInfo ResolvedSelection::Info() const {
  return {.data_version = snapshot->data_version(),
          .reference_us = time.reference_us,
          .time_zone = time.zone_name,
          .canonical_expression = query::Format(expression),
          .engine_time = std::chrono::steady_clock::now() - start,
          .warnings = resolved.warnings,
          .exact = true,
          .crowds = crowds};
}

void AddCrowds(const std::vector<CrowdVersionRead>& crowds, ResultInfo* info) {
  info->crowds.insert(info->crowds.end(), crowds.begin(), crowds.end());
  std::sort(info->crowds.begin(), info->crowds.end(),
            [](const CrowdVersionRead& a, const CrowdVersionRead& b) {
              return std::tie(a.crowd, a.version) < std::tie(b.crowd, b.version);
            });
  info->crowds.erase(std::unique(info->crowds.begin(), info->crowds.end()), info->crowds.end());
}

uint64_t ResolvedSelection::Limited(uint64_t count) const {
  return resolved.limit.has_value() ? std::min<uint64_t>(count, resolved.limit->users) : count;
}

absl::StatusOr<ResolvedSelection> ResolveSelection(Universes& universes, const CallContext& context,
                                                   const Selection& selection, LimitUse limit_use) {
  THRONG_ASSIGN_OR_RETURN(ResolvedSelection bound, ReadSelection(universes, selection));
  THRONG_RETURN_IF_ERROR(
      BindAndPlan(context, selection.exclude, FieldsOf(selection), limit_use, &bound));
  return bound;
}

std::optional<ResolvedSelection> ResolveAtOnce(Universes& universes, const CallContext& context,
                                               const Selection& selection) {
  absl::StatusOr<ResolvedSelection> bound = ReadSelection(universes, selection);
  if (!bound.ok() || !selection.exclude.empty()) return std::nullopt;
  if (!AtOnce(*bound->snapshot, context).Allows(bound->expression)) return std::nullopt;
  const absl::Status planned =
      BindAndPlan(context, {}, FieldsOf(selection), LimitUse::kSetAside, &*bound);
  if (!planned.ok()) return std::nullopt;
  return *std::move(bound);
}

absl::StatusOr<ResolvedSelection> BindSelection(Universes& universes, const CallContext& context,
                                                const Selection& selection) {
  THRONG_ASSIGN_OR_RETURN(ResolvedSelection bound, ReadSelection(universes, selection));
  THRONG_RETURN_IF_ERROR(Bind(context, selection.exclude, FieldsOf(selection), &bound));
  return bound;
}

absl::StatusOr<index::OrdinalSetRef> ChooseLimited(const ResolvedSelection& selection) {
  if (!selection.resolved.limit.has_value()) return index::OrdinalSetRef();
  const index::Snapshot& snapshot = *selection.snapshot;
  return Choose(selection,
                query::MakePhysicalPlan(
                    query::Normalize(selection.resolved.plan, snapshot.catalogue()), snapshot));
}

absl::StatusOr<ResolvedSelection> ResolveBeside(
    const ResolvedSelection& base, const CallContext& context,
    const std::variant<std::string, query::Expression>& what,
    const std::vector<query::CrowdRef>& exclude, std::string_view path) {
  const bool is_text = std::holds_alternative<std::string>(what);
  const std::string what_field = fmt::format("{}.{}", path, is_text ? "expression" : "tree");
  const std::string exclude_field = fmt::format("{}.exclude", path);
  const Fields fields{.what = what_field, .exclude = exclude_field};
  ResolvedSelection bound;
  bound.start = std::chrono::steady_clock::now();
  bound.universe = base.universe;
  bound.snapshot = base.snapshot;
  bound.time = base.time;
  THRONG_ASSIGN_OR_RETURN(bound.expression, ReadExpression(what, fields.what));
  THRONG_RETURN_IF_ERROR(BindAndPlan(context, exclude, fields, LimitUse::kChooseUsers, &bound));
  return bound;
}

}  // namespace throng::engine
