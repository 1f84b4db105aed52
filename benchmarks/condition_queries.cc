#include "benchmarks/condition_queries.h"

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "query/condition_tree.h"
#include "query/curve_counts.h"
#include "query/marginals.h"
#include "query/normalizer.h"
#include "query/parser.h"
#include "query/resolver.h"

namespace throng::bench {
namespace {

// What people ask for: places, who they are, what they did lately. Eight conditions.
constexpr char kTypical[] =
    "city in ('v1', 'v2', 'v3', 'v4', 'v5') and gender = 'v1' and age_band in ('v0', 'v1', 'v2') "
    "and not is_graduate and membership in ('v0', 'v1') and views_7d > 1 and spend between 100 and "
    "5000 and last_active_days <= 60";
constexpr char kDense[] =
    "gender = 'v0' and age_band = 'v0' and device = 'v0' and membership = 'v0' and "
    "product_type = 'v0' and not is_graduate and not lease_expiring and channel != 'v40'";
constexpr char kRare[] =
    "city = 'v290' and gender = 'v0' and age_band = 'v0' and device = 'v0' and membership = 'v0' "
    "and product_type = 'v0' and not is_graduate and not lease_expiring";
constexpr char kNested[] =
    "((city = 'v1' and device = 'v0') or (channel = 'v2' and not is_graduate) or (age_band = 'v1' "
    "and not (membership = 'v1' or product_type = 'v1'))) and gender = 'v0'";

class NobodysIds final : public query::IdLookup {
 public:
  std::shared_ptr<const index::OrdinalSet> Lookup(const std::vector<std::string>&,
                                                  const std::vector<uint64_t>&,
                                                  uint64_t*) const override {
    return index::OrdinalSet::FromOrdinals({});
  }
};

struct Bound {
  query::Expression expression;
  query::Resolved resolved;
};

Bound Bind(const BenchSession& session, const std::string& text) {
  auto expression = query::Parse(text, {});
  MustBeOk(expression.status(), text);
  const index::CatalogueView view(session.snapshot().catalogue(), {});
  auto resolved = query::Resolve(*expression, view, NobodysIds(), *query::MakeTimeContext("", 0));
  MustBeOk(resolved.status(), text);
  return {*std::move(expression), *std::move(resolved)};
}

query::Marginals Marginals(const BenchSession& session, const std::string& text) {
  const Bound bound = Bind(session, text);
  auto marginals = query::CountMarginals(bound.expression, bound.resolved.conditions,
                                         session.snapshot(), session.parallel(), {});
  MustBeOk(marginals.status(), text);
  return *std::move(marginals);
}

// Beside one count.
SelectionQuery OfConditions(const BenchSession& session, std::string name, std::string title,
                            const std::string& text) {
  return {
      .name = std::move(name),
      .title = std::move(title),
      .throng = [&session,
                 text](Answer* answer) { answer->assign(1, Marginals(session, text).count); },
      .reference = [&session, text](Answer* answer) { answer->assign(1, session.Count(text)); }};
}

// Beside a count, and one without each condition; of one `and`.
SelectionQuery BesideEachCount(const BenchSession& session, std::string name, std::string title,
                               const std::string& text) {
  return {.name = std::move(name),
          .title = std::move(title) + " / 9 counts",
          .throng =
              [&session, text](Answer* answer) {
                const query::Marginals marginals = Marginals(session, text);
                answer->assign(1, marginals.count);
                answer->insert(answer->end(), marginals.without.begin(), marginals.without.end());
              },
          .reference =
              [&session, text](Answer* answer) {
                const Bound bound = Bind(session, text);
                answer->assign(1, session.Count(text));
                for (size_t i = 0; i < bound.resolved.conditions.size(); ++i) {
                  query::LogicalPlan neutral{query::Everybody{}};
                  if (query::IsNegated(bound.expression, i)) neutral = {query::Nobody{}};
                  answer->push_back(session.Count(query::ReplaceCondition(
                      bound.expression, bound.resolved.plan, i, std::move(neutral))));
                }
              }};
}

// The condition with that number of the expression; beside one count.
SelectionQuery OfCurve(const BenchSession& session, std::string name, const std::string& title,
                       const std::string& text, size_t number) {
  return {
      .name = std::move(name),
      .title = "curve of " + title,
      .throng =
          [&session, text, number](Answer* answer) {
            const Bound bound = Bind(session, text);
            const auto with = [&](query::LogicalPlan condition) {
              return session.Physical(query::ReplaceCondition(bound.expression, bound.resolved.plan,
                                                              number, std::move(condition)));
            };
            const auto& ranges =
                std::get<query::NumericRanges>(bound.resolved.conditions[number].plan.node);
            const query::CurvePlans plans{.never = with({query::Nobody{}}),
                                          .always = with({query::Everybody{}}),
                                          .negated = query::IsNegated(bound.expression, number)};
            const auto curve = query::CountCurve(
                plans, ranges.tag,
                {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()},
                session.snapshot(), session.parallel(), {});
            MustBeOk(curve.status(), text);
            uint64_t meeting = 0;
            for (const query::ValueStep& step : curve->steps) {
              const query::Interval& now = ranges.intervals.front();
              if (now.low <= step.first && step.last <= now.high) meeting += step.users;
            }
            answer->assign(1, curve->settled + meeting);
          },
      .reference = [&session, text](Answer* answer) { answer->assign(1, session.Count(text)); }};
}

}  // namespace

std::vector<SelectionQuery> ConditionQueries(const BenchSession& session) {
  const std::vector<std::pair<std::string, std::string>> shapes = {
      {"typical", kTypical}, {"dense", kDense}, {"rare", kRare}, {"nested", kNested}};
  std::vector<SelectionQuery> queries;
  for (const auto& [title, text] : shapes) {
    const std::string name = fmt::format("I4{}", title[0]);
    queries.push_back(OfConditions(session, name, title, text));
    if (title == "nested") continue;
    queries.push_back(BesideEachCount(session, name + "9", title, text));
  }
  queries.push_back(OfCurve(session, "I3tv", "views_7d, typical", kTypical, 5));
  queries.push_back(OfCurve(session, "I3ts", "spend, typical", kTypical, 6));
  queries.push_back(
      OfCurve(session, "I3cv", "views_7d, 1 city", "city = 'v1' and views_7d > 3", 1));
  queries.push_back(OfCurve(session, "I3cs", "spend, 1 city", "city = 'v1' and spend > 500", 1));
  queries.push_back(
      OfCurve(session, "I3gv", "views_7d, half", "gender = 'v0' and views_7d > 3", 1));
  queries.push_back(OfCurve(session, "I3gs", "spend, half", "gender = 'v0' and spend > 500", 1));
  queries.push_back(OfCurve(session, "I3v", "views_7d alone", "views_7d > 3", 0));
  queries.push_back(OfCurve(session, "I3s", "spend alone", "spend > 500", 0));
  return queries;
}

}  // namespace throng::bench
