// throng crowd: create, get, list, update, rename, delete, undelete.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/crowd_output.h"
#include "cli/flag_checks.h"
#include "cli/json_output.h"
#include "cli/selection_options.h"
#include "cli/table.h"
#include "fmt/format.h"
#include "throng/v1/crowd.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng crowd create spring "city = 'Beijing' and not crowd('contacted')" --folder sale/2024
  throng crowd refresh contacted spring
  throng count "crowd('spring') and views_7d > 3"
  throng crowd list --filter "folder:sale AND state = READY"
  throng crowd rename spring spring_2024
  throng crowd diff spring_2024 --ids added
  throng crowd delete spring_2024 --keep 168h)help";

// The flags of create and update. A plain value.
struct CrowdArguments {
  std::string name;
  ExpressionSource source;
  std::string kind = "RULE";
  std::string zone;
  std::string at;
  std::string display_name;
  std::string description;
  std::string owner;
  std::string folder;
  std::vector<std::string> labels;
  std::uint32_t keep_last = 0;
  std::uint64_t byte_budget = 0;
  bool online = false;
  bool dry_run = false;
};

struct ListArguments {
  std::string filter;
  bool deleted = false;
};

struct NameArguments {
  std::string name;
  std::string new_name;
  std::string keep;
};

std::unique_ptr<v1::CrowdService::Stub> NewStub(const GlobalOptions& options) {
  return v1::CrowdService::NewStub(Connect(options));
}

// Fills in every given flag. Errors: kInvalidArgument, all of usage.
absl::Status FillCrowd(const CrowdArguments& arguments, v1::Crowd* crowd) {
  crowd->set_time_zone(arguments.zone);
  crowd->set_display_name(arguments.display_name);
  crowd->set_description(arguments.description);
  crowd->set_owner(arguments.owner);
  crowd->set_folder(arguments.folder);
  crowd->set_keep_last(arguments.keep_last);
  crowd->set_byte_budget(arguments.byte_budget);
  crowd->set_online(arguments.online);
  for (const std::string& label : arguments.labels) {
    const size_t equals = label.find('=');
    if (equals == std::string::npos || equals == 0) {
      return absl::InvalidArgumentError(fmt::format("--label: \"{}\" is not KEY=VALUE", label));
    }
    (*crowd->mutable_labels())[label.substr(0, equals)] = label.substr(equals + 1);
  }
  return SetTime("--at", arguments.at, [&] { return crowd->mutable_reference_time(); });
}

int RunCreate(const CrowdArguments& arguments, const GlobalOptions& options) {
  v1::CreateCrowdRequest request;
  request.set_parent(PopulationName(options));
  request.set_crowd_id(arguments.name);
  request.set_validate_only(arguments.dry_run);
  v1::Crowd& crowd = *request.mutable_crowd();
  if (const absl::Status filled = FillCrowd(arguments, &crowd); !filled.ok()) {
    return ReportUsage(filled, options);
  }
  std::string expression;
  if (arguments.kind == "UPLOAD") {
    crowd.set_kind(v1::CROWD_KIND_UPLOAD);
  } else {
    crowd.set_kind(v1::CROWD_KIND_RULE);
    const absl::StatusOr<std::string> text = ReadExpression(arguments.source);
    if (!text.ok()) return ReportUsage(text.status(), options);
    expression = *text;
    crowd.set_expression(expression);
  }
  v1::Crowd created;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const grpc::Status status = NewStub(options)->CreateCrowd(&context, request, &created);
  if (!status.ok()) return ReportFailure(status, options, expression);
  PrintCrowd(created, expression, options);
  return kExitOk;
}

int RunUpdate(const CLI::App& command, const CrowdArguments& arguments,
              const GlobalOptions& options) {
  static constexpr std::pair<const char*, const char*> kFields[] = {
      {"--zone", "time_zone"},
      {"--at", "reference_time"},
      {"--display-name", "display_name"},
      {"--description", "description"},
      {"--owner", "owner"},
      {"--folder", "folder"},
      {"--label", "labels"},
      {"--keep-last", "keep_last"},
      {"--byte-budget", "byte_budget"},
      {"--online", "online"}};
  v1::UpdateCrowdRequest request;
  request.set_validate_only(arguments.dry_run);
  v1::Crowd& crowd = *request.mutable_crowd();
  if (const absl::Status filled = FillCrowd(arguments, &crowd); !filled.ok()) {
    return ReportUsage(filled, options);
  }
  crowd.set_name(CrowdName(arguments.name, options));
  for (const auto& [flag, field] : kFields) {
    if (command.count(flag) > 0) request.mutable_update_mask()->add_paths(field);
  }
  std::string expression;
  if (command.count("EXPR") > 0 || command.count("--file") > 0) {
    const absl::StatusOr<std::string> text = ReadExpression(arguments.source);
    if (!text.ok()) return ReportUsage(text.status(), options);
    expression = *text;
    crowd.set_expression(expression);
    request.mutable_update_mask()->add_paths("expression");
  }
  if (request.update_mask().paths().empty()) {
    return ReportUsage("nothing to update: give an expression or at least one flag", options);
  }
  v1::Crowd updated;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const grpc::Status status = NewStub(options)->UpdateCrowd(&context, request, &updated);
  if (!status.ok()) return ReportFailure(status, options, expression);
  PrintCrowd(updated, expression, options);
  return kExitOk;
}

int RunGet(const NameArguments& arguments, const GlobalOptions& options) {
  v1::GetCrowdRequest request;
  request.set_name(CrowdName(arguments.name, options));
  v1::Crowd crowd;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const grpc::Status status = NewStub(options)->GetCrowd(&context, request, &crowd);
  if (!status.ok()) return ReportFailure(status, options);
  PrintCrowd(crowd, "", options);
  return kExitOk;
}

int RunList(const ListArguments& arguments, const GlobalOptions& options) {
  const auto stub = NewStub(options);
  Table table({{"CROWD"},
               {"KIND"},
               {"STATE"},
               {"USERS", Table::Align::kRight},
               {"VERSION", Table::Align::kRight},
               {"FOLDER"},
               {"NAME"}});
  Json crowds = Json::array();
  v1::ListCrowdsRequest request;
  request.set_parent(PopulationName(options));
  request.set_filter(arguments.filter);
  request.set_show_deleted(arguments.deleted);
  v1::ListCrowdsResponse response;
  do {
    grpc::ClientContext context;
    SetDeadline(options, context);
    const grpc::Status status = stub->ListCrowds(&context, request, &response);
    if (!status.ok()) return ReportFailure(status, options, arguments.filter);
    for (const v1::Crowd& crowd : response.crowds()) {
      crowds.push_back(CrowdJson(crowd));
      AddCrowdRow(crowd, &table);
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  if (options.json) {
    PrintJson({{"crowds", std::move(crowds)}, {"data_version", response.data_version()}});
  } else {
    fmt::print("{}", table.Render());
  }
  return kExitOk;
}

int RunRename(const NameArguments& arguments, const GlobalOptions& options) {
  v1::UpdateCrowdRequest request;
  request.mutable_crowd()->set_name(CrowdName(arguments.name, options));
  request.set_new_crowd_id(arguments.new_name);
  v1::Crowd crowd;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const grpc::Status status = NewStub(options)->UpdateCrowd(&context, request, &crowd);
  if (!status.ok()) return ReportFailure(status, options);
  PrintCrowd(crowd, "", options);
  return kExitOk;
}

int RunDelete(const NameArguments& arguments, const GlobalOptions& options) {
  v1::DeleteCrowdRequest request;
  request.set_name(CrowdName(arguments.name, options));
  absl::Duration keep;
  if (!arguments.keep.empty() && absl::ParseDuration(arguments.keep, &keep)) {
    request.mutable_kept_time()->set_seconds(absl::ToInt64Seconds(keep));
  }
  v1::Crowd crowd;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const grpc::Status status = NewStub(options)->DeleteCrowd(&context, request, &crowd);
  if (!status.ok()) return ReportFailure(status, options);
  PrintCrowd(crowd, "", options);
  return kExitOk;
}

int RunUndelete(const NameArguments& arguments, const GlobalOptions& options) {
  v1::UndeleteCrowdRequest request;
  request.set_name(CrowdName(arguments.name, options));
  v1::Crowd crowd;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const grpc::Status status = NewStub(options)->UndeleteCrowd(&context, request, &crowd);
  if (!status.ok()) return ReportFailure(status, options);
  PrintCrowd(crowd, "", options);
  return kExitOk;
}

// The flags that create and update share.
void AddCrowdFlags(CLI::App& command, CrowdArguments& arguments) {
  command.add_option("NAME", arguments.name, "The crowd's name")->type_name("")->required();
  AddExpressionSource(command, arguments.source);
  command.add_option("--zone", arguments.zone, "The rule's time zone; default: the request's")
      ->type_name("ZONE");
  command.add_option("--at", arguments.at, "What now() is in the rule; default: when computed")
      ->type_name("TIME");
  command.add_option("--display-name", arguments.display_name, "A name for people")
      ->type_name("TEXT");
  command.add_option("--description", arguments.description, "What it means")->type_name("TEXT");
  command.add_option("--owner", arguments.owner, "Who answers for it")->type_name("TEXT");
  command.add_option("--folder", arguments.folder, "Where it stands")->type_name("PATH");
  command.add_option("--label", arguments.labels, "A label; may be given often")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command.add_option("--keep-last", arguments.keep_last, "Versions to keep, 1 to 100; default 10")
      ->type_name("N")
      ->check(CheckWholeNumber, "");
  command.add_option("--byte-budget", arguments.byte_budget, "Bytes of versions to keep")
      ->type_name("N")
      ->check(CheckWholeNumber, "");
  command.add_flag("--online,!--no-online", arguments.online, "Answer membership from memory");
  command.add_flag("--dry-run", arguments.dry_run, "Check only");
  command.footer(kExamples);
}

void RegisterDefining(CLI::App& group, GlobalOptions& options, int& exit_code) {
  auto arguments = std::make_shared<CrowdArguments>();
  CLI::App* create = group.add_subcommand("create", "Save an expression as a crowd");
  AddCrowdFlags(*create, *arguments);
  create->add_option("--kind", arguments->kind, "RULE or UPLOAD; default RULE")
      ->type_name("KIND")
      ->check(CLI::IsMember({"RULE", "UPLOAD"}));
  create->callback(
      [arguments, &options, &exit_code] { exit_code = RunCreate(*arguments, options); });

  // Its own: where the expression stands is known by command.
  auto changes = std::make_shared<CrowdArguments>();
  CLI::App* update = group.add_subcommand("update", "Change what is given");
  AddCrowdFlags(*update, *changes);
  update->callback([update, changes, &options, &exit_code] {
    exit_code = RunUpdate(*update, *changes, options);
  });
}

void RegisterNaming(CLI::App& group, GlobalOptions& options, int& exit_code) {
  auto arguments = std::make_shared<NameArguments>();
  const auto add = [&](const char* name, const char* what,
                       int (*run)(const NameArguments&, const GlobalOptions&)) {
    CLI::App* command = group.add_subcommand(name, what);
    command->add_option("NAME", arguments->name, "The crowd's name")->type_name("")->required();
    command->footer(kExamples);
    command->callback(
        [arguments, run, &options, &exit_code] { exit_code = run(*arguments, options); });
    return command;
  };
  add("get", "One crowd", &RunGet);
  add("rename", "Give it another name; rules that name it follow", &RunRename)
      ->add_option("NEW", arguments->new_name, "The new name")
      ->type_name("")
      ->required();
  add("delete", "Delete it; it can be undeleted for a time", &RunDelete)
      ->add_option("--keep", arguments->keep, "For how long, e.g. 168h; default 30 days")
      ->type_name("DURATION")
      ->check(CheckDuration, "");
  add("undelete", "Take a deletion back", &RunUndelete);
}

}  // namespace

void RegisterCrowdCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* group = app.add_subcommand("crowd", "Save, compute, compare and list crowds");
  group->require_subcommand(1, 1);
  group->footer(kExamples);
  RegisterDefining(*group, options, exit_code);
  RegisterNaming(*group, options, exit_code);
  auto arguments = std::make_shared<ListArguments>();
  CLI::App* list = group->add_subcommand("list", "All crowds");
  list->add_option("--filter", arguments->filter, "Which, e.g. \"state = READY\" (docs/cli.md)")
      ->type_name("FILTER");
  list->add_flag("--deleted", arguments->deleted, "Deleted ones too");
  list->footer(kExamples);
  list->callback([arguments, &options, &exit_code] { exit_code = RunList(*arguments, options); });
  RegisterCrowdVersionCommands(*group, options, exit_code);
  RegisterUploadCommands(*group, options, exit_code);
}

}  // namespace throng::cli
