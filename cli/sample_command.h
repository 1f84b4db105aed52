// throng sample: writes the sample population as a file to load.
//
//   throng sample --users 1000000 --output-dir sample
//   throng load sample/users.csv --schema sample/schema.toml
#ifndef THRONG_CLI_SAMPLE_COMMAND_H_
#define THRONG_CLI_SAMPLE_COMMAND_H_

#include "CLI/CLI.hpp"
#include "cli/global_options.h"

namespace throng::cli {

void RegisterSampleCommand(CLI::App& app, GlobalOptions& options, int& exit_code);

}  // namespace throng::cli

#endif  // THRONG_CLI_SAMPLE_COMMAND_H_
