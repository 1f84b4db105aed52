// Why users are in a selection or out of it, as the engine gives it and as the API does.
//
//   ReasonsToProto(*reasons, response);
//
// Every function is thread-safe.
#ifndef THRONG_SERVER_SERVICE_CONVERT_WHY_H_
#define THRONG_SERVER_SERVICE_CONVERT_WHY_H_

#include "server/engine/why.h"
#include "throng/v1/membership.pb.h"

namespace throng::service {

void ReasonsToProto(const engine::UserReasons& reasons, v1::WhyMemberResponse* proto);
void ReasonsToProto(const engine::ListReasons& reasons, v1::WhyMemberResponse* proto);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CONVERT_WHY_H_
