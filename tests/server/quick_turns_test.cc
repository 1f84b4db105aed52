#include "server/engine/quick_turns.h"

#include <chrono>
#include <optional>

#include "gtest/gtest.h"

namespace throng::engine {
namespace {

using std::chrono::milliseconds;
using Clock = QuickTurns::Clock;

Clock::time_point At(int ms) { return Clock::time_point(1'000 * kQuickWindow + milliseconds(ms)); }

TEST(QuickTurnsTest, HalfAsManyAtOnceAsThereAreCores) {
  QuickTurns turns(4);
  const QuickTurns::Turn first(turns, At(0));
  std::optional<QuickTurns::Turn> second;
  second.emplace(turns, At(0));
  EXPECT_TRUE(first.is_mine());
  EXPECT_TRUE(second->is_mine());
  EXPECT_FALSE(QuickTurns::Turn(turns, At(0)).is_mine());
  second->End(At(0));
  EXPECT_TRUE(QuickTurns::Turn(turns, At(0)).is_mine());
}

TEST(QuickTurnsTest, OneOfOneCore) {
  QuickTurns turns(1);
  const QuickTurns::Turn first(turns, At(0));
  EXPECT_TRUE(first.is_mine());
  EXPECT_FALSE(QuickTurns::Turn(turns, At(0)).is_mine());
}

// 40 ms of each 100, of one core.
TEST(QuickTurnsTest, AShareOfTheTime) {
  QuickTurns turns(2);
  const auto use = [&](int from, int until) {
    QuickTurns::Turn turn(turns, At(from));
    turn.End(At(until));
    return turn.is_mine();
  };
  EXPECT_TRUE(use(0, 39));
  EXPECT_TRUE(use(39, 45)) << "the last one may take longer";
  EXPECT_FALSE(use(45, 50));
  EXPECT_FALSE(use(99, 99));
  EXPECT_TRUE(use(100, 140));
  EXPECT_FALSE(use(140, 140));
  EXPECT_TRUE(use(10'000, 10'000)) << "after a long while";
}

}  // namespace
}  // namespace throng::engine
