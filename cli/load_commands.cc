// The commands that read files: load, schema and sample.
#include "cli/commands.h"
#include "cli/load_command.h"
#include "cli/sample_command.h"
#include "cli/schema_command.h"

namespace throng::cli {

void RegisterLoadCommands(CLI::App& app, GlobalOptions& options, int& exit_code) {
  RegisterLoadCommand(app, options, exit_code);
  RegisterSchemaCommand(app, options, exit_code);
  RegisterSampleCommand(app, options, exit_code);
}

}  // namespace throng::cli
