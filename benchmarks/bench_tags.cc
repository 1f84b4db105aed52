#include "benchmarks/bench_tags.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>

#include "fmt/format.h"

namespace throng::bench {

const std::vector<BenchTag>& BenchTags() {
  using index::TagType;
  static const auto& tags = *new std::vector<BenchTag>{
      {"gender", TagType::kCategory, 3, 2},          {"age_band", TagType::kCategory, 8, 3},
      {"city", TagType::kCategory, 300, 9},          {"device", TagType::kCategory, 5, 3},
      {"membership", TagType::kCategory, 5, 3},      {"product_type", TagType::kCategory, 20, 5},
      {"channel", TagType::kCategory, 50, 6},        {"interests", TagType::kLabels, 200, 8},
      {"is_graduate", TagType::kFlag, 0, 1},         {"lease_expiring", TagType::kFlag, 0, 1},
      {"last_active_days", TagType::kInteger, 0, 9}, {"views_7d", TagType::kInteger, 0, 7},
      {"spend", TagType::kInteger, 0, 17},
  };
  return tags;
}

uint32_t BenchTagIndex(const std::string& name) {
  for (uint32_t i = 0; i < BenchTags().size(); ++i) {
    if (BenchTags()[i].name == name) return i;
  }
  fmt::print(stderr, "there is no tag {}\n", name);
  std::abort();
}

CellDrawer::CellDrawer(const BenchTag& tag)
    : values_(std::max(1u, tag.values)), draw_(DrawOf(tag.name)) {
  const double exponent = tag.type == index::TagType::kLabels ? 0.7 : 1.1;
  double sum = 0;
  for (uint32_t rank = 0; rank < values_; ++rank) {
    sum += 1.0 / std::pow(rank + 1, exponent);
    cumulative_.push_back(sum);
  }
}

CellDrawer::DrawCell CellDrawer::DrawOf(const std::string& name) {
  if (name == "city" || name == "channel") return &CellDrawer::DrawDrifting;
  if (name == "is_graduate") return &CellDrawer::DrawGraduate;
  if (name == "lease_expiring") return &CellDrawer::DrawLeaseExpiring;
  if (name == "last_active_days") return &CellDrawer::DrawLastActive;
  if (name == "views_7d") return &CellDrawer::DrawViews;
  if (name == "spend") return &CellDrawer::DrawSpend;
  return &CellDrawer::DrawRank;
}

// Ranks with probability proportional to 1 / (rank + 1)^exponent.
uint32_t CellDrawer::Rank(Random& random) const {
  const double at = random.Uniform() * cumulative_.back();
  return static_cast<uint32_t>(std::lower_bound(cumulative_.begin(), cumulative_.end(), at) -
                               cumulative_.begin());
}

uint32_t CellDrawer::DrawRank(double /*position*/, Random& random) const { return Rank(random); }

// Ranks shift along the id axis, so that neighbours are alike.
uint32_t CellDrawer::DrawDrifting(double position, Random& random) const {
  const uint32_t rank = Rank(random);
  if (random.Uniform() < 0.3) return rank;
  return (rank + static_cast<uint32_t>(position * values_ / 3)) % values_;
}

uint32_t CellDrawer::DrawGraduate(double /*position*/, Random& random) const {
  return random.Uniform() < 0.02 ? 1 : 0;
}

uint32_t CellDrawer::DrawLeaseExpiring(double /*position*/, Random& random) const {
  return random.Uniform() < 0.007 ? 1 : 0;
}

uint32_t CellDrawer::DrawLastActive(double /*position*/, Random& random) const {
  return static_cast<uint32_t>(366 * std::pow(random.Uniform(), 2));
}

uint32_t CellDrawer::DrawViews(double /*position*/, Random& random) const {
  return static_cast<uint32_t>(std::min(100.0, 1.2 / std::pow(1 - random.Uniform(), 0.8) - 1.2));
}

uint32_t CellDrawer::DrawSpend(double /*position*/, Random& random) const {
  const double normal = std::sqrt(-2 * std::log(1 - random.Uniform())) *
                        std::cos(6.283185307179586 * random.Uniform());
  return static_cast<uint32_t>(std::min(100'000.0, std::exp(6.5 + 1.6 * normal)));
}

void CellDrawer::DrawLabels(uint64_t draws, Random& random, std::vector<uint8_t>* codes) const {
  const auto begin = static_cast<ptrdiff_t>(codes->size());
  for (uint64_t i = draws; i > 0; --i) codes->push_back(static_cast<uint8_t>(Rank(random)));
  std::sort(codes->begin() + begin, codes->end());
  codes->erase(std::unique(codes->begin() + begin, codes->end()), codes->end());
}

}  // namespace throng::bench
