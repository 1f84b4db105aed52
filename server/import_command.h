// throngd import: a load without a server, into a data directory that no server uses.
//
//   cli::LoadArguments load{.file = "users.csv", .schema = "schema.toml", .mode = "replace"};
//   return RunImport({.directory = "/var/lib/throng", .load = load});
//
// It is the client of `throng load` in the process of the engine: one reader of files, one set of
// rules, one way into the engine. Tags are compared and created through a channel that stays in the
// process, batches are handed over as they are. Only at the end does it wait for the disk.
#ifndef THRONG_SERVER_IMPORT_COMMAND_H_
#define THRONG_SERVER_IMPORT_COMMAND_H_

#include <cstdint>
#include <string>

#include "CLI/CLI.hpp"
#include "cli/load_command.h"

namespace throng {

// What the command line says. A value; thread-compatible.
struct ImportArguments {
  std::string directory;  // made if missing
  std::string population = "default";
  bool json = false;
  uint32_t threads = 0;  // 0: one a core
  cli::LoadArguments load = {};
};

// Imports and returns the exit code: 0 imported and on the disk; 1 the file or the engine refused,
// or the disk did; 2 wrong usage, or the directory cannot be used. Prints as RunLoad does. Call it
// from one thread.
int RunImport(const ImportArguments& arguments);

void RegisterImportCommand(CLI::App& app, int& exit_code);

}  // namespace throng

#endif  // THRONG_SERVER_IMPORT_COMMAND_H_
