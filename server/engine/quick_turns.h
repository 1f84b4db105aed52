// How much of the machine is given to work on threads that are not meant for it.
//
//   QuickTurns turns(std::thread::hardware_concurrency());
//   const QuickTurns::Turn turn(turns);
//   if (turn.is_mine()) ...   // its time counts until it is destroyed
//
// Half as many at once as there are cores, and in a window of kQuickWindow for not longer than
// kQuickPercent of that: such work is not refused where there is too much to do, so it must not
// take the time in which everything else is.
#ifndef THRONG_SERVER_ENGINE_QUICK_TURNS_H_
#define THRONG_SERVER_ENGINE_QUICK_TURNS_H_

#include <atomic>
#include <chrono>
#include <cstdint>

namespace throng::engine {

inline constexpr std::chrono::milliseconds kQuickWindow{100};
inline constexpr int64_t kQuickPercent = 40;

// Thread-safe.
class QuickTurns {
 public:
  using Clock = std::chrono::steady_clock;

  explicit QuickTurns(uint32_t cores);

  // Of the thread that makes it. `turns` must outlive it.
  class Turn {
   public:
    explicit Turn(QuickTurns& turns, Clock::time_point now = Clock::now());
    ~Turn() { End(Clock::now()); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    bool is_mine() const { return is_mine_; }
    // Its time ends here. Once.
    void End(Clock::time_point now);

   private:
    QuickTurns& turns_;
    const Clock::time_point begun_;
    const bool is_mine_;
    bool has_ended_ = false;
  };

 private:
  bool Take(Clock::time_point now);

  const int64_t running_max_;
  std::atomic<int64_t> running_{0};
  // Threads that begin a window at once may forget each other's time: what is bounded is a share.
  std::atomic<int64_t> window_{0};   // its number
  std::atomic<int64_t> used_ns_{0};  // in it
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_QUICK_TURNS_H_
