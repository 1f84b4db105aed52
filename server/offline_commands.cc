#include "server/offline_commands.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fmt/format.h"
#include "index/parallel.h"
#include "nlohmann/json.hpp"
#include "storage/backup.h"
#include "storage/verify.h"

namespace throng {
namespace {

using Json = nlohmann::ordered_json;
using storage::ReportedFinding;
using storage::VerifyReport;

void PrintJson(const Json& json) {
  fmt::print("{}\n", json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

// Damage is a finding; all else keeps the command from its work.
int ReportError(const absl::Status& status, bool json) {
  const std::string message(status.message());
  if (json) {
    PrintJson(
        {{"error", {{"code", absl::StatusCodeToString(status.code())}, {"message", message}}}});
  } else {
    fmt::print(stderr, "error: {}\n", message);
  }
  return absl::IsDataLoss(status) ? kExitFindings : kExitCannot;
}

uint32_t Threads() { return std::max(1u, std::thread::hardware_concurrency()); }

// Tags that to load anew would mend, by population.
std::set<std::pair<std::string, std::string>> TagsToReload(const VerifyReport& report) {
  std::set<std::pair<std::string, std::string>> tags;
  for (const ReportedFinding& found : report.findings) {
    if (!found.tag.empty()) tags.insert({found.population, found.tag});
  }
  return tags;
}

Json ReportJson(const VerifyReport& report) {
  Json findings = Json::array();
  for (const ReportedFinding& found : report.findings) {
    findings.push_back({{"where", found.where},
                        {"what", found.what},
                        {"population", found.population},
                        {"tag", found.tag}});
  }
  Json reload = Json::array();
  for (const auto& [population, tag] : TagsToReload(report)) {
    reload.push_back({{"population", population}, {"tag", tag}});
  }
  return {{"sound", report.findings_total == 0}, {"findings_total", report.findings_total},
          {"findings", std::move(findings)},     {"reload", std::move(reload)},
          {"not_compared", report.not_compared}, {"populations", report.populations},
          {"table_files", report.table_files},   {"values", report.values},
          {"value_bytes", report.value_bytes},   {"log_records", report.log_records}};
}

void PrintReport(const VerifyReport& report) {
  for (const ReportedFinding& found : report.findings) {
    fmt::print("{}{}{}\n", found.where, found.where.empty() ? "" : ": ", found.what);
  }
  if (report.findings_total > report.findings.size()) {
    fmt::print("... and {} more\n", report.findings_total - report.findings.size());
  }
  for (const std::string& population : report.not_compared) {
    fmt::print("population {}: its parts were not compared with each other, as some are missing\n",
               population);
  }
  for (const auto& [population, tag] : TagsToReload(report)) {
    fmt::print("reload tag {} of population {}\n", tag, population);
  }
  fmt::print(
      "{}: {} table files, {} values, {} bytes, {} log records, {} populations\n",
      report.findings_total == 0 ? "sound" : fmt::format("{} findings", report.findings_total),
      report.table_files, report.values, report.value_bytes, report.log_records,
      report.populations);
}

}  // namespace

int RunVerify(const std::string& directory, bool json) {
  index::Parallel parallel(Threads());
  const absl::StatusOr<VerifyReport> report = storage::Verify({.directory = directory}, parallel);
  if (!report.ok()) return ReportError(report.status(), json);
  if (json) {
    PrintJson(ReportJson(*report));
  } else {
    PrintReport(*report);
  }
  return report->findings_total == 0 ? kExitSound : kExitFindings;
}

int RunRestore(const std::string& backup, const std::string& directory, const std::string& ledger,
               bool json) {
  index::Parallel parallel(Threads());
  const absl::StatusOr<storage::BackupInfo> restored =
      storage::RestoreBackup(backup, directory, parallel, ledger);
  if (!restored.ok()) return ReportError(restored.status(), json);
  Json populations = Json::array();
  for (const storage::BackedUpPopulation& population : restored->populations) {
    populations.push_back({{"population", population.name},
                           {"data_version", population.data_version},
                           {"user_count", population.user_count}});
    if (json) continue;
    fmt::print("population {}: {} users, data version {}\n", population.name, population.user_count,
               population.data_version);
  }
  if (json) {
    PrintJson({{"backup", restored->name},
               {"directory", directory},
               {"bytes", restored->bytes},
               {"populations", std::move(populations)}});
  } else {
    fmt::print("restored {} into {}: {} bytes, all digests agree\n", restored->name, directory,
               restored->bytes);
  }
  return kExitSound;
}

}  // namespace throng
