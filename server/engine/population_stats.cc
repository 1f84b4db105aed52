#include "server/engine/population_stats.h"

#include <algorithm>
#include <utility>

namespace throng::engine {
namespace {

TagStats StatsOf(const index::Snapshot& snapshot, const index::TagEntry& entry) {
  const index::TagDefinition& definition = entry.definition;
  TagStats stats{.tag = definition.name,
                 .type = definition.type,
                 .value_count = entry.values->size() - entry.values->dropped(),
                 .memory = index::MemoryOf(snapshot, definition.id)};
  const index::TagContent* content = snapshot.content(definition.id);
  if (content == nullptr) return stats;
  stats.user_count = definition.type == index::TagType::kFlag ? content->ValueCardinality(0)
                                                              : content->ExistsCardinality();
  return stats;
}

// So many more versions are noted before those that are gone are looked for.
constexpr size_t kNotedMore = 64;

}  // namespace

void OlderSnapshots::Note(const index::SnapshotRef& snapshot, int64_t now_us) {
  if (older_.size() >= 2 * looked_at_ + kNotedMore) {
    std::erase_if(older_, [](const Older& older) { return older.snapshot.expired(); });
    looked_at_ = older_.size();
  }
  older_.push_back({.snapshot = snapshot, .replaced_us = now_us});
}

std::chrono::microseconds OlderSnapshots::Collect(
    int64_t now_us, std::vector<index::SnapshotRef>* snapshots) const {
  std::chrono::microseconds age{0};
  for (auto older = older_.rbegin(); older != older_.rend(); ++older) {
    index::SnapshotRef snapshot = older->snapshot.lock();
    if (snapshot == nullptr) continue;
    snapshots->push_back(std::move(snapshot));
    age = std::chrono::microseconds(std::max(now_us - older->replaced_us, int64_t{0}));
  }
  return age;
}

void CountMemory(const std::vector<index::SnapshotRef>& snapshots,
                 const index::Visibility& visibility, uint32_t tags_max, PopulationStats* stats) {
  const index::Snapshot& newest = *snapshots.front();
  stats->user_count = newest.user_count();
  stats->tag_count = static_cast<uint32_t>(newest.catalogue().by_name().size());
  stats->data_version = newest.data_version();
  stats->memory = index::MemoryOf(newest);
  stats->universe = {.user_count = stats->user_count,
                     .memory = index::MemoryOf(newest, index::kUniverseTag)};
  // A block that two versions share is shared by all between them, so that it is enough to look at
  // the next one.
  OlderVersions& older = stats->older_versions;
  for (size_t i = 1; i < snapshots.size(); ++i) {
    ++older.count;
    older.oldest_version = snapshots[i]->data_version();
    older.bytes += index::MemoryOf(*snapshots[i], snapshots[i - 1].get()).total();
  }
  if (tags_max == 0) return;
  const index::CatalogueView view(newest.catalogue(), visibility);
  for (const index::TagEntry* entry : view.List()) {
    stats->tags.push_back(StatsOf(newest, *entry));
  }
  std::stable_sort(stats->tags.begin(), stats->tags.end(), [](const auto& a, const auto& b) {
    return a.memory.total() > b.memory.total();
  });
  if (stats->tags.size() > tags_max) stats->tags.resize(tags_max);
}

}  // namespace throng::engine
