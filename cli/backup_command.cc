// throng backup: create, list.
#include <memory>
#include <string>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/table.h"
#include "cli/terminal_text.h"
#include "cli/value_text.h"
#include "fmt/format.h"
#include "throng/v1/admin.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng backup create "$(date +%F)"
  throng backup list
The server writes it below its --backup-dir. throngd restore BACKUP DIR makes a data directory of
one. A backup takes as long as it takes: there is no deadline unless --timeout is given.)help";

Json BackupJson(const v1::Backup& backup) {
  Json populations = Json::array();
  for (const v1::BackedUpPopulation& population : backup.populations()) {
    populations.push_back({{"population", LastPart(population.population())},
                           {"data_version", population.data_version()},
                           {"user_count", population.user_count()}});
  }
  Json json = {{"backup", LastPart(backup.name())},
               {"create_time", nullptr},
               {"size_bytes", backup.size_bytes()},
               {"populations", std::move(populations)},
               {"damage", backup.damage()}};
  if (backup.has_create_time()) json["create_time"] = TimestampText(backup.create_time());
  return json;
}

void AddRow(const v1::Backup& backup, Table& table) {
  if (!backup.damage().empty()) {
    table.AddRow({LastPart(backup.name()), "", "", "damaged: " + backup.damage()});
    return;
  }
  std::string populations;
  for (const v1::BackedUpPopulation& population : backup.populations()) {
    populations += fmt::format("{}{}: {} users at version {}", populations.empty() ? "" : "; ",
                               LastPart(population.population()),
                               FormatCount(population.user_count()), population.data_version());
  }
  table.AddRow({LastPart(backup.name()), TimestampText(backup.create_time()),
                FormatCount(backup.size_bytes()), populations});
}

Table NewTable() {
  return Table({{"BACKUP"}, {"MADE"}, {"BYTES", Table::Align::kRight}, {"POPULATIONS"}});
}

int RunCreate(const std::string& name, const GlobalOptions& options) {
  const auto stub = v1::AdminService::NewStub(Connect(options));
  grpc::ClientContext context;
  SetStreamDeadline(options, context);
  v1::CreateBackupRequest request;
  request.set_backup_id(name);
  v1::Backup backup;
  const grpc::Status status = stub->CreateBackup(&context, request, &backup);
  if (!status.ok()) return ReportFailure(status, options);
  if (options.json) {
    PrintJson(BackupJson(backup));
  } else {
    Table table = NewTable();
    AddRow(backup, table);
    fmt::print("{}", table.Render());
  }
  return kExitOk;
}

int RunList(const GlobalOptions& options) {
  const auto stub = v1::AdminService::NewStub(Connect(options));
  Table table = NewTable();
  Json backups = Json::array();
  v1::ListBackupsRequest request;
  do {
    grpc::ClientContext context;
    SetDeadline(options, context);
    v1::ListBackupsResponse response;
    const grpc::Status status = stub->ListBackups(&context, request, &response);
    if (!status.ok()) return ReportFailure(status, options);
    for (const v1::Backup& backup : response.backups()) {
      backups.push_back(BackupJson(backup));
      AddRow(backup, table);
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  if (options.json) {
    PrintJson({{"backups", std::move(backups)}});
  } else {
    fmt::print("{}", table.Render());
  }
  return kExitOk;
}

}  // namespace

void RegisterBackupCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* backup = app.add_subcommand("backup", "Make and list backups");
  backup->require_subcommand(1);
  backup->footer(kExamples);
  CLI::App* create = backup->add_subcommand("create", "Write a backup of all populations");
  auto name = std::make_shared<std::string>();
  create->add_option("NAME", *name, "Its name: letters, digits, '-', '_', '.'")->required();
  create->callback([name, &options, &exit_code] { exit_code = RunCreate(*name, options); });
  CLI::App* list = backup->add_subcommand("list", "The backups there are, the oldest first");
  list->callback([&options, &exit_code] { exit_code = RunList(options); });
}

}  // namespace throng::cli
