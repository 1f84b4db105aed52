// The id by which a caller and the server's logs name a call: metadata "x-request-id".
//
//   const std::string id = CallIdOf(*context);   // the caller's, or a new one
//   ReturnCallId(id, context);                   // in the trailing metadata
//
// It has nothing to do with the request_id of a message, by which writes are repeated safely.
// Thread-safe.
#ifndef THRONG_SERVER_SERVICE_CALL_ID_H_
#define THRONG_SERVER_SERVICE_CALL_ID_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "grpcpp/server_context.h"

namespace throng::service {

inline constexpr const char* kCallIdKey = "x-request-id";
inline constexpr size_t kCallIdBytesMax = 128;

// Unique in this process and among its starts: "64fbd3e1c2a40-17".
std::string NewCallNumber();
// What the caller sent, if that is one value of 1 to kCallIdBytesMax letters, digits and -._:/+=@,
// which need no quotes in a log; else a new number.
std::string CallIdOf(const grpc::CallbackServerContext& context);
// REQUIRES: the call is not finished yet, and has no id there.
void ReturnCallId(std::string_view id, grpc::CallbackServerContext* context);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CALL_ID_H_
