#include "benchmarks/sample_queries.h"

#include <cstdint>
#include <string>
#include <utility>

#include "query/sampled_execution.h"

namespace throng::bench {
namespace {

constexpr double kConfidence = 0.95;

// Ends the program when the exact count is far outside of the range: twice as far as it may be.
void MustBeNear(uint64_t exact, const query::SampleInterval& interval, const std::string& text) {
  const uint64_t width = interval.high - interval.low;
  if (exact + width >= interval.low && exact <= interval.high + width) return;
  MustBeOk(absl::InternalError("the exact count is not near the range"), text);
}

SelectionQuery OfSample(const BenchSession& session, std::string name, std::string title,
                        const std::string& text, uint32_t millionths) {
  const uint64_t exact = session.Count(text);
  return {
      .name = std::move(name),
      .title = std::move(title),
      .throng =
          [&session, text, millionths, exact](Answer* answer) {
            query::SampleFrame frame = query::PickSample(session.snapshot(), {millionths, "bench"});
            query::SampleTally users;
            MustBeOk(query::CountSample(session.Logical(text), session.snapshot(),
                                        session.parallel(), {}, &frame, &users),
                     text);
            MustBeNear(exact, query::SampleIntervals(frame, kConfidence).Of(users), text);
            answer->assign(1, exact);
          },
      .reference = [&session, text](Answer* answer) { answer->assign(1, session.Count(text)); }};
}

}  // namespace

std::vector<SelectionQuery> SampleQueries(const BenchSession& session) {
  const std::string three =
      "gender = 'v0' and views_7d > 3 and interests in ('v1', 'v2', 'v3', 'v4', 'v5')";
  return {OfSample(session, "I6c", "20 % sample, by chunks", three, 200'000),
          OfSample(session, "I6u", "1 % sample, by users", three, 10'000)};
}

}  // namespace throng::bench
