#include "server/service/worker_pool.h"

#include <utility>

#include "fmt/format.h"
#include "index/error.h"

namespace throng::service {

WorkerPool::WorkerPool(std::string what, uint32_t threads, uint32_t queued_max)
    : what_(std::move(what)), jobs_max_(uint64_t{threads} + queued_max) {
  threads_.reserve(threads);
  for (uint32_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

WorkerPool::~WorkerPool() {
  {
    index::MutexLock lock(mutex_);
    closing_ = true;
  }
  changed_.NotifyAll();
  for (std::thread& thread : threads_) thread.join();
}

absl::Status WorkerPool::Submit(std::function<void()> job) {
  {
    index::MutexLock lock(mutex_);
    if (jobs_ >= jobs_max_) {
      return index::LimitExceeded(absl::StatusCode::kResourceExhausted, "TOO_MANY_CALLS",
                                  fmt::format("the number of {} at the same time", what_),
                                  jobs_max_, jobs_ + 1);
    }
    ++jobs_;
    queue_.push_back(std::move(job));
  }
  changed_.NotifyOne();
  return absl::OkStatus();
}

void WorkerPool::Work() {
  while (true) {
    std::function<void()> job;
    {
      index::MutexLock lock(mutex_);
      while (queue_.empty() && !closing_) changed_.Wait(mutex_);
      if (queue_.empty()) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    job();
    job = nullptr;  // what it holds goes before the next one is let in
    index::MutexLock lock(mutex_);
    --jobs_;
  }
}

}  // namespace throng::service
