#include "query/sample_interval.h"

#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>

namespace throng::query {
namespace {

double LogChoose(double n, double k) {
  return boost::math::lgamma(n + 1) - boost::math::lgamma(k + 1) - boost::math::lgamma(n - k + 1);
}

// How likely it is that at most `some` of `read` chunks have somebody, when `with` of all have: the
// lower tail of the hypergeometric distribution. Boost's own goes through the primes below the
// number of chunks, which takes longer than the count. REQUIRES: read - some of all have nobody.
double LikelihoodOf(uint32_t some, uint32_t with, uint32_t read, uint32_t chunks) {
  const uint32_t without = chunks - with;
  const uint32_t first = read > without ? read - without : 0;
  // Of exactly `seen`; each is the one before times a ratio.
  double likelihood =
      std::exp(LogChoose(with, first) + LogChoose(without, read - first) - LogChoose(chunks, read));
  double sum = 0;
  for (uint32_t seen = first; seen <= some && seen <= with; ++seen) {
    sum += likelihood;
    likelihood *= static_cast<double>(with - seen) * (read - seen) /
                  (static_cast<double>(seen + 1) * (without + seen + 1.0 - read));
  }
  return sum;
}

// The most chunks that can hold somebody when `some` of `read` do: with more, so few among those
// read would be less likely than half of 1 - confidence.
uint32_t ChunksMax(uint32_t some, uint32_t read, uint32_t chunks, double confidence) {
  uint32_t least = some;                 // likely enough
  uint32_t most = chunks - read + some;  // as many as are possible at all
  while (least < most) {
    const uint32_t middle = least + (most - least + 1) / 2;
    if (LikelihoodOf(some, middle, read, chunks) >= (1 - confidence) / 2) {
      least = middle;
    } else {
      most = middle - 1;
    }
  }
  return least;
}

struct Ends {
  double low = 0;
  double high = 0;
};

// Of users picked one by one. `z` is the quantile of the normal distribution.
Ends WilsonEnds(uint64_t found, const SampleFrame& frame, double z) {
  const auto users = static_cast<double>(frame.users);
  const auto looked_at = static_cast<double>(frame.looked_at);
  const double share = static_cast<double>(found) / looked_at;
  // As many users as would tell as much, were they picked from infinitely many.
  const double n = looked_at * (users - 1) / (users - looked_at);
  const double middle = (share + z * z / (2 * n)) / (1 + z * z / n);
  const double half =
      z / (1 + z * z / n) * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  return {(middle - half) * users, (middle + half) * users};
}

// Rounds outwards, into [least, most].
uint64_t Clip(double value, uint64_t least, uint64_t most) {
  if (!(value > static_cast<double>(least))) return least;
  return value < static_cast<double>(most) ? static_cast<uint64_t>(value) : most;
}

}  // namespace

void SampleTally::Merge(const SampleTally& other) {
  found += other.found;
  squares += other.squares;
  products += other.products;
  most = std::max(most, other.most);
  most_missing = std::max(most_missing, other.most_missing);
  some += other.some;
  whole += other.whole;
}

SampleIntervals::SampleIntervals(const SampleFrame& frame, double confidence)
    : frame_(frame), confidence_(confidence) {
  const double middle_and_below = 0.5 + confidence / 2;
  if (!frame.by_chunks) {
    quantile_ = boost::math::quantile(boost::math::normal(), middle_and_below);
    return;
  }
  const auto read = static_cast<uint32_t>(frame.chunks.size());
  quantile_ = boost::math::quantile(boost::math::students_t(read - 1), middle_and_below);
}

uint32_t SampleIntervals::ChunksMaxOf(uint32_t some) const {
  std::optional<uint32_t>& known = chunks_max_[some];
  if (!known.has_value()) {
    known = ChunksMax(some, static_cast<uint32_t>(frame_.chunks.size()), frame_.chunk_count,
                      confidence_);
  }
  return *known;
}

uint64_t SampleIntervals::EstimateOf(uint64_t found) const {
  if (frame_.looked_at == 0) return 0;
  __extension__ using Uint128 = unsigned __int128;
  return static_cast<uint64_t>((Uint128{found} * frame_.users * 2 + frame_.looked_at) /
                               (Uint128{frame_.looked_at} * 2));
}

SampleInterval SampleIntervals::Of(const SampleTally& tally) const {
  if (frame_.looked_at == 0) return {.estimate = 0, .low = 0, .high = frame_.users};
  const uint64_t least = tally.found;
  const uint64_t most = frame_.users - (frame_.looked_at - tally.found);
  if (frame_.looked_at == frame_.users) return {.estimate = least, .low = least, .high = most};
  const Ends ends =
      frame_.by_chunks
          ? Ends{static_cast<double>(frame_.users) - UpperEnd(Complement(tally)), UpperEnd(tally)}
          : WilsonEnds(tally.found, frame_, quantile_);
  const uint64_t estimate = std::clamp(EstimateOf(tally.found), least, most);
  return {.estimate = estimate,
          .low = std::min(estimate, Clip(std::floor(ends.low), least, most)),
          .high = std::max(estimate, Clip(std::ceil(ends.high), least, most))};
}

// What is not found: the same chunks, everybody else.
SampleTally SampleIntervals::Complement(const SampleTally& tally) const {
  const auto read = static_cast<uint32_t>(frame_.chunks.size());
  return {.found = frame_.looked_at - tally.found,
          .squares = frame_.squares - 2 * tally.products + tally.squares,
          .products = frame_.squares - tally.products,
          .most = tally.some < read ? frame_.largest : tally.most_missing,
          .some = read - tally.whole,
          .whole = read - tally.some};
}

// The upper end of a count of chunks.
double SampleIntervals::UpperEnd(const SampleTally& tally) const {
  const auto read = static_cast<double>(frame_.chunks.size());
  const auto chunks = static_cast<double>(frame_.chunk_count);
  const auto found = static_cast<double>(tally.found);
  const double ratio = found / static_cast<double>(frame_.looked_at);
  const double spread = static_cast<double>(tally.squares) -
                        2 * ratio * static_cast<double>(tally.products) +
                        ratio * ratio * static_cast<double>(frame_.squares);
  const double variance =
      chunks * chunks * (1 - read / chunks) / read * std::max(0.0, spread) / (read - 1);
  const double upper = ratio * static_cast<double>(frame_.users) + quantile_ * std::sqrt(variance);
  if (tally.some >= kChunksOfNormal) return upper;
  const uint64_t each = tally.found == 0 ? frame_.largest : tally.most;
  const uint64_t elsewhere = uint64_t{ChunksMaxOf(tally.some) - tally.some} * each;
  return std::max(upper, found + static_cast<double>(elsewhere));
}

}  // namespace throng::query
