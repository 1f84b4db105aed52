// Crowds of a population as its base has them, and the sets of their newest versions.
//
//   absl::StatusOr<...> crowds = ReadCrowds(database, population, base, tolerate);
//   ... replay the log ...
//   absl::StatusOr<SnapshotRef> loaded = WithCrowdSets(database, population, snapshot, ...);
#ifndef THRONG_STORAGE_CROWD_LOADER_H_
#define THRONG_STORAGE_CROWD_LOADER_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/crowd.h"
#include "index/parallel.h"
#include "index/snapshot.h"
#include "storage/catalogue_codec.h"
#include "storage/database.h"

namespace throng::storage {

// Called with damage, from any thread: OK to leave out what is damaged and go on.
using Tolerate = std::function<absl::Status(const absl::Status& damage)>;

// Definitions and versions, without sets. Errors: kDataLoss naming the key.
absl::StatusOr<std::shared_ptr<const index::CrowdCatalogue>> ReadCrowds(const Database& database,
                                                                        uint32_t population,
                                                                        const StoredBase& base,
                                                                        const Tolerate& tolerate);

// `snapshot` with the set of every crowd's newest version, without those who were erased. Sets are
// read in parallel. Errors: kDataLoss naming the key.
absl::StatusOr<index::SnapshotRef> WithCrowdSets(const Database& database, uint32_t population,
                                                 const index::SnapshotRef& snapshot,
                                                 index::Parallel& parallel,
                                                 const Tolerate& tolerate);

// Reads the older versions and the lists of uploads too and keeps nothing. Errors: those that
// `tolerate` does not take.
absl::Status CheckCrowdSets(const Database& database, uint32_t population,
                            const index::Snapshot& snapshot, index::Parallel& parallel,
                            const Tolerate& tolerate);

}  // namespace throng::storage

#endif  // THRONG_STORAGE_CROWD_LOADER_H_
