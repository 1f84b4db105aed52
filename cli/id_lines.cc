#include "cli/id_lines.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "fmt/format.h"

namespace throng::cli {
namespace {

constexpr size_t kReadBytes = 64 << 10;
constexpr size_t kLineBytesMax = 1 << 20;

}  // namespace

absl::StatusOr<std::unique_ptr<IdLines>> IdLines::Open(const std::string& path) {
  const int descriptor = path == "-" ? dup(STDIN_FILENO) : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return absl::ErrnoToStatus(errno, fmt::format("cannot read {}", path));
  return std::unique_ptr<IdLines>(new IdLines(descriptor));
}

IdLines::~IdLines() { close(descriptor_); }

absl::StatusOr<bool> IdLines::Next(size_t most, std::vector<std::string>* ids) {
  ids->clear();
  while (true) {
    Take(most, ids);
    if (!ids->empty()) return true;
    if (ended_) return false;
    if (const absl::Status status = Read(); !status.ok()) return status;
  }
}

void IdLines::Take(size_t most, std::vector<std::string>* ids) {
  while (ids->size() < most && taken_ < read_.size()) {
    size_t end = read_.find('\n', taken_);
    if (end == std::string::npos && !ended_) return;
    if (end == std::string::npos) end = read_.size();
    std::string_view line = std::string_view(read_).substr(taken_, end - taken_);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) ids->emplace_back(line);
    taken_ = end + 1;
  }
}

absl::Status IdLines::Read() {
  read_.erase(0, taken_);
  taken_ = 0;
  if (read_.size() > kLineBytesMax) {
    return absl::InvalidArgumentError("a line of over 1 MiB is no id");
  }
  const size_t before = read_.size();
  read_.resize(before + kReadBytes);
  ssize_t bytes;
  do {
    bytes = read(descriptor_, read_.data() + before, kReadBytes);
  } while (bytes < 0 && errno == EINTR);
  read_.resize(before + static_cast<size_t>(bytes > 0 ? bytes : 0));
  if (bytes < 0) return absl::ErrnoToStatus(errno, "cannot read the ids");
  ended_ = bytes == 0;
  return absl::OkStatus();
}

}  // namespace throng::cli
