// What index::Apply relies on, checked: a record that passes cannot make it fail or read outside.
//
//   THRONG_RETURN_IF_ERROR(CheckShape(record));            // by itself: before it is logged
//   THRONG_RETURN_IF_ERROR(CheckFits(snapshot, record));   // onto the snapshot before it
//
// Thread-safe functions.
#ifndef THRONG_STORAGE_RECORD_CHECK_H_
#define THRONG_STORAGE_RECORD_CHECK_H_

#include "absl/status/status.h"
#include "index/change.h"
#include "index/snapshot.h"

namespace throng::storage {

// Tag ids are below; a number nobody reaches bounds what a damaged id could allocate.
inline constexpr uint32_t kTagIdEnd = 1u << 24;
inline constexpr size_t kScopeBytesMax = 4096;
inline constexpr size_t kRequestIdBytesMax = 4096;
inline constexpr size_t kResponseBytesMax = 64 << 20;

// Matching lengths, ascending ordinals, one change a tag, valid texts and definitions; erasures by
// themselves.
// Errors: kInvalidArgument naming what is wrong.
absl::Status CheckShape(const index::CommitRecord& record);

// Known tags, cells and codes of the tag's type and dictionary, ordinals of users that exist,
// ids and codes that continue those of `base`, linked ids that are nobody's. REQUIRES:
// CheckShape(record) is OK. Errors: kInvalidArgument naming what is wrong.
absl::Status CheckFits(const index::Snapshot& base, const index::CommitRecord& record);

}  // namespace throng::storage

#endif  // THRONG_STORAGE_RECORD_CHECK_H_
