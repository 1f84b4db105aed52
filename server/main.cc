// throngd: flags, and the daemon.
#include <string>

#include "CLI/CLI.hpp"
#include "server/service/daemon.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace {

constexpr const char* kFooter = R"help(Examples:
  throngd --data-dir /var/lib/throng
  throngd --data-dir data --listen 127.0.0.1:0 --port-file throngd.port
The log goes to stderr. SIGTERM or SIGINT: finish the calls under way (10 s at most), close,
exit 0.)help";

constexpr int kExitUsage = 2;

void LogToStderr() {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("throngd"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%f%z %l %v");
  spdlog::flush_on(spdlog::level::info);
}

}  // namespace

int main(int argc, char** argv) {
  throng::service::DaemonOptions options;
  options.listen = "127.0.0.1:7400";
  std::string sync = "always";
  CLI::App app("The Throng server: crowds counted exactly, in memory.", "throngd");
  app.set_version_flag("--version", "throngd " THRONG_VERSION);
  app.add_option("--data-dir", options.data_directory, "Where the data is; made if missing")
      ->required()
      ->type_name("DIR");
  app.add_option("--listen", options.listen, "Address to listen on; port 0 takes a free one")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_flag("--insecure-listen-anywhere", options.listen_anywhere,
               "Take an address that other machines can reach, without TLS");
  app.add_option("--port-file", options.port_file, "File that gets the port once it listens")
      ->type_name("FILE");
  app.add_option("--threads", options.query_threads, "Query threads; 0: one a core")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option(
         "--sync", sync,
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
  app.footer(kFooter);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  options.sync = sync == "always";
  LogToStderr();
  return throng::service::RunDaemon(options);
}
