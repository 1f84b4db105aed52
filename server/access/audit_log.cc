#include "server/access/audit_log.h"

#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <new>
#include <set>
#include <system_error>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/access/file_bytes.h"
#include "server/access/log_text.h"
#include "server/access/token.h"
#include "spdlog/spdlog.h"

namespace throng::access {
namespace {

constexpr mode_t kFileMode = 0600;
constexpr size_t kKeyDigits = 64;
constexpr size_t kHashDigits = 32;
constexpr std::chrono::seconds kSyncInterval{1};

absl::Status Failed(std::string_view what, const std::string& path) {
  return index::MakeError(
      absl::StatusCode::kUnavailable,
      fmt::format("cannot {} the audit log {}: {}", what, path, std::strerror(errno)),
      {.reason = "AUDIT_FAILED"});
}

using MacContext = std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)>;

// HMAC-SHA256 with the key, ready to be copied. Null: OpenSSL has none.
MacContext NewMac(std::string_view key) {
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  MacContext context(mac == nullptr ? nullptr : EVP_MAC_CTX_new(mac), &EVP_MAC_CTX_free);
  EVP_MAC_free(mac);  // the context holds it
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_END};
  const bool is_ready =
      context != nullptr &&
      EVP_MAC_init(context.get(), reinterpret_cast<const unsigned char*>(key.data()), key.size(),
                   parameters) == 1;
  if (!is_ready) context.reset();
  return context;
}

absl::StatusOr<std::string> ReadKey(const std::string& path) {
  THRONG_ASSIGN_OR_RETURN(std::string text, ReadFileBytes(path, kKeyDigits + 1));
  if (text.ends_with('\n')) text.pop_back();
  const std::optional<TokenDigest> key = DigestFromHex(text);
  if (key.has_value()) return std::string(key->begin(), key->end());
  return absl::DataLossError(fmt::format(
      "{} is not the key of an audit log: put the one back that was there, or move it away, after "
      "which ids have other hashes",
      path));
}

// Makes the key's file unless it is there.
absl::Status MakeKey(const std::string& path) {
  TokenDigest key;
  if (RAND_bytes(key.data(), static_cast<int>(key.size())) != 1) {
    return absl::UnavailableError("the system gives no random bytes for the audit log's key");
  }
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode);
  if (fd < 0) return errno == EEXIST ? absl::OkStatus() : Failed("make the key of", path);
  const std::string text = DigestToHex(key) + "\n";
  const bool written =
      write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
  const absl::Status status = written ? absl::OkStatus() : Failed("make the key of", path);
  close(fd);
  if (!written) unlink(path.c_str());
  return status;
}

std::string FolderOf(const std::string& path) {
  const std::filesystem::path whole(path);
  return whole.has_parent_path() ? whole.parent_path().string() : ".";
}

// Whether there is a file that can be written, or a folder in which it can be made; else errno.
bool CanBeWritten(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK);
  if (fd >= 0) {
    close(fd);
    return true;
  }
  return errno == ENOENT && ::access(FolderOf(path).c_str(), W_OK | X_OK) == 0;
}

// Renames a file unless the other name is taken (EEXIST); else errno. Where the file system cannot
// rename so (NFS, FUSE) the file gets a second name and loses its first.
bool RenameToFree(const std::string& from, const std::string& to) {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL && errno != ENOSYS) return false;
  if (link(from.c_str(), to.c_str()) != 0) return false;
  if (unlink(from.c_str()) == 0) return true;
  const int error = errno;
  unlink(to.c_str());  // not both: the next attempt would leave a third
  errno = error;
  return false;
}

// Whether a file of so many bytes ends within a line; one that cannot be read does not.
bool IsTorn(const std::string& path, uint64_t bytes) {
  const int fd = bytes == 0 ? -1 : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char last = '\n';
  const ssize_t read = pread(fd, &last, 1, static_cast<off_t>(bytes - 1));
  close(fd);
  return read == 1 && last != '\n';
}

// The Ns of the files PATH.N.
std::set<uint64_t> NumbersOf(const std::string& path) {
  const std::string prefix = std::filesystem::path(path).filename().string() + ".";
  std::set<uint64_t> numbers;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(FolderOf(path), error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix)) continue;
    uint64_t number = 0;
    const char* end = name.data() + name.size();
    const auto parsed = std::from_chars(name.data() + prefix.size(), end, number);
    if (parsed.ec == std::errc() && parsed.ptr == end) numbers.insert(number);
  }
  return numbers;
}

// Removes all but the newest `files_max` of the files PATH.N; 0: none.
void RemoveOld(const std::string& path, uint32_t files_max) {
  if (files_max == 0) return;
  std::set<uint64_t> numbers = NumbersOf(path);
  while (numbers.size() > files_max) {
    unlink(fmt::format("{}.{}", path, *numbers.begin()).c_str());
    numbers.erase(numbers.begin());
  }
}

}  // namespace

absl::Status CheckAuditLog(const AuditOptions& options) {
  if (!CanBeWritten(options.path)) return Failed("open", options.path);
  const std::string key = options.path + ".key";
  if (::access(key.c_str(), F_OK) == 0) return IdHasher::Open(options.path).status();
  return CanBeWritten(key) ? absl::OkStatus() : Failed("make the key of", key);
}

absl::StatusOr<std::unique_ptr<AuditLog>> AuditLog::Open(const AuditOptions& options) {
  std::unique_ptr<AuditLog> log(new AuditLog(options));
  THRONG_RETURN_IF_ERROR(MakeKey(options.path + ".key"));
  THRONG_ASSIGN_OR_RETURN(log->hasher_, IdHasher::Open(options.path));
  {
    index::MutexLock lock(log->mutex_);
    THRONG_RETURN_IF_ERROR(log->OpenFile());
    std::error_code error;
    const std::filesystem::path real = std::filesystem::canonical(options.path, error);
    if (!error && log->is_file_) log->path_ = real.string();
    const std::set<uint64_t> numbers = NumbersOf(log->path_);
    log->next_number_ = numbers.empty() ? 1 : *numbers.rbegin() + 1;
    RemoveOld(log->path_, options.files_max);
  }
  log->syncer_ = std::thread([self = log.get()] { self->SyncEverySecond(); });
  return log;
}

AuditLog::~AuditLog() {
  {
    index::MutexLock lock(mutex_);
    closing_ = true;
    changed_.NotifyAll();
  }
  if (syncer_.joinable()) syncer_.join();
  index::MutexLock lock(mutex_);
  if (fd_ < 0) return;
  fdatasync(fd_);
  close(fd_);
}

absl::Status AuditLog::OpenFile() {
  const int fd = open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, kFileMode);
  struct stat info {};
  if (fd < 0 || fstat(fd, &info) != 0) {
    const absl::Status status = Failed("open", options_.path);
    if (fd >= 0) close(fd);
    return status;
  }
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
  is_file_ = S_ISREG(info.st_mode);
  bytes_ = static_cast<uint64_t>(info.st_size);
  is_torn_ = is_file_ && IsTorn(path_, bytes_);
  return absl::OkStatus();
}

absl::Status AuditLog::Rotate() {
  if (fdatasync(fd_) != 0) return Failed("sync", options_.path);
  bool is_renamed = RenameToFree(path_, fmt::format("{}.{}", path_, next_number_));
  while (!is_renamed && errno == EEXIST) {
    is_renamed = RenameToFree(path_, fmt::format("{}.{}", path_, ++next_number_));
  }
  // It may be gone: the last attempt could not open the next one, or somebody moved it away.
  if (!is_renamed && errno != ENOENT) return Failed("rename", options_.path);
  if (is_renamed) ++next_number_;
  THRONG_RETURN_IF_ERROR(OpenFile());
  RemoveOld(path_, options_.files_max);
  return absl::OkStatus();
}

absl::Status AuditLog::Write(std::string_view line) {
  const size_t more = line.size() + (is_torn_ ? 2 : 1);
  if (is_file_ && bytes_ > 0 && bytes_ + more > options_.file_bytes_max) {
    THRONG_RETURN_IF_ERROR(Rotate());
  }
  const std::string whole = fmt::format("{}{}\n", is_torn_ ? "\n" : "", line);
  ssize_t written = 0;
  do {
    written = write(fd_, whole.data(), whole.size());
  } while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(whole.size())) {
    bytes_ += whole.size();
    is_torn_ = false;
    unsynced_ = true;
    return absl::OkStatus();
  }
  if (written >= 0) errno = ENOSPC;  // a part of it fitted
  const absl::Status status = Failed("write", options_.path);
  // Half a line would spoil the next one.
  if (written > 0 && ftruncate(fd_, static_cast<off_t>(bytes_)) != 0) {
    bytes_ += static_cast<uint64_t>(written);
    is_torn_ = true;
  }
  return status;
}

absl::Status AuditLog::Append(std::string_view line) {
  index::MutexLock lock(mutex_);
  const absl::Status status = Write(line);
  if (!status.ok()) refused_.fetch_add(1, std::memory_order_relaxed);
  return status;
}

std::string AuditLog::HashId(std::string_view id) const { return hasher_->Hash(id); }

void AuditLog::SyncEverySecond() {
  index::MutexLock lock(mutex_);
  while (!closing_) {
    changed_.WaitUntil(mutex_, std::chrono::steady_clock::now() + kSyncInterval);
    if (!unsynced_ || closing_) continue;
    unsynced_ = false;
    const int fd = dup(fd_);  // a line need not wait for the disk
    mutex_.Unlock();
    const bool synced = fd >= 0 && fdatasync(fd) == 0;
    if (!synced) {
      spdlog::error("event=audit_failed message={}",
                    Quoted(fmt::format("cannot sync {}: {}", options_.path, std::strerror(errno))));
    }
    if (fd >= 0) close(fd);
    mutex_.Lock();
    if (!synced) unsynced_ = true;
  }
}

absl::StatusOr<std::unique_ptr<IdHasher>> IdHasher::Open(const std::string& log_path) {
  THRONG_ASSIGN_OR_RETURN(const std::string key, ReadKey(log_path + ".key"));
  MacContext keyed = NewMac(key);
  if (keyed == nullptr) return absl::UnavailableError("OpenSSL has no HMAC with SHA-256");
  return std::unique_ptr<IdHasher>(new IdHasher(keyed.release()));
}

IdHasher::~IdHasher() { EVP_MAC_CTX_free(keyed_); }

std::string IdHasher::Hash(std::string_view id) const {
  TokenDigest digest{};
  const MacContext context(EVP_MAC_CTX_dup(keyed_), &EVP_MAC_CTX_free);
  size_t bytes = 0;
  const bool is_done =
      context != nullptr &&
      EVP_MAC_update(context.get(), reinterpret_cast<const unsigned char*>(id.data()), id.size()) ==
          1 &&
      EVP_MAC_final(context.get(), digest.data(), &bytes, digest.size()) == 1;
  if (!is_done) throw std::bad_alloc();  // nothing else can go wrong with what is ready
  return DigestToHex(digest).substr(0, kHashDigits);
}

absl::StatusOr<std::string> HashAuditedId(const std::string& path, std::string_view id) {
  THRONG_ASSIGN_OR_RETURN(const std::unique_ptr<IdHasher> hasher, IdHasher::Open(path));
  return hasher->Hash(id);
}

}  // namespace throng::access
