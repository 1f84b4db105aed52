// throngd: flags, and the daemon.
#include <sys/auxv.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/import_command.h"
#include "server/offline_commands.h"
#include "server/service/daemon.h"
#include "server/settings.h"
#include "server/token_command.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace {

constexpr const char* kFooter = R"help(Examples:
  throngd --data-dir /var/lib/throng
  throngd --data-dir data --listen 127.0.0.1:0 --port-file throngd.port
  throngd --data-dir data --metrics-listen 127.0.0.1:7401
  throngd --config /etc/throng/throngd.toml
  throngd check-config /etc/throng/throngd.toml
  throngd import users.csv --schema schema.toml --data-dir /var/lib/throng
  throngd verify /var/lib/throng
  throngd restore /var/backups/throng/monday /var/lib/throng
  throngd token create cms --access-file access.toml --population renters --role operator
A flag goes over its environment variable (THRONGD_DATA_DIR for --data-dir), and that over the
file of --config, whose keys are the flags' names. The log goes to stderr. SIGTERM or SIGINT:
finish the calls under way (--drain-seconds at most), close,
exit 0.)help";

constexpr const char* kCheckFooter =
    R"help(Prints every setting, where it is from and its value. Exit codes:
  0  throngd would start with them
  2  something is wrong with one, which is named)help";

constexpr const char* kVerifyFooter = R"help(Changes nothing. Exit codes:
  0  sound
  1  something is wrong
  2  wrong usage, or it cannot be looked at: there is none, a server uses it, or a newer version
     wrote it)help";

constexpr const char* kRestoreFooter =
    R"help(Every file and tag is compared with the backup. Exit codes:
  0  restored
  1  the backup is damaged; nothing is restored
  2  wrong usage, or a directory cannot be used; nothing is restored)help";

constexpr int kExitUsage = 2;

// Starts the program again with the large blocks of its heap on huge pages, unless the environment
// says something about the heap: ids among 100 million are then found in 60 % of the time
// (docs/performance.md). Where the system does not take it, all goes on as it is.
void RestartOnHugePages(char** argv) {
  constexpr const char* kTunables = "GLIBC_TUNABLES";
  // Where privileges come with the file, the variable would not reach the new program.
  if (std::getenv(kTunables) != nullptr || getauxval(AT_SECURE) != 0) return;
  std::error_code error;
  const std::string program = std::filesystem::read_symlink("/proc/self/exe", error).string();
  if (error || setenv(kTunables, "glibc.malloc.hugetlb=1", 1) != 0) return;
  execv(program.c_str(), argv);  // returns when it cannot
}

void LogToStderr() {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("throngd"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%f%z %l %v");
  spdlog::flush_on(spdlog::level::info);
}

// What the command line says. A value.
struct CommandLine {
  throng::service::DaemonOptions daemon{.listen = "127.0.0.1:7400"};
  std::string config;  // file of settings; empty: none
  std::string sync = "always";
  std::string layout = "speed";
  int drain_seconds = 10;
  std::string client_certificate = "required";
  uint32_t call_wait_ms_max = 1'000;
  uint32_t call_wait_target_ms = 5;
  uint32_t slow_query_ms = 500;
  uint32_t stream_idle_seconds_max = 600;
  uint32_t snapshot_stream_seconds_max = 3'600;
  bool json = false;
  std::string backup;     // of restore
  std::string ledger;     // of restore
  std::string directory;  // of verify and restore
};

void AddServerFlags(CLI::App& app, CommandLine& line) {
  throng::service::DaemonOptions& options = line.daemon;
  app.add_option("--config", line.config, "File of settings, in TOML")
      ->type_name("FILE")
      ->envname("THRONGD_CONFIG");
  app.add_option("--data-dir", options.data_directory, "Where the data is; made if missing")
      ->type_name("DIR");
  app.add_option("--backup-dir", options.backup_directory,
                 "Where backups go; made if missing. Without it none can be made")
      ->type_name("DIR");
  app.add_option("--package-dir", options.package_directory,
                 "Where jobs write packages; made if missing. Without it none can be made")
      ->type_name("DIR");
  app.add_option("--listen", options.listen, "Address to listen on; port 0 takes a free one")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_flag("--insecure-listen-anywhere", options.insecure_listen_anywhere,
               "Take addresses that other machines can reach without TLS or an access file");
  app.add_option("--metrics-listen", options.metrics_listen,
                 "Address of GET /metrics over HTTP, in Prometheus' text format; port 0 takes a "
                 "free one, which the log names. Without it there is none")
      ->type_name("HOST:PORT");
  app.add_flag("--metrics-listen-anywhere", options.metrics_listen_anywhere,
               "Take an address for metrics that other machines can reach: these have no TLS");
  app.add_option("--port-file", options.port_file, "File that gets the port once it listens")
      ->type_name("FILE");
  app.add_option("--threads", options.query_threads, "Query threads; 0: one a core")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option(
         "--sync", line.sync,
         "When the disk has a write: always, before it is acknowledged; interval: within "
         "--sync-interval-ms, so that a power loss may lose the last ones (a crash does not)")
      ->check(CLI::IsMember({"always", "interval"}))
      ->capture_default_str();
  app.add_option("--sync-interval-ms", options.sync_interval_ms,
                 "Milliseconds between syncs with --sync interval")
      ->check(CLI::Range(1, 60'000))
      ->capture_default_str();
  app.add_option(
         "--fold-log-bytes", options.fold_log_bytes,
         "Fold the change log into the base blocks when it is this long: more writes faster, "
         "less starts faster")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 40))
      ->type_name("BYTES")
      ->capture_default_str();
  app.add_option("--drain-seconds", line.drain_seconds,
                 "How long calls under way may take after SIGTERM")
      ->check(CLI::Range(0, 3'600))
      ->capture_default_str();
  app.add_option("--layout", line.layout,
                 "What bitmaps are kept for: speed; compact: a third less memory where values "
                 "have a few percent of the users each, and slower counts of these")
      ->check(CLI::IsMember({"speed", "compact"}))
      ->capture_default_str();
}

// How much at the same time; beyond it calls are refused (docs/api.md#limits).
void AddLimitFlags(CLI::App& app, CommandLine& line) {
  throng::service::ServiceLimits& limits = line.daemon.limits;
  const auto add = [&](const char* name, auto& limit, const char* what, double low, double high) {
    app.add_option(name, limit, what)->check(CLI::Range(low, high))->capture_default_str();
  };
  add("--read-threads", limits.read_threads,
      "Counts and look-ups that run at the same time; 0: two a query thread", 0, 1'024);
  add("--analysis-threads", limits.analysis_threads,
      "Insights and refreshes that run at the same time; 0: one a query thread, at least two", 0,
      1'024);
  add("--write-threads", limits.write_threads, "Writes that run at the same time", 1, 1'024);
  add("--calls-queued-max", limits.calls_queued_max,
      "Reads, analyses and writes, of each, that wait for a thread", 0, 1e6);
  add("--call-wait-ms-max", line.call_wait_ms_max,
      "Longest wait of a read for a thread; analyses and writes: five times that", 1, 1e6);
  add("--call-wait-target-ms", line.call_wait_target_ms,
      "The same while there is more to do than can be done; one of each caller may", 1, 1e6);
  add("--caller-calls-max", limits.caller_calls_max,
      "Reads, analyses and writes, of each, of one caller of the access file", 1, 1e6);
  add("--caller-streams-max", limits.caller_streams_max,
      "Exports and loads, of each, of one caller of the access file", 1, 10'000);
  add("--export-streams-max", limits.export_streams_max, "Exports at the same time", 1, 10'000);
  add("--load-streams-max", limits.load_streams_max, "Loads at the same time", 1, 10'000);
  add("--stream-idle-seconds-max", line.stream_idle_seconds_max,
      "A stream whose client neither sends nor reads for so long is ended", 1, 86'400);
  add("--snapshot-stream-seconds-max", line.snapshot_stream_seconds_max,
      "An export or an upload that takes longer is ended: it holds a data version", 1, 1e6);
  add("--slow-query-ms", line.slow_query_ms,
      "A call that runs for so long gets a line in the log, with its plan; 0: none does", 0, 1e7);
  add("--connections-max", limits.connections_max, "Connections; more are closed at once", 1, 1e6);
  add("--connections-per-address-max", limits.connections_per_address_max,
      "Connections of one address, or of one IPv6 /64, but loopback; more are closed at once", 1,
      1e6);
  add("--connection-streams-max", limits.connection_streams_max,
      "Calls of one connection at the same time", 1, 1e6);
  add("--result-bytes-max", line.daemon.result_bytes_max,
      "Memory of the crowds that one refresh computes, in bytes", 1 << 20, 1e12);
  add("--buffer-bytes-max", limits.buffer_bytes_max, "Memory of the connections' buffers", 16 << 20,
      1e12);
}

// TLS, who may call, and what is noted of it.
void AddProtectionFlags(CLI::App& app, CommandLine& line) {
  throng::service::DaemonOptions& options = line.daemon;
  app.add_option("--tls-cert", options.tls.certificate,
                 "The server's certificate and its chain, PEM; read again when it changes")
      ->type_name("FILE");
  app.add_option("--tls-key", options.tls.key, "The certificate's key, PEM, without a passphrase")
      ->type_name("FILE");
  app.add_option("--tls-client-ca", options.tls.client_ca,
                 "Clients need a certificate of one of these authorities, PEM")
      ->type_name("FILE");
  app.add_option("--tls-client-cert", line.client_certificate,
                 "With --tls-client-ca: whether a client must have a certificate")
      ->check(CLI::IsMember({"required", "optional"}))
      ->capture_default_str();
  app.add_option("--access-file", options.access_file,
                 "Who may do what (docs/security.md; throngd token writes it); read again when it "
                 "changes. Without it everybody may do all")
      ->type_name("FILE");
  app.add_option("--audit-log", options.audit.path,
                 "File that gets a line of JSON for every call; without it there is none")
      ->type_name("FILE");
  app.add_option("--audit-log-bytes", options.audit.file_bytes_max,
                 "When the audit log is that long it becomes FILE.1, FILE.2, ...")
      ->check(CLI::Range(uint64_t{1} << 10, uint64_t{1} << 40))
      ->type_name("BYTES")
      ->capture_default_str();
  app.add_option("--audit-log-files", options.audit.files_max,
                 "How many of these are kept, the newest; 0: all")
      ->capture_default_str();
}

// The commands that need no server; `exit_code` is theirs when one has run.
void AddOfflineCommands(CLI::App& app, CommandLine& line, int& exit_code) {
  CLI::App* verify =
      app.add_subcommand("verify", "Look through a data directory that no server uses");
  verify->add_option("DIR", line.directory, "The data directory")->required();
  verify->add_flag("--json", line.json, "Print JSON");
  verify->footer(kVerifyFooter);
  verify->callback([&] { exit_code = throng::RunVerify(line.directory, line.json); });
  CLI::App* restore = app.add_subcommand("restore", "Make a data directory of a backup");
  restore->add_option("BACKUP", line.backup, "The backup's directory")->required();
  restore->add_option("DIR", line.directory, "The new data directory: absent or empty")->required();
  restore
      ->add_option("--ledger", line.ledger,
                   "The newest ledger of erasures (the file ERASED of the data directory): whom it "
                   "names is forgotten again at the start")
      ->type_name("FILE");
  restore->add_flag("--json", line.json, "Print JSON");
  restore->footer(kRestoreFooter);
  restore->callback(
      [&] { exit_code = throng::RunRestore(line.backup, line.directory, line.ledger, line.json); });
}

void CompleteLimits(CommandLine& line) {
  throng::service::ServiceLimits& limits = line.daemon.limits;
  limits.call_wait_max = std::chrono::milliseconds(line.call_wait_ms_max);
  limits.call_wait_target = std::chrono::milliseconds(line.call_wait_target_ms);
  limits.slow_call_min = std::chrono::milliseconds(line.slow_query_ms);
  limits.stream_idle_max = std::chrono::seconds(line.stream_idle_seconds_max);
  limits.snapshot_stream_max = std::chrono::seconds(line.snapshot_stream_seconds_max);
  // What is computed is bounded by the query threads, not by the machine.
  const uint32_t threads = line.daemon.query_threads;
  if (limits.read_threads == 0 && threads > 0) limits.read_threads = std::max(2u, 2 * threads);
  if (limits.analysis_threads == 0 && threads > 0) limits.analysis_threads = std::max(2u, threads);
}

// What the flags, the environment and the file say together. Errors: kInvalidArgument, kNotFound.
absl::Status Complete(throng::Settings& settings, CommandLine& line) {
  absl::Status status = settings.ApplyEnvironment();
  if (status.ok() && !line.config.empty()) status = settings.ApplyFile(line.config);
  if (!status.ok()) return status;
  if (line.daemon.data_directory.empty()) {
    return absl::InvalidArgumentError(
        "--data-dir is required (in a file: data-dir = \"/var/lib/throng/data\")");
  }
  line.daemon.sync = line.sync == "always";
  line.daemon.client_certificate_optional = line.client_certificate == "optional";
  line.daemon.drain = std::chrono::seconds(line.drain_seconds);
  CompleteLimits(line);
  if (line.layout == "compact") line.daemon.layout = throng::index::Layout::kCompact;
  return throng::service::CheckOptions(line.daemon);
}

int Refuse(const absl::Status& status) {
  const absl::string_view message = status.message();
  std::fprintf(stderr, "throngd: %.*s\n", static_cast<int>(message.size()), message.data());
  return kExitUsage;
}

void AddSettings(CLI::App& app, CommandLine& line) {
  AddServerFlags(app, line);
  AddProtectionFlags(app, line);
  AddLimitFlags(app, line);
}

using Values = std::map<std::string, std::string>;  // of the settings, by their keys

// Settings that SIGHUP takes: the others wait for a restart.
constexpr std::string_view kTakenOnSighup[] = {"calls-queued-max",    "call-wait-ms-max",
                                               "call-wait-target-ms", "caller-calls-max",
                                               "caller-streams-max",  "slow-query-ms"};

// Settings that are no longer what they were at the start, but for those that SIGHUP takes.
std::vector<std::string> Waiting(const Values& started, const Values& now) {
  std::vector<std::string> waiting;
  for (const auto& [key, value] : now) {
    const bool is_taken = std::find(std::begin(kTakenOnSighup), std::end(kTakenOnSighup), key) !=
                          std::end(kTakenOnSighup);
    if (!is_taken && started.at(key) != value) waiting.push_back(key);
  }
  return waiting;
}

// What the settings say now.
absl::StatusOr<throng::service::SettingsNow> ReadSettings(int argc, char** argv,
                                                          const Values& started) {
  CommandLine line;
  CLI::App app("", "throngd");
  AddSettings(app, line);
  throng::Settings settings(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return absl::InvalidArgumentError(error.what());
  }
  if (absl::Status status = Complete(settings, line); !status.ok()) return status;
  return throng::service::SettingsNow{.limits = line.daemon.limits,
                                      .waiting = Waiting(started, settings.Values())};
}

}  // namespace

int main(int argc, char** argv) {
  RestartOnHugePages(argv);
  LogToStderr();
  CommandLine line;
  int exit_code = 0;
  CLI::App app("The Throng server: crowds counted exactly, in memory.", "throngd");
  app.set_version_flag("--version", "throngd " THRONG_VERSION);
  app.require_subcommand(0, 1);
  AddSettings(app, line);
  throng::Settings settings(app);
  CLI::App* check = app.add_subcommand("check-config", "Say what throngd would be started with");
  check->add_option("FILE", line.config, "File of settings; else that of --config");
  check->footer(kCheckFooter);
  AddOfflineCommands(app, line, exit_code);
  throng::RegisterTokenCommands(app, exit_code);
  throng::RegisterImportCommand(app, exit_code);
  app.footer(kFooter);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  if (!app.get_subcommands().empty() && !check->parsed()) return exit_code;
  if (const absl::Status status = Complete(settings, line); !status.ok()) return Refuse(status);
  if (check->parsed()) {
    const absl::Status readable = throng::service::CheckFiles(line.daemon);
    if (!readable.ok()) return Refuse(readable);
    std::fputs(settings.Describe().c_str(), stdout);
    return 0;
  }
  line.daemon.read_settings = [argc, argv, started = settings.Values()] {
    return ReadSettings(argc, argv, started);
  };
  return throng::service::RunDaemon(line.daemon);
}
