// Uploads of the API and of the engine.
//
//   absl::StatusOr<engine::UploadRequest> upload = ToUploadRequest(header);
//   UploadToProto(population, info, response);
//
// Every function is thread-safe.
#ifndef THRONG_SERVER_SERVICE_CONVERT_UPLOAD_H_
#define THRONG_SERVER_SERVICE_CONVERT_UPLOAD_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "server/engine/upload_requests.h"
#include "throng/v1/upload.pb.h"

namespace throng::service {

// Errors: kInvalidArgument: BAD_RESOURCE_NAME (header.crowd), UNSPECIFIED (header.mode).
absl::StatusOr<engine::UploadRequest> ToUploadRequest(const v1::UploadHeader& header);

// Views into `ids`. Errors: kInvalidArgument (REQUIRED): no kind.
absl::StatusOr<engine::UploadIds> ToUploadIds(const v1::IdColumn& ids);

void UploadToProto(std::string_view population, const engine::UploadInfo& info, v1::Upload* proto);
void RefusedToProto(const storage::RefusedId& refused, v1::RefusedId* proto);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CONVERT_UPLOAD_H_
