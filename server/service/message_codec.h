// Messages and the bytes gRPC carries. The services take calls as bytes, so that parsing a large
// request is not done on gRPC's own threads, a deep one is not refused by protobuf's default (100
// nested messages; 64 levels of an expression are more), and a broken one gets an answer that says
// so.
//
//   v1::CountRequest request;
//   absl::Status parsed = ParseMessage(bytes, limits.request_bytes_max, &request);
//   grpc::ByteBuffer answer;
//   SerializeMessage(response, &answer);
//
// Thread-safe.
#ifndef THRONG_SERVER_SERVICE_MESSAGE_CODEC_H_
#define THRONG_SERVER_SERVICE_MESSAGE_CODEC_H_

#include <cstdint>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "grpcpp/support/byte_buffer.h"

namespace throng::service {

// Errors: kResourceExhausted (REQUEST_TOO_LARGE) with the limit; kInvalidArgument (BAD_MESSAGE):
// no such message, text that is not UTF-8, or nested over kMessageDepthMax.
absl::Status ParseMessage(const grpc::ByteBuffer& bytes, uint64_t bytes_max,
                          google::protobuf::Message* message);

// Errors: kInternal (over 2 GiB).
absl::Status SerializeMessage(const google::protobuf::Message& message, grpc::ByteBuffer* bytes);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_MESSAGE_CODEC_H_
