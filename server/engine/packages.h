// Packages: versions of crowds exported, as a stream or by a job into the package directory.
//
//   PackageSink sink{.start = ..., .block = ...};
//   engine.packages().Export(context, {.crowd = "spring"}, "", sink)->counts.rows;
//   engine.packages().Create(context, {.spec = {.crowd = "spring"}, .file_count = 4}, {})->id;
//
// All of a package is read on one data version. A user who is erased while it is written may be in
// it; one who was erased before is not. A package that the caller may not see, because of its crowd
// or its columns, is answered as one that is not there.
#ifndef THRONG_SERVER_ENGINE_PACKAGES_H_
#define THRONG_SERVER_ENGINE_PACKAGES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/engine/call_context.h"
#include "server/engine/package_requests.h"
#include "server/engine/tags.h"

namespace throng::engine {

class PackageJobs;
class Universes;
struct PackageRecord;

// Thread-safe.
class Packages {
 public:
  // `jobs` may be null: there is no package directory.
  Packages(Universes& universes, PackageJobs* jobs) : universes_(universes), jobs_(jobs) {}

  // Writes one file to the sink, on the caller's thread, from the start or from where `token` says:
  // the same bytes would have come without the cut. Of users erased meanwhile, who stand at their
  // ordinal and not at a line, those behind the cut do not come. Errors: as BindPackage and
  // PackageBlocks::Next; kInvalidArgument (BAD_RESUME_TOKEN); the context's and the sink's.
  absl::StatusOr<PackageManifest> Export(const CallContext& context, const PackageSpec& spec,
                                         std::string_view token, const PackageSink& sink);

  // Starts a job, or queues it; it reads the data version of now. Errors: as BindPackage;
  // kInvalidArgument (BAD_FILE_COUNT, BAD_FILE_PREFIX, REQUEST_ID_REUSED), kFailedPrecondition
  // (NO_PACKAGE_DIRECTORY), kResourceExhausted (TOO_MANY_PACKAGES, TOO_MANY_PACKAGE_JOBS; the disk
  // is full), kUnavailable (the disk).
  absl::StatusOr<PackageInfo> Create(const CallContext& context, const CreatePackage& create,
                                     const WriteOptions& options);
  // Errors of all that follow: kNotFound (UNKNOWN_PACKAGE at "name", UNKNOWN_POPULATION).
  absl::StatusOr<PackageInfo> Get(const CallContext& context, std::string_view population,
                                  std::string_view id);
  // In order of creation.
  absl::StatusOr<std::vector<PackageInfo>> List(const CallContext& context,
                                                std::string_view population);
  PackageJobCounts JobCounts() const;
  // A job that runs ends soon after. Errors: kFailedPrecondition (PACKAGE_ENDED).
  absl::StatusOr<PackageInfo> Cancel(const CallContext& context, std::string_view population,
                                     std::string_view id);
  // Removes the package and its files. Errors: kFailedPrecondition (PACKAGE_RUNNING), kUnavailable
  // (the disk).
  absl::Status Delete(const CallContext& context, std::string_view population, std::string_view id);

 private:
  absl::StatusOr<PackageRecord> Find(const CallContext& context, std::string_view population,
                                     std::string_view id);

  Universes& universes_;
  PackageJobs* const jobs_;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_PACKAGES_H_
