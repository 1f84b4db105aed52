// Id types, links, look-ups and erasures of the API and of the engine.
//
//   absl::StatusOr<engine::LinkRequest> link = ToLinkRequest(request);
//   ResolvedToProto(result, response);
//
// Every function is thread-safe.
#ifndef THRONG_SERVER_SERVICE_CONVERT_IDENTITY_H_
#define THRONG_SERVER_SERVICE_CONVERT_IDENTITY_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "server/engine/erasures.h"
#include "server/engine/identities.h"
#include "throng/v1/population.pb.h"
#include "throng/v1/user.pb.h"

namespace throng::service {

// Errors: kInvalidArgument: UNSPECIFIED ("id_type.normalizers[i]").
absl::StatusOr<index::IdTypeDefinition> ToIdType(const v1::CreateIdTypeRequest& proto);
void IdTypeToProto(std::string_view population, const engine::IdTypeInfo& info, v1::IdType* proto);

// Errors, of all three: kInvalidArgument: BAD_RESOURCE_NAME (population), REQUEST_ID_TOO_LONG,
// UNSPECIFIED (unknown_ids).
absl::StatusOr<engine::LinkRequest> ToLinkRequest(const v1::LinkIdsRequest& proto);
absl::StatusOr<engine::ResolveRequest> ToResolveRequest(const v1::ResolveIdsRequest& proto);
absl::StatusOr<engine::EraseRequest> ToEraseRequest(const v1::EraseUsersRequest& proto);

void LinkedToProto(const engine::LinkResult& result, v1::LinkIdsResponse* proto);
void ResolvedToProto(engine::ResolveResult result, v1::ResolveIdsResponse* proto);
void ErasedToProto(const engine::EraseResult& result, v1::EraseUsersResponse* proto);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CONVERT_IDENTITY_H_
