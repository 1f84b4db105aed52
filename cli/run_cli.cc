#include "cli/run_cli.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <string_view>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/flag_checks.h"
#include "cli/global_options.h"
#include "cli/usage_error.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng load users.csv --schema schema.toml
  throng count "city = 'Beijing' and views_7d > 3"
  throng insight "views_7d > 3" --by city
  throng COMMAND --help says more, with examples

Exit codes: 0 done, 1 refused by the server or failed, 2 wrong usage.)help";

void AddConnectionOptions(CLI::App& app, GlobalOptions& options) {
  const auto file = [&](const char* flag, const char* variable, std::string& path,
                        const char* about) {
    app.add_option(flag, path, about)->envname(variable)->type_name("FILE");
  };
  app.add_flag("--tls", options.tls, "Speak TLS, and trust the system's authorities");
  file("--tls-ca", "THRONG_TLS_CA", options.tls_ca,
       "Speak TLS, and trust these authorities (PEM) alone");
  file("--tls-cert", "THRONG_TLS_CERT", options.tls_cert, "Our certificate and its chain (PEM)");
  file("--tls-key", "THRONG_TLS_KEY", options.tls_key, "Its key (PEM)");
  app.add_option("--tls-server-name", options.tls_server_name,
                 "Name that the server's certificate must have; default: the host of --server")
      ->envname("THRONG_TLS_SERVER_NAME")
      ->type_name("NAME");
  file("--token-file", "THRONG_TOKEN_FILE", options.token_file,
       "Bearer token that says who calls; THRONG_TOKEN has the token itself");
  const char* token = std::getenv("THRONG_TOKEN");
  if (token != nullptr) options.token = token;
}

void AddGlobalOptions(CLI::App& app, GlobalOptions& options) {
  app.add_option("--server", options.server, "Where throngd listens")
      ->envname("THRONG_SERVER")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_option("--population", options.population, "The population to work on")
      ->envname("THRONG_POPULATION")
      ->type_name("NAME")
      ->capture_default_str();
  AddConnectionOptions(app, options);
  app.add_flag("--json", options.json, "Print JSON, errors too (docs/cli.md gives the shapes)");
  app.add_option_function<std::string>(
         "--timeout",
         [&options](const std::string& text) {
           options.timeout_given = absl::ParseDuration(text, &options.timeout);
         },
         "Deadline of a call, e.g. 30s; 0: none. Default 30s; none for load and export")
      ->type_name("DURATION")
      ->check(CheckDuration, "")
      ->trigger_on_parse();
}

void RegisterCommands(CLI::App& app, GlobalOptions& options, int& exit_code) {
  RegisterLoadCommands(app, options, exit_code);
  RegisterCountCommand(app, options, exit_code);
  RegisterExplainCommand(app, options, exit_code);
  RegisterInsightCommand(app, options, exit_code);
  RegisterCompareCommand(app, options, exit_code);
  RegisterCurveCommand(app, options, exit_code);
  RegisterCrossTabCommand(app, options, exit_code);
  RegisterOverlapCommand(app, options, exit_code);
  RegisterStatisticsCommand(app, options, exit_code);
  RegisterExportCommand(app, options, exit_code);
  RegisterMembersCommand(app, options, exit_code);
  RegisterWhyCommand(app, options, exit_code);
  RegisterWatchCommand(app, options, exit_code);
  RegisterCheckCommand(app, options, exit_code);
  RegisterPortraitCommand(app, options, exit_code);
  RegisterIdTypesCommand(app, options, exit_code);
  RegisterLinkCommand(app, options, exit_code);
  RegisterResolveCommand(app, options, exit_code);
  RegisterEraseCommand(app, options, exit_code);
  RegisterCrowdCommand(app, options, exit_code);
  RegisterSplitCommand(app, options, exit_code);
  RegisterAllocateCommand(app, options, exit_code);
  RegisterPackageCommand(app, options, exit_code);
  RegisterTagsCommand(app, options, exit_code);
  RegisterPopulationsCommand(app, options, exit_code);
  RegisterExpressionCommands(app, options, exit_code);
  RegisterBackupCommand(app, options, exit_code);
  RegisterStatsCommand(app, options, exit_code);
  RegisterPingCommand(app, options, exit_code);
}

// Whether --json stands among the arguments: known even where parsing them failed.
bool AsksForJson(int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--json") return true;
  }
  return false;
}

int ParseAndRun(int argc, const char* const* argv) {
  CLI::App app{"throng: select, count and export crowds of users on a Throng server.", "throng"};
  GlobalOptions options;
  int exit_code = kExitOk;
  app.fallthrough();  // Inherited by the commands: global flags may follow the command.
  app.require_subcommand(0, 1);
  app.set_version_flag("--version", "throng " THRONG_VERSION);
  AddGlobalOptions(app, options);
  app.footer(kExamples);
  RegisterCommands(app, options, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    options.json = AsksForJson(argc, argv);
    ReportUsage(UsageMessage(app, error), options);
    if (!options.json) fmt::print(stderr, "See {} --help.\n", CommandPath(app));
    return kExitUsage;
  }
  if (app.get_subcommands().empty()) fmt::print("{}", app.help());
  return exit_code;
}

}  // namespace

int RunCli(int argc, const char* const* argv) {
  try {
    const int exit_code = ParseAndRun(argc, argv);
    if (std::fflush(stdout) == 0) return exit_code;
    fmt::print(stderr, "error: cannot write to standard output: {}\n", strerror(errno));
    return kExitFailed;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return kExitFailed;
  }
}

}  // namespace throng::cli
