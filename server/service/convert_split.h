// Splits and allocations of the API and of the engine.
//
//   absl::StatusOr<engine::CreateSplit> create = ToCreateSplit(request);
//   SplitToProto(population, info, &proto);
//
// Every function is thread-safe.
#ifndef THRONG_SERVER_SERVICE_CONVERT_SPLIT_H_
#define THRONG_SERVER_SERVICE_CONVERT_SPLIT_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/engine/splits.h"
#include "throng/v1/split.pb.h"

namespace throng::service {

// Errors: kInvalidArgument (BAD_RESOURCE_NAME at "parent"; REQUIRED at "split_id", "split",
// "split.source").
absl::StatusOr<engine::CreateSplit> ToCreateSplit(const v1::CreateSplitRequest& request);
// The engine's error, about the request's fields.
absl::Status AtCreateSplit(const absl::Status& status);

void SplitToProto(std::string_view population, const engine::SplitInfo& info, v1::Split* proto);
void BalanceToProto(std::string_view population, const engine::SplitBalance& balance,
                    double confidence, v1::SplitBalance* proto);
void AllocationToProto(const engine::AllocationResult& result, v1::AllocateCrowdsResponse* proto);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CONVERT_SPLIT_H_
