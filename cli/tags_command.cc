// throng tags: list, get, create, update, values.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/flag_checks.h"
#include "cli/json_output.h"
#include "cli/schema.h"
#include "cli/table.h"
#include "cli/terminal_text.h"
#include "cli/value_text.h"
#include "cli/withheld.h"
#include "fmt/format.h"
#include "throng/v1/tag.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng tags list --path behaviour
  throng tags get city
  throng tags create city --type CATEGORY --display-name City --path profile
  throng tags create rent --type DECIMAL --scale 2
  throng tags update city --state offline --owner growth-team
  throng tags values city --limit 20)help";

constexpr std::uint64_t kValuesPageMax = 65536;

// The flags of create and update. A plain value.
struct TagArguments {
  std::string name;
  std::string type;
  std::string state;
  std::string display_name;
  std::string path;
  std::string description;
  std::string owner;
  std::string freshness;
  std::int32_t scale = 0;
  std::int32_t sensitivity = 0;
  std::uint32_t max_values = 0;
};

struct ListArguments {
  std::string path;
  std::string name;
  std::uint64_t limit = 1000;
};

std::string TagName(const std::string& name, const GlobalOptions& options) {
  return PopulationName(options) + "/tags/" + name;
}

std::unique_ptr<v1::TagService::Stub> NewStub(const GlobalOptions& options) {
  return v1::TagService::NewStub(Connect(options));
}

std::string TypeText(const v1::Tag& tag) {
  std::string type(TagTypeName(tag.type()));
  if (tag.type() == v1::TAG_TYPE_DECIMAL) type += fmt::format("({})", tag.scale());
  return type;
}

int RunList(const ListArguments& arguments, const GlobalOptions& options) {
  constexpr auto kRight = Table::Align::kRight;
  const auto stub = NewStub(options);
  Table table(
      {{"TAG"}, {"TYPE"}, {"USERS", kRight}, {"VALUES", kRight}, {"STATE"}, {"PATH"}, {"NAME"}});
  Json tags = Json::array();
  v1::ListTagsRequest request;
  request.set_parent(PopulationName(options));
  request.set_path_prefix(arguments.path);
  v1::ListTagsResponse response;
  do {
    grpc::ClientContext context;
    SetDeadline(options, context);
    const grpc::Status status = stub->ListTags(&context, request, &response);
    if (!status.ok()) return ReportFailure(status, options);
    for (const v1::Tag& tag : response.tags()) {
      tags.push_back(TagJson(tag));
      table.AddRow({LastPart(tag.name()), TypeText(tag),
                    NumberText(tag, "user_count", tag.user_count()),
                    tag.value_count() > 0 ? FormatCount(tag.value_count()) : "-",
                    TagStateName(tag.state()), tag.path(), tag.display_name()});
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  if (options.json) {
    PrintJson({{"tags", std::move(tags)}, {"data_version", response.data_version()}});
  } else {
    fmt::print("{}", table.Render());
  }
  return kExitOk;
}

void PrintTag(const v1::Tag& tag, const GlobalOptions& options) {
  if (options.json) {
    PrintJson(TagJson(tag));
    return;
  }
  Table table({{""}, {""}});
  const auto add_text = [&table](const char* label, const std::string& text) {
    if (!text.empty()) table.AddRow({label, text});
  };
  table.AddRow({"tag", LastPart(tag.name())});
  table.AddRow({"type", TypeText(tag)});
  add_text("name", tag.display_name());
  add_text("path", tag.path());
  add_text("description", tag.description());
  add_text("owner", tag.owner());
  add_text("state", TagStateName(tag.state()));
  table.AddRow({"sensitivity", std::to_string(tag.sensitivity())});
  table.AddRow({"users", NumberText(tag, "user_count", tag.user_count())});
  if (tag.value_count() > 0) table.AddRow({"values", FormatCount(tag.value_count())});
  if (tag.max_values() > 0) table.AddRow({"max values", FormatCount(tag.max_values())});
  if (tag.has_content_time()) table.AddRow({"content of", TimestampText(tag.content_time())});
  if (tag.has_freshness()) {
    table.AddRow({"freshness", absl::FormatDuration(ToDuration(tag.freshness()))});
  }
  table.AddRow({"data version", std::to_string(tag.data_version())});
  fmt::print("{}", table.Render());
}

int RunGet(const std::string& name, const GlobalOptions& options) {
  v1::GetTagRequest request;
  request.set_name(TagName(name, options));
  v1::Tag tag;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const grpc::Status status = NewStub(options)->GetTag(&context, request, &tag);
  if (!status.ok()) return ReportFailure(status, options);
  PrintTag(tag, options);
  return kExitOk;
}

// The tag with every given flag in it. Flags that CLI11's checks passed are known to be good.
v1::Tag TagOf(const TagArguments& arguments) {
  v1::Tag tag;
  tag.set_type(ParseTagType(arguments.type).value_or(v1::TAG_TYPE_UNSPECIFIED));
  tag.set_state(ParseTagState(arguments.state).value_or(v1::TAG_STATE_UNSPECIFIED));
  tag.set_scale(arguments.scale);
  tag.set_display_name(arguments.display_name);
  tag.set_path(arguments.path);
  tag.set_description(arguments.description);
  tag.set_owner(arguments.owner);
  tag.set_sensitivity(arguments.sensitivity);
  tag.set_max_values(arguments.max_values);
  absl::Duration freshness;
  if (absl::ParseDuration(arguments.freshness, &freshness)) {
    tag.mutable_freshness()->set_seconds(absl::ToInt64Seconds(freshness));
  }
  return tag;
}

int RunCreate(const TagArguments& arguments, const GlobalOptions& options) {
  v1::CreateTagRequest request;
  request.set_parent(PopulationName(options));
  request.set_tag_id(arguments.name);
  *request.mutable_tag() = TagOf(arguments);
  v1::Tag tag;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const grpc::Status status = NewStub(options)->CreateTag(&context, request, &tag);
  if (!status.ok()) return ReportFailure(status, options);
  PrintTag(tag, options);
  return kExitOk;
}

int RunUpdate(const CLI::App& command, const TagArguments& arguments,
              const GlobalOptions& options) {
  static constexpr std::pair<const char*, const char*> kFields[] = {
      {"--display-name", "display_name"}, {"--path", "path"},
      {"--description", "description"},   {"--owner", "owner"},
      {"--sensitivity", "sensitivity"},   {"--state", "state"},
      {"--max-values", "max_values"},     {"--freshness", "freshness"}};
  v1::UpdateTagRequest request;
  *request.mutable_tag() = TagOf(arguments);
  request.mutable_tag()->set_name(TagName(arguments.name, options));
  for (const auto& [flag, field] : kFields) {
    if (command.count(flag) > 0) request.mutable_update_mask()->add_paths(field);
  }
  if (request.update_mask().paths().empty()) {
    return ReportUsage("nothing to update: give at least one flag, e.g. --owner", options);
  }
  v1::Tag tag;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const grpc::Status status = NewStub(options)->UpdateTag(&context, request, &tag);
  if (!status.ok()) return ReportFailure(status, options);
  PrintTag(tag, options);
  return kExitOk;
}

void PrintValues(const v1::ListTagValuesResponse& values, const std::string& name, bool truncated,
                 const GlobalOptions& options) {
  Table table({{"VALUE"}, {"USERS", Table::Align::kRight}});
  Json rows = Json::array();
  for (const v1::TagValueCount& value : values.values()) {
    rows.push_back({{"value", ValueJson(value.value())}, {"user_count", value.user_count()}});
    table.AddRow({ValueText(value.value()), FormatCount(value.user_count())});
  }
  table.AddRow({"(missing)", NumberText(values, "missing", values.missing())});
  if (options.json) {
    Json json = {{"tag", name},
                 {"values", std::move(rows)},
                 {"missing", values.missing()},
                 {"truncated", truncated},
                 {"data_version", values.data_version()}};
    MarkWithheld(values, json);
    PrintJson(json);
    return;
  }
  fmt::print("{}", table.Render());
  if (truncated) {
    fmt::print(stderr, "There are more values: the {} largest are shown (--limit).\n",
               FormatCount(static_cast<std::uint64_t>(values.values_size())));
  }
}

int RunValues(const ListArguments& arguments, const GlobalOptions& options) {
  if (arguments.limit == 0) return ReportUsage("--limit: expected 1 or more", options);
  const auto stub = NewStub(options);
  v1::ListTagValuesRequest request;
  request.set_name(TagName(arguments.name, options));
  v1::ListTagValuesResponse all;
  do {
    const auto left = arguments.limit - static_cast<std::uint64_t>(all.values_size());
    request.set_page_size(static_cast<std::int32_t>(std::min(left, kValuesPageMax)));
    grpc::ClientContext context;
    SetDeadline(options, context);
    v1::ListTagValuesResponse page;
    const grpc::Status status = stub->ListTagValues(&context, request, &page);
    if (!status.ok()) return ReportFailure(status, options);
    request.set_page_token(page.next_page_token());
    all.MergeFrom(page);
  } while (!request.page_token().empty() &&
           static_cast<std::uint64_t>(all.values_size()) < arguments.limit);
  PrintValues(all, arguments.name, !request.page_token().empty(), options);
  return kExitOk;
}

std::string CheckType(const std::string& text) {
  if (ParseTagType(text).has_value()) return {};
  return fmt::format(
      "\"{}\" is not a type: expected FLAG, CATEGORY, LABELS, INTEGER, DECIMAL, DATE or DATETIME",
      text);
}

std::string CheckState(const std::string& text) {
  if (ParseTagState(text).has_value()) return {};
  return fmt::format("\"{}\" is not a state: expected draft, online or offline", text);
}

// The flags that create and update share.
void AddTagFlags(CLI::App& command, TagArguments& arguments) {
  command.add_option("NAME", arguments.name, "The tag's name")->type_name("")->required();
  command.add_option("--display-name", arguments.display_name, "A name for people")
      ->type_name("TEXT");
  command.add_option("--path", arguments.path, "Where it stands in the directory")
      ->type_name("PATH");
  command.add_option("--description", arguments.description, "What it means")->type_name("TEXT");
  command.add_option("--owner", arguments.owner, "Who answers for it")->type_name("TEXT");
  command.add_option("--sensitivity", arguments.sensitivity, "0 (public) to 9")
      ->type_name("N")
      ->check(CheckWholeNumber, "");
  command
      .add_option("--freshness", arguments.freshness,
                  "How old its content may be before answers warn, e.g. 36h; 0: any age")
      ->type_name("DURATION")
      ->check(CheckDuration, "");
  command.add_option("--state", arguments.state, "draft, online or offline")
      ->type_name("STATE")
      ->check(CheckState, "");
  command.add_option("--max-values", arguments.max_values, "Largest number of distinct values")
      ->type_name("N")
      ->check(CheckWholeNumber, "");
  command.footer(kExamples);
}

void RegisterReading(CLI::App& group, GlobalOptions& options, int& exit_code) {
  auto arguments = std::make_shared<ListArguments>();
  CLI::App* list = group.add_subcommand("list", "All tags");
  list->add_option("--path", arguments->path, "Only at or below this directory path")
      ->type_name("PATH");
  list->footer(kExamples);
  list->callback([arguments, &options, &exit_code] { exit_code = RunList(*arguments, options); });

  CLI::App* get = group.add_subcommand("get", "One tag");
  get->add_option("NAME", arguments->name, "The tag's name")->type_name("")->required();
  get->footer(kExamples);
  get->callback(
      [arguments, &options, &exit_code] { exit_code = RunGet(arguments->name, options); });

  CLI::App* values = group.add_subcommand("values", "A tag's values with their users");
  values->add_option("NAME", arguments->name, "The tag's name")->type_name("")->required();
  values->add_option("--limit", arguments->limit, "How many, largest first; default 1000")
      ->type_name("N")
      ->check(CheckWholeNumber, "");
  values->footer(kExamples);
  values->callback(
      [arguments, &options, &exit_code] { exit_code = RunValues(*arguments, options); });
}

void RegisterWriting(CLI::App& group, GlobalOptions& options, int& exit_code) {
  auto arguments = std::make_shared<TagArguments>();
  CLI::App* create = group.add_subcommand("create", "Create a tag");
  AddTagFlags(*create, *arguments);
  create
      ->add_option("--type", arguments->type,
                   "FLAG, CATEGORY, LABELS, INTEGER, DECIMAL, DATE or DATETIME")
      ->type_name("TYPE")
      ->check(CheckType, "")
      ->required();
  create->add_option("--scale", arguments->scale, "DECIMAL: digits after the point, 0 to 9")
      ->type_name("N")
      ->check(CheckWholeNumber, "");
  create->callback(
      [arguments, &options, &exit_code] { exit_code = RunCreate(*arguments, options); });

  CLI::App* update = group.add_subcommand("update", "Change the fields whose flags are given");
  AddTagFlags(*update, *arguments);
  update->callback([update, arguments, &options, &exit_code] {
    exit_code = RunUpdate(*update, *arguments, options);
  });
}

}  // namespace

void RegisterTagsCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* group = app.add_subcommand("tags", "List, show, create and change tags");
  group->require_subcommand(1, 1);
  group->footer(kExamples);
  RegisterReading(*group, options, exit_code);
  RegisterWriting(*group, options, exit_code);
}

}  // namespace throng::cli
