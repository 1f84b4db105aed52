// The arguments of a command that takes an expression, and their Selection. Thread-compatible.
//
//   auto arguments = std::make_shared<SelectionOptions>();
//   AddSelectionOptions(*command, *arguments);  // EXPR, --file, --zone, --at, --exclude ...
//   ...
//   absl::StatusOr<v1::Selection> selection = MakeSelection(*arguments, options);
//   if (!selection.ok()) return ReportUsage(selection.status(), options);
#ifndef THRONG_CLI_SELECTION_OPTIONS_H_
#define THRONG_CLI_SELECTION_OPTIONS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "cli/global_options.h"
#include "throng/v1/selection.pb.h"

namespace throng::cli {

// Where the expression stands. A plain value; not synchronised.
struct ExpressionSource {
  // The argument; "-": standard input.
  std::string argument;
  // A file instead of the argument; empty: none.
  std::string file;
  // Whether the argument was given: an empty one is an (empty) expression.
  CLI::Option* argument_option = nullptr;
};

// A plain value; not synchronised.
struct SelectionOptions {
  ExpressionSource source;
  std::string time_zone;
  // RFC 3339.
  std::string reference_time;
  std::uint64_t read_version = 0;
  // Standing exclusions: NAME, NAME@live or NAME@7.
  std::vector<std::string> exclude;
};

// Adds EXPR and --file. `source` must outlive `command`.
void AddExpressionSource(CLI::App& command, ExpressionSource& source);

// Adds EXPR, --file, --zone, --at, --read-version and --exclude. `arguments` must outlive
// `command`.
void AddSelectionOptions(CLI::App& command, SelectionOptions& arguments);

// Adds --zone, --at, --read-version and --exclude: for commands that take their expressions
// otherwise.
void AddFrameOptions(CLI::App& command, SelectionOptions& arguments);

// Adds --read-version. `read_version` must outlive `command`.
void AddReadVersion(CLI::App& command, std::uint64_t& read_version);

// The expression's text. Errors: kInvalidArgument (neither or both of argument and file, a file
// that cannot be read, more than 64 MiB), all of them errors of usage.
absl::StatusOr<std::string> ReadExpression(const ExpressionSource& source);

// The selection in options' population. Errors: as ReadExpression; kInvalidArgument (--at).
absl::StatusOr<v1::Selection> MakeSelection(const SelectionOptions& arguments,
                                            const GlobalOptions& options);

// The same of an expression that was read otherwise. Errors: kInvalidArgument (--at).
absl::StatusOr<v1::Selection> MakeSelection(std::string expression,
                                            const SelectionOptions& arguments,
                                            const GlobalOptions& options);

// "contacted" is its newest version, "contacted@live" its rule as it selects now, "contacted@7" a
// version.
v1::CrowdRef ParseCrowd(std::string_view text);
std::string CrowdText(const v1::CrowdRef& crowd);

// Prints the warnings of an answer on stderr, for people.
void PrintWarnings(const v1::ResultInfo& info, std::string_view expression);

// "data version 7, 431 us in the engine": the line under every answer for people.
std::string InfoLine(const v1::ResultInfo& info);

// The whole of a file, "-" being standard input. Errors: kInvalidArgument (unreadable, or more
// than 64 MiB).
absl::StatusOr<std::string> ReadTextFile(const std::string& path);

// Splits names at commas; a name in double quotes may hold commas, and "" for a quote.
// Errors: kInvalidArgument (an empty name, an open quote).
absl::StatusOr<std::vector<std::string>> SplitNames(std::string_view text);

}  // namespace throng::cli

#endif  // THRONG_CLI_SELECTION_OPTIONS_H_
