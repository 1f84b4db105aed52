#include "tests/storage/store_world.h"

#include <cstdlib>
#include <filesystem>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/crowd_sets.h"
#include "index/error.h"
#include "tests/storage/random_commits.h"
#include "tests/storage/random_crowds.h"
#include "tests/storage/snapshot_difference.h"

namespace throng::storage {

TemporaryFolder::TemporaryFolder() {
  std::string path = (std::filesystem::temp_directory_path() / "throng-store-XXXXXX").string();
  path_ = mkdtemp(path.data());
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

StoreWorld::StoreWorld(StoreOptions options) : options_(std::move(options)) {
  options_.directory = folder_.path("data");
}

absl::Status StoreWorld::Open() {
  store_ = nullptr;
  THRONG_ASSIGN_OR_RETURN(store_, Store::Open(options_));
  if (store_->populations().empty()) {
    THRONG_RETURN_IF_ERROR(store_->CreatePopulation("default", "Default", "user_id").status());
  }
  population_ = store_->populations().front().id;
  THRONG_ASSIGN_OR_RETURN(loaded_, store_->Load(population_, parallel_, nullptr));
  snapshot_ = loaded_.snapshot;
  folded_ = loaded_.folded;
  history_[snapshot_->data_version()] = snapshot_;
  return absl::OkStatus();
}

std::string StoreWorld::Reopen() {
  const index::SnapshotRef expected = snapshot_;
  const absl::Status opened = Open();
  if (!opened.ok()) return opened.ToString();
  const std::string difference = SnapshotDifference(*snapshot_, *expected);
  return difference.empty() ? OlderVersionDifference() : difference;
}

std::string StoreWorld::OlderVersionDifference() const {
  for (const auto& [crowd, entry] : snapshot_->crowds().by_id()) {
    for (const index::CrowdVersion& version : *entry->versions) {
      const index::CrowdVersionId id{crowd, version.number};
      if (!crowd_sets_.contains(id)) continue;  // not written by ChangeCrowds
      const absl::StatusOr<index::OrdinalSetRef> read =
          store_->ReadCrowdVersion(population_, id, version.computed_count);
      if (!read.ok()) return read.status().ToString();
      const index::OrdinalSetRef found = index::LivingIn(*snapshot_, *read);
      const index::OrdinalSetRef expected = index::LivingIn(*snapshot_, crowd_sets_.at(id));
      const index::SetDifference difference = index::Compare(*expected, *found);
      if (difference.added + difference.removed == 0) continue;
      return fmt::format("crowd {}, version {}: {} users more, {} less", crowd, version.number,
                         difference.added, difference.removed);
    }
  }
  return "";
}

absl::Status StoreWorld::Commit(const index::CommitRecord& record) {
  const absl::Status appended = store_->Append(population_, record);
  if (!appended.ok()) {
    NoteRefused(record, nullptr);
    return appended;
  }
  snapshot_ = history_[record.version] = index::Apply(*snapshot_, record, parallel_);
  return appended;
}

absl::Status StoreWorld::CommitRandom(std::mt19937_64& random) {
  return Commit(RandomCommit(*snapshot_, random));
}

absl::Status StoreWorld::WriteReplacement(const index::TagEntry& entry, std::mt19937_64& random,
                                          index::TagContentRef* content) {
  index::TagDefinition definition = entry.definition;
  ++definition.generation;
  THRONG_RETURN_IF_ERROR(store_->WriteGeneration(population_, definition, {}));
  index::TagContentRef staged;
  for (uint64_t stage = 1; stage <= 2; ++stage) {
    const index::TagChange change = RandomChange(*snapshot_, definition, entry.values->size(),
                                                 snapshot_->ordinal_end(), 500, random);
    staged = index::ApplyToContent(staged, definition.type, change, stage);
    auto written = std::make_shared<index::TagContent>();
    for (const index::TagShardRef& shard : staged->shards) {
      std::shared_ptr<index::TagShard> copy;
      if (shard != nullptr) {
        copy = std::make_shared<index::TagShard>(*shard);
        copy->version = 0;
      }
      written->shards.push_back(std::move(copy));
    }
    THRONG_RETURN_IF_ERROR(store_->WriteGeneration(population_, definition, *written));
    *content = std::move(written);
  }
  return absl::OkStatus();
}

absl::Status StoreWorld::ReplaceRandom(std::mt19937_64& random) {
  const auto& tags = snapshot_->catalogue().by_name();
  if (tags.empty()) return absl::OkStatus();
  auto it = tags.begin();
  std::advance(it, random() % tags.size());
  index::TagContentRef content;
  THRONG_RETURN_IF_ERROR(WriteReplacement(*it->second, random, &content));
  index::CommitRecord record{.version = snapshot_->data_version() + 1,
                             .time_us = 1'700'000'000'001'000,
                             .first_ordinal = snapshot_->ordinal_end()};
  record.definitions.push_back(it->second->definition);
  ++record.definitions.back().generation;
  record.definitions.back().content_time_us = record.time_us;
  index::SnapshotRef next = index::ReplaceContents(*snapshot_, record, {content});
  const absl::Status appended = store_->Append(population_, record);
  if (!appended.ok()) {
    NoteRefused(record, content);
    return appended;
  }
  snapshot_ = history_[record.version] = std::move(next);
  return absl::OkStatus();
}

void StoreWorld::NoteRefused(const index::CommitRecord& record, index::TagContentRef content) {
  if (refused_.version == record.version) return;  // the first one may be on disk, later ones not
  refused_ = record;
  refused_content_ = std::move(content);
}

index::SnapshotRef StoreWorld::AfterRefused() {
  if (refused_.version != snapshot_->data_version() + 1) return nullptr;
  if (refused_content_ == nullptr) return index::Apply(*snapshot_, refused_, parallel_);
  return index::ReplaceContents(*snapshot_, refused_, {refused_content_});
}

absl::Status StoreWorld::Fold() {
  THRONG_RETURN_IF_ERROR(store_->Fold(population_, *snapshot_, folded_.get()));
  folded_ = snapshot_;
  return absl::OkStatus();
}

absl::Status ChangeCrowds(StoreWorld& world, std::mt19937_64& random) {
  const CrowdCommit commit = RandomCrowdCommit(*world.snapshot_, random);
  for (const auto& [id, users] : commit.sets) {
    world.crowd_sets_[id] = users;
    THRONG_RETURN_IF_ERROR(world.store_->WriteCrowdVersion(world.population_, id, users.get()));
  }
  return world.Commit(commit.record);
}

}  // namespace throng::storage
