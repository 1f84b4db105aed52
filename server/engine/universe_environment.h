// What a Universe needs of its surroundings.
//
//   Universe universe(population, loaded, {.store = store, .parallel = &parallel, ...});
//
// Internal to the engine. A value; thread-compatible.
#ifndef THRONG_SERVER_ENGINE_UNIVERSE_ENVIRONMENT_H_
#define THRONG_SERVER_ENGINE_UNIVERSE_ENVIRONMENT_H_

#include <cstdint>
#include <functional>

#include "index/parallel.h"
#include "storage/store.h"

namespace throng::engine {

// All that it points to outlives the Universe.
struct UniverseEnvironment {
  storage::Store* store = nullptr;
  index::Parallel* parallel = nullptr;        // of those who wait for an answer
  index::Parallel* write_parallel = nullptr;  // of commits and loads
  std::function<int64_t()> clock_us;
  int64_t lease_us = 0;
  uint32_t leased_versions_max = 0;
  uint64_t fold_log_bytes = 0;
  uint64_t crowd_cache_bytes = 0;
  uint64_t result_bytes_max = 0;  // of what one call keeps in memory until all of it is there
  // Of what others change of the tags of a REPLACE while it is under way; beyond, it is lost.
  uint64_t replace_changes_bytes_max = 256 << 20;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_UNIVERSE_ENVIRONMENT_H_
