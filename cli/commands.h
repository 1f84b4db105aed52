// Every command of `throng`, each registered by one function and written in a file of its own
// (cli/count_command.cc has RegisterCountCommand, and so on).
//
//   CLI::App app;
//   GlobalOptions options;
//   int exit_code = kExitOk;
//   RegisterCountCommand(app, options, exit_code);
//   app.parse(argc, argv);  // Runs the command that was named, which sets exit_code.
//
// A command reads `options` when it runs, not when it is registered; `options` and `exit_code`
// must outlive `app`. Not thread-safe.
#ifndef THRONG_CLI_COMMANDS_H_
#define THRONG_CLI_COMMANDS_H_

#include "CLI/CLI.hpp"
#include "cli/global_options.h"

namespace throng::cli {

// load, schema, sample.
void RegisterLoadCommands(CLI::App& app, GlobalOptions& options, int& exit_code);

// Commands that take an expression: see cli/selection_options.h.
void RegisterCountCommand(CLI::App& app, GlobalOptions& options, int& exit_code);
void RegisterCompareCommand(CLI::App& app, GlobalOptions& options, int& exit_code);
void RegisterCurveCommand(CLI::App& app, GlobalOptions& options, int& exit_code);
void RegisterExplainCommand(CLI::App& app, GlobalOptions& options, int& exit_code);
void RegisterInsightCommand(CLI::App& app, GlobalOptions& options, int& exit_code);
void RegisterCrossTabCommand(CLI::App& app, GlobalOptions& options, int& exit_code);
void RegisterOverlapCommand(CLI::App& app, GlobalOptions& options, int& exit_code);
void RegisterStatisticsCommand(CLI::App& app, GlobalOptions& options, int& exit_code);
void RegisterExportCommand(CLI::App& app, GlobalOptions& options, int& exit_code);
void RegisterMembersCommand(CLI::App& app, GlobalOptions& options, int& exit_code);
void RegisterWatchCommand(CLI::App& app, GlobalOptions& options, int& exit_code);
void RegisterWhyCommand(CLI::App& app, GlobalOptions& options, int& exit_code);

void RegisterCheckCommand(CLI::App& app, GlobalOptions& options, int& exit_code);
void RegisterPortraitCommand(CLI::App& app, GlobalOptions& options, int& exit_code);
// Users and their ids.
void RegisterIdTypesCommand(CLI::App& app, GlobalOptions& options, int& exit_code);
void RegisterLinkCommand(CLI::App& app, GlobalOptions& options, int& exit_code);
void RegisterResolveCommand(CLI::App& app, GlobalOptions& options, int& exit_code);
void RegisterEraseCommand(CLI::App& app, GlobalOptions& options, int& exit_code);
// crowd and what stands behind it; the latter into the group `crowd`.
void RegisterCrowdCommand(CLI::App& app, GlobalOptions& options, int& exit_code);
void RegisterCrowdVersionCommands(CLI::App& group, GlobalOptions& options, int& exit_code);
void RegisterSplitCommand(CLI::App& app, GlobalOptions& options, int& exit_code);
void RegisterAllocateCommand(CLI::App& app, GlobalOptions& options, int& exit_code);
// package and, into its group, package export.
void RegisterPackageCommand(CLI::App& app, GlobalOptions& options, int& exit_code);
void RegisterPackageExportCommand(CLI::App& group, GlobalOptions& options, int& exit_code);
void RegisterTagsCommand(CLI::App& app, GlobalOptions& options, int& exit_code);
void RegisterPopulationsCommand(CLI::App& app, GlobalOptions& options, int& exit_code);
// parse and format.
void RegisterExpressionCommands(CLI::App& app, GlobalOptions& options, int& exit_code);
void RegisterBackupCommand(CLI::App& app, GlobalOptions& options, int& exit_code);
void RegisterStatsCommand(CLI::App& app, GlobalOptions& options, int& exit_code);
void RegisterPingCommand(CLI::App& app, GlobalOptions& options, int& exit_code);

}  // namespace throng::cli

#endif  // THRONG_CLI_COMMANDS_H_
