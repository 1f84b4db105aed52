#include "cli/sample_command.h"

#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "cli/client.h"
#include "cli/json_output.h"
#include "cli/sample_population.h"
#include "cli/terminal_text.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples =
    R"help(Writes users.csv and schema.toml: the users of a home-rental company, with 25 tags of
every type and about 700 values, skewed, clustered and with missing values. The same seed gives the
same file. The last day in it is 2026-06-30.

Examples:
  throng sample --output-dir sample
  throng sample --users 10000000 --seed 7 --output-dir /tmp/sample
  throng load sample/users.csv --schema sample/schema.toml)help";

struct SampleArguments {
  SampleOptions sample;
  std::string output_dir;
};

int RunSample(const SampleArguments& arguments, const GlobalOptions& options) {
  const absl::Time start = absl::Now();
  const absl::Status status = WriteSamplePopulation(arguments.sample, arguments.output_dir);
  if (!status.ok()) {
    return ReportFailure(
        grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message())),
        options);
  }
  const absl::Duration time = absl::Now() - start;
  const std::string users = arguments.output_dir + "/users.csv";
  const std::string schema = arguments.output_dir + "/schema.toml";
  if (options.json) {
    PrintJson(Json{{"users", arguments.sample.users},
                   {"seed", arguments.sample.seed},
                   {"file", users},
                   {"schema", schema},
                   {"seconds", absl::ToDoubleSeconds(time)}});
    return kExitOk;
  }
  fmt::print("{} users written to {} in {}, the schema to {}\n",
             FormatCount(arguments.sample.users), users, DurationText(time), schema);
  return kExitOk;
}

}  // namespace

void RegisterSampleCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* command = app.add_subcommand("sample", "Write a sample population to try Throng with");
  auto arguments = std::make_shared<SampleArguments>();
  command->add_option("--users", arguments->sample.users, "How many users")
      ->check(CLI::Range(uint64_t{1}, kSampleUsersMax))
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--seed", arguments->sample.seed, "Another seed gives other users")
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--output-dir", arguments->output_dir, "Where users.csv and schema.toml go")
      ->type_name("DIRECTORY")
      ->required();
  command->footer(kExamples);
  command->callback(
      [arguments, &options, &exit_code] { exit_code = RunSample(*arguments, options); });
}

}  // namespace throng::cli
