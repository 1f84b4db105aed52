// throng crowd: upload, uploads, unmatched.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/crowd_output.h"
#include "cli/flag_checks.h"
#include "cli/id_frames.h"
#include "cli/id_list_reader.h"
#include "cli/json_output.h"
#include "cli/output_file.h"
#include "cli/progress_line.h"
#include "cli/row_error_log.h"
#include "cli/terminal_text.h"
#include "cli/upload_output.h"
#include "fmt/format.h"
#include "throng/v1/upload.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(FILE has an id a line, or is delimited and has the ids in
--column. It may end in .gz, and - is standard input. The crowd is made if there is none.
A file without ids replaces nothing unless --allow-empty is given.

Examples:
  throng crowd upload vip phones.csv --id-type phone
  throng crowd upload vip new.csv --mode add --column mobile --keep-unknown
  throng crowd upload vip list.txt --unmatched left.csv      # what was not found, and why
  zcat ids.gz | throng crowd upload vip - --dry-run
  throng crowd upload vip /dev/null --allow-empty            # nobody is in it any more
  throng crowd uploads vip
  throng crowd unmatched vip 3 -o left.csv)help";

constexpr uint64_t kShownMax = 10;  // of what was no id

struct UploadArguments {
  std::string name;
  std::string file;
  std::string id_type;
  std::string mode = "replace";
  std::string column;
  std::string delimiter;
  bool header = true;
  bool header_given = false;
  bool keep_unknown = false;
  bool allow_empty = false;
  std::string unmatched;
  bool force = false;
  bool create = true;
  std::string folder;
  std::string request_id;
  bool dry_run = false;
};

struct UnmatchedArguments {
  std::string name;
  std::uint64_t number = 0;
  std::string output = "-";
  bool force = false;
};

std::unique_ptr<v1::UploadService::Stub> NewStub(const GlobalOptions& options) {
  return v1::UploadService::NewStub(Connect(options));
}

std::string UploadName(const std::string& crowd, std::uint64_t number,
                       const GlobalOptions& options) {
  return fmt::format("{}/uploads/{}", CrowdName(crowd, options), number);
}

v1::UploadHeader HeaderOf(const UploadArguments& arguments, const GlobalOptions& options) {
  v1::UploadHeader header;
  header.set_crowd(CrowdName(arguments.name, options));
  header.set_id_type(arguments.id_type);
  header.set_mode(arguments.mode == "add"      ? v1::UPLOAD_MODE_ADD
                  : arguments.mode == "remove" ? v1::UPLOAD_MODE_REMOVE
                                               : v1::UPLOAD_MODE_REPLACE);
  header.set_keep_unknown(arguments.keep_unknown);
  header.set_request_id(arguments.request_id);
  header.set_validate_only(arguments.dry_run);
  if (arguments.create) header.mutable_create()->set_folder(arguments.folder);
  return header;
}

// Writes all that an upload did not find to `file`. Errors: the server's; kInternal when the stream
// was not whole.
grpc::Status FetchUnmatched(v1::UploadService::Stub& stub, const std::string& name,
                            const LineOf& line_of, const GlobalOptions& options, OutputFile& file,
                            absl::Status* written) {
  v1::ListUnmatchedRequest request;
  request.set_name(name);
  grpc::ClientContext context;
  SetStreamDeadline(options, context);
  const auto stream = stub.ListUnmatched(&context, request);
  *written = AppendUnmatchedHead(file);
  v1::ListUnmatchedResponse frame;
  bool is_complete = false;
  while (stream->Read(&frame)) {
    if (written->ok()) *written = AppendUnmatched(frame, line_of, file);
    if (!written->ok()) context.TryCancel();
    is_complete = frame.complete();
  }
  const grpc::Status status = stream->Finish();
  if (!written->ok()) return grpc::Status::OK;
  if (status.ok() && !is_complete) {
    return {grpc::StatusCode::INTERNAL, "the server ended the list before it was whole"};
  }
  return status;
}

// One run of `throng crowd upload`. Not thread-safe.
class UploadRun {
 public:
  UploadRun(const UploadArguments& arguments, const GlobalOptions& options)
      : arguments_(arguments),
        options_(options),
        file_name_(arguments.file == "-" ? "standard input" : arguments.file),
        log_(file_name_) {}

  int Run() {
    IdListOptions list{.column = arguments_.column, .id_type = arguments_.id_type};
    if (!arguments_.delimiter.empty()) {
      list.delimiter = arguments_.delimiter == "tab" ? '\t' : arguments_.delimiter[0];
    }
    if (arguments_.header_given) {
      list.header = arguments_.header ? IdListOptions::Header::kYes : IdListOptions::Header::kNo;
    }
    absl::StatusOr<std::unique_ptr<IdListReader>> reader = IdListReader::Open(
        arguments_.file, list,
        [this](uint64_t line, std::string_view why) { log_.AddRefusedRow(line, why); });
    if (!reader.ok()) return ReportUsage(reader.status(), options_);
    reader_ = *std::move(reader);
    if (!arguments_.unmatched.empty()) {
      absl::StatusOr<std::unique_ptr<OutputFile>> file =
          OutputFile::Create(arguments_.unmatched, arguments_.force);
      if (!file.ok()) return ReportUsage(file.status(), options_);
      unmatched_ = *std::move(file);
    }
    stub_ = NewStub(options_);
    absl::Status read;
    v1::Upload upload;
    const grpc::Status status = Send(&read, &upload);
    log_.PrintRest();
    if (!read.ok()) return ReportFailure(read, options_);
    if (!status.ok()) return ReportFailure(status, options_);
    PrintSamples(upload);
    PrintUpload(upload, reader_->findings(), file_name_, options_);
    return WriteUnmatched(upload);
  }

 private:
  // Whether what was read may become a version. Errors: kInvalidArgument when no id could be read,
  // kFailedPrecondition when there was none and the crowd would be left empty unasked.
  absl::Status CheckIds() const {
    if (frames_.count() > 0) return absl::OkStatus();
    if (reader_->findings().refused > 0) {
      return absl::InvalidArgumentError(
          fmt::format("{}: no id of the file could be read: nothing was changed", file_name_));
    }
    if (arguments_.mode != "replace" || arguments_.allow_empty) return absl::OkStatus();
    return absl::FailedPreconditionError(
        fmt::format("{}: there are no ids, and the crowd would be left empty: nothing was changed; "
                    "--allow-empty empties it",
                    file_name_));
  }

  // Sends the file. `read` is what is wrong with it; nothing was changed then.
  grpc::Status Send(absl::Status* read, v1::Upload* upload) {
    grpc::ClientContext context;
    SetStreamDeadline(options_, context);
    const auto stream = stub_->UploadIds(&context, upload);
    v1::UploadIdsRequest request;
    *request.mutable_header() = HeaderOf(arguments_, options_);
    bool goes_on = stream->Write(request);
    ProgressLine progress("Uploading", "ids");
    while (goes_on) {
      const absl::StatusOr<bool> more = reader_->Next();
      if (!more.ok() || !*more) {
        *read = more.ok() ? CheckIds() : more.status();
        break;
      }
      frames_.Add(reader_->id(), reader_->line());
      if (!frames_.full()) continue;
      goes_on = stream->Write(frames_.Take());
      progress.Update(frames_.count(), reader_->fraction_read());
    }
    if (!read->ok()) {
      context.TryCancel();  // without its end the server makes nothing of it
    } else if (goes_on) {
      if (!frames_.empty()) stream->Write(frames_.Take());
      request.mutable_end()->set_id_count(frames_.count());
      stream->Write(request);
    }
    // A failed write ends the call, and Finish() tells why.
    stream->WritesDone();
    const grpc::Status status = stream->Finish();
    progress.Clear();
    return status;
  }

  void PrintSamples(const v1::Upload& upload) const {
    for (const v1::RefusedId& sample : upload.samples()) {
      const uint64_t line = frames_.LineOf(sample.position());
      fmt::print(stderr, "{}:{}: '{}': {}\n", file_name_,
                 line == 0 ? fmt::format("id {}", sample.position()) : std::to_string(line),
                 Printable(sample.text()), sample.reason());
    }
    if (upload.invalid() > kShownMax) {
      fmt::print(stderr, "{}: {} more are no ids{}\n", file_name_,
                 FormatCount(upload.invalid() - kShownMax),
                 arguments_.unmatched.empty() ? ": --unmatched writes them to a file" : "");
    }
  }

  int WriteUnmatched(const v1::Upload& upload) {
    if (unmatched_ == nullptr) return kExitOk;
    if (!upload.has_version()) {
      fmt::print(stderr, "note: nothing was changed, so there is no list for {}\n",
                 arguments_.unmatched);
      return kExitOk;
    }
    absl::Status written;
    const grpc::Status status = FetchUnmatched(
        *stub_, upload.name(), [this](uint64_t position) { return frames_.LineOf(position); },
        options_, *unmatched_, &written);
    if (!status.ok()) return ReportFailure(status, options_);
    if (written.ok()) written = unmatched_->Commit();
    if (!written.ok()) return ReportFailure(written, options_);
    return kExitOk;
  }

  const UploadArguments& arguments_;
  const GlobalOptions& options_;
  const std::string file_name_;
  RowErrorLog log_;
  std::unique_ptr<IdListReader> reader_;
  std::unique_ptr<OutputFile> unmatched_;
  std::unique_ptr<v1::UploadService::Stub> stub_;
  IdFrames frames_;
};

int RunUploads(const UnmatchedArguments& arguments, const GlobalOptions& options) {
  v1::ListUploadsRequest request;
  request.set_parent(CrowdName(arguments.name, options));
  v1::ListUploadsResponse response;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const grpc::Status status = NewStub(options)->ListUploads(&context, request, &response);
  if (!status.ok()) return ReportFailure(status, options);
  PrintUploads(response, arguments.name, options);
  return kExitOk;
}

int RunUnmatched(const UnmatchedArguments& arguments, const GlobalOptions& options) {
  absl::StatusOr<std::unique_ptr<OutputFile>> file =
      OutputFile::Create(arguments.output, arguments.force);
  if (!file.ok()) return ReportUsage(file.status(), options);
  absl::Status written;
  const grpc::Status status =
      FetchUnmatched(*NewStub(options), UploadName(arguments.name, arguments.number, options),
                     nullptr, options, **file, &written);
  if (!status.ok()) return ReportFailure(status, options);
  if (written.ok()) written = (*file)->Commit();
  if (!written.ok()) return ReportFailure(written, options);
  return kExitOk;
}

// One byte, or "tab".
std::string CheckDelimiter(const std::string& text) {
  const bool is_one = text.size() == 1 && text != "\"" && text != "\n" && text != "\r";
  return is_one || text == "tab" ? "" : fmt::format("\"{}\" is not one character or tab", text);
}

void RegisterUpload(CLI::App& group, GlobalOptions& options, int& exit_code) {
  auto arguments = std::make_shared<UploadArguments>();
  CLI::App* upload = group.add_subcommand("upload", "Make a list of ids a crowd");
  upload->add_option("NAME", arguments->name, "The crowd's name")->type_name("")->required();
  upload->add_option("FILE", arguments->file, "The ids; - is standard input")
      ->type_name("")
      ->required();
  upload->add_option("--id-type", arguments->id_type, "Their type; the primary one unless given")
      ->type_name("TYPE");
  upload
      ->add_option(
          "--mode", arguments->mode,
          "replace: the crowd becomes the list; add to, or remove from, its newest version")
      ->check(CLI::IsMember({"replace", "add", "remove"}))
      ->capture_default_str();
  upload->add_flag(
      "--keep-unknown", arguments->keep_unknown,
      "Ids of nobody wait: `throng crowd refresh` finds their users once they are there");
  upload->add_flag("--allow-empty", arguments->allow_empty,
                   "With --mode replace: a file without ids empties the crowd");
  upload->add_option("--column", arguments->column, "The column of the ids: its name, or 1, 2, ...")
      ->type_name("COLUMN");
  upload->add_option("--delimiter", arguments->delimiter, "What splits columns, one byte or tab")
      ->type_name("C")
      ->check(CheckDelimiter, "");
  CLI::Option* header = upload->add_flag("--header,!--no-header", arguments->header,
                                         "The first line is a header, or is none; found out");
  upload->add_option("--unmatched", arguments->unmatched, "A file (CSV) for what was not found")
      ->type_name("FILE");
  upload->add_flag("--force", arguments->force, "Write over that file");
  upload->add_flag("--create,!--no-create", arguments->create,
                   "Make the crowd if there is none (default), or refuse");
  upload->add_option("--folder", arguments->folder, "Where it stands if it is made")
      ->type_name("PATH");
  upload
      ->add_option("--request-id", arguments->request_id,
                   "Names the upload: repeated with the same ids, it changes nothing")
      ->type_name("ID");
  upload->add_flag("--dry-run", arguments->dry_run, "Look the ids up, change nothing");
  upload->footer(kExamples);
  upload->callback([arguments, header, &options, &exit_code] {
    arguments->header_given = header->count() > 0;
    exit_code = UploadRun(*arguments, options).Run();
  });
}

}  // namespace

void RegisterUploadCommands(CLI::App& group, GlobalOptions& options, int& exit_code) {
  RegisterUpload(group, options, exit_code);
  auto arguments = std::make_shared<UnmatchedArguments>();
  const auto add = [&](const char* name, const char* what) {
    CLI::App* command = group.add_subcommand(name, what);
    command->add_option("NAME", arguments->name, "The crowd's name")->type_name("")->required();
    command->footer(kExamples);
    return command;
  };
  add("uploads", "Its uploads, the newest first")->callback([arguments, &options, &exit_code] {
    exit_code = RunUploads(*arguments, options);
  });
  CLI::App* unmatched = add("unmatched", "What an upload did not find, as CSV");
  unmatched->add_option("UPLOAD", arguments->number, "Its number")
      ->type_name("N")
      ->check(CheckWholeNumber, "")
      ->required();
  unmatched->add_option("-o,--output", arguments->output, "The file; default standard output")
      ->type_name("FILE");
  unmatched->add_flag("--force", arguments->force, "Write over the file");
  unmatched->callback(
      [arguments, &options, &exit_code] { exit_code = RunUnmatched(*arguments, options); });
}

}  // namespace throng::cli
