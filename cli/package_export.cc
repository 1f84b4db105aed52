// throng package export: a crowd's version in a file, gone on with where it was cut.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "cli/bounded_queue.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/crowd_output.h"
#include "cli/package_download.h"
#include "cli/package_options.h"
#include "cli/progress_line.h"
#include "cli/terminal_text.h"
#include "cli/value_text.h"
#include "fmt/format.h"
#include "throng/v1/package.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng package export spring -o spring.txt
  throng package export spring -o spring.csv.gz --format csv --compress gzip --tags city,views_7d
  throng package export spring -o phones.txt --id-type phone --hash sha256
  throng package export spring -o new.txt --delta-from 0
  throng package export spring -o spring.txt --resume

Until it is complete and its SHA-256 is that of the server's manifest the file is FILE.partial. When
a download is cut, --resume with the same flags goes on with it.)help";

struct ExportArguments {
  SpecArguments spec;
  std::string path;
  DownloadOptions download;
};

constexpr size_t kFramesAhead = 16;  // of up to 256 KiB each

// Hashes and writes frames on a thread of its own, while the next ones are received. Not
// thread-safe.
class FrameWriter {
 public:
  // Borrows the file, which is the thread's until Finish() has returned.
  explicit FrameWriter(PackageDownload& file) : file_(file), thread_([this] { Run(); }) {}
  ~FrameWriter() { Finish().IgnoreError(); }
  FrameWriter(const FrameWriter&) = delete;
  FrameWriter& operator=(const FrameWriter&) = delete;

  // False when a frame could not be written: Finish() says why.
  bool Push(v1::ExportPackageResponse frame) { return frames_.Push(std::move(frame)); }
  // Waits until all is written. Errors: PackageDownload::Append's.
  absl::Status Finish() {
    frames_.End(absl::OkStatus());
    if (thread_.joinable()) thread_.join();
    return status_;
  }

 private:
  void Run() {
    v1::ExportPackageResponse frame;
    while (status_.ok() && frames_.Pop(frame)) {
      status_ = file_.Append(frame.data(), frame.resume_token());
    }
    frames_.Close();
  }

  PackageDownload& file_;
  BoundedQueue<v1::ExportPackageResponse> frames_{kFramesAhead};
  absl::Status status_;  // the thread's until it was joined
  std::thread thread_;
};

// Reads the stream into the file. The first is the call's status, the second this side's.
std::pair<grpc::Status, absl::Status> Receive(const v1::ExportPackageRequest& request,
                                              const GlobalOptions& options, PackageDownload& file,
                                              v1::PackageManifest& manifest) {
  const auto stub = v1::PackageService::NewStub(Connect(options));
  grpc::ClientContext context;
  SetStreamDeadline(options, context);
  const auto reader = stub->ExportPackage(&context, request);
  // What is sent is not known before, but for a fraction: the users that come are counted at the
  // end.
  ProgressLine progress("Exporting", "bytes");
  uint64_t received = file.bytes();
  bool complete = false;
  FrameWriter writer(file);
  v1::ExportPackageResponse frame;
  while (reader->Read(&frame)) {
    received += frame.data().size();
    progress.Update(received, -1);
    if (frame.has_manifest()) {
      complete = true;
      manifest = frame.manifest();
    }
    if (!writer.Push(std::move(frame))) break;
  }
  const absl::Status status = writer.Finish();
  progress.Clear();
  if (!status.ok()) context.TryCancel();
  const grpc::Status call = reader->Finish();
  if (!status.ok() || !call.ok()) return {status.ok() ? call : grpc::Status::OK, status};
  if (!complete || manifest.files_size() != 1) {
    return {grpc::Status::OK,
            absl::DataLossError("the package broke off: the server did not send its manifest")};
  }
  return {grpc::Status::OK, file.Commit(manifest.files(0))};
}

void PrintSummary(const v1::PackageManifest& manifest, const ExportArguments& arguments,
                  const GlobalOptions& options) {
  if (options.json) {
    Json json = ManifestJson(manifest);
    json["file"] = arguments.path;
    PrintJson(json);
    return;
  }
  const v1::PackageCounts& counts = manifest.counts();
  std::string text = fmt::format("{} users, {} rows, {} bytes in {}\n", FormatCount(counts.users()),
                                 FormatCount(counts.rows()), FormatCount(manifest.files(0).bytes()),
                                 arguments.path == "-" ? "all" : arguments.path);
  if (counts.without_id() > 0) {
    text += fmt::format("{} users have no {}\n", FormatCount(counts.without_id()),
                        manifest.spec().id_type());
  }
  if (manifest.erased_meanwhile() > 0) {
    text +=
        fmt::format("{} users were erased meanwhile\n", FormatCount(manifest.erased_meanwhile()));
  }
  text += fmt::format("version {} of {}, data version {}, sha256 {}\n", manifest.spec().version(),
                      LastPart(manifest.spec().crowd()), manifest.data_version(),
                      manifest.files(0).sha256());
  // Standard output may carry the package.
  fmt::print(arguments.path == "-" ? stderr : stdout, "{}", text);
}

// Whether the call may go on where it ended. A refusal (the version is gone, the token is another
// server's) is the same the next time.
bool IsCut(const grpc::Status& call) {
  return call.ok() || call.error_code() == grpc::StatusCode::UNAVAILABLE ||
         call.error_code() == grpc::StatusCode::CANCELLED ||
         call.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED ||
         call.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED;
}

int RunExport(const ExportArguments& arguments, const GlobalOptions& options) {
  const bool to_stdout = arguments.path == "-";
  if (options.json && to_stdout) {
    return ReportUsage("--json needs a file: with -o - the package is on stdout", options);
  }
  if (arguments.download.resumes && to_stdout) {
    return ReportUsage("--resume needs a file: standard output cannot be gone on with", options);
  }
  v1::ExportPackageRequest request;
  absl::StatusOr<v1::PackageSpec> spec = MakeSpec(arguments.spec, options);
  if (!spec.ok()) return ReportUsage(spec.status(), options);
  *request.mutable_spec() = *std::move(spec);
  const absl::StatusOr<std::unique_ptr<PackageDownload>> file =
      PackageDownload::Open(arguments.path, request, arguments.download);
  if (!file.ok()) return ReportUsage(file.status(), options);
  request.set_resume_token((*file)->token());
  if (!request.resume_token().empty() && !options.json) {
    fmt::print(stderr, "going on behind {} bytes\n", FormatCount((*file)->bytes()));
  }
  v1::PackageManifest manifest;
  const auto [call, local] = Receive(request, options, **file, manifest);
  if (call.ok() && local.ok()) {
    PrintSummary(manifest, arguments, options);
    return kExitOk;
  }
  const int exit_code = call.ok() ? ReportFailure(local, options) : ReportFailure(call, options);
  if (IsCut(call) && (*file)->can_resume() && !options.json) {
    fmt::print(stderr, "The same command with --resume goes on with it.\n");
  }
  return exit_code;
}

}  // namespace

void RegisterPackageExportCommand(CLI::App& group, GlobalOptions& options, int& exit_code) {
  CLI::App* command = group.add_subcommand("export", "A crowd's version in a file of yours");
  auto arguments = std::make_shared<ExportArguments>();
  AddSpecFlags(*command, arguments->spec);
  command->add_option("-o,--out", arguments->path, "The file; \"-\": stdout")
      ->type_name("FILE")
      ->required();
  command->add_flag("--resume", arguments->download.resumes, "Go on with FILE.partial");
  command->add_flag("--force", arguments->download.force, "Replace the file if it exists");
  command->footer(kExamples);
  command->callback(
      [arguments, &options, &exit_code] { exit_code = RunExport(*arguments, options); });
}

}  // namespace throng::cli
