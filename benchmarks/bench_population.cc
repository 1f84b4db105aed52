#include "benchmarks/bench_population.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>
#include <utility>

#include "benchmarks/random.h"
#include "fmt/format.h"

namespace throng::bench {
namespace {

// Draws ranks with probability proportional to 1 / (rank + 1)^exponent.
class Zipf {
 public:
  Zipf(uint32_t values, double exponent) {
    double sum = 0;
    for (uint32_t rank = 0; rank < values; ++rank) {
      sum += 1.0 / std::pow(rank + 1, exponent);
      cumulative_.push_back(sum);
    }
  }
  uint32_t Draw(Random& random) const {
    const double at = random.Uniform() * cumulative_.back();
    return static_cast<uint32_t>(std::lower_bound(cumulative_.begin(), cumulative_.end(), at) -
                                 cumulative_.begin());
  }

 private:
  std::vector<double> cumulative_;
};

struct Shape {
  const char* name;
  index::TagType type;
  uint32_t values;
};

constexpr Shape kShapes[] = {
    {"gender", index::TagType::kCategory, 3},
    {"age_band", index::TagType::kCategory, 8},
    {"city", index::TagType::kCategory, 300},
    {"device", index::TagType::kCategory, 5},
    {"membership", index::TagType::kCategory, 5},
    {"product_type", index::TagType::kCategory, 20},
    {"channel", index::TagType::kCategory, 50},
    {"interests", index::TagType::kLabels, 200},
    {"is_graduate", index::TagType::kFlag, 0},
    {"lease_expiring", index::TagType::kFlag, 0},
    {"last_active_days", index::TagType::kInteger, 0},
    {"views_7d", index::TagType::kInteger, 0},
    {"spend", index::TagType::kInteger, 0},
};

// Ranks shift along the id axis, so that neighbours are alike.
uint32_t Drift(uint32_t rank, uint32_t values, double position, Random& random) {
  if (random.Uniform() < 0.3) return rank;
  return (rank + static_cast<uint32_t>(position * values / 3)) % values;
}

int32_t DrawCell(const Shape& shape, double position, const Zipf& zipf, Random& random) {
  const std::string_view name = shape.name;
  if (name == "is_graduate") return random.Uniform() < 0.02;
  if (name == "lease_expiring") return random.Uniform() < 0.007;
  if (name == "last_active_days") return static_cast<int32_t>(366 * std::pow(random.Uniform(), 2));
  if (name == "views_7d") {
    return std::min(100, static_cast<int32_t>(1.2 / std::pow(1 - random.Uniform(), 0.8) - 1.2));
  }
  if (name == "spend") {
    const double normal = std::sqrt(-2 * std::log(1 - random.Uniform())) *
                          std::cos(6.283185307179586 * random.Uniform());
    return std::min(100'000, static_cast<int32_t>(std::exp(6.5 + 1.6 * normal)));
  }
  const uint32_t rank = zipf.Draw(random);
  const bool drifts = name == "city" || name == "channel";
  return static_cast<int32_t>(drifts ? Drift(rank, shape.values, position, random) : rank);
}

void FillLabels(uint32_t users, Random& random, BenchColumn* column) {
  const Zipf zipf(column->values, 0.7);
  for (uint32_t user = 0; user < users; ++user) {
    const auto begin = static_cast<ptrdiff_t>(column->labels.size());
    for (uint64_t i = random.Next() % 9; i > 0; --i) {
      column->labels.push_back(static_cast<uint8_t>(zipf.Draw(random)));
    }
    std::sort(column->labels.begin() + begin, column->labels.end());
    column->labels.erase(std::unique(column->labels.begin() + begin, column->labels.end()),
                         column->labels.end());
    column->label_ends.push_back(static_cast<uint32_t>(column->labels.size()));
  }
}

BenchColumn MakeColumn(const Shape& shape, uint32_t id, uint32_t users, uint64_t seed) {
  BenchColumn column{.definition = {.id = id, .name = shape.name, .type = shape.type},
                     .values = shape.values};
  Random random(seed * 1000 + id);
  if (shape.type == index::TagType::kLabels) {
    FillLabels(users, random, &column);
    return column;
  }
  const Zipf zipf(std::max(1u, shape.values), 1.1);
  column.cells.reserve(users);
  for (uint32_t user = 0; user < users; ++user) {
    column.cells.push_back(DrawCell(shape, static_cast<double>(user) / users, zipf, random));
  }
  return column;
}

index::TagChange ChangeOf(const BenchColumn& column, uint32_t first, uint32_t last) {
  index::TagChange change{.tag = column.definition.id};
  for (uint32_t user = first; user < last; ++user) change.ordinals.push_back(user);
  if (column.definition.type != index::TagType::kLabels) {
    change.cells.assign(column.cells.begin() + first, column.cells.begin() + last);
    return change;
  }
  for (uint32_t user = first; user < last; ++user) {
    for (uint32_t i = user == 0 ? 0 : column.label_ends[user - 1]; i < column.label_ends[user];
         ++i) {
      change.label_changes.push_back(uint32_t{column.labels[i]} << 1 | 1);
    }
    change.label_ends.push_back(static_cast<uint32_t>(change.label_changes.size()));
  }
  change.replaced.assign(last - first, true);
  return change;
}

}  // namespace

const BenchColumn& BenchPopulation::column(const std::string& name) const {
  for (const BenchColumn& column : columns) {
    if (column.definition.name == name) return column;
  }
  fmt::print(stderr, "there is no column {}\n", name);
  std::abort();
}

BenchPopulation MakeBenchPopulation(uint32_t users, uint64_t seed) {
  BenchPopulation population{.users = users};
  index::CommitRecord record{.version = 1};
  uint32_t id = 0;
  for (const Shape& shape : kShapes) {
    population.columns.push_back(MakeColumn(shape, ++id, users, seed));
    record.definitions.push_back(population.columns.back().definition);
    index::NewValues values{.tag = id};
    for (uint32_t code = 0; code < shape.values; ++code) {
      values.values.push_back(fmt::format("v{}", code));
    }
    if (shape.values > 0) record.new_values.push_back(std::move(values));
  }
  index::Parallel parallel(2);
  population.snapshot = index::Apply(index::Snapshot(), record, parallel);
  for (uint32_t first = 0; first < users; first += index::kShardSize) {
    const uint32_t last = std::min(users, first + index::kShardSize);
    index::CommitRecord batch{.version = population.snapshot->data_version() + 1,
                              .first_ordinal = first};
    for (uint32_t user = first; user < last; ++user) {
      batch.new_users.push_back(std::to_string(10'000'000 + user));
    }
    for (const BenchColumn& column : population.columns) {
      batch.tag_changes.push_back(ChangeOf(column, first, last));
    }
    population.snapshot = index::Apply(*population.snapshot, batch, parallel);
  }
  return population;
}

}  // namespace throng::bench
