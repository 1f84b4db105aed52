// Threads and queues of calls: how many run, who waits, who is refused and why.
#include "server/service/worker_pool.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/service/retry_hint.h"
#include "tests/service/status_matchers.h"

namespace throng::service {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A job that is never refused once it is accepted.
Job Do(std::function<void()> work, std::string owner = "") {
  return {.run =
              [work = std::move(work)](const absl::Status& status) {
                EXPECT_TRUE(status.ok()) << status;
                work();
              },
          .owner = std::move(owner)};
}

// Thread-safe.
class CountedSheds final : public PoolObserver {
 public:
  void Waited(std::chrono::nanoseconds) override { ++waited; }
  void Shed(ShedReason reason) override { ++shed[static_cast<size_t>(reason)]; }
  int Of(ShedReason reason) const { return shed[static_cast<size_t>(reason)]; }

  std::atomic<int> waited{0};
  std::array<std::atomic<int>, kShedReasons> shed{};
};

// A pool of one thread that is held until it is let go.
class HeldPool {
 public:
  explicit HeldPool(const PoolBounds& bounds)
      : pool_({.what = "calls", .threads = 1, .observer = &sheds_}, bounds) {}
  ~HeldPool() { Release(); }

  // Occupies the thread; returns when it does.
  void Hold(const std::string& owner = "") {
    ASSERT_TRUE(pool_
                    .Submit(Do(
                        [this] {
                          held_.release();
                          go_.acquire();
                        },
                        owner))
                    .ok());
    held_.acquire();
  }
  void Release() { go_.release(); }
  // Has the pool find out that a job takes so long.
  void Teach(milliseconds time) {
    for (int i = 0; i < 40; ++i) {
      std::binary_semaphore done(0);
      EXPECT_TRUE(pool_
                      .Submit(Do([&] {
                        std::this_thread::sleep_for(time);
                        done.release();
                      }))
                      .ok());
      done.acquire();
    }
  }

  CountedSheds sheds_;
  std::counting_semaphore<> held_{0};
  std::counting_semaphore<> go_{0};
  WorkerPool pool_;
};

TEST(WorkerPoolTest, RunsAsManyJobsAtOnceAsItHasThreads) {
  std::counting_semaphore<> arrived(0);
  std::counting_semaphore<> go(0);
  WorkerPool pool({.what = "calls", .threads = 3}, {});
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(pool.Submit(Do([&] {
                      arrived.release();
                      go.acquire();
                    }))
                    .ok());
  }
  for (int i = 0; i < 3; ++i) arrived.acquire();  // hangs if they do not run at the same time
  go.release(3);
}

TEST(WorkerPoolTest, RefusesOneMoreThanRunAndWait) {
  std::counting_semaphore<> go(0);
  std::atomic<int> ran{0};
  {
    WorkerPool pool({.what = "calls", .threads = 1}, {.queued_max = 2});
    const auto job = [&] {
      go.acquire();
      ++ran;
    };
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(pool.Submit(Do(job)).ok()) << i;
    const absl::Status refused = pool.Submit(Do(job));
    EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
    const std::optional<index::ErrorDetail> detail = index::GetErrorDetail(refused);
    ASSERT_TRUE(detail.has_value());
    EXPECT_EQ(detail->reason, "TOO_MANY_CALLS");
    EXPECT_EQ(detail->limit, 3u);
    EXPECT_EQ(detail->requested, 4u);
    go.release(3);
  }
  EXPECT_EQ(ran, 3);
}

TEST(WorkerPoolTest, RunsWhatItAcceptedBeforeItEnds) {
  std::atomic<int> ran{0};
  std::atomic<int> accepted{0};
  {
    WorkerPool pool({.what = "calls", .threads = 2}, {.queued_max = 10'000});
    std::vector<std::thread> submitters;
    for (int t = 0; t < 4; ++t) {
      submitters.emplace_back([&] {
        for (int i = 0; i < 1'000; ++i) {
          if (pool.Submit(Do([&] { ++ran; })).ok()) ++accepted;
        }
      });
    }
    for (std::thread& submitter : submitters) submitter.join();
  }
  EXPECT_EQ(ran, accepted);
  EXPECT_EQ(accepted, 4'000);
}

TEST(WorkerPoolTest, ForgetsAJobBeforeItTakesTheNext) {
  WorkerPool pool({.what = "calls", .threads = 1}, {});
  auto held = std::make_shared<int>(1);
  std::weak_ptr<int> watched = held;
  ASSERT_TRUE(pool.Submit(Do([held = std::move(held)] {})).ok());
  while (!pool.Submit(Do([] {})).ok()) std::this_thread::yield();
  EXPECT_TRUE(watched.expired());
}

TEST(WorkerPoolTest, OwnersTakeTurns) {
  std::vector<std::string> order;  // of the pool's one thread
  {
    HeldPool held({.queued_max = 100});
    held.Hold();
    for (int i = 0; i < 5; ++i) {
      EXPECT_TRUE(held.pool_.Submit(Do([&] { order.push_back("loud"); }, "loud")).ok());
    }
    EXPECT_TRUE(held.pool_.Submit(Do([&] { order.push_back("quiet"); }, "quiet")).ok());
  }
  ASSERT_EQ(order.size(), 6u);
  EXPECT_EQ(order[1], "quiet");
}

TEST(WorkerPoolTest, AnOwnerHasItsShareAndNotOneMore) {
  HeldPool held({.queued_max = 100, .owner_jobs_max = 3});
  held.Hold("cms");
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(held.pool_.Submit(Do([] {}, "cms")).ok()) << i;
  const absl::Status refused = held.pool_.Submit(Do([] {}, "cms"));
  EXPECT_EQ(ReasonOf(refused), "TOO_MANY_CALLS_OF_CALLER at ");
  EXPECT_EQ(index::GetErrorDetail(refused)->limit, 3u);
  EXPECT_GT(RetryAfter(refused).count(), 0);
  EXPECT_EQ(held.sheds_.Of(ShedReason::kOwner), 1);
  EXPECT_TRUE(held.pool_.Submit(Do([] {}, "push")).ok());
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(held.pool_.Submit(Do([] {})).ok()) << "nobody's";
}

TEST(WorkerPoolTest, WhatWouldWaitBeyondItsDeadlineIsRefusedAtOnce) {
  HeldPool held({.queued_max = 100});
  held.Teach(milliseconds(20));
  held.Hold();
  Job soon = Do([] {});
  soon.deadline = std::chrono::steady_clock::now() + milliseconds(5);
  const absl::Status refused = held.pool_.Submit(std::move(soon));
  EXPECT_EQ(ReasonOf(refused), "OVERLOADED at ");
  EXPECT_GT(RetryAfter(refused).count(), 0);
  EXPECT_EQ(held.sheds_.Of(ShedReason::kDeadline), 1);
  Job later = Do([] {});
  later.deadline = std::chrono::steady_clock::now() + seconds(60);
  EXPECT_TRUE(held.pool_.Submit(std::move(later)).ok());
}

TEST(WorkerPoolTest, WhatWouldWaitForTooLongIsRefusedAtOnce) {
  HeldPool held({.queued_max = 1'000, .wait_max = milliseconds(100)});
  held.Teach(milliseconds(20));
  held.Hold();
  int accepted = 0;
  absl::Status status;
  while (accepted < 1'000 && (status = held.pool_.Submit({.run = [](const auto&) {}})).ok()) {
    ++accepted;
  }
  EXPECT_EQ(ReasonOf(status), "OVERLOADED at ");
  EXPECT_LE(accepted, 6);  // a job was taught to take 20 ms at least
  EXPECT_EQ(held.sheds_.Of(ShedReason::kWait), 1);
  // Another owner's first one may wait, behind one of each.
  EXPECT_TRUE(held.pool_.Submit({.run = [](const auto&) {}, .owner = "quiet"}).ok());
}

TEST(WorkerPoolTest, WhatHasWaitedForTooLongIsToldSo) {
  CountedSheds sheds;
  absl::Status told;
  {
    std::binary_semaphore held(0);
    WorkerPool pool({.what = "calls", .threads = 1, .observer = &sheds},
                    {.queued_max = 10, .wait_max = milliseconds(1)});
    std::binary_semaphore done(0);
    // It may itself have waited for too long, where the machine is busy.
    EXPECT_TRUE(pool.Submit({.run =
                                 [&](const absl::Status&) {
                                   held.release();
                                   std::this_thread::sleep_for(milliseconds(50));
                                 }})
                    .ok());
    held.acquire();
    EXPECT_TRUE(pool.Submit({.run =
                                 [&](const absl::Status& status) {
                                   told = status;
                                   done.release();
                                 }})
                    .ok());
    done.acquire();
  }
  EXPECT_EQ(ReasonOf(told), "OVERLOADED at ");
  EXPECT_GE(sheds.Of(ShedReason::kWait), 1);
}

// What has waited all through kOverloadWindow is more than can be done: then nothing waits longer
// than the target, but the first of an owner.
TEST(WorkerPoolTest, UnderOverloadAnOwnerWaitsNoLongerThanTheTarget) {
  HeldPool held({.queued_max = 1'000, .wait_target = milliseconds(100)});
  held.Teach(milliseconds(20));
  held.Hold();
  const auto submit = [&] { return held.pool_.Submit({.run = [](const auto&) {}}); };
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(submit().ok()) << "a burst may wait: " << i;
  std::this_thread::sleep_for(kOverloadWindow + milliseconds(50));
  EXPECT_EQ(ReasonOf(submit()), "OVERLOADED at ");
  EXPECT_EQ(held.sheds_.Of(ShedReason::kWait), 1);
  // The first one of another owner may wait.
  EXPECT_TRUE(held.pool_.Submit({.run = [](const auto&) {}, .owner = "quiet"}).ok());
}

TEST(WorkerPoolTest, AJobIsToldThatItIsRefused) {
  HeldPool held({.queued_max = 0});
  held.Hold();
  absl::Status told;
  held.pool_.Run({.run = [&](const absl::Status& status) { told = status; }});
  EXPECT_EQ(ReasonOf(told), "TOO_MANY_CALLS at ");
}

// Calls of clients that have gone take no time, which says nothing of those that are done.
TEST(WorkerPoolTest, WhatNobodyWaitsForDoesNotSayHowLongJobsTake) {
  constexpr milliseconds kJob{10};
  constexpr int kGone = 30;
  HeldPool held({.queued_max = 100});
  held.Teach(kJob);
  held.Hold();
  std::counting_semaphore<> ran(0);
  for (int i = 0; i < kGone; ++i) {
    Job gone = {.run = [&](const auto&) { ran.release(); }, .owner = std::to_string(i)};
    gone.deadline = std::chrono::steady_clock::now() + kJob * kGone * 10;
    EXPECT_TRUE(held.pool_.Submit(std::move(gone)).ok()) << i;
  }
  std::this_thread::sleep_for(kJob * kGone * 11);
  held.Release();
  for (int i = 0; i < kGone; ++i) ran.acquire();
  held.Hold();
  Job next = Do([] {});
  next.deadline = std::chrono::steady_clock::now() + kJob / 2;
  EXPECT_EQ(ReasonOf(held.pool_.Submit(std::move(next))), "OVERLOADED at ");
}

TEST(WorkerPoolTest, BoundsMayChange) {
  HeldPool held({.queued_max = 0});
  held.Hold();
  EXPECT_FALSE(held.pool_.Submit(Do([] {})).ok());
  EXPECT_EQ(held.sheds_.Of(ShedReason::kQueueFull), 1);
  held.pool_.SetBounds({.queued_max = 1});
  EXPECT_TRUE(held.pool_.Submit(Do([] {})).ok());
  EXPECT_FALSE(held.pool_.Submit(Do([] {})).ok());
}

}  // namespace
}  // namespace throng::service
