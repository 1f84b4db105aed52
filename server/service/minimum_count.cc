#include "server/service/minimum_count.h"

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "index/error.h"
#include "server/service/minimum_rules.h"
#include "server/service/withheld_answers.h"

namespace throng::service {
namespace {

using google::protobuf::Message;
using Withholding = std::function<absl::Status(const CallScope&, const Message&, Message*)>;

// Of an answer that is made safe whatever was asked.
template <typename Response>
Withholding Of() {
  return [](const CallScope& scope, const Message&, Message* response) {
    WithholdFrom(scope, static_cast<Response*>(response));
    return absl::OkStatus();
  };
}

template <typename Request, typename Response>
Withholding Of() {
  return [](const CallScope& scope, const Message& request, Message* response) {
    return WithholdFrom(scope, static_cast<const Request&>(request),
                        static_cast<Response*>(response));
  };
}

using Table = std::map<std::string_view, Withholding>;

const Table& Withholdings() {
  static const auto* table = new Table{
      {"PopulationService/GetPopulation", Of<v1::Population>()},
      {"PopulationService/ListPopulations", Of<v1::ListPopulationsResponse>()},
      {"PopulationService/CreateIdType", Of<v1::IdType>()},
      {"PopulationService/ListIdTypes", Of<v1::ListIdTypesResponse>()},
      {"TagService/CreateTag", Of<v1::Tag>()},
      {"TagService/GetTag", Of<v1::Tag>()},
      {"TagService/ListTags", Of<v1::ListTagsResponse>()},
      {"TagService/UpdateTag", Of<v1::Tag>()},
      {"TagService/ListTagValues", Of<v1::ListTagValuesRequest, v1::ListTagValuesResponse>()},
      {"SelectionService/Count", Of<v1::CountRequest, v1::CountResponse>()},
      {"SelectionService/Explain", Of<v1::ExplainRequest, v1::ExplainResponse>()},
      {"InsightService/Breakdown", Of<v1::BreakdownRequest, v1::BreakdownResponse>()},
      {"InsightService/Curve", Of<v1::CurveRequest, v1::CurveResponse>()},
      {"InsightService/CrossTab", Of<v1::CrossTabRequest, v1::CrossTabResponse>()},
      {"InsightService/Statistics", Of<v1::StatisticsRequest, v1::StatisticsResponse>()},
      {"CrowdService/CreateCrowd", Of<v1::Crowd>()},
      {"CrowdService/GetCrowd", Of<v1::Crowd>()},
      {"CrowdService/ListCrowds", Of<v1::ListCrowdsResponse>()},
      {"CrowdService/UpdateCrowd", Of<v1::Crowd>()},
      {"CrowdService/DeleteCrowd", Of<v1::Crowd>()},
      {"CrowdService/UndeleteCrowd", Of<v1::Crowd>()},
      {"CrowdService/RefreshCrowd", Of<v1::RefreshedCrowd>()},
      {"CrowdService/BatchRefreshCrowds", Of<v1::BatchRefreshCrowdsResponse>()},
      {"CrowdService/FreezeCrowd", Of<v1::Crowd>()},
      {"CrowdService/ListCrowdVersions", Of<v1::ListCrowdVersionsResponse>()},
      {"CrowdService/DiffCrowdVersions",
       Of<v1::DiffCrowdVersionsRequest, v1::DiffCrowdVersionsResponse>()},
      {"CrowdService/PinCrowdVersion", Of<v1::CrowdVersion>()},
      {"SplitService/CreateSplit", Of<v1::Split>()},
      {"SplitService/GetSplit", Of<v1::Split>()},
      {"SplitService/ListSplits", Of<v1::ListSplitsResponse>()},
      {"SplitService/AwardSplit", Of<v1::Split>()},
      {"SplitService/DeleteSplit", Of<v1::Split>()},
      {"SplitService/GetSplitBalance", Of<v1::GetSplitBalanceRequest, v1::SplitBalance>()},
  };
  return *table;
}

// What the answers about users have in common.
void WithholdFromInfo(uint64_t minimum, Message* response) {
  const auto* field = response->GetDescriptor()->FindFieldByName("info");
  if (field == nullptr || field->message_type() != v1::ResultInfo::descriptor()) return;
  auto* info =
      static_cast<v1::ResultInfo*>(response->GetReflection()->MutableMessage(response, field));
  info->set_minimum_count(minimum);
  WithholdFromWarnings(info->mutable_warnings());
}

}  // namespace

absl::Status WithholdSmall(const CallScope& scope, std::string_view method, const Message& request,
                           Message* response) {
  const uint64_t minimum = scope.who.minimum_count;
  if (minimum == 0) return absl::OkStatus();
  const MinimumRow* row = FindMinimumRow(method);
  if (row != nullptr && row->protection == Protection::kNothing) return absl::OkStatus();
  // Neither what has no row nor what is refused has a function.
  const auto found = Withholdings().find(method);
  if (found == Withholdings().end()) return RefusedByMinimum(method, "", minimum);
  THRONG_RETURN_IF_ERROR(found->second(scope, request, response));
  WithholdFromInfo(minimum, response);
  return absl::OkStatus();
}

absl::Status WithholdFromError(const CallScope& scope, absl::Status status) {
  if (status.ok() || scope.who.minimum_count == 0) return status;
  std::optional<index::ErrorDetail> detail = index::GetErrorDetail(status);
  if (!detail.has_value()) return status;
  // How far apart the least and the largest value are is said by how many bins there would be.
  if (detail->reason != "TOO_MANY_PERIODS" && detail->reason != "TOO_MANY_BINS") return status;
  detail->requested = 0;
  return index::MakeError(status.code(), "the histogram has too many bins: ask for longer periods",
                          *detail);
}

bool HasWithholding(std::string_view method) { return Withholdings().count(method) > 0; }

}  // namespace throng::service
