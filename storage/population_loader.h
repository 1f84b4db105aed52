// Brings a population back: base blocks in parallel, then the log record by record.
//
//   PopulationLoader loader(database, population, parallel, progress);
//   absl::StatusOr<LoadedPopulation> loaded = loader.Load(high_water_mark);
//   loader.flipped();   // what the log replaced
//
// Every value's checksum is checked, and what the values say of each other: a part that is missing,
// stale or left over is kDataLoss with its key.
#ifndef THRONG_STORAGE_POPULATION_LOADER_H_
#define THRONG_STORAGE_POPULATION_LOADER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/parallel.h"
#include "storage/catalogue_codec.h"
#include "storage/database.h"
#include "storage/findings.h"
#include "storage/record_codec.h"
#include "storage/store.h"

namespace throng::storage {

// The universe is stored like a tag whose content is never replaced.
inline constexpr uint32_t kUniverseGeneration = 1;

// What a population's base consists of. Errors: kDataLoss naming the key.
absl::StatusOr<StoredBase> ReadBase(const Database& database, uint32_t population);

// Not thread-safe; used once. Must not outlive what it is given.
class PopulationLoader {
 public:
  // With `damage`, what is damaged is told there and left out, and loading goes on.
  PopulationLoader(const Database& database, uint32_t population, index::Parallel& parallel,
                   const Progress& progress, Findings* damage = nullptr);

  // `mark` is the version that the log must reach. Errors: as Store::Load.
  absl::StatusOr<LoadedPopulation> Load(uint64_t mark);

  // After Load: version and bytes of the records replayed, and the content that they replaced.
  const std::vector<std::pair<uint64_t, uint64_t>>& records() const { return records_; }
  const std::set<std::pair<uint32_t, uint32_t>>& flipped() const { return flipped_; }
  // Nothing was left out.
  bool is_complete() const { return is_complete_; }

 private:
  // Content as it is to be found under a generation of a tag.
  struct Source {
    uint32_t tag = 0;
    index::TagType type = index::TagType::kFlag;
    uint32_t generation = 0;
    std::vector<uint64_t> stamps;
  };

  // `status`, or OK when it was told as a finding; `tag` is the one to reload, 0 for none.
  absl::Status Tolerate(const absl::Status& status, uint32_t tag);

  absl::StatusOr<std::vector<StoredTag>> ReadTags();
  absl::StatusOr<std::shared_ptr<const index::Catalogue>> ReadCatalogue(
      const std::vector<StoredTag>& tags);
  absl::StatusOr<std::vector<std::string>> ReadValues(uint32_t tag, uint32_t count);
  absl::StatusOr<index::IdList> ReadIdChunk(uint32_t chunk, uint32_t wanted);
  absl::StatusOr<index::IdDictionary> ReadIds(uint32_t count);
  absl::StatusOr<index::SnapshotRef> ReadBaseSnapshot();
  // The contents of `sources`, in their order; null where nobody has the tag.
  absl::StatusOr<std::vector<index::TagContentRef>> ReadContents(
      const std::vector<Source>& sources);
  absl::StatusOr<index::TagShardRef> ReadShard(const Source& source, uint32_t shard);
  absl::StatusOr<index::SnapshotRef> Replay(index::SnapshotRef snapshot);
  absl::StatusOr<index::SnapshotRef> ReplayNext(const RangeScan& scan,
                                                const index::Snapshot& snapshot);
  absl::StatusOr<index::SnapshotRef> ReplayRecord(const index::Snapshot& snapshot,
                                                  const LoggedRecord& logged);
  absl::Status CheckSnapshot(const index::Snapshot& snapshot) const;
  // Progress made in one of the three parts, of `part_bytes` in all.
  void Report(uint64_t done, uint64_t total, uint64_t bytes_before, uint64_t part_bytes) const;

  const Database& database_;
  const uint32_t population_;
  index::Parallel& parallel_;
  const Progress& progress_;
  Findings* const damage_;
  std::atomic<bool> is_complete_ = true;
  uint64_t id_bytes_ = 0;
  uint64_t block_bytes_ = 0;
  uint64_t log_bytes_ = 0;
  std::vector<std::pair<uint64_t, uint64_t>> records_;
  std::set<std::pair<uint32_t, uint32_t>> flipped_;
};

}  // namespace throng::storage

#endif  // THRONG_STORAGE_POPULATION_LOADER_H_
