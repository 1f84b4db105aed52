// Taking the ids of erased users out of the lists of uploads: an id that waits for its user, or
// that was reported as unknown, is an id of that person all the same.
//
//   THRONG_RETURN_IF_ERROR(EraseFromUploadLists(database, population, snapshot, folded, version));
//
// Which ids those are is in no snapshot any more. It is in the one that was folded last, for users
// of before, and in the log since, for all others: so it must run before a fold overwrites the one
// and deletes the other. Thread-safe.
#ifndef THRONG_STORAGE_UPLOAD_ERASURE_H_
#define THRONG_STORAGE_UPLOAD_ERASURE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "index/snapshot.h"
#include "storage/database.h"

namespace throng::storage {

// `folded` (may be null) is of `folded_version`. Not synced. Errors: kDataLoss naming the key; as
// FromRocks.
absl::Status EraseFromUploadLists(Database& database, uint32_t population,
                                  const index::Snapshot& snapshot, const index::Snapshot* folded,
                                  uint64_t folded_version);

}  // namespace throng::storage

#endif  // THRONG_STORAGE_UPLOAD_ERASURE_H_
