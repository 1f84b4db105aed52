// What a REPLACE under way must know of the commits beside it.
//
//   std::shared_ptr<PendingReplace> pending = *universe.BeginReplace({city, spend});
//
// Internal to the engine. Thread-compatible: a value, which the universe guards.
#ifndef THRONG_SERVER_ENGINE_PENDING_REPLACE_H_
#define THRONG_SERVER_ENGINE_PENDING_REPLACE_H_

#include <cstdint>
#include <set>
#include <vector>

#include "absl/status/status.h"
#include "index/change.h"

namespace throng::engine {

// Tags that a REPLACE is rewriting, with the commits that touched them meanwhile: up to
// UniverseEnvironment::replace_changes_bytes_max of them, beyond which the REPLACE is lost.
struct PendingReplace {
  struct Change {
    uint64_t version = 0;  // of the commit
    index::TagChange change;
  };
  std::set<uint32_t> tags;
  std::vector<Change> changes;  // in order of commit; none once it is lost
  uint64_t bytes = 0;           // of changes
  absl::Status lost;  // why it cannot end well any more. Its tags are its own until it ends
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_PENDING_REPLACE_H_
