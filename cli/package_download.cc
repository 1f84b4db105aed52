#include "cli/package_download.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "cli/json_output.h"
#include "cli/output_file.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

constexpr uint64_t kBytesBetweenPlaces = 16 << 20;
constexpr size_t kReadBytes = 1 << 20;

// The digest of what is asked for, whatever the token.
std::string DigestOf(v1::ExportPackageRequest request) {
  request.clear_resume_token();
  FileDigest digest;
  digest.Add(request.SerializeAsString());
  return digest.Hex();
}

absl::Status SystemError(std::string_view action, const std::string& path) {
  const int error = errno;
  return absl::ErrnoToStatus(error, fmt::format("{} {}", action, path));
}

}  // namespace

PackageDownload::PackageDownload(std::string path, const v1::ExportPackageRequest& request)
    : path_(std::move(path)),
      partial_(fmt::format("{}.partial", path_)),
      place_(fmt::format("{}.resume", partial_)),
      request_(DigestOf(request)) {}

absl::StatusOr<std::unique_ptr<PackageDownload>> PackageDownload::Open(
    const std::string& path, const v1::ExportPackageRequest& request,
    const DownloadOptions& options) {
  std::unique_ptr<PackageDownload> download(new PackageDownload(path, request));
  const absl::Status status = download->Start(options);
  if (!status.ok()) return status;
  return download;
}

PackageDownload::~PackageDownload() {
  if (!ended_ && descriptor_ > STDERR_FILENO) {
    if (token_bytes_ == 0) {
      Drop();
    } else {
      static_cast<void>(SavePlace());
    }
  }
  if (descriptor_ > STDERR_FILENO) close(descriptor_);
}

absl::Status PackageDownload::Start(const DownloadOptions& options) {
  if (path_ == "-") {
    std::fflush(stdout);
    descriptor_ = STDOUT_FILENO;
    return absl::OkStatus();
  }
  if (absl::Status status = CheckTarget(path_, options.force); !status.ok()) return status;
  ended_ = true;  // until it is known that it is ours
  if (absl::Status status = TakePartial(); !status.ok()) return status;
  if (options.resumes) {
    if (absl::Status status = TakeUp(); !status.ok()) return status;
  }
  // What an earlier download left is not of the bytes that come now.
  if (token_.empty()) unlink(place_.c_str());
  if (ftruncate(descriptor_, static_cast<off_t>(bytes_)) != 0) return Error("cannot cut");
  if (lseek(descriptor_, 0, SEEK_END) < 0) return Error("cannot write");
  ended_ = false;
  return absl::OkStatus();
}

// The file that was opened may have got its last name, or gone, before it was locked.
absl::Status PackageDownload::TakePartial() {
  while (true) {
    const int descriptor = open(partial_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor < 0) return SystemError("cannot create", partial_);
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      close(descriptor);
      return absl::InvalidArgumentError(fmt::format("another process writes {}", partial_));
    }
    struct stat opened = {};
    struct stat named = {};
    if (fstat(descriptor, &opened) == 0 && stat(partial_.c_str(), &named) == 0 &&
        opened.st_dev == named.st_dev && opened.st_ino == named.st_ino) {
      descriptor_ = descriptor;
      return absl::OkStatus();
    }
    close(descriptor);
  }
}

absl::Status PackageDownload::TakeUp() {
  std::ifstream file(place_, std::ios::binary);
  if (!file.is_open()) return absl::OkStatus();
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const Json place = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto field = [&place](const char* name) -> const Json& {
    static const Json kNone;
    return place.is_object() && place.contains(name) ? place[name] : kNone;
  };
  if (!field("request").is_string() || !field("token").is_string() ||
      !field("bytes").is_number_unsigned()) {
    return absl::InvalidArgumentError(
        fmt::format("{} is damaged: start again, without --resume", place_));
  }
  if (field("request").get<std::string>() != request_) {
    return absl::InvalidArgumentError(
        fmt::format("{} is of another package: start again, without --resume", partial_));
  }
  token_ = field("token").get<std::string>();
  bytes_ = token_bytes_ = saved_bytes_ = field("bytes").get<uint64_t>();
  return DigestPartial();
}

absl::Status PackageDownload::DigestPartial() {
  std::vector<char> buffer(kReadBytes);
  for (uint64_t left = bytes_; left > 0;) {
    const ssize_t count = read(descriptor_, buffer.data(), std::min<uint64_t>(left, buffer.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Error("cannot read");
    if (count == 0) {
      return absl::InvalidArgumentError(
          fmt::format("{} is shorter than it was: start again, without --resume", partial_));
    }
    digest_.Add(std::string_view(buffer.data(), static_cast<size_t>(count)));
    left -= static_cast<uint64_t>(count);
  }
  return absl::OkStatus();
}

absl::Status PackageDownload::Append(std::string_view bytes, std::string_view token) {
  digest_.Add(bytes);
  bytes_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Error("cannot write");
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  if (token.empty()) return absl::OkStatus();
  token_ = token;
  token_bytes_ = bytes_;
  if (path_ == "-" || bytes_ - saved_bytes_ < kBytesBetweenPlaces) return absl::OkStatus();
  saved_bytes_ = bytes_;
  return SavePlace();
}

// Written beside and renamed, so that a kill leaves a whole one.
absl::Status PackageDownload::SavePlace() const {
  const std::string beside = fmt::format("{}.new", place_);
  const Json place = {{"request", request_}, {"token", token_}, {"bytes", token_bytes_}};
  std::FILE* file = std::fopen(beside.c_str(), "w");
  if (file == nullptr) return SystemError("cannot write", beside);
  bool written = std::fputs(place.dump().c_str(), file) >= 0;
  written = std::fclose(file) == 0 && written;
  if (!written || std::rename(beside.c_str(), place_.c_str()) != 0) {
    return SystemError("cannot write", place_);
  }
  return absl::OkStatus();
}

absl::Status PackageDownload::Commit(const v1::PackageFile& file) {
  const std::string digest = digest_.Hex();
  if (bytes_ != file.bytes() || digest != file.sha256()) {
    ended_ = true;
    if (path_ != "-") Drop();
    return absl::DataLossError(
        fmt::format("what came is not what was sent ({} bytes, SHA-256 {}, instead of {} bytes, "
                    "{}): start again",
                    bytes_, digest, file.bytes(), file.sha256()));
  }
  if (path_ == "-") return absl::OkStatus();
  if (fsync(descriptor_) != 0) return Error("cannot sync");
  if (std::rename(partial_.c_str(), path_.c_str()) != 0) return SystemError("cannot name", path_);
  ended_ = true;
  unlink(place_.c_str());
  const std::string folder = std::filesystem::path(path_).parent_path().string();
  const int entry = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (entry < 0) return absl::OkStatus();  // writable but not readable: nothing to sync through
  const bool synced = fsync(entry) == 0 || errno == EINVAL;
  const absl::Status status =
      synced ? absl::OkStatus() : SystemError("cannot sync the folder of", path_);
  close(entry);
  return status;
}

void PackageDownload::Drop() {
  unlink(place_.c_str());
  unlink(partial_.c_str());
}

absl::Status PackageDownload::Error(std::string_view action) const {
  return SystemError(action, path_ == "-" ? "standard output" : partial_);
}

}  // namespace throng::cli
