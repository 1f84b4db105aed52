#include "server/service/user_service.h"

#include <memory>
#include <string>
#include <utility>

#include "index/error.h"
#include "server/service/convert_batch.h"
#include "server/service/convert_identity.h"
#include "server/service/convert_user.h"
#include "server/service/field_path.h"
#include "server/service/resource_name.h"

namespace throng::service {
namespace {

using LoadStream = ReadWriteStream<v1::LoadRequest, v1::LoadResponse>;

absl::Status Misplaced(std::string_view field, std::string_view message) {
  return index::InvalidArgument("BAD_LOAD_ORDER", field, message);
}

// Reads the header, which comes first.
absl::StatusOr<engine::LoadHeader> ReadHeader(LoadStream& stream) {
  v1::LoadRequest request;
  THRONG_ASSIGN_OR_RETURN(const bool more, stream.Read(&request));
  if (!more || !request.has_header()) {
    return Misplaced("header", "a load begins with its header");
  }
  return ToLoadHeader(request.header());
}

// Takes batches until the client has sent them all.
absl::Status TakeBatches(const CallScope& scope, engine::LoadSession& session, LoadStream& stream) {
  while (true) {
    v1::LoadRequest request;
    THRONG_ASSIGN_OR_RETURN(const bool more, stream.Read(&request));
    if (!more) return absl::OkStatus();
    if (request.has_header()) return Misplaced("header", "a load has one header");
    if (!request.has_batch()) return RequiredField(FieldPath("kind"));
    THRONG_ASSIGN_OR_RETURN(const engine::ColumnBatch batch, ToColumnBatch(request.batch()));
    THRONG_ASSIGN_OR_RETURN(const engine::LoadProgress progress,
                            session.Write(scope.caller, batch));
    v1::LoadResponse response;
    ProgressToProto(progress, response.mutable_progress());
    THRONG_RETURN_IF_ERROR(stream.Write(response));
  }
}

absl::Status HandleLoad(const CallScope& scope, LoadStream& stream) {
  THRONG_ASSIGN_OR_RETURN(const engine::LoadHeader header, ReadHeader(stream));
  absl::StatusOr<std::unique_ptr<engine::LoadSession>> session =
      scope.engine->writer().StartLoad(scope.caller, header);
  if (!session.ok()) return MoveField(session.status(), "population", "header.population");
  THRONG_RETURN_IF_ERROR(TakeBatches(scope, **session, stream));
  v1::LoadResponse response;
  if (header.mode == engine::LoadMode::kReplace) {
    // A stream that broke looks like one that was closed; writing to it fails. Half of a content
    // must not replace the whole.
    response.mutable_progress();
    THRONG_RETURN_IF_ERROR(stream.Write(response));
  }
  THRONG_ASSIGN_OR_RETURN(const engine::LoadSummary summary, (*session)->Finish(scope.caller));
  SummaryToProto(summary, response.mutable_summary());
  return stream.Write(response);
}

absl::Status HandleWriteUsers(const CallScope& scope, const v1::WriteUsersRequest& request,
                              v1::WriteUsersResponse* response) {
  THRONG_ASSIGN_OR_RETURN(const engine::WriteUsersRequest write, ToWriteUsers(request));
  const absl::StatusOr<engine::WriteUsersResult> result =
      scope.engine->writer().WriteUsers(scope.caller, write);
  if (!result.ok()) return result.status();
  response->set_data_version(result->data_version);
  response->set_users_created(result->users_created);
  response->set_users_skipped(result->users_skipped);
  return absl::OkStatus();
}

absl::Status HandleGetPortrait(const CallScope& scope, const v1::GetPortraitRequest& request,
                               v1::Portrait* response) {
  THRONG_ASSIGN_OR_RETURN(const std::string population,
                          ParsePopulationNameOrDefault(request.population(), "population"));
  const absl::StatusOr<engine::Portrait> portrait = scope.engine->portraits().Get(
      scope.caller, population, request.id(), request.read_version(), request.id_type());
  if (!portrait.ok()) {
    return MoveField(portrait.status(), "selection.read_version", "read_version");
  }
  PortraitToProto(*portrait, response);
  return absl::OkStatus();
}

absl::Status HandleLinkIds(const CallScope& scope, const v1::LinkIdsRequest& request,
                           v1::LinkIdsResponse* response) {
  THRONG_ASSIGN_OR_RETURN(const engine::LinkRequest link, ToLinkRequest(request));
  THRONG_ASSIGN_OR_RETURN(const engine::LinkResult result,
                          scope.engine->identities().Link(scope.caller, link));
  LinkedToProto(result, response);
  return absl::OkStatus();
}

absl::Status HandleResolveIds(const CallScope& scope, const v1::ResolveIdsRequest& request,
                              v1::ResolveIdsResponse* response) {
  THRONG_ASSIGN_OR_RETURN(const engine::ResolveRequest resolve, ToResolveRequest(request));
  absl::StatusOr<engine::ResolveResult> result =
      scope.engine->identities().Resolve(scope.caller, resolve);
  if (!result.ok()) return MoveField(result.status(), "selection.read_version", "read_version");
  ResolvedToProto(*std::move(result), response);
  return absl::OkStatus();
}

absl::Status HandleEraseUsers(const CallScope& scope, const v1::EraseUsersRequest& request,
                              v1::EraseUsersResponse* response) {
  THRONG_ASSIGN_OR_RETURN(const engine::EraseRequest erase, ToEraseRequest(request));
  THRONG_ASSIGN_OR_RETURN(const engine::EraseResult result,
                          scope.engine->erasures().Erase(scope.caller, erase));
  ErasedToProto(result, response);
  return absl::OkStatus();
}

}  // namespace

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* UserService::Load(
    grpc::CallbackServerContext* context) {
  return calls_.BothWays(context, &HandleLoad);
}
grpc::ServerUnaryReactor* UserService::WriteUsers(grpc::CallbackServerContext* context,
                                                  const grpc::ByteBuffer* request,
                                                  grpc::ByteBuffer* response) {
  return calls_.Unary(context, request, response, &HandleWriteUsers);
}
grpc::ServerUnaryReactor* UserService::GetPortrait(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleGetPortrait);
}
grpc::ServerUnaryReactor* UserService::LinkIds(grpc::CallbackServerContext* context,
                                               const grpc::ByteBuffer* request,
                                               grpc::ByteBuffer* response) {
  return calls_.Unary(context, request, response, &HandleLinkIds);
}
grpc::ServerUnaryReactor* UserService::ResolveIds(grpc::CallbackServerContext* context,
                                                  const grpc::ByteBuffer* request,
                                                  grpc::ByteBuffer* response) {
  return calls_.Unary(context, request, response, &HandleResolveIds);
}
grpc::ServerUnaryReactor* UserService::EraseUsers(grpc::CallbackServerContext* context,
                                                  const grpc::ByteBuffer* request,
                                                  grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleEraseUsers);
}

}  // namespace throng::service
