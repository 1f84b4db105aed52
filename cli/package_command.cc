// throng package: create, get, list, cancel, delete: jobs that write packages on the server.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/crowd_output.h"
#include "cli/flag_checks.h"
#include "cli/package_options.h"
#include "cli/progress_line.h"
#include "cli/table.h"
#include "cli/terminal_text.h"
#include "cli/value_text.h"
#include "fmt/format.h"
#include "throng/v1/package.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng package export spring -o spring.txt
  throng package create spring --format csv --tags city --compress zstd --files 8 --wait
  throng package list
  throng package get 20240315-100000-0001 --json
  throng package cancel 20240315-100000-0001
  throng package delete 20240315-100000-0001)help";

constexpr absl::Duration kPollEvery = absl::Milliseconds(200);

struct CreateArguments {
  SpecArguments spec;
  std::uint32_t files = 1;
  std::string prefix;
  std::string request_id;
  bool dry_run = false;
  bool waits = false;
};

std::unique_ptr<v1::PackageService::Stub> NewStub(const GlobalOptions& options) {
  return v1::PackageService::NewStub(Connect(options));
}

std::string PackageName(const std::string& name, const GlobalOptions& options) {
  return fmt::format("{}/packages/{}", PopulationName(options), name);
}

bool IsUnderWay(const v1::Package& package) {
  return package.state() == v1::PACKAGE_STATE_QUEUED ||
         package.state() == v1::PACKAGE_STATE_RUNNING;
}

// Asks until the job has ended.
grpc::Status Await(v1::PackageService::Stub& stub, const GlobalOptions& options,
                   v1::Package* package) {
  ProgressLine progress("Writing", "users");
  v1::GetPackageRequest request;
  request.set_name(package->name());
  grpc::Status status;
  while (status.ok() && IsUnderWay(*package)) {
    absl::SleepFor(kPollEvery);
    grpc::ClientContext context;
    SetDeadline(options, context);
    status = stub.GetPackage(&context, request, package);
    const std::uint64_t done = package->counts().users() + package->counts().without_id();
    progress.Update(done, package->total() == 0
                              ? -1
                              : static_cast<double>(done) / static_cast<double>(package->total()));
  }
  progress.Clear();
  return status;
}

int RunCreate(const CreateArguments& arguments, const GlobalOptions& options) {
  v1::CreatePackageRequest request;
  absl::StatusOr<v1::PackageSpec> spec = MakeSpec(arguments.spec, options);
  if (!spec.ok()) return ReportUsage(spec.status(), options);
  *request.mutable_spec() = *std::move(spec);
  request.set_file_count(arguments.files);
  request.set_file_prefix(arguments.prefix);
  request.set_request_id(arguments.request_id);
  request.set_validate_only(arguments.dry_run);
  const auto stub = NewStub(options);
  v1::Package package;
  grpc::ClientContext context;
  SetDeadline(options, context);
  grpc::Status status = stub->CreatePackage(&context, request, &package);
  if (status.ok() && arguments.waits) status = Await(*stub, options, &package);
  if (!status.ok()) return ReportFailure(status, options);
  PrintPackage(package, options);
  const bool went_wrong =
      arguments.waits && !arguments.dry_run && package.state() != v1::PACKAGE_STATE_READY;
  return went_wrong ? kExitFailed : kExitOk;
}

// Makes a call about one package, and prints the package.
template <typename Request>
int RunAbout(const std::string& name, const GlobalOptions& options,
             grpc::Status (v1::PackageService::Stub::*call)(grpc::ClientContext*, const Request&,
                                                            v1::Package*)) {
  Request request;
  request.set_name(PackageName(name, options));
  v1::Package package;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const auto stub = NewStub(options);
  const grpc::Status status = (stub.get()->*call)(&context, request, &package);
  if (!status.ok()) return ReportFailure(status, options);
  PrintPackage(package, options);
  return kExitOk;
}

int RunGet(const std::string& name, const GlobalOptions& options) {
  return RunAbout(name, options, &v1::PackageService::Stub::GetPackage);
}

int RunCancel(const std::string& name, const GlobalOptions& options) {
  return RunAbout(name, options, &v1::PackageService::Stub::CancelPackage);
}

int RunDelete(const std::string& name, const GlobalOptions& options) {
  v1::DeletePackageRequest request;
  request.set_name(PackageName(name, options));
  v1::DeletePackageResponse response;
  grpc::ClientContext context;
  SetDeadline(options, context);
  const grpc::Status status = NewStub(options)->DeletePackage(&context, request, &response);
  if (!status.ok()) return ReportFailure(status, options);
  if (options.json) {
    PrintJson({{"package", name}, {"deleted", true}});
  } else {
    fmt::print("deleted {}\n", Printable(name));
  }
  return kExitOk;
}

int RunList(const GlobalOptions& options) {
  const auto stub = NewStub(options);
  Table table({{"PACKAGE"},
               {"STATE"},
               {"CROWD"},
               {"VERSION", Table::Align::kRight},
               {"USERS", Table::Align::kRight},
               {"OF", Table::Align::kRight},
               {"BYTES", Table::Align::kRight},
               {"FORMAT"}});
  Json packages = Json::array();
  v1::ListPackagesRequest request;
  request.set_parent(PopulationName(options));
  v1::ListPackagesResponse response;
  do {
    grpc::ClientContext context;
    SetDeadline(options, context);
    const grpc::Status status = stub->ListPackages(&context, request, &response);
    if (!status.ok()) return ReportFailure(status, options);
    for (const v1::Package& package : response.packages()) {
      packages.push_back(PackageJson(package));
      table.AddRow({LastPart(package.name()), PackageStateText(package.state()),
                    LastPart(package.spec().crowd()), std::to_string(package.spec().version()),
                    FormatCount(package.counts().users()), FormatCount(package.total()),
                    FormatCount(package.bytes()), SpecText(package.spec())});
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  if (options.json) {
    PrintJson({{"packages", std::move(packages)}});
  } else {
    fmt::print("{}", table.Render());
  }
  return kExitOk;
}

void RegisterCreate(CLI::App& group, GlobalOptions& options, int& exit_code) {
  auto arguments = std::make_shared<CreateArguments>();
  CLI::App* command = group.add_subcommand("create", "Have the server write one (--package-dir)");
  AddSpecFlags(*command, arguments->spec);
  command->add_option("--files", arguments->files, "Into so many files; default 1")
      ->type_name("N")
      ->check(CheckWholeNumber, "");
  command->add_option("--prefix", arguments->prefix, "Of the files' names; default \"part\"")
      ->type_name("NAME");
  command->add_option("--request-id", arguments->request_id, "A retry with it starts nothing")
      ->type_name("ID");
  command->add_flag("--wait", arguments->waits, "Wait until it is written");
  command->add_flag("--dry-run", arguments->dry_run, "Check only");
  command->footer(kExamples);
  command->callback(
      [arguments, &options, &exit_code] { exit_code = RunCreate(*arguments, options); });
}

}  // namespace

void RegisterPackageCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* group = app.add_subcommand("package", "Export versions of crowds");
  group->require_subcommand(1, 1);
  group->footer(kExamples);
  RegisterPackageExportCommand(*group, options, exit_code);
  RegisterCreate(*group, options, exit_code);
  auto name = std::make_shared<std::string>();
  const auto add = [&](const char* command_name, const char* what,
                       int (*run)(const std::string&, const GlobalOptions&)) {
    CLI::App* command = group->add_subcommand(command_name, what);
    command->add_option("PACKAGE", *name, "The package's name")->type_name("")->required();
    command->footer(kExamples);
    command->callback([name, run, &options, &exit_code] { exit_code = run(*name, options); });
  };
  add("get", "One package: its state and its files", &RunGet);
  add("cancel", "End a job", &RunCancel);
  add("delete", "Remove a package and its files from the server", &RunDelete);
  CLI::App* list = group->add_subcommand("list", "All packages, and jobs that write them");
  list->footer(kExamples);
  list->callback([&options, &exit_code] { exit_code = RunList(options); });
}

}  // namespace throng::cli
