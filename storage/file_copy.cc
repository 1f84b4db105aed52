#include "storage/file_copy.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/error.h"
#include "storage/digest.h"

namespace throng::storage {
namespace {

constexpr size_t kPieceBytes = 1 << 20;

absl::Status Failed(std::string_view doing, const std::string& path) {
  const int error = errno;
  const std::string message = fmt::format("cannot {} {}: {}", doing, path, std::strerror(error));
  if (error == ENOSPC || error == EDQUOT)
    return absl::ResourceExhaustedError("disk full: " + message);
  if (error == ENOENT) return absl::NotFoundError(message);
  return absl::UnavailableError(message);
}

// A file descriptor that closes itself. Not thread-safe.
class OpenFile {
 public:
  OpenFile(std::string path, int flags)
      : path_(std::move(path)), fd_(open(path_.c_str(), flags | O_CLOEXEC, 0600)) {}
  ~OpenFile() {
    if (fd_ >= 0) close(fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  absl::Status status() const { return fd_ >= 0 ? absl::OkStatus() : Failed("open", path_); }
  // 0 at the end.
  absl::StatusOr<size_t> Read(char* buffer, size_t bytes) {
    while (true) {
      const ssize_t got = read(fd_, buffer, bytes);
      if (got >= 0) return static_cast<size_t>(got);
      if (errno != EINTR) return Failed("read", path_);
    }
  }
  absl::Status Write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t put = write(fd_, bytes.data(), bytes.size());
      if (put < 0 && errno != EINTR) return Failed("write", path_);
      if (put > 0) bytes.remove_prefix(static_cast<size_t>(put));
    }
    return absl::OkStatus();
  }
  absl::Status Sync() { return fsync(fd_) == 0 ? absl::OkStatus() : Failed("sync", path_); }

 private:
  const std::string path_;
  const int fd_;
};

}  // namespace

absl::StatusOr<CopiedFile> CopyFileSynced(const std::string& from, const std::string& to,
                                          const std::function<absl::Status()>& check) {
  OpenFile source(from, O_RDONLY);
  THRONG_RETURN_IF_ERROR(source.status());
  OpenFile target(to, O_WRONLY | O_CREAT | O_EXCL);
  THRONG_RETURN_IF_ERROR(target.status());
  std::vector<char> buffer(kPieceBytes);
  CopiedFile copied;
  Digest digest;
  while (true) {
    THRONG_RETURN_IF_ERROR(check());
    THRONG_ASSIGN_OR_RETURN(const size_t bytes, source.Read(buffer.data(), buffer.size()));
    if (bytes == 0) break;
    const std::string_view piece(buffer.data(), bytes);
    digest.Add(piece);
    copied.bytes += bytes;
    THRONG_RETURN_IF_ERROR(target.Write(piece));
  }
  THRONG_RETURN_IF_ERROR(target.Sync());
  copied.digest = digest.Hex();
  return copied;
}

absl::Status WriteFileSynced(const std::string& path, std::string_view text) {
  OpenFile file(path, O_WRONLY | O_CREAT | O_TRUNC);
  THRONG_RETURN_IF_ERROR(file.status());
  THRONG_RETURN_IF_ERROR(file.Write(text));
  return file.Sync();
}

absl::StatusOr<std::string> ReadWholeFile(const std::string& path) {
  OpenFile file(path, O_RDONLY);
  THRONG_RETURN_IF_ERROR(file.status());
  std::vector<char> buffer(kPieceBytes);
  std::string text;
  while (true) {
    THRONG_ASSIGN_OR_RETURN(const size_t bytes, file.Read(buffer.data(), buffer.size()));
    if (bytes == 0) return text;
    text.append(buffer.data(), bytes);
  }
}

absl::Status SyncDirectory(const std::string& path) {
  OpenFile directory(path, O_RDONLY | O_DIRECTORY);
  THRONG_RETURN_IF_ERROR(directory.status());
  return directory.Sync();
}

}  // namespace throng::storage
