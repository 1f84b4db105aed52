// The sets of crowd versions: the part of a Store about them (storage/store.h).
//
//   THRONG_RETURN_IF_ERROR(store.WriteCrowdVersion(population, {7, 3}, users.get()));
//   ... Append the record that adds version 3 of crowd 7 ...
//   absl::StatusOr<index::OrdinalSetRef> stored = store.ReadCrowdVersion(population, {7, 3},
//   count);
#ifndef THRONG_STORAGE_CROWD_SET_STORE_H_
#define THRONG_STORAGE_CROWD_SET_STORE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/crowd.h"
#include "index/crowd_sets.h"

namespace throng::storage {

// Thread-safe, as each call says.
class CrowdSetStore {
 public:
  virtual ~CrowdSetStore() = default;

  // Writes the set of a crowd's version, which nothing refers to yet, in place of what stands
  // there; null deletes it. The Append of a record that adds this version makes it one; a set that
  // no such record follows is collected by the next Load. May run beside everything but another
  // call for the same version. Errors: as Append; the Append gives kAborted (CONTENT_LOST) when an
  // I/O error took the set.
  virtual absl::Status WriteCrowdVersion(uint32_t population, const index::CrowdVersionId& id,
                                         const index::OrdinalSet* users) = 0;
  // The set of a version as it is stored: users who were erased since may be in it. Errors:
  // kNotFound when it is not there (any more), kDataLoss naming the key.
  virtual absl::StatusOr<index::OrdinalSetRef> ReadCrowdVersion(uint32_t population,
                                                                const index::CrowdVersionId& id,
                                                                uint64_t computed_count) const = 0;
};

}  // namespace throng::storage

#endif  // THRONG_STORAGE_CROWD_SET_STORE_H_
