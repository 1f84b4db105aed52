// Store::Fold and Store::WriteGeneration: snapshot -> base blocks.
//
// A fold may be cut short anywhere. Blocks run ahead of the folded version then, which their own
// version tells; ids and values only ever get more, and are read as far as the folded base counts
// them; all else changes in the last, synced batch.
#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/error.h"
#include "storage/catalogue_codec.h"
#include "storage/crowd_blocks.h"
#include "storage/crowd_codec.h"
#include "storage/envelope.h"
#include "storage/fold_writer.h"
#include "storage/population_loader.h"
#include "storage/record_check.h"
#include "storage/rocks_status.h"
#include "storage/rocks_store.h"
#include "storage/upload_erasure.h"

namespace throng::storage {
namespace {

using index::Snapshot;
using index::TagContent;
using index::TagEntry;
using index::TagShard;

constexpr size_t kBatchBytes = 4 << 20;
constexpr int64_t kRequestLifetimeUs = int64_t{24} * 3600 * 1'000'000;
constexpr size_t kExpiredRequestsMax = 100'000;  // a fold; the next one goes on

// A tag in the snapshot and in the one folded before.
struct TagPair {
  uint32_t tag = 0;
  uint32_t generation = 0;
  index::TagType type = index::TagType::kFlag;
  const TagContent* now = nullptr;
  const TagContent* before = nullptr;  // null also when it is of another generation
  bool is_flipped = false;             // written by WriteGeneration since the fold before
};

absl::Status WriteContent(const TagPair& pair, FoldWriter& writer) {
  if (pair.now == nullptr || pair.now == pair.before) return absl::OkStatus();
  for (uint32_t i = 0; i < pair.now->shards.size(); ++i) {
    const TagShard* now = pair.now->shard(i);
    if (now == nullptr) continue;
    const TagShard* before = pair.before == nullptr ? nullptr : pair.before->shard(i);
    if (before != nullptr && before->version == now->version) continue;
    const FoldWriter::Place place{.tag = pair.tag, .generation = pair.generation, .shard = i};
    // A fold that failed may have left another version there.
    THRONG_ASSIGN_OR_RETURN(const std::optional<uint64_t> stored, writer.StoredVersion(place));
    if (pair.is_flipped && before == nullptr && stored == now->version) continue;
    const bool is_known = before != nullptr && stored == before->version;
    THRONG_RETURN_IF_ERROR(writer.WriteShard(place, pair.type, *now, is_known ? before : nullptr));
  }
  return absl::OkStatus();
}

// The tags of `snapshot` by id, compared with `folded`.
std::vector<TagPair> PairTags(const Snapshot& snapshot, const Snapshot* folded,
                              const std::set<TagGeneration>& flipped) {
  std::vector<TagPair> pairs{
      {.tag = index::kUniverseTag,
       .generation = kUniverseGeneration,
       .now = snapshot.content(index::kUniverseTag),
       .before = folded == nullptr ? nullptr : folded->content(index::kUniverseTag)}};
  for (const auto& [name, entry] : snapshot.catalogue().by_name()) {
    const index::TagDefinition& definition = entry->definition;
    const TagEntry* old = folded == nullptr ? nullptr : folded->catalogue().FindById(definition.id);
    const bool is_same_content =
        old != nullptr && old->definition.generation == definition.generation;
    pairs.push_back({.tag = definition.id,
                     .generation = definition.generation,
                     .type = definition.type,
                     .now = snapshot.content(definition.id),
                     .before = is_same_content ? folded->content(definition.id) : nullptr,
                     .is_flipped = flipped.contains({definition.id, definition.generation})});
  }
  return pairs;
}

// Adds the tags that changed.
void PutTags(Database& database, uint32_t population, const Snapshot& snapshot,
             const Snapshot* folded, rocksdb::WriteBatch* batch) {
  for (const auto& [name, entry] : snapshot.catalogue().by_name()) {
    const uint32_t tag = entry->definition.id;
    const TagEntry* old = folded == nullptr ? nullptr : folded->catalogue().FindById(tag);
    if (old == entry.get() && snapshot.content(tag) == folded->content(tag)) continue;
    const std::string key = TagKey(population, tag);
    const std::string payload = EncodeTag({.definition = entry->definition,
                                           .value_count = entry->values->size(),
                                           .stamps = StampsOf(snapshot.content(tag))});
    database.Put(Family::kMeta, key, Seal(Kind::kTag, key, payload, TagFormat(entry->definition)),
                 batch);
  }
}

// Adds the crowds that changed, and the deletion of those that went.
void PutCrowds(Database& database, uint32_t population, const Snapshot& snapshot,
               const Snapshot* folded, rocksdb::WriteBatch* batch) {
  for (const auto& [id, entry] : snapshot.crowds().by_id()) {
    const index::CrowdEntry* old = folded == nullptr ? nullptr : folded->crowds().FindById(id);
    if (old != nullptr && old->definition == entry->definition &&
        old->versions == entry->versions) {
      continue;
    }
    const std::string key = CrowdKey(population, id);
    const std::string payload =
        EncodeCrowd({.definition = *entry->definition, .versions = *entry->versions});
    database.Put(Family::kMeta, key, Seal(Kind::kCrowd, key, payload), batch);
  }
  if (folded == nullptr) return;
  for (const auto& [id, entry] : folded->crowds().by_id()) {
    if (snapshot.crowds().FindById(id) != nullptr) continue;
    database.Delete(Family::kMeta, CrowdKey(population, id), batch);
  }
}

// Shards in which users were erased since `folded`.
std::set<uint32_t> ErasedShards(const Snapshot& snapshot, const Snapshot* folded) {
  std::set<uint32_t> shards;
  for (uint32_t i = 0; i < snapshot.shard_count(); ++i) {
    const bool is_known = folded != nullptr && i < folded->shard_count();
    const TagShard* now = snapshot.shard(index::kUniverseTag, i);
    const TagShard* before = is_known ? folded->shard(index::kUniverseTag, i) : nullptr;
    if (!is_known || now != before) shards.insert(i);
  }
  return shards;
}

// Takes erased users out of every crowd's versions on disk.
absl::Status EraseFromCrowds(Database& database, uint32_t population, const Snapshot& snapshot,
                             const Snapshot* folded) {
  const std::set<uint32_t> erased = ErasedShards(snapshot, folded);
  const std::set<uint32_t> all = ErasedShards(snapshot, nullptr);
  for (const auto& [id, entry] : snapshot.crowds().by_id()) {
    for (const index::CrowdVersion& version : *entry->versions) {
      THRONG_RETURN_IF_ERROR(EraseFromCrowdSet(database, population, {id, version.number}, snapshot,
                                               version.holds_erased ? all : erased));
    }
  }
  return absl::OkStatus();
}

// Deletes content that tags of `snapshot` referred to before and do no longer.
absl::Status DeleteOldGenerations(Database& database, uint32_t population, const Snapshot& snapshot,
                                  const Snapshot* folded) {
  for (const auto& [name, entry] : snapshot.catalogue().by_name()) {
    const uint32_t tag = entry->definition.id;
    const uint32_t generation = entry->definition.generation;
    const TagEntry* old = folded == nullptr ? nullptr : folded->catalogue().FindById(tag);
    if (old == nullptr ? generation <= 1 : old->definition.generation == generation) continue;
    THRONG_RETURN_IF_ERROR(
        database.DeleteAll(Family::kBlocks, GenerationRange(population, tag, 0, generation)));
  }
  return absl::OkStatus();
}

StoredBase BaseOf(const Snapshot& snapshot) {
  StoredBase base{.version = snapshot.data_version(),
                  .id_count = snapshot.ids().size(),
                  .tag_count = static_cast<uint32_t>(snapshot.catalogue().by_name().size()),
                  .universe_stamps = StampsOf(snapshot.content(index::kUniverseTag)),
                  .id_types = snapshot.catalogue().id_types(),
                  .ledger_end = snapshot.identity().ledger_end,
                  .next_crowd_id = snapshot.crowds().next_id(),
                  .crowd_count = static_cast<uint32_t>(snapshot.crowds().by_id().size())};
  for (const index::IdTypeDefinition& type : base.id_types) {
    const index::LinkedIds* linked = snapshot.linked_ids(type.id);
    base.linked_counts.push_back(linked == nullptr ? 0 : linked->entry_count());
  }
  return base;
}

// Ids and texts of values in which the snapshots differ.
absl::Status WriteDictionaries(const Snapshot& snapshot, const Snapshot* folded,
                               FoldWriter& writer) {
  THRONG_RETURN_IF_ERROR(
      writer.WriteIds(snapshot.ids(), folded == nullptr ? nullptr : &folded->ids()));
  for (const index::IdTypeDefinition& type : snapshot.catalogue().id_types()) {
    const index::LinkedIds* linked = snapshot.linked_ids(type.id);
    if (linked == nullptr) continue;
    THRONG_RETURN_IF_ERROR(writer.WriteLinkedIds(
        type.id, *linked, folded == nullptr ? nullptr : folded->linked_ids(type.id)));
  }
  for (const auto& [name, entry] : snapshot.catalogue().by_name()) {
    const uint32_t tag = entry->definition.id;
    const TagEntry* old = folded == nullptr ? nullptr : folded->catalogue().FindById(tag);
    THRONG_RETURN_IF_ERROR(
        writer.WriteValues(tag, *entry->values, old == nullptr ? nullptr : old->values.get()));
  }
  return absl::OkStatus();
}

// Deletes the requests of before `time_us`, the oldest first.
absl::Status DeleteRequests(Database& database, uint32_t population, int64_t time_us,
                            rocksdb::WriteBatch* batch) {
  RangeScan scan = database.Scan(Family::kMeta, RequestTimesBefore(population, time_us));
  for (size_t i = 0; scan.Valid() && i < kExpiredRequestsMax; scan.Next(), ++i) {
    database.Delete(Family::kMeta, scan.key(), batch);
    const std::string key = RequestKeyOf(scan.key()).value_or("");
    const absl::StatusOr<std::string> value = database.Get(Family::kMeta, key);
    if (absl::IsNotFound(value.status())) continue;
    THRONG_RETURN_IF_ERROR(value.status());
    THRONG_ASSIGN_OR_RETURN(const std::string_view payload,
                            Unseal(Kind::kRequest, Family::kMeta, key, *value));
    const absl::StatusOr<StoredRequest> request = DecodeRequest(payload);
    if (!request.ok()) return DamagedAt(Family::kMeta, key, "the request cannot be decoded");
    // The same id may have been used again since.
    if (request->time_us < time_us) database.Delete(Family::kMeta, key, batch);
  }
  return scan.status();
}

}  // namespace

absl::Status RocksStore::Fold(uint32_t population, const Snapshot& snapshot,
                              const Snapshot* folded) {
  const OperationGate::TryPass pass(gate_, [&] { return CheckWritable(); });
  THRONG_RETURN_IF_ERROR(pass.status());
  return WithoutExceptions([&] { return Noted(FoldImpl(population, snapshot, folded)); });
}

absl::Status RocksStore::FoldImpl(uint32_t population, const Snapshot& snapshot,
                                  const Snapshot* folded) {
  THRONG_RETURN_IF_ERROR(CheckWritable());
  std::set<TagGeneration> flipped;
  bool needs_scrub = false;
  uint64_t folded_version = 0;
  THRONG_RETURN_IF_ERROR(CheckFold(population, snapshot, &needs_scrub, &flipped, &folded_version));
  // Blocks must not reach the disk before the records they are made of.
  THRONG_RETURN_IF_ERROR(database_->Sync());
  // Before anything overwrites the ids of those who were erased: they tell what to look for.
  if (needs_scrub) {
    THRONG_RETURN_IF_ERROR(
        EraseFromUploadLists(*database_, population, snapshot, folded, folded_version));
  }
  FoldWriter writer(*database_, population, kBatchBytes);
  for (const TagPair& pair : PairTags(snapshot, folded, flipped)) {
    THRONG_RETURN_IF_ERROR(WriteContent(pair, writer));
  }
  THRONG_RETURN_IF_ERROR(WriteDictionaries(snapshot, folded, writer));
  THRONG_RETURN_IF_ERROR(writer.Flush());
  if (needs_scrub) {
    THRONG_RETURN_IF_ERROR(EraseFromCrowds(*database_, population, snapshot, folded));
  }

  rocksdb::WriteBatch batch;
  PutTags(*database_, population, snapshot, folded, &batch);
  PutCrowds(*database_, population, snapshot, folded, &batch);
  const std::string base_key = BaseKey(population);
  const StoredBase base = BaseOf(snapshot);
  database_->Put(Family::kMeta, base_key,
                 Seal(Kind::kBase, base_key, EncodeBase(base), base.format()), &batch);
  const std::string scrub_key = ScrubKey(population);
  if (needs_scrub) {
    database_->Put(Family::kMeta, scrub_key, Seal(Kind::kScrub, scrub_key, ""), &batch);
  }
  for (uint64_t version = folded_version + 1; version <= snapshot.data_version(); ++version) {
    database_->Delete(Family::kLog, LogKey(population, version), &batch);
  }
  THRONG_RETURN_IF_ERROR(
      DeleteRequests(*database_, population, now_us() - kRequestLifetimeUs, &batch));
  THRONG_RETURN_IF_ERROR(database_->Write(&batch, /*sync=*/true));
  // Not before the base that refers to the new ones is on disk. When it fails, the next fold goes
  // on with it, or the next start.
  THRONG_RETURN_IF_ERROR(DeleteOldGenerations(*database_, population, snapshot, folded));
  THRONG_RETURN_IF_ERROR(DeleteDroppedCrowds(population, snapshot));
  NoteFolded(population, snapshot, needs_scrub);
  THRONG_RETURN_IF_ERROR(AdvanceHighWater(/*now=*/true));
  return ScrubIfNeeded(population);
}

absl::Status RocksStore::CheckFold(uint32_t population, const Snapshot& snapshot, bool* needs_scrub,
                                   std::set<TagGeneration>* flipped,
                                   uint64_t* folded_version) const {
  index::MutexLock lock(mutex_);
  const auto it = states_.find(population);
  if (it == states_.end() || !it->second.is_loaded) {
    return absl::FailedPreconditionError("the population is not loaded");
  }
  *needs_scrub = snapshot.identity().erasure_version > it->second.folded_version;
  if (snapshot.data_version() > it->second.last_version ||
      snapshot.data_version() < it->second.folded_version) {
    return absl::InvalidArgumentError(
        fmt::format("a fold of version {} after a fold of {} and a commit of {}",
                    snapshot.data_version(), it->second.folded_version, it->second.last_version));
  }
  *flipped = it->second.flipped;
  *folded_version = it->second.folded_version;
  return absl::OkStatus();
}

absl::Status RocksStore::ScrubIfNeeded(uint32_t population) {
  {
    index::MutexLock lock(mutex_);
    if (!states_[population].needs_scrub) return absl::OkStatus();
  }
  THRONG_RETURN_IF_ERROR(database_->Scrub(PopulationRange(population)));
  rocksdb::WriteBatch batch;
  database_->Delete(Family::kMeta, ScrubKey(population), &batch);
  THRONG_RETURN_IF_ERROR(database_->Write(&batch, /*sync=*/true));
  index::MutexLock lock(mutex_);
  states_[population].needs_scrub = false;
  return absl::OkStatus();
}

void RocksStore::NoteFolded(uint32_t population, const Snapshot& snapshot, bool needs_scrub) {
  index::MutexLock lock(mutex_);
  PopulationState& state = states_[population];
  state.folded_version = snapshot.data_version();
  state.needs_scrub = state.needs_scrub || needs_scrub;
  while (!state.log.empty() && state.log.front().first <= snapshot.data_version()) {
    state.log_bytes -= state.log.front().second;
    state.log.pop_front();
  }
  for (const auto& [name, entry] : snapshot.catalogue().by_name()) {
    state.flipped.erase({entry->definition.id, entry->definition.generation});
  }
}

absl::Status RocksStore::WriteGeneration(uint32_t population,
                                         const index::TagDefinition& definition,
                                         const TagContent& content) {
  const OperationGate::TryPass pass(gate_, [&] { return CheckWritable(); });
  THRONG_RETURN_IF_ERROR(pass.status());
  return WithoutExceptions(
      [&] { return Noted(WriteGenerationImpl(population, definition, content)); });
}

absl::Status RocksStore::WriteGenerationImpl(uint32_t population,
                                             const index::TagDefinition& definition,
                                             const TagContent& content) {
  THRONG_RETURN_IF_ERROR(CheckWritable());
  const TagGeneration written{definition.id, definition.generation};
  {
    index::MutexLock lock(mutex_);
    const auto it = states_.find(population);
    if (it == states_.end() || !it->second.is_loaded) {
      return absl::FailedPreconditionError("the population is not loaded");
    }
    const auto current = it->second.generations.find(definition.id);
    if (definition.id == 0 || definition.id >= kTagIdEnd || definition.generation == 0 ||
        (current != it->second.generations.end() && current->second >= definition.generation)) {
      return absl::InvalidArgumentError(fmt::format("tag {}: generation {} is not a new one",
                                                    definition.id, definition.generation));
    }
    const auto pending = it->second.pending.find(written);
    if (pending != it->second.pending.end() && pending->second.is_lost && !content.shards.empty()) {
      return ContentLost(definition.id);
    }
  }
  FoldWriter writer(*database_, population, kBatchBytes);
  if (content.shards.empty()) {
    THRONG_RETURN_IF_ERROR(writer.DeleteGeneration(definition.id, definition.generation));
  }
  for (uint32_t i = 0; i < content.shards.size(); ++i) {
    if (content.shards[i] == nullptr) continue;
    const FoldWriter::Place place{
        .tag = definition.id, .generation = definition.generation, .shard = i};
    THRONG_RETURN_IF_ERROR(writer.WriteShard(place, definition.type, *content.shards[i], nullptr));
  }
  THRONG_RETURN_IF_ERROR(writer.Flush());
  index::MutexLock lock(mutex_);
  PopulationState::PendingContent& pending = states_[population].pending[written];
  std::vector<uint64_t>& stamps = pending.stamps;
  const std::vector<uint64_t> added = StampsOf(&content);
  if (added.empty()) pending = {};
  if (stamps.size() < added.size()) stamps.resize(added.size());
  for (size_t i = 0; i < added.size(); ++i) {
    if (added[i] != 0) stamps[i] = added[i];
  }
  return absl::OkStatus();
}

}  // namespace throng::storage
