// The sets of crowd versions on disk: a value a shard, and a header that says what belongs there.
//
//   THRONG_RETURN_IF_ERROR(WriteCrowdSet(database, population, {7, 3}, *users));
//   absl::StatusOr<index::OrdinalSetRef> users = ReadCrowdSet(database, population, {7, 3}, count);
//
// A set is written before the record that makes it a version: nothing refers to it until then.
// Thread-safe functions, as long as a set is written by one thread.
#ifndef THRONG_STORAGE_CROWD_BLOCKS_H_
#define THRONG_STORAGE_CROWD_BLOCKS_H_

#include <cstdint>
#include <set>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/crowd.h"
#include "index/crowd_sets.h"
#include "index/snapshot.h"
#include "storage/database.h"

namespace throng::storage {

// Writes the set in place of what stands there; not synced. Errors: as FromRocks.
absl::Status WriteCrowdSet(Database& database, uint32_t population, const index::CrowdVersionId& id,
                           const index::OrdinalSet& users);
// Deletes it; not synced. Errors: as FromRocks.
absl::Status DeleteCrowdSet(Database& database, uint32_t population,
                            const index::CrowdVersionId& id);

// The set as it is stored, which may still hold users who were erased since. `computed_count` is
// the version's. Errors: kNotFound when nothing of it is there; kDataLoss naming the key that is
// damaged, missing, left over or of other users.
absl::StatusOr<index::OrdinalSetRef> ReadCrowdSet(const Database& database, uint32_t population,
                                                  const index::CrowdVersionId& id,
                                                  uint64_t computed_count);

// Whether the list of an upload (storage/upload_blocks.h) stands beside the set. Errors: kNotFound
// when no set is there; kDataLoss naming the key.
absl::StatusOr<bool> HasUpload(const Database& database, uint32_t population,
                               const index::CrowdVersionId& id);
// Adds to the batch that it does. Errors: likewise.
absl::Status PutHasUpload(Database& database, uint32_t population, const index::CrowdVersionId& id,
                          rocksdb::WriteBatch* batch);

// Takes those who are no users of `snapshot` out of the set's shards `shards`; a batch, not synced.
// Errors: as ReadCrowdSet.
absl::Status EraseFromCrowdSet(Database& database, uint32_t population,
                               const index::CrowdVersionId& id, const index::Snapshot& snapshot,
                               const std::set<uint32_t>& shards);

// Ids of all versions that something stands of. Errors: as FromRocks.
absl::StatusOr<std::set<index::CrowdVersionId>> ListCrowdSets(const Database& database,
                                                              uint32_t population);

}  // namespace throng::storage

#endif  // THRONG_STORAGE_CROWD_BLOCKS_H_
