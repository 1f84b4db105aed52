// throng check: whether users are in saved crowds.
#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/check_traffic.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/flag_checks.h"
#include "cli/id_lines.h"
#include "cli/json_output.h"
#include "cli/member_states.h"
#include "cli/selection_options.h"
#include "cli/table.h"
#include "cli/value_text.h"
#include "fmt/format.h"
#include "throng/v1/membership.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng check 10001 spring_sale autumn_sale
  throng check +86-138-0000-1111 spring_sale --id-type phone --json
  throng check 10001 spring_sale --version 7
  throng check --crowd spring_sale ids.txt > states.csv
  tail -f views.log | throng check --stream - spring_sale autumn_sale

The answer of a user and a crowd is member, not, unknown (nobody has the id), invalid (the id's type
refuses it) or, with --skip-missing, no version. Ids of files come a line each ("-" is standard
input); their answers are lines of CSV: the id, then a state a crowd. --stream answers line by line
as they come, from the newest versions. With --json each line is an object.)help";

// Ids of one call.
constexpr size_t kBatchIds = 10'000;

struct CheckArguments {
  // ID and crowds; with --crowd a file; with --stream a file and crowds.
  std::vector<std::string> words;
  std::string id_type;
  std::string crowd;
  bool stream = false;
  std::uint32_t version = 0;
  bool skip_missing = false;
  std::uint64_t read_version = 0;
};

v1::CrowdRef MakeCrowd(const std::string& name, std::uint32_t version) {
  v1::CrowdRef crowd;
  crowd.set_crowd(name);
  if (version != 0) crowd.set_version(version);
  return crowd;
}

int CheckOne(const CheckArguments& arguments, const GlobalOptions& options) {
  v1::CheckRequest request;
  request.set_population(PopulationName(options));
  request.mutable_user()->set_id_type(arguments.id_type);
  request.mutable_user()->set_id(arguments.words[0]);
  for (size_t i = 1; i < arguments.words.size(); ++i) {
    *request.add_crowds() = MakeCrowd(arguments.words[i], arguments.version);
  }
  request.set_skip_missing(arguments.skip_missing);
  request.set_read_version(arguments.read_version);
  v1::CheckResponse response;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const auto stub = v1::MembershipService::NewStub(Connect(options));
  const grpc::Status status = stub->Check(&context, request, &response);
  if (!status.ok()) return ReportFailure(status, options);
  Table table({{"CROWD"}, {"USER"}, {"VERSION", Table::Align::kRight}, {"COMPUTED"}});
  Json crowds = Json::array();
  const int answered =
      std::min({request.crowds_size(), response.states_size(), response.versions_size()});
  for (int i = 0; i < answered; ++i) {
    const v1::CheckedVersion& version = response.versions(i);
    const std::string& name = request.crowds(i).crowd();
    const std::string_view state = StateName(response.states(i));
    Json json = {{"crowd", name}, {"state", state}};
    if (version.version() == 0) {
      table.AddRow({name, std::string(state)});
    } else {
      const std::string computed = TimestampText(version.compute_time());
      table.AddRow({name, std::string(state), fmt::format("{}", version.version()), computed});
      json["version"] = version.version();
      json["data_version"] = version.data_version();
      json["compute_time"] = computed;
    }
    crowds.push_back(std::move(json));
  }
  if (options.json) {
    PrintJson({{"id", arguments.words[0]},
               {"crowds", crowds},
               {"data_version", response.data_version()}});
  } else {
    fmt::print("{}data version {}\n", table.Render(), response.data_version());
  }
  return kExitOk;
}

// One call after the other; the version that the first one read is that of all.
int CheckFile(const CheckArguments& arguments, const GlobalOptions& options) {
  const absl::StatusOr<std::unique_ptr<IdLines>> lines = IdLines::Open(arguments.words[0]);
  if (!lines.ok()) return ReportUsage(lines.status(), options);
  const auto stub = v1::MembershipService::NewStub(Connect(options));
  v1::BatchCheckRequest request;
  request.set_population(PopulationName(options));
  request.set_id_type(arguments.id_type);
  *request.mutable_crowd() = MakeCrowd(arguments.crowd, arguments.version);
  request.set_read_version(arguments.read_version);
  std::map<int, std::uint64_t> counts;
  std::vector<std::string> ids;
  v1::BatchCheckResponse response;
  while (true) {
    const absl::StatusOr<bool> more = (*lines)->Next(kBatchIds, &ids);
    if (!more.ok()) return ReportFailure(more.status(), options);
    if (!*more) break;
    request.mutable_ids()->Assign(ids.begin(), ids.end());
    grpc::ClientContext context;
    SetDeadline(options, context);
    const grpc::Status status = stub->BatchCheck(&context, request, &response);
    if (!status.ok()) return ReportFailure(status, options);
    request.mutable_crowd()->set_version(response.version().version());
    std::string text;
    google::protobuf::RepeatedField<int> state;
    state.Add(0);
    for (int i = 0; i < response.states_size() && i < request.ids_size(); ++i) {
      state[0] = response.states(i);
      ++counts[state[0]];
      if (options.json) {
        PrintJson({{"id", request.ids(i)}, {"state", StateName(state[0])}});
      } else {
        text += StateLine(request.ids(i), state);
      }
    }
    fmt::print("{}", text);
  }
  fmt::print(stderr, "{} of crowd {} v{}\n", CountsText(counts), arguments.crowd,
             request.crowd().version());
  return kExitOk;
}

int RunStream(const CheckArguments& arguments, const GlobalOptions& options) {
  absl::StatusOr<std::unique_ptr<IdLines>> lines = IdLines::Open(arguments.words[0]);
  if (!lines.ok()) return ReportUsage(lines.status(), options);
  CheckTraffic traffic{.population = PopulationName(options),
                       .id_type = arguments.id_type,
                       .crowds = {arguments.words.begin() + 1, arguments.words.end()},
                       .skip_missing = arguments.skip_missing};
  return CheckStreamOf(traffic, **lines, options);
}

// What is wrong with the arguments; empty: nothing.
std::string FindFault(const CheckArguments& arguments) {
  const bool is_batch = !arguments.crowd.empty();
  if (is_batch && arguments.stream) return "--crowd and --stream exclude each other";
  if (is_batch && arguments.words.size() != 1) return "--crowd takes one file of ids";
  if (is_batch && arguments.skip_missing) return "--skip-missing is not for --crowd";
  if (!is_batch && arguments.words.size() < 2) {
    return arguments.stream ? "--stream takes a file of ids (or -) and at least one crowd"
                            : "an id and at least one crowd are needed";
  }
  if (arguments.stream && (arguments.version != 0 || arguments.read_version != 0)) {
    return "--stream reads the newest versions";
  }
  if (!is_batch && arguments.version != 0 && arguments.words.size() > 2) {
    return "--version is of one crowd";
  }
  return {};
}

int RunCheck(const CheckArguments& arguments, const GlobalOptions& options) {
  const std::string fault = FindFault(arguments);
  if (!fault.empty()) return ReportUsage(fault, options);
  if (arguments.stream) return RunStream(arguments, options);
  return arguments.crowd.empty() ? CheckOne(arguments, options) : CheckFile(arguments, options);
}

}  // namespace

void RegisterCheckCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* command = app.add_subcommand("check", "Whether users are in saved crowds");
  auto arguments = std::make_shared<CheckArguments>();
  command
      ->add_option("WORDS", arguments->words,
                   "ID and CROWDs; FILE with --crowd; FILE and CROWDs with --stream")
      ->type_name("")
      ->required();
  command->add_option("--crowd", arguments->crowd, "Check a file of ids against this crowd")
      ->type_name("CROWD");
  command->add_flag("--stream", arguments->stream, "Answer ids as they come, one stream for all");
  command->add_option("--id-type", arguments->id_type, "Of the ids; the primary one unless given")
      ->type_name("TYPE");
  command->add_option("--version", arguments->version, "Of the crowd; the newest unless given")
      ->type_name("NUMBER")
      ->check(CheckWholeNumber, "");
  command->add_flag("--skip-missing", arguments->skip_missing,
                    "Say \"no version\" of crowds that are not there");
  AddReadVersion(*command, arguments->read_version);
  command->footer(kExamples);
  command->callback(
      [arguments, &options, &exit_code] { exit_code = RunCheck(*arguments, options); });
}

}  // namespace throng::cli
