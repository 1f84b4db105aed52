#include "cli/commands.h"

namespace throng::cli {

void RegisterLoadCommands(CLI::App& app, GlobalOptions& options, int& exit_code) {
  (void)app;
  (void)options;
  (void)exit_code;
}

}  // namespace throng::cli
