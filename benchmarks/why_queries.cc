#include "benchmarks/why_queries.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "benchmarks/random.h"
#include "fmt/format.h"
#include "index/ordinal_set.h"
#include "query/condition_flips.h"
#include "query/membership.h"
#include "query/parser.h"
#include "query/resolver.h"

namespace throng::bench {
namespace {

constexpr size_t kUsers = 1'000;  // asked about in turn

// The eight conditions of benchmarks/condition_queries.cc.
constexpr char kTypical[] =
    "city in ('v1', 'v2', 'v3', 'v4', 'v5') and gender = 'v1' and age_band in ('v0', 'v1', 'v2') "
    "and not is_graduate and membership in ('v0', 'v1') and views_7d > 1 and spend between 100 and "
    "5000 and last_active_days <= 60";

class NobodysIds final : public query::IdLookup {
 public:
  std::shared_ptr<const index::OrdinalSet> Lookup(const std::vector<std::string>&,
                                                  const std::vector<uint64_t>&,
                                                  uint64_t*) const override {
    return index::OrdinalSet::FromOrdinals({});
  }
};

// Whether the user is in; that and the smallest change are what a call answers.
bool Why(const BenchSession& session, const std::string& text, uint32_t user, size_t* changes) {
  const auto expression = query::Parse(text, {});
  MustBeOk(expression.status(), text);
  const index::CatalogueView view(session.snapshot().catalogue(), {});
  const auto resolved =
      query::Resolve(*expression, view, NobodysIds(), *query::MakeTimeContext("", 0));
  MustBeOk(resolved.status(), text);
  query::ConditionFlips flips(*expression);
  std::vector<bool> matches;
  for (const query::ResolvedCondition& condition : resolved->conditions) {
    matches.push_back(query::IsMember(condition.plan, session.snapshot(), user));
  }
  const bool is_member = flips.SetUser(matches);
  for (uint32_t c = 0; c < matches.size(); ++c) *changes += flips.Decides(c) ? 1 : 0;
  *changes += flips.Smallest().conditions.size();
  return is_member;
}

// Every call asks about the next user; both sides walk through the same ones.
SelectionQuery OfUser(const BenchSession& session, std::string name, std::string title,
                      const std::string& text) {
  Random random(4711);
  const auto users = std::make_shared<std::vector<uint32_t>>(kUsers);
  for (uint32_t& user : *users) {
    user = static_cast<uint32_t>(random.Next() % session.snapshot().ordinal_end());
  }
  return {
      .name = std::move(name),
      .title = std::move(title),
      .throng =
          [&session, text, users, next = size_t{0}, changes = size_t{0}](Answer* answer) mutable {
            const uint32_t user = (*users)[next++ % kUsers];
            answer->assign(1, Why(session, text, user, &changes) ? 1 : 0);
          },
      .reference =
          [&session, text, users, next = size_t{0}](Answer* answer) mutable {
            const uint32_t user[] = {(*users)[next++ % kUsers]};
            query::LogicalAnd both{
                {{query::Ordinals{index::OrdinalSet::FromOrdinals(user)}}, session.Logical(text)}};
            answer->assign(1, session.Count(query::LogicalPlan{std::move(both)}));
          }};
}

}  // namespace

std::vector<SelectionQuery> WhyQueries(const BenchSession& session) {
  std::string cities;
  for (int city = 10; city < 60; ++city) {
    cities += fmt::format("{}'v{}'", cities.empty() ? "" : ", ", city);
  }
  const std::string q4 = fmt::format("city in ({}) and gender = 'v1' and not is_graduate", cities);
  return {OfUser(session, "I5q4", "why 1 user, Q4", q4),
          OfUser(session, "I5t", "why 1 user, 8 conditions", kTypical)};
}

}  // namespace throng::bench
