// What the engine says of itself, as the API gives it.
//
//   StatsToProto(stats, response);   // all but the program's version
//
// Every function is thread-safe.
#ifndef THRONG_SERVER_SERVICE_CONVERT_STATS_H_
#define THRONG_SERVER_SERVICE_CONVERT_STATS_H_

#include "server/engine/administration.h"
#include "throng/v1/admin.pb.h"

namespace throng::service {

void StatsToProto(const engine::ServerStats& stats, v1::ServerStats* proto);
void BackupToProto(const storage::BackupInfo& backup, v1::Backup* proto);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CONVERT_STATS_H_
