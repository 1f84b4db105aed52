#include "server/service/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <semaphore>
#include <thread>
#include <vector>

#include "tests/service/status_matchers.h"

namespace throng::service {
namespace {

TEST(WorkerPoolTest, RunsAsManyJobsAtOnceAsItHasThreads) {
  std::counting_semaphore<> arrived(0);
  std::counting_semaphore<> go(0);
  WorkerPool pool("calls", 3, 0);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(pool.Submit([&] {
                      arrived.release();
                      go.acquire();
                    })
                    .ok());
  }
  for (int i = 0; i < 3; ++i) arrived.acquire();  // hangs if they do not run at the same time
  go.release(3);
}

TEST(WorkerPoolTest, RefusesOneMoreThanRunAndWait) {
  std::counting_semaphore<> go(0);
  std::atomic<int> ran{0};
  {
    WorkerPool pool("calls", 1, 2);
    const auto job = [&] {
      go.acquire();
      ++ran;
    };
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(pool.Submit(job).ok()) << i;
    const absl::Status refused = pool.Submit(job);
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
    WorkerPool pool("calls", 2, 10'000);
    std::vector<std::thread> submitters;
    for (int t = 0; t < 4; ++t) {
      submitters.emplace_back([&] {
        for (int i = 0; i < 1'000; ++i) {
          if (pool.Submit([&] { ++ran; }).ok()) ++accepted;
        }
      });
    }
    for (std::thread& submitter : submitters) submitter.join();
  }
  EXPECT_EQ(ran, accepted);
  EXPECT_EQ(accepted, 4'000);
}

TEST(WorkerPoolTest, ForgetsAJobBeforeItTakesTheNext) {
  WorkerPool pool("calls", 1, 0);
  auto held = std::make_shared<int>(1);
  std::weak_ptr<int> watched = held;
  ASSERT_TRUE(pool.Submit([held = std::move(held)] {}).ok());
  while (!pool.Submit([] {}).ok()) std::this_thread::yield();
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace throng::service
