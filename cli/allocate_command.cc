// throng allocate: ordered crowds made mutually exclusive.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/named_selections.h"
#include "cli/selection_options.h"
#include "cli/table.h"
#include "cli/terminal_text.h"
#include "fmt/format.h"
#include "throng/v1/split.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng allocate vip="spend > 5000" new="register_date >= today() - 30d" rest="all()"
  throng allocate --file order.txt --exclude no_consent
  throng allocate spring.vip="crowd('vip')" spring.new="crowd('new')" --save --folder spring
  throng crowd refresh spring.vip spring.new

The first crowd keeps all its users, each further one those whom none before it has. --save makes
a crowd of each, whose rule takes the others' users out; refresh them in one call. A file has a
NAME=EXPR a line; empty lines and lines that begin with # are left out.)help";

struct AllocateArguments {
  SelectionOptions frame;
  std::vector<std::string> selections;
  std::string file;
  bool save = false;
  bool dry_run = false;
  std::string owner;
  std::string folder;
};

std::string LossesText(const v1::AllocatedCrowd& crowd) {
  std::string text;
  for (const v1::LostUsers& lost : crowd.losses()) {
    text +=
        fmt::format("{}{} to {}", text.empty() ? "" : ", ", FormatCount(lost.count()), lost.name());
  }
  return text;
}

void PrintAllocation(const v1::AllocateCrowdsResponse& response, bool saved) {
  constexpr auto kRight = Table::Align::kRight;
  Table table({{"", kRight},
               {"CROWD"},
               {"USERS", kRight},
               {"KEPT", kRight},
               {"LOST", kRight},
               {"TO WHOM"}});
  for (int i = 0; i < response.crowds_size(); ++i) {
    const v1::AllocatedCrowd& crowd = response.crowds(i);
    table.AddRow({std::to_string(i + 1), crowd.name(), FormatCount(crowd.count()),
                  FormatCount(crowd.kept()), FormatCount(crowd.count() - crowd.kept()),
                  LossesText(crowd)});
  }
  fmt::print("{} users in {} crowds\n{}\n\n{}{}", FormatCount(response.union_count()),
             response.crowds_size(), InfoLine(response.info()), table.Render(),
             saved ? "\nsaved; refresh them in one call\n" : "");
}

Json AllocationJson(const v1::AllocateCrowdsResponse& response) {
  Json crowds = Json::array();
  for (const v1::AllocatedCrowd& crowd : response.crowds()) {
    Json losses = Json::array();
    for (const v1::LostUsers& lost : crowd.losses()) {
      losses.push_back({{"crowd", lost.name()}, {"count", lost.count()}});
    }
    v1::ResultInfo info;
    *info.mutable_warnings() = crowd.warnings();
    Json with_warnings;
    AppendInfo(info, with_warnings);
    crowds.push_back({{"name", crowd.name()},
                      {"count", crowd.count()},
                      {"kept", crowd.kept()},
                      {"losses", std::move(losses)},
                      {"canonical_expression", crowd.canonical_expression()},
                      {"warnings", std::move(with_warnings["warnings"])}});
  }
  Json json = {{"union_count", response.union_count()}, {"crowds", std::move(crowds)}};
  AppendInfo(response.info(), json);
  return json;
}

int RunAllocate(const AllocateArguments& arguments, const GlobalOptions& options) {
  absl::StatusOr<NamedSelections> selections =
      MakeNamedSelections(arguments.selections, arguments.file, arguments.frame, options);
  if (!selections.ok()) return ReportUsage(selections.status(), options);
  v1::AllocateCrowdsRequest request;
  *request.mutable_selections() = *std::move(selections);
  request.set_save(arguments.save);
  request.set_validate_only(arguments.dry_run);
  request.set_owner(arguments.owner);
  request.set_folder(arguments.folder);
  v1::AllocateCrowdsResponse response;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const auto stub = v1::SplitService::NewStub(Connect(options));
  const grpc::Status status = stub->AllocateCrowds(&context, request, &response);
  if (!status.ok()) {
    return ReportFailure(status, options, ExpressionOf(status, request.selections()));
  }
  if (options.json) {
    PrintJson(AllocationJson(response));
    return kExitOk;
  }
  for (int i = 0; i < response.crowds_size() && i < request.selections_size(); ++i) {
    v1::ResultInfo info;
    *info.mutable_warnings() = response.crowds(i).warnings();
    PrintWarnings(info, request.selections(i).selection().expression());
  }
  PrintAllocation(response, arguments.save && !arguments.dry_run);
  return kExitOk;
}

}  // namespace

void RegisterAllocateCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "allocate", "Make 2 to 64 crowds exclusive: each user goes to the first that has him");
  auto arguments = std::make_shared<AllocateArguments>();
  command->add_option("NAME=EXPR", arguments->selections, "A crowd and what to call it, in order")
      ->type_name("");
  command->add_option("--file", arguments->file, "Read a NAME=EXPR a line from a file, too")
      ->type_name("FILE");
  AddFrameOptions(*command, arguments->frame);
  command->add_flag("--save", arguments->save, "Save each as a crowd of its name");
  command->add_flag("--dry-run", arguments->dry_run, "With --save: check only");
  command->add_option("--owner", arguments->owner, "Who answers for saved crowds")
      ->type_name("TEXT");
  command->add_option("--folder", arguments->folder, "Where saved crowds stand")->type_name("PATH");
  command->footer(kExamples);
  command->callback(
      [arguments, &options, &exit_code] { exit_code = RunAllocate(*arguments, options); });
}

}  // namespace throng::cli
