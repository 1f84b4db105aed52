#include "server/engine/crowd_set_cache.h"

#include "fmt/format.h"
#include "index/error.h"

namespace throng::engine {

absl::StatusOr<index::OrdinalSetRef> CrowdSetCache::Read(const storage::Store& store,
                                                         uint32_t population,
                                                         const index::Snapshot& snapshot,
                                                         const index::CrowdVersionId& id,
                                                         uint64_t computed_count) {
  const Key key{id, snapshot.identity().erasure_version};
  {
    index::MutexLock lock(mutex_);
    if (const auto place = places_.find(key); place != places_.end()) {
      entries_.splice(entries_.begin(), entries_, place->second);
      return place->second->set;
    }
  }
  absl::StatusOr<index::OrdinalSetRef> stored =
      store.ReadCrowdVersion(population, id, computed_count);
  if (absl::IsNotFound(stored.status())) {
    return index::MakeError(
        absl::StatusCode::kFailedPrecondition,
        fmt::format("version {} of the crowd is not kept any more: ask again without read_version, "
                    "or pin versions that are to stay",
                    id.number),
        {.reason = "CROWD_VERSION_GONE", .requested = id.number});
  }
  if (!stored.ok()) return stored;
  index::OrdinalSetRef living = index::LivingIn(snapshot, *stored);
  Put(key, living);
  return living;
}

void CrowdSetCache::Put(const Key& key, const index::OrdinalSetRef& set) {
  const size_t bytes = set->memory_bytes();
  if (bytes > bytes_max_) return;
  index::MutexLock lock(mutex_);
  if (places_.contains(key)) return;
  entries_.push_front({.key = key, .set = set, .bytes = bytes});
  places_[key] = entries_.begin();
  bytes_ += bytes;
  while (bytes_ > bytes_max_) {
    bytes_ -= entries_.back().bytes;
    places_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

size_t CrowdSetCache::bytes() const {
  index::MutexLock lock(mutex_);
  return bytes_;
}

}  // namespace throng::engine
