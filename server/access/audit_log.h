// The audit log: one JSON object a line, appended and never changed.
//
//   auto log = AuditLog::Open({.path = "/var/log/throng/audit"});
//   absl::Status written = (*log)->Append("{\"method\":\"SelectionService/Count\"}");
//   if (!written.ok()) return written;   // refuse what the log must have
//
// A line is handed to the system whole, in one write, before Append returns: throngd may be killed
// after that. It is on the disk within a second (fdatasync), and when the file is full: a power
// loss may lose the last second. What is half written when the disk is full is taken back; a line
// that a power loss tore stays, on a line of its own. Behind a link it is the real file that is
// written and turned over; the key stays beside the link.
#ifndef THRONG_SERVER_ACCESS_AUDIT_LOG_H_
#define THRONG_SERVER_ACCESS_AUDIT_LOG_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/mutex.h"

struct evp_mac_ctx_st;

namespace throng::access {

// A value; thread-compatible.
struct AuditOptions {
  std::string path;
  // A file that would be longer becomes PATH.1, PATH.2, ..., the newest with the highest number.
  uint64_t file_bytes_max = uint64_t{256} << 20;
  uint32_t files_max = 0;  // how many of these are kept; 0: all
};

// What a log says of ids of users: 32 hexadecimal digits of HMAC-SHA256 under the log's key. The
// algorithm is looked up once. Thread-safe: immutable.
class IdHasher {
 public:
  // With the key of the log at `log_path`. Errors: kUnavailable, kDataLoss (its file is none).
  static absl::StatusOr<std::unique_ptr<IdHasher>> Open(const std::string& log_path);
  ~IdHasher();
  IdHasher(const IdHasher&) = delete;
  IdHasher& operator=(const IdHasher&) = delete;

  std::string Hash(std::string_view id) const;

 private:
  explicit IdHasher(evp_mac_ctx_st* keyed) : keyed_(keyed) {}

  evp_mac_ctx_st* const keyed_;  // of OpenSSL; copied for every id
};

// Whether AuditLog::Open could write there: nothing is made and nothing is changed. Errors: as
// Open.
absl::Status CheckAuditLog(const AuditOptions& options);

// Thread-safe.
class AuditLog {
 public:
  // Appends to what is there. The key of ids is the file PATH.key, made if there is none. Errors:
  // kUnavailable naming the file and why, kDataLoss (the key's file is none).
  static absl::StatusOr<std::unique_ptr<AuditLog>> Open(const AuditOptions& options);
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  // `line`: one JSON object without its end. Errors: kUnavailable (AUDIT_FAILED): nothing of the
  // line is there.
  absl::Status Append(std::string_view line) THRONG_EXCLUDES(mutex_);
  // What the log says of a user's id.
  std::string HashId(std::string_view id) const;
  // Lines that could not be written since the start.
  uint64_t lines_refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  explicit AuditLog(const AuditOptions& options) : options_(options), path_(options.path) {}

  absl::Status OpenFile() THRONG_REQUIRES(mutex_);
  absl::Status Rotate() THRONG_REQUIRES(mutex_);
  absl::Status Write(std::string_view line) THRONG_REQUIRES(mutex_);
  void SyncEverySecond() THRONG_EXCLUDES(mutex_);

  const AuditOptions options_;
  std::unique_ptr<IdHasher> hasher_;
  std::atomic<uint64_t> refused_{0};
  index::Mutex mutex_;
  index::ConditionVariable changed_;
  std::string path_ THRONG_GUARDED_BY(mutex_);  // of the real file, once it is open
  int fd_ THRONG_GUARDED_BY(mutex_) = -1;
  bool is_file_ THRONG_GUARDED_BY(mutex_) = true;  // not a device
  uint64_t bytes_ THRONG_GUARDED_BY(mutex_) = 0;   // of the file
  uint64_t next_number_ THRONG_GUARDED_BY(mutex_) = 1;
  bool is_torn_ THRONG_GUARDED_BY(mutex_) = false;  // its last line has no end
  bool unsynced_ THRONG_GUARDED_BY(mutex_) = false;
  bool closing_ THRONG_GUARDED_BY(mutex_) = false;
  std::thread syncer_;
};

// As AuditLog::HashId, with the key of the log at `path`. Errors: kUnavailable, kDataLoss.
absl::StatusOr<std::string> HashAuditedId(const std::string& path, std::string_view id);

}  // namespace throng::access

#endif  // THRONG_SERVER_ACCESS_AUDIT_LOG_H_
