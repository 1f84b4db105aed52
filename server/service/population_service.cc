#include "server/service/population_service.h"

#include <string>
#include <string_view>
#include <vector>

#include "index/error.h"
#include "server/service/convert_identity.h"
#include "server/service/convert_tag.h"
#include "server/service/convert_user.h"
#include "server/service/field_path.h"
#include "server/service/page_token.h"
#include "server/service/request_fingerprint.h"
#include "server/service/resource_name.h"

namespace throng::service {
namespace {

absl::Status HandleCreate(const CallScope& scope, const v1::CreatePopulationRequest& request,
                          v1::Population* response) {
  THRONG_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  engine::PopulationInfo population{.name = request.population_id(),
                                    .display_name = request.population().display_name()};
  if (!request.population().primary_id_type().empty()) {
    population.primary_id_type = request.population().primary_id_type();
  }
  const absl::StatusOr<engine::PopulationInfo> created =
      scope.engine->populations().Create(scope.caller, population, request.request_id());
  if (!created.ok()) return MoveField(created.status(), "", "population_id");
  PopulationToProto(*created, response);
  return absl::OkStatus();
}

absl::Status HandleGet(const CallScope& scope, const v1::GetPopulationRequest& request,
                       v1::Population* response) {
  THRONG_ASSIGN_OR_RETURN(const std::string name, ParsePopulationName(request.name(), "name"));
  const absl::StatusOr<engine::PopulationInfo> population =
      scope.engine->populations().Get(scope.caller, name);
  if (!population.ok()) return MoveField(population.status(), "population", "name");
  PopulationToProto(*population, response);
  return absl::OkStatus();
}

absl::Status HandleList(const CallScope& scope, const v1::ListPopulationsRequest& request,
                        v1::ListPopulationsResponse* response) {
  THRONG_ASSIGN_OR_RETURN(const Page page,
                          ToPage(request, kPopulationPageDefault, kPopulationPageMax));
  THRONG_ASSIGN_OR_RETURN(std::vector<engine::PopulationInfo> populations,
                          scope.engine->populations().List(scope.caller));
  std::erase_if(populations, [&](const engine::PopulationInfo& population) {
    return !scope.who.May(access::Right::kBrowse, population.name);
  });
  for (const engine::PopulationInfo* population : CutPage(
           populations, page, [](const engine::PopulationInfo&info) { return info.name; },
           [](const engine::PopulationInfo&info, std::string_view after) {
             return info.name > after;
           },
           response->mutable_next_page_token())) {
    PopulationToProto(*population, response->add_populations());
  }
  return absl::OkStatus();
}

absl::Status HandleCreateIdType(const CallScope& scope, const v1::CreateIdTypeRequest& request,
                                v1::IdType* response) {
  THRONG_ASSIGN_OR_RETURN(const std::string population,
                          ParsePopulationNameOrDefault(request.parent(), "parent"));
  THRONG_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  THRONG_ASSIGN_OR_RETURN(const index::IdTypeDefinition type, ToIdType(request));
  engine::WriteOptions options{.request_id = request.request_id(),
                               .validate_only = request.validate_only()};
  if (!options.request_id.empty()) {
    options.payload_hash = RequestFingerprint(request, {"request_id"});
  }
  const absl::StatusOr<engine::IdTypeInfo> created =
      scope.engine->identities().CreateIdType(scope.caller, population, type, options);
  if (!created.ok()) {
    return MoveField(MoveField(created.status(), "population", "parent"), "id_type.name",
                     "id_type_id");
  }
  IdTypeToProto(population, *created, response);
  return absl::OkStatus();
}

absl::Status HandleListIdTypes(const CallScope& scope, const v1::ListIdTypesRequest& request,
                               v1::ListIdTypesResponse* response) {
  THRONG_ASSIGN_OR_RETURN(const std::string population,
                          ParsePopulationNameOrDefault(request.parent(), "parent"));
  const absl::StatusOr<std::vector<engine::IdTypeInfo>> types =
      scope.engine->identities().ListIdTypes(scope.caller, population);
  if (!types.ok()) return MoveField(types.status(), "population", "parent");
  for (const engine::IdTypeInfo& type : *types) {
    IdTypeToProto(population, type, response->add_id_types());
  }
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* PopulationService::CreatePopulation(grpc::CallbackServerContext* context,
                                                              const grpc::ByteBuffer* request,
                                                              grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleCreate);
}
grpc::ServerUnaryReactor* PopulationService::GetPopulation(grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer* request,
                                                           grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleGet);
}
grpc::ServerUnaryReactor* PopulationService::ListPopulations(grpc::CallbackServerContext* context,
                                                             const grpc::ByteBuffer* request,
                                                             grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleList);
}
grpc::ServerUnaryReactor* PopulationService::CreateIdType(grpc::CallbackServerContext* context,
                                                          const grpc::ByteBuffer* request,
                                                          grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleCreateIdType);
}
grpc::ServerUnaryReactor* PopulationService::ListIdTypes(grpc::CallbackServerContext* context,
                                                         const grpc::ByteBuffer* request,
                                                         grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleListIdTypes);
}

}  // namespace throng::service
