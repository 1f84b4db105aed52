#include "server/engine/packages.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/engine/crowd_view.h"
#include "server/engine/package_blocks.h"
#include "server/engine/package_jobs.h"
#include "server/engine/package_record.h"
#include "server/engine/package_source.h"
#include "server/engine/package_token.h"
#include "server/engine/request_memory.h"
#include "server/engine/universe.h"

namespace throng::engine {
namespace {

bool IsPrefixCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

absl::Status CheckFiles(const CreatePackage& create) {
  if (create.file_count < 1 || create.file_count > kPackageFilesMax) {
    return index::MakeError(
        absl::StatusCode::kInvalidArgument,
        fmt::format("file_count is {}; it must be 1 to {}", create.file_count, kPackageFilesMax),
        {.reason = "BAD_FILE_COUNT",
         .field = "file_count",
         .limit = kPackageFilesMax,
         .requested = create.file_count});
  }
  const std::string& prefix = create.file_prefix;
  const bool is_name = !prefix.empty() && prefix.size() <= kPackagePrefixBytesMax &&
                       prefix[0] != '.' && prefix != "manifest" &&
                       std::all_of(prefix.begin(), prefix.end(), IsPrefixCharacter);
  if (is_name) return absl::OkStatus();
  return index::InvalidArgument(
      "BAD_FILE_PREFIX", "file_prefix",
      fmt::format("a file prefix has 1 to {} letters, digits, '-', '_' and '.', no '.' in front, "
                  "and is not \"manifest\"",
                  kPackagePrefixBytesMax));
}

// Whether the caller may see what the package was made of, by what is known of it now.
bool Sees(const index::Snapshot& snapshot, const CallContext& context,
          const PackageRecord& record) {
  const index::CrowdEntry* crowd = snapshot.crowds().FindById(record.crowd);
  if (crowd != nullptr && !CrowdView(snapshot, context.visibility).Sees(*crowd)) return false;
  return SeesTags(snapshot.catalogue(), context.visibility, record.beneath);
}

}  // namespace

std::string_view PackageFormatName(PackageFormat format) {
  switch (format) {
    case PackageFormat::kText:
      return "txt";
    case PackageFormat::kCsv:
      return "csv";
    case PackageFormat::kNdjson:
      return "ndjson";
    case PackageFormat::kRoaring32:
      return "roaring32";
    case PackageFormat::kRoaring64:
      return "roaring64";
  }
  return "unknown";
}

std::string_view PackageCompressionName(PackageCompression compression) {
  switch (compression) {
    case PackageCompression::kNone:
      return "none";
    case PackageCompression::kGzip:
      return "gzip";
    case PackageCompression::kZstd:
      return "zstd";
  }
  return "unknown";
}

std::string_view IdHashingName(IdHashing hashing) {
  switch (hashing) {
    case IdHashing::kNone:
      return "none";
    case IdHashing::kSha256:
      return "sha256";
    case IdHashing::kMd5:
      return "md5";
  }
  return "unknown";
}

std::string_view PackageStateName(PackageState state) {
  switch (state) {
    case PackageState::kQueued:
      return "queued";
    case PackageState::kRunning:
      return "running";
    case PackageState::kReady:
      return "ready";
    case PackageState::kFailed:
      return "failed";
    case PackageState::kCancelled:
      return "cancelled";
    case PackageState::kCut:
      return "cut";
  }
  return "unknown";
}

std::string_view SideName(DiffCrowdVersions::Side side) {
  return side == DiffCrowdVersions::Side::kAdded ? "added" : "removed";
}

namespace {

constexpr int64_t kLeaseEveryUs = 10'000'000;

// Keeps the data version of a stream for the one that goes on with it. Not thread-safe.
class StreamLease {
 public:
  explicit StreamLease(const PackageSource& source)
      : source_(source), leased_us_(source.universe->now_us()) {}
  // However the stream ends.
  ~StreamLease() { Renew(); }

  void RenewNowAndThen() {
    if (source_.universe->now_us() - leased_us_ >= kLeaseEveryUs) Renew();
  }

 private:
  void Renew() {
    if (!source_.rests_on_snapshot) return;
    leased_us_ = source_.universe->now_us();
    // One that is gone all the same cannot be gone on with: the next stream says so.
    source_.universe->Pin(source_.manifest.data_version).status().IgnoreError();
  }

  const PackageSource& source_;
  int64_t leased_us_;
};

}  // namespace

absl::StatusOr<PackageManifest> Packages::Export(const CallContext& context,
                                                 const PackageSpec& spec, std::string_view token,
                                                 const PackageSink& sink) {
  PackageToken place{.spec = SpecHash(spec)};
  const bool is_resumed = !token.empty();
  if (is_resumed) {
    THRONG_ASSIGN_OR_RETURN(place, DecodePackageToken(token));
    if (place.spec != SpecHash(spec)) {
      return BadResumeToken("the resume token belongs to another request");
    }
  }
  THRONG_ASSIGN_OR_RETURN(
      const PackageSource source,
      BindPackage(universes_, context, spec, is_resumed ? &place.binding : nullptr));
  place.binding = source.binding;
  if (!is_resumed) place.total = source.manifest.total;
  PackageManifest manifest = source.manifest;
  manifest.total = place.total;
  THRONG_RETURN_IF_ERROR(sink.start(manifest));
  PackageBlocks blocks(source, PackageRange(), place.progress);
  StreamLease lease(source);
  std::string bytes;
  while (true) {
    THRONG_RETURN_IF_ERROR(context.Check());
    lease.RenewNowAndThen();
    THRONG_ASSIGN_OR_RETURN(const bool goes_on, blocks.Next(&bytes));
    place.progress = blocks.progress();
    if (!goes_on) break;
    THRONG_RETURN_IF_ERROR(sink.block(bytes, EncodePackageToken(place)));
  }
  manifest.counts = place.progress.counts;
  const uint64_t seen = manifest.counts.users + manifest.counts.without_id;
  manifest.erased_meanwhile = manifest.total - std::min(manifest.total, seen);
  manifest.files = {{.name = PartName("part", 0, 1, spec.format, spec.compression),
                     .bytes = place.progress.bytes(),
                     .rows = manifest.counts.rows,
                     .sha256 = blocks.Sha256Hex()}};
  return manifest;
}

absl::StatusOr<PackageInfo> Packages::Create(const CallContext& context,
                                             const CreatePackage& create,
                                             const WriteOptions& options) {
  THRONG_RETURN_IF_ERROR(CheckFiles(create));
  THRONG_RETURN_IF_ERROR(CheckRequestId(options.request_id));
  if (jobs_ == nullptr) {
    return index::MakeError(absl::StatusCode::kFailedPrecondition,
                            "there is no directory for packages: start throngd with "
                            "--package-dir, or export as a stream",
                            {.reason = "NO_PACKAGE_DIRECTORY"});
  }
  PackageRecord record;
  record.info.population = create.spec.population;
  record.principal = context.principal;
  record.request_id = options.request_id;
  record.payload_hash = options.payload_hash;
  THRONG_ASSIGN_OR_RETURN(const std::optional<PackageRecord> first, jobs_->FindRequest(record));
  if (first.has_value()) {
    THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe,
                            universes_.Find(create.spec.population));
    const index::SnapshotRef snapshot = universe->newest();
    if (Sees(*snapshot, context, *first)) return first->info;
    return CrowdView(*snapshot, context.visibility).Unknown(create.spec.crowd, "spec.crowd");
  }
  THRONG_ASSIGN_OR_RETURN(PackageSource source,
                          BindPackage(universes_, context, create.spec, nullptr));
  PackageInfo& info = record.info;
  info.spec = source.manifest.spec;
  info.file_count = create.file_count;
  info.file_prefix = create.file_prefix;
  info.total = source.manifest.total;
  info.data_version = source.manifest.data_version;
  info.create_us = source.manifest.create_us;
  record.crowd = source.binding.crowd;
  record.beneath = source.beneath;
  if (options.validate_only) return info;
  return jobs_->Submit(std::move(record), std::move(source));
}

absl::StatusOr<PackageRecord> Packages::Find(const CallContext& context,
                                             std::string_view population, std::string_view id) {
  THRONG_RETURN_IF_ERROR(context.Check());
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe, universes_.Find(population));
  std::optional<PackageRecord> record;
  if (jobs_ != nullptr) record = jobs_->Find(population, id);
  if (!record.has_value() || !Sees(*universe->newest(), context, *record)) {
    return UnknownPackage(id);
  }
  return *std::move(record);
}

absl::StatusOr<PackageInfo> Packages::Get(const CallContext& context, std::string_view population,
                                          std::string_view id) {
  THRONG_ASSIGN_OR_RETURN(PackageRecord record, Find(context, population, id));
  return std::move(record.info);
}

absl::StatusOr<std::vector<PackageInfo>> Packages::List(const CallContext& context,
                                                        std::string_view population) {
  THRONG_RETURN_IF_ERROR(context.Check());
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe, universes_.Find(population));
  std::vector<PackageInfo> packages;
  if (jobs_ == nullptr) return packages;
  const index::SnapshotRef snapshot = universe->newest();
  for (PackageRecord& record : jobs_->List(population)) {
    if (Sees(*snapshot, context, record)) packages.push_back(std::move(record.info));
  }
  return packages;
}

absl::StatusOr<PackageInfo> Packages::Cancel(const CallContext& context,
                                             std::string_view population, std::string_view id) {
  THRONG_RETURN_IF_ERROR(Find(context, population, id).status());
  return jobs_->Cancel(population, id);
}

absl::Status Packages::Delete(const CallContext& context, std::string_view population,
                              std::string_view id) {
  THRONG_RETURN_IF_ERROR(Find(context, population, id).status());
  return jobs_->Delete(population, id);
}

PackageJobCounts Packages::JobCounts() const {
  return jobs_ == nullptr ? PackageJobCounts() : jobs_->Counts();
}

}  // namespace throng::engine
