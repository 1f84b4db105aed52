#include "server/service/crowd_service.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/service/convert_crowd.h"
#include "server/service/convert_time.h"
#include "server/service/convert_user.h"
#include "server/service/field_path.h"
#include "server/service/page_token.h"
#include "server/service/resource_name.h"
#include "server/service/write_request.h"

namespace throng::service {
namespace {

constexpr uint32_t kCrowdPageDefault = 100;
constexpr uint32_t kDifferencePageDefault = 1'000;

// An engine's error about a crowd that the request names at `field`.
absl::Status AtName(const absl::Status& status, std::string_view field) {
  return MoveField(MoveField(status, "population", field), "name", field);
}

// The rule of a definition is `expression` or `tree` in the API.
absl::Status AtRule(const absl::Status& status, const v1::Crowd& crowd) {
  return MoveField(status, "crowd.rule", crowd.has_tree() ? "crowd.tree" : "crowd.expression");
}

// The zone and time of rules that have none.
template <typename Request>
absl::Status TakeTime(const Request& request, engine::RefreshCrowds* refresh) {
  refresh->time_zone = request.time_zone();
  if (!request.has_reference_time()) return absl::OkStatus();
  THRONG_ASSIGN_OR_RETURN(refresh->reference_us, ToUnixMicros(request.reference_time(), Finer::kCut,
                                                              FieldPath("reference_time")));
  return absl::OkStatus();
}

absl::Status HandleCreate(const CallScope& scope, const v1::CreateCrowdRequest& request,
                          v1::Crowd* response) {
  THRONG_ASSIGN_OR_RETURN(const std::string population,
                          ParsePopulationName(request.parent(), "parent"));
  THRONG_ASSIGN_OR_RETURN(engine::CreateCrowd create, ToCreateCrowd(request, scope.limits));
  create.population = population;
  THRONG_ASSIGN_OR_RETURN(const engine::WriteOptions options, ToWriteOptions(request));
  const absl::StatusOr<engine::CrowdInfo> crowd =
      scope.engine->crowds().Create(scope.caller, create, options);
  if (!crowd.ok()) {
    return MoveField(MoveField(AtRule(crowd.status(), request.crowd()), "population", "parent"),
                     "crowd.name", "crowd_id");
  }
  CrowdToProto(population, *crowd, response);
  return absl::OkStatus();
}

absl::Status HandleGet(const CallScope& scope, const v1::GetCrowdRequest& request,
                       v1::Crowd* response) {
  THRONG_ASSIGN_OR_RETURN(const CrowdName name, ParseCrowdName(request.name(), "name"));
  const absl::StatusOr<engine::CrowdInfo> crowd =
      scope.engine->crowds().Get(scope.caller, name.population, name.crowd);
  if (!crowd.ok()) return AtName(crowd.status(), "name");
  CrowdToProto(name.population, *crowd, response);
  return absl::OkStatus();
}

absl::Status HandleList(const CallScope& scope, const v1::ListCrowdsRequest& request,
                        v1::ListCrowdsResponse* response) {
  engine::ListCrowds list{.filter = request.filter(),
                          .page_token = request.page_token(),
                          .show_deleted = request.show_deleted()};
  THRONG_ASSIGN_OR_RETURN(list.population, ParsePopulationName(request.parent(), "parent"));
  THRONG_ASSIGN_OR_RETURN(list.page_size,
                          PageSize(request.page_size(), kCrowdPageDefault, engine::kCrowdsPageMax));
  const absl::StatusOr<engine::CrowdPage> page = scope.engine->crowds().List(scope.caller, list);
  if (!page.ok()) return MoveField(page.status(), "population", "parent");
  for (const engine::CrowdInfo& crowd : page->crowds) {
    CrowdToProto(list.population, crowd, response->add_crowds());
  }
  response->set_next_page_token(page->next_page_token);
  response->set_data_version(page->data_version);
  return absl::OkStatus();
}

absl::Status HandleUpdate(const CallScope& scope, const v1::UpdateCrowdRequest& request,
                          v1::Crowd* response) {
  THRONG_ASSIGN_OR_RETURN(engine::UpdateCrowd update, ToUpdateCrowd(request, scope.limits));
  THRONG_ASSIGN_OR_RETURN(const CrowdName name,
                          ParseCrowdName(request.crowd().name(), "crowd.name"));
  update.population = name.population;
  update.name = name.crowd;
  THRONG_ASSIGN_OR_RETURN(const engine::WriteOptions options, ToWriteOptions(request));
  const absl::StatusOr<engine::CrowdInfo> crowd =
      scope.engine->crowds().Update(scope.caller, update, options);
  if (!crowd.ok()) {
    const absl::Status moved =
        MoveField(AtRule(crowd.status(), request.crowd()), "etag", "crowd.etag");
    return AtName(MoveField(moved, "crowd.name", "new_crowd_id"), "crowd.name");
  }
  CrowdToProto(name.population, *crowd, response);
  return absl::OkStatus();
}

absl::Status HandleDelete(const CallScope& scope, const v1::DeleteCrowdRequest& request,
                          v1::Crowd* response) {
  THRONG_ASSIGN_OR_RETURN(const CrowdName name, ParseCrowdName(request.name(), "name"));
  const int64_t kept_us = ToKeptTime(request.has_kept_time() ? &request.kept_time() : nullptr);
  THRONG_ASSIGN_OR_RETURN(const engine::WriteOptions options, ToWriteOptions(request));
  const absl::StatusOr<engine::CrowdInfo> crowd = scope.engine->crowds().Delete(
      scope.caller, name.population, name.crowd, request.etag(), kept_us, options);
  if (!crowd.ok()) return AtName(crowd.status(), "name");
  CrowdToProto(name.population, *crowd, response);
  return absl::OkStatus();
}

absl::Status HandleUndelete(const CallScope& scope, const v1::UndeleteCrowdRequest& request,
                            v1::Crowd* response) {
  THRONG_ASSIGN_OR_RETURN(const CrowdName name, ParseCrowdName(request.name(), "name"));
  THRONG_ASSIGN_OR_RETURN(const engine::WriteOptions options, ToWriteOptions(request));
  const absl::StatusOr<engine::CrowdInfo> crowd =
      scope.engine->crowds().Undelete(scope.caller, name.population, name.crowd, options);
  if (!crowd.ok()) return AtName(crowd.status(), "name");
  CrowdToProto(name.population, *crowd, response);
  return absl::OkStatus();
}

void RefreshedToProto(std::string_view population, const engine::RefreshedCrowd& crowd,
                      uint64_t data_version, v1::RefreshedCrowd* proto) {
  proto->set_name(FormatCrowdName(population, crowd.name));
  CrowdVersionToProto(population, crowd.name, crowd.computed, proto->mutable_version());
  proto->set_data_version(data_version);
}

absl::Status HandleRefresh(const CallScope& scope, const v1::RefreshCrowdRequest& request,
                           v1::RefreshedCrowd* response) {
  THRONG_ASSIGN_OR_RETURN(CrowdName name, ParseCrowdName(request.name(), "name"));
  engine::RefreshCrowds refresh{.population = name.population, .names = {std::move(name.crowd)}};
  THRONG_RETURN_IF_ERROR(TakeTime(request, &refresh));
  THRONG_ASSIGN_OR_RETURN(const engine::WriteOptions options, ToWriteOptions(request));
  const absl::StatusOr<engine::RefreshResult> result =
      scope.engine->crowds().Refresh(scope.caller, refresh, options);
  if (!result.ok()) return AtName(MoveField(result.status(), "crowds[0]", "name"), "name");
  RefreshedToProto(refresh.population, result->crowds.front(), result->data_version, response);
  return absl::OkStatus();
}

// "crowds[3]" of the engine is "names[3]" of the request.
absl::Status AtNames(const absl::Status& status) {
  const std::optional<index::ErrorDetail> detail = index::GetErrorDetail(status);
  constexpr std::string_view kCrowds = "crowds";
  if (!detail.has_value() || !detail->field.starts_with(kCrowds)) return status;
  return MoveField(status, detail->field,
                   fmt::format("names{}", std::string_view(detail->field).substr(kCrowds.size())));
}

absl::Status HandleBatchRefresh(const CallScope& scope,
                                const v1::BatchRefreshCrowdsRequest& request,
                                v1::BatchRefreshCrowdsResponse* response) {
  engine::RefreshCrowds refresh;
  THRONG_ASSIGN_OR_RETURN(refresh.population, ParsePopulationName(request.parent(), "parent"));
  const FieldPath names("names");
  for (int i = 0; i < request.names_size(); ++i) {
    const std::string field = names.At(i).ToString();
    THRONG_ASSIGN_OR_RETURN(CrowdName name, ParseCrowdName(request.names(i), field));
    if (name.population != refresh.population) {
      return index::InvalidArgument("BAD_RESOURCE_NAME", field, "the crowd is of another parent");
    }
    refresh.names.push_back(std::move(name.crowd));
  }
  THRONG_RETURN_IF_ERROR(TakeTime(request, &refresh));
  THRONG_ASSIGN_OR_RETURN(const engine::WriteOptions options, ToWriteOptions(request));
  const absl::StatusOr<engine::RefreshResult> result =
      scope.engine->crowds().Refresh(scope.caller, refresh, options);
  if (!result.ok()) return MoveField(AtNames(result.status()), "population", "parent");
  for (const engine::RefreshedCrowd& crowd : result->crowds) {
    RefreshedToProto(refresh.population, crowd, result->data_version, response->add_crowds());
  }
  response->set_read_version(result->read_version);
  response->set_data_version(result->data_version);
  response->set_rules_computed(result->rules_computed);
  return absl::OkStatus();
}

absl::Status HandleFreeze(const CallScope& scope, const v1::FreezeCrowdRequest& request,
                          v1::Crowd* response) {
  THRONG_ASSIGN_OR_RETURN(CrowdName name, ParseCrowdName(request.name(), "name"));
  engine::RefreshCrowds freeze{.population = name.population, .names = {std::move(name.crowd)}};
  THRONG_RETURN_IF_ERROR(TakeTime(request, &freeze));
  THRONG_ASSIGN_OR_RETURN(const engine::WriteOptions options, ToWriteOptions(request));
  const absl::StatusOr<engine::CrowdInfo> crowd =
      scope.engine->crowds().Freeze(scope.caller, freeze, options);
  if (!crowd.ok()) return AtName(MoveField(crowd.status(), "crowds[0]", "name"), "name");
  CrowdToProto(freeze.population, *crowd, response);
  return absl::OkStatus();
}

absl::Status HandleListVersions(const CallScope& scope, const v1::ListCrowdVersionsRequest& request,
                                v1::ListCrowdVersionsResponse* response) {
  THRONG_ASSIGN_OR_RETURN(const CrowdName name, ParseCrowdName(request.parent(), "parent"));
  const absl::StatusOr<std::vector<engine::CrowdVersionInfo>> versions =
      scope.engine->crowds().ListVersions(scope.caller, name.population, name.crowd);
  if (!versions.ok()) return AtName(versions.status(), "parent");
  for (const engine::CrowdVersionInfo& version : *versions) {
    CrowdVersionToProto(name.population, name.crowd, version, response->add_versions());
  }
  return absl::OkStatus();
}

absl::Status HandleDiff(const CallScope& scope, const v1::DiffCrowdVersionsRequest& request,
                        v1::DiffCrowdVersionsResponse* response) {
  using Side = engine::DiffCrowdVersions::Side;
  THRONG_ASSIGN_OR_RETURN(const CrowdName name, ParseCrowdName(request.name(), "name"));
  engine::DiffCrowdVersions diff{
      .population = name.population,
      .name = name.crowd,
      .from = request.from_version(),
      .to = request.to_version(),
      .side = request.side() == v1::DiffCrowdVersionsRequest::SIDE_REMOVED ? Side::kRemoved
                                                                           : Side::kAdded,
      .page_token = request.page_token()};
  if (request.side() != v1::DiffCrowdVersionsRequest::SIDE_UNSPECIFIED) {
    THRONG_ASSIGN_OR_RETURN(diff.page_size, PageSize(request.page_size(), kDifferencePageDefault,
                                                     engine::kDifferencePageMax));
  }
  const absl::StatusOr<engine::CrowdDifference> difference =
      scope.engine->crowds().DiffVersions(scope.caller, diff);
  if (!difference.ok()) {
    const absl::Status moved = MoveField(difference.status(), "from", "from_version");
    return AtName(MoveField(moved, "to", "to_version"), "name");
  }
  response->set_from_version(difference->from);
  response->set_to_version(difference->to);
  response->set_added(difference->added);
  response->set_removed(difference->removed);
  for (const std::string& id : difference->ids) response->add_ids(id);
  response->set_next_page_token(difference->next_page_token);
  response->set_data_version(difference->data_version);
  return absl::OkStatus();
}

absl::Status HandlePin(const CallScope& scope, const v1::PinCrowdVersionRequest& request,
                       v1::CrowdVersion* response) {
  THRONG_ASSIGN_OR_RETURN(const CrowdVersionName name,
                          ParseCrowdVersionName(request.name(), "name"));
  THRONG_ASSIGN_OR_RETURN(const engine::WriteOptions options, ToWriteOptions(request));
  const absl::StatusOr<engine::CrowdVersionInfo> version = scope.engine->crowds().Pin(
      scope.caller, name.population, name.crowd, name.version, request.pinned(), options);
  if (!version.ok()) return AtName(MoveField(version.status(), "version", "name"), "name");
  CrowdVersionToProto(name.population, name.crowd, *version, response);
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* CrowdService::CreateCrowd(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return calls_.Unary(context, request, response, &HandleCreate);
}
grpc::ServerUnaryReactor* CrowdService::GetCrowd(grpc::CallbackServerContext* context,
                                                 const grpc::ByteBuffer* request,
                                                 grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleGet);
}
grpc::ServerUnaryReactor* CrowdService::ListCrowds(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleList);
}
grpc::ServerUnaryReactor* CrowdService::UpdateCrowd(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return calls_.Unary(context, request, response, &HandleUpdate);
}
grpc::ServerUnaryReactor* CrowdService::DeleteCrowd(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleDelete);
}
grpc::ServerUnaryReactor* CrowdService::UndeleteCrowd(grpc::CallbackServerContext* context,
                                                      const grpc::ByteBuffer* request,
                                                      grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleUndelete);
}
grpc::ServerUnaryReactor* CrowdService::RefreshCrowd(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleRefresh);
}
grpc::ServerUnaryReactor* CrowdService::BatchRefreshCrowds(grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer* request,
                                                           grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleBatchRefresh);
}
grpc::ServerUnaryReactor* CrowdService::FreezeCrowd(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleFreeze);
}
grpc::ServerUnaryReactor* CrowdService::ListCrowdVersions(grpc::CallbackServerContext* context,
                                                          const grpc::ByteBuffer* request,
                                                          grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleListVersions);
}
grpc::ServerUnaryReactor* CrowdService::DiffCrowdVersions(grpc::CallbackServerContext* context,
                                                          const grpc::ByteBuffer* request,
                                                          grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleDiff);
}
grpc::ServerUnaryReactor* CrowdService::PinCrowdVersion(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandlePin);
}

}  // namespace throng::service
