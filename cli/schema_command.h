// throng schema infer: drafts a schema for a file.
//
//   throng schema infer users.csv -o schema.toml
#ifndef THRONG_CLI_SCHEMA_COMMAND_H_
#define THRONG_CLI_SCHEMA_COMMAND_H_

#include "CLI/CLI.hpp"
#include "cli/global_options.h"

namespace throng::cli {

void RegisterSchemaCommand(CLI::App& app, GlobalOptions& options, int& exit_code);

}  // namespace throng::cli

#endif  // THRONG_CLI_SCHEMA_COMMAND_H_
