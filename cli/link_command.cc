// throng link: links ids to users, from a file or one user's.
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/delimited_reader.h"
#include "cli/json_output.h"
#include "cli/table.h"
#include "cli/terminal_text.h"
#include "cli/value_text.h"
#include "fmt/format.h"
#include "throng/v1/user.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr int kEntriesMax = 10'000;  // of a call

constexpr const char* kExamples =
    R"help(FILE is delimited, with a header line, then a row a link: the
primary id, then the id. Up to 10,000 rows are linked at once; an id of another user stops the work
and leaves out all of its 10,000 rows. What is linked already changes nothing: a file may be
sent again.

Examples:
  throng link phones.csv --id-type phone
  throng link phones.csv.gz --id-type phone --unknown-ids skip
  throng link 10001 --id phone=+86-138-0000-1111 --id email=ana@example.com)help";

struct LinkArguments {
  std::string target;  // a file, or a user where ids are given
  std::string id_type;
  std::vector<std::string> ids;
  std::string unknown_ids = "error";
  std::string delimiter = ",";
};

class LinkRun {
 public:
  LinkRun(const LinkArguments& arguments, const GlobalOptions& options)
      : arguments_(arguments),
        options_(options),
        stub_(v1::UserService::NewStub(Connect(options))) {}

  int RunUser() {
    v1::LinkIdsEntry& entry = *request_.add_entries();
    entry.set_id(arguments_.target);
    for (const std::string& pair : arguments_.ids) {
      const size_t equals = pair.find('=');
      if (equals == std::string::npos) {
        return ReportUsage(fmt::format("--id {}: its form is TYPE=ID", pair), options_);
      }
      entry.add_ids()->set_id_type(pair.substr(0, equals));
      entry.mutable_ids()->rbegin()->set_id(pair.substr(equals + 1));
    }
    const grpc::Status status = Send();
    return status.ok() ? Print() : ReportFailure(status, options_);
  }

  int RunFile() {
    DelimitedOptions form;
    form.delimiter = arguments_.delimiter == "tab" ? '\t' : arguments_.delimiter[0];
    absl::StatusOr<std::unique_ptr<DelimitedReader>> reader =
        DelimitedReader::Open(arguments_.target, form);
    if (!reader.ok()) return ReportUsage(reader.status(), options_);
    bool is_header = true;
    while (true) {
      const absl::StatusOr<bool> more = (*reader)->Next();
      if (!more.ok()) return ReportFailure(more.status(), options_);
      if (!*more) break;
      if (const absl::Status fault = FaultOf(**reader); !fault.ok()) {
        return ReportFailure(fault, options_);
      }
      if (std::exchange(is_header, false)) continue;
      if (!Add(**reader)) return exit_code_;
    }
    if (request_.entries_size() > 0 && !SendOrReport()) return exit_code_;
    return Print();
  }

 private:
  static absl::Status FaultOf(const DelimitedReader& reader) {
    if (reader.problem().has_value()) {
      return absl::InvalidArgumentError(fmt::format(
          "{}, line {}: {}", reader.name(), reader.problem()->line, reader.problem()->reason));
    }
    if (reader.fields().size() == 2) return absl::OkStatus();
    return absl::InvalidArgumentError(
        fmt::format("{}, line {}: {} columns; there must be two, the primary id and the id",
                    reader.name(), reader.line(), reader.fields().size()));
  }

  bool Add(const DelimitedReader& reader) {
    v1::LinkIdsEntry& entry = *request_.add_entries();
    entry.set_id(std::string(reader.fields()[0]));
    v1::TypedId& id = *entry.add_ids();
    id.set_id_type(arguments_.id_type);
    id.set_id(std::string(reader.fields()[1]));
    return request_.entries_size() < kEntriesMax || SendOrReport();
  }

  bool SendOrReport() {
    const grpc::Status status = Send();
    if (status.ok()) return true;
    exit_code_ = ReportFailure(status, options_);
    if (!options_.json) {
      fmt::print(stderr, "note: {} rows before these were linked\n", FormatCount(rows_));
    }
    return false;
  }

  grpc::Status Send() {
    request_.set_population(PopulationName(options_));
    request_.set_unknown_ids(arguments_.unknown_ids == "create" ? v1::UNKNOWN_IDS_CREATE
                             : arguments_.unknown_ids == "skip" ? v1::UNKNOWN_IDS_SKIP
                                                                : v1::UNKNOWN_IDS_ERROR);
    grpc::ClientContext context;
    SetDeadline(options_, context);
    v1::LinkIdsResponse response;
    const grpc::Status status = stub_->LinkIds(&context, request_, &response);
    if (!status.ok()) return status;
    rows_ += static_cast<uint64_t>(request_.entries_size());
    total_.set_data_version(response.data_version());
    total_.set_users_created(total_.users_created() + response.users_created());
    total_.set_users_skipped(total_.users_skipped() + response.users_skipped());
    total_.set_ids_linked(total_.ids_linked() + response.ids_linked());
    total_.set_ids_known(total_.ids_known() + response.ids_known());
    request_.clear_entries();
    return status;
  }

  int Print() const {
    if (options_.json) {
      PrintJson({{"ids_linked", total_.ids_linked()},
                 {"ids_known", total_.ids_known()},
                 {"users_created", total_.users_created()},
                 {"users_skipped", total_.users_skipped()},
                 {"data_version", total_.data_version()}});
      return kExitOk;
    }
    Table table({{""}, {"", Table::Align::kRight}});
    table.AddRow({"ids linked", FormatCount(total_.ids_linked())});
    table.AddRow({"linked before", FormatCount(total_.ids_known())});
    table.AddRow({"users created", FormatCount(total_.users_created())});
    table.AddRow({"users skipped", FormatCount(total_.users_skipped())});
    table.AddRow({"data version", std::to_string(total_.data_version())});
    fmt::print("{}", table.Render());
    return kExitOk;
  }

  const LinkArguments& arguments_;
  const GlobalOptions& options_;
  const std::unique_ptr<v1::UserService::Stub> stub_;
  v1::LinkIdsRequest request_;
  v1::LinkIdsResponse total_;
  uint64_t rows_ = 0;
  int exit_code_ = kExitFailed;
};

int RunLink(const LinkArguments& arguments, const GlobalOptions& options) {
  LinkRun run(arguments, options);
  if (!arguments.ids.empty()) return run.RunUser();
  if (arguments.id_type.empty()) {
    return ReportUsage(
        "say of which --id-type the file's ids are, or give a user's ids as --id TYPE=ID", options);
  }
  return run.RunFile();
}

}  // namespace

void RegisterLinkCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* command = app.add_subcommand("link", "Link ids to users");
  auto arguments = std::make_shared<LinkArguments>();
  command->add_option("FILE", arguments->target, "The file; with --id: the user's primary id")
      ->type_name("")
      ->required();
  CLI::Option* id = command->add_option("--id", arguments->ids, "An id of USER; may be repeated")
                        ->type_name("TYPE=ID")
                        ->allow_extra_args(false);
  command->add_option("--id-type", arguments->id_type, "The type of the file's ids")
      ->type_name("TYPE")
      ->excludes(id);
  command
      ->add_option("--unknown-ids", arguments->unknown_ids,
                   "What to do with primary ids of no user")
      ->check(CLI::IsMember({"create", "skip", "error"}))
      ->capture_default_str();
  command->add_option("--delimiter", arguments->delimiter, "Between the columns")
      ->check(CLI::IsMember({",", ";", "|", "tab"}))
      ->capture_default_str();
  command->footer(kExamples);
  command->callback(
      [arguments, &options, &exit_code] { exit_code = RunLink(*arguments, options); });
}

}  // namespace throng::cli
