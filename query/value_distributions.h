// How the numbers of ordered tags are spread over the selected users: figures, and the value of a
// rank and the users below a value, all exact.
//
//   ValueDistributions spread(plan, snapshot, parallel, check, {spend, age});
//   absl::Status counted = spread.Count();                 // one pass
//   spread.figures()[0].with_value;                        // 1,000
//   spread.Answer({{.ranks = {500}}, {.limits = {18, 65}}});
//   // [0].values = {the 500th smallest of spend}, [1].below = {users younger than 18, than 65}
//
// A tag whose numbers are at most 2^20 apart is counted number by number, and everything follows
// from that. Another is counted in 2^16 buckets; what is asked then leads to few of these, which
// one more pass cuts up: into values where they have few users, else into buckets again.
#ifndef THRONG_QUERY_VALUE_DISTRIBUTIONS_H_
#define THRONG_QUERY_VALUE_DISTRIBUTIONS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/parallel.h"
#include "index/snapshot.h"
#include "query/executor.h"
#include "query/physical_plan.h"
#include "query/range_counts.h"
#include "query/statistics_collector.h"
#include "query/value_histogram.h"

namespace throng::query {

inline constexpr uint32_t kSingleValuesMax = 1u << 20;
inline constexpr uint32_t kWideBucketsMax = 1u << 16;
// Entries of the tables of all tags of a pass, for each thread; more tags take more passes.
inline constexpr uint64_t kPassBucketsMax = uint64_t{1} << 24;
// What the ranges of a pass keep, unless those of one tag take more: values of all threads
// together, buckets for each thread.
inline constexpr uint64_t kPassRangeBytesMax = uint64_t{128} << 20;

// Of one tag. A value.
struct DistributionQuestions {
  // Ascending, 1 to with_value: 1 is the user with the least number.
  std::vector<uint64_t> ranks = {};
  std::vector<int64_t> limits = {};  // ascending, distinct
};
struct DistributionAnswers {
  std::vector<int64_t> values = {};  // of each rank
  std::vector<uint64_t> below = {};  // users with a number less than each limit
};

// Thread-compatible. Borrows all but the list of tags.
class ValueDistributions {
 public:
  // `tags` are ids of INTEGER, DECIMAL, DATE or DATETIME tags.
  ValueDistributions(const PhysicalPlan& plan, const index::Snapshot& snapshot,
                     index::Parallel& parallel, const Check& check, std::vector<uint32_t> tags);

  // Errors: the check's, like Answer's.
  absl::Status Count();
  // After Count; in the order of the tags.
  const std::vector<TagStatistics>& figures() const { return figures_; }
  // After Count. One of each tag, in that order.
  absl::StatusOr<std::vector<DistributionAnswers>> Answer(
      const std::vector<DistributionQuestions>& questions);
  // How often the plan was executed.
  uint32_t passes() const { return passes_; }

 private:
  struct Tag {
    uint32_t id = 0;
    bool is_wide = false;
    bool is_empty = false;  // nobody has a number
    HistogramShape shape;
    std::unique_ptr<ValueHistogram> histogram;  // not wide: of single values
    std::vector<ValueStep> steps;               // wide
  };
  class CountCollector;

  absl::Status CountSome(size_t first, size_t last);
  TagStatistics FiguresOf(const Tag& tag, uint64_t users) const;
  std::vector<OpenRange> OpenRanges(size_t tag, const DistributionQuestions& questions) const;
  absl::Status CutUp(std::vector<RangesOfTag> ranges, const std::vector<size_t>& places);
  DistributionAnswers AnswerOne(size_t tag, const DistributionQuestions& questions) const;

  const PhysicalPlan& plan_;
  const index::Snapshot& snapshot_;
  index::Parallel& parallel_;
  const Check& check_;
  std::vector<Tag> tags_;
  std::vector<TagStatistics> figures_;
  uint32_t passes_ = 0;
};

}  // namespace throng::query

#endif  // THRONG_QUERY_VALUE_DISTRIBUTIONS_H_
