// Whether the parts of a loaded population agree: what no checksum can tell.
//
//   CheckSnapshot(snapshot, parallel, [](const Contradiction& found) { ... });
//
// Walks all of it; memory beside the snapshot is a few hundred kilobytes a thread. Thread-safe.
#ifndef THRONG_STORAGE_SNAPSHOT_CHECK_H_
#define THRONG_STORAGE_SNAPSHOT_CHECK_H_

#include <cstdint>
#include <functional>
#include <string>

#include "index/parallel.h"
#include "index/snapshot.h"

namespace throng::storage {

// A value; thread-compatible.
struct Contradiction {
  std::string where;  // "tag 5, shard 0", "ids: chunk 3"
  std::string what;
  uint32_t tag = 0;  // whose content is wrong; 0: no tag's
};

// Ids that stand twice, values that stand twice in a dictionary, members beyond the ids or not in
// the universe, users with two values of a CATEGORY, and what is derived (who has a value, columns
// of codes) against the truth. Calls `report` from any thread, at most once a tag's shard and kind.
void CheckSnapshot(const index::Snapshot& snapshot, index::Parallel& parallel,
                   const std::function<void(const Contradiction&)>& report);

}  // namespace throng::storage

#endif  // THRONG_STORAGE_SNAPSHOT_CHECK_H_
