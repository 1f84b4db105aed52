// Threads on which calls are computed: a fixed number, with a bounded queue before them.
//
//   WorkerPool pool("calls", /*threads=*/16, /*queued_max=*/1024);
//   absl::Status accepted = pool.Submit([] { ... });   // RESOURCE_EXHAUSTED: all busy, queue full
//
// What is accepted runs, even when the pool is being destroyed: a reactor that waits for its job
// always gets it.
#ifndef THRONG_SERVER_SERVICE_WORKER_POOL_H_
#define THRONG_SERVER_SERVICE_WORKER_POOL_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "index/mutex.h"

namespace throng::service {

// Told of a call that a full pool refused.
using OnRefused = std::function<void(const absl::Status&)>;

// Thread-safe.
class WorkerPool {
 public:
  // `what` names in errors what the pool runs, e.g. "calls".
  WorkerPool(std::string what, uint32_t threads, uint32_t queued_max);
  // Runs what was accepted, then ends the threads. No Submit may be under way.
  ~WorkerPool();

  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // `job` must not throw. Errors: kResourceExhausted (TOO_MANY_CALLS) with the limit: `threads`
  // jobs run and `queued_max` wait.
  absl::Status Submit(std::function<void()> job) THRONG_EXCLUDES(mutex_);

 private:
  void Work() THRONG_EXCLUDES(mutex_);

  const std::string what_;
  const uint64_t jobs_max_;  // running and waiting
  index::Mutex mutex_;
  index::ConditionVariable changed_;
  std::deque<std::function<void()>> queue_ THRONG_GUARDED_BY(mutex_);
  uint64_t jobs_ THRONG_GUARDED_BY(mutex_) = 0;
  bool closing_ THRONG_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_WORKER_POOL_H_
