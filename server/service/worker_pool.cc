#include "server/service/worker_pool.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "index/parallel.h"
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
// Behind gRPC's threads, which refuse what is too much, and must not wait for what was let in.
constexpr int kWorkerNice = 3;

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

bool WorkerPool::IsOverloaded() {
  index::MutexLock lock(mutex_);
  return overload_.IsOverloaded(std::chrono::steady_clock::now());
}

absl::Status WorkerPool::Take(Job& job) {
  const TimePoint now = std::chrono::steady_clock::now();
  std::optional<Refusal> refusal;
  {
    index::MutexLock lock(mutex_);
    refusal = Admit(job, now);
    if (!refusal.has_value()) {
      overload_.NoteDecision(false, now);
      const auto owner = owners_.try_emplace(job.owner).first;
      ++owner->second.jobs;
      if (owner->second.waiting.empty()) turns_.push_back(owner);
      owner->second.waiting.push_back({std::move(job), now});
      ++jobs_;
      overload_.NoteQueue(jobs_ > options_.threads, now);
    } else if (refusal->reason == ShedReason::kQueueFull || refusal->reason == ShedReason::kWait) {
      // The others say of the caller, not of the server, that there is too much.
      overload_.NoteDecision(true, now);
    }
  }
  if (!refusal.has_value()) {
    changed_.NotifyOne();
    return absl::OkStatus();
  }
  if (options_.observer != nullptr) options_.observer->Shed(refusal->reason);
  return StatusOf(*refusal);
}

std::optional<WorkerPool::Refusal> WorkerPool::Admit(const Job& job, TimePoint now) {
  const auto found = owners_.find(job.owner);
  const Owner* owner = found == owners_.end() ? nullptr : &found->second;
  if (!job.owner.empty() && bounds_.owner_jobs_max != 0 && owner != nullptr &&
      owner->jobs >= bounds_.owner_jobs_max) {
    return Refusal{ShedReason::kOwner, service_, bounds_.owner_jobs_max};
  }
  const uint64_t jobs_max = uint64_t{options_.threads} + bounds_.queued_max;
  if (jobs_ >= jobs_max) {
    if (bounds_.queued_max > 0) overload_.Enter(now);
    return Refusal{ShedReason::kQueueFull, service_, jobs_max};
  }
  if (jobs_ < options_.threads) return std::nullopt;
  const nanoseconds wait = ExpectedWait(owner, now);
  if (job.deadline != TimePoint::max() && job.deadline - now <= wait) {
    return Refusal{ShedReason::kDeadline, wait};
  }
  if (wait > bounds_.wait_max) {
    overload_.Enter(now);
    return Refusal{ShedReason::kWait, wait};
  }
  const bool has_waiting = owner != nullptr && !owner->waiting.empty();
  if (has_waiting && wait > bounds_.wait_target && overload_.IsOverloaded(now)) {
    return Refusal{ShedReason::kWait, wait};
  }
  return std::nullopt;
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

absl::Status WorkerPool::StatusOf(const Refusal& refusal) const {
  const auto full = [&](std::string_view reason, std::string_view of) {
    return index::LimitExceeded(
        absl::StatusCode::kResourceExhausted, reason,
        fmt::format("the number of {}{} at the same time", options_.what, of), refusal.limit,
        refusal.limit + 1);
  };
  absl::Status status;
  if (refusal.reason == ShedReason::kOwner) {
    status = full("TOO_MANY_CALLS_OF_CALLER", " of one caller");
  } else if (refusal.reason == ShedReason::kQueueFull) {
    status = full("TOO_MANY_CALLS", "");
  } else {
    status = index::MakeError(
        absl::StatusCode::kResourceExhausted,
        fmt::format("the server has too many {} to do: this one would wait {} ms", options_.what,
                    duration_cast<milliseconds>(refusal.wait).count()),
        {.reason = "OVERLOADED"});
  }
  return WithRetryAfter(status, RetryAfterWait(refusal.wait));
}

bool WorkerPool::WaitForJob(Taken* taken) {
  index::MutexLock lock(mutex_);
  while (turns_.empty() && !closing_) changed_.Wait(mutex_);
  if (turns_.empty()) return false;
  const TimePoint now = std::chrono::steady_clock::now();
  taken->owner = turns_.front();
  turns_.pop_front();
  std::deque<Waiting>& waiting = taken->owner->second.waiting;
  Waiting next = std::move(waiting.front());
  waiting.pop_front();
  if (!waiting.empty()) turns_.push_back(taken->owner);
  taken->job = std::move(next.job);
  taken->waited = now - next.since;
  taken->is_expired = taken->job.deadline <= now;
  // Whoever was let in and waits no longer than anybody may is not refused late instead.
  taken->is_late = !closing_ && taken->waited > bounds_.wait_max;
  if (taken->is_late) overload_.NoteLate();
  return true;
}

void WorkerPool::End(Owners::iterator owner, bool counts, nanoseconds took) {
  index::MutexLock lock(mutex_);
  if (--owner->second.jobs == 0) owners_.erase(owner);
  --jobs_;
  const TimePoint now = std::chrono::steady_clock::now();
  overload_.NoteQueue(jobs_ > options_.threads, now);
  if (counts) service_ += (took - service_) / kServiceWeight;
}

void WorkerPool::Work() {
  index::StandBack(kWorkerNice);
  Taken taken;
  while (WaitForJob(&taken)) {
    if (options_.observer != nullptr) {
      options_.observer->Waited(taken.waited);
      if (taken.is_late) options_.observer->Shed(ShedReason::kWait);
    }
    const absl::Status status =
        taken.is_late ? StatusOf({ShedReason::kWait, taken.waited}) : absl::OkStatus();
    const TimePoint begun = std::chrono::steady_clock::now();
    taken.job.run(status);
    const nanoseconds took = std::chrono::steady_clock::now() - begun;
    taken.job.run = nullptr;  // what it holds goes before the next one is let in
    End(taken.owner, !taken.is_late && !taken.is_expired, took);
  }
}

}  // namespace throng::service
