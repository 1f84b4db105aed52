#include "benchmarks/bench_population.h"

#include <algorithm>
#include <utility>

#include "benchmarks/random.h"
#include "fmt/format.h"

namespace throng::bench {
namespace {

constexpr uint32_t kFirstId = 10'000'000;
constexpr uint64_t kLabelDraws = 9;  // 0 to 8 a user
constexpr uint32_t kRewriteCommits = 8;

uint32_t TagId(size_t tag) { return static_cast<uint32_t>(tag) + 1; }

BenchColumn MakeColumn(uint32_t tag_index, uint32_t users, uint64_t seed) {
  const BenchTag& tag = BenchTags()[tag_index];
  const CellDrawer drawer(tag);
  Random random(seed * 1000 + TagId(tag_index));
  BenchColumn column{.tag = tag};
  if (tag.type == index::TagType::kLabels) {
    column.label_ends.reserve(users);
    column.labels.reserve(size_t{users} * 4);
    for (uint32_t user = 0; user < users; ++user) {
      const uint64_t draws = random.Next() % kLabelDraws;
      drawer.DrawLabels(draws, random, &column.labels);
      column.label_ends.push_back(static_cast<uint32_t>(column.labels.size()));
    }
    return column;
  }
  column.cells = PackedCells(users, tag.bits);
  for (uint32_t user = 0; user < users; ++user) {
    column.cells.Set(user, drawer.Draw(static_cast<double>(user) / users, random));
  }
  return column;
}

index::TagChange ChangeOf(const BenchColumn& column, uint32_t tag, uint32_t first, uint32_t last) {
  index::TagChange change{.tag = tag};
  change.ordinals.reserve(last - first);
  for (uint32_t user = first; user < last; ++user) change.ordinals.push_back(user);
  if (column.tag.type != index::TagType::kLabels) {
    change.cells.reserve(last - first);
    for (uint32_t user = first; user < last; ++user) change.cells.push_back(column.cells[user]);
    return change;
  }
  change.label_ends.reserve(last - first);
  for (uint32_t user = first; user < last; ++user) {
    for (uint32_t i = column.label_begin(user); i < column.label_ends[user]; ++i) {
      change.label_changes.push_back(uint32_t{column.labels[i]} << 1 | 1);
    }
    change.label_ends.push_back(static_cast<uint32_t>(change.label_changes.size()));
  }
  change.replaced.assign(last - first, true);
  return change;
}

index::SnapshotRef DefineTags(index::Parallel& parallel) {
  index::CommitRecord record{.version = 1};
  for (size_t i = 0; i < BenchTags().size(); ++i) {
    const BenchTag& tag = BenchTags()[i];
    record.definitions.push_back({.id = TagId(i), .name = tag.name, .type = tag.type});
    if (tag.values == 0) continue;
    index::NewValues& values = record.new_values.emplace_back();
    values.tag = TagId(i);
    for (uint32_t code = 0; code < tag.values; ++code) {
      values.values.push_back(fmt::format("v{}", code));
    }
  }
  return index::Apply(index::Snapshot(), record, parallel);
}

}  // namespace

std::string BenchId(uint32_t user) { return std::to_string(kFirstId + user); }

BenchPopulation MakeBenchPopulation(uint32_t users, uint64_t seed, index::Parallel& parallel) {
  BenchPopulation population{.users = users};
  const auto tags = static_cast<uint32_t>(BenchTags().size());
  population.columns.resize(tags);
  parallel.For(tags, [&](uint32_t tag, uint32_t) {
    population.columns[tag] = MakeColumn(tag, users, seed);
  });
  population.snapshot = DefineTags(parallel);
  for (uint32_t first = 0; first < users; first += index::kShardSize) {
    const uint32_t last = first + std::min(users - first, index::kShardSize);
    index::CommitRecord batch{.version = population.snapshot->data_version() + 1,
                              .first_ordinal = first};
    for (uint32_t user = first; user < last; ++user) batch.new_users.push_back(BenchId(user));
    batch.tag_changes.resize(tags);
    parallel.For(tags, [&](uint32_t tag, uint32_t) {
      batch.tag_changes[tag] = ChangeOf(population.columns[tag], TagId(tag), first, last);
    });
    population.snapshot = index::Apply(*population.snapshot, batch, parallel);
  }
  return population;
}

RewriteDrawer::RewriteDrawer(uint32_t population_users, uint64_t seed)
    : population_users_(population_users), random_(seed * 1000 + 999) {
  for (const BenchTag& tag : BenchTags()) drawers_.emplace_back(tag);
}

std::vector<uint32_t> RewriteDrawer::DrawUsers(uint32_t count) {
  std::vector<uint32_t> users(count);
  for (uint32_t& user : users) user = static_cast<uint32_t>(random_.Next() % population_users_);
  std::sort(users.begin(), users.end());
  users.erase(std::unique(users.begin(), users.end()), users.end());
  return users;
}

void RewriteDrawer::DrawLabels(uint32_t user, BenchColumn* column, index::TagChange* change) {
  const CellDrawer& drawer = drawers_[change->tag - 1];
  std::vector<uint8_t> codes;
  if (column == nullptr) {
    drawer.DrawLabels(random_.Next() % kLabelDraws, random_, &codes);
  } else {
    const uint32_t first = column->label_begin(user);
    const size_t count = column->label_ends[user] - first;
    while (codes.size() != count) {
      codes.clear();
      drawer.DrawLabels(count, random_, &codes);
    }
    std::copy(codes.begin(), codes.end(), column->labels.begin() + first);
  }
  for (uint8_t code : codes) change->label_changes.push_back(uint32_t{code} << 1 | 1);
  change->label_ends.push_back(static_cast<uint32_t>(change->label_changes.size()));
  change->replaced.push_back(true);
}

index::CommitRecord RewriteDrawer::Draw(const std::vector<uint32_t>& users, uint64_t version,
                                        std::vector<BenchColumn>* columns) {
  index::CommitRecord record{.version = version, .first_ordinal = population_users_};
  for (size_t tag = 0; tag < BenchTags().size(); ++tag) {
    index::TagChange change{.tag = TagId(tag)};
    BenchColumn* column = columns == nullptr ? nullptr : &(*columns)[tag];
    for (uint32_t user : users) {
      if (random_.Next() % 3 != 0) continue;
      change.ordinals.push_back(user);
      if (BenchTags()[tag].type == index::TagType::kLabels) {
        DrawLabels(user, column, &change);
        continue;
      }
      const double position = static_cast<double>(user) / population_users_;
      change.cells.push_back(drawers_[tag].Draw(position, random_));
      if (column != nullptr) column->cells.Set(user, static_cast<uint32_t>(change.cells.back()));
    }
    if (!change.ordinals.empty()) record.tag_changes.push_back(std::move(change));
  }
  return record;
}

void RewriteUsers(double percent, uint64_t seed, index::Parallel& parallel,
                  BenchPopulation* population) {
  RewriteDrawer drawer(population->users, seed);
  const auto count = static_cast<uint32_t>(population->users * percent / 100 / kRewriteCommits);
  for (uint32_t commit = 0; commit < kRewriteCommits; ++commit) {
    const index::CommitRecord record = drawer.Draw(
        drawer.DrawUsers(count), population->snapshot->data_version() + 1, &population->columns);
    population->snapshot = index::Apply(*population->snapshot, record, parallel);
  }
}

}  // namespace throng::bench
