// The life of throngd: listen, load, serve, drain, close.
//
//   return RunDaemon({.data_directory = "/var/lib/throng", .listen = "127.0.0.1:7400"});
#ifndef THRONG_SERVER_SERVICE_DAEMON_H_
#define THRONG_SERVER_SERVICE_DAEMON_H_

#include <chrono>
#include <cstdint>
#include <string>

#include "index/layout.h"
#include "server/service/service_limits.h"

namespace throng::service {

// A value; thread-compatible.
struct DaemonOptions {
  std::string data_directory;
  std::string backup_directory;   // empty: no backups
  std::string package_directory;  // of jobs; empty: none can be made
  std::string listen;
  bool listen_anywhere = false;  // else only loopback addresses are taken: there is no TLS yet
  std::string metrics_listen;    // address of GET /metrics; empty: none
  std::string port_file;         // gets the port when listening; empty: none
  uint32_t query_threads = 0;    // 0: one a core
  bool sync = true;              // each commit before it is acknowledged, else at intervals
  uint32_t sync_interval_ms = 200;
  uint64_t fold_log_bytes = uint64_t{256} << 20;
  index::Layout layout = index::Layout::kSpeed;
  std::chrono::seconds drain{10};
  ServiceLimits limits = {};
};

// Runs until SIGTERM or SIGINT; a second one ends the process at once. Returns the exit code: 0
// after a signal, 1 when it cannot listen or the data cannot be opened, which the log says.
// Call it once, from the main thread, before any other thread runs: it blocks the two signals.
int RunDaemon(const DaemonOptions& options);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_DAEMON_H_
