// throng split: create, get, list, refresh, award, balance, delete.
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/crowd_output.h"
#include "cli/flag_checks.h"
#include "cli/json_output.h"
#include "cli/sampling_options.h"
#include "cli/selection_options.h"
#include "cli/split_output.h"
#include "cli/table.h"
#include "cli/terminal_text.h"
#include "cli/value_text.h"
#include "fmt/format.h"
#include "throng/v1/crowd.grpc.pb.h"
#include "throng/v1/split.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng split create test base --arm A --arm B --holdout 1 --refresh
  throng split create race base --share 10% --arm A --arm B --arm C --arm D --refresh
  throng split balance race --by city,spend
  throng split award race C --refresh
  throng export "crowd('race.C')" --out winner.csv

An arm is the crowd SPLIT.ARM. Who is in it is said by a documented hash of the user's id and the
salt (docs/api.md): it never changes, but that the winner gets who is in no arm yet. --refresh
computes the arms' crowds at once, of the newest version of the crowd that is split.)help";

struct CreateArguments {
  std::string name;
  std::string source;
  std::string salt;
  std::string share;
  std::vector<std::string> arms;
  std::uint32_t holdout = 0;
  std::string owner;
  std::string folder;
  bool online = false;
  bool refresh = false;
  bool dry_run = false;
};

struct SplitArguments {
  std::string name;
  std::string winner;
  std::string keep;
  bool refresh = false;
  bool dry_run = false;
  bool deleted = false;
};

struct BalanceArguments {
  std::string name;
  std::vector<std::string> by;
  std::uint32_t rows = 0;
  std::string confidence;
};

std::unique_ptr<v1::SplitService::Stub> NewStub(const GlobalOptions& options) {
  return v1::SplitService::NewStub(Connect(options));
}

// "A=25" or "A". Errors: kInvalidArgument.
absl::Status AddArm(const std::string& text, v1::Split* split) {
  const std::size_t equals = text.rfind('=');
  const std::size_t colon = text.rfind(':');
  if (equals == std::string::npos && colon != std::string::npos && colon + 1 < text.size() &&
      text.find_first_not_of("0123456789", colon + 1) == std::string::npos) {
    return absl::InvalidArgumentError(
        fmt::format("--arm: the weight of \"{}\" follows =, not \":\": {}={}", text,
                    text.substr(0, colon), text.substr(colon + 1)));
  }
  v1::SplitArm* arm = split->add_arms();
  arm->set_name(text.substr(0, equals));
  arm->set_weight(1);
  if (equals == std::string::npos) return absl::OkStatus();
  std::uint32_t weight = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data() + equals + 1, last, weight);
  if (error != std::errc() || end != last || weight == 0 || arm->name().empty()) {
    return absl::InvalidArgumentError(
        fmt::format("--arm: \"{}\" is not NAME=WEIGHT, a whole number from 1 on", text));
  }
  arm->set_weight(weight);
  return absl::OkStatus();
}

absl::StatusOr<v1::CreateSplitRequest> MakeCreate(const CreateArguments& arguments,
                                                  const GlobalOptions& options) {
  v1::CreateSplitRequest request;
  request.set_parent(PopulationName(options));
  request.set_split_id(arguments.name);
  request.set_validate_only(arguments.dry_run);
  v1::Split& split = *request.mutable_split();
  split.set_source(arguments.source);
  split.set_salt(arguments.salt);
  split.set_holdout_weight(arguments.holdout);
  split.set_owner(arguments.owner);
  split.set_folder(arguments.folder);
  split.set_online(arguments.online);
  for (const std::string& arm : arguments.arms) {
    const absl::Status added = AddArm(arm, &split);
    if (!added.ok()) return added;
  }
  if (arguments.share.empty()) return request;
  const std::optional<std::uint64_t> share = PercentInMillionths(arguments.share);
  if (!share.has_value() || *share < 1 || *share > 1'000'000) {
    return absl::InvalidArgumentError(
        fmt::format("--share: \"{}\" is not a percentage of 0.0001% to 100%", arguments.share));
  }
  split.set_share_millionths(static_cast<std::uint32_t>(*share));
  return request;
}

// Computes the arms' crowds that can be, and reads the split anew.
grpc::Status Refresh(const GlobalOptions& options, v1::Split* split) {
  v1::BatchRefreshCrowdsRequest request;
  request.set_parent(PopulationName(options));
  for (const v1::SplitArm& arm : split->arms()) {
    const bool is_computed =
        arm.state() == v1::CROWD_STATE_NEW || arm.state() == v1::CROWD_STATE_READY;
    if (is_computed) request.add_names(arm.crowd());
  }
  v1::BatchRefreshCrowdsResponse refreshed;
  grpc::ClientContext context;
  SetStreamDeadline(options, context);
  const auto channel = Connect(options);
  grpc::Status status =
      v1::CrowdService::NewStub(channel)->BatchRefreshCrowds(&context, request, &refreshed);
  if (!status.ok()) return status;
  v1::GetSplitRequest get;
  get.set_name(split->name());
  grpc::ClientContext get_context;
  SetDeadline(options, get_context);
  return v1::SplitService::NewStub(channel)->GetSplit(&get_context, get, split);
}

// What a call made of a split, or why it did not.
int Finish(grpc::Status status, bool refresh, const GlobalOptions& options, v1::Split* split) {
  if (status.ok() && refresh) status = Refresh(options, split);
  if (!status.ok()) return ReportFailure(status, options);
  PrintSplit(*split, options);
  return kExitOk;
}

int RunCreate(const CreateArguments& arguments, const GlobalOptions& options) {
  const absl::StatusOr<v1::CreateSplitRequest> request = MakeCreate(arguments, options);
  if (!request.ok()) return ReportUsage(request.status(), options);
  v1::Split split;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const grpc::Status status = NewStub(options)->CreateSplit(&context, *request, &split);
  return Finish(status, arguments.refresh && !arguments.dry_run, options, &split);
}

int RunGet(const SplitArguments& arguments, const GlobalOptions& options) {
  v1::GetSplitRequest request;
  request.set_name(SplitName(arguments.name, options));
  v1::Split split;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const grpc::Status status = NewStub(options)->GetSplit(&context, request, &split);
  return Finish(status, arguments.refresh, options, &split);
}

int RunRefresh(const SplitArguments& arguments, const GlobalOptions& options) {
  SplitArguments refreshing = arguments;
  refreshing.refresh = true;
  return RunGet(refreshing, options);
}

int RunAward(const SplitArguments& arguments, const GlobalOptions& options) {
  v1::AwardSplitRequest request;
  request.set_name(SplitName(arguments.name, options));
  request.set_winner(arguments.winner);
  request.set_validate_only(arguments.dry_run);
  v1::Split split;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const grpc::Status status = NewStub(options)->AwardSplit(&context, request, &split);
  return Finish(status, arguments.refresh && !arguments.dry_run, options, &split);
}

int RunDelete(const SplitArguments& arguments, const GlobalOptions& options) {
  v1::DeleteSplitRequest request;
  request.set_name(SplitName(arguments.name, options));
  absl::Duration keep;
  if (!arguments.keep.empty() && absl::ParseDuration(arguments.keep, &keep)) {
    request.mutable_kept_time()->set_seconds(absl::ToInt64Seconds(keep));
  }
  v1::Split split;
  grpc::ClientContext context;
  SetDeadline(options, context);
  return Finish(NewStub(options)->DeleteSplit(&context, request, &split), false, options, &split);
}

int RunList(const SplitArguments& arguments, const GlobalOptions& options) {
  const auto stub = NewStub(options);
  constexpr auto kRight = Table::Align::kRight;
  Table table({{"SPLIT"}, {"SOURCE"}, {"ARMS", kRight}, {"IN NO ARM", kRight}, {"WINNER"}});
  Json splits = Json::array();
  v1::ListSplitsRequest request;
  request.set_parent(PopulationName(options));
  request.set_show_deleted(arguments.deleted);
  do {
    v1::ListSplitsResponse response;
    grpc::ClientContext context;
    SetDeadline(options, context);
    const grpc::Status status = stub->ListSplits(&context, request, &response);
    if (!status.ok()) return ReportFailure(status, options);
    for (const v1::Split& split : response.splits()) {
      splits.push_back(SplitJson(split));
      table.AddRow({LastPart(split.name()), split.source(), std::to_string(split.arms_size()),
                    fmt::format("{:.4g}%", split.rest_millionths() / 1e4), split.winner()});
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  if (options.json) {
    PrintJson({{"splits", std::move(splits)}});
  } else {
    fmt::print("{}", table.Render());
  }
  return kExitOk;
}

int RunBalance(const BalanceArguments& arguments, const GlobalOptions& options) {
  v1::GetSplitBalanceRequest request;
  request.set_name(SplitName(arguments.name, options));
  request.set_rows(arguments.rows);
  for (const std::string& list : arguments.by) {
    const absl::StatusOr<std::vector<std::string>> names = SplitNames(list);
    if (!names.ok()) return ReportUsage(names.status(), options);
    for (const std::string& name : *names) request.add_tags(name);
  }
  if (!arguments.confidence.empty()) {
    const absl::StatusOr<double> confidence = ParseConfidence(arguments.confidence);
    if (!confidence.ok()) return ReportUsage(confidence.status(), options);
    request.set_confidence(*confidence);
  }
  v1::SplitBalance balance;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const grpc::Status status = NewStub(options)->GetSplitBalance(&context, request, &balance);
  if (!status.ok()) return ReportFailure(status, options);
  PrintBalance(balance, options);
  return kExitOk;
}

void RegisterCreate(CLI::App& group, GlobalOptions& options, int& exit_code) {
  auto arguments = std::make_shared<CreateArguments>();
  CLI::App* create = group.add_subcommand("create", "Split a crowd into 2 to 30 arms");
  create->add_option("NAME", arguments->name, "What to call the split")->type_name("")->required();
  create->add_option("CROWD", arguments->source, "The crowd to split")->type_name("")->required();
  create->add_option("--arm", arguments->arms, "An arm and its weight, 1 if not given; given often")
      ->type_name("NAME=WEIGHT")
      ->allow_extra_args(false);
  create
      ->add_option("--holdout", arguments->holdout,
                   "Weight of an arm \"holdout\" that is left alone; default: none")
      ->type_name("WEIGHT")
      ->check(CheckWholeNumber, "");
  create->add_option("--share", arguments->share, "Of the crowd that is split now; default 100%")
      ->type_name("PERCENT");
  create->add_option("--salt", arguments->salt, "Of the hash; default: one of its own")
      ->type_name("TEXT");
  create->add_option("--owner", arguments->owner, "Who answers for the arms' crowds")
      ->type_name("TEXT");
  create->add_option("--folder", arguments->folder, "Where they stand")->type_name("PATH");
  create->add_flag("--online", arguments->online, "Answer membership of arms from memory");
  create->add_flag("--refresh", arguments->refresh, "Compute the arms' crowds at once");
  create->add_flag("--dry-run", arguments->dry_run, "Check only");
  create->footer(kExamples);
  create->callback(
      [arguments, &options, &exit_code] { exit_code = RunCreate(*arguments, options); });
}

void RegisterNaming(CLI::App& group, GlobalOptions& options, int& exit_code) {
  auto arguments = std::make_shared<SplitArguments>();
  const auto add = [&](const char* name, const char* what,
                       int (*run)(const SplitArguments&, const GlobalOptions&)) {
    CLI::App* command = group.add_subcommand(name, what);
    command->footer(kExamples);
    command->callback(
        [arguments, run, &options, &exit_code] { exit_code = run(*arguments, options); });
    return command;
  };
  const auto add_named = [&](const char* name, const char* what, auto run) {
    CLI::App* command = add(name, what, run);
    command->add_option("NAME", arguments->name, "The split's name")->type_name("")->required();
    return command;
  };
  add_named("get", "One split: its arms, their buckets and crowds", &RunGet);
  add_named("refresh", "Compute the crowds of all arms", &RunRefresh);
  CLI::App* award = add_named("award", "Give who is in no arm yet to the winner", &RunAward);
  award->add_option("ARM", arguments->winner, "The winner")->type_name("")->required();
  award->add_flag("--refresh", arguments->refresh, "Compute the arms' crowds at once");
  award->add_flag("--dry-run", arguments->dry_run, "Check only");
  add_named("delete", "Delete the crowds of all arms; they can be undeleted for a time", &RunDelete)
      ->add_option("--keep", arguments->keep, "For how long, e.g. 168h; default 30 days")
      ->type_name("DURATION")
      ->check(CheckDuration, "");
  add("list", "All splits", &RunList)
      ->add_flag("--deleted", arguments->deleted, "Deleted ones too");
}

void RegisterBalance(CLI::App& group, GlobalOptions& options, int& exit_code) {
  auto arguments = std::make_shared<BalanceArguments>();
  CLI::App* balance = group.add_subcommand("balance", "How even the arms are");
  balance->add_option("NAME", arguments->name, "The split's name")->type_name("")->required();
  balance->add_option("--by", arguments->by, "Tags to compare the arms with the whole crowd by")
      ->type_name("TAG,TAG...")
      ->allow_extra_args(false);
  balance->add_option("--rows", arguments->rows, "Values a tag with --json; default 20")
      ->type_name("K")
      ->check(CheckWholeNumber, "");
  balance
      ->add_option("--confidence", arguments->confidence,
                   "That an arm's intervals hold at once; default 95%")
      ->type_name("PERCENT");
  balance->footer(kExamples);
  balance->callback(
      [arguments, &options, &exit_code] { exit_code = RunBalance(*arguments, options); });
}

}  // namespace

void RegisterSplitCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* group = app.add_subcommand("split", "Split crowds into arms, by lot and for good");
  group->require_subcommand(1, 1);
  group->footer(kExamples);
  RegisterCreate(*group, options, exit_code);
  RegisterNaming(*group, options, exit_code);
  RegisterBalance(*group, options, exit_code);
}

}  // namespace throng::cli
