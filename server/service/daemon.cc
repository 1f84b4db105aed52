#include "server/service/daemon.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fmt/format.h"
#include "grpc/support/log.h"
#include "index/error.h"
#include "index/mutex.h"
#include "server/access/access_control.h"
#include "server/access/audit_log.h"
#include "server/access/log_text.h"
#include "server/engine/engine.h"
#include "server/service/call_metrics.h"
#include "server/service/listen_address.h"
#include "server/service/metrics_endpoint.h"
#include "server/service/protection_metrics.h"
#include "server/service/reloader.h"
#include "server/service/server.h"
#include "server/service/server_tls.h"
#include "spdlog/spdlog.h"

namespace throng::service {
namespace {

using access::Quoted;
using EngineOrError = absl::StatusOr<std::unique_ptr<engine::Engine>>;

// In which clients that call one after the other are refused, before connections are ended.
constexpr std::chrono::milliseconds kRefusalTime{200};
constexpr uint64_t kOwnDescriptors = 768;  // of store, log and files; others are for connections
constexpr uint64_t kConnectionsMin = 16;   // whatever the system lets the process have

// What the main thread waits for. Thread-safe.
class Events {
 public:
  void Signal(int number) {
    index::MutexLock lock(mutex_);
    signal_ = number;
    changed_.NotifyAll();
  }
  void Loaded(EngineOrError engine) {
    index::MutexLock lock(mutex_);
    engine_ = std::move(engine);
    changed_.NotifyAll();
  }
  // The engine or why there is none; empty if a signal came first.
  std::optional<EngineOrError> AwaitEngine() {
    index::MutexLock lock(mutex_);
    while (!engine_.has_value() && signal_ == 0) changed_.Wait(mutex_);
    if (signal_ != 0) return std::nullopt;
    return std::exchange(engine_, std::nullopt);
  }
  int AwaitSignal() {
    index::MutexLock lock(mutex_);
    while (signal_ == 0) changed_.Wait(mutex_);
    return signal_;
  }

 private:
  index::Mutex mutex_;
  index::ConditionVariable changed_;
  int signal_ THRONG_GUARDED_BY(mutex_) = 0;
  std::optional<EngineOrError> engine_ THRONG_GUARDED_BY(mutex_);
};

// Those that stop the process, and SIGHUP.
sigset_t WatchedSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  return signals;
}

// Ends the process without running destructors: whoever stops throngd twice, or while it loads,
// does not want to wait. What was acknowledged is on disk.
[[noreturn]] void QuitAtOnce(int exit_code) {
  spdlog::default_logger()->flush();
  _exit(exit_code);
}

// Whose limits SIGHUP sets. Thread-safe.
class LimitsTarget {
 public:
  // Null: nobody's, from now on; what is under way has ended.
  void Set(Server* server) {
    index::MutexLock lock(mutex_);
    server_ = server;
  }
  absl::Status Reload(const std::function<absl::StatusOr<SettingsNow>()>& read) {
    THRONG_ASSIGN_OR_RETURN(const SettingsNow now, read());
    if (!now.waiting.empty()) {
      spdlog::warn("event=restart_needed settings={}",
                   Quoted(fmt::format("{}", fmt::join(now.waiting, " "))));
    }
    index::MutexLock lock(mutex_);
    if (server_ != nullptr) server_->SetLimits(now.limits);
    return absl::OkStatus();
  }

 private:
  index::Mutex mutex_;
  Server* server_ THRONG_GUARDED_BY(mutex_) = nullptr;
};

// Sets the target while it lives.
class TargetScope {
 public:
  TargetScope(LimitsTarget& target, Server& server) : target_(target) { target_.Set(&server); }
  ~TargetScope() { target_.Set(nullptr); }
  TargetScope(const TargetScope&) = delete;
  TargetScope& operator=(const TargetScope&) = delete;

 private:
  LimitsTarget& target_;
};

// What keeps others out, in the order in which it goes. Lives as long as the process: the thread
// that waits for signals uses it to the end.
struct Gatekeepers {
  std::unique_ptr<ServerTls> tls;
  std::unique_ptr<access::AccessControl> access;
  std::unique_ptr<access::AuditLog> audit;
  LimitsTarget limits;
  std::unique_ptr<Reloader> reloader;

  Protection ToProtection() const {
    return {.guards = {.access = access.get(), .audit = audit.get()},
            .credentials = tls == nullptr ? nullptr : tls->NewCredentials()};
  }
};

// Waits for the next signal that stops; SIGHUP on the way reads files again.
int AwaitStop(Reloader& reloader) {
  const sigset_t signals = WatchedSignals();
  int number = 0;
  while (true) {
    sigwait(&signals, &number);
    if (number != SIGHUP) return number;
    reloader.ReloadNow();
  }
}

// Tells `events` of the first stop signal. Lives as long as the process.
void WatchSignals(std::shared_ptr<Events> events, std::shared_ptr<Gatekeepers> keepers) {
  std::thread([events = std::move(events), keepers = std::move(keepers)] {
    events->Signal(AwaitStop(*keepers->reloader));
    const int number = AwaitStop(*keepers->reloader);
    spdlog::warn("event=stopped_at_once signal={}", number);
    QuitAtOnce(1);
  }).detach();
}

// Written beside and renamed, so that a reader sees all of it or nothing.
absl::Status WritePortFile(const std::string& path, int port) {
  const std::string partial = path + ".partial";
  std::FILE* file = std::fopen(partial.c_str(), "w");
  bool written = file != nullptr && std::fputs(fmt::format("{}\n", port).c_str(), file) >= 0;
  if (file != nullptr) written = std::fclose(file) == 0 && written;
  if (written && std::rename(partial.c_str(), path.c_str()) == 0) return absl::OkStatus();
  return absl::UnavailableError(fmt::format("cannot write {}: {}", path, std::strerror(errno)));
}

// A progress that tells the gate, and the log each full ten per cent.
engine::LoadingProgress ReportTo(EngineGate& gate) {
  auto logged = std::make_shared<std::atomic<int>>(0);
  return [&gate, logged](uint64_t bytes_done, uint64_t bytes_total) {
    gate.ReportLoading(bytes_done, bytes_total);
    const int tenth = gate.loading_percent() / 10;
    int last = logged->load();
    while (tenth > last) {
      if (!logged->compare_exchange_weak(last, tenth)) continue;
      spdlog::info("event=loading percent={} bytes={} bytes_total={}", tenth * 10, bytes_done,
                   bytes_total);
      break;
    }
  };
}

// As many descriptors as the system lets the process have: a connection takes one.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// The limits with no more connections than there are descriptors for, beside those that the store
// and files take.
ServiceLimits FitToDescriptors(ServiceLimits limits) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return limits;
  const uint64_t room = limit.rlim_cur - std::min<rlim_t>(limit.rlim_cur, kOwnDescriptors);
  const uint64_t most = std::max<uint64_t>(room, kConnectionsMin);
  if (limits.connections_max <= most) return limits;
  spdlog::warn(
      "event=connections_limited connections_max={} settings_say={} descriptors={} message=\"a "
      "connection takes a descriptor: raise LimitNOFILE of the unit (or ulimit -n) to {}, or set "
      "connections-max\"",
      most, limits.connections_max, limit.rlim_cur, limits.connections_max + kOwnDescriptors);
  limits.connections_max = static_cast<uint32_t>(most);
  return limits;
}

void RouteGrpcLog() {
  gpr_set_log_function([](gpr_log_func_args* line) {
    spdlog::debug("event=grpc file={} line={} message={}", line->file, line->line,
                  Quoted(line->message));
  });
}

int Fail(const absl::Status& status) {
  spdlog::error("event=failed code={} message={}", absl::StatusCodeToString(status.code()),
                access::QuotedMessage(status));
  return 1;
}

absl::Status CheckTls(const DaemonOptions& options) {
  const access::CertificatePaths& tls = options.tls;
  if (tls.certificate.empty() != tls.key.empty()) {
    return absl::InvalidArgumentError("--tls-cert and --tls-key go together: say both");
  }
  if (tls.certificate.empty() && !tls.client_ca.empty()) {
    return absl::InvalidArgumentError("--tls-client-ca needs --tls-cert and --tls-key");
  }
  if (tls.client_ca.empty() && options.client_certificate_optional) {
    return absl::InvalidArgumentError("--tls-client-cert optional needs --tls-client-ca");
  }
  return absl::OkStatus();
}

// Opens what the options name.
absl::Status Open(const DaemonOptions& options, Gatekeepers* keepers) {
  THRONG_RETURN_IF_ERROR(CheckTls(options));
  if (!options.tls.certificate.empty()) {
    const auto required = options.client_certificate_optional ? ClientCertificates::kOptional
                                                              : ClientCertificates::kRequired;
    THRONG_ASSIGN_OR_RETURN(
        keepers->tls,
        ServerTls::Open(options.tls,
                        options.tls.client_ca.empty() ? ClientCertificates::kNone : required));
    spdlog::info("event=tls subject={} client_certificates={}", Quoted(keepers->tls->subject()),
                 options.tls.client_ca.empty()         ? "none"
                 : options.client_certificate_optional ? "optional"
                                                       : "required");
  }
  if (!options.access_file.empty()) {
    THRONG_ASSIGN_OR_RETURN(keepers->access, access::AccessControl::Open(options.access_file));
    spdlog::info("event=access file={} principals={}", Quoted(options.access_file),
                 keepers->access->Current()->principals().size());
  }
  if (!options.audit.path.empty()) {
    THRONG_ASSIGN_OR_RETURN(keepers->audit, access::AuditLog::Open(options.audit));
    spdlog::info("event=audit file={}", Quoted(options.audit.path));
  }
  std::function<absl::Status()> reload_limits;
  if (options.read_settings) {
    reload_limits = [&limits = keepers->limits, read = options.read_settings] {
      return limits.Reload(read);
    };
  }
  keepers->reloader = std::make_unique<Reloader>(keepers->tls.get(), keepers->access.get(),
                                                 std::move(reload_limits));
  return absl::OkStatus();
}

// Where others can reach the calls, they are encrypted and everybody says who he is.
absl::Status CheckListen(const DaemonOptions& options) {
  THRONG_RETURN_IF_ERROR(CheckAddress(options.listen));
  if (IsLoopback(options.listen)) return absl::OkStatus();
  if (options.insecure_listen_anywhere) return absl::OkStatus();
  const auto refused = [&](std::string_view lacks, std::string_view remedy) {
    return absl::InvalidArgumentError(fmt::format(
        "{} can be reached from other machines, and there is no {}: {}, listen on 127.0.0.1, or "
        "say --insecure-listen-anywhere",
        options.listen, lacks, remedy));
  };
  if (options.tls.certificate.empty()) return refused("TLS", "give --tls-cert and --tls-key");
  if (options.access_file.empty()) return refused("access file", "give --access-file");
  return absl::OkStatus();
}

absl::Status CheckMetricsListen(const DaemonOptions& options) {
  if (options.metrics_listen.empty()) return absl::OkStatus();
  THRONG_RETURN_IF_ERROR(CheckMetricsAddress(options.metrics_listen));
  if (IsLoopback(options.metrics_listen) || options.metrics_listen_anywhere ||
      options.insecure_listen_anywhere) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      fmt::format("{} can be reached from other machines, and metrics have neither TLS nor login: "
                  "listen on 127.0.0.1, or say --metrics-listen-anywhere (or "
                  "--insecure-listen-anywhere, for calls as well)",
                  options.metrics_listen));
}

// Null without --metrics-listen.
absl::StatusOr<std::unique_ptr<MetricsEndpoint>> StartMetrics(const DaemonOptions& options,
                                                              Server& server,
                                                              const CallMetrics& call_metrics,
                                                              const Gatekeepers& keepers) {
  if (options.metrics_listen.empty()) return nullptr;
  absl::StatusOr<std::unique_ptr<MetricsEndpoint>> metrics = MetricsEndpoint::Start(
      options.metrics_listen, server.gate(), call_metrics, server.load_metrics(),
      std::make_shared<ProtectionMetrics>(keepers.audit.get(), keepers.tls.get(),
                                          keepers.reloader.get()));
  if (metrics.ok()) {
    spdlog::info("event=metrics listen={} port={}", options.metrics_listen, (*metrics)->port());
  }
  return metrics;
}

// Serves until a signal, then drains and closes.
void ServeUntilSignal(const DaemonOptions& options, Events& events, Server& server,
                      std::unique_ptr<MetricsEndpoint> metrics,
                      std::unique_ptr<engine::Engine> engine) {
  server.Serve(engine.get());
  spdlog::info("event=serving listen={} port={}", options.listen, server.port());
  const int number = events.AwaitSignal();
  spdlog::info("event=draining signal={} seconds_max={}", number, options.drain.count());
  server.Refuse();
  std::this_thread::sleep_for(std::min<std::chrono::milliseconds>(kRefusalTime, options.drain));
  server.Shutdown(options.drain);
  metrics.reset();  // a scrape may be in the engine
  spdlog::info("event=closing");
  engine.reset();
  spdlog::info("event=stopped");
}

}  // namespace

absl::Status CheckOptions(const DaemonOptions& options) {
  THRONG_RETURN_IF_ERROR(CheckListen(options));
  THRONG_RETURN_IF_ERROR(CheckMetricsListen(options));
  return CheckTls(options);
}

absl::Status CheckFiles(const DaemonOptions& options) {
  Gatekeepers keepers;
  DaemonOptions read = options;
  if (!options.audit.path.empty()) {
    THRONG_RETURN_IF_ERROR(access::CheckAuditLog(options.audit));
  }
  read.audit.path.clear();  // would be made
  return Open(read, &keepers);
}

int RunDaemon(const DaemonOptions& options) {
  const sigset_t signals = WatchedSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  RouteGrpcLog();
  RaiseDescriptorLimit();
  if (options.insecure_listen_anywhere && !IsLoopback(options.listen)) {
    spdlog::warn("event=insecure_listen listen={} tls={} access_file={}", options.listen,
                 !options.tls.certificate.empty(), !options.access_file.empty());
  }
  if (!options.sync) {
    spdlog::warn(
        "event=sync_at_intervals interval_ms={} message=\"a power loss may lose the acknowledged "
        "writes of the last interval\"",
        options.sync_interval_ms);
  }
  const auto keepers = std::make_shared<Gatekeepers>();
  if (const absl::Status status = Open(options, keepers.get()); !status.ok()) return Fail(status);
  auto events = std::make_shared<Events>();
  WatchSignals(events, keepers);
  CallMetrics call_metrics(ServiceNames());
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(
      options.listen, FitToDescriptors(options.limits),
      options.metrics_listen.empty() ? nullptr : &call_metrics, keepers->ToProtection());
  if (!server.ok()) return Fail(server.status());
  const TargetScope limits(keepers->limits, **server);
  absl::StatusOr<std::unique_ptr<MetricsEndpoint>> metrics =
      StartMetrics(options, **server, call_metrics, *keepers);
  if (!metrics.ok()) return Fail(metrics.status());
  spdlog::info("event=loading data_dir={} listen={} port={}", Quoted(options.data_directory),
               options.listen, (*server)->port());
  if (!options.port_file.empty()) {
    const absl::Status written = WritePortFile(options.port_file, (*server)->port());
    if (!written.ok()) return Fail(written);
  }
  index::SetLayout(options.layout);
  std::thread loader([&] {
    events->Loaded(engine::Engine::Open({.directory = options.data_directory,
                                         .sync = options.sync,
                                         .sync_interval_ms = options.sync_interval_ms,
                                         .backup_directory = options.backup_directory,
                                         .package_directory = options.package_directory,
                                         .query_threads = options.query_threads,
                                         .fold_log_bytes = options.fold_log_bytes,
                                         .result_bytes_max = options.result_bytes_max},
                                        ReportTo((*server)->gate())));
  });
  std::optional<EngineOrError> engine = events->AwaitEngine();
  if (!engine.has_value()) {
    spdlog::info("event=stopped_while_loading");
    QuitAtOnce(0);
  }
  loader.join();
  if (!engine->ok()) return Fail(engine->status());
  ServeUntilSignal(options, *events, **server, *std::move(metrics), **std::move(engine));
  keepers->audit.reset();  // the last line is on the disk
  return 0;
}

}  // namespace throng::service
