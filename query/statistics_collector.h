// Sums, extremes and averages of ordered tags over the selected users, in one pass.
//
//   StatisticsCollector collector(snapshot, {spend, last_active_days});
//   Execute(plan, snapshot, parallel, check, collector);
//   const TagStatistics spend = collector.Finish()[0];
//   spend.Sum();       // exact, or kOutOfRange: never a wrong number
//   spend.missing();
//
// Codes are added up as they lie in the columns, packed; users in the delta are left out there and
// added one by one.
#ifndef THRONG_QUERY_STATISTICS_COLLECTOR_H_
#define THRONG_QUERY_STATISTICS_COLLECTOR_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/status/statusor.h"
#include "index/chunk_set.h"
#include "index/column_shard.h"
#include "index/snapshot.h"
#include "query/collector.h"

namespace throng::query {

// Numbers are as the index stores them: the number, units of the scale, days or microseconds since
// 1970 (index/catalogue.h). A value.
struct TagStatistics {
  std::string tag;
  uint64_t users = 0;       // of the crowd
  uint64_t with_value = 0;  // of these
  absl::int128 total = 0;
  std::optional<int64_t> min;  // absent when nobody has a value
  std::optional<int64_t> max;

  uint64_t missing() const { return users - with_value; }
  // Errors: kOutOfRange (SUM_OUT_OF_RANGE) when the sum is no int64.
  absl::StatusOr<int64_t> Sum() const;
  // Of users with a value. Correct where Sum() is an error, too.
  std::optional<double> Average() const;
};

// Thread-safe as a Collector must be. Borrows the snapshot.
class StatisticsCollector final : public Collector {
 public:
  // `tags` are ids of INTEGER, DECIMAL, DATE or DATETIME tags.
  StatisticsCollector(const index::Snapshot& snapshot, const std::vector<uint32_t>& tags);
  ~StatisticsCollector() override;

  void Start(uint32_t workers, uint32_t chunks) override;
  // By the first chunk, which stands for all.
  uint64_t BytesAChunk() const override;
  void Collect(uint32_t chunk, const index::ChunkSet& users, uint32_t worker) override;
  // After execution; in the order of the tags.
  std::vector<TagStatistics> Finish() const;

 private:
  struct Partial;
  struct Waiting;
  struct PerTag;
  struct Worker;

  static void CollectTag(const index::ColumnShard& column, uint32_t chunk,
                         const index::ChunkSet& users, index::ChunkScratch& scratch, PerTag* tag);

  const index::Snapshot& snapshot_;
  const std::vector<uint32_t> tags_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace throng::query

#endif  // THRONG_QUERY_STATISTICS_COLLECTOR_H_
