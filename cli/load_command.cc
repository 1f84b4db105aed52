#include "cli/load_command.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/time/clock.h"
#include "cli/batch_sink.h"
#include "cli/bounded_queue.h"
#include "cli/client.h"
#include "cli/json_output.h"
#include "cli/load_stream.h"
#include "cli/progress_line.h"
#include "cli/row_error_log.h"
#include "cli/schema.h"
#include "cli/table.h"
#include "cli/tag_preparation.h"
#include "cli/terminal_text.h"
#include "cli/user_rows.h"
#include "fmt/format.h"
#include "throng/v1/error.pb.h"
#include "throng/v1/tag.grpc.pb.h"
#include "throng/v1/user.grpc.pb.h"

namespace throng::cli {
namespace {

// Batches sent and not yet answered: enough to keep the server busy while answers travel.
constexpr size_t kWindow = 4;
// Batches parsed ahead of the sending.
constexpr size_t kParsedAhead = 2;

constexpr const char* kExamples =
    R"help(The schema maps columns to tags (docs/loading.md); `throng schema infer FILE` drafts
one. Tags that the server does not have are created from it. FILE may end in .gz, and - is standard
input. Unless --no-check is given the whole file is parsed before anything is sent, so that a file
with more than --max-errors bad rows changes nothing.

Examples:
  throng load users.csv --schema schema.toml
  throng load users.csv.gz --schema schema.toml --mode replace --max-errors 100
  throng load bank.csv --schema bank.toml --id row-number --json
  zcat events.gz | throng load - --schema long.toml --format long
  throng load users.csv --schema schema.toml --load-id nightly-2026-06-30   # may be repeated)help";

// A failure of ours in the shape of the server's, so that it is reported alike.
grpc::Status Failure(grpc::StatusCode code, std::string_view reason, const std::string& message) {
  v1::ErrorDetail detail;
  detail.set_reason(std::string(reason));
  v1::Status status;
  status.set_code(static_cast<int>(code));
  status.set_message(message);
  status.add_details()->PackFrom(detail);
  return grpc::Status(code, message, status.SerializeAsString());
}

grpc::Status FileFailure(const absl::Status& status) {
  return Failure(static_cast<grpc::StatusCode>(status.code()), "BAD_FILE",
                 std::string(status.message()));
}

// One run of the command. Not thread-safe.
class LoadRun {
 public:
  LoadRun(const LoadArguments& arguments, const GlobalOptions& options,
          const MakeBatchSink& make_sink, Schema schema)
      : arguments_(arguments),
        options_(options),
        make_sink_(make_sink),
        schema_(std::move(schema)),
        log_(arguments.file == "-" ? "standard input" : arguments.file) {}

  int Run() {
    const std::shared_ptr<grpc::Channel> channel = Connect(options_);
    const auto tags = v1::TagService::NewStub(channel);
    TagPlan plan;
    grpc::Status status = PlanTags(*tags, options_, schema_, plan);
    if (status.ok()) status = RefuseMissingTags(plan);
    if (status.ok()) status = CheckFile();
    if (status.ok()) status = OpenForSending();
    if (status.ok()) status = CreateTags(*tags, options_, plan);
    if (status.ok()) status = SendFile();
    log_.PrintRest();
    if (!status.ok()) return ReportFailure(status, options_);
    PrintSummary();
    return kExitOk;
  }

 private:
  bool is_replace() const { return arguments_.mode == "replace"; }
  bool TooManyErrors() const { return log_.refused_rows() > arguments_.max_errors; }

  grpc::Status RefuseMissingTags(const TagPlan& plan) const {
    if (arguments_.create_tags || plan.missing.empty()) return grpc::Status::OK;
    std::string names;
    for (const TagSchema* tag : plan.missing) {
      names += fmt::format("{}'{}'", names.empty() ? "" : ", ", tag->name);
    }
    return Failure(grpc::StatusCode::NOT_FOUND, "UNKNOWN_TAG",
                   fmt::format("the server does not have {} {}; without --no-create-tags the load "
                               "creates what is missing",
                               plan.missing.size() == 1 ? "tag" : "tags", names));
  }

  grpc::Status RowsRefused(uint64_t rows, std::string_view consequence) const {
    return Failure(grpc::StatusCode::INVALID_ARGUMENT, "ROWS_REFUSED",
                   fmt::format("{} of {} rows cannot be used, more than --max-errors {}: {}",
                               log_.refused_rows(), rows, arguments_.max_errors, consequence));
  }

  // Parses the whole file, sends nothing.
  grpc::Status CheckFile() {
    const bool needed =
        !arguments_.no_check && arguments_.file != "-" && schema_.form == Schema::Form::kWide;
    if (!needed) return grpc::Status::OK;
    absl::StatusOr<std::unique_ptr<UserRows>> rows =
        UserRows::Open(arguments_.file, schema_, &log_);
    if (!rows.ok()) return FileFailure(rows.status());
    ProgressLine progress("Checking", "rows");
    (*rows)->set_on_progress([&](const FilePosition& position) {
      progress.Update(position.rows, FractionOf(position));
    });
    ParsedRow row;
    uint64_t line = 0;
    while (true) {
      const absl::StatusOr<bool> more = (*rows)->Next(row, line);
      if (!more.ok()) {
        progress.Clear();
        return FileFailure(more.status());
      }
      if (!*more) break;
      ++rows_checked_;
    }
    progress.Clear();
    checked_ = true;
    rows_in_file_ = (*rows)->rows_read();
    refused_in_check_ = (*rows)->rows_refused();
    if (TooManyErrors()) return RowsRefused((*rows)->rows_read(), "nothing was sent");
    return grpc::Status::OK;
  }

  // Opens the file, again if it was checked; the long form is read here as a whole.
  grpc::Status OpenForSending() {
    absl::StatusOr<std::unique_ptr<UserRows>> rows =
        UserRows::Open(arguments_.file, schema_, checked_ ? nullptr : &log_);
    if (!rows.ok()) return FileFailure(rows.status());
    rows_ = *std::move(rows);
    ProgressLine progress("Reading", "rows");
    rows_->set_on_progress([&](const FilePosition& position) {
      progress.Update(position.rows, FractionOf(position));
    });
    const absl::Status status = rows_->Prepare();
    progress.Clear();
    if (!status.ok()) return FileFailure(status);
    if (TooManyErrors()) return RowsRefused(rows_->rows_read(), "nothing was sent");
    rows_->set_on_progress([this](const FilePosition& position) {
      fraction_read_.store(FractionOf(position), std::memory_order_relaxed);
    });
    return grpc::Status::OK;
  }

  static double FractionOf(const FilePosition& position) {
    if (position.bytes_total == 0) return -1;
    return static_cast<double>(position.bytes) / static_cast<double>(position.bytes_total);
  }

  v1::LoadHeader Header() const {
    v1::LoadHeader header;
    header.set_population(PopulationName(options_));
    header.set_mode(is_replace() ? v1::LOAD_MODE_REPLACE : v1::LOAD_MODE_UPSERT);
    header.set_unknown_ids(arguments_.unknown_ids == "skip"    ? v1::UNKNOWN_IDS_SKIP
                           : arguments_.unknown_ids == "error" ? v1::UNKNOWN_IDS_ERROR
                                                               : v1::UNKNOWN_IDS_CREATE);
    for (const TagSchema& tag : schema_.tags) header.add_tags(tag.name);
    header.set_load_id(arguments_.load_id);
    header.set_id_type(arguments_.id_type);
    header.set_max_errors(arguments_.max_errors - log_.refused_rows());
    header.set_confirm_coverage_fall(arguments_.confirm_coverage_fall);
    return header;
  }

  // The parsing thread.
  absl::Status ParseInto(BoundedQueue<LoadBatch>& queue) {
    BatchBuilder builder(schema_, arguments_.batch_rows);
    ParsedRow row;
    uint64_t line = 0;
    uint64_t batch_number = 0;
    uint64_t refused = rows_->rows_refused();
    while (true) {
      const absl::StatusOr<bool> more = rows_->Next(row, line);
      if (!more.ok()) return more.status();
      if (std::exchange(refused, rows_->rows_refused()) != rows_->rows_refused() &&
          TooManyErrors()) {
        return absl::OkStatus();  // the sending thread sees it too
      }
      if (!*more) break;
      builder.Add(row, line);
      if (builder.full() && !queue.Push(builder.Take(++batch_number))) return absl::OkStatus();
    }
    if (checked_ && (rows_->rows_read() != rows_in_file_ || refused != refused_in_check_)) {
      return absl::AbortedError(
          fmt::format("{}: the file changed while it was loaded", arguments_.file));
    }
    if (builder.rows() > 0) queue.Push(builder.Take(++batch_number));
    return absl::OkStatus();
  }

  grpc::Status SendFile() {
    const std::unique_ptr<BatchSink> sink = make_sink_(&log_);
    sink->Start(Header());
    BoundedQueue<LoadBatch> queue(kParsedAhead);
    std::thread parser([&] { queue.End(ParseInto(queue)); });
    ProgressLine progress("Loading", "rows");
    LoadBatch batch;
    while (queue.Pop(batch)) {
      if (TooManyErrors() || !sink->Send(std::move(batch))) break;
      progress.Update(sink->rows_answered(), FractionSent(sink->rows_answered()));
    }
    queue.Close();
    parser.join();
    const grpc::Status status = End(*sink, queue.status());
    progress.Clear();
    if (!status.ok() && !is_replace() && sink->data_version() > 0) {
      fmt::print(stderr, "note: {} rows were loaded before the failure, up to data version {}{}\n",
                 FormatCount(sink->rows_answered()), sink->data_version(),
                 arguments_.load_id.empty() ? "" : "; the same --load-id goes on from there");
    }
    return status;
  }

  // Ends the stream well, or cancels it when the file turned out to be bad: nothing that a REPLACE
  // has staged may then be shown.
  grpc::Status End(BatchSink& sink, const absl::Status& parsed) {
    if (!parsed.ok()) {
      sink.Cancel();
      return FileFailure(parsed);
    }
    if (TooManyErrors()) {
      sink.Cancel();
      return RowsRefused(rows_->rows_read(),
                         is_replace() ? "the old content stays" : "the load was stopped");
    }
    return sink.Finish(summary_);
  }

  double FractionSent(uint64_t rows_answered) const {
    if (rows_checked_ > 0) {
      return static_cast<double>(rows_answered) / static_cast<double>(rows_checked_);
    }
    return fraction_read_.load(std::memory_order_relaxed);
  }

  void PrintSummary() const {
    const double seconds = absl::ToDoubleSeconds(absl::Now() - start_);
    const auto rate =
        static_cast<uint64_t>(static_cast<double>(summary_.rows()) / std::max(seconds, 0.001));
    const uint64_t refused = rows_->rows_refused() + summary_.rows_refused();
    const uint64_t skipped = rows_->rows_skipped() + summary_.rows_skipped();
    if (options_.json) {
      PrintJson(Json{{"rows", summary_.rows()},
                     {"rows_refused", refused},
                     {"rows_skipped", skipped},
                     {"users_created", summary_.users_created()},
                     {"batches_repeated", summary_.batches_repeated()},
                     {"data_version", summary_.data_version()},
                     {"seconds", seconds},
                     {"rows_per_second", rate}});
      return;
    }
    fmt::print("{} rows loaded in {} ({} rows/s)\n", FormatCount(summary_.rows()),
               DurationText(absl::Seconds(seconds)), FormatCount(rate));
    Table table({{"", Table::Align::kLeft}, {"", Table::Align::kRight}});
    table.AddRow({"users created", FormatCount(summary_.users_created())});
    table.AddRow({"rows refused", FormatCount(refused)});
    table.AddRow({"rows skipped", FormatCount(skipped)});
    if (summary_.batches_repeated() > 0) {
      table.AddRow({"batches loaded before", FormatCount(summary_.batches_repeated())});
    }
    table.AddRow({"data version", std::to_string(summary_.data_version())});
    fmt::print("{}", table.Render());
  }

  const LoadArguments& arguments_;
  const GlobalOptions& options_;
  const MakeBatchSink& make_sink_;
  const Schema schema_;
  const absl::Time start_ = absl::Now();
  RowErrorLog log_;
  std::unique_ptr<UserRows> rows_;
  // What the check found: rows that can be used, all rows, refused rows.
  bool checked_ = false;
  uint64_t rows_checked_ = 0;
  uint64_t rows_in_file_ = 0;
  uint64_t refused_in_check_ = 0;
  std::atomic<double> fraction_read_ = -1;
  v1::LoadSummary summary_;
};

}  // namespace

int RunLoad(const LoadArguments& arguments, const GlobalOptions& options) {
  return RunLoad(arguments, options, [&](RowErrorLog* log) {
    auto stream =
        std::make_unique<LoadStream>(v1::UserService::NewStub(Connect(options)), kWindow, log);
    SetStreamDeadline(options, stream->context());
    return stream;
  });
}

int RunLoad(const LoadArguments& arguments, const GlobalOptions& options,
            const MakeBatchSink& make_sink) {
  SchemaOverrides overrides;
  if (!arguments.format.empty()) {
    overrides.form = arguments.format == "long" ? Schema::Form::kLong : Schema::Form::kWide;
  }
  if (!arguments.id_column.empty()) overrides.id_column = arguments.id_column;
  overrides.id_is_row_number = arguments.id == "row-number";
  absl::StatusOr<Schema> schema = ReadSchema(arguments.schema, overrides);
  if (!schema.ok()) return ReportUsage(schema.status(), options);
  if (arguments.file != "-") {
    const absl::StatusOr<std::unique_ptr<ByteSource>> source = OpenByteSource(arguments.file);
    if (!source.ok()) return ReportUsage(source.status(), options);
  } else if (schema->form == Schema::Form::kWide && !arguments.no_check &&
             arguments.mode != "replace") {
    return ReportUsage(
        "standard input can be read only once and so not be checked before it is sent: give "
        "--no-check (rows before a bad one are then loaded) or --mode replace",
        options);
  }
  return LoadRun(arguments, options, make_sink, *std::move(schema)).Run();
}

void AddLoadOptions(CLI::App& command, LoadArguments& arguments) {
  command.add_option("file", arguments.file, "The file; - is standard input")
      ->type_name("FILE")
      ->required();
  command.add_option("--schema", arguments.schema, "Which column is which tag (TOML)")
      ->type_name("SCHEMA.toml")
      ->required();
  command
      .add_option("--mode", arguments.mode,
                  "upsert: change the users in the file; replace: "
                  "the file becomes the whole content of its tags")
      ->check(CLI::IsMember({"upsert", "replace"}))
      ->capture_default_str();
  command.add_option("--unknown-ids", arguments.unknown_ids, "What to do with ids of no user")
      ->check(CLI::IsMember({"create", "skip", "error"}))
      ->capture_default_str();
  command
      .add_option("--format", arguments.format,
                  "One row a user, or one row a value; the "
                  "schema says unless given")
      ->check(CLI::IsMember({"wide", "long"}));
  CLI::Option* column =
      command.add_option("--id-column", arguments.id_column, "The column of the user's id")
          ->type_name("COLUMN");
  command.add_option("--id", arguments.id, "row-number: rows count as ids 1, 2, 3, ...")
      ->check(CLI::IsMember({"row-number"}))
      ->excludes(column);
  command
      .add_option("--max-errors", arguments.max_errors,
                  "Bad rows to leave out; one more stops the load")
      ->type_name("N")
      ->capture_default_str();
  command.add_option("--batch-rows", arguments.batch_rows, "Rows sent at a time")
      ->check(CLI::Range(uint64_t{1}, uint64_t{kBatchRowsMax}))
      ->type_name("N")
      ->capture_default_str();
  command
      .add_option("--id-type", arguments.id_type,
                  "The type of the file's ids; with one that is not primary, give --unknown-ids "
                  "skip or error")
      ->type_name("TYPE");
  command.add_flag("--create-tags,!--no-create-tags", arguments.create_tags,
                   "Create tags that the server does not have (default), or refuse them");
  command.add_flag("--confirm-coverage-fall", arguments.confirm_coverage_fall,
                   "Replace a tag even if it then covers less than 80 % of the users it had");
  command.add_flag("--no-check", arguments.no_check, "Do not parse the file before sending it");
}

void RegisterLoadCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* command = app.add_subcommand("load", "Load a delimited file");
  auto arguments = std::make_shared<LoadArguments>();
  AddLoadOptions(*command, *arguments);
  command
      ->add_option("--load-id", arguments->load_id,
                   "Names the load: repeated, it does not apply a batch again")
      ->type_name("ID");
  command->footer(kExamples);
  command->callback(
      [arguments, &options, &exit_code] { exit_code = RunLoad(*arguments, options); });
}

}  // namespace throng::cli
