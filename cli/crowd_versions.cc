// throng crowd: refresh, freeze, versions, diff, pin, unpin.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/crowd_output.h"
#include "cli/flag_checks.h"
#include "cli/json_output.h"
#include "cli/table.h"
#include "cli/terminal_text.h"
#include "cli/value_text.h"
#include "cli/withheld.h"
#include "fmt/format.h"
#include "throng/v1/crowd.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng crowd refresh base spring autumn
  throng crowd freeze spring
  throng crowd versions spring
  throng crowd diff spring --from 3 --to 7 --ids removed --limit 100
  throng crowd pin spring 7)help";

constexpr std::uint64_t kDifferencePageMax = 10'000;

struct ComputeArguments {
  std::vector<std::string> names;
  std::string name;
  std::string zone;
  std::string at;
  bool dry_run = false;
};

struct VersionArguments {
  std::string name;
  std::uint32_t version = 0;
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::string ids;
  std::uint64_t limit = 1'000;
};

std::unique_ptr<v1::CrowdService::Stub> NewStub(const GlobalOptions& options) {
  return v1::CrowdService::NewStub(Connect(options));
}

void PrintRefreshed(const v1::BatchRefreshCrowdsResponse& response, const GlobalOptions& options) {
  constexpr auto kRight = Table::Align::kRight;
  Table table({{"CROWD"},
               {"VERSION", kRight},
               {"USERS", kRight},
               {"CAME", kRight},
               {"WENT", kRight},
               {"MS", kRight}});
  Json crowds = Json::array();
  for (const v1::RefreshedCrowd& crowd : response.crowds()) {
    const v1::CrowdVersion& version = crowd.version();
    Json json{{"crowd", LastPart(crowd.name())}};
    json.update(CrowdVersionJson(version));
    crowds.push_back(std::move(json));
    table.AddRow(
        {LastPart(crowd.name()), std::to_string(version.version()), CountText(version),
         NumberText(version, "added", version.added()),
         NumberText(version, "removed", version.removed()),
         fmt::format("{:.1f}", static_cast<double>(Microseconds(version.duration())) / 1'000)});
  }
  if (options.json) {
    PrintJson({{"crowds", std::move(crowds)},
               {"read_version", response.read_version()},
               {"data_version", response.data_version()},
               {"rules_computed", response.rules_computed()}});
    return;
  }
  fmt::print("{}computed on data version {}, visible from {} on\n", table.Render(),
             response.read_version(), response.data_version());
}

int RunRefresh(const ComputeArguments& arguments, const GlobalOptions& options) {
  v1::BatchRefreshCrowdsRequest request;
  request.set_parent(PopulationName(options));
  for (const std::string& name : arguments.names) request.add_names(CrowdName(name, options));
  request.set_time_zone(arguments.zone);
  request.set_validate_only(arguments.dry_run);
  const absl::Status time =
      SetTime("--at", arguments.at, [&] { return request.mutable_reference_time(); });
  if (!time.ok()) return ReportUsage(time, options);
  v1::BatchRefreshCrowdsResponse response;
  grpc::ClientContext context;
  SetStreamDeadline(options, context);
  const grpc::Status status = NewStub(options)->BatchRefreshCrowds(&context, request, &response);
  if (!status.ok()) return ReportFailure(status, options);
  PrintRefreshed(response, options);
  return kExitOk;
}

int RunFreeze(const ComputeArguments& arguments, const GlobalOptions& options) {
  v1::FreezeCrowdRequest request;
  request.set_name(CrowdName(arguments.name, options));
  request.set_time_zone(arguments.zone);
  const absl::Status time =
      SetTime("--at", arguments.at, [&] { return request.mutable_reference_time(); });
  if (!time.ok()) return ReportUsage(time, options);
  v1::Crowd crowd;
  grpc::ClientContext context;
  SetStreamDeadline(options, context);
  const grpc::Status status = NewStub(options)->FreezeCrowd(&context, request, &crowd);
  if (!status.ok()) return ReportFailure(status, options);
  PrintCrowd(crowd, "", options);
  return kExitOk;
}

int RunVersions(const VersionArguments& arguments, const GlobalOptions& options) {
  v1::ListCrowdVersionsRequest request;
  request.set_parent(CrowdName(arguments.name, options));
  v1::ListCrowdVersionsResponse response;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const grpc::Status status = NewStub(options)->ListCrowdVersions(&context, request, &response);
  if (!status.ok()) return ReportFailure(status, options);
  constexpr auto kRight = Table::Align::kRight;
  Table table({{"VERSION", kRight},
               {"USERS", kRight},
               {"CAME", kRight},
               {"WENT", kRight},
               {"DATA VERSION", kRight},
               {"COMPUTED"},
               {""}});
  Json versions = Json::array();
  for (const v1::CrowdVersion& version : response.versions()) {
    versions.push_back(CrowdVersionJson(version));
    table.AddRow({std::to_string(version.version()), CountText(version),
                  NumberText(version, "added", version.added()),
                  NumberText(version, "removed", version.removed()),
                  std::to_string(version.data_version()), TimestampText(version.create_time()),
                  version.pinned() ? "pinned" : ""});
  }
  if (options.json) {
    PrintJson({{"crowd", arguments.name}, {"versions", std::move(versions)}});
  } else {
    fmt::print("{}", table.Render());
  }
  return kExitOk;
}

void PrintDifference(const v1::DiffCrowdVersionsResponse& all, bool truncated,
                     const GlobalOptions& options) {
  if (options.json) {
    Json ids = Json::array();
    for (const std::string& id : all.ids()) ids.push_back(id);
    Json json = {{"from_version", all.from_version()},
                 {"to_version", all.to_version()},
                 {"added", all.added()},
                 {"removed", all.removed()},
                 {"ids", std::move(ids)},
                 {"truncated", truncated},
                 {"data_version", all.data_version()}};
    MarkWithheld(all, json);
    PrintJson(json);
    return;
  }
  fmt::print("version {} to {}: {} came, {} went\n", all.from_version(), all.to_version(),
             NumberText(all, "added", all.added()), NumberText(all, "removed", all.removed()));
  for (const std::string& id : all.ids()) fmt::print("{}\n", id);
  if (truncated) {
    fmt::print(stderr, "There are more: {} are shown (--limit).\n",
               FormatCount(static_cast<std::uint64_t>(all.ids_size())));
  }
}

int RunDiff(const VersionArguments& arguments, const GlobalOptions& options) {
  const auto stub = NewStub(options);
  v1::DiffCrowdVersionsRequest request;
  request.set_name(CrowdName(arguments.name, options));
  request.set_from_version(arguments.from);
  request.set_to_version(arguments.to);
  if (arguments.ids == "added") request.set_side(v1::DiffCrowdVersionsRequest::SIDE_ADDED);
  if (arguments.ids == "removed") request.set_side(v1::DiffCrowdVersionsRequest::SIDE_REMOVED);
  v1::DiffCrowdVersionsResponse all;
  do {
    const std::uint64_t left = arguments.limit - static_cast<std::uint64_t>(all.ids_size());
    request.set_page_size(static_cast<std::int32_t>(std::min(left, kDifferencePageMax)));
    grpc::ClientContext context;
    SetDeadline(options, context);
    v1::DiffCrowdVersionsResponse page;
    const grpc::Status status = stub->DiffCrowdVersions(&context, request, &page);
    if (!status.ok()) return ReportFailure(status, options);
    // The newest may be another one by the next page.
    request.set_from_version(page.from_version());
    request.set_to_version(page.to_version());
    request.set_page_token(page.next_page_token());
    all.MergeFrom(page);
  } while (!request.page_token().empty() &&
           static_cast<std::uint64_t>(all.ids_size()) < arguments.limit);
  PrintDifference(all, !request.page_token().empty(), options);
  return kExitOk;
}

int RunPin(const VersionArguments& arguments, bool pinned, const GlobalOptions& options) {
  v1::PinCrowdVersionRequest request;
  request.set_name(
      fmt::format("{}/versions/{}", CrowdName(arguments.name, options), arguments.version));
  request.set_pinned(pinned);
  v1::CrowdVersion version;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const grpc::Status status = NewStub(options)->PinCrowdVersion(&context, request, &version);
  if (!status.ok()) return ReportFailure(status, options);
  if (options.json) {
    PrintJson(CrowdVersionJson(version));
  } else {
    fmt::print("version {} is {}\n", version.version(), version.pinned() ? "pinned" : "not pinned");
  }
  return kExitOk;
}

void AddTimeFlags(CLI::App& command, ComputeArguments& arguments) {
  command.add_option("--zone", arguments.zone, "For rules without a time zone; default UTC")
      ->type_name("ZONE");
  command.add_option("--at", arguments.at, "For rules without a reference time; default now")
      ->type_name("TIME");
  command.footer(kExamples);
}

void RegisterComputing(CLI::App& group, GlobalOptions& options, int& exit_code) {
  auto arguments = std::make_shared<ComputeArguments>();
  CLI::App* refresh = group.add_subcommand("refresh", "Compute a version of each");
  refresh->add_option("NAME", arguments->names, "The crowds' names")->type_name("")->required();
  refresh->add_flag("--dry-run", arguments->dry_run, "Compute and show, keep nothing");
  AddTimeFlags(*refresh, *arguments);
  refresh->callback(
      [arguments, &options, &exit_code] { exit_code = RunRefresh(*arguments, options); });

  CLI::App* freeze = group.add_subcommand("freeze", "Compute a last version and keep to it");
  freeze->add_option("NAME", arguments->name, "The crowd's name")->type_name("")->required();
  AddTimeFlags(*freeze, *arguments);
  freeze->callback(
      [arguments, &options, &exit_code] { exit_code = RunFreeze(*arguments, options); });
}

}  // namespace

void RegisterCrowdVersionCommands(CLI::App& group, GlobalOptions& options, int& exit_code) {
  RegisterComputing(group, options, exit_code);
  auto arguments = std::make_shared<VersionArguments>();
  const auto add = [&](const char* name, const char* what) {
    CLI::App* command = group.add_subcommand(name, what);
    command->add_option("NAME", arguments->name, "The crowd's name")->type_name("")->required();
    command->footer(kExamples);
    return command;
  };
  add("versions", "Its versions, the newest first")->callback([arguments, &options, &exit_code] {
    exit_code = RunVersions(*arguments, options);
  });

  CLI::App* diff = add("diff", "Who came and who went between two versions");
  diff->add_option("--from", arguments->from, "Default: the one before")
      ->type_name("N")
      ->check(CheckWholeNumber, "");
  diff->add_option("--to", arguments->to, "Default: the newest")
      ->type_name("N")
      ->check(CheckWholeNumber, "");
  diff->add_option("--ids", arguments->ids, "Whose ids to list: added or removed")
      ->type_name("SIDE")
      ->check(CLI::IsMember({"added", "removed"}));
  diff->add_option("--limit", arguments->limit, "How many ids; default 1000")
      ->type_name("N")
      ->check(CheckWholeNumber, "");
  diff->callback([arguments, &options, &exit_code] { exit_code = RunDiff(*arguments, options); });

  for (const bool pinned : {true, false}) {
    CLI::App* pin = add(pinned ? "pin" : "unpin",
                        pinned ? "Keep a version" : "Let a version go with the next one");
    pin->add_option("VERSION", arguments->version, "Its number")
        ->type_name("N")
        ->check(CheckWholeNumber, "")
        ->required();
    pin->callback([arguments, pinned, &options, &exit_code] {
      exit_code = RunPin(*arguments, pinned, options);
    });
  }
}

}  // namespace throng::cli
