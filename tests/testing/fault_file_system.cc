#include "tests/testing/fault_file_system.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace throng::testing {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

std::string FolderOf(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

class FaultFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::string path, FaultFileSystem& owner)
      : FSWritableFileOwnerWrapper(std::move(file)), path_(std::move(path)), owner_(owner) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = owner_.Change();
    if (!status.ok()) {
      const Slice half(data.data(), data.size() / 2);
      if (status.IsNoSpace() && target()->Append(half, options, debug).ok()) {
        owner_.NoteSize(path_, half.size(), /*is_truncated=*/false);
      }
      return status;
    }
    status = target()->Append(data, options, debug);
    if (status.ok()) owner_.NoteSize(path_, data.size(), /*is_truncated=*/false);
    return status;
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& /*verification*/,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = owner_.Change();
    if (status.ok()) status = target()->Truncate(size, options, debug);
    if (status.ok()) owner_.NoteSize(path_, size, /*is_truncated=*/true);
    return status;
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = owner_.Change();
    if (status.ok()) status = target()->Flush(options, debug);
    if (status.ok()) owner_.NoteSynced(path_);
    return status;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Sync(options, debug);
  }
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();  // promises nothing
  }

 private:
  const std::string path_;
  FaultFileSystem& owner_;
};

class FaultDirectory : public rocksdb::FSDirectoryWrapper {
 public:
  FaultDirectory(std::unique_ptr<rocksdb::FSDirectory> directory, std::string path,
                 FaultFileSystem& owner)
      : FSDirectoryWrapper(std::move(directory)), path_(std::move(path)), owner_(owner) {}

  IOStatus Fsync(const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    IOStatus status = owner_.Change();
    if (status.ok()) owner_.NoteDirectorySynced(path_);
    return status;
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& /*reason*/) override {
    return Fsync(options, debug);
  }

 private:
  const std::string path_;
  FaultFileSystem& owner_;
};

}  // namespace

void FaultFileSystem::FailFrom(uint64_t first, uint64_t count, const IOStatus& error) {
  index::MutexLock lock(mutex_);
  changes_ = 0;
  first_failing_ = first;
  failing_count_ = count;
  error_ = error;
}

void FaultFileSystem::Heal() { FailFrom(kForever, 0, IOStatus::OK()); }

uint64_t FaultFileSystem::changes() const {
  index::MutexLock lock(mutex_);
  return changes_;
}

void FaultFileSystem::CutPower() {
  index::MutexLock lock(mutex_);
  has_power_ = false;
}

void FaultFileSystem::RestorePower() {
  index::MutexLock lock(mutex_);
  for (; !renames_.empty(); renames_.pop_back()) {
    const Rename& rename = renames_.back();
    std::error_code ignored;
    std::filesystem::rename(rename.to, rename.from, ignored);
    if (rename.replaced.has_value()) {
      std::ofstream(rename.to, std::ios::binary) << *rename.replaced;
    }
    const FileState moved = files_[rename.to];
    files_.erase(rename.to);
    files_[rename.from] = moved;
  }
  for (const auto& [path, state] : files_) {
    std::error_code error;
    if (!std::filesystem::exists(path, error)) continue;
    if (!state.has_durable_name) {
      std::filesystem::remove(path, error);
    } else {
      std::filesystem::resize_file(path, state.synced, error);
    }
  }
  files_.clear();
  has_power_ = true;
}

IOStatus FaultFileSystem::Change() {
  index::MutexLock lock(mutex_);
  ++changes_;
  if (!has_power_) return IOStatus::IOError("the power is off");
  const bool fails = changes_ >= first_failing_ && changes_ - first_failing_ < failing_count_;
  return fails ? error_ : IOStatus::OK();
}

void FaultFileSystem::NoteSize(const std::string& path, uint64_t bytes, bool is_truncated) {
  index::MutexLock lock(mutex_);
  FileState& state = files_[path];
  state.size = is_truncated ? bytes : state.size + bytes;
  state.synced = std::min(state.synced, state.size);
}

void FaultFileSystem::NoteSynced(const std::string& path) {
  index::MutexLock lock(mutex_);
  files_[path].synced = files_[path].size;
}

void FaultFileSystem::NoteDirectorySynced(const std::string& directory) {
  index::MutexLock lock(mutex_);
  for (auto& [path, state] : files_) {
    if (FolderOf(path) == directory) state.has_durable_name = true;
  }
  std::erase_if(renames_, [&](const Rename& rename) { return FolderOf(rename.to) == directory; });
}

IOStatus FaultFileSystem::NewWritableFile(const std::string& path,
                                          const rocksdb::FileOptions& options,
                                          std::unique_ptr<rocksdb::FSWritableFile>* file,
                                          IODebugContext* debug) {
  IOStatus status = Change();
  std::unique_ptr<rocksdb::FSWritableFile> target_file;
  if (status.ok()) status = target()->NewWritableFile(path, options, &target_file, debug);
  if (!status.ok()) return status;
  index::MutexLock lock(mutex_);
  FileState& state = files_[path];
  state.size = state.synced = 0;
  *file = std::make_unique<FaultFile>(std::move(target_file), path, *this);
  return status;
}

IOStatus FaultFileSystem::ReopenWritableFile(const std::string& path,
                                             const rocksdb::FileOptions& options,
                                             std::unique_ptr<rocksdb::FSWritableFile>* file,
                                             IODebugContext* debug) {
  IOStatus status = Change();
  std::unique_ptr<rocksdb::FSWritableFile> target_file;
  if (status.ok()) status = target()->ReopenWritableFile(path, options, &target_file, debug);
  if (!status.ok()) return status;
  index::MutexLock lock(mutex_);
  // A file from before this file system is whole.
  if (!files_.contains(path)) {
    const uint64_t size = std::filesystem::file_size(path);
    files_[path] = {.size = size, .synced = size, .has_durable_name = true};
  }
  *file = std::make_unique<FaultFile>(std::move(target_file), path, *this);
  return status;
}

IOStatus FaultFileSystem::NewDirectory(const std::string& path, const IOOptions& options,
                                       std::unique_ptr<rocksdb::FSDirectory>* directory,
                                       IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSDirectory> target_directory;
  IOStatus status = target()->NewDirectory(path, options, &target_directory, debug);
  if (status.ok()) {
    *directory = std::make_unique<FaultDirectory>(std::move(target_directory), path, *this);
  }
  return status;
}

IOStatus FaultFileSystem::DeleteFile(const std::string& path, const IOOptions& options,
                                     IODebugContext* debug) {
  IOStatus status = Change();
  if (status.ok()) status = target()->DeleteFile(path, options, debug);
  if (!status.ok()) return status;
  index::MutexLock lock(mutex_);
  files_.erase(path);
  return status;
}

IOStatus FaultFileSystem::RenameFile(const std::string& from, const std::string& to,
                                     const IOOptions& options, IODebugContext* debug) {
  IOStatus status = Change();
  if (!status.ok()) return status;
  Rename rename{.from = from, .to = to, .replaced = std::nullopt};
  if (std::ifstream old(to, std::ios::binary); old) {
    rename.replaced.emplace(std::istreambuf_iterator<char>(old), std::istreambuf_iterator<char>());
  }
  status = target()->RenameFile(from, to, options, debug);
  if (!status.ok()) return status;
  index::MutexLock lock(mutex_);
  files_[to] = files_[from];
  files_.erase(from);
  renames_.push_back(std::move(rename));
  return status;
}

}  // namespace throng::testing
