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

#include "index/change.h"

namespace throng::engine {

// Tags that a REPLACE is rewriting, with the commits that touched them meanwhile.
struct PendingReplace {
  struct Change {
    uint64_t version = 0;  // of the commit
    index::TagChange change;
  };
  std::set<uint32_t> tags;
  std::vector<Change> changes;  // in order of commit
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_PENDING_REPLACE_H_
