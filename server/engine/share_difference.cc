#include "server/engine/share_difference.h"

#include <algorithm>
#include <cmath>

namespace throng::engine {
namespace {

// The probability that a normal variable is so many standard deviations above its mean, or more.
double NormalTail(double deviations) { return std::erfc(deviations / std::sqrt(2.0)) / 2; }

}  // namespace

double StandardDeviations(double confidence) {
  const double tail = (1 - confidence) / 2;
  double low = 0;
  double high = 40;
  for (int i = 0; i < 80; ++i) {
    const double middle = (low + high) / 2;
    (NormalTail(middle) > tail ? low : high) = middle;
  }
  return (low + high) / 2;
}

double ChiSquareTail(double value, double degrees) {
  if (value <= 0) return 1;
  if (degrees == 1) return 2 * NormalTail(std::sqrt(value));
  const double spread = 2 / (9 * degrees);
  return NormalTail((std::cbrt(value / degrees) - (1 - spread)) / std::sqrt(spread));
}

ShareComparison::ShareComparison(const CrowdSizes& sizes, double deviations)
    : sizes_(sizes), deviations_(deviations) {
  if (sizes.users == 0 || sizes.baseline_users == 0) return;
  const auto n = static_cast<double>(sizes.users);
  const auto m = static_cast<double>(sizes.baseline_users);
  const auto common = static_cast<double>(sizes.common);
  variance_ = std::max(0.0, 1 / n + 1 / m - 2 * common / (n * m));
  correlation_ = std::min(1.0, common / std::sqrt(n * m));
}

ShareComparison::Interval ShareComparison::ShareOf(uint64_t count, uint64_t users) const {
  const auto n = static_cast<double>(users);
  const double share = static_cast<double>(count) / n;
  const double z = deviations_;
  const double middle = (share + z * z / (2 * n)) / (1 + z * z / n);
  const double half =
      z / (1 + z * z / n) * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  return {share, std::max(0.0, share - std::max(0.0, middle - half)),
          std::max(0.0, std::min(1.0, middle + half) - share)};
}

ShareDifference ShareComparison::Compare(uint64_t count, uint64_t baseline_count) const {
  if (sizes_.users == 0 || sizes_.baseline_users == 0) return {};
  const Interval crowd = ShareOf(count, sizes_.users);
  const Interval baseline = ShareOf(baseline_count, sizes_.baseline_users);
  const auto reach = [&](double a, double b) {
    return std::sqrt(std::max(0.0, a * a + b * b - 2 * correlation_ * a * b));
  };
  const double difference = crowd.share - baseline.share;
  return {.difference = difference,
          .low = std::max(-1.0, difference - reach(crowd.below, baseline.above)),
          .high = std::min(1.0, difference + reach(crowd.above, baseline.below))};
}

double ShareComparison::Pooled(uint64_t count, uint64_t baseline_count) const {
  return static_cast<double>(count + baseline_count) /
         static_cast<double>(sizes_.users + sizes_.baseline_users);
}

double ShareComparison::ChanceDeviation(uint64_t count, uint64_t baseline_count) const {
  if (variance_ == 0) return 0;
  const double share = Pooled(count, baseline_count);
  return std::sqrt(share * (1 - share) * variance_);
}

double ShareComparison::ChiSquare(uint64_t count, uint64_t baseline_count) const {
  if (variance_ == 0 || count + baseline_count == 0) return 0;
  const double difference =
      static_cast<double>(count) / static_cast<double>(sizes_.users) -
      static_cast<double>(baseline_count) / static_cast<double>(sizes_.baseline_users);
  return difference * difference / (Pooled(count, baseline_count) * variance_);
}

}  // namespace throng::engine
