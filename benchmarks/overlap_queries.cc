#include "benchmarks/overlap_queries.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "benchmarks/random.h"
#include "fmt/format.h"
#include "query/joint_execution.h"
#include "query/overlap_collector.h"

namespace throng::bench {
namespace {

uint64_t Below(Random& random, uint64_t bound) { return random.Next() % bound; }

// Some of the first `values` values of a tag.
std::string AnyOf(const char* tag, uint32_t values, uint64_t some, Random& random) {
  std::string list;
  for (uint64_t i = 0; i < some; ++i) {
    list += fmt::format("{}'v{}'", list.empty() ? "" : ", ", Below(random, values));
  }
  return fmt::format("{} in ({})", tag, list);
}

// A condition that a campaign would have, the `kind`-th.
std::string ConditionOf(uint64_t kind, Random& random) {
  switch (kind) {
    case 0:
      return AnyOf("city", 60, 3 + Below(random, 8), random);
    case 1:
      return AnyOf("gender", 3, 1, random);
    case 2:
      return AnyOf("age_band", 8, 1 + Below(random, 3), random);
    case 3:
      return AnyOf("device", 5, 1 + Below(random, 2), random);
    case 4:
      return AnyOf("membership", 5, 1 + Below(random, 2), random);
    case 5:
      return AnyOf("product_type", 20, 1 + Below(random, 3), random);
    case 6:
      return AnyOf("channel", 30, 2 + Below(random, 4), random);
    case 7:
      return AnyOf("interests", 100, 1 + Below(random, 4), random);
    case 8:
      return "not is_graduate";
    case 9:
      return fmt::format("views_7d > {}", Below(random, 6));
    case 10:
      return fmt::format("last_active_days <= {}", 7 * (1 + Below(random, 8)));
    default:
      return fmt::format("spend > {}", 100 * Below(random, 20));
  }
}

// Crowds of two or three conditions on different tags each.
std::vector<std::string> Crowds(size_t count) {
  Random random(32);
  std::vector<std::string> crowds;
  while (crowds.size() < count) {
    std::vector<uint64_t> kinds;
    const uint64_t conditions = 2 + Below(random, 2);
    while (kinds.size() < conditions) {
      const uint64_t kind = Below(random, 12);
      if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) kinds.push_back(kind);
    }
    std::string text;
    for (uint64_t kind : kinds) {
      text += (text.empty() ? "" : " and ") + ConditionOf(kind, random);
    }
    crowds.push_back(std::move(text));
  }
  return crowds;
}

// The union is not among what separate counts of pairs tell: it is not compared.
SelectionQuery Overlap(const BenchSession& session, std::string name, size_t count) {
  const std::vector<std::string> crowds = Crowds(count);
  return {.name = std::move(name),
          .title = fmt::format("overlap of {} crowds", count),
          .throng =
              [&session, crowds](Answer* answer) {
                std::vector<query::PhysicalPlan> plans;
                for (const std::string& crowd : crowds) {
                  plans.push_back(session.Physical(session.Logical(crowd)));
                }
                query::OverlapCollector collector(plans.size());
                MustBeOk(query::ExecuteJointly(plans, session.snapshot(), session.parallel(), {},
                                               collector),
                         "overlap");
                const query::OverlapCounts counts = collector.Finish();
                answer->clear();
                for (size_t a = 0; a < crowds.size(); ++a) {
                  for (size_t b = a + 1; b < crowds.size(); ++b) {
                    answer->push_back(counts.pair(a, b));
                  }
                }
              },
          .reference =
              [&session, crowds](Answer* answer) {
                answer->clear();
                for (size_t a = 0; a < crowds.size(); ++a) {
                  for (size_t b = a + 1; b < crowds.size(); ++b) {
                    answer->push_back(
                        session.Count(fmt::format("({}) and ({})", crowds[a], crowds[b])));
                  }
                }
              }};
}

}  // namespace

std::vector<SelectionQuery> OverlapQueries(const BenchSession& session) {
  return {Overlap(session, "O1", 32), Overlap(session, "O2", 8), Overlap(session, "O3", 64)};
}

}  // namespace throng::bench
