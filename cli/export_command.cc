// throng export: all users of a crowd in a file.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/export_format.h"
#include "cli/json_output.h"
#include "cli/output_file.h"
#include "cli/selection_options.h"
#include "cli/terminal_text.h"
#include "fmt/format.h"
#include "throng/v1/selection.grpc.pb.h"
#include "throng/v1/tag.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng export "city = 'Beijing'" -o beijing.txt
  throng export "city = 'Beijing'" -o beijing.csv --format csv --tags city,rent,interests
  throng export "views_7d > 3" -o - --format ndjson --tags city | gzip > crowd.ndjson.gz
  throng export "views_7d > 3" -o crowd.roaring --format roaring --force

The file comes into being when it is complete: until then it is FILE.partial-XXXXXX.)help";

// The heading of the ids.
constexpr const char* kIdName = "user_id";

struct ExportArguments {
  SelectionOptions selection;
  std::string path;
  std::string format = "txt";
  std::vector<std::string> tags;
  bool force = false;
};

absl::StatusOr<v1::ExportMembersRequest> MakeRequest(const ExportArguments& arguments,
                                                     ExportFormat format,
                                                     const GlobalOptions& options) {
  if (options.json && arguments.path == "-") {
    return absl::InvalidArgumentError("--json needs a file: with -o - the export is on stdout");
  }
  absl::StatusOr<v1::Selection> selection = MakeSelection(arguments.selection, options);
  if (!selection.ok()) return selection.status();
  v1::ExportMembersRequest request;
  *request.mutable_selection() = *selection;
  request.set_roaring(format == ExportFormat::kRoaring);
  for (const std::string& list : arguments.tags) {
    absl::StatusOr<std::vector<std::string>> names = SplitNames(list);
    if (!names.ok()) return names.status();
    for (const std::string& name : *names) request.add_tags(name);
  }
  if (request.tags_size() > 0 && format != ExportFormat::kCsv && format != ExportFormat::kNdjson) {
    return absl::InvalidArgumentError(
        fmt::format("--format {} has no room for tags: use csv or ndjson", arguments.format));
  }
  for (const std::string& tag : request.tags()) {
    if (tag == kIdName && format == ExportFormat::kNdjson) {
      return absl::InvalidArgumentError("a tag named user_id cannot stand beside the id in ndjson");
    }
  }
  return request;
}

// The tags with the types that ndjson needs to tell numbers and lists from text.
grpc::Status ReadTypes(const v1::ExportMembersRequest& request, const GlobalOptions& options,
                       const std::shared_ptr<grpc::Channel>& channel,
                       std::vector<ExportedTag>& tags) {
  const auto stub = v1::TagService::NewStub(channel);
  for (const std::string& name : request.tags()) {
    v1::GetTagRequest get;
    get.set_name(PopulationName(options) + "/tags/" + name);
    v1::Tag tag;
    grpc::ClientContext context;
    SetDeadline(options, context);
    const grpc::Status status = stub->GetTag(&context, get, &tag);
    if (!status.ok()) return status;
    tags.push_back({name, tag.type()});
  }
  return grpc::Status::OK;
}

// Reads the stream into the file. The first is the call's status, the second this side's.
std::pair<grpc::Status, absl::Status> Receive(const v1::ExportMembersRequest& request,
                                              const GlobalOptions& options,
                                              const std::shared_ptr<grpc::Channel>& channel,
                                              ExportEncoder& encoder, OutputFile& file) {
  const auto stub = v1::SelectionService::NewStub(channel);
  grpc::ClientContext context;
  SetStreamDeadline(options, context);
  const auto reader = stub->ExportMembers(&context, request);
  absl::Status status = file.Append(encoder.Head());
  v1::ExportMembersResponse frame;
  std::string bytes;
  while (status.ok() && reader->Read(&frame)) {
    bytes.clear();
    status = encoder.AppendFrame(frame, bytes);
    if (status.ok()) status = file.Append(bytes);
  }
  if (!status.ok()) context.TryCancel();
  const grpc::Status call = reader->Finish();
  if (!status.ok()) return {grpc::Status::OK, status};
  if (!call.ok()) return {call, absl::OkStatus()};
  status = encoder.Finish();
  if (status.ok()) status = file.Commit();
  return {grpc::Status::OK, status};
}

void PrintSummary(const ExportEncoder& encoder, const OutputFile& file,
                  const ExportArguments& arguments, std::string_view expression,
                  const GlobalOptions& options) {
  if (options.json) {
    Json json = {{"count", encoder.total()},
                 {"data_version", encoder.info().data_version()},
                 {"file", arguments.path},
                 {"bytes", file.bytes()},
                 {"engine_us", Microseconds(encoder.info().engine_time())}};
    PrintJson(json);
    return;
  }
  PrintWarnings(encoder.info(), expression);
  // Standard output may carry the export.
  fmt::print(arguments.path == "-" ? stderr : stdout, "{} users, {} bytes in {}\n{}\n",
             FormatCount(encoder.total()), FormatCount(file.bytes()),
             arguments.path == "-" ? "all" : arguments.path, InfoLine(encoder.info()));
}

int RunExport(const ExportArguments& arguments, const GlobalOptions& options) {
  const ExportFormat format = ParseExportFormat(arguments.format).value_or(ExportFormat::kText);
  const absl::StatusOr<v1::ExportMembersRequest> request = MakeRequest(arguments, format, options);
  if (!request.ok()) return ReportUsage(request.status(), options);
  const std::string& expression = request->selection().expression();
  absl::StatusOr<std::unique_ptr<OutputFile>> file =
      OutputFile::Create(arguments.path, arguments.force);
  if (!file.ok()) return ReportUsage(file.status(), options);

  const std::shared_ptr<grpc::Channel> channel = Connect(options);
  std::vector<ExportedTag> tags;
  if (format == ExportFormat::kNdjson) {
    const grpc::Status status = ReadTypes(*request, options, channel, tags);
    if (!status.ok()) return ReportFailure(status, options);
  } else {
    for (const std::string& name : request->tags()) tags.push_back({name});
  }
  ExportEncoder encoder(format, kIdName, std::move(tags));
  const auto [call, local] = Receive(*request, options, channel, encoder, **file);
  if (!call.ok()) return ReportFailure(call, options, expression);
  if (!local.ok()) return ReportFailure(local, options);
  PrintSummary(encoder, **file, arguments, expression, options);
  return kExitOk;
}

std::string CheckFormat(const std::string& text) {
  if (ParseExportFormat(text).has_value()) return {};
  return fmt::format("\"{}\" is not a format: expected txt, csv, ndjson or roaring", text);
}

}  // namespace

void RegisterExportCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* command = app.add_subcommand("export", "All users an expression selects, in a file");
  auto arguments = std::make_shared<ExportArguments>();
  AddSelectionOptions(*command, arguments->selection);
  command->add_option("-o,--output", arguments->path, "The file; \"-\": stdout")
      ->type_name("FILE")
      ->required();
  command->add_option("--format", arguments->format, "txt, csv, ndjson or roaring")
      ->type_name("FORMAT")
      ->check(CheckFormat, "")
      ->capture_default_str();
  command->add_option("--tags", arguments->tags, "Tags to give as columns, separated by commas")
      ->type_name("TAG,TAG...")
      ->allow_extra_args(false);
  command->add_flag("--force", arguments->force, "Replace the file if it exists");
  command->footer(kExamples);
  command->callback(
      [arguments, &options, &exit_code] { exit_code = RunExport(*arguments, options); });
}

}  // namespace throng::cli
