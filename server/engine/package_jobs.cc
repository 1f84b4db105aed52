#include "server/engine/package_jobs.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <new>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "index/error.h"
#include "index/parallel.h"
#include "server/engine/package_blocks.h"

namespace throng::engine {
namespace {

// Exports stand back for counts.
constexpr int kJobNice = 10;
constexpr uint32_t kIdsASecondMax = 9'999;
constexpr std::string_view kCutByRestart = "cut by a restart of the server: ask again";
constexpr std::string_view kCutByStop = "cut as the server stopped: ask again";

bool IsUnderWay(PackageState state) {
  return state == PackageState::kQueued || state == PackageState::kRunning;
}

std::string TextOf(const absl::Status& status) {
  const absl::string_view message = status.message();
  return std::string(message.data(), message.size());
}

absl::Status NotInState(std::string_view reason, std::string_view message) {
  return index::MakeError(absl::StatusCode::kFailedPrecondition, message,
                          {.reason = std::string(reason), .field = "name"});
}

std::string_view Extension(PackageFormat format) {
  switch (format) {
    case PackageFormat::kText:
      return ".txt";
    case PackageFormat::kCsv:
      return ".csv";
    case PackageFormat::kNdjson:
      return ".ndjson";
    case PackageFormat::kRoaring32:
    case PackageFormat::kRoaring64:
      return ".roaring";
  }
  return "";
}

std::string_view Extension(PackageCompression compression) {
  switch (compression) {
    case PackageCompression::kNone:
      return "";
    case PackageCompression::kGzip:
      return ".gz";
    case PackageCompression::kZstd:
      return ".zst";
  }
  return "";
}

// Calls `work`. What it throws is its error: a job ends, not the server.
absl::Status WithoutExceptions(const std::function<absl::Status()>& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return index::MakeError(absl::StatusCode::kResourceExhausted,
                            "the server has not enough memory for the package",
                            {.reason = "OUT_OF_MEMORY"});
  } catch (const std::exception& error) {
    return absl::InternalError(error.what());
  }
}

// Whether the files of the manifest are there, of its lengths.
bool HasAllFiles(const storage::PackageFolder& folder, const PackageManifest& manifest) {
  return std::all_of(manifest.files.begin(), manifest.files.end(), [&](const PackagePart& part) {
    const absl::StatusOr<uint64_t> size = folder.SizeOf(part.name);
    return size.ok() && *size == part.bytes;
  });
}

}  // namespace

// Guarded by the jobs' mutex, but for what is constant or atomic.
struct PackageJobs::Job {
  explicit Job(PackageRecord of, storage::PackageFolder at)
      : record(std::move(of)), folder(std::move(at)) {}

  PackageRecord record;
  const storage::PackageFolder folder;
  std::unique_ptr<PackageSource> source;  // until it ends
  std::atomic<bool> cancelled{false};
};

absl::Status UnknownPackage(std::string_view id) {
  return index::MakeError(absl::StatusCode::kNotFound,
                          id.size() <= kPackagePrefixBytesMax
                              ? fmt::format("there is no package \"{}\"", id)
                              : "there is no package of such a name",
                          {.reason = "UNKNOWN_PACKAGE", .field = "name"});
}

std::string PartName(std::string_view prefix, uint32_t part, uint32_t parts, PackageFormat format,
                     PackageCompression compression) {
  const std::string number = parts == 1 ? "" : fmt::format("-{:05}-of-{:05}", part + 1, parts);
  return fmt::format("{}{}{}{}", prefix, number, Extension(format), Extension(compression));
}

absl::StatusOr<std::unique_ptr<PackageJobs>> PackageJobs::Open(PackageJobOptions options) {
  std::unique_ptr<PackageJobs> jobs(new PackageJobs(std::move(options)));
  THRONG_ASSIGN_OR_RETURN(jobs->lock_, storage::FolderLock::Take(jobs->options_.directory));
  {
    index::MutexLock lock(jobs->mutex_);
    THRONG_RETURN_IF_ERROR(jobs->Load());
  }
  for (uint32_t i = 0; i < jobs->options_.threads; ++i) {
    jobs->threads_.emplace_back([work = jobs.get()] { work->Work(); });
  }
  return jobs;
}

PackageJobs::~PackageJobs() {
  std::deque<JobRef> waiting;
  {
    index::MutexLock lock(mutex_);
    stopping_ = true;
    waiting.swap(queue_);
    changed_.NotifyAll();
  }
  for (std::thread& thread : threads_) thread.join();
  for (const JobRef& job : waiting) End(job, absl::AbortedError(std::string(kCutByStop)), {});
}

absl::Status PackageJobs::Load() {
  for (const std::string& population : storage::PackageFolder::FoldersIn(options_.directory)) {
    const std::string path = fmt::format("{}/{}", options_.directory, population);
    for (const std::string& id : storage::PackageFolder::FoldersIn(path)) {
      LoadOne(population, id);
    }
  }
  return absl::OkStatus();
}

void PackageJobs::LoadOne(const std::string& population, const std::string& id) {
  const Key key(population, id);
  const absl::StatusOr<storage::PackageFolder> folder =
      storage::PackageFolder::Open(PathOf(key), options_.file_system);
  if (!folder.ok()) return;
  const auto read = [&](std::string_view name) {
    return folder->ReadWhole(std::string(name), kRecordBytesMax).value_or("");
  };
  absl::StatusOr<PackageRecord> record = DecodeRecord(read(kRecordFile));
  // Somebody else's, or a folder whose job was cut before it had a record.
  if (!record.ok() || record->info.population != population) return;
  PackageInfo& info = record->info;
  info.id = id;
  info.directory = folder->path();
  const absl::StatusOr<PackageManifest> manifest = DecodeManifest(read(kManifestFile));
  const bool was_under_way = IsUnderWay(info.state);
  const bool is_whole = manifest.ok() && HasAllFiles(*folder, *manifest);
  // Complete once, and somebody took files away: what is left is not ours to remove.
  const bool are_theirs = info.state == PackageState::kReady && manifest.ok();
  if ((was_under_way || info.state == PackageState::kReady) && is_whole) {
    // The manifest is the last to come: with it all is there.
    info.state = PackageState::kReady;
    info.counts = manifest->counts;
    info.manifest = *manifest;
  } else if (was_under_way) {
    info.state = PackageState::kCut;
    info.error = kCutByRestart;
    info.end_us = options_.clock_us();
  } else if (info.state == PackageState::kReady) {
    info.state = PackageState::kFailed;
    info.error = manifest.ok() ? "its files are not all there: ask again"
                               : "its manifest is gone or damaged: ask again";
  }
  if (info.state != PackageState::kReady && !are_theirs) RemoveFiles(*folder);
  if (was_under_way) {
    folder->WriteWhole(std::string(kRecordFile), EncodeRecord(*record)).IgnoreError();
  }
  jobs_[key] = std::make_shared<Job>(*std::move(record), *folder);
}

std::string PackageJobs::PathOf(const Key& key) const {
  return fmt::format("{}/{}/{}", options_.directory, key.first, key.second);
}

absl::StatusOr<PackageJobs::JobRef> PackageJobs::FirstOf(const PackageRecord& request) const {
  if (request.request_id.empty()) return JobRef();
  for (const auto& [key, job] : jobs_) {
    const PackageRecord& other = job->record;
    const PackageState state = other.info.state;
    const bool is_answer = IsUnderWay(state) || state == PackageState::kReady;
    if (key.first != request.info.population || other.request_id != request.request_id ||
        other.principal != request.principal || !is_answer) {
      continue;
    }
    if (other.payload_hash == request.payload_hash) return job;
    return index::InvalidArgument(
        "REQUEST_ID_REUSED", "request_id",
        fmt::format("request id \"{}\" was used with another request", request.request_id));
  }
  return JobRef();
}

absl::StatusOr<std::optional<PackageRecord>> PackageJobs::FindRequest(
    const PackageRecord& request) const {
  index::MutexLock lock(mutex_);
  THRONG_ASSIGN_OR_RETURN(const JobRef first, FirstOf(request));
  if (first == nullptr) return std::nullopt;
  return first->record;
}

std::string PackageJobs::NewId(const std::string& population) {
  const absl::Time now = absl::FromUnixMicros(options_.clock_us());
  const std::string second = absl::FormatTime("%Y%m%d-%H%M%S", now, absl::UTCTimeZone());
  if (second != id_second_) id_number_ = 0;
  id_second_ = second;
  while (id_number_ < kIdsASecondMax) {
    std::string id = fmt::format("{}-{:04}", second, ++id_number_);
    // One from before a restart.
    if (!jobs_.contains({population, id})) return id;
  }
  return "";
}

absl::StatusOr<PackageInfo> PackageJobs::Submit(PackageRecord record, PackageSource source) {
  index::MutexLock lock(mutex_);
  const std::string population = record.info.population;
  THRONG_ASSIGN_OR_RETURN(const JobRef first, FirstOf(record));
  if (first != nullptr) return first->record.info;
  const auto begin = jobs_.lower_bound({population, ""});
  const auto end = std::find_if(begin, jobs_.end(),
                                [&](const auto& job) { return job.first.first != population; });
  const auto count = static_cast<uint64_t>(std::distance(begin, end));
  const std::string id = count < options_.packages_max ? NewId(population) : "";
  if (count >= options_.packages_max || id.empty()) {
    return index::LimitExceeded(absl::StatusCode::kResourceExhausted, "TOO_MANY_PACKAGES",
                                "the number of packages; delete some: it", options_.packages_max,
                                count + 1);
  }
  const uint64_t jobs_max = uint64_t{options_.threads} + options_.queued_max;
  if (running_ + queue_.size() >= jobs_max) {
    return index::LimitExceeded(absl::StatusCode::kResourceExhausted, "TOO_MANY_PACKAGE_JOBS",
                                "the number of package jobs that run and wait; try later: it",
                                jobs_max, running_ + queue_.size() + 1);
  }
  const Key key(population, id);
  THRONG_ASSIGN_OR_RETURN(storage::PackageFolder folder,
                          storage::PackageFolder::Open(PathOf(key), options_.file_system));
  record.info.id = id;
  record.info.directory = folder.path();
  record.info.state = PackageState::kQueued;
  const absl::Status written = folder.WriteWhole(std::string(kRecordFile), EncodeRecord(record));
  if (!written.ok()) {
    folder.Remove().IgnoreError();
    return written;
  }
  const auto job = std::make_shared<Job>(std::move(record), std::move(folder));
  job->source = std::make_unique<PackageSource>(std::move(source));
  jobs_[key] = job;
  queue_.push_back(job);
  changed_.NotifyOne();
  return job->record.info;
}

std::optional<PackageRecord> PackageJobs::Find(std::string_view population,
                                               std::string_view id) const {
  index::MutexLock lock(mutex_);
  const absl::StatusOr<JobRef> job = Require(population, id);
  if (!job.ok()) return std::nullopt;
  return (*job)->record;
}

std::vector<PackageRecord> PackageJobs::List(std::string_view population) const {
  index::MutexLock lock(mutex_);
  std::vector<PackageRecord> records;
  for (auto job = jobs_.lower_bound({std::string(population), ""});
       job != jobs_.end() && job->first.first == population; ++job) {
    records.push_back(job->second->record);
  }
  return records;
}

absl::StatusOr<PackageJobs::JobRef> PackageJobs::Require(std::string_view population,
                                                         std::string_view id) const {
  const auto job = jobs_.find({std::string(population), std::string(id)});
  if (job == jobs_.end()) return UnknownPackage(id);
  return job->second;
}

PackageJobCounts PackageJobs::Counts() const {
  index::MutexLock lock(mutex_);
  return {.running = running_, .waiting = static_cast<uint32_t>(queue_.size())};
}

absl::StatusOr<PackageInfo> PackageJobs::Cancel(std::string_view population, std::string_view id) {
  JobRef waited;
  {
    index::MutexLock lock(mutex_);
    THRONG_ASSIGN_OR_RETURN(const JobRef job, Require(population, id));
    const PackageInfo& info = job->record.info;
    if (info.state == PackageState::kCancelled) return info;
    if (!IsUnderWay(info.state)) {
      return NotInState("PACKAGE_ENDED", fmt::format("package \"{}\" has ended: it is {}", id,
                                                     PackageStateName(info.state)));
    }
    job->cancelled.store(true);
    const auto place = std::find(queue_.begin(), queue_.end(), job);
    if (place == queue_.end()) return info;
    queue_.erase(place);
    waited = job;
  }
  End(waited, absl::CancelledError(""), {});
  index::MutexLock lock(mutex_);
  return waited->record.info;
}

absl::Status PackageJobs::Delete(std::string_view population, std::string_view id) {
  index::MutexLock lock(mutex_);
  THRONG_ASSIGN_OR_RETURN(const JobRef job, Require(population, id));
  if (IsUnderWay(job->record.info.state)) {
    return NotInState("PACKAGE_RUNNING",
                      fmt::format("package \"{}\" is being written: cancel it first", id));
  }
  // Without its manifest it is no package, wherever this is cut.
  THRONG_RETURN_IF_ERROR(job->folder.Unpublish(std::string(kManifestFile)));
  job->record.info.state = PackageState::kFailed;
  job->record.info.error = "it is being deleted: ask again";
  THRONG_RETURN_IF_ERROR(job->folder.RemoveAllBut(kRecordFile));
  THRONG_RETURN_IF_ERROR(job->folder.Remove());
  jobs_.erase({std::string(population), std::string(id)});
  return absl::OkStatus();
}

void PackageJobs::Work() {
  index::StandBack(kJobNice);
  while (true) {
    JobRef job;
    {
      index::MutexLock lock(mutex_);
      while (!stopping_ && queue_.empty()) changed_.Wait(mutex_);
      if (stopping_) return;
      job = queue_.front();
      queue_.pop_front();
      ++running_;
      job->record.info.state = PackageState::kRunning;
      job->record.info.start_us = options_.clock_us();
    }
    Run(job);
    index::MutexLock lock(mutex_);
    --running_;
  }
}

void PackageJobs::Run(const JobRef& job) {
  PackageManifest manifest;
  const absl::Status status = WithoutExceptions([&] {
    manifest = job->source->manifest;
    return Write(job, &manifest);
  });
  const absl::Status ended = WithoutExceptions([&] {
    End(job, status, std::move(manifest));
    return absl::OkStatus();
  });
  if (ended.ok()) return;
  // Even saying how it ended took too much memory: it is said by the next start.
  std::unique_ptr<PackageSource> source;
  index::MutexLock lock(mutex_);
  job->record.info.state = PackageState::kFailed;
  source.swap(job->source);
}

// On a disk that refuses this too, the next start does it.
void PackageJobs::RemoveFiles(const storage::PackageFolder& folder) {
  folder.Unpublish(std::string(kManifestFile)).IgnoreError();
  folder.RemoveAllBut(kRecordFile).IgnoreError();
}

absl::Status PackageJobs::CheckGoesOn(const JobRef& job) const {
  if (options_.before_block) options_.before_block();
  if (job->cancelled.load(std::memory_order_relaxed)) return absl::CancelledError("");
  index::MutexLock lock(mutex_);
  return stopping_ ? absl::AbortedError(std::string(kCutByStop)) : absl::OkStatus();
}

absl::Status PackageJobs::Write(const JobRef& job, PackageManifest* manifest) {
  const PackageSource& source = *job->source;
  const PackageInfo& info = job->record.info;  // what is read of it does not change
  manifest->package = fmt::format("populations/{}/packages/{}", info.population, info.id);
  std::vector<std::string> names;
  for (uint32_t part = 0; part < info.file_count; ++part) {
    names.push_back(
        PartName(info.file_prefix, part, info.file_count, info.spec.format, info.spec.compression));
    THRONG_RETURN_IF_ERROR(WritePart(job, names.back(), source, part, manifest));
  }
  THRONG_RETURN_IF_ERROR(CheckGoesOn(job));
  THRONG_RETURN_IF_ERROR(job->folder.Publish(names));
  return job->folder.WriteWhole(std::string(kManifestFile), EncodeManifest(*manifest));
}

absl::Status PackageJobs::WritePart(const JobRef& job, const std::string& name,
                                    const PackageSource& source, uint32_t part,
                                    PackageManifest* manifest) {
  const PackageInfo& info = job->record.info;
  const PackageRange range = SplitUsers(*source.users, info.file_count)[part];
  PackageBlocks blocks(source, range, PackageProgress());
  THRONG_ASSIGN_OR_RETURN(const std::unique_ptr<storage::PackageFile> file,
                          job->folder.Create(name));
  PackageCounts& counts = manifest->counts;
  const PackageCounts before = counts;
  const uint64_t bytes_before = info.bytes;
  std::string bytes;
  bool goes_on = true;
  while (goes_on) {
    THRONG_RETURN_IF_ERROR(CheckGoesOn(job));
    THRONG_ASSIGN_OR_RETURN(goes_on, blocks.Next(&bytes));
    if (goes_on) THRONG_RETURN_IF_ERROR(file->Append(bytes));
    const PackageProgress progress = blocks.progress();
    counts = {.users = before.users + progress.counts.users,
              .without_id = before.without_id + progress.counts.without_id,
              .rows = before.rows + progress.counts.rows};
    index::MutexLock lock(mutex_);
    job->record.info.counts = counts;
    job->record.info.bytes = bytes_before + progress.bytes();
  }
  const PackageProgress all = blocks.progress();
  manifest->files.push_back(
      {.name = name, .bytes = all.bytes(), .rows = all.counts.rows, .sha256 = blocks.Sha256Hex()});
  return file->Close();
}

void PackageJobs::End(const JobRef& job, const absl::Status& status, PackageManifest manifest) {
  if (!status.ok()) RemoveFiles(job->folder);
  PackageRecord ended;
  {
    index::MutexLock lock(mutex_);
    ended = job->record;
  }
  PackageInfo& info = ended.info;
  info.end_us = options_.clock_us();
  if (status.ok()) {
    info.state = PackageState::kReady;
    info.manifest = std::move(manifest);
  } else if (absl::IsCancelled(status)) {
    info.state = PackageState::kCancelled;
  } else if (absl::IsAborted(status)) {
    info.state = PackageState::kCut;
    info.error = kCutByStop;
  } else {
    info.state = PackageState::kFailed;
    info.error = TextOf(status);
  }
  job->folder.WriteWhole(std::string(kRecordFile), EncodeRecord(ended)).IgnoreError();
  std::unique_ptr<PackageSource> source;  // freed without the lock: it may hold an old snapshot
  index::MutexLock lock(mutex_);
  job->record = std::move(ended);
  source.swap(job->source);
}

}  // namespace throng::engine
