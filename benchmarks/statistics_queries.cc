#include "benchmarks/statistics_queries.h"

#include <cstdint>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "query/value_distributions.h"

namespace throng::bench {
namespace {

void Append(const query::TagStatistics& figures, Answer* answer) {
  answer->insert(answer->end(),
                 {figures.users, figures.with_value, static_cast<uint64_t>(figures.total),
                  static_cast<uint64_t>(figures.min.value_or(0)),
                  static_cast<uint64_t>(figures.max.value_or(0))});
}

// Seven percentiles and 20 bins.
query::DistributionQuestions QuestionsOf(const query::TagStatistics& figures) {
  query::DistributionQuestions questions;
  for (const uint64_t percent_tenths : {50, 250, 500, 750, 900, 990, 999}) {
    questions.ranks.push_back((percent_tenths * figures.with_value + 999) / 1000);
  }
  for (int64_t bin = 1; bin < 20; ++bin) {
    questions.limits.push_back(*figures.min + bin * (*figures.max / 20 + 1));
  }
  return questions;
}

// Beside the sum, average and extremes of the same crowd: what both sides know is compared.
SelectionQuery Statistics(const BenchSession& session, std::string name, const std::string& tag,
                          const std::string& crowd, const std::string& crowd_name) {
  return {.name = std::move(name),
          .title = fmt::format("statistics of {}, {}", tag, crowd_name),
          .throng =
              [&session, tag, crowd](Answer* answer) {
                const query::PhysicalPlan plan = session.Physical(session.Logical(crowd));
                const query::Check check;
                const index::TagEntry& entry = *session.snapshot().catalogue().Find(tag);
                query::ValueDistributions spread(plan, session.snapshot(), session.parallel(),
                                                 check, {entry.definition.id});
                MustBeOk(spread.Count(), "count");
                const query::TagStatistics& figures = spread.figures()[0];
                MustBeOk(spread.Answer({QuestionsOf(figures)}).status(), "answer");
                answer->clear();
                Append(figures, answer);
              },
          .reference =
              [&session, tag, crowd](Answer* answer) {
                answer->clear();
                Append(session.Statistics(crowd, tag), answer);
              }};
}

}  // namespace

std::vector<SelectionQuery> StatisticsQueries(const BenchSession& session) {
  const std::string q3 = ShortQueryTexts()[2];
  const std::string half = "gender = 'v0'";
  return {Statistics(session, "S1s", "spend", "all()", "all"),
          Statistics(session, "S1l", "last_active_days", "all()", "all"),
          Statistics(session, "S2s", "spend", half, "half"),
          Statistics(session, "S2l", "last_active_days", half, "half"),
          Statistics(session, "S3s", "spend", q3, "Q3"),
          Statistics(session, "S3l", "last_active_days", q3, "Q3"),
          Statistics(session, "S4s", "spend", "city = 'v1' and spend > 500", "1 city"),
          Statistics(session, "S1v", "views_7d", "all()", "all")};
}

}  // namespace throng::bench
