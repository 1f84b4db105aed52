// Store::Load: recovery of a population, and what a REPLACE that was cut short left behind.
#include <set>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "storage/crowd_blocks.h"
#include "storage/population_loader.h"
#include "storage/rocks_status.h"
#include "storage/rocks_store.h"

namespace throng::storage {
namespace {

// What a snapshot's tags refer to.
void AddContents(const index::Snapshot& snapshot, std::set<TagGeneration>* contents) {
  for (const auto& [name, entry] : snapshot.catalogue().by_name()) {
    contents->insert({entry->definition.id, entry->definition.generation});
  }
}

// Deletes content that is not `live`. Sees one key of each content and skips the others.
absl::Status DeleteOrphans(Database& database, uint32_t population,
                           const std::set<TagGeneration>& live) {
  RangeScan scan = database.Scan(Family::kBlocks, PopulationRange(population));
  while (scan.Valid()) {
    const uint32_t tag = KeyU32(scan.key(), 4).value_or(0);
    const uint32_t generation = KeyU32(scan.key(), 8).value_or(0);
    const KeyRange content = GenerationRange(population, tag, generation, generation + 1);
    if (!live.contains({tag, generation})) {
      THRONG_RETURN_IF_ERROR(database.DeleteAll(Family::kBlocks, content));
    }
    scan.Seek(content.end);
  }
  return scan.status();
}

// Deletes sets of crowd versions that `snapshot` does not have. Returns those that it has.
absl::StatusOr<std::map<index::CrowdVersionId, PopulationState::CrowdContent>> DeleteCrowdOrphans(
    Database& database, uint32_t population, const index::Snapshot& snapshot) {
  std::map<index::CrowdVersionId, PopulationState::CrowdContent> kept;
  THRONG_ASSIGN_OR_RETURN(const std::set<index::CrowdVersionId> found,
                          ListCrowdSets(database, population));
  for (const index::CrowdVersionId& id : found) {
    const index::CrowdEntry* crowd = snapshot.crowds().FindById(id.crowd);
    if (crowd != nullptr && crowd->FindVersion(id.number) != nullptr) {
      kept[id] = {.version = snapshot.data_version()};
    } else {
      THRONG_RETURN_IF_ERROR(DeleteCrowdSet(database, population, id));
    }
  }
  return kept;
}

}  // namespace

absl::StatusOr<LoadedPopulation> RocksStore::Load(uint32_t population, index::Parallel& parallel,
                                                  const Progress& progress) {
  const OperationGate::Pass pass(gate_);
  return WithoutExceptions([&]() -> absl::StatusOr<LoadedPopulation> {
    THRONG_RETURN_IF_ERROR(CheckWritable());
    uint64_t mark = 0;
    {
      index::MutexLock mark_lock(mark_mutex_);
      if (const auto it = mark_.find(population); it != mark_.end()) mark = it->second;
      index::MutexLock lock(mutex_);
      if (!states_.contains(population)) {
        return absl::NotFoundError(fmt::format("there is no population {}", population));
      }
    }
    PopulationLoader loader(*database_, population, parallel, progress);
    THRONG_ASSIGN_OR_RETURN(LoadedPopulation loaded, loader.Load(mark));

    PopulationState state;
    state.is_loaded = true;
    state.folded_version = loaded.folded->data_version();
    state.last_version = loaded.snapshot->data_version();
    state.flipped = loader.flipped();
    for (const auto& [version, bytes] : loader.records()) {
      state.log.emplace_back(version, bytes);
      state.log_bytes += bytes;
    }
    for (const auto& [name, entry] : loaded.snapshot->catalogue().by_name()) {
      state.generations[entry->definition.id] = entry->definition.generation;
    }
    // The next start reads the base and what the log replaced once more, until a fold.
    std::set<TagGeneration> live = loader.flipped();
    live.insert({index::kUniverseTag, kUniverseGeneration});
    AddContents(*loaded.folded, &live);
    AddContents(*loaded.snapshot, &live);
    THRONG_RETURN_IF_ERROR(Noted(DeleteOrphans(*database_, population, live)));
    absl::StatusOr<std::map<index::CrowdVersionId, PopulationState::CrowdContent>> crowds =
        DeleteCrowdOrphans(*database_, population, *loaded.snapshot);
    THRONG_RETURN_IF_ERROR(Noted(crowds.status()));
    state.crowds = *std::move(crowds);
    state.needs_scrub = database_->Get(Family::kMeta, ScrubKey(population)).ok();
    {
      index::MutexLock lock(mutex_);
      state.population = states_[population].population;
      states_[population] = std::move(state);
    }
    // A fold was cut short between taking erasures in and removing their traces.
    THRONG_RETURN_IF_ERROR(Noted(ScrubIfNeeded(population)));
    return loaded;
  });
}

}  // namespace throng::storage
