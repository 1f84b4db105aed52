#include "server/import_command.h"

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/batch_sink.h"
#include "cli/client.h"
#include "cli/global_options.h"
#include "index/error.h"
#include "server/engine/engine.h"
#include "server/service/convert_batch.h"
#include "server/service/server.h"
#include "server/service/status_mapping.h"
#include "throng/v1/user.pb.h"

namespace throng {
namespace {

constexpr const char* kExamples =
    R"help(Takes what `throng load` takes, and writes to the data directory itself: faster, for the
first load of a site or a load while the server is stopped. The file becomes the whole content of
its tags, or with --mode upsert changes the users in it. Everything is on the disk when it ends. One
that was cut short is run again and ends as if it had not been: until then --mode replace shows the
old content, --mode upsert a part of the new one.

Examples:
  throngd import users.csv --schema schema.toml --data-dir /var/lib/throng
  zcat users.csv.gz | throngd import - --schema schema.toml --data-dir data --max-errors 100

Exit codes:
  0  imported
  1  the file has too many bad rows or cannot be read, or the disk refuses
  2  wrong usage, or the directory cannot be used: a server uses it, it is damaged, or a newer
     version wrote it)help";

// Hands batches to the engine as they are, on the caller's thread. For one thread.
class EngineSink final : public cli::BatchSink {
 public:
  // Both must outlive the sink.
  EngineSink(engine::Engine& engine, cli::RowErrorLog* log) : engine_(engine), log_(log) {}

  void Start(const v1::LoadHeader& header) override { status_ = Begin(header); }

  bool Send(cli::LoadBatch batch) override {
    if (!status_.ok()) return false;
    status_ = Write(batch);
    if (!status_.ok()) failed_lines_ = std::move(batch.lines);
    return status_.ok();
  }

  grpc::Status Finish(v1::LoadSummary& summary) override {
    if (status_.ok()) status_ = End(summary);
    const grpc::Status status = service::ToGrpcStatus(status_);
    if (!status.ok()) cli::LogFailedRow(status, failed_lines_, *log_);
    return status;
  }

  void Cancel() override { session_.reset(); }

  uint64_t rows_answered() const override { return rows_; }
  uint64_t data_version() const override { return data_version_; }

 private:
  absl::Status Begin(const v1::LoadHeader& proto) {
    THRONG_ASSIGN_OR_RETURN(const engine::LoadHeader header, service::ToLoadHeader(proto));
    THRONG_ASSIGN_OR_RETURN(session_, engine_.writer().StartLoad(context_, header));
    return absl::OkStatus();
  }

  absl::Status Write(const cli::LoadBatch& batch) {
    THRONG_ASSIGN_OR_RETURN(const engine::ColumnBatch columns,
                            service::ToColumnBatch(batch.request.batch()));
    THRONG_ASSIGN_OR_RETURN(const engine::LoadProgress progress,
                            session_->Write(context_, columns));
    if (!progress.errors.empty()) {
      v1::LoadProgress proto;
      service::ProgressToProto(progress, &proto);
      cli::LogRowErrors(proto, batch.lines, *log_);
    }
    rows_ += batch.lines.size();
    data_version_ = progress.data_version;
    return absl::OkStatus();
  }

  absl::Status End(v1::LoadSummary& summary) {
    THRONG_ASSIGN_OR_RETURN(const engine::LoadSummary result, session_->Finish(context_));
    THRONG_RETURN_IF_ERROR(engine_.administration().Fold());
    service::SummaryToProto(result, &summary);
    return absl::OkStatus();
  }

  engine::Engine& engine_;
  cli::RowErrorLog* const log_;
  const engine::CallContext context_ = engine::CallContext::Internal();
  std::unique_ptr<engine::LoadSession> session_;
  absl::Status status_;
  std::vector<uint64_t> failed_lines_;  // of the batch that ended the load
  uint64_t rows_ = 0;
  uint64_t data_version_ = 0;
};

}  // namespace

int RunImport(const ImportArguments& arguments) {
  cli::GlobalOptions options;
  options.server = "this process";
  options.population = arguments.population;
  options.json = arguments.json;
  absl::StatusOr<std::unique_ptr<engine::Engine>> engine = engine::Engine::Open(
      {.directory = arguments.directory, .sync = false, .query_threads = arguments.threads});
  if (!engine.ok()) {
    static_cast<void>(cli::ReportFailure(service::ToGrpcStatus(engine.status()), options));
    return cli::kExitUsage;
  }
  absl::StatusOr<std::unique_ptr<service::Server>> server =
      service::Server::StartInProcess(service::ServiceLimits());
  if (!server.ok()) return cli::ReportFailure(service::ToGrpcStatus(server.status()), options);
  (*server)->Serve(engine->get());
  options.channel = (*server)->InProcessChannel(cli::ChannelArguments());
  cli::LoadArguments load = arguments.load;
  load.no_check |= load.mode == "replace";  // all or nothing needs no look through the file first
  const int exit_code = cli::RunLoad(load, options, [&](cli::RowErrorLog* log) {
    return std::make_unique<EngineSink>(**engine, log);
  });
  options.channel.reset();
  (*server)->Shutdown(std::chrono::milliseconds(0));
  return exit_code;
}

void RegisterImportCommand(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("import", "Load a delimited file into a directory that no server uses");
  auto arguments = std::make_shared<ImportArguments>();
  arguments->load.mode = "replace";
  command->add_option("--data-dir", arguments->directory, "The data directory; made if missing")
      ->type_name("DIR")
      ->required();
  command->add_option("--population", arguments->population, "The population to load")
      ->type_name("NAME")
      ->capture_default_str();
  cli::AddLoadOptions(*command, arguments->load);
  command->add_option("--threads", arguments->threads, "Engine threads; 0: one a core")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command->add_flag("--json", arguments->json, "Print JSON");
  command->footer(kExamples);
  command->callback([arguments, &exit_code] { exit_code = RunImport(*arguments); });
}

}  // namespace throng
