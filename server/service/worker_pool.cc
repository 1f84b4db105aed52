#include "server/service/worker_pool.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/service/retry_hint.h"

namespace throng::service {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds kRetryMin{100};
constexpr milliseconds kRetryMax{5'000};
// How much the newest job weighs in what a job takes.
constexpr int kServiceWeight = 8;

// Twice what would have been waited: by then as much is done.
milliseconds RetryAfterWait(nanoseconds wait) {
  return std::clamp(duration_cast<milliseconds>(2 * wait), kRetryMin, kRetryMax);
}

}  // namespace

WorkerPool::WorkerPool(PoolOptions options, const PoolBounds& bounds)
    : options_(std::move(options)), bounds_(bounds) {
  threads_.reserve(options_.threads);
  for (uint32_t i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { Work(); });
}

WorkerPool::~WorkerPool() {
  {
    index::MutexLock lock(mutex_);
    closing_ = true;
  }
  changed_.NotifyAll();
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::SetBounds(const PoolBounds& bounds) {
  index::MutexLock lock(mutex_);
  bounds_ = bounds;
}

absl::Status WorkerPool::Submit(Job job) {
  const TimePoint now = std::chrono::steady_clock::now();
  ShedReason reason = ShedReason::kWait;
  absl::Status status;
  {
    index::MutexLock lock(mutex_);
    status = Admit(job, now, &reason);
    overload_.NoteDecision(!status.ok(), now);
    if (status.ok()) {
      const auto owner = owners_.try_emplace(job.owner).first;
      ++owner->second.jobs;
      if (owner->second.waiting.empty()) turns_.push_back(owner);
      owner->second.waiting.push_back({std::move(job), now});
      ++jobs_;
      overload_.NoteQueue(jobs_ > options_.threads, now);
    }
  }
  if (status.ok()) {
    changed_.NotifyOne();
  } else if (options_.observer != nullptr) {
    options_.observer->Shed(reason);
  }
  return status;
}

absl::Status WorkerPool::Admit(const Job& job, TimePoint now, ShedReason* reason) {
  const auto found = owners_.find(job.owner);
  const Owner* owner = found == owners_.end() ? nullptr : &found->second;
  if (!job.owner.empty() && bounds_.owner_jobs_max != 0 && owner != nullptr &&
      owner->jobs >= bounds_.owner_jobs_max) {
    *reason = ShedReason::kOwner;
    return Full("TOO_MANY_CALLS_OF_CALLER",
                fmt::format("the number of {} of one caller at the same time", options_.what),
                bounds_.owner_jobs_max);
  }
  const uint64_t jobs_max = uint64_t{options_.threads} + bounds_.queued_max;
  if (jobs_ >= jobs_max) {
    *reason = ShedReason::kQueueFull;
    if (bounds_.queued_max > 0) overload_.Enter(now);
    return Full("TOO_MANY_CALLS", fmt::format("the number of {} at the same time", options_.what),
                jobs_max);
  }
  if (jobs_ < options_.threads) return absl::OkStatus();
  const nanoseconds wait = ExpectedWait(owner, now);
  if (job.deadline != TimePoint::max() && job.deadline - now <= wait) {
    *reason = ShedReason::kDeadline;
    return Overloaded(wait);
  }
  *reason = ShedReason::kWait;
  if (wait > bounds_.wait_max) {
    overload_.Enter(now);
    return Overloaded(wait);
  }
  const bool has_waiting = owner != nullptr && !owner->waiting.empty();
  if (has_waiting && wait > Target() && overload_.IsOverloaded(now)) return Overloaded(wait);
  return absl::OkStatus();
}

nanoseconds WorkerPool::ExpectedWait(const Owner* owner, TimePoint now) const {
  const bool has_waiting = owner != nullptr && !owner->waiting.empty();
  const auto before = static_cast<int64_t>(has_waiting ? owner->waiting.size() : 0);
  const auto in_turn = static_cast<int64_t>(turns_.size() + (has_waiting ? 0 : 1));
  const nanoseconds expected =
      service_ * ((before + 1) * in_turn) / static_cast<int64_t>(options_.threads);
  if (!has_waiting) return expected;
  // Where jobs have become slower than they were, the queue knows first.
  return std::max<nanoseconds>(expected, now - owner->waiting.front().since);
}

nanoseconds WorkerPool::Target() const {
  return std::max<nanoseconds>(bounds_.wait_target, service_);
}

absl::Status WorkerPool::Overloaded(nanoseconds wait) const {
  return WithRetryAfter(
      index::MakeError(absl::StatusCode::kResourceExhausted,
                       fmt::format("the server has too many {} to do: this one would wait {} ms",
                                   options_.what, duration_cast<milliseconds>(wait).count()),
                       {.reason = "OVERLOADED"}),
      RetryAfterWait(wait));
}

absl::Status WorkerPool::Full(std::string_view reason, std::string_view what,
                              uint64_t limit) const {
  return WithRetryAfter(
      index::LimitExceeded(absl::StatusCode::kResourceExhausted, reason, what, limit, limit + 1),
      RetryAfterWait(service_));
}

bool WorkerPool::Take(Taken* taken) {
  index::MutexLock lock(mutex_);
  while (turns_.empty() && !closing_) changed_.Wait(mutex_);
  if (turns_.empty()) return false;
  const TimePoint now = std::chrono::steady_clock::now();
  const Owners::iterator owner = turns_.front();
  turns_.pop_front();
  Waiting next = std::move(owner->second.waiting.front());
  owner->second.waiting.pop_front();
  const bool has_more = !owner->second.waiting.empty();
  if (has_more) turns_.push_back(owner);
  taken->job = std::move(next.job);
  taken->waited = now - next.since;
  taken->status = absl::OkStatus();
  const bool is_late = taken->waited > bounds_.wait_max ||
                       (has_more && taken->waited > Target() && overload_.IsOverloaded(now));
  if (is_late && !closing_) taken->status = Overloaded(taken->waited);
  return true;
}

void WorkerPool::End(const Job& job, bool ran, nanoseconds took) {
  index::MutexLock lock(mutex_);
  const auto owner = owners_.find(job.owner);
  if (--owner->second.jobs == 0) owners_.erase(owner);
  --jobs_;
  const TimePoint now = std::chrono::steady_clock::now();
  overload_.NoteQueue(jobs_ > options_.threads, now);
  if (ran) service_ += (took - service_) / kServiceWeight;
}

void WorkerPool::Work() {
  Taken taken;
  while (Take(&taken)) {
    if (options_.observer != nullptr) {
      options_.observer->Waited(taken.waited);
      if (!taken.status.ok()) options_.observer->Shed(ShedReason::kWait);
    }
    const TimePoint begun = std::chrono::steady_clock::now();
    taken.job.run(taken.status);
    const nanoseconds took = std::chrono::steady_clock::now() - begun;
    taken.job.run = nullptr;  // what it holds goes before the next one is let in
    End(taken.job, taken.status.ok(), took);
  }
}

}  // namespace throng::service
