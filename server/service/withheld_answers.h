// What is withheld from each answer that has numbers of users: one function a call, in the table of
// minimum_count.cc. Each makes one answer safe by itself; docs/security.md has the rules.
//
//   absl::Status status = WithholdFrom(scope, request, &response);
//
// `scope.who.minimum_count` is not 0. Errors: kPermissionDenied (MINIMUM_COUNT): this request
// cannot be answered safely. Thread-safe.
#ifndef THRONG_SERVER_SERVICE_WITHHELD_ANSWERS_H_
#define THRONG_SERVER_SERVICE_WITHHELD_ANSWERS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/repeated_field.h"
#include "index/catalogue.h"
#include "server/service/call_scope.h"
#include "throng/v1/crowd.pb.h"
#include "throng/v1/insight.pb.h"
#include "throng/v1/population.pb.h"
#include "throng/v1/selection.pb.h"
#include "throng/v1/split.pb.h"
#include "throng/v1/tag.pb.h"

namespace throng::service {

absl::Status WithholdFrom(const CallScope&, const v1::CountRequest&, v1::CountResponse*);
absl::Status WithholdFrom(const CallScope&, const v1::ExplainRequest&, v1::ExplainResponse*);
absl::Status WithholdFrom(const CallScope&, const v1::CurveRequest&, v1::CurveResponse*);
absl::Status WithholdFrom(const CallScope&, const v1::BreakdownRequest&, v1::BreakdownResponse*);
absl::Status WithholdFrom(const CallScope&, const v1::CrossTabRequest&, v1::CrossTabResponse*);
absl::Status WithholdFrom(const CallScope&, const v1::StatisticsRequest&, v1::StatisticsResponse*);
absl::Status WithholdFrom(const CallScope&, const v1::ListTagValuesRequest&,
                          v1::ListTagValuesResponse*);
absl::Status WithholdFrom(const CallScope&, const v1::DiffCrowdVersionsRequest&,
                          v1::DiffCrowdVersionsResponse*);
absl::Status WithholdFrom(const CallScope&, const v1::GetSplitBalanceRequest&, v1::SplitBalance*);

// Leaves the warnings that follow from the text, the definitions of tags and the clock alone.
void WithholdFromWarnings(google::protobuf::RepeatedPtrField<v1::Warning>* warnings);

// Resources, whatever is done to them.
void WithholdFrom(const CallScope& scope, v1::Population* population);
void WithholdFrom(const CallScope& scope, v1::ListPopulationsResponse* response);
void WithholdFrom(const CallScope& scope, v1::IdType* id_type);
void WithholdFrom(const CallScope& scope, v1::ListIdTypesResponse* response);
void WithholdFrom(const CallScope& scope, v1::Tag* tag);
void WithholdFrom(const CallScope& scope, v1::ListTagsResponse* response);
void WithholdFrom(const CallScope& scope, v1::Crowd* crowd);
void WithholdFrom(const CallScope& scope, v1::ListCrowdsResponse* response);
void WithholdFrom(const CallScope& scope, v1::CrowdVersion* version);
void WithholdFrom(const CallScope& scope, v1::ListCrowdVersionsResponse* response);
void WithholdFrom(const CallScope& scope, v1::RefreshedCrowd* refreshed);
void WithholdFrom(const CallScope& scope, v1::BatchRefreshCrowdsResponse* response);
void WithholdFrom(const CallScope& scope, v1::Split* split);
void WithholdFrom(const CallScope& scope, v1::ListSplitsResponse* response);

// The type of a tag that the answer is about. `population`: as a selection names it.
absl::StatusOr<index::TagType> TypeOfTag(const CallScope& scope, const std::string& population,
                                         const std::string& tag);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_WITHHELD_ANSWERS_H_
