// The life of throngd: listen, load, serve, drain, close.
//
//   return RunDaemon({.data_directory = "/var/lib/throng", .listen = "127.0.0.1:7400"});
#ifndef THRONG_SERVER_SERVICE_DAEMON_H_
#define THRONG_SERVER_SERVICE_DAEMON_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/layout.h"
#include "server/access/audit_log.h"
#include "server/access/certificate_files.h"
#include "server/service/service_limits.h"

namespace throng::service {

// What the settings say now, for SIGHUP. A value; thread-compatible.
struct SettingsNow {
  ServiceLimits limits;
  std::vector<std::string> waiting;  // settings that changed and are taken by a restart alone
};

// A value; thread-compatible.
struct DaemonOptions {
  std::string data_directory;
  std::string backup_directory;   // empty: no backups
  std::string package_directory;  // of jobs; empty: none can be made
  std::string listen;
  // Takes addresses that other machines can reach without TLS or an access file, for calls and
  // metrics.
  bool insecure_listen_anywhere = false;
  std::string metrics_listen;                // address of GET /metrics; empty: none
  bool metrics_listen_anywhere = false;      // else only loopback addresses: metrics have no TLS
  access::CertificatePaths tls;              // no certificate: plaintext
  bool client_certificate_optional = false;  // with a client CA, which requires one otherwise
  std::string access_file;                   // empty: everybody may do all
  access::AuditOptions audit;                // no path: no audit log
  std::string port_file;                     // gets the port when listening; empty: none
  uint32_t query_threads = 0;                // 0: one a core
  bool sync = true;  // each commit before it is acknowledged, else at intervals
  uint32_t sync_interval_ms = 200;
  uint64_t fold_log_bytes = uint64_t{256} << 20;
  uint64_t result_bytes_max = uint64_t{4} << 30;
  index::Layout layout = index::Layout::kSpeed;
  std::chrono::seconds drain{10};
  ServiceLimits limits = {};
  // Reads the settings again, for SIGHUP; empty: limits stay as they are.
  std::function<absl::StatusOr<SettingsNow>()> read_settings = {};
};

// Whether throngd could be started with these: its addresses, and which of TLS's files there are.
// Errors: kInvalidArgument.
absl::Status CheckOptions(const DaemonOptions& options);
// Whether certificates, keys and the access file can be used, and the audit log could be written:
// nothing is made. Errors: what is wrong with which.
absl::Status CheckFiles(const DaemonOptions& options);

// Runs until SIGTERM or SIGINT; a second one ends the process at once. SIGHUP reads certificates,
// the access file and the limits again. Returns the exit code: 0 after a signal, 1 when it cannot
// listen or the data cannot be opened, which the log says. Call it once, from the main thread,
// before any other thread runs: it blocks the three signals. REQUIRES: CheckOptions.
int RunDaemon(const DaemonOptions& options);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_DAEMON_H_
