#include "server/service/message_codec.h"

#include <string>

#include "fmt/format.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/stubs/logging.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/proto_buffer_writer.h"
#include "index/error.h"
#include "server/access/log_text.h"
#include "server/service/service_limits.h"
#include "spdlog/spdlog.h"

namespace throng::service {
namespace {

constexpr int kWriteBlockBytes = 1 << 20;

void LogOfProtobuf(google::protobuf::LogLevel level, const char* file, int line,
                   const std::string& message) {
  if (level == google::protobuf::LOGLEVEL_FATAL) {
    spdlog::critical("event=protobuf_failed place={}:{} message={}", file, line,
                     access::Quoted(message));
  }
}

// Of every text that is not UTF-8 protobuf writes a line to stderr: a client could fill the log.
// The answer says what is wrong.
void KeepProtobufQuiet() {
  static google::protobuf::LogHandler* const before =
      google::protobuf::SetLogHandler(&LogOfProtobuf);
  static_cast<void>(before);
}

}  // namespace

absl::Status ParseMessage(const grpc::ByteBuffer& bytes, uint64_t bytes_max,
                          google::protobuf::Message* message) {
  KeepProtobufQuiet();
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
