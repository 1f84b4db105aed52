// The engine: everything Throng does, without a network.
//
//   absl::StatusOr<std::unique_ptr<Engine>> engine = Engine::Open({.directory = dir});
//   CallContext context = CallContext::Internal();
//   absl::StatusOr<CountResult> n = (*engine)->selections().Count(
//       context, {.what = "city = 'Beijing' and views_7d > 3"});
//
// One face a concern: populations(), tags(), crowds(), uploads(), writer(), selections(),
// insights(), memberships(), portraits(), identities(), erasures(), packages(), administration().
// All are thread-safe; a call runs on the caller's thread and on the query pool.
#ifndef THRONG_SERVER_ENGINE_ENGINE_H_
#define THRONG_SERVER_ENGINE_ENGINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/engine/administration.h"
#include "server/engine/crowds.h"
#include "server/engine/erasures.h"
#include "server/engine/identities.h"
#include "server/engine/insights.h"
#include "server/engine/memberships.h"
#include "server/engine/packages.h"
#include "server/engine/populations.h"
#include "server/engine/portraits.h"
#include "server/engine/selections.h"
#include "server/engine/tags.h"
#include "server/engine/uploads.h"
#include "server/engine/writer.h"
#include "storage/store.h"

namespace throng::engine {

struct EngineOptions {
  // What changes behaviour.
  std::string directory;
  bool sync = true;  // see storage::StoreOptions
  uint32_t sync_interval_ms = 200;
  int64_t lease_us = 60'000'000;  // how long a handed-out data version can be asked for again
  uint32_t leased_versions_max = 64;
  std::string backup_directory;   // where backups go; empty: none can be made
  std::string package_directory;  // where jobs write packages; empty: none can
  // What changes performance.
  uint32_t query_threads = 0;                 // 0: one a core
  uint64_t fold_log_bytes = 256ull << 20;     // fold when the log holds this much
  uint64_t crowd_cache_bytes = 256ull << 20;  // of older crowd versions, a population
  uint64_t result_bytes_max = 4ull << 30;     // sets of a refresh, all of which are kept at once
  uint32_t package_threads = 1;               // jobs at once that write packages
  uint32_t package_jobs_queued_max = 16;      // and that wait
  uint32_t packages_max = 10'000;             // kept in the directory, of a population
  // While the disk refuses writes: pauses between attempts to go on, doubled after each.
  uint32_t resume_pause_ms = 500;
  uint32_t resume_pause_ms_max = 10'000;
  // For tests.
  bool compress = true;  // see storage::StoreOptions
  storage::FileSystemHook* file_system = nullptr;
  std::function<int64_t()> clock_us;           // Unix microseconds; empty: the system's
  std::function<void()> before_package_block;  // of a job
};

// Told while loading: done and total bytes of base blocks.
using LoadingProgress = std::function<void(uint64_t bytes_done, uint64_t bytes_total)>;

// Thread-safe.
class Engine {
 public:
  // Opens or creates the directory, loads every population, and creates the population "default"
  // if there is none. Errors: as storage::Store::Open and Load.
  static absl::StatusOr<std::unique_ptr<Engine>> Open(const EngineOptions& options,
                                                      const LoadingProgress& progress = {});
  // Folds what is worth folding and closes. No call may be under way.
  ~Engine();

  Populations& populations();
  Tags& tags();
  Crowds& crowds();
  Uploads& uploads();
  Writer& writer();
  Selections& selections();
  Insights& insights();
  Memberships& memberships();
  Portraits& portraits();
  Identities& identities();
  Erasures& erasures();
  Packages& packages();
  Administration& administration();

 private:
  struct Parts;
  explicit Engine(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_ENGINE_H_
