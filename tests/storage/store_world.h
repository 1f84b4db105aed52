// A store in a folder of its own beside the snapshot it should hold.
//
//   StoreWorld world;
//   world.Commit(record);                  // durable, then applied
//   world.Fold();
//   EXPECT_EQ(world.Reopen(), "");         // "" or what differs from the snapshot
#ifndef THRONG_TESTS_STORAGE_STORE_WORLD_H_
#define THRONG_TESTS_STORAGE_STORE_WORLD_H_

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "index/parallel.h"
#include "index/snapshot.h"
#include "storage/file_system_hook.h"
#include "storage/store.h"

namespace throng::storage {

// A folder that is deleted with the object. Not thread-safe.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Not thread-safe.
class StoreWorld {
 public:
  // Opens nothing yet. `options` without a directory.
  explicit StoreWorld(StoreOptions options = {});

  const std::string& directory() const { return options_.directory; }
  StoreOptions& options() { return options_; }
  Store& store() { return *store_; }
  uint32_t population() const { return population_; }
  const index::Snapshot& snapshot() const { return *snapshot_; }
  const LoadedPopulation& loaded() const { return loaded_; }
  // Every snapshot there was, by version.
  const std::map<uint64_t, index::SnapshotRef>& history() const { return history_; }
  // The snapshot with the first commit that was refused behind it, null if none was: what a crash
  // may leave too. Nothing may be committed any more.
  index::SnapshotRef AfterRefused();

  // Opens the store, makes the population if there is none, and loads it: what was loaded is worked
  // on from then on.
  absl::Status Open();
  void Close() { store_ = nullptr; }
  // Closes, opens, and compares with the snapshot.
  std::string Reopen();

  absl::Status Commit(const index::CommitRecord& record);
  absl::Status CommitRandom(std::mt19937_64& random);
  // Replaces the content of a random tag as a load does: in two calls, at version 0.
  absl::Status ReplaceRandom(std::mt19937_64& random);
  absl::Status Fold();

 private:
  friend absl::Status ChangeCrowds(StoreWorld& world, std::mt19937_64& random);

  // "" or which older version of a crowd is not on disk as it was written.
  std::string OlderVersionDifference() const;
  void NoteRefused(const index::CommitRecord& record, index::TagContentRef content);
  absl::Status WriteReplacement(const index::TagEntry& entry, std::mt19937_64& random,
                                index::TagContentRef* content);

  TemporaryFolder folder_;
  StoreOptions options_;
  index::Parallel parallel_{2};
  std::unique_ptr<Store> store_;
  uint32_t population_ = 0;
  LoadedPopulation loaded_;
  index::SnapshotRef snapshot_ = std::make_shared<const index::Snapshot>();
  index::SnapshotRef folded_;
  std::map<uint64_t, index::SnapshotRef> history_;
  index::CommitRecord refused_;
  index::TagContentRef refused_content_;
  std::map<index::CrowdVersionId, index::OrdinalSetRef> crowd_sets_;  // as they were written
};

// Writes the sets of random crowd versions, then commits them with other changes of crowds.
absl::Status ChangeCrowds(StoreWorld& world, std::mt19937_64& random);

}  // namespace throng::storage

#endif  // THRONG_TESTS_STORAGE_STORE_WORLD_H_
