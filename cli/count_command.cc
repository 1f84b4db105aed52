// throng count: the exact number of users, or an estimate where one is asked for.
#include <memory>
#include <optional>
#include <string>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/sampling_options.h"
#include "cli/selection_options.h"
#include "cli/table.h"
#include "cli/terminal_text.h"
#include "cli/withheld.h"
#include "fmt/format.h"
#include "throng/v1/selection.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng count "city in ('Beijing','Tianjin') and views_7d > 3"
  throng count 'is_graduate and not exists(phone)' --json
  throng count 'register_date >= today() - 30d' --zone Asia/Shanghai --at 2024-05-01T00:00:00Z
  throng count --file crowd.txt
  throng count 'is_graduate' --sample 1% --confidence 99%
  throng count 'is_graduate' --exclude contacted --exclude no_consent@live

The count is exact unless --sample asks for an estimate. With --exclude it is who can be reached;
what each exclusion has of the crowd, and what is lost to it, is listed in the order given.
Who may not know small numbers reads "fewer than" the least that he may, or "withheld".)help";

struct CountArguments {
  SelectionOptions selection;
  SamplingOptions sampling;
};

// "12 users", "about 12,345 users (12,100 to 12,600, 95 %; 1 % of users looked at)".
std::string CountText(const v1::CountResponse& response) {
  if (!response.has_sample()) return UsersText(response);
  return fmt::format("about {} users ({})", FormatCount(response.count()),
                     RangeText(response.range(), response.sample()));
}

// What the exclusions cost.
std::string ExclusionsText(const v1::ExclusionReport& report) {
  constexpr auto kRight = Table::Align::kRight;
  Table table({{"EXCLUDED"}, {"IN THE CROWD", kRight}, {"LOST TO IT", kRight}});
  for (const v1::ExclusionLoss& loss : report.losses()) {
    table.AddRow({CrowdText(loss.crowd()), NumberText(loss, "overlap", loss.overlap()),
                  NumberText(loss, "loss", loss.loss())});
  }
  return fmt::format("\n{} gross, {} reachable\n{}", NumberText(report, "gross", report.gross()),
                     NumberText(report, "reachable", report.reachable()), table.Render());
}

int RunCount(const CountArguments& arguments, const GlobalOptions& options) {
  absl::StatusOr<v1::Selection> selection = MakeSelection(arguments.selection, options);
  if (!selection.ok()) return ReportUsage(selection.status(), options);
  const absl::StatusOr<std::optional<v1::Sampling>> sampling = MakeSampling(arguments.sampling);
  if (!sampling.ok()) return ReportUsage(sampling.status(), options);
  v1::CountRequest request;
  if (sampling->has_value()) *request.mutable_sample() = **sampling;
  *request.mutable_selection() = *selection;
  v1::CountResponse response;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const auto stub = v1::SelectionService::NewStub(Connect(options));
  const grpc::Status status = stub->Count(&context, request, &response);
  if (!status.ok()) return ReportFailure(status, options, selection->expression());
  if (options.json) {
    PrintJson(CountJson(response));
    return kExitOk;
  }
  PrintWarnings(response.info(), selection->expression());
  fmt::print("{}\n{}\n", CountText(response), InfoLine(response.info()));
  if (response.has_exclusions()) fmt::print("{}", ExclusionsText(response.exclusions()));
  return kExitOk;
}

}  // namespace

void RegisterCountCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("count", "The exact number of users an expression selects");
  auto arguments = std::make_shared<CountArguments>();
  AddSelectionOptions(*command, arguments->selection);
  AddSamplingOptions(*command, arguments->sampling);
  command->footer(kExamples);
  command->callback(
      [arguments, &options, &exit_code] { exit_code = RunCount(*arguments, options); });
}

}  // namespace throng::cli
