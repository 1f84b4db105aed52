#include "index/parallel.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <exception>

namespace throng::index {
namespace {

constexpr int kNiceMax = 19;
// So few cells are written sooner than other threads wake up.
constexpr size_t kInlineCellsMax = 512;

}  // namespace

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
  if (workers_.empty() || count == 0 || (count == 1 && nice_ == 0)) {
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
  if (nice_ == 0) {
    RunJob(*job, 0);
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
  // On Linux a thread has a niceness of its own. A system that refuses costs speed only.
  if (nice_ != 0) {
    const int nice = std::min(getpriority(PRIO_PROCESS, 0) + nice_, kNiceMax);
    static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), nice));
  }
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
