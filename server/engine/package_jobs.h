// The jobs that write packages into the package directory, and what became of earlier ones.
//
//   THRONG_ASSIGN_OR_RETURN(std::unique_ptr<PackageJobs> jobs, PackageJobs::Open(options));
//   absl::StatusOr<PackageInfo> queued = jobs->Submit(record, source);
//   jobs->Find("default", queued->id)->info.state;
//
//   DIR/LOCK
//   DIR/default/20240315-100000-0001/.job.json        the record
//                                    part.csv.gz      or part-00001-of-00004.csv.gz
//                                    manifest.json    the last: with it the package is complete
//
// Files come into being as NAME.partial; when all are written and synced they get their names, and
// then the manifest comes the same way. What failed, was cancelled or was cut leaves no file but
// the record; where the disk does not even remove files, the next start does. Internal to the
// engine.
#ifndef THRONG_SERVER_ENGINE_PACKAGE_JOBS_H_
#define THRONG_SERVER_ENGINE_PACKAGE_JOBS_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/mutex.h"
#include "server/engine/package_record.h"
#include "server/engine/package_requests.h"
#include "server/engine/package_source.h"
#include "storage/package_folder.h"

namespace throng::engine {

struct PackageJobOptions {
  std::string directory;
  uint32_t threads = 1;            // jobs at once
  uint32_t queued_max = 16;        // that wait, each with the snapshot it reads
  uint32_t packages_max = 10'000;  // that are there, of a population
  storage::FileSystemHook* file_system = nullptr;
  std::function<int64_t()> clock_us;
  // For tests: called by a job before each block that it writes.
  std::function<void()> before_block = {};
};

// Thread-safe.
class PackageJobs {
 public:
  // Takes the directory, reads the records in it, and makes those of jobs that were under way CUT.
  // What in it is no package is let be. Errors: kFailedPrecondition: another process has it;
  // kUnavailable.
  static absl::StatusOr<std::unique_ptr<PackageJobs>> Open(PackageJobOptions options);
  // Cuts what is under way.
  ~PackageJobs();
  PackageJobs(const PackageJobs&) = delete;
  PackageJobs& operator=(const PackageJobs&) = delete;

  // The package that a request with this id made, if there is one and it did not fail, was not
  // cancelled or cut: those can be asked for again. Errors: kInvalidArgument (REQUEST_ID_REUSED).
  absl::StatusOr<std::optional<PackageRecord>> FindRequest(const PackageRecord& request) const;
  // Queues a job; the record gets its id. A retry gets the first answer. Errors:
  // kResourceExhausted (TOO_MANY_PACKAGES, TOO_MANY_PACKAGE_JOBS), as FindRequest, the disk's.
  absl::StatusOr<PackageInfo> Submit(PackageRecord record, PackageSource source);

  std::optional<PackageRecord> Find(std::string_view population, std::string_view id) const;
  // In order of creation.
  std::vector<PackageRecord> List(std::string_view population) const;
  PackageJobCounts Counts() const;
  // Errors: kNotFound, kFailedPrecondition (PACKAGE_ENDED).
  absl::StatusOr<PackageInfo> Cancel(std::string_view population, std::string_view id);
  // Errors: kNotFound, kFailedPrecondition (PACKAGE_RUNNING), the disk's.
  absl::Status Delete(std::string_view population, std::string_view id);

 private:
  using Key = std::pair<std::string, std::string>;  // population, id
  struct Job;
  using JobRef = std::shared_ptr<Job>;

  explicit PackageJobs(PackageJobOptions options) : options_(std::move(options)) {}

  absl::Status Load() THRONG_REQUIRES(mutex_);
  void LoadOne(const std::string& population, const std::string& id) THRONG_REQUIRES(mutex_);
  void Work();
  void Run(const JobRef& job);
  // What is removed of a package that is none: first of all the manifest.
  static void RemoveFiles(const storage::PackageFolder& folder);
  absl::Status Write(const JobRef& job, PackageManifest* manifest);
  absl::Status WritePart(const JobRef& job, const std::string& name, const PackageSource& source,
                         uint32_t part, PackageManifest* manifest);
  absl::Status CheckGoesOn(const JobRef& job) const;
  // Ends a job with its state by `status`; removes its files where that is not OK.
  void End(const JobRef& job, const absl::Status& status, PackageManifest manifest);
  // An id that was never given; empty: of this second there are none left.
  std::string NewId(const std::string& population) THRONG_REQUIRES(mutex_);
  std::string PathOf(const Key& key) const;
  absl::StatusOr<JobRef> Require(std::string_view population, std::string_view id) const
      THRONG_REQUIRES(mutex_);
  // What FindRequest answers; null: nothing.
  absl::StatusOr<JobRef> FirstOf(const PackageRecord& request) const THRONG_REQUIRES(mutex_);

  const PackageJobOptions options_;
  std::unique_ptr<storage::FolderLock> lock_;
  mutable index::Mutex mutex_;
  index::ConditionVariable changed_;
  std::map<Key, JobRef> jobs_ THRONG_GUARDED_BY(mutex_);
  std::deque<JobRef> queue_ THRONG_GUARDED_BY(mutex_);
  uint32_t running_ THRONG_GUARDED_BY(mutex_) = 0;
  std::string id_second_ THRONG_GUARDED_BY(mutex_);  // of the last id, and its number in it
  uint32_t id_number_ THRONG_GUARDED_BY(mutex_) = 0;
  bool stopping_ THRONG_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

// kNotFound (UNKNOWN_PACKAGE) at "name".
absl::Status UnknownPackage(std::string_view id);

// "part.csv.gz", "part-00002-of-00004.csv.gz"; `part` from 0.
std::string PartName(std::string_view prefix, uint32_t part, uint32_t parts, PackageFormat format,
                     PackageCompression compression);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_PACKAGE_JOBS_H_
