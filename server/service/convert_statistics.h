// Statistics as the engine takes and gives them, and as the API does.
//
//   absl::StatusOr<engine::StatisticsRequest> request = ToStatistics(proto);
//   StatisticsToProto(*result, response);
//   ToPercent("99.9");   // 99,900,000 millionths of a percent
//
// Every function is thread-safe.
#ifndef THRONG_SERVER_SERVICE_CONVERT_STATISTICS_H_
#define THRONG_SERVER_SERVICE_CONVERT_STATISTICS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/engine/statistics.h"
#include "throng/v1/statistics.pb.h"

namespace throng::service {

// All but the selection. Errors: kInvalidArgument (BAD_PERCENTILE at "percentiles[i]", UNSPECIFIED
// at "period"; as ToValue, at "edges[i].edges[j]").
absl::StatusOr<engine::StatisticsRequest> ToStatistics(const v1::StatisticsRequest& proto);

void StatisticsToProto(const engine::StatisticsResult& result, v1::StatisticsResponse* proto);

// Millionths of a percent. Empty for what is no decimal from 0 to 100, or has more than 6 digits
// after the point.
std::optional<uint32_t> ToPercent(std::string_view text);
// The shortest text that ToPercent reads as the same.
std::string PercentText(uint32_t percent);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CONVERT_STATISTICS_H_
