#include "benchmarks/compare_queries.h"

#include <cstdint>
#include <string>
#include <utility>

#include "index/catalogue.h"
#include "query/crowd_pair.h"
#include "query/executor.h"

namespace throng::bench {
namespace {

constexpr uint32_t kBins = 10;

// Every tag with values, in order of name.
std::vector<std::string> ValueTags(const BenchSession& session) {
  std::vector<std::string> tags;
  for (const index::TagEntry* entry :
       index::CatalogueView(session.snapshot().catalogue(), {}).List()) {
    if (!index::IsNumeric(entry->definition.type)) tags.push_back(entry->definition.name);
  }
  return tags;
}

// Both crowds over all tags, and numbers in bins besides.
query::PairCounts Compare(const BenchSession& session, const std::string& crowd,
                          const std::string& baseline) {
  const index::Snapshot& snapshot = session.snapshot();
  absl::StatusOr<query::CrowdPair> pair = query::SelectPair(
      session.Physical(session.Logical(crowd)), session.Physical(session.Logical(baseline)),
      snapshot, session.parallel(), {});
  MustBeOk(pair.status(), "select both");
  pair->is_everybody = baseline == "all()";
  std::vector<query::PairTag> tags;
  std::vector<query::PairTag> ordered;
  for (const index::TagEntry* entry : index::CatalogueView(snapshot.catalogue(), {}).List()) {
    query::PairTag tag{.tag = entry->definition.id};
    if (index::IsNumeric(entry->definition.type)) {
      tag.edges = query::QuantileEdges(*pair, tag.tag, kBins, snapshot);
      ordered.push_back(std::move(tag));
    } else {
      tags.push_back(std::move(tag));
    }
  }
  tags.insert(tags.end(), ordered.begin(), ordered.end());
  absl::StatusOr<query::PairCounts> counts =
      query::CountPair(*pair, tags, snapshot, session.parallel(), {});
  MustBeOk(counts.status(), "compare");
  return *std::move(counts);
}

// The reference is a breakdown of the larger crowd alone, without numbers.
SelectionQuery CompareQuery(const BenchSession& session, std::string name, std::string title,
                            const std::string& crowd, const std::string& baseline) {
  const std::vector<std::string> tags = ValueTags(session);
  const bool is_larger = baseline == "all()" || session.Count(crowd) >= session.Count(baseline);
  const std::string larger = is_larger ? crowd : baseline;
  return {.name = std::move(name),
          .title = std::move(title),
          .throng =
              [&session, tags, crowd, baseline, is_larger](Answer* answer) {
                const query::PairCounts counts = Compare(session, crowd, baseline);
                answer->clear();
                for (size_t i = 0; i < tags.size(); ++i) {
                  const query::TagCounts& tag = is_larger ? counts.crowd[i] : counts.baseline[i];
                  answer->insert(answer->end(), tag.counts.begin(), tag.counts.end());
                }
              },
          .reference =
              [&session, tags, larger](Answer* answer) {
                std::vector<query::TagCounts> counts;
                session.Breakdown(larger, tags, &counts);
                answer->clear();
                for (const query::TagCounts& tag : counts) {
                  answer->insert(answer->end(), tag.counts.begin(), tag.counts.end());
                }
              }};
}

}  // namespace

std::vector<SelectionQuery> CompareQueries(const BenchSession& session) {
  const std::string q4 = ShortQueryTexts()[3];
  return {CompareQuery(session, "P1", "compare Q4 with all users", q4, "all()"),
          CompareQuery(session, "P2", "compare Q4 with the rest", q4, "not (" + q4 + ")"),
          CompareQuery(session, "P3", "compare Q4 with active users", q4, "views_7d > 3"),
          CompareQuery(session, "P4", "compare graduates with all users", "is_graduate", "all()"),
          CompareQuery(session, "P5", "compare two small crowds", "lease_expiring and views_7d > 3",
                       "lease_expiring and not (views_7d > 3)")};
}

}  // namespace throng::bench
