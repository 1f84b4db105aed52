// throng load: sends a delimited file to the server.
//
//   LoadArguments arguments;
//   arguments.file = "users.csv";
//   arguments.schema = "schema.toml";
//   int exit_code = RunLoad(arguments, options);
//
// The work, in this order:
//   schema -> tags compared -> file checked -> missing tags created -> batches sent
// so that a bad schema, another type on the server or a bad row is found before anything changes.
#ifndef THRONG_CLI_LOAD_COMMAND_H_
#define THRONG_CLI_LOAD_COMMAND_H_

#include <cstdint>
#include <optional>
#include <string>

#include "CLI/CLI.hpp"
#include "cli/batch_builder.h"
#include "cli/batch_sink.h"
#include "cli/global_options.h"
#include "throng/v1/user.pb.h"

namespace throng::cli {

// The command line of `throng load`. A plain value, not synchronised between threads.
struct LoadArguments {
  std::string file;
  std::string schema;
  std::string mode = "upsert";
  std::string unknown_ids = "create";
  // Over the schema's word: "wide" or "long"; a column; "row-number".
  std::string format;
  std::string id_column;
  std::string id;
  std::string load_id;
  std::string id_type;  // of the file's ids; empty: the primary one
  uint64_t max_errors = 0;
  uint64_t batch_rows = kBatchRowsMax;
  bool create_tags = true;
  bool no_check = false;
  bool confirm_coverage_fall = false;
};

// Loads and returns the exit code; prints the summary, the rows that were refused and, while it
// works, the progress. Throws nothing.
int RunLoad(const LoadArguments& arguments, const GlobalOptions& options);
// The same, with the batches going elsewhere than to UserService.Load.
int RunLoad(const LoadArguments& arguments, const GlobalOptions& options,
            const MakeBatchSink& make_sink);

// Adds what a load is told wherever it runs. `arguments` must outlive `command`, and holds the
// defaults.
void AddLoadOptions(CLI::App& command, LoadArguments& arguments);

void RegisterLoadCommand(CLI::App& app, GlobalOptions& options, int& exit_code);

}  // namespace throng::cli

#endif  // THRONG_CLI_LOAD_COMMAND_H_
