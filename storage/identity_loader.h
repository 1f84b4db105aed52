// Reads the ids of the declared types that a population's base consists of.
//
//   absl::StatusOr<index::Identity> identity = ReadIdentity(database, population, base);
#ifndef THRONG_STORAGE_IDENTITY_LOADER_H_
#define THRONG_STORAGE_IDENTITY_LOADER_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "index/snapshot.h"
#include "storage/catalogue_codec.h"
#include "storage/database.h"

namespace throng::storage {

// Errors: kDataLoss naming the key that is missing or damaged. Thread-safe.
absl::StatusOr<index::Identity> ReadIdentity(const Database& database, uint32_t population,
                                             const StoredBase& base);

}  // namespace throng::storage

#endif  // THRONG_STORAGE_IDENTITY_LOADER_H_
