// throng curve: the count for every threshold of one numeric condition.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/flag_checks.h"
#include "cli/json_output.h"
#include "cli/selection_options.h"
#include "cli/table.h"
#include "cli/terminal_text.h"
#include "cli/value_text.h"
#include "cli/withheld.h"
#include "fmt/format.h"
#include "throng/v1/insight.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng curve "city = 'Beijing' and views_7d > 3" --of views_7d
  throng curve "spend between 100 and 5000 and is_graduate" --of spend --bound upper --points 10
  throng curve "city = 'Beijing' and spend > 1000" --of spend --reach 50000
  throng curve --file crowd.txt --condition 3 --json

Every count is exact: that of the expression with the threshold. Of more thresholds than --points,
those are shown whose counts are about evenly apart. Conditions are numbered as throng explain lists
them.)help";

constexpr int kBarColumns = 40;
constexpr std::uint32_t kPointsForPeople = 20;

struct CurveArguments {
  SelectionOptions selection;
  std::string tag;
  std::uint32_t condition = 0;
  std::string bound;
  std::uint32_t points = 0;
  std::uint64_t reach = 0;
  CLI::Option* reach_option = nullptr;
};

Json PointJson(const v1::CurvePoint& point) {
  return {{"threshold", ValueJson(point.threshold())}, {"count", point.count()}};
}

Json CurveJson(const v1::CurveResponse& response) {
  Json points = Json::array();
  for (const v1::CurvePoint& point : response.points()) points.push_back(PointJson(point));
  Json json = {{"count", response.count()},
               {"condition", response.condition()},
               {"condition_text", response.condition_text()},
               {"line", response.line()},
               {"column", response.column()},
               {"length", response.length()},
               {"tag", response.tag()},
               {"operator", response.operator_()},
               {"threshold", nullptr},
               {"points", std::move(points)},
               {"every_value", response.every_value()},
               {"reached", nullptr},
               {"nearest", nullptr}};
  if (response.has_threshold()) json["threshold"] = ValueJson(response.threshold());
  if (response.has_reached()) json["reached"] = PointJson(response.reached());
  if (response.has_nearest()) json["nearest"] = PointJson(response.nearest());
  MarkWithheld(response, json);
  AppendInfo(response.info(), json);
  return json;
}

std::string RenderCurve(const v1::CurveResponse& response, bool bars) {
  std::uint64_t most = 1;
  for (const v1::CurvePoint& point : response.points()) most = std::max(most, point.count());
  Table table({{response.tag() + " " + response.operator_(), Table::Align::kRight},
               {"USERS", Table::Align::kRight},
               {""},
               {""}});
  for (const v1::CurvePoint& point : response.points()) {
    const double share = static_cast<double>(point.count()) / static_cast<double>(most);
    // Counts rise or fall all along: the same count, the same users.
    table.AddRow({ValueText(point.threshold()), FormatCount(point.count()),
                  point.count() == response.count() && !IsWithheld(response, "count") ? "<" : "",
                  bars ? ShareBar(share, kBarColumns) : ""});
  }
  return table.Render();
}

std::string PointText(const v1::CurveResponse& response, const v1::CurvePoint& point) {
  return fmt::format("{} {} {} selects {} users", Printable(response.tag()), response.operator_(),
                     Printable(ValueText(point.threshold())), FormatCount(point.count()));
}

void PrintReach(const v1::CurveResponse& response, std::uint64_t reach) {
  if (!response.has_nearest()) {
    const bool is_limited = response.info().minimum_count() > 0;
    fmt::print("\n{}\n",
               is_limited ? "no threshold may be shown" : "no threshold changes the count");
    return;
  }
  fmt::print("\n{} users or more: {}\n", FormatCount(reach),
             response.has_reached() ? PointText(response, response.reached())
                                    : "no threshold selects so many");
  fmt::print("nearest: {}\n", PointText(response, response.nearest()));
}

absl::StatusOr<v1::CurveRequest> MakeRequest(const CurveArguments& arguments,
                                             const GlobalOptions& options) {
  absl::StatusOr<v1::Selection> selection = MakeSelection(arguments.selection, options);
  if (!selection.ok()) return selection.status();
  if (arguments.tag.empty() && arguments.condition == 0) {
    return absl::InvalidArgumentError("--of TAG or --condition N is required");
  }
  v1::CurveRequest request;
  *request.mutable_selection() = *std::move(selection);
  request.set_tag(arguments.tag);
  request.set_condition(arguments.condition);
  if (arguments.bound == "lower") request.set_bound(v1::CURVE_BOUND_LOWER);
  if (arguments.bound == "upper") request.set_bound(v1::CURVE_BOUND_UPPER);
  request.set_points(arguments.points > 0 || options.json ? arguments.points : kPointsForPeople);
  if (arguments.reach_option->count() > 0) request.set_reach(arguments.reach);
  return request;
}

int RunCurve(const CurveArguments& arguments, const GlobalOptions& options) {
  const absl::StatusOr<v1::CurveRequest> request = MakeRequest(arguments, options);
  if (!request.ok()) return ReportUsage(request.status(), options);
  v1::CurveResponse response;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const auto stub = v1::InsightService::NewStub(Connect(options));
  const grpc::Status status = stub->Curve(&context, *request, &response);
  if (!status.ok()) return ReportFailure(status, options, request->selection().expression());
  if (options.json) {
    PrintJson(CurveJson(response));
    return kExitOk;
  }
  PrintWarnings(response.info(), request->selection().expression());
  fmt::print("{} with {}\n{}\n\n{}", UsersText(response), Printable(response.condition_text()),
             InfoLine(response.info()), RenderCurve(response, IsTerminal(stdout)));
  if (!response.every_value()) {
    fmt::print("the count changes at other thresholds, too; {}\n",
               response.info().minimum_count() > 0 ? "those between few users are withheld"
                                                   : "--points K shows more");
  }
  if (request->has_reach()) PrintReach(response, request->reach());
  return kExitOk;
}

}  // namespace

void RegisterCurveCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "curve", "The count for every threshold of one numeric condition, and which reaches N users");
  auto arguments = std::make_shared<CurveArguments>();
  AddSelectionOptions(*command, arguments->selection);
  command->add_option("--of", arguments->tag, "The condition: the only range over this tag")
      ->type_name("TAG");
  command
      ->add_option("--condition", arguments->condition,
                   "The condition by its number in throng explain, where several are over the tag")
      ->type_name("N")
      ->check(CheckWholeNumber, "");
  command
      ->add_option("--bound", arguments->bound,
                   "Of a condition with two bounds the one to move: lower (default) or upper")
      ->check(CLI::IsMember({"lower", "upper"}));
  command
      ->add_option("--points", arguments->points,
                   "Thresholds at most, 2 to 10,000; default 20, with --json 1,000")
      ->type_name("K")
      ->check(CheckWholeNumber, "");
  arguments->reach_option =
      command
          ->add_option("--reach", arguments->reach, "Find the threshold that selects so many users")
          ->type_name("N")
          ->check(CheckWholeNumber, "");
  command->footer(kExamples);
  command->callback(
      [arguments, &options, &exit_code] { exit_code = RunCurve(*arguments, options); });
}

}  // namespace throng::cli
