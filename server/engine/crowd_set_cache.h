// The sets of older crowd versions that were asked for lately, within a budget of bytes.
//
//   CrowdSetCache cache(256 << 20);
//   absl::StatusOr<index::OrdinalSetRef> users = cache.Read(store, population, snapshot, {7, 3},
//   n);
//
// Newest versions are part of every snapshot and never here. Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_CROWD_SET_CACHE_H_
#define THRONG_SERVER_ENGINE_CROWD_SET_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <utility>

#include "absl/status/statusor.h"
#include "index/crowd.h"
#include "index/crowd_sets.h"
#include "index/mutex.h"
#include "index/snapshot.h"
#include "storage/store.h"

namespace throng::engine {

// Thread-safe. Of one population.
class CrowdSetCache {
 public:
  explicit CrowdSetCache(size_t bytes_max) : bytes_max_(bytes_max) {}

  // The users of a version that the snapshot has, without those who are erased in it. Two who ask
  // for the same may both read it. Errors: kFailedPrecondition (CROWD_VERSION_GONE) when it was
  // dropped since the snapshot; as Store::ReadCrowdVersion.
  absl::StatusOr<index::OrdinalSetRef> Read(const storage::Store& store, uint32_t population,
                                            const index::Snapshot& snapshot,
                                            const index::CrowdVersionId& id,
                                            uint64_t computed_count);
  size_t bytes() const;

 private:
  // A version, and the newest erasure that it was taken behind.
  using Key = std::pair<index::CrowdVersionId, uint64_t>;
  struct Entry {
    Key key;
    index::OrdinalSetRef set;
    size_t bytes = 0;
  };

  void Put(const Key& key, const index::OrdinalSetRef& set);

  const size_t bytes_max_;
  mutable index::Mutex mutex_;
  std::list<Entry> entries_ THRONG_GUARDED_BY(mutex_);  // the latest first
  std::map<Key, std::list<Entry>::iterator> places_ THRONG_GUARDED_BY(mutex_);
  size_t bytes_ THRONG_GUARDED_BY(mutex_) = 0;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_CROWD_SET_CACHE_H_
