// What a population is at the moment, in numbers for the people who run the server.
//
//   CommitTimes times;
//   times.Add(std::chrono::microseconds(840));
//   times.stats().longest;
#ifndef THRONG_SERVER_ENGINE_POPULATION_STATS_H_
#define THRONG_SERVER_ENGINE_POPULATION_STATS_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "index/catalogue.h"
#include "index/memory_use.h"
#include "index/mutex.h"
#include "index/snapshot.h"

namespace throng::engine {

// Since the server opened its data. A value; thread-compatible.
struct CommitStats {
  uint64_t count = 0;
  std::chrono::nanoseconds total{0};
  std::chrono::nanoseconds longest{0};
  uint64_t cells = 0;  // of writes and loads

  std::chrono::nanoseconds mean() const {
    return count == 0 ? total : total / static_cast<int64_t>(count);
  }
};

// Thread-safe.
class CommitTimes {
 public:
  void Add(std::chrono::nanoseconds time, uint64_t cells = 0) {
    index::MutexLock lock(mutex_);
    stats_.cells += cells;
    ++stats_.count;
    stats_.total += time;
    stats_.longest = std::max(stats_.longest, time);
  }
  CommitStats stats() const {
    index::MutexLock lock(mutex_);
    return stats_;
  }

 private:
  mutable index::Mutex mutex_;
  CommitStats stats_ THRONG_GUARDED_BY(mutex_);
};

// A value; thread-compatible.
struct TagStats {
  std::string tag;  // empty: the universe
  index::TagType type = index::TagType::kFlag;
  uint64_t user_count = 0;
  uint32_t value_count = 0;  // of CATEGORY and LABELS
  index::MemoryUse memory;
};

// Versions before the newest one that are still in memory: leased, being read, or the one that the
// base blocks on disk are of. A value; thread-compatible.
struct OlderVersions {
  uint32_t count = 0;
  uint64_t oldest_version = 0;
  std::chrono::microseconds oldest_age{0};  // since the next version took its place
  // Bytes that only they hold: what would be freed if all of them went.
  uint64_t bytes = 0;
};

// A value; thread-compatible.
struct PopulationStats {
  std::string name;
  uint64_t user_count = 0;
  uint32_t tag_count = 0;
  uint64_t data_version = 0;
  uint64_t folded_version = 0;                        // base blocks are of this version
  uint64_t log_bytes = 0;                             // of the commits after it
  std::optional<std::chrono::nanoseconds> last_fold;  // how long it took; none yet: nullopt
  // From the call until the commit was visible, waiting for others included.
  CommitStats commits;
  index::MemoryUse memory;  // of the newest version
  uint32_t leased_versions = 0;
  uint64_t oldest_leased_version = 0;  // 0: none is leased
  OlderVersions older_versions;        // not in `memory`
  TagStats universe;
  std::vector<TagStats> tags;  // those asked for, which take most, the largest first
};

// What was the newest version once, for as long as it is in memory. Thread-compatible.
class OlderSnapshots {
 public:
  // Notes a version that another one takes the place of: newer than all before.
  void Note(const index::SnapshotRef& snapshot, int64_t now_us);
  // Those still in memory, the newest first, behind those in `snapshots`. Returns the age of the
  // oldest.
  std::chrono::microseconds Collect(int64_t now_us,
                                    std::vector<index::SnapshotRef>* snapshots) const;

 private:
  struct Older {
    std::weak_ptr<const index::Snapshot> snapshot;
    int64_t replaced_us = 0;
  };
  std::deque<Older> older_;  // ascending; some are gone by now
  size_t looked_at_ = 0;     // how many were left when those gone were last looked for
};

// The statistics of the newest of `snapshots` that its content gives: users, version, memory by
// kind, and the `tags_max` largest tags that `visibility` lets the caller see. `snapshots` descend
// by version; the others are the older versions. Walks all of it. Thread-safe.
void CountMemory(const std::vector<index::SnapshotRef>& snapshots,
                 const index::Visibility& visibility, uint32_t tags_max, PopulationStats* stats);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_POPULATION_STATS_H_
