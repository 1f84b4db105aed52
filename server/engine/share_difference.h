// How sure the difference of two crowds' shares is: by chance, it would be so large only rarely.
//
//   const ShareComparison shares({.users = 900, .baseline_users = 100'000, .common = 900}, z);
//   shares.Compare(450, 30'000).low;      // the share is higher by that much at least
//
// Counts are exact. What an interval and a probability say is: would two crowds that were drawn at
// random from the same people differ so? Users in both crowds differ from nobody: the variance of
// the difference is p (1 - p) (1/n + 1/m - 2 c / (n m)) for crowds of n and m users with c in both.
//
// Sources: the interval of a difference from the intervals of its shares, R. G. Newcombe,
// Statistics in Medicine 17 (1998) 873-890 and 2635-2650; that of a share, E. B. Wilson, JASA 22
// (1927) 209-212; the tail of chi-square, E. B. Wilson and M. M. Hilferty, PNAS 17 (1931) 684-688.
//
// Types are values; functions are thread-safe.
#ifndef THRONG_SERVER_ENGINE_SHARE_DIFFERENCE_H_
#define THRONG_SERVER_ENGINE_SHARE_DIFFERENCE_H_

#include <cstdint>

namespace throng::engine {

struct CrowdSizes {
  uint64_t users = 0;
  uint64_t baseline_users = 0;
  uint64_t common = 0;
};

// The shares are those of the crowd less those of the baseline, -1 to 1.
struct ShareDifference {
  double difference = 0;
  double low = 0;  // of the interval, difference included
  double high = 0;
  // How far from 0 it is at least: the bound of the interval that is nearer to 0; 0 where it holds
  // 0.
  double least() const { return low > 0 ? low : high < 0 ? -high : 0; }
};

// How many standard deviations hold a normal variable with `confidence` (0 to 1, neither of them).
double StandardDeviations(double confidence);
// The probability that chi-square with so many degrees of freedom, 1 or more, is `value` or more.
double ChiSquareTail(double value, double degrees);

// Compares counts of two crowds. Without users of one of them everything is 0. Thread-safe.
class ShareComparison {
 public:
  // Intervals reach over `deviations` standard deviations.
  ShareComparison(const CrowdSizes& sizes, double deviations);

  ShareDifference Compare(uint64_t count, uint64_t baseline_count) const;
  // The standard deviation of the difference if there is none but by chance.
  double ChanceDeviation(uint64_t count, uint64_t baseline_count) const;
  // Pearson's summand of chi-square of one value, both crowds' cells.
  double ChiSquare(uint64_t count, uint64_t baseline_count) const;

 private:
  struct Interval {
    double share;
    double below;  // to the lower end
    double above;  // to the upper end
  };
  Interval ShareOf(uint64_t count, uint64_t users) const;
  double Pooled(uint64_t count, uint64_t baseline_count) const;

  const CrowdSizes sizes_;
  const double deviations_;
  double variance_ = 0;     // of the difference, without p (1 - p)
  double correlation_ = 0;  // of the two shares
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_SHARE_DIFFERENCE_H_
