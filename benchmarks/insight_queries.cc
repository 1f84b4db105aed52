#include "benchmarks/insight_queries.h"

#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "benchmarks/compare_queries.h"
#include "benchmarks/condition_queries.h"
#include "benchmarks/cross_tab_queries.h"
#include "benchmarks/limit_queries.h"
#include "benchmarks/overlap_queries.h"
#include "benchmarks/sample_queries.h"
#include "benchmarks/statistics_queries.h"
#include "benchmarks/why_queries.h"
#include "fmt/format.h"
#include "query/joint_execution.h"

namespace throng::bench {
namespace {

// Counts each plan's users.
class JointCounts final : public query::JointCollector {
 public:
  explicit JointCounts(size_t plans) : plans_(plans) {}

  void Start(uint32_t workers, uint32_t /*chunks*/) override {
    counts_.assign(workers, std::vector<uint64_t>(plans_));
  }
  void Collect(uint32_t /*chunk*/, std::span<const index::ChunkSet> users,
               uint32_t worker) override {
    for (size_t i = 0; i < plans_; ++i) counts_[worker][i] += users[i].cardinality;
  }
  Answer Sum() const {
    Answer sum(plans_);
    for (const std::vector<uint64_t>& counts : counts_) {
      for (size_t i = 0; i < plans_; ++i) sum[i] += counts[i];
    }
    return sum;
  }

 private:
  const size_t plans_;
  std::vector<std::vector<uint64_t>> counts_;
};

// Eight channels among the women: what the counts share is read once.
SelectionQuery CountsAtOnce(const BenchSession& session) {
  std::vector<std::string> texts;
  for (int channel = 0; channel < 8; ++channel) {
    texts.push_back(fmt::format("gender = 'v0' and channel = 'v{}'", channel));
  }
  return {.name = "I0",
          .title = "8 selections in one pass",
          .throng =
              [&session, texts](Answer* answer) {
                std::vector<query::PhysicalPlan> plans;
                for (const std::string& text : texts) {
                  plans.push_back(session.Physical(session.Logical(text)));
                }
                JointCounts counts(plans.size());
                MustBeOk(query::ExecuteJointly(plans, session.snapshot(), session.parallel(), {},
                                               counts),
                         "execute jointly");
                *answer = counts.Sum();
              },
          .reference =
              [&session, texts](Answer* answer) {
                answer->clear();
                for (const std::string& text : texts) answer->push_back(session.Count(text));
              }};
}

}  // namespace

std::vector<SelectionQuery> InsightQueries(const BenchSession& session) {
  std::vector<SelectionQuery> queries{CountsAtOnce(session)};
  for (SelectionQuery& query : ConditionQueries(session)) queries.push_back(std::move(query));
  for (SelectionQuery& query : CrossTabQueries(session)) queries.push_back(std::move(query));
  for (SelectionQuery& query : OverlapQueries(session)) queries.push_back(std::move(query));
  for (SelectionQuery& query : CompareQueries(session)) queries.push_back(std::move(query));
  for (SelectionQuery& query : StatisticsQueries(session)) queries.push_back(std::move(query));
  for (SelectionQuery& query : LimitQueries(session)) queries.push_back(std::move(query));
  for (SelectionQuery& query : WhyQueries(session)) queries.push_back(std::move(query));
  for (SelectionQuery& query : SampleQueries(session)) queries.push_back(std::move(query));
  return queries;
}

}  // namespace throng::bench
