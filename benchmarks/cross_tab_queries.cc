#include "benchmarks/cross_tab_queries.h"

#include <cstdint>
#include <numeric>
#include <string>

#include "fmt/format.h"
#include "query/cross_tab_collector.h"
#include "query/executor.h"

namespace throng::bench {
namespace {

// Every value of a tag in a slot of its own.
query::CrossTabAxis AxisOf(const BenchSession& session, const std::string& tag) {
  const index::TagEntry& entry = *session.snapshot().catalogue().Find(tag);
  query::CrossTabAxis axis{.tag = entry.definition.id, .slots = entry.values->size()};
  axis.slot_of_code.resize(axis.slots);
  std::iota(axis.slot_of_code.begin(), axis.slot_of_code.end(), 0u);
  return axis;
}

// The users, then those of each row: what both sides know.
SelectionQuery CrossTab(const BenchSession& session, std::string name, const std::string& rows,
                        const std::string& columns, const std::string& crowd,
                        const std::string& crowd_name) {
  return {.name = std::move(name),
          .title = fmt::format("{} x {}, {}", rows, columns, crowd_name),
          .throng =
              [&session, rows, columns, crowd](Answer* answer) {
                query::CrossTabCollector collector(session.snapshot(), AxisOf(session, rows),
                                                   AxisOf(session, columns));
                const query::PhysicalPlan plan = session.Physical(session.Logical(crowd));
                MustBeOk(
                    query::Execute(plan, session.snapshot(), session.parallel(), {}, collector),
                    "cross-tab");
                const query::CrossTabCounts counts = collector.Finish();
                answer->assign(1, counts.users);
                answer->insert(answer->end(), counts.row_users.begin(), counts.row_users.end() - 1);
              },
          .reference =
              [&session, rows, crowd](Answer* answer) {
                std::vector<query::TagCounts> counts;
                answer->assign(1, session.Breakdown(crowd, {rows}, &counts));
                answer->insert(answer->end(), counts[0].counts.begin(), counts[0].counts.end());
              }};
}

}  // namespace

std::vector<SelectionQuery> CrossTabQueries(const BenchSession& session) {
  const std::string q4 = ShortQueryTexts()[3];
  return {CrossTab(session, "X1", "city", "channel", q4, "Q4"),
          CrossTab(session, "X2", "city", "channel", "all()", "all"),
          CrossTab(session, "X3", "age_band", "gender", "all()", "all"),
          CrossTab(session, "X4", "interests", "gender", q4, "Q4"),
          CrossTab(session, "X5", "interests", "gender", "all()", "all"),
          CrossTab(session, "X6", "interests", "city", q4, "Q4"),
          CrossTab(session, "X7", "interests", "interests", q4, "Q4"),
          CrossTab(session, "X8", "interests", "interests", "all()", "all")};
}

}  // namespace throng::bench
