#include "server/service/message_codec.h"

#include "fmt/format.h"
#include "google/protobuf/io/coded_stream.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/proto_buffer_writer.h"
#include "index/error.h"
#include "server/service/service_limits.h"

namespace throng::service {
namespace {

constexpr int kWriteBlockBytes = 1 << 20;

}  // namespace

absl::Status ParseMessage(const grpc::ByteBuffer& bytes, uint64_t bytes_max,
                          google::protobuf::Message* message) {
  if (bytes.Length() > bytes_max) {
    return index::LimitExceeded(absl::StatusCode::kResourceExhausted, "REQUEST_TOO_LARGE",
                                "the request in bytes", bytes_max, bytes.Length());
  }
  bool parsed = bytes.Length() == 0;  // the empty message, for which gRPC may have no buffer
  if (!parsed) {
    grpc::ByteBuffer copy = bytes;  // shares the bytes; the reader wants a mutable one
    grpc::ProtoBufferReader reader(&copy);
    google::protobuf::io::CodedInputStream coded(&reader);
    coded.SetRecursionLimit(kMessageDepthMax);
    parsed = reader.status().ok() && message->ParseFromCodedStream(&coded) &&
             coded.ConsumedEntireMessage();
  }
  if (parsed) return absl::OkStatus();
  return index::InvalidArgument(
      "BAD_MESSAGE", "",
      fmt::format("the request is not a {}: damaged, with text that is not UTF-8, or nested over "
                  "{} messages deep",
                  message->GetDescriptor()->full_name(), kMessageDepthMax));
}

absl::Status SerializeMessage(const google::protobuf::Message& message, grpc::ByteBuffer* bytes) {
  const size_t size = message.ByteSizeLong();
  if (size > static_cast<size_t>(INT32_MAX)) {
    return absl::InternalError("the answer is over 2 GiB");
  }
  grpc::ProtoBufferWriter writer(bytes, kWriteBlockBytes, static_cast<int>(size));
  if (message.SerializeToZeroCopyStream(&writer)) return absl::OkStatus();
  return absl::InternalError("the answer could not be encoded");
}

}  // namespace throng::service
