// Results of selections and insights as the API gives them.
//
//   CountToProto(*result, response);
//
// Every function is thread-safe.
#ifndef THRONG_SERVER_SERVICE_CONVERT_RESULT_H_
#define THRONG_SERVER_SERVICE_CONVERT_RESULT_H_

#include "server/engine/insights.h"
#include "server/engine/selections.h"
#include "throng/v1/insight.pb.h"
#include "throng/v1/selection.pb.h"

namespace throng::service {

void CountToProto(const engine::CountResult& result, v1::CountResponse* proto);
void ExplainToProto(const engine::ExplainResult& result, v1::ExplainResponse* proto);
void MembersToProto(engine::MembersPage page, v1::ListMembersResponse* proto);
void BreakdownToProto(const engine::BreakdownResult& result, v1::BreakdownResponse* proto);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CONVERT_RESULT_H_
