#include "server/service/admin_service.h"

#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "index/error.h"
#include "server/service/convert_stats.h"
#include "server/service/page_token.h"
#include "server/service/resource_name.h"

namespace throng::service {
namespace {

constexpr uint32_t kBackupPageMax = 1'000;

absl::Status HandleGetStats(const CallScope& scope, const v1::GetStatsRequest& request,
                            v1::ServerStats* response) {
  std::string population;
  if (!request.population().empty()) {
    THRONG_ASSIGN_OR_RETURN(population, ParsePopulationName(request.population(), "population"));
  }
  THRONG_ASSIGN_OR_RETURN(
      const engine::ServerStats stats,
      scope.engine->administration().Stats(scope.caller, population, request.tags_max()));
  StatsToProto(stats, response);
  response->set_version(THRONG_VERSION);
  return absl::OkStatus();
}

absl::Status HandleCreateBackup(const CallScope& scope, const v1::CreateBackupRequest& request,
                                v1::Backup* response) {
  THRONG_ASSIGN_OR_RETURN(
      const storage::BackupInfo backup,
      scope.engine->administration().CreateBackup(scope.caller, request.backup_id()));
  BackupToProto(backup, response);
  return absl::OkStatus();
}

absl::Status HandleListBackups(const CallScope& scope, const v1::ListBackupsRequest& request,
                               v1::ListBackupsResponse* response) {
  THRONG_ASSIGN_OR_RETURN(const Page page, ToPage(request, kBackupPageMax, kBackupPageMax));
  THRONG_ASSIGN_OR_RETURN(const std::vector<storage::BackupInfo> backups,
                          scope.engine->administration().ListBackups(scope.caller));
  // Keys that sort as the list does: times of one width, then names.
  const auto key = [](const storage::BackupInfo& backup) {
    return fmt::format("{:020} {}", backup.created_us, backup.name);
  };
  const auto is_behind = [&](const storage::BackupInfo& backup, std::string_view after) {
    return key(backup) > after;
  };
  for (const storage::BackupInfo* backup :
       CutPage(backups, page, key, is_behind, response->mutable_next_page_token())) {
    BackupToProto(*backup, response->add_backups());
  }
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* AdminService::CreateBackup(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleCreateBackup);
}
grpc::ServerUnaryReactor* AdminService::ListBackups(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleListBackups);
}
grpc::ServerUnaryReactor* AdminService::GetStats(grpc::CallbackServerContext* context,
                                                 const grpc::ByteBuffer* request,
                                                 grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleGetStats);
}

}  // namespace throng::service
