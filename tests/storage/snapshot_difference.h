// Compares two snapshots completely, by what can be read of them.
//
//   EXPECT_EQ(SnapshotDifference(*loaded, *expected), "");
#ifndef THRONG_TESTS_STORAGE_SNAPSHOT_DIFFERENCE_H_
#define THRONG_TESTS_STORAGE_SNAPSHOT_DIFFERENCE_H_

#include <string>

#include "index/snapshot.h"

namespace throng::storage {

// Empty when versions, catalogues, ids, and every tag's bitmaps and columns are equal; else what
// differs first. Thread-safe.
std::string SnapshotDifference(const index::Snapshot& a, const index::Snapshot& b);

}  // namespace throng::storage

#endif  // THRONG_TESTS_STORAGE_SNAPSHOT_DIFFERENCE_H_
