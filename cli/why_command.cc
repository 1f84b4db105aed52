// throng why: why a user is in or out, or how many users of a list miss each condition.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/schema.h"
#include "cli/selection_options.h"
#include "cli/table.h"
#include "cli/terminal_text.h"
#include "cli/value_text.h"
#include "fmt/format.h"
#include "throng/v1/membership.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng why "city = 'Beijing' and views_7d > 3" --id 10001
  throng why --file crowd.txt --id +86-138-0000-1111 --id-type phone --json
  throng why "is_graduate and not churned" --ids-file complaints.txt

With --id: each condition, met or missed, what the user has, and in the last column the smallest set
of conditions whose change would turn the answer over. With --ids-file (one id a line, up to
10,000; "-" is standard input): how many users miss each condition, and how many are out because of
it alone.)help";

constexpr auto kRight = Table::Align::kRight;

struct WhyArguments {
  SelectionOptions selection;
  std::string id;
  CLI::Option* id_option = nullptr;
  std::string id_type;
  std::string ids_file;
};

std::string ConditionText(const v1::WhyCondition& condition) {
  const std::string same =
      condition.same_as() > 0 ? fmt::format(" (as {})", condition.same_as()) : "";
  return fmt::format("{}{}{}", condition.negated() ? "not " : "", condition.condition(), same);
}

std::string UserText(const v1::UserCondition& condition) {
  if (!condition.has_value()) return "";
  const v1::UserValue& value = condition.value();
  if (value.values().empty()) {
    return value.labels() > 0 ? fmt::format("({} labels)", value.labels()) : "(missing)";
  }
  std::string text = value.tag().empty() ? "bucket " : "";
  for (int i = 0; i < value.values_size(); ++i) {
    if (i > 0) text += ", ";
    text += ValueText(value.values(i));
  }
  if (value.labels() > static_cast<std::uint32_t>(value.values_size())) {
    text += fmt::format(", ... ({} in all)", value.labels());
  }
  return text;
}

// "condition 2", "conditions 2, 4 and 5".
std::string NumbersText(const v1::Flip& flip) {
  std::string text = flip.conditions_size() == 1 ? "condition" : "conditions";
  for (int i = 0; i < flip.conditions_size(); ++i) {
    if (i > 0) text += i + 1 == flip.conditions_size() ? " and" : ",";
    text += fmt::format(" {}", flip.conditions(i));
  }
  return text;
}

std::string FlipText(const v1::UserReasons& user) {
  if (user.beyond_limit()) return "meets the conditions, but the limit takes other users";
  const std::string_view other = user.member() ? "out" : "in";
  switch (user.flip().kind()) {
    case v1::FLIP_KIND_SMALLEST:
      return fmt::format("would be {} if {} changed", other, NumbersText(user.flip()));
    case v1::FLIP_KIND_FOUND:
      return fmt::format("would be {} if {} changed; a smaller set may do, too", other,
                         NumbersText(user.flip()));
    case v1::FLIP_KIND_IMPOSSIBLE:
      return fmt::format("no change of conditions would make it {}", other);
    default:  // an enum of the wire may be any number
      return fmt::format("no set of conditions was found that would make it {}", other);
  }
}

bool IsInFlip(const v1::Flip& flip, const v1::WhyCondition& condition) {
  const std::uint32_t first = condition.same_as() > 0 ? condition.same_as() : condition.number();
  for (const std::uint32_t number : flip.conditions()) {
    if (number == first) return true;
  }
  return false;
}

void PrintUser(const v1::WhyMemberResponse& response) {
  const v1::UserReasons& user = response.user();
  Table table({{"#", kRight}, {""}, {"CONDITION"}, {"THE USER HAS"}, {""}});
  for (const v1::UserCondition& condition : user.conditions()) {
    table.AddRow({std::to_string(condition.condition().number()),
                  condition.met() ? "met" : "missed", ConditionText(condition.condition()),
                  UserText(condition),
                  IsInFlip(user.flip(), condition.condition()) ? "< turns it over" : ""});
  }
  fmt::print("user {} is {}\n{}\n\n{}{}\n", Printable(user.id()), user.member() ? "in" : "out",
             InfoLine(response.info()), table.empty() ? "" : table.Render() + "\n", FlipText(user));
}

void PrintList(const v1::WhyMemberResponse& response) {
  const v1::ListReasons& users = response.users();
  Table table({{"#", kRight}, {"CONDITION"}, {"MISS IT", kRight}, {"OUT BY IT ALONE", kRight}});
  for (const v1::ListCondition& condition : users.conditions()) {
    table.AddRow({std::to_string(condition.condition().number()),
                  ConditionText(condition.condition()), FormatCount(condition.missed()),
                  FormatCount(condition.decided())});
  }
  const std::string beyond =
      users.beyond_limit_count() == 0
          ? ""
          : fmt::format(" ({} by the limit)", FormatCount(users.beyond_limit_count()));
  fmt::print("{} in, {} out{}, {} unknown\n{}\n", FormatCount(users.in_count()),
             FormatCount(users.out_count()), beyond, FormatCount(users.unknown_count()),
             InfoLine(response.info()));
  if (!table.empty()) fmt::print("\n{}", table.Render());
}

Json ConditionJson(const v1::WhyCondition& condition) {
  return {{"number", condition.number()},  {"condition", condition.condition()},
          {"line", condition.line()},      {"column", condition.column()},
          {"length", condition.length()},  {"negated", condition.negated()},
          {"same_as", condition.same_as()}};
}

Json UserValueJson(const v1::UserValue& value) {
  Json values = Json::array();
  for (const v1::Value& each : value.values()) values.push_back(ValueJson(each));
  return {{"tag", value.tag()},
          {"type", TagTypeName(value.type())},
          {"values", std::move(values)},
          {"labels", value.labels()}};
}

std::string_view FlipKindName(v1::FlipKind kind) {
  switch (kind) {
    case v1::FLIP_KIND_SMALLEST:
      return "SMALLEST";
    case v1::FLIP_KIND_FOUND:
      return "FOUND";
    case v1::FLIP_KIND_IMPOSSIBLE:
      return "IMPOSSIBLE";
    default:  // an enum of the wire may be any number
      return "UNKNOWN";
  }
}

Json UserJson(const v1::UserReasons& user) {
  Json conditions = Json::array();
  for (const v1::UserCondition& condition : user.conditions()) {
    Json json = ConditionJson(condition.condition());
    json["matches"] = condition.matches();
    json["met"] = condition.met();
    json["decides"] = condition.decides();
    json["value"] = condition.has_value() ? UserValueJson(condition.value()) : Json(nullptr);
    conditions.push_back(std::move(json));
  }
  Json flip = Json::array();
  for (const std::uint32_t number : user.flip().conditions()) flip.push_back(number);
  return {{"id", user.id()},
          {"member", user.member()},
          {"beyond_limit", user.beyond_limit()},
          {"conditions", std::move(conditions)},
          {"flip", {{"kind", FlipKindName(user.flip().kind())}, {"conditions", std::move(flip)}}}};
}

Json ListJson(const v1::ListReasons& users) {
  Json conditions = Json::array();
  for (const v1::ListCondition& condition : users.conditions()) {
    Json json = ConditionJson(condition.condition());
    json["missed"] = condition.missed();
    json["decided"] = condition.decided();
    conditions.push_back(std::move(json));
  }
  return {{"in", users.in_count()},
          {"out", users.out_count()},
          {"beyond_limit", users.beyond_limit_count()},
          {"unknown", users.unknown_count()},
          {"conditions", std::move(conditions)}};
}

// The lines of the file that are not empty.
absl::Status AddIds(const WhyArguments& arguments, v1::WhyUsers* users) {
  if (arguments.ids_file == "-" && arguments.selection.source.argument == "-") {
    return absl::InvalidArgumentError("the expression and --ids-file both read standard input");
  }
  const absl::StatusOr<std::string> text = ReadTextFile(arguments.ids_file);
  if (!text.ok()) return text.status();
  users->set_id_type(arguments.id_type);
  for (std::string_view left = *text; !left.empty();) {
    const std::size_t end = left.find('\n');
    std::string_view line = left.substr(0, end);
    left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) users->add_ids(std::string(line));
  }
  if (users->ids().empty()) return absl::InvalidArgumentError("--ids-file has no id");
  return absl::OkStatus();
}

absl::StatusOr<v1::WhyMemberRequest> MakeRequest(const WhyArguments& arguments,
                                                 const GlobalOptions& options) {
  const bool has_id = arguments.id_option->count() > 0;
  if (has_id == !arguments.ids_file.empty()) {
    return absl::InvalidArgumentError("give --id ID or --ids-file FILE, one of them");
  }
  absl::StatusOr<v1::Selection> selection = MakeSelection(arguments.selection, options);
  if (!selection.ok()) return selection.status();
  v1::WhyMemberRequest request;
  *request.mutable_selection() = *std::move(selection);
  if (has_id) {
    request.mutable_user()->set_id(arguments.id);
    request.mutable_user()->set_id_type(arguments.id_type);
    return request;
  }
  const absl::Status added = AddIds(arguments, request.mutable_users());
  if (!added.ok()) return added;
  return request;
}

int RunWhy(const WhyArguments& arguments, const GlobalOptions& options) {
  const absl::StatusOr<v1::WhyMemberRequest> request = MakeRequest(arguments, options);
  if (!request.ok()) return ReportUsage(request.status(), options);
  v1::WhyMemberResponse response;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const auto stub = v1::MembershipService::NewStub(Connect(options));
  const grpc::Status status = stub->WhyMember(&context, *request, &response);
  if (!status.ok()) return ReportFailure(status, options, request->selection().expression());
  if (options.json) {
    Json json = response.has_user() ? UserJson(response.user()) : ListJson(response.users());
    AppendInfo(response.info(), json);
    PrintJson(json);
    return kExitOk;
  }
  PrintWarnings(response.info(), request->selection().expression());
  if (response.has_user()) {
    PrintUser(response);
  } else {
    PrintList(response);
  }
  return kExitOk;
}

}  // namespace

void RegisterWhyCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "why", "Why a user is in or out, and which conditions would turn that over");
  auto arguments = std::make_shared<WhyArguments>();
  AddSelectionOptions(*command, arguments->selection);
  arguments->id_option =
      command->add_option("--id", arguments->id, "The user's id")->type_name("ID");
  command->add_option("--id-type", arguments->id_type, "Its type; the primary one unless given")
      ->type_name("TYPE");
  command
      ->add_option("--ids-file", arguments->ids_file,
                   "Count over the users of a file instead, one id a line")
      ->type_name("FILE");
  command->footer(kExamples);
  command->callback([arguments, &options, &exit_code] { exit_code = RunWhy(*arguments, options); });
}

}  // namespace throng::cli
