#include "server/service/upload_service.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/error.h"
#include "server/service/convert_upload.h"
#include "server/service/convert_user.h"
#include "server/service/field_path.h"
#include "server/service/request_fingerprint.h"
#include "server/service/resource_name.h"

namespace throng::service {
namespace {

using UploadStream = ReadStream<v1::UploadIdsRequest>;

absl::Status Misplaced(std::string_view field, std::string_view message) {
  return index::InvalidArgument("BAD_UPLOAD_ORDER", field, message);
}

absl::Status CutShort(std::string_view message) {
  return index::InvalidArgument("UPLOAD_CUT_SHORT", "end",
                                fmt::format("{}: nothing was changed", message));
}

// The engine knows no header.
absl::Status AtHeader(const absl::Status& status) {
  absl::Status moved = MoveField(status, "crowd.name", "header.crowd");
  moved = MoveField(moved, "population", "header.crowd");
  for (const std::string_view field : {"crowd", "id_type", "keep_unknown", "etag", "request_id"}) {
    moved = MoveField(moved, field, fmt::format("header.{}", field));
  }
  const std::optional<index::ErrorDetail> detail = index::GetErrorDetail(moved);
  constexpr std::string_view kCrowd = "crowd.";
  if (!detail.has_value() || !detail->field.starts_with(kCrowd)) return moved;
  return MoveField(
      moved, detail->field,
      fmt::format("header.create.{}", std::string_view(detail->field).substr(kCrowd.size())));
}

// Takes frames until the end. OK when all that was sent has come.
absl::Status TakeFrames(const CallScope& scope, engine::UploadSession& session,
                        UploadStream& stream) {
  uint64_t taken = 0;
  while (true) {
    v1::UploadIdsRequest request;
    THRONG_ASSIGN_OR_RETURN(const bool more, stream.Read(&request));
    if (!more) return CutShort("the stream has no end");
    switch (request.kind_case()) {
      case v1::UploadIdsRequest::kIds: {
        THRONG_ASSIGN_OR_RETURN(const engine::UploadIds ids, ToUploadIds(request.ids()));
        THRONG_RETURN_IF_ERROR(session.Add(scope.caller, ids));
        taken += request.ids().has_numbers()
                     ? static_cast<uint64_t>(request.ids().numbers().values_size())
                     : static_cast<uint64_t>(request.ids().texts().ends_size());
        break;
      }
      case v1::UploadIdsRequest::kEnd:
        if (request.end().id_count() == taken) return absl::OkStatus();
        return CutShort(fmt::format("{} ids came, {} were sent", taken, request.end().id_count()));
      case v1::UploadIdsRequest::kHeader:
        return Misplaced("header", "an upload has one header");
      case v1::UploadIdsRequest::KIND_NOT_SET:
        return RequiredField(FieldPath("kind"));
    }
  }
}

// Begins what the first message asks for.
absl::StatusOr<std::unique_ptr<engine::UploadSession>> StartUpload(const CallScope& scope,
                                                                   const v1::UploadHeader& header) {
  THRONG_ASSIGN_OR_RETURN(const engine::UploadRequest upload, ToUploadRequest(header));
  THRONG_RETURN_IF_ERROR(AtHeader(CheckRequestId(header.request_id())));
  const engine::WriteOptions options{.request_id = header.request_id(),
                                     .payload_hash = RequestFingerprint(header, {"request_id"}),
                                     .validate_only = header.validate_only()};
  auto session = scope.engine->uploads().Start(scope.caller, upload, options);
  if (!session.ok()) return AtHeader(session.status());
  return session;
}

absl::Status HandleUpload(const CallScope& scope, UploadStream& stream, v1::Upload* response) {
  v1::UploadIdsRequest first;
  THRONG_ASSIGN_OR_RETURN(const bool more, stream.Read(&first));
  if (!more || !first.has_header()) {
    return Misplaced("header", "an upload begins with its header");
  }
  THRONG_ASSIGN_OR_RETURN(const auto session, StartUpload(scope, first.header()));
  THRONG_RETURN_IF_ERROR(TakeFrames(scope, *session, stream));
  const absl::StatusOr<engine::UploadInfo> info = session->Finish(scope.caller);
  if (!info.ok()) return AtHeader(info.status());
  THRONG_ASSIGN_OR_RETURN(const CrowdName name,
                          ParseCrowdName(first.header().crowd(), "header.crowd"));
  UploadToProto(name.population, *info, response);
  return absl::OkStatus();
}

absl::Status AtName(const absl::Status& status, std::string_view field) {
  return MoveField(MoveField(status, "population", field), "crowd", field);
}

absl::Status HandleGet(const CallScope& scope, const v1::GetUploadRequest& request,
                       v1::Upload* response) {
  THRONG_ASSIGN_OR_RETURN(const CrowdVersionName name, ParseUploadName(request.name(), "name"));
  const absl::StatusOr<engine::UploadInfo> info =
      scope.engine->uploads().Get(scope.caller, name.population, name.crowd, name.version);
  if (!info.ok()) return AtName(info.status(), "name");
  UploadToProto(name.population, *info, response);
  return absl::OkStatus();
}

absl::Status HandleList(const CallScope& scope, const v1::ListUploadsRequest& request,
                        v1::ListUploadsResponse* response) {
  THRONG_ASSIGN_OR_RETURN(const CrowdName name, ParseCrowdName(request.parent(), "parent"));
  const absl::StatusOr<std::vector<engine::UploadInfo>> uploads =
      scope.engine->uploads().List(scope.caller, name.population, name.crowd);
  if (!uploads.ok()) return AtName(uploads.status(), "parent");
  for (const engine::UploadInfo& info : *uploads) {
    UploadToProto(name.population, info, response->add_uploads());
  }
  return absl::OkStatus();
}

absl::Status HandleListUnmatched(const CallScope& scope, const v1::ListUnmatchedRequest& request,
                                 WriteStream<v1::ListUnmatchedResponse>& stream) {
  THRONG_ASSIGN_OR_RETURN(const CrowdVersionName name, ParseUploadName(request.name(), "name"));
  const absl::Status listed = scope.engine->uploads().ListUnmatched(
      scope.caller, name.population, name.crowd, name.version, [&](const engine::Unmatched& part) {
        v1::ListUnmatchedResponse frame;
        for (const std::string_view id : part.unknown) frame.add_unknown(std::string(id));
        for (const storage::RefusedId& refused : part.refused) {
          RefusedToProto(refused, frame.add_invalid());
        }
        return stream.Write(frame);
      });
  if (!listed.ok()) return AtName(listed, "name");
  v1::ListUnmatchedResponse last;
  last.set_complete(true);
  return stream.Write(last);
}

}  // namespace

grpc::ServerReadReactor<grpc::ByteBuffer>* UploadService::UploadIds(
    grpc::CallbackServerContext* context, grpc::ByteBuffer* response) {
  return calls_.ClientStream(context, response, &HandleUpload);
}
grpc::ServerUnaryReactor* UploadService::GetUpload(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleGet);
}
grpc::ServerUnaryReactor* UploadService::ListUploads(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleList);
}
grpc::ServerWriteReactor<grpc::ByteBuffer>* UploadService::ListUnmatched(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return calls_.ServerStream(context, request, &HandleListUnmatched);
}

}  // namespace throng::service
