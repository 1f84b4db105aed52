#include "query/sample_interval.h"

#include <boost/math/distributions/hypergeometric.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

namespace throng::query {
namespace {

// The most chunks that can hold somebody when `some` of `read` do: with more, so few among those
// read would be less likely than half of 1 - confidence.
uint32_t ChunksMax(uint32_t some, uint32_t read, uint32_t chunks, double confidence) {
  const double unlikely = (1 - confidence) / 2;
  uint32_t least = some;                 // likely enough
  uint32_t most = chunks - read + some;  // as many as are possible at all
  while (least < most) {
    const uint32_t middle = least + (most - least + 1) / 2;
    const boost::math::hypergeometric seen(middle, read, chunks);
    if (boost::math::cdf(seen, some) >= unlikely) {
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

SampleIntervals::SampleIntervals(const SampleFrame& frame, double confidence) : frame_(frame) {
  const double middle_and_below = 0.5 + confidence / 2;
  if (!frame.by_chunks) {
    quantile_ = boost::math::quantile(boost::math::normal(), middle_and_below);
    return;
  }
  const auto read = static_cast<uint32_t>(frame.chunks.size());
  quantile_ = boost::math::quantile(boost::math::students_t(read - 1), middle_and_below);
  for (uint32_t some = 0; some < std::min(kChunksOfNormal, read); ++some) {
    chunks_max_.push_back(ChunksMax(some, read, frame.chunk_count, confidence));
  }
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
  if (tally.some >= chunks_max_.size()) return upper;
  const uint64_t each = tally.found == 0 ? frame_.largest : tally.most;
  const uint64_t elsewhere = (chunks_max_[tally.some] - tally.some) * each;
  return std::max(upper, found + static_cast<double>(elsewhere));
}

}  // namespace throng::query
