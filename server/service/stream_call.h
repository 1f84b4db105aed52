// Streaming calls on gRPC's callback API, served by a thread that reads and writes as if they
// blocked.
//
//   return ExportCall::Start(context, {pool, "cms", limits}, [](ExportCall& call) {
//     return call.Write(bytes);       // waits until gRPC took the one before; error: all is over
//   });
//
// Lifetime: a reactor deletes itself in OnDone, which gRPC calls once, behind Finish and behind
// every other reaction (of reads and writes that failed, too). The stream thread's last touch is
// Finish. A cancelled call fails what is under way, so no thread waits for ever; one whose client
// neither sends nor reads within stream_idle_max is ended. So is an export, or an upload, that
// takes longer than snapshot_stream_max, however it moves: it holds a data version.
#ifndef THRONG_SERVER_SERVICE_STREAM_CALL_H_
#define THRONG_SERVER_SERVICE_STREAM_CALL_H_

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "index/mutex.h"
#include "server/engine/call_context.h"
#include "server/service/service_limits.h"
#include "server/service/worker_pool.h"

namespace throng::service {

// One asynchronous operation that a thread waits for. Thread-safe; one waiter.
class PendingOperation {
 public:
  // Before the operation is started. REQUIRES: none is pending.
  void Begin() THRONG_EXCLUDES(mutex_);
  // From gRPC's thread.
  void Complete(bool ok) THRONG_EXCLUDES(mutex_);
  // Whether the operation succeeded; empty if it has not ended within `most`.
  std::optional<bool> Wait(std::chrono::steady_clock::duration most) THRONG_EXCLUDES(mutex_);
  bool Wait() THRONG_EXCLUDES(mutex_);

 private:
  index::Mutex mutex_;
  index::ConditionVariable changed_;
  bool pending_ THRONG_GUARDED_BY(mutex_) = false;
  bool ok_ THRONG_GUARDED_BY(mutex_) = false;
};

// Where a stream runs, for whom, and within which limits. A view, of which the stream keeps
// nothing.
struct StreamPlace {
  WorkerPool& pool;
  std::string_view owner;  // empty: nobody in particular
  const ServiceLimits& limits;
};

// Has a thread of the pool run the call, or the call end with why not, of which `refused` is told.
// Returns `call`, which may have ended already. Thread-safe.
template <typename Call>
Call* RunIn(const StreamPlace& place, const OnRefused& refused, Call* call) {
  place.pool.Run({.run =
                      [call, refused](const absl::Status& accepted) {
                        if (!accepted.ok()) refused(call->caller().call_id, accepted);
                        call->Run(accepted);
                      },
                  .owner = std::string(place.owner)});
  return call;
}

// Who calls, and until when: what every stream begins with. Thread-compatible.
class StreamCaller {
 public:
  // kSnapshot: it ends after snapshot_stream_max.
  enum class Holds { kNothing, kSnapshot };

  // Returns the call's id to the client. `cancelled` must outlive this.
  StreamCaller(grpc::CallbackServerContext* context, const ServiceLimits& limits, Holds holds,
               const std::atomic<bool>& cancelled);

  const engine::CallContext& caller() const { return caller_; }
  // What is left of it, at most stream_idle_max: how long to wait for the client.
  std::chrono::steady_clock::duration Patience() const;
  // Why a wait was given up after Patience(): the client has `what` ("read") nothing, or the end.
  absl::Status GivenUp(std::string_view what) const;
  // Why an operation failed.
  absl::Status Gone() const;
  // kDeadlineExceeded with STREAM_TOO_LONG if that is what has ended it; else `status`.
  absl::Status Outcome(absl::Status status) const;

 private:
  const std::chrono::seconds idle_max_;
  const std::chrono::seconds snapshot_max_;
  engine::CallContext caller_;
  bool is_bounded_ = false;  // the deadline is snapshot_max_, not the client's
};

// A server stream. Thread-safe in the sense of gRPC; Write and caller() are the stream thread's.
class ExportCall final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  using Work = std::function<absl::Status(ExportCall&)>;

  static grpc::ServerWriteReactor<grpc::ByteBuffer>* Start(grpc::CallbackServerContext* context,
                                                           const StreamPlace& place, Work work,
                                                           const OnRefused& refused);
  // Answers `status` at once.
  static grpc::ServerWriteReactor<grpc::ByteBuffer>* Refuse(grpc::CallbackServerContext* context,
                                                            const ServiceLimits& limits,
                                                            const absl::Status& status);

  const engine::CallContext& caller() const { return caller_.caller(); }
  // Starts the write and waits for the one before, so that the next bytes are made while these are
  // sent. Errors, of that one too: kCancelled, kDeadlineExceeded.
  absl::Status Write(grpc::ByteBuffer bytes);
  // Waits for the write that is under way, if one is. Errors: as Write.
  absl::Status Flush();

 private:
  ExportCall(grpc::CallbackServerContext* context, const ServiceLimits& limits, Work work);

  template <typename Call>
  friend Call* RunIn(const StreamPlace& place, const OnRefused& refused, Call* call);

  // `accepted`: whether it is to be done at all.
  void Run(const absl::Status& accepted);
  void OnWriteDone(bool ok) override { write_.Complete(ok); }
  void OnCancel() override { cancelled_.store(true); }
  void OnDone() override { delete this; }

  grpc::CallbackServerContext* const context_;
  std::atomic<bool> cancelled_{false};
  const StreamCaller caller_;
  const Work work_;
  bool is_writing_ = false;   // the stream thread's
  grpc::ByteBuffer written_;  // in gRPC's hands while a write is pending
  PendingOperation write_;
};

// A stream both ways. One message is read ahead. Thread-safe in the sense of gRPC; Read, Write and
// caller() are the stream thread's.
class LoadCall final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  using Work = std::function<absl::Status(LoadCall&)>;

  static grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Start(
      grpc::CallbackServerContext* context, const StreamPlace& place, Work work,
      const OnRefused& refused);
  // Answers `status` at once.
  static grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Refuse(
      grpc::CallbackServerContext* context, const ServiceLimits& limits,
      const absl::Status& status);

  const engine::CallContext& caller() const { return caller_.caller(); }
  // The next message; empty when there will be none, which means that the client closed its side OR
  // that the connection broke: gRPC does not tell them apart here. A Write behind it does: it
  // fails on a broken one. Errors: kCancelled, kDeadlineExceeded.
  absl::StatusOr<std::optional<grpc::ByteBuffer>> Read();
  // Errors: kCancelled, kDeadlineExceeded.
  absl::Status Write(grpc::ByteBuffer bytes);

 private:
  LoadCall(grpc::CallbackServerContext* context, const ServiceLimits& limits, Work work);

  void BeginRead();
  template <typename Call>
  friend Call* RunIn(const StreamPlace& place, const OnRefused& refused, Call* call);

  // `accepted`: whether it is to be done at all.
  void Run(const absl::Status& accepted);
  void OnReadDone(bool ok) override { read_.Complete(ok); }
  void OnWriteDone(bool ok) override { write_.Complete(ok); }
  void OnCancel() override { cancelled_.store(true); }
  void OnDone() override { delete this; }

  grpc::CallbackServerContext* const context_;
  std::atomic<bool> cancelled_{false};
  const StreamCaller caller_;
  const Work work_;
  grpc::ByteBuffer next_;     // in gRPC's hands while a read is pending
  grpc::ByteBuffer written_;  // likewise for a write
  PendingOperation read_;
  PendingOperation write_;
  bool ended_ = false;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_STREAM_CALL_H_
