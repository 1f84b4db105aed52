// Runs work shard by shard, on the pool or in place, until a check or the work fails.
//
//   absl::Status status = ShardLoop(check).Run(shards, /*inline_only=*/false, parallel,
//                                              [&](uint32_t shard, uint32_t worker) {...});
//
// Internal to the folder.
#ifndef THRONG_QUERY_SHARD_LOOP_H_
#define THRONG_QUERY_SHARD_LOOP_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "index/mutex.h"
#include "index/parallel.h"
#include "query/executor.h"
#include "query/physical_plan.h"

namespace throng::query {

// Whether all of the plans together are not worth waking other threads for.
inline bool AreSmall(const std::vector<PhysicalPlan>& plans) {
  uint64_t users = 0;
  for (const PhysicalPlan& plan : plans) users += std::min(plan.users_max, kInlineUsersMax);
  return users <= kInlineUsersMax;
}

// Remembers the first failure. Run() may be called once; by one thread.
class ShardLoop {
 public:
  // Borrows the check.
  explicit ShardLoop(const Check& check) : check_(check) {}

  // `work(shard, worker)` is called for each shard, and returns nothing or an absl::Status; a small
  // plan stays on this thread.
  template <typename Work>
  absl::Status Run(uint32_t shards, bool inline_only, index::Parallel& parallel, Work work) {
    const auto step = [&](uint32_t shard, uint32_t worker) {
      if (stopped_.load(std::memory_order_relaxed)) return;
      if (absl::Status status = check_ ? check_() : absl::OkStatus(); !status.ok()) {
        return Stop(std::move(status));
      }
      if constexpr (std::is_void_v<decltype(work(shard, worker))>) {
        work(shard, worker);
      } else if (absl::Status status = work(shard, worker); !status.ok()) {
        Stop(std::move(status));
      }
    };
    if (inline_only) {
      for (uint32_t shard = 0; shard < shards; ++shard) step(shard, 0);
    } else {
      parallel.For(shards, step);
    }
    index::MutexLock lock(mutex_);
    return failure_;
  }

 private:
  void Stop(absl::Status status) {
    index::MutexLock lock(mutex_);
    if (failure_.ok()) failure_ = std::move(status);
    stopped_.store(true, std::memory_order_relaxed);
  }

  const Check& check_;
  std::atomic<bool> stopped_{false};
  index::Mutex mutex_;
  absl::Status failure_ THRONG_GUARDED_BY(mutex_);
};

}  // namespace throng::query

#endif  // THRONG_QUERY_SHARD_LOOP_H_
