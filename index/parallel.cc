#include "index/parallel.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <exception>

namespace throng::index {
namespace {

constexpr int kNiceMax = 19;
constexpr uint64_t kSliceNs = 100'000;  // the least that Linux takes
// So few cells are written sooner than other threads wake up.
constexpr size_t kInlineCellsMax = 512;

// What sched_setattr(2) takes, in its first version; the C library has no name for it.
struct SchedulingAttributes {
  uint32_t size = sizeof(SchedulingAttributes);
  uint32_t policy = 0;  // SCHED_OTHER
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime_ns = 0;
  uint64_t deadline_ns = 0;
  uint64_t period_ns = 0;
};
static_assert(sizeof(SchedulingAttributes) == 48);

// Where the calling thread is a worker.
thread_local const Parallel* own_pool = nullptr;
thread_local uint32_t own_number = 0;

}  // namespace

void StandBack(int nice) {
  // On Linux a thread has a niceness of its own.
  const int lowered = std::min(getpriority(PRIO_PROCESS, 0) + nice, kNiceMax);
  static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), lowered));
  // From Linux 6.12 on a thread has a slice of its own as well, which it is let finish even when
  // one of higher priority wakes up: 3 ms unless it asks for less.
  const SchedulingAttributes attributes{.nice = lowered, .runtime_ns = kSliceNs};
  static_cast<void>(syscall(SYS_sched_setattr, 0, &attributes, 0));
}

struct Parallel::Job {
  const std::function<void(uint32_t, uint32_t)>* work = nullptr;
  uint32_t count = 0;
  std::atomic<uint32_t> next{0};
  std::atomic<uint32_t> done{0};
  Mutex mutex;
  ConditionVariable finished;
  std::exception_ptr thrown THRONG_GUARDED_BY(mutex);  // the first
};

Parallel::Parallel(uint32_t threads, int nice) : threads_(std::max(threads, 1u)), nice_(nice) {
  for (uint32_t worker = nice_ == 0 ? 1 : 0; worker < threads_; ++worker) {
    workers_.emplace_back([this, worker] { RunWorker(worker); });
  }
}

Parallel::~Parallel() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  for (std::thread& worker : workers_) worker.join();
}

void Parallel::RunJob(Job& job, uint32_t worker) {
  while (true) {
    const uint32_t i = job.next.fetch_add(1, std::memory_order_relaxed);
    if (i >= job.count) return;
    try {
      (*job.work)(i, worker);
    } catch (...) {
      MutexLock lock(job.mutex);
      if (job.thrown == nullptr) job.thrown = std::current_exception();
    }
    if (job.done.fetch_add(1, std::memory_order_acq_rel) + 1 == job.count) {
      MutexLock lock(job.mutex);
      job.finished.NotifyAll();
    }
  }
}

void Parallel::For(uint32_t count, const std::function<void(uint32_t, uint32_t)>& work) {
  const bool is_worker = own_pool == this;
  const bool joins = is_worker || nice_ == 0;
  if (workers_.empty() || count == 0 || (count == 1 && joins)) {
    for (uint32_t i = 0; i < count; ++i) work(i, 0);
    return;
  }
  auto job = std::make_shared<Job>();
  job->work = &work;
  job->count = count;
  {
    MutexLock lock(mutex_);
    jobs_.push_back(job);
  }
  wake_.NotifyAll();
  if (joins) {
    RunJob(*job, is_worker ? own_number : 0);
    MutexLock lock(mutex_);
    std::erase(jobs_, job);
  }
  MutexLock lock(job->mutex);
  while (job->done.load(std::memory_order_acquire) < count) job->finished.Wait(job->mutex);
  if (job->thrown != nullptr) std::rethrow_exception(job->thrown);
}

void Parallel::ForCells(uint32_t count, size_t cells,
                        const std::function<void(uint32_t, uint32_t)>& work) {
  if (cells > kInlineCellsMax) return For(count, work);
  for (uint32_t i = 0; i < count; ++i) work(i, 0);
}

void Parallel::RunWorker(uint32_t worker) {
  own_pool = this;
  own_number = worker;
  if (nice_ != 0) StandBack(nice_);
  while (true) {
    std::shared_ptr<Job> job;
    {
      MutexLock lock(mutex_);
      const auto has_work = [&]() THRONG_REQUIRES(mutex_) {
        while (!jobs_.empty() && jobs_.front()->next.load() >= jobs_.front()->count) {
          jobs_.pop_front();
        }
        return !jobs_.empty();
      };
      while (!stopping_ && !has_work()) wake_.Wait(mutex_);
      if (stopping_) return;
      job = jobs_.front();
    }
    RunJob(*job, worker);
  }
}

}  // namespace throng::index
