#include "cli/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "fmt/format.h"

namespace throng::cli {
namespace {

constexpr std::size_t kBufferBytes = 1 << 20;

// What mkstemp's file would have been created with: its own mode is 0600.
mode_t DefaultMode() {
  const mode_t mask = umask(0);
  umask(mask);
  return 0666 & ~mask;
}

// The path a rename must replace so that a symbolic link goes on pointing to the new content.
std::string FollowLinks(const std::string& path) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(path, error);
  return error ? path : real.string();
}

}  // namespace

absl::StatusOr<std::unique_ptr<OutputFile>> OutputFile::Create(const std::string& path,
                                                               bool force) {
  std::unique_ptr<OutputFile> file(new OutputFile(path == "-" ? path : FollowLinks(path), force));
  const absl::Status status = file->Open();
  if (!status.ok()) return status;
  return file;
}

absl::Status CheckTarget(const std::string& path, bool force) {
  struct stat existing = {};
  if (lstat(path.c_str(), &existing) != 0) return absl::OkStatus();
  if (!S_ISREG(existing.st_mode)) {
    return absl::InvalidArgumentError(
        fmt::format("{} is not a regular file: write to \"-\" and redirect it there", path));
  }
  if (!force) return absl::AlreadyExistsError(fmt::format("{} exists: --force replaces it", path));
  return absl::OkStatus();
}

OutputFile::~OutputFile() {
  if (descriptor_ > STDERR_FILENO) close(descriptor_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

absl::Status OutputFile::Open() {
  if (path_ == "-") {
    std::fflush(stdout);
    descriptor_ = STDOUT_FILENO;
    return absl::OkStatus();
  }
  if (absl::Status status = CheckTarget(path_, force_); !status.ok()) return status;
  std::string name = path_ + ".partial-XXXXXX";
  descriptor_ = mkostemp(name.data(), O_CLOEXEC);
  if (descriptor_ < 0) return Error("cannot create");
  temporary_ = std::move(name);
  if (fchmod(descriptor_, DefaultMode()) != 0) return Error("cannot create");
  return absl::OkStatus();
}

absl::Status OutputFile::Append(std::string_view bytes) {
  buffer_.append(bytes);
  bytes_ += bytes.size();
  return buffer_.size() < kBufferBytes ? absl::OkStatus() : Flush();
}

absl::Status OutputFile::Flush() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t written = write(descriptor_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Error("cannot write");
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  buffer_.clear();
  return absl::OkStatus();
}

absl::Status OutputFile::Commit() {
  const absl::Status status = Flush();
  if (!status.ok() || path_ == "-") return status;
  if (fsync(descriptor_) != 0) return Error("cannot sync");
  if (close(std::exchange(descriptor_, -1)) != 0) return Error("cannot close");
  return Rename();
}

absl::Status OutputFile::Rename() {
  int result = renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(),
                         force_ ? 0U : static_cast<unsigned>(RENAME_NOREPLACE));
  if (result != 0 && errno == EINVAL && !force_) {
    // The file system cannot refuse to replace: look once more, then rename.
    struct stat existing = {};
    if (lstat(path_.c_str(), &existing) == 0) {
      errno = EEXIST;
    } else {
      result = std::rename(temporary_.c_str(), path_.c_str());
    }
  }
  if (result != 0) return Error("cannot name");
  temporary_.clear();
  const std::string directory = std::filesystem::path(path_).parent_path().string();
  const int entry = open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY);
  if (entry < 0) return absl::OkStatus();  // Writable but not readable: nothing to sync through.
  const bool synced = fsync(entry) == 0 || errno == EINVAL;
  const absl::Status status = synced ? absl::OkStatus() : Error("cannot sync the directory of");
  close(entry);
  return status;
}

absl::Status OutputFile::Error(std::string_view action) const {
  const int error = errno;
  return absl::ErrnoToStatus(
      error, fmt::format("{} {}", action, path_ == "-" ? "standard output" : path_));
}

}  // namespace throng::cli
