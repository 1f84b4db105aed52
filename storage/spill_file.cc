#include "storage/spill_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "fmt/format.h"
#include "index/error.h"

namespace throng::storage {

SpillFile::~SpillFile() {
  if (descriptor_ >= 0) close(descriptor_);
  budget_.bytes -= size_;
}

absl::Status SpillFile::Failed(std::string_view doing, int error) const {
  const std::string message =
      fmt::format("cannot {} a temporary file in {}: {}", doing, directory_, std::strerror(error));
  if (error == ENOSPC || error == EDQUOT) {
    return index::MakeError(absl::StatusCode::kResourceExhausted, message, {.reason = "DISK_FULL"});
  }
  return absl::UnavailableError(message);
}

absl::Status SpillFile::Open() {
  descriptor_ = open(directory_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor_ >= 0) return absl::OkStatus();
  // File systems without O_TMPFILE: a name for a moment.
  std::string path = directory_ + "/SPILL.XXXXXX";
  descriptor_ = mkostemp(path.data(), O_CLOEXEC);
  if (descriptor_ < 0) return Failed("make", errno);
  unlink(path.c_str());
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> SpillFile::Append(std::string_view bytes) {
  if (descriptor_ < 0) THRONG_RETURN_IF_ERROR(Open());
  if (budget_.bytes.fetch_add(bytes.size()) + bytes.size() > budget_.bytes_max) {
    budget_.bytes -= bytes.size();
    return index::LimitExceeded(absl::StatusCode::kResourceExhausted, "SPILL_FULL",
                                "the size of temporary files in bytes", budget_.bytes_max,
                                budget_.bytes + bytes.size());
  }
  const uint64_t place = size_;
  // Also when it fails: some of it may be there.
  size_ += bytes.size();
  THRONG_RETURN_IF_ERROR(WriteAt(place, bytes));
  return place;
}

absl::Status SpillFile::Overwrite(uint64_t place, std::string_view bytes) {
  return WriteAt(place, bytes);
}

absl::Status SpillFile::WriteAt(uint64_t place, std::string_view bytes) {
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t written = pwrite(descriptor_, bytes.data() + done, bytes.size() - done,
                                   static_cast<off_t>(place + done));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return Failed("write", written < 0 ? errno : EIO);
    done += static_cast<size_t>(written);
  }
  return absl::OkStatus();
}

absl::Status SpillFile::Read(uint64_t place, size_t size, std::string* bytes) const {
  const size_t begin = bytes->size();
  bytes->resize(begin + size);
  for (size_t done = 0; done < size;) {
    const ssize_t read = pread(descriptor_, bytes->data() + begin + done, size - done,
                               static_cast<off_t>(place + done));
    if (read < 0 && errno == EINTR) continue;
    if (read <= 0) return Failed("read", read < 0 ? errno : EIO);
    done += static_cast<size_t>(read);
  }
  return absl::OkStatus();
}

}  // namespace throng::storage
