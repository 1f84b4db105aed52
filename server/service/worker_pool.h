// Threads on which calls are computed: a fixed number, with a queue before them that is bounded in
// length and in time.
//
//   WorkerPool pool({.what = "reads", .threads = 4},
//                   {.queued_max = 1024, .wait_max = 1s, .wait_target = 5ms, .owner_jobs_max =
//                   256});
//   absl::Status accepted = pool.Submit({.run = [](const absl::Status& status) { ... },
//                                        .owner = "cms", .deadline = deadline});
//
// What cannot be answered in time is refused at once, on the caller's thread, before it costs
// anything: by how many wait and how long jobs took lately. A burst may wait for up to wait_max;
// once there is more work than can be done (overload_state.h), nothing is accepted that would wait
// for longer than wait_target, so that what is accepted is answered quickly. Threads of a pool give
// way a little to gRPC's, which refuse.
//
// Owners take turns, so that the burst of one makes its own jobs wait first. The queue is one for
// all: when it is full, or would take longer than wait_max, it is so for everybody.
//
// What is accepted runs, even when the pool is being destroyed: a reactor that waits for its job
// always gets it.
#ifndef THRONG_SERVER_SERVICE_WORKER_POOL_H_
#define THRONG_SERVER_SERVICE_WORKER_POOL_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "index/mutex.h"
#include "server/service/overload_state.h"

namespace throng::service {

// Told of a call that was refused, and of its id, at once or later.
using OnRefused = std::function<void(std::string_view call_id, const absl::Status&)>;

// Why a job was refused.
enum class ShedReason {
  kQueueFull,  // as many wait as may
  kWait,       // it would wait for too long, or did
  kDeadline,   // it would wait beyond its own deadline
  kOwner,      // its owner has as many as it may
};
inline constexpr int kShedReasons = 4;

// Told what happens to jobs, on whatever thread it happens. Thread-safe.
class PoolObserver {
 public:
  virtual ~PoolObserver() = default;
  virtual void Waited(std::chrono::nanoseconds time) = 0;
  virtual void Shed(ShedReason reason) = 0;
};

// What may be changed while the pool works. A value.
struct PoolBounds {
  uint32_t queued_max = 0;
  // No job waits for longer.
  std::chrono::milliseconds wait_max = std::chrono::hours(1);
  // Nor, while there is more work than can be done, for longer than this; one of each owner may.
  std::chrono::milliseconds wait_target = std::chrono::hours(1);
  uint32_t owner_jobs_max = 0;  // running and waiting, of each owner; 0: as many as there may be
};

struct PoolOptions {
  std::string what;  // the pool runs, for errors: "calls"
  uint32_t threads = 1;
  PoolObserver* observer = nullptr;  // outlives the pool; null: nobody asks
};

// A value.
struct Job {
  // Gets OK, or why it is not to be done after all, which is an answer like those of Submit. Must
  // not throw.
  std::function<void(const absl::Status&)> run;
  std::string owner = {};  // empty: nobody, who has no owner_jobs_max
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
};

// Thread-safe.
class WorkerPool {
 public:
  WorkerPool(PoolOptions options, const PoolBounds& bounds);
  // Runs what was accepted, then ends the threads. No Submit may be under way.
  ~WorkerPool();

  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Errors, all with a hint of when to try again: kResourceExhausted TOO_MANY_CALLS (`threads` jobs
  // run and `queued_max` wait), OVERLOADED (it would wait for too long),
  // TOO_MANY_CALLS_OF_CALLER (owner_jobs_max).
  absl::Status Submit(Job job) THRONG_EXCLUDES(mutex_) { return Take(job); }
  // The same, where `job` itself is told of a refusal, on this thread.
  void Run(Job job) THRONG_EXCLUDES(mutex_) {
    if (const absl::Status status = Take(job); !status.ok()) job.run(status);
  }

  // Whether there is more to do than can be done.
  bool IsOverloaded() THRONG_EXCLUDES(mutex_);

  // Holds for what is submitted from now on.
  void SetBounds(const PoolBounds& bounds) THRONG_EXCLUDES(mutex_);

 private:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Waiting {
    Job job;
    TimePoint since;
  };
  struct Owner {
    uint32_t jobs = 0;  // running and waiting
    std::deque<Waiting> waiting;
  };
  using Owners = std::map<std::string, Owner, std::less<>>;
  struct Taken {
    Owners::iterator owner;
    Job job;
    std::chrono::nanoseconds waited{0};
    bool is_late = false;     // it has waited for too long
    bool is_expired = false;  // nobody waits for it any more
  };
  // A value.
  struct Refusal {
    ShedReason reason = ShedReason::kWait;
    std::chrono::nanoseconds wait{0};
    uint64_t limit = 0;
  };

  void Work() THRONG_EXCLUDES(mutex_);
  // Moves from the job, unless it is refused.
  absl::Status Take(Job& job) THRONG_EXCLUDES(mutex_);
  // Waits for a job; false: the pool ends.
  bool WaitForJob(Taken* taken) THRONG_EXCLUDES(mutex_);
  // `counts`: how long it took says how long jobs take.
  void End(Owners::iterator owner, bool counts, std::chrono::nanoseconds took)
      THRONG_EXCLUDES(mutex_);
  std::optional<Refusal> Admit(const Job& job, TimePoint now) THRONG_REQUIRES(mutex_);
  // How long a job of the owner would wait that comes now.
  std::chrono::nanoseconds ExpectedWait(const Owner* owner, TimePoint now) const
      THRONG_REQUIRES(mutex_);
  absl::Status StatusOf(const Refusal& refusal) const;

  const PoolOptions options_;
  index::Mutex mutex_;
  index::ConditionVariable changed_;
  PoolBounds bounds_ THRONG_GUARDED_BY(mutex_);
  Owners owners_ THRONG_GUARDED_BY(mutex_);                        // that have jobs
  std::deque<Owners::iterator> turns_ THRONG_GUARDED_BY(mutex_);   // that have waiting ones
  uint64_t jobs_ THRONG_GUARDED_BY(mutex_) = 0;                    // running and waiting
  std::chrono::nanoseconds service_ THRONG_GUARDED_BY(mutex_){0};  // a job, lately
  OverloadState overload_ THRONG_GUARDED_BY(mutex_);
  bool closing_ THRONG_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_WORKER_POOL_H_
