// What handlers of streams read and write: messages, where the calls have bytes.
//
//   absl::Status HandleLoad(const CallScope& scope,
//                           ReadWriteStream<v1::LoadRequest, v1::LoadResponse>& stream) {
//     v1::LoadRequest request;
//     THRONG_ASSIGN_OR_RETURN(const bool more, stream.Read(&request));
//
// Each message is checked on its way: whether the caller may, and still may.
#ifndef THRONG_SERVER_SERVICE_MESSAGE_STREAMS_H_
#define THRONG_SERVER_SERVICE_MESSAGE_STREAMS_H_

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/service/guarded_call.h"
#include "server/service/message_codec.h"
#include "server/service/stream_call.h"
#include "server/service/upload_call.h"

namespace throng::service {

// Reads the next message of a stream whose client sends many; false when no more comes. The first
// one says whether the caller may; who has lost that by the end gets an error instead of false.
// Errors besides: as GuardedCall::Open and Continue. Not thread-safe.
template <typename Call>
class GuardedReader {
 public:
  GuardedReader(Call& call, GuardedCall& guarded, uint64_t bytes_max)
      : call_(call), guarded_(guarded), bytes_max_(bytes_max) {}

  absl::StatusOr<bool> Read(google::protobuf::Message* request) {
    absl::StatusOr<std::optional<grpc::ByteBuffer>> bytes = call_.Read();
    if (!bytes.ok()) return bytes.status();
    if (!bytes->has_value()) {
      if (const absl::Status allowed = End(); !allowed.ok()) return allowed;
      return false;
    }
    const absl::Status parsed = ParseMessage(**bytes, bytes_max_, request);
    if (!parsed.ok()) return parsed;
    const absl::Status allowed =
        std::exchange(opened_, true) ? guarded_.Continue(*request) : guarded_.Open(*request);
    if (!allowed.ok()) return allowed;
    return true;
  }

 private:
  absl::Status End() const { return opened_ ? guarded_.Recheck() : absl::OkStatus(); }

  Call& call_;
  GuardedCall& guarded_;
  const uint64_t bytes_max_;
  bool opened_ = false;
};

// The messages of a server stream. A view of the call; thread-compatible, as the others here.
template <typename Response>
class WriteStream {
 public:
  WriteStream(ExportCall& call, GuardedCall& guarded) : call_(call), guarded_(guarded) {}
  // Errors: kCancelled, kDeadlineExceeded: nobody listens any more; kUnauthenticated: the caller's
  // access has ended.
  absl::Status Write(const Response& response) {
    if (const absl::Status allowed = guarded_.Recheck(); !allowed.ok()) return allowed;
    guarded_.Answered(response);
    grpc::ByteBuffer bytes;
    const absl::Status status = SerializeMessage(response, &bytes);
    return status.ok() ? call_.Write(std::move(bytes)) : status;
  }

 private:
  ExportCall& call_;
  GuardedCall& guarded_;
};

// The messages of a stream both ways. A view of the call.
template <typename Request, typename Response>
class ReadWriteStream {
 public:
  ReadWriteStream(LoadCall& call, GuardedCall& guarded, uint64_t bytes_max)
      : call_(call), guarded_(guarded), reader_(call, guarded, bytes_max) {}
  // As GuardedReader; see LoadCall::Read for what false does not say.
  absl::StatusOr<bool> Read(Request* request) { return reader_.Read(request); }
  absl::Status Write(const Response& response) {
    guarded_.Answered(response);
    grpc::ByteBuffer bytes;
    const absl::Status status = SerializeMessage(response, &bytes);
    return status.ok() ? call_.Write(std::move(bytes)) : status;
  }

 private:
  LoadCall& call_;
  GuardedCall& guarded_;
  GuardedReader<LoadCall> reader_;
};

// The messages of a client stream. A view of the call.
template <typename Request>
class ReadStream {
 public:
  ReadStream(UploadCall& call, GuardedCall& guarded, uint64_t bytes_max)
      : reader_(call, guarded, bytes_max) {}
  // As GuardedReader; see UploadCall::Read for what false does not say.
  absl::StatusOr<bool> Read(Request* request) { return reader_.Read(request); }

 private:
  GuardedReader<UploadCall> reader_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_MESSAGE_STREAMS_H_
