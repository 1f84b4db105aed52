#include "storage/backup.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "storage/database.h"
#include "storage/erasure_ledger.h"
#include "storage/file_copy.h"
#include "storage/rocks_status.h"

namespace throng::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kManifestFile = "BACKUP";
constexpr std::string_view kPartialSuffix = ".partial";

std::string ManifestPath(const std::string& backup) {
  return fmt::format("{}/{}", backup, kManifestFile);
}

absl::Status MakeDirectories(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(fmt::format("cannot make {}: {}", path, error.message()));
}

absl::Status Rename(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(
      fmt::format("cannot rename {} to {}: {}", from, to, error.message()));
}

absl::StatusOr<std::vector<std::string>> NamesIn(const std::string& directory) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  if (error) {
    return absl::UnavailableError(fmt::format("cannot list {}: {}", directory, error.message()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

BackupInfo InfoOf(std::string name, const BackupManifest& manifest) {
  BackupInfo info{.name = std::move(name), .created_us = manifest.created_us};
  for (const BackupManifest::File& file : manifest.files) info.bytes += file.bytes;
  for (const PopulationDigest& population : manifest.populations) {
    info.populations.push_back({.name = population.name,
                                .data_version = population.data_version,
                                .user_count = population.user_count});
  }
  return info;
}

absl::StatusOr<BackupManifest> ReadManifest(const std::string& backup) {
  THRONG_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(ManifestPath(backup)));
  return DecodeManifest(text);
}

absl::StatusOr<BackupInfo> WriteBackupImpl(const BackupPlan& plan) {
  THRONG_RETURN_IF_ERROR(CheckBackupName(plan.name));
  THRONG_RETURN_IF_ERROR(MakeDirectories(plan.directory));
  const std::string whole = fmt::format("{}/{}", plan.directory, plan.name);
  const std::string partial = fmt::format("{}/.{}{}", plan.directory, plan.name, kPartialSuffix);
  std::error_code error;
  if (fs::exists(whole, error)) {
    return index::MakeError(absl::StatusCode::kAlreadyExists,
                            fmt::format("there is a backup \"{}\" already", plan.name),
                            {.reason = "BACKUP_EXISTS", .field = "backup_id"});
  }
  fs::remove_all(partial, error);
  const std::string data = partial + "/data";
  THRONG_RETURN_IF_ERROR(MakeDirectories(data));
  BackupManifest manifest{.created_us = plan.created_us, .populations = plan.populations};
  THRONG_ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(plan.checkpoint));
  for (const std::string& name : names) {
    const std::string to = fmt::format("{}/{}", data, name);
    THRONG_ASSIGN_OR_RETURN(
        CopiedFile copied,
        CopyFileSynced(fmt::format("{}/{}", plan.checkpoint, name), to, plan.check));
    manifest.files.push_back(
        {.name = name, .bytes = copied.bytes, .digest = std::move(copied.digest)});
  }
  THRONG_RETURN_IF_ERROR(WriteFileSynced(ManifestPath(partial), EncodeManifest(manifest)));
  THRONG_RETURN_IF_ERROR(SyncDirectory(data));
  THRONG_RETURN_IF_ERROR(SyncDirectory(partial));
  THRONG_RETURN_IF_ERROR(Rename(partial, whole));
  THRONG_RETURN_IF_ERROR(SyncDirectory(plan.directory));
  return InfoOf(plan.name, manifest);
}

// Names what differs between the digests of the backup and of what was loaded.
absl::Status Compare(const PopulationDigest& expected, const PopulationDigest& found) {
  const auto differs = [&](std::string_view what) {
    return absl::DataLossError(
        fmt::format("population {}: {} not as backed up", expected.name, what));
  };
  if (found.data_version != expected.data_version) {
    return differs(
        fmt::format("data version {} instead of {}:", found.data_version, expected.data_version));
  }
  if (found.ids != expected.ids) return differs("the ids are");
  if (found.universe != expected.universe) return differs("the users that exist are");
  for (const auto& [tag, digest] : expected.tags) {
    const auto it = found.tags.find(tag);
    if (it == found.tags.end()) return differs(fmt::format("tag {} is missing:", tag));
    if (it->second != digest) return differs(fmt::format("tag {} is", tag));
  }
  if (found.tags.size() != expected.tags.size()) return differs("the tags are more:");
  for (const auto& [crowd, digest] : expected.crowds) {
    const auto it = found.crowds.find(crowd);
    if (it == found.crowds.end()) return differs(fmt::format("crowd {} is missing:", crowd));
    if (it->second != digest) return differs(fmt::format("crowd {} is", crowd));
  }
  if (found.crowds.size() != expected.crowds.size()) return differs("the crowds are more:");
  return absl::OkStatus();
}

absl::Status CompareStore(const std::string& directory, const BackupManifest& manifest,
                          index::Parallel& parallel) {
  THRONG_ASSIGN_OR_RETURN(const std::unique_ptr<Store> store,
                          Store::Open({.directory = directory}));
  const std::vector<Population> populations = store->populations();
  for (const PopulationDigest& expected : manifest.populations) {
    const auto population =
        std::find_if(populations.begin(), populations.end(),
                     [&](const Population& one) { return one.id == expected.id; });
    if (population == populations.end() || population->name != expected.name) {
      return absl::DataLossError(fmt::format("population {} is missing", expected.name));
    }
    THRONG_ASSIGN_OR_RETURN(const LoadedPopulation loaded,
                            store->Load(population->id, parallel, nullptr));
    THRONG_RETURN_IF_ERROR(Compare(expected, DigestOf(*population, *loaded.snapshot, parallel)));
  }
  return absl::OkStatus();
}

// Copies the files, each checked against its digest.
absl::Status CopyChecked(const std::string& backup, const BackupManifest& manifest,
                         const std::string& to) {
  for (const BackupManifest::File& file : manifest.files) {
    const std::string from = fmt::format("{}/data/{}", backup, file.name);
    const absl::StatusOr<CopiedFile> copied =
        CopyFileSynced(from, fmt::format("{}/{}", to, file.name), [] { return absl::OkStatus(); });
    if (absl::IsNotFound(copied.status())) {
      return absl::DataLossError(fmt::format("{} is missing", from));
    }
    THRONG_RETURN_IF_ERROR(copied.status());
    if (copied->bytes != file.bytes || copied->digest != file.digest) {
      return absl::DataLossError(fmt::format("{} is not as it was backed up", from));
    }
  }
  return SyncDirectory(to);
}

absl::Status RemoveAll(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(fmt::format("cannot remove {}: {}", path, error.message()));
}

// Where a restore keeps its copy, and the mark that it is not finished: it goes last.
std::string PartialPath(const std::string& directory) {
  return fmt::format("{}/{}", directory, kRestoringDirectory);
}

bool IsLeftByRestore(const std::string& name) {
  return name != kRestoringDirectory && name != "lost+found";
}

// Removes what a restore that was not finished left.
absl::Status RemoveUnfinished(const std::string& directory) {
  THRONG_ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(directory));
  for (const std::string& name : names) {
    if (!IsLeftByRestore(name)) continue;
    THRONG_RETURN_IF_ERROR(RemoveAll(fmt::format("{}/{}", directory, name)));
  }
  return RemoveAll(PartialPath(directory));
}

// Errors: kFailedPrecondition when there is what no restore left.
absl::Status CheckTarget(const std::string& directory) {
  THRONG_ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(directory));
  // No server has started on it since.
  if (std::find(names.begin(), names.end(), kRestoringDirectory) != names.end()) {
    return absl::OkStatus();
  }
  if (std::none_of(names.begin(), names.end(), IsLeftByRestore)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("{} is not empty: restore into a new directory", directory));
}

// Moves the files of a store; the one that makes it a store comes last.
absl::Status MoveUp(const std::string& from, const std::string& to) {
  THRONG_ASSIGN_OR_RETURN(std::vector<std::string> names, NamesIn(from));
  std::stable_partition(names.begin(), names.end(),
                        [](const std::string& name) { return name != "CURRENT"; });
  for (const std::string& name : names) {
    if (name == "CURRENT") THRONG_RETURN_IF_ERROR(SyncDirectory(to));
    THRONG_RETURN_IF_ERROR(
        Rename(fmt::format("{}/{}", from, name), fmt::format("{}/{}", to, name)));
  }
  return SyncDirectory(to);
}

// A ledger that cannot be used says nothing against the backup.
absl::Status TakeLedger(const std::string& ledger, const std::string& directory) {
  const absl::Status status = InstallErasureLedger(ledger, directory);
  if (status.ok()) return status;
  return absl::FailedPreconditionError(
      fmt::format("{}; nothing is restored",
                  std::string_view(status.message().data(), status.message().size())));
}

absl::StatusOr<BackupInfo> RestoreBackupImpl(const std::string& backup,
                                             const std::string& directory,
                                             index::Parallel& parallel, const std::string& ledger) {
  fs::path path = fs::path(backup).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // it ends in a slash
  const std::string name = path.filename().string();
  if (name.starts_with('.') && name.ends_with(kPartialSuffix)) {
    return absl::FailedPreconditionError(
        fmt::format("{} is a backup that was not finished", backup));
  }
  THRONG_ASSIGN_OR_RETURN(const BackupManifest manifest, ReadManifest(backup));
  THRONG_RETURN_IF_ERROR(MakeDirectories(directory));
  THRONG_RETURN_IF_ERROR(CheckTarget(directory));
  THRONG_RETURN_IF_ERROR(RemoveUnfinished(directory));
  const std::string partial = PartialPath(directory);
  THRONG_RETURN_IF_ERROR(MakeDirectories(partial));
  absl::Status status = CopyChecked(backup, manifest, partial);
  if (status.ok()) status = CompareStore(partial, manifest, parallel);
  if (status.ok()) status = MoveUp(partial, directory);
  if (status.ok() && !ledger.empty()) status = TakeLedger(ledger, directory);
  if (!status.ok()) {
    // Where that fails too the mark stays, and no server starts on what is there.
    RemoveUnfinished(directory).IgnoreError();
    return status;
  }
  THRONG_RETURN_IF_ERROR(RemoveAll(partial));
  // What is there is whole. Where this fails and the power does too, the mark may be back: then no
  // server starts there, and the restore is run again.
  SyncDirectory(directory).IgnoreError();
  return InfoOf(name, manifest);
}

}  // namespace

absl::Status CheckBackupName(std::string_view name) {
  bool is_name = !name.empty() && name.size() <= kBackupNameBytesMax;
  for (size_t i = 0; i < name.size() && is_name; ++i) {
    const char c = name[i];
    const bool is_plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    is_name = is_plain || (i > 0 && (c == '-' || c == '_' || c == '.'));
  }
  if (is_name) return absl::OkStatus();
  return index::InvalidArgument(
      "BAD_NAME", "backup_id",
      fmt::format("\"{}\" is not a backup's name: a letter or digit, then letters, digits, '-', "
                  "'_' or '.', at most {} in all",
                  name, kBackupNameBytesMax));
}

absl::StatusOr<BackupInfo> WriteBackup(const BackupPlan& plan) {
  return WithoutExceptions([&] { return WriteBackupImpl(plan); });
}

absl::StatusOr<std::vector<BackupInfo>> ListBackups(const std::string& directory) {
  return WithoutExceptions([&]() -> absl::StatusOr<std::vector<BackupInfo>> {
    std::vector<BackupInfo> backups;
    std::error_code error;
    if (!fs::exists(directory, error)) return backups;
    THRONG_ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(directory));
    for (const std::string& name : names) {
      const std::string path = fmt::format("{}/{}", directory, name);
      if (!CheckBackupName(name).ok() || !fs::exists(ManifestPath(path), error)) continue;
      const absl::StatusOr<BackupManifest> manifest = ReadManifest(path);
      if (manifest.ok()) {
        backups.push_back(InfoOf(name, *manifest));
      } else {
        backups.push_back({.name = name, .damage = std::string(manifest.status().message())});
      }
    }
    std::stable_sort(backups.begin(), backups.end(), [](const BackupInfo& a, const BackupInfo& b) {
      return a.created_us < b.created_us;
    });
    return backups;
  });
}

absl::StatusOr<BackupInfo> RestoreBackup(const std::string& backup, const std::string& directory,
                                         index::Parallel& parallel, const std::string& ledger) {
  return WithoutExceptions([&] { return RestoreBackupImpl(backup, directory, parallel, ledger); });
}

}  // namespace throng::storage
