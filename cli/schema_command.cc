#include "cli/schema_command.h"

#include <cstdint>
#include <memory>
#include <string>

#include "cli/client.h"
#include "cli/output_file.h"
#include "cli/schema_infer.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples =
    R"help(The draft is a guess from the header and the first rows: read it before loading.

Examples:
  throng schema infer users.csv -o schema.toml
  throng schema infer bank.csv --delimiter ';'
  throng load users.csv --schema schema.toml)help";

struct InferArguments {
  std::string file;
  std::string delimiter;
  std::string output = "-";
  uint64_t rows = 100'000;
  bool force = false;
};

int RunInfer(const InferArguments& arguments, const GlobalOptions& options) {
  InferOptions infer;
  infer.rows_max = arguments.rows;
  if (!arguments.delimiter.empty()) {
    const bool tab = arguments.delimiter == "\\t" || arguments.delimiter == "tab";
    if (!tab && arguments.delimiter.size() != 1) {
      return ReportUsage("--delimiter must be one character, or tab", options);
    }
    infer.delimiter = tab ? '\t' : arguments.delimiter[0];
  }
  if (arguments.file == "-") {
    return ReportUsage("standard input cannot be drafted from: the file is read twice", options);
  }
  const absl::StatusOr<std::string> toml = InferSchema(arguments.file, infer);
  if (!toml.ok()) {
    if (absl::IsNotFound(toml.status())) return ReportUsage(toml.status(), options);
    return ReportFailure(grpc::Status(static_cast<grpc::StatusCode>(toml.status().code()),
                                      std::string(toml.status().message())),
                         options);
  }
  absl::StatusOr<std::unique_ptr<OutputFile>> output =
      OutputFile::Create(arguments.output, arguments.force);
  if (!output.ok()) return ReportUsage(output.status(), options);
  absl::Status status = (*output)->Append(*toml);
  if (status.ok()) status = (*output)->Commit();
  if (!status.ok()) {
    return ReportFailure(
        grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message())),
        options);
  }
  if (arguments.output != "-") fmt::print("{} written\n", arguments.output);
  return kExitOk;
}

}  // namespace

void RegisterSchemaCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* schema = app.add_subcommand("schema", "Draft the schema of a file");
  schema->require_subcommand(1);
  CLI::App* command = schema->add_subcommand("infer", "Draft a schema from a file's first rows");
  auto arguments = std::make_shared<InferArguments>();
  command->add_option("file", arguments->file, "A delimited file with a header")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--delimiter", arguments->delimiter,
                   "What stands between fields; guessed unless given")
      ->type_name("CHARACTER");
  command->add_option("--rows", arguments->rows, "Rows to look at")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1'000'000'000}))
      ->type_name("N")
      ->capture_default_str();
  command->add_option("-o,--output", arguments->output, "Where to write; - is standard output")
      ->type_name("SCHEMA.toml")
      ->capture_default_str();
  command->add_flag("--force", arguments->force, "Replace the file that is there");
  command->footer(kExamples);
  command->callback(
      [arguments, &options, &exit_code] { exit_code = RunInfer(*arguments, options); });
}

}  // namespace throng::cli
