#include "server/service/overload_state.h"

#include <gtest/gtest.h>

#include <chrono>

namespace throng::service {
namespace {

using std::chrono::milliseconds;

constexpr OverloadState::TimePoint kStart{};

TEST(OverloadStateTest, ABurstIsNone) {
  OverloadState state;
  state.NoteQueue(true, kStart);
  EXPECT_FALSE(state.IsOverloaded(kStart + kOverloadWindow - milliseconds(1)));
  state.NoteQueue(false, kStart + kOverloadWindow - milliseconds(1));
  state.NoteQueue(true, kStart + kOverloadWindow);
  EXPECT_FALSE(state.IsOverloaded(kStart + 2 * kOverloadWindow - milliseconds(1)));
}

TEST(OverloadStateTest, AQueueThatNeverEmptiesIs) {
  OverloadState state;
  for (int ms = 0; ms < kOverloadWindow.count(); ms += 10) {
    state.NoteQueue(true, kStart + milliseconds(ms));
    EXPECT_FALSE(state.IsOverloaded(kStart + milliseconds(ms)));
  }
  EXPECT_TRUE(state.IsOverloaded(kStart + kOverloadWindow));
}

// Of `offered` calls in a window, `refused`: whether it goes on.
bool GoesOn(int offered, int refused) {
  OverloadState state;
  state.Enter(kStart);
  for (int i = 0; i < offered; ++i) {
    state.NoteDecision(i < refused, kStart + milliseconds(1));
    state.NoteQueue(false, kStart + milliseconds(1));
  }
  EXPECT_TRUE(state.IsOverloaded(kStart + kOverloadWindow - milliseconds(1)));
  return state.IsOverloaded(kStart + kOverloadWindow);
}

TEST(OverloadStateTest, EndsWhenFewAreRefused) {
  EXPECT_FALSE(GoesOn(0, 0));
  EXPECT_FALSE(GoesOn(80, 0));
  EXPECT_FALSE(GoesOn(80, 10));
  EXPECT_TRUE(GoesOn(80, 11));
  EXPECT_TRUE(GoesOn(400, 300));
}

TEST(OverloadStateTest, EachWindowIsCountedAnew) {
  OverloadState state;
  state.Enter(kStart);
  for (int i = 0; i < 100; ++i) state.NoteDecision(true, kStart);
  EXPECT_TRUE(state.IsOverloaded(kStart + kOverloadWindow));
  for (int i = 0; i < 100; ++i) state.NoteDecision(false, kStart + kOverloadWindow);
  EXPECT_FALSE(state.IsOverloaded(kStart + 2 * kOverloadWindow));
}

TEST(OverloadStateTest, BeginsAnewAfterItEnded) {
  OverloadState state;
  state.NoteQueue(true, kStart);
  state.Enter(kStart);
  EXPECT_FALSE(state.IsOverloaded(kStart + kOverloadWindow));  // nothing was refused
  EXPECT_FALSE(state.IsOverloaded(kStart + 2 * kOverloadWindow - milliseconds(1)));
  EXPECT_TRUE(state.IsOverloaded(kStart + 2 * kOverloadWindow));
}

}  // namespace
}  // namespace throng::service
