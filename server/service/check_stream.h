// One stream of membership checks (MembershipService.StreamChecks).
//
//   CheckStreams streams(limits);
//   return CheckStream::Start(context, calls, streams);
//   streams.End();     // the server shuts down: all end, those that are silent too
//
// No thread waits for a stream: a message is looked up where gRPC brings it, a large one on a
// worker (docs/decisions/0006). While answers are being written further ones gather, and go out
// together; when too many wait, nothing is read until the client has taken some. So a client that
// stalls holds at most twice kWaitingStatesMax states and a message: what is being written, and
// what waits.
//
// One thread tends all streams, every second: it ends those that do not say what they ask, whose
// client does not read what is being written, or whose caller may not call any more. A stream whose
// client has nothing to ask may be silent for ever.
//
// Lifetime: a stream deletes itself in OnDone, which gRPC calls once, behind Finish and behind
// every other reaction. Finish is called when no write is under way and no worker has the stream.
#ifndef THRONG_SERVER_SERVICE_CHECK_STREAM_H_
#define THRONG_SERVER_SERVICE_CHECK_STREAM_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "index/mutex.h"
#include "server/engine/call_context.h"
#include "server/engine/crowd_membership.h"
#include "server/service/calls.h"
#include "server/service/guarded_call.h"
#include "throng/v1/membership.pb.h"

namespace throng::service {

class CheckStream;

// The streams of a server. Thread-safe.
class CheckStreams {
 public:
  explicit CheckStreams(const ServiceLimits& limits) : limits_(limits) {}
  // Ends the thread. No stream may be left.
  ~CheckStreams();
  CheckStreams(const CheckStreams&) = delete;
  CheckStreams& operator=(const CheckStreams&) = delete;

  // `owner`: whose stream it is; empty: nobody's in particular. Errors: kResourceExhausted
  // (TOO_MANY_CALLS, TOO_MANY_CALLS_OF_CALLER), kUnavailable (SHUTTING_DOWN).
  absl::Status Add(CheckStream* stream, const std::string& owner) THRONG_EXCLUDES(mutex_);
  void Remove(CheckStream* stream) THRONG_EXCLUDES(mutex_);
  // Ends all of them with kUnavailable (SHUTTING_DOWN), and those that come later.
  void End() THRONG_EXCLUDES(mutex_);

 private:
  void Tend() THRONG_EXCLUDES(mutex_);

  const ServiceLimits& limits_;
  index::Mutex mutex_;
  index::ConditionVariable changed_;
  bool ended_ THRONG_GUARDED_BY(mutex_) = false;
  bool closing_ THRONG_GUARDED_BY(mutex_) = false;
  std::map<CheckStream*, std::string> streams_ THRONG_GUARDED_BY(mutex_);  // with their owners
  std::map<std::string, uint32_t> owned_ THRONG_GUARDED_BY(mutex_);        // streams, by owner
  std::thread thread_ THRONG_GUARDED_BY(mutex_);  // from the first stream on
};

// Thread-safe in the sense of gRPC: reactions come from any thread.
class CheckStream final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  static grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Start(
      grpc::CallbackServerContext* context, Calls& calls, CheckStreams& streams);

  // Ends the stream with `status` behind the answers that are ready.
  void End(const absl::Status& status) THRONG_EXCLUDES(mutex_);
  // Ends it if it has stood still for too long, or its caller may not call any more.
  void Tend(std::chrono::steady_clock::time_point now) THRONG_EXCLUDES(mutex_);

 private:
  CheckStream(grpc::CallbackServerContext* context, Calls& calls, CheckStreams& streams);

  // Lets the caller in and starts to read.
  absl::Status Admit(const grpc::CallbackServerContext& context);
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override { cancelled_.store(true); }
  void OnDone() override;

  // Reads the message that came and answers it, here or on a worker.
  void TakeMessage();
  // Ends the stream instead of answering its message.
  void Refuse(const absl::Status& status) THRONG_EXCLUDES(mutex_);
  absl::Status Prepare(const v1::StreamChecksRequest& request);
  // Looks up and hands the answers over; then the next message may come.
  void Answer(const v1::StreamChecksRequest& request);
  absl::Status LookUp(const v1::StreamChecksRequest& request, v1::StreamChecksResponse* response);

  // What changes the state does it inside of this, which then starts whatever the state allows: a
  // write, a read, the end. The end is started behind the lock, as the last touch: the stream may
  // be gone then. gRPC reacts to what is started on another thread or later on this one, never
  // inside.
  template <typename Step>
  void Change(Step step) THRONG_EXCLUDES(mutex_);
  void HandOver(v1::StreamChecksResponse response) THRONG_REQUIRES(mutex_);
  void EndWith(const absl::Status& status) THRONG_REQUIRES(mutex_) {
    if (!end_.has_value()) end_ = status;
  }
  void StartNextWrite() THRONG_REQUIRES(mutex_);

  grpc::CallbackServerContext* const context_;
  Calls& calls_;
  CheckStreams& streams_;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  engine::CallContext caller_;
  std::atomic<bool> cancelled_{false};
  bool registered_ = false;

  // Of whoever has the message: the reaction of gRPC, then maybe a worker; in the end of whoever
  // finishes.
  std::optional<GuardedCall> guarded_;  // empty: refused at the door
  bool is_open_ = false;
  grpc::ByteBuffer received_;
  std::unique_ptr<engine::CheckSession> session_;
  bool is_new_session_ = false;  // its versions were not told yet
  engine::CheckSession::Answers answers_;

  grpc::ByteBuffer written_;  // in gRPC's hands while a write is under way

  index::Mutex mutex_;
  std::deque<v1::StreamChecksResponse> waiting_ THRONG_GUARDED_BY(mutex_);
  size_t waiting_answers_ THRONG_GUARDED_BY(mutex_) = 0;
  size_t waiting_states_ THRONG_GUARDED_BY(mutex_) = 0;
  bool is_reading_ THRONG_GUARDED_BY(mutex_) = false;   // a read, or what it brought, is under way
  bool has_message_ THRONG_GUARDED_BY(mutex_) = false;  // what it brought is being answered
  bool has_setup_ THRONG_GUARDED_BY(mutex_) = false;
  bool is_writing_ THRONG_GUARDED_BY(mutex_) = false;
  std::chrono::steady_clock::time_point write_begun_ THRONG_GUARDED_BY(mutex_);
  bool is_finished_ THRONG_GUARDED_BY(mutex_) = false;
  bool is_broken_ THRONG_GUARDED_BY(mutex_) = false;           // nobody will read what waits
  std::optional<absl::Status> end_ THRONG_GUARDED_BY(mutex_);  // with what it will finish
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CHECK_STREAM_H_
