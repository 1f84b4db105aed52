#include "server/access/file_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "fmt/format.h"
#include "index/error.h"

namespace throng::access {
namespace {

constexpr int64_t kNanoseconds = 1'000'000'000;

int64_t ToNanoseconds(const timespec& time) { return time.tv_sec * kNanoseconds + time.tv_nsec; }

}  // namespace

absl::StatusOr<std::string> ReadFileBytes(const std::string& path, size_t bytes_max) {
  const auto cannot = [&] {
    return absl::UnavailableError(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  };
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return cannot();
  std::string bytes(bytes_max + 1, '\0');
  size_t done = 0;
  ssize_t more = 1;
  while (done < bytes.size() && more != 0) {
    more = read(fd, bytes.data() + done, bytes.size() - done);
    if (more < 0 && errno == EINTR) continue;
    if (more < 0) break;
    done += static_cast<size_t>(more);
  }
  const absl::Status failure = more < 0 ? absl::Status(cannot()) : absl::OkStatus();
  close(fd);
  if (!failure.ok()) return failure;
  if (done > bytes_max) {
    return absl::InvalidArgumentError(fmt::format(
        "{} is longer than {} bytes: it is not the file that is meant", path, bytes_max));
  }
  bytes.resize(done);
  return bytes;
}

FileStamp StampOf(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return {};
  return {.device = info.st_dev,
          .inode = info.st_ino,
          .size = info.st_size,
          .modified_ns = ToNanoseconds(info.st_mtim),
          .changed_ns = ToNanoseconds(info.st_ctim)};
}

}  // namespace throng::access
