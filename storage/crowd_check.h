// What index::Apply relies on of a record's crowds, checked: the part of storage/record_check.h
// about them.
//
//   THRONG_RETURN_IF_ERROR(CheckCrowdShape(record.crowds));
//   THRONG_RETURN_IF_ERROR(CheckCrowdsFit(snapshot.crowds(), record));
//
// Thread-safe functions. Errors: kInvalidArgument naming what is wrong.
#ifndef THRONG_STORAGE_CROWD_CHECK_H_
#define THRONG_STORAGE_CROWD_CHECK_H_

#include "absl/status/status.h"
#include "index/change.h"
#include "index/crowd.h"

namespace throng::storage {

// Valid definitions, a crowd once among definitions, once among new versions and once among those
// that go.
absl::Status CheckCrowdShape(const index::CrowdChanges& changes);

// New crowds continue the ids of `base` and names stay distinct; versions are the next ones of
// their crowds, older than the record; what is pinned, dropped or purged is there, and a newest
// version stays. REQUIRES: CheckCrowdShape is OK.
absl::Status CheckCrowdsFit(const index::CrowdCatalogue& base, const index::CommitRecord& record);

}  // namespace throng::storage

#endif  // THRONG_STORAGE_CROWD_CHECK_H_
