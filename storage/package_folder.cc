#include "storage/package_folder.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "rocksdb/file_system.h"
#include "storage/directory_lock.h"
#include "storage/file_system_hook.h"
#include "storage/rocks_status.h"

namespace throng::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPartial = ".partial";

absl::Status SyncFolder(rocksdb::FileSystem& system, const std::string& path) {
  std::unique_ptr<rocksdb::FSDirectory> folder;
  rocksdb::IOStatus status = system.NewDirectory(path, {}, &folder, nullptr);
  if (status.ok()) status = folder->Fsync({}, nullptr);
  return FromRocks(status, "sync " + path);
}

std::string ParentOf(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

// Makes each folder of the path that is not there and syncs its name.
absl::Status MakeFolder(rocksdb::FileSystem& system, const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return absl::OkStatus();
  const std::string parent = ParentOf(path);
  if (parent != path) THRONG_RETURN_IF_ERROR(MakeFolder(system, parent));
  fs::create_directory(path, error);
  if (error) {
    return absl::UnavailableError(fmt::format("cannot make {}: {}", path, error.message()));
  }
  return SyncFolder(system, parent);
}

class RocksFile final : public PackageFile {
 public:
  RocksFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}
  ~RocksFile() override {
    if (file_ != nullptr) file_->Close({}, nullptr).PermitUncheckedError();
  }

  absl::Status Append(std::string_view bytes) override {
    const rocksdb::Slice slice(bytes.data(), bytes.size());
    return FromRocks(file_->Append(slice, {}, nullptr), "write " + path_);
  }
  absl::Status Close() override {
    rocksdb::IOStatus status = file_->Fsync({}, nullptr);
    const rocksdb::IOStatus closed = file_->Close({}, nullptr);
    file_.reset();
    return FromRocks(status.ok() ? closed : status, "write " + path_);
  }

 private:
  std::unique_ptr<rocksdb::FSWritableFile> file_;
  const std::string path_;
};

class RocksFolderLock final : public FolderLock {
 public:
  explicit RocksFolderLock(rocksdb::FileLock* lock) : lock_(lock) {}
  ~RocksFolderLock() override { static_cast<void>(rocksdb::Env::Default()->UnlockFile(lock_)); }

 private:
  rocksdb::FileLock* const lock_;
};

}  // namespace

struct PackageFolder::Files {
  std::shared_ptr<rocksdb::FileSystem> system;
};

absl::StatusOr<PackageFolder> PackageFolder::Open(const std::string& path,
                                                  const FileSystemHook* hook) {
  auto files = std::make_shared<Files>();
  files->system = hook != nullptr ? hook->file_system : rocksdb::FileSystem::Default();
  THRONG_RETURN_IF_ERROR(MakeFolder(*files->system, path));
  return PackageFolder(path, std::move(files));
}

std::vector<std::string> PackageFolder::FoldersIn(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_directory(ignored)) names.push_back(entry->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string PackageFolder::PathOf(std::string_view name) const {
  return fmt::format("{}/{}", path_, name);
}

absl::StatusOr<std::unique_ptr<PackageFile>> PackageFolder::Create(const std::string& name) const {
  std::string path = fmt::format("{}{}", PathOf(name), kPartial);
  std::unique_ptr<rocksdb::FSWritableFile> file;
  const rocksdb::IOStatus status = files_->system->NewWritableFile(path, {}, &file, nullptr);
  THRONG_RETURN_IF_ERROR(FromRocks(status, "write " + path));
  return std::make_unique<RocksFile>(std::move(file), std::move(path));
}

absl::Status PackageFolder::Publish(const std::vector<std::string>& names) const {
  for (const std::string& name : names) {
    const std::string path = PathOf(name);
    const std::string partial = fmt::format("{}{}", path, kPartial);
    THRONG_RETURN_IF_ERROR(
        FromRocks(files_->system->RenameFile(partial, path, {}, nullptr), "rename " + partial));
  }
  return SyncNames();
}

absl::Status PackageFolder::SyncNames() const { return SyncFolder(*files_->system, path_); }

absl::StatusOr<uint64_t> PackageFolder::SizeOf(const std::string& name) const {
  uint64_t size = 0;
  if (files_->system->GetFileSize(PathOf(name), {}, &size, nullptr).ok()) return size;
  return absl::NotFoundError(fmt::format("there is no {}", PathOf(name)));
}

absl::Status PackageFolder::Unpublish(const std::string& name) const {
  if (!SizeOf(name).ok()) return absl::OkStatus();
  THRONG_RETURN_IF_ERROR(FromRocks(files_->system->DeleteFile(PathOf(name), {}, nullptr),
                                   fmt::format("remove {}", PathOf(name))));
  return SyncNames();
}

absl::Status PackageFolder::WriteWhole(const std::string& name, std::string_view text) const {
  THRONG_ASSIGN_OR_RETURN(const std::unique_ptr<PackageFile> file, Create(name));
  THRONG_RETURN_IF_ERROR(file->Append(text));
  THRONG_RETURN_IF_ERROR(file->Close());
  return Publish({name});
}

absl::StatusOr<std::string> PackageFolder::ReadWhole(const std::string& name,
                                                     uint64_t bytes_max) const {
  const std::string path = PathOf(name);
  THRONG_ASSIGN_OR_RETURN(const uint64_t size, SizeOf(name));
  if (size > bytes_max) return absl::DataLossError(fmt::format("{} has {} bytes", path, size));
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  rocksdb::IOStatus status = files_->system->NewSequentialFile(path, {}, &file, nullptr);
  std::string text(size, '\0');
  rocksdb::Slice read;
  if (status.ok()) status = file->Read(size, {}, &read, text.data(), nullptr);
  THRONG_RETURN_IF_ERROR(FromRocks(status, "read " + path));
  return std::string(read.data(), read.size());
}

absl::Status PackageFolder::RemoveAllBut(std::string_view kept) const {
  std::vector<std::string> names;
  rocksdb::IOStatus status = files_->system->GetChildren(path_, {}, &names, nullptr);
  if (status.IsNotFound() || status.IsPathNotFound()) return absl::OkStatus();
  absl::Status first = FromRocks(status, "list " + path_);
  for (const std::string& name : names) {
    if (name == kept || name == "." || name == "..") continue;
    status = files_->system->DeleteFile(PathOf(name), {}, nullptr);
    if (first.ok() && !status.IsPathNotFound()) first = FromRocks(status, "remove " + PathOf(name));
  }
  return first;
}

absl::Status PackageFolder::Remove() const {
  THRONG_RETURN_IF_ERROR(RemoveAllBut(""));
  std::error_code error;
  fs::remove(path_, error);
  if (error) {
    return absl::UnavailableError(fmt::format("cannot remove {}: {}", path_, error.message()));
  }
  return SyncFolder(*files_->system, ParentOf(path_));
}

absl::StatusOr<std::unique_ptr<FolderLock>> FolderLock::Take(const std::string& path) {
  THRONG_RETURN_IF_ERROR(MakeFolder(*rocksdb::FileSystem::Default(), path));
  rocksdb::FileLock* lock = nullptr;
  const rocksdb::Status status = rocksdb::Env::Default()->LockFile(path + "/LOCK", &lock);
  if (IsLockHeld(status)) {
    return absl::FailedPreconditionError(fmt::format("{} is in use by another process", path));
  }
  THRONG_RETURN_IF_ERROR(FromRocks(status, "lock " + path));
  return std::make_unique<RocksFolderLock>(lock);
}

}  // namespace throng::storage
