#include "index/parallel.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

namespace throng::index {
namespace {

TEST(ParallelTest, RunsEachPieceOnce) {
  for (uint32_t threads : {1u, 2u, 5u}) {
    for (int nice : {0, 10}) {
      Parallel parallel(threads, nice);
      for (uint32_t count : {0u, 1u, 2u, 1000u}) {
        std::vector<std::atomic<int>> done(count);
        parallel.For(count, [&](uint32_t i, uint32_t worker) {
          ASSERT_LT(worker, threads);
          ++done[i];
        });
        for (const auto& times : done) ASSERT_EQ(times.load(), 1);
      }
    }
  }
}

// The caller of a pool that stands back only waits: it is not slowed down itself.
TEST(ParallelTest, AnythingThatStandsBackRunsOnTheWorkers) {
  const std::thread::id caller = std::this_thread::get_id();
  for (uint32_t count : {1u, 50u}) {
    Parallel parallel(2, /*nice=*/5);
    std::atomic<int> on_caller{0};
    std::atomic<int> wrong_nice{0};
    parallel.For(count, [&](uint32_t, uint32_t) {
      on_caller += std::this_thread::get_id() == caller;
      wrong_nice += getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())) < 5;
    });
    EXPECT_EQ(on_caller.load(), 0);
    EXPECT_EQ(wrong_nice.load(), 0);
  }
}

// Even when no worker is free: the one that calls does the work itself.
TEST(ParallelTest, WorkMayCallForInTurn) {
  for (const int nice : {0, 5}) {
    for (const uint32_t threads : {1u, 3u}) {
      Parallel parallel(threads, nice);
      std::atomic<int> done{0};
      std::atomic<int> clashes{0};
      parallel.For(4, [&](uint32_t, uint32_t) {
        std::vector<std::atomic<int>> busy(threads);
        parallel.For(100, [&](uint32_t, uint32_t worker) {
          if (busy[worker].fetch_add(1) != 0) ++clashes;
          parallel.For(1, [&](uint32_t, uint32_t) { ++done; });
          busy[worker].fetch_sub(1);
        });
      });
      EXPECT_EQ(done.load(), 400);
      EXPECT_EQ(clashes.load(), 0);
    }
  }
}

TEST(ParallelTest, FewCellsStayWithTheCaller) {
  const std::thread::id caller = std::this_thread::get_id();
  Parallel parallel(2, /*nice=*/5);
  std::atomic<int> on_caller{0};
  const auto note = [&](uint32_t, uint32_t) { on_caller += std::this_thread::get_id() == caller; };
  parallel.ForCells(3, 512, note);
  EXPECT_EQ(on_caller.load(), 3);
  parallel.ForCells(3, 513, note);
  EXPECT_EQ(on_caller.load(), 3);
}

TEST(ParallelTest, WhatIsThrownReachesTheCaller) {
  for (int nice : {0, 5}) {
    Parallel parallel(2, nice);
    std::atomic<int> done{0};
    const auto fail = [&](uint32_t i, uint32_t) {
      ++done;
      if (i % 10 == 3) throw std::runtime_error("3");
    };
    EXPECT_THROW(parallel.For(50, fail), std::runtime_error);
    EXPECT_EQ(done.load(), 50) << "the others run";
    parallel.For(5, [&](uint32_t, uint32_t) { ++done; });
    EXPECT_EQ(done.load(), 55) << "and the pool goes on";
  }
}

TEST(ParallelTest, ManyCallersShareTheWorkers) {
  Parallel parallel(3);
  std::atomic<uint64_t> sum{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 8; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        parallel.For(20, [&](uint32_t i, uint32_t) { sum += i; });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(sum.load(), 8u * 200u * 190u);
}

TEST(ParallelTest, AWorkerNumberIsNeverUsedTwiceAtOnce) {
  Parallel parallel(4);
  std::vector<std::atomic<int>> busy(4);
  std::atomic<int> clashes{0};
  parallel.For(2000, [&](uint32_t, uint32_t worker) {
    if (busy[worker].fetch_add(1) != 0) ++clashes;
    std::this_thread::yield();
    busy[worker].fetch_sub(1);
  });
  EXPECT_EQ(clashes.load(), 0);
}

}  // namespace
}  // namespace throng::index
