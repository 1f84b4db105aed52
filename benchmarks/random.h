// Random numbers that are the same everywhere and for each seed.
#ifndef THRONG_BENCHMARKS_RANDOM_H_
#define THRONG_BENCHMARKS_RANDOM_H_

#include <cstdint>

namespace throng::bench {

// A small, fast generator whose numbers are the same everywhere (xorshift64*, S. Vigna). A value;
// thread-compatible.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ULL + 1) {}
  uint64_t Next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1dULL;
  }
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

 private:
  uint64_t state_;
};

}  // namespace throng::bench

#endif  // THRONG_BENCHMARKS_RANDOM_H_
