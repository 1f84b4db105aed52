#include "cli/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "fmt/format.h"

namespace throng::cli {
namespace {

constexpr size_t kPackedBufferBytes = size_t{1} << 18;

// A file descriptor, closed at the end unless it is standard input.
class FileSource final : public ByteSource {
 public:
  FileSource(std::string name, int descriptor, uint64_t bytes_total)
      : name_(std::move(name)), descriptor_(descriptor), bytes_total_(bytes_total) {}
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;
  ~FileSource() override {
    if (descriptor_ != STDIN_FILENO) ::close(descriptor_);
  }

  absl::StatusOr<size_t> Read(char* buffer, size_t size) override {
    while (true) {
      const ssize_t count = ::read(descriptor_, buffer, size);
      if (count >= 0) {
        bytes_consumed_.fetch_add(static_cast<uint64_t>(count), std::memory_order_relaxed);
        return static_cast<size_t>(count);
      }
      if (errno != EINTR) {
        return absl::UnavailableError(
            fmt::format("{}: cannot read: {}", name_, std::strerror(errno)));
      }
    }
  }

  uint64_t bytes_consumed() const override {
    return bytes_consumed_.load(std::memory_order_relaxed);
  }
  uint64_t bytes_total() const override { return bytes_total_; }

 private:
  const std::string name_;
  const int descriptor_;
  const uint64_t bytes_total_;
  std::atomic<uint64_t> bytes_consumed_ = 0;
};

// Unpacks RFC 1952 gzip, of one member or several laid end to end.
class GzipSource final : public ByteSource {
 public:
  GzipSource(std::string name, std::unique_ptr<ByteSource> packed)
      : name_(std::move(name)), packed_(std::move(packed)), buffer_(kPackedBufferBytes) {
    constexpr int kGzipOnly = 15 + 16;
    initialised_ = inflateInit2(&stream_, kGzipOnly) == Z_OK;
  }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;
  ~GzipSource() override {
    if (initialised_) inflateEnd(&stream_);
  }

  absl::StatusOr<size_t> Read(char* buffer, size_t size) override {
    if (!initialised_) return absl::ResourceExhaustedError("zlib: out of memory");
    stream_.next_out = reinterpret_cast<Bytef*>(buffer);
    stream_.avail_out = static_cast<uInt>(std::min<size_t>(size, size_t{1} << 30));
    const uInt room = stream_.avail_out;
    while (stream_.avail_out == room) {
      absl::StatusOr<bool> more = Refill();
      if (!more.ok()) return more.status();
      if (!*more) return 0;
      const int result = inflate(&stream_, Z_NO_FLUSH);
      if (result == Z_STREAM_END) {
        inside_member_ = false;
        inflateReset(&stream_);
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        return Damaged(unpacked_ + (room - stream_.avail_out));
      }
    }
    unpacked_ += room - stream_.avail_out;
    return room - stream_.avail_out;
  }

  uint64_t bytes_consumed() const override { return packed_->bytes_consumed(); }
  uint64_t bytes_total() const override { return packed_->bytes_total(); }

 private:
  // Makes sure that there is input; false at a proper end.
  absl::StatusOr<bool> Refill() {
    if (stream_.avail_in == 0) {
      absl::StatusOr<size_t> count = packed_->Read(buffer_.data(), buffer_.size());
      if (!count.ok()) return count.status();
      if (*count == 0) {
        if (!inside_member_ && members_ > 0) return false;
        return absl::DataLossError(fmt::format(
            "{}: the file ends in the middle: its gzip data is cut off after {} unpacked bytes",
            name_, unpacked_));
      }
      stream_.next_in = reinterpret_cast<Bytef*>(buffer_.data());
      stream_.avail_in = static_cast<uInt>(*count);
    }
    if (!inside_member_) {
      inside_member_ = true;
      ++members_;
    }
    return true;
  }

  absl::Status Damaged(uint64_t unpacked) const {
    if (unpacked == 0 && members_ == 1) {
      return absl::DataLossError(
          fmt::format("{}: its name ends in .gz but it is not a gzip file", name_));
    }
    return absl::DataLossError(
        fmt::format("{}: the gzip data is damaged after {} unpacked bytes{}{}", name_, unpacked,
                    stream_.msg == nullptr ? "" : ": ", stream_.msg == nullptr ? "" : stream_.msg));
  }

  const std::string name_;
  const std::unique_ptr<ByteSource> packed_;
  std::vector<char> buffer_;
  z_stream stream_ = {};
  bool initialised_ = false;
  bool inside_member_ = false;
  uint64_t members_ = 0;
  uint64_t unpacked_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ByteSource>> OpenByteSource(const std::string& path) {
  if (path == "-") return std::make_unique<FileSource>("standard input", STDIN_FILENO, 0);
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    const int error = errno;
    const std::string message = fmt::format("{}: cannot open: {}", path, std::strerror(error));
    if (error == EACCES) return absl::PermissionDeniedError(message);
    return absl::NotFoundError(message);
  }
  struct stat info = {};
  const bool known = ::fstat(descriptor, &info) == 0;
  const uint64_t size = known && S_ISREG(info.st_mode) ? static_cast<uint64_t>(info.st_size) : 0;
  auto file = std::make_unique<FileSource>(path, descriptor, size);
  if (known && S_ISDIR(info.st_mode)) {
    return absl::InvalidArgumentError(fmt::format("{}: is a directory, not a file", path));
  }
  if (!path.ends_with(".gz")) return file;
  return std::make_unique<GzipSource>(path, std::move(file));
}

}  // namespace throng::cli
