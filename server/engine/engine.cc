#include "server/engine/engine.h"

#include <chrono>
#include <thread>
#include <utility>

#include "index/error.h"
#include "index/parallel.h"
#include "server/engine/maintenance.h"
#include "server/engine/package_jobs.h"
#include "server/engine/universe.h"

namespace throng::engine {
namespace {

int64_t SystemClockUs() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Of the threads that help a writer: counts go first when the cores are busy.
constexpr int kWriteNice = 10;

uint32_t ThreadCount(uint32_t asked) {
  return asked != 0 ? asked : std::max(1u, std::thread::hardware_concurrency());
}

std::function<int64_t()> ClockOf(const EngineOptions& options) {
  return options.clock_us ? options.clock_us : SystemClockUs;
}

// Null without a directory.
absl::StatusOr<std::unique_ptr<PackageJobs>> OpenPackages(const EngineOptions& options) {
  if (options.package_directory.empty()) return nullptr;
  return PackageJobs::Open({.directory = options.package_directory,
                            .threads = options.package_threads,
                            .queued_max = options.package_jobs_queued_max,
                            .packages_max = options.packages_max,
                            .file_system = options.file_system,
                            .clock_us = ClockOf(options),
                            .before_block = options.before_package_block});
}

MaintenancePauses PausesOf(const EngineOptions& options) {
  return {.resume_first = std::chrono::milliseconds(options.resume_pause_ms),
          .resume_last = std::chrono::milliseconds(options.resume_pause_ms_max)};
}

}  // namespace

// In order of construction; destroyed the other way round, so that universes fold while the store
// is still open.
struct Engine::Parts {
  Parts(std::unique_ptr<storage::Store> opened, std::unique_ptr<storage::ErasureLedger> erased,
        std::unique_ptr<PackageJobs> jobs, std::shared_ptr<Alarm> alarm,
        const EngineOptions& options)
      : store(std::move(opened)),
        ledger(std::move(erased)),
        parallel(ThreadCount(options.query_threads)),
        write_parallel(ThreadCount(options.query_threads), kWriteNice),
        universes({.store = store.get(),
                   .parallel = &parallel,
                   .write_parallel = &write_parallel,
                   .clock_us = ClockOf(options),
                   .lease_us = options.lease_us,
                   .leased_versions_max = options.leased_versions_max,
                   .fold_log_bytes = options.fold_log_bytes,
                   .crowd_cache_bytes = options.crowd_cache_bytes,
                   .result_bytes_max = options.result_bytes_max}),
        maintenance(universes, std::move(alarm), PausesOf(options)),
        administration(universes, maintenance, options.backup_directory),
        package_jobs(std::move(jobs)) {}

  std::unique_ptr<storage::Store> store;
  std::unique_ptr<storage::ErasureLedger> ledger;
  index::Parallel parallel;
  index::Parallel write_parallel;
  Universes universes;
  Maintenance maintenance;
  Populations populations{universes};
  Tags tags{universes};
  Crowds crowds{universes};
  Uploads uploads{universes, crowds};
  Writer writer{universes};
  Selections selections{universes, parallel.threads()};
  Insights insights{universes};
  Memberships memberships{universes};
  Portraits portraits{universes};
  Identities identities{universes};
  Erasures erasures{universes, *ledger};
  Administration administration;
  std::unique_ptr<PackageJobs> package_jobs;  // null: no directory
  Packages packages{universes, package_jobs.get()};
};

absl::StatusOr<std::unique_ptr<Engine>> Engine::Open(const EngineOptions& options,
                                                     const LoadingProgress& progress) {
  auto alarm = std::make_shared<Alarm>();
  const storage::StoreOptions store_options{.directory = options.directory,
                                            .sync = options.sync,
                                            .sync_interval_ms = options.sync_interval_ms,
                                            .compress = options.compress,
                                            .file_system = options.file_system,
                                            .now_us = options.clock_us,
                                            .on_write_state = [alarm] { alarm->Ring(); }};
  THRONG_ASSIGN_OR_RETURN(std::unique_ptr<storage::Store> store,
                          storage::Store::Open(store_options));
  THRONG_ASSIGN_OR_RETURN(std::unique_ptr<storage::ErasureLedger> ledger,
                          storage::ErasureLedger::Open(store_options));
  THRONG_ASSIGN_OR_RETURN(std::unique_ptr<PackageJobs> package_jobs, OpenPackages(options));
  auto parts = std::make_unique<Parts>(std::move(store), std::move(ledger), std::move(package_jobs),
                                       std::move(alarm), options);
  if (parts->store->populations().empty()) {
    THRONG_RETURN_IF_ERROR(parts->store->CreatePopulation("default", "", "user_id").status());
  }
  for (const storage::Population& population : parts->store->populations()) {
    THRONG_ASSIGN_OR_RETURN(storage::LoadedPopulation loaded,
                            parts->store->Load(population.id, parts->parallel, progress));
    parts->universes.Add(population, std::move(loaded));
  }
  // Before the first call: data of a backup must not show whom the ledger says to forget.
  for (const std::shared_ptr<Universe>& universe : parts->universes.List()) {
    THRONG_RETURN_IF_ERROR(parts->erasures.Follow(*universe).status());
  }
  parts->maintenance.Start();
  return std::unique_ptr<Engine>(new Engine(std::move(parts)));
}

Engine::Engine(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Engine::~Engine() = default;

Populations& Engine::populations() { return parts_->populations; }
Tags& Engine::tags() { return parts_->tags; }
Crowds& Engine::crowds() { return parts_->crowds; }
Uploads& Engine::uploads() { return parts_->uploads; }
Writer& Engine::writer() { return parts_->writer; }
Selections& Engine::selections() { return parts_->selections; }
Insights& Engine::insights() { return parts_->insights; }
Memberships& Engine::memberships() { return parts_->memberships; }
Portraits& Engine::portraits() { return parts_->portraits; }
Identities& Engine::identities() { return parts_->identities; }
Erasures& Engine::erasures() { return parts_->erasures; }
Packages& Engine::packages() { return parts_->packages; }
Administration& Engine::administration() { return parts_->administration; }

}  // namespace throng::engine
