// Runs pieces of work on a fixed set of threads.
//
//   Parallel parallel(2);                             // this thread and one more
//   parallel.For(shards, [&](uint32_t shard, uint32_t worker) { ... });
//
// The caller works too, so that a pool of one thread runs everything in place; but not where the
// threads stand back for others.
#ifndef THRONG_INDEX_PARALLEL_H_
#define THRONG_INDEX_PARALLEL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "index/mutex.h"

namespace throng::index {

// Makes the calling thread stand back for the rest of the process by so much niceness, for good. A
// system that refuses costs speed only.
void StandBack(int nice);

// Thread-safe: any number of threads may call For at once and share the workers.
class Parallel {
 public:
  // `threads` of 1 or more. With `nice` of 0 the calling thread is one of them. With 1 to 19 it
  // only waits, and they stand back so much for the rest of the process when the cores are busy.
  explicit Parallel(uint32_t threads, int nice = 0);
  ~Parallel();
  Parallel(const Parallel&) = delete;
  Parallel& operator=(const Parallel&) = delete;

  uint32_t threads() const { return threads_; }

  // Calls work(i, worker) for i in [0, count), each once, in ascending order of start; returns when
  // all are done. `worker` is below threads() and distinct among calls that run at once in this
  // For. The first that it throws is thrown on. Work may call For in turn: its thread works too.
  void For(uint32_t count, const std::function<void(uint32_t i, uint32_t worker)>& work);
  // The same for writes of so many cells in all: on the calling thread where handing them over
  // would cost more than it gives.
  void ForCells(uint32_t count, size_t cells,
                const std::function<void(uint32_t i, uint32_t worker)>& work);

 private:
  struct Job;

  static void RunJob(Job& job, uint32_t worker);
  void RunWorker(uint32_t worker);

  const uint32_t threads_;
  const int nice_;
  Mutex mutex_;
  ConditionVariable wake_;
  std::deque<std::shared_ptr<Job>> jobs_ THRONG_GUARDED_BY(mutex_);
  bool stopping_ THRONG_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> workers_;
};

}  // namespace throng::index

#endif  // THRONG_INDEX_PARALLEL_H_
