#include "benchmarks/limit_queries.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "index/id_hash.h"
#include "query/limited_users.h"

namespace throng::bench {
namespace {

constexpr char kQ3[] =
    "gender = 'v0' and age_band = 'v0' and device = 'v0' and membership = 'v0' and "
    "product_type = 'v0'";

// 50 cities, and, not.
std::string Q4() {
  std::string cities;
  for (int city = 10; city < 60; ++city) {
    cities += fmt::format("{}'v{}'", cities.empty() ? "" : ", ", city);
  }
  return fmt::format("city in ({}) and gender = 'v1' and not is_graduate", cities);
}

SelectionQuery Limited(const BenchSession& session, std::string name, std::string title,
                       const std::string& crowd, const query::Limit& limit) {
  return {.name = std::move(name),
          .title = std::move(title),
          .throng =
              [&session, crowd, limit](Answer* answer) {
                const query::PhysicalPlan plan = session.Physical(session.Logical(crowd));
                const auto users =
                    query::ChooseUsers(plan, limit, session.snapshot(), session.parallel(), {});
                MustBeOk(users.status(), "limit");
                answer->assign(1, (*users)->cardinality());
              },
          .reference =
              [&session, crowd, limit](Answer* answer) {
                answer->assign(1, std::min<uint64_t>(session.Count(crowd), limit.users));
              }};
}

}  // namespace

std::vector<SelectionQuery> LimitQueries(const BenchSession& session) {
  const auto top = [&](uint32_t users, const char* tag) {
    const index::TagEntry* entry = session.snapshot().catalogue().Find(tag);
    return query::Limit{.users = users,
                        .order = query::NumberOrder{entry->definition.id, /*descending=*/true},
                        .text = {},
                        .span = {}};
  };
  const auto any = [](uint32_t users) {
    return query::Limit{.users = users,
                        .order = query::HashOrder{index::SaltHash("spring")},
                        .text = {},
                        .span = {}};
  };
  return {
      Limited(session, "L1", "top 10,000 by spend of Q3", kQ3, top(10'000, "spend")),
      Limited(session, "L2", "any 10,000 of Q4", Q4(), any(10'000)),
      Limited(session, "L3", "top 10,000 by spend of a half", "gender = 'v0'",
              top(10'000, "spend")),
      Limited(session, "L4", "top 100,000 by 7-day views of a half", "gender = 'v0'",
              top(100'000, "views_7d")),
      Limited(session, "L5", "any 100,000 of a half", "gender = 'v0'", any(100'000)),
  };
}

}  // namespace throng::bench
