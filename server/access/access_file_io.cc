// Reading the access file and replacing it.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/access/access_file.h"
#include "server/access/file_bytes.h"

namespace throng::access {
namespace {

constexpr mode_t kNewFileMode = 0600;

absl::Status CannotWrite(const std::string& path) {
  return absl::UnavailableError(fmt::format("cannot write {}: {}", path, std::strerror(errno)));
}

// Holds the directory's lock, so that changes of several processes come one after the other.
class DirectoryLock {
 public:
  explicit DirectoryLock(const std::string& directory)
      : fd_(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (fd_ >= 0 && flock(fd_, LOCK_EX) != 0) {
      close(fd_);
      fd_ = -1;
    }
  }
  ~DirectoryLock() {
    if (fd_ >= 0) close(fd_);
  }
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

  bool held() const { return fd_ >= 0; }
  bool Sync() const { return fsync(fd_) == 0; }

 private:
  int fd_;
};

// Behind links: replacing a link would leave the file that others read as it is. A path where
// nothing is stays as it is; nullopt, with errno: a link that leads nowhere.
std::optional<std::string> RealPath(const std::string& path) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(path, error);
  if (!error) return real.string();
  std::error_code none;
  if (!std::filesystem::is_symlink(std::filesystem::symlink_status(path, none))) return path;
  errno = error.value();
  return std::nullopt;
}

// A new file with the text, on the disk; false with errno set.
bool WriteNew(const std::string& path, std::string_view text, const struct stat* like) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kNewFileMode);
  if (fd < 0) return false;
  bool written = true;
  if (like != nullptr) {
    written = fchmod(fd, like->st_mode & 07777) == 0;
    // Where we may not, the file is ours from now on.
    if (fchown(fd, like->st_uid, like->st_gid) != 0) errno = 0;
  }
  while (written && !text.empty()) {
    const ssize_t bytes = write(fd, text.data(), text.size());
    if (bytes < 0 && errno == EINTR) continue;
    written = bytes > 0;
    if (written) text.remove_prefix(static_cast<size_t>(bytes));
  }
  written = written && fsync(fd) == 0;
  const int error = errno;
  close(fd);
  errno = error;
  return written;
}

}  // namespace

absl::StatusOr<std::vector<Principal>> ReadAccessFile(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) == 0 && (info.st_mode & S_IWOTH) != 0) {
    return index::MakeError(absl::StatusCode::kFailedPrecondition,
                            fmt::format("{} can be written by everybody: chmod o-w {}", path, path),
                            {.reason = "BAD_ACCESS_FILE"});
  }
  THRONG_ASSIGN_OR_RETURN(const std::string text, ReadFileBytes(path, kAccessFileBytesMax));
  return ParseAccessFile(text, path);
}

absl::Status ChangeAccessFile(
    const std::string& path,
    const std::function<absl::StatusOr<std::string>(std::string_view text)>& change) {
  const std::optional<std::string> real = RealPath(path);
  if (!real.has_value()) return CannotWrite(path);
  const std::filesystem::path parent = std::filesystem::path(*real).parent_path();
  const DirectoryLock lock(parent.empty() ? "." : parent.string());
  if (!lock.held()) return CannotWrite(path);
  struct stat info {};
  const bool exists = stat(real->c_str(), &info) == 0;
  std::string text;
  if (exists) {
    THRONG_ASSIGN_OR_RETURN(text, ReadFileBytes(*real, kAccessFileBytesMax));
  }
  THRONG_ASSIGN_OR_RETURN(const std::string changed, change(text));
  const std::string partial = *real + ".partial";
  const bool done = WriteNew(partial, changed, exists ? &info : nullptr) &&
                    std::rename(partial.c_str(), real->c_str()) == 0 && lock.Sync();
  if (done) return absl::OkStatus();
  const absl::Status status = CannotWrite(path);
  unlink(partial.c_str());
  return status;
}

}  // namespace throng::access
