#include "server/service/split_service.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "index/error.h"
#include "server/service/convert_crowd.h"
#include "server/service/convert_overlap.h"
#include "server/service/convert_split.h"
#include "server/service/convert_user.h"
#include "server/service/field_path.h"
#include "server/service/page_token.h"
#include "server/service/resource_name.h"
#include "server/service/write_request.h"

namespace throng::service {
namespace {

constexpr uint32_t kSplitPageDefault = 100;
constexpr uint32_t kSplitPageMax = 1'000;

absl::Status AtName(const absl::Status& status) { return MoveField(status, "population", "name"); }

absl::Status HandleCreate(const CallScope& scope, const v1::CreateSplitRequest& request,
                          v1::Split* response) {
  THRONG_ASSIGN_OR_RETURN(const engine::CreateSplit create, ToCreateSplit(request));
  THRONG_ASSIGN_OR_RETURN(const engine::WriteOptions options, ToWriteOptions(request));
  const absl::StatusOr<engine::SplitInfo> split =
      scope.engine->crowds().splits().Create(scope.caller, create, options);
  if (!split.ok()) return AtCreateSplit(split.status());
  SplitToProto(create.population, *split, response);
  return absl::OkStatus();
}

absl::Status HandleGet(const CallScope& scope, const v1::GetSplitRequest& request,
                       v1::Split* response) {
  THRONG_ASSIGN_OR_RETURN(const SplitName name, ParseSplitName(request.name(), "name"));
  const absl::StatusOr<engine::SplitInfo> split =
      scope.engine->crowds().splits().Get(scope.caller, name.population, name.split);
  if (!split.ok()) return AtName(split.status());
  SplitToProto(name.population, *split, response);
  return absl::OkStatus();
}

absl::Status HandleList(const CallScope& scope, const v1::ListSplitsRequest& request,
                        v1::ListSplitsResponse* response) {
  THRONG_ASSIGN_OR_RETURN(const std::string population,
                          ParsePopulationName(request.parent(), "parent"));
  THRONG_ASSIGN_OR_RETURN(const Page page, ToPage(request, kSplitPageDefault, kSplitPageMax));
  const absl::StatusOr<std::vector<engine::SplitInfo>> splits =
      scope.engine->crowds().splits().List(scope.caller, population, request.show_deleted());
  if (!splits.ok()) return MoveField(splits.status(), "population", "parent");
  const auto name = [](const engine::SplitInfo& split) { return split.name; };
  const auto is_behind = [](const engine::SplitInfo& split, const std::string& place) {
    return split.name > place;
  };
  for (const engine::SplitInfo* split :
       CutPage(*splits, page, name, is_behind, response->mutable_next_page_token())) {
    SplitToProto(population, *split, response->add_splits());
  }
  return absl::OkStatus();
}

absl::Status HandleAward(const CallScope& scope, const v1::AwardSplitRequest& request,
                         v1::Split* response) {
  THRONG_ASSIGN_OR_RETURN(const SplitName name, ParseSplitName(request.name(), "name"));
  THRONG_ASSIGN_OR_RETURN(const engine::WriteOptions options, ToWriteOptions(request));
  const absl::StatusOr<engine::SplitInfo> split = scope.engine->crowds().splits().Award(
      scope.caller, name.population, name.split, request.winner(), options);
  if (!split.ok()) return AtName(split.status());
  SplitToProto(name.population, *split, response);
  return absl::OkStatus();
}

absl::Status HandleDelete(const CallScope& scope, const v1::DeleteSplitRequest& request,
                          v1::Split* response) {
  THRONG_ASSIGN_OR_RETURN(const SplitName name, ParseSplitName(request.name(), "name"));
  THRONG_ASSIGN_OR_RETURN(const engine::WriteOptions options, ToWriteOptions(request));
  const int64_t kept_us = ToKeptTime(request.has_kept_time() ? &request.kept_time() : nullptr);
  const absl::StatusOr<engine::SplitInfo> split = scope.engine->crowds().splits().Delete(
      scope.caller, name.population, name.split, kept_us, options);
  if (!split.ok()) return AtName(split.status());
  SplitToProto(name.population, *split, response);
  return absl::OkStatus();
}

absl::Status HandleBalance(const CallScope& scope, const v1::GetSplitBalanceRequest& request,
                           v1::SplitBalance* response) {
  THRONG_ASSIGN_OR_RETURN(SplitName name, ParseSplitName(request.name(), "name"));
  engine::BalanceRequest balance{.population = name.population,
                                 .split = std::move(name.split),
                                 .tags = {request.tags().begin(), request.tags().end()}};
  if (request.rows() != 0) balance.rows_max = request.rows();
  if (request.confidence() != 0) balance.confidence = request.confidence();
  const absl::StatusOr<engine::SplitBalance> result =
      scope.engine->crowds().splits().Balance(scope.caller, balance);
  if (!result.ok()) return AtName(result.status());
  BalanceToProto(name.population, *result, balance.confidence, response);
  return absl::OkStatus();
}

absl::Status HandleAllocate(const CallScope& scope, const v1::AllocateCrowdsRequest& request,
                            v1::AllocateCrowdsResponse* response) {
  engine::AllocationRequest allocation{
      .save = request.save(), .owner = request.owner(), .folder = request.folder()};
  THRONG_ASSIGN_OR_RETURN(allocation.crowds, ToJointSelections(request.selections(), scope.limits));
  THRONG_ASSIGN_OR_RETURN(const engine::WriteOptions options, ToWriteOptions(request));
  const absl::StatusOr<engine::AllocationResult> result =
      scope.engine->crowds().splits().Allocate(scope.caller, allocation, options);
  if (!result.ok()) return AtOverlap(result.status());
  AllocationToProto(*result, response);
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* SplitService::CreateSplit(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleCreate);
}
grpc::ServerUnaryReactor* SplitService::GetSplit(grpc::CallbackServerContext* context,
                                                 const grpc::ByteBuffer* request,
                                                 grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleGet);
}
grpc::ServerUnaryReactor* SplitService::ListSplits(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleList);
}
grpc::ServerUnaryReactor* SplitService::AwardSplit(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleAward);
}
grpc::ServerUnaryReactor* SplitService::DeleteSplit(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleDelete);
}
grpc::ServerUnaryReactor* SplitService::GetSplitBalance(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleBalance);
}
grpc::ServerUnaryReactor* SplitService::AllocateCrowds(grpc::CallbackServerContext* context,
                                                       const grpc::ByteBuffer* request,
                                                       grpc::ByteBuffer* response) {
  return calls_.Unary(context, request, response, &HandleAllocate);
}

}  // namespace throng::service
