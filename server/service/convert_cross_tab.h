// Cross-tabs of the API and of the engine.
//
//   absl::StatusOr<engine::CrossTabRequest> request = ToCrossTab(proto);
//   CrossTabToProto(*result, response);
//
// Every function is thread-safe.
#ifndef THRONG_SERVER_SERVICE_CONVERT_CROSS_TAB_H_
#define THRONG_SERVER_SERVICE_CONVERT_CROSS_TAB_H_

#include "absl/status/statusor.h"
#include "server/engine/cross_tab.h"
#include "throng/v1/cross_tab.pb.h"

namespace throng::service {

// The request without its selection. Errors: as ToValue, at "rows.edges[i]" or "columns.edges[i]".
absl::StatusOr<engine::CrossTabRequest> ToCrossTab(const v1::CrossTabRequest& proto);

void CrossTabToProto(const engine::CrossTabResult& result, v1::CrossTabResponse* proto);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CONVERT_CROSS_TAB_H_
