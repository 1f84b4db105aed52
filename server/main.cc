// throngd: flags, and the daemon.
#include <sys/auxv.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "CLI/CLI.hpp"
#include "server/import_command.h"
#include "server/offline_commands.h"
#include "server/service/daemon.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace {

constexpr const char* kFooter = R"help(Examples:
  throngd --data-dir /var/lib/throng
  throngd --data-dir data --listen 127.0.0.1:0 --port-file throngd.port
  throngd --data-dir data --metrics-listen 127.0.0.1:7401
  throngd import users.csv --schema schema.toml --data-dir /var/lib/throng
  throngd verify /var/lib/throng
  throngd restore /var/backups/throng/monday /var/lib/throng
The log goes to stderr. SIGTERM or SIGINT: finish the calls under way (10 s at most), close,
exit 0.)help";

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
  std::string sync = "always";
  std::string layout = "speed";
  bool json = false;
  std::string backup;     // of restore
  std::string ledger;     // of restore
  std::string directory;  // of verify and restore
};

void AddServerFlags(CLI::App& app, CommandLine& line) {
  throng::service::DaemonOptions& options = line.daemon;
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
  app.add_flag("--insecure-listen-anywhere", options.listen_anywhere,
               "Take an address that other machines can reach, without TLS");
  app.add_option("--metrics-listen", options.metrics_listen,
                 "Address of GET /metrics over HTTP, in Prometheus' text format; port 0 takes a "
                 "free one, which the log names. Without it there is none")
      ->type_name("HOST:PORT");
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
  app.add_option("--layout", line.layout,
                 "What bitmaps are kept for: speed; compact: a third less memory where values "
                 "have a few percent of the users each, and slower counts of these")
      ->check(CLI::IsMember({"speed", "compact"}))
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

}  // namespace

int main(int argc, char** argv) {
  RestartOnHugePages(argv);
  LogToStderr();
  CommandLine line;
  int exit_code = 0;
  CLI::App app("The Throng server: crowds counted exactly, in memory.", "throngd");
  app.set_version_flag("--version", "throngd " THRONG_VERSION);
  app.require_subcommand(0, 1);
  AddServerFlags(app, line);
  AddOfflineCommands(app, line, exit_code);
  throng::RegisterImportCommand(app, exit_code);
  app.footer(kFooter);
  try {
    app.parse(argc, argv);
    if (!app.get_subcommands().empty()) return exit_code;
    if (line.daemon.data_directory.empty()) throw CLI::RequiredError("--data-dir");
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  line.daemon.sync = line.sync == "always";
  if (line.layout == "compact") line.daemon.layout = throng::index::Layout::kCompact;
  return throng::service::RunDaemon(line.daemon);
}
