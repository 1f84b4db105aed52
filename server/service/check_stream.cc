#include "server/service/check_stream.h"

#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/error.h"
#include "server/service/access_rules.h"
#include "server/service/call_id.h"
#include "server/service/convert_membership.h"
#include "server/service/field_path.h"
#include "server/service/message_codec.h"
#include "server/service/retry_hint.h"
#include "server/service/service_limits.h"
#include "server/service/status_mapping.h"
#include "server/service/unary_call.h"

namespace throng::service {
namespace {

constexpr std::chrono::seconds kTendInterval{1};
// After which one more stream may be tried again.
constexpr std::chrono::milliseconds kRetryAfter{1'000};

absl::Status ShuttingDown() {
  return index::MakeError(absl::StatusCode::kUnavailable, "shutting down",
                          {.reason = "SHUTTING_DOWN"});
}

// An engine's error about its setup, with the field of the message.
absl::Status AtSetup(const absl::Status& status) {
  const std::optional<index::ErrorDetail> detail = index::GetErrorDetail(status);
  if (!detail.has_value() || detail->field.empty() || detail->field == "checks") return status;
  return MoveField(status, detail->field, "setup." + detail->field);
}

}  // namespace

CheckStreams::~CheckStreams() {
  std::thread thread;
  {
    index::MutexLock lock(mutex_);
    closing_ = true;
    changed_.NotifyAll();
    thread = std::move(thread_);
  }
  if (thread.joinable()) thread.join();
}

absl::Status CheckStreams::Add(CheckStream* stream, const std::string& owner) {
  index::MutexLock lock(mutex_);
  if (ended_) return ShuttingDown();
  if (streams_.size() >= limits_.check_streams_max) {
    return WithRetryAfter(
        index::LimitExceeded(absl::StatusCode::kResourceExhausted, "TOO_MANY_CALLS",
                             "the number of streams of checks at the same time",
                             limits_.check_streams_max, streams_.size() + 1),
        kRetryAfter);
  }
  uint32_t& owned = owned_[owner];
  if (!owner.empty() && owned >= limits_.caller_check_streams_max) {
    return WithRetryAfter(
        index::LimitExceeded(absl::StatusCode::kResourceExhausted, "TOO_MANY_CALLS_OF_CALLER",
                             "the number of streams of checks of one caller",
                             limits_.caller_check_streams_max, owned + 1),
        kRetryAfter);
  }
  ++owned;
  streams_.emplace(stream, owner);
  if (!thread_.joinable()) thread_ = std::thread([this] { Tend(); });
  return absl::OkStatus();
}

void CheckStreams::Tend() {
  index::MutexLock lock(mutex_);
  while (!closing_) {
    changed_.WaitUntil(mutex_, std::chrono::steady_clock::now() + kTendInterval);
    const auto now = std::chrono::steady_clock::now();
    for (const auto& [stream, owner] : streams_) stream->Tend(now);
  }
}

void CheckStreams::Remove(CheckStream* stream) {
  index::MutexLock lock(mutex_);
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return;
  if (--owned_[found->second] == 0) owned_.erase(found->second);
  streams_.erase(found);
}

void CheckStreams::End() {
  index::MutexLock lock(mutex_);  // held: a stream that is done waits in Remove, and stays alive
  ended_ = true;
  for (const auto& [stream, owner] : streams_) stream->End(ShuttingDown());
}

template <typename Step>
void CheckStream::Change(Step step) {
  std::optional<absl::Status> finish;
  {
    index::MutexLock lock(mutex_);
    step();
    if (is_finished_) return;
    if (!is_writing_ && !is_broken_ && !waiting_.empty()) StartNextWrite();
    if (!end_.has_value() && !is_reading_ && !has_message_ && waiting_states_ < kWaitingStatesMax &&
        waiting_answers_ < kWaitingAnswersMax) {
      is_reading_ = true;
      StartRead(&received_);
    }
    // A read that is pending ends with the stream; what one has brought is answered first.
    if (end_.has_value() && !is_writing_ && !has_message_) {
      is_finished_ = true;
      finish = end_;
    }
  }
  if (!finish.has_value()) return;
  if (guarded_.has_value()) finish = guarded_->Close(*std::move(finish));
  Finish(ToGrpcStatus(*finish));
}

CheckStream::CheckStream(grpc::CallbackServerContext* context, Calls& calls, CheckStreams& streams)
    : context_(context), calls_(calls), streams_(streams), caller_(UnadmittedContext(*context)) {
  ReturnCallId(caller_.call_id, context);
  caller_.cancelled = [this] { return cancelled_.load(std::memory_order_relaxed); };
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* CheckStream::Start(
    grpc::CallbackServerContext* context, Calls& calls, CheckStreams& streams) {
  auto* stream = new CheckStream(context, calls, streams);
  const absl::Status status = stream->Admit(*context);
  if (status.ok()) {
    stream->Change([] {});
  } else {
    stream->End(status);
  }
  return stream;
}

absl::Status CheckStream::Admit(const grpc::CallbackServerContext& context) {
  THRONG_RETURN_IF_ERROR(calls_.gate().Enter().status());
  THRONG_ASSIGN_OR_RETURN(Admitted who, calls_.admission().Authenticate(context));
  // Where it is may be said later; who may ask nowhere is not to take a place meanwhile.
  const AccessRule& rule = RuleOf(*v1::StreamChecksRequest::descriptor());
  AccessRule anywhere = rule;
  anywhere.scope = Scope::kAnyPopulation;
  anywhere.minds_minimum = false;
  engine::CallContext unused;
  THRONG_RETURN_IF_ERROR(
      calls_.admission().Authorize(anywhere, v1::StreamChecksRequest(), &who, &unused));
  guarded_.emplace(calls_.admission(), rule, std::move(who), caller_);
  registered_ = true;  // before it is: from then on another thread may end the stream
  const absl::Status added = streams_.Add(this, std::string(CallEntry::OwnerOf(guarded_->who())));
  if (!added.ok()) registered_ = false;
  return added;
}

void CheckStream::OnDone() {
  if (registered_) streams_.Remove(this);
  delete this;
}

void CheckStream::OnReadDone(bool ok) {
  Change([&]() THRONG_REQUIRES(mutex_) {
    is_reading_ = false;
    has_message_ = ok;
    // The client has closed its side, or is gone, which the next write tells.
    if (!ok) EndWith(cancelled_.load() ? caller_.Check() : absl::OkStatus());
  });
  if (ok) TakeMessage();
}

void CheckStream::OnWriteDone(bool ok) {
  Change([&]() THRONG_REQUIRES(mutex_) {
    is_writing_ = false;
    if (ok) return;
    is_broken_ = true;
    const absl::Status why = caller_.Check();
    EndWith(why.ok() ? absl::CancelledError("the connection to the client broke") : why);
  });
}

void CheckStream::End(const absl::Status& status) {
  Change([&]() THRONG_REQUIRES(mutex_) { EndWith(status); });
}

void CheckStream::Tend(std::chrono::steady_clock::time_point now) {
  Change([&]() THRONG_REQUIRES(mutex_) {
    if (is_finished_) return;
    const ServiceLimits& limits = calls_.limits();
    if (is_writing_ && now - write_begun_ >= limits.stream_idle_max) {
      EndWith(absl::DeadlineExceededError(
          fmt::format("the client has read nothing for {} s", limits.stream_idle_max.count())));
      context_->TryCancel();  // gRPC has no other way to end a write
    }
    if (end_.has_value() || has_message_) return;
    if (!has_setup_ && now - begun_ >= limits.check_setup_max) {
      EndWith(index::MakeError(absl::StatusCode::kDeadlineExceeded,
                               fmt::format("the client has not said within {} s what it asks",
                                           limits.check_setup_max.count()),
                               {.reason = "NO_SETUP", .field = "setup"}));
      return;
    }
    // Nobody else asks the guard while no message is being answered.
    if (const absl::Status allowed = guarded_->Recheck(); !allowed.ok()) EndWith(allowed);
  });
}

void CheckStream::TakeMessage() {
  auto request = std::make_shared<v1::StreamChecksRequest>();
  absl::Status status = RunGuarded([&]() -> absl::Status {
    THRONG_RETURN_IF_ERROR(
        ParseMessage(received_, calls_.limits().resource_request_bytes_max, request.get()));
    return Prepare(*request);
  });
  received_.Clear();
  if (status.ok()) {
    const size_t crowds = session_->crowd_count();
    const size_t states = static_cast<size_t>(request->checks_size()) * crowds;
    const bool is_quick =
        !is_new_session_ && states <= kQuickStatesMax && crowds <= engine::kCheckNowCrowdsMax;
    if (is_quick) {
      Answer(*request);
      return;
    }
    status = calls_.PoolOf(CallKind::kRead)
                 .Submit({.run =
                              [this, request](const absl::Status& accepted) {
                                if (accepted.ok()) {
                                  Answer(*request);
                                } else {
                                  Refuse(accepted);
                                }
                              },
                          .owner = std::string(CallEntry::OwnerOf(guarded_->who())),
                          .deadline = caller_.deadline});
  }
  if (!status.ok()) Refuse(status);
}

void CheckStream::Refuse(const absl::Status& status) {
  Change([&]() THRONG_REQUIRES(mutex_) {
    has_message_ = false;
    EndWith(status);
  });
}

absl::Status CheckStream::Prepare(const v1::StreamChecksRequest& request) {
  THRONG_RETURN_IF_ERROR(caller_.Check());
  THRONG_ASSIGN_OR_RETURN(engine::Engine* const engine, calls_.gate().Enter());
  THRONG_RETURN_IF_ERROR(std::exchange(is_open_, true) ? guarded_->Continue(request)
                                                       : guarded_->Open(request));
  if (!request.has_setup()) {
    return session_ == nullptr ? RequiredField(FieldPath("setup")) : absl::OkStatus();
  }
  THRONG_ASSIGN_OR_RETURN(engine::SessionSetup setup, ToSessionSetup(request.setup()));
  absl::StatusOr<std::unique_ptr<engine::CheckSession>> session =
      engine->memberships().OpenSession(guarded_->caller(), std::move(setup));
  if (!session.ok()) {
    return AtSetup(MoveField(session.status(), "", "population"));
  }
  session_ = *std::move(session);
  is_new_session_ = true;  // crowds that are not there are found out, and named, on a worker
  return absl::OkStatus();
}

void CheckStream::Answer(const v1::StreamChecksRequest& request) {
  v1::StreamChecksResponse response;
  const absl::Status status = LogFailure(request.GetDescriptor()->full_name(), caller_.call_id,
                                         RunGuarded([&] { return LookUp(request, &response); }));
  // One step: once the message is answered, a worker has no hold on the stream.
  Change([&]() THRONG_REQUIRES(mutex_) {
    has_message_ = false;
    has_setup_ = true;
    if (status.ok()) {
      HandOver(std::move(response));
    } else {
      EndWith(status);
    }
  });
}

absl::Status CheckStream::LookUp(const v1::StreamChecksRequest& request,
                                 v1::StreamChecksResponse* response) {
  std::vector<std::string_view> ids;
  ids.reserve(static_cast<size_t>(request.checks_size()));
  for (const v1::StreamCheck& check : request.checks()) ids.push_back(check.id());
  if (const absl::Status status = session_->Check(ids, &answers_); !status.ok()) {
    return AtSetup(status);
  }
  response->set_data_version(answers_.data_version);
  if (std::exchange(is_new_session_, false) || answers_.versions_changed) {
    for (const engine::CheckedVersion& version : session_->versions()) {
      CheckedVersionToProto(version, response->add_versions());
    }
  }
  const size_t crowds = session_->crowd_count();
  response->mutable_answers()->Reserve(request.checks_size());
  for (size_t i = 0; i < ids.size(); ++i) {
    v1::StreamAnswer* answer = response->add_answers();
    answer->set_sequence(request.checks(static_cast<int>(i)).sequence());
    answer->mutable_states()->Reserve(static_cast<int>(crowds));
    for (size_t c = 0; c < crowds; ++c) {
      answer->add_states(static_cast<v1::MemberState>(answers_.states[i * crowds + c]));
    }
  }
  guarded_->Answered(*response);
  return absl::OkStatus();
}

void CheckStream::HandOver(v1::StreamChecksResponse response) {
  if (response.answers_size() == 0 && response.versions_size() == 0) return;
  waiting_answers_ += static_cast<size_t>(response.answers_size() + response.versions_size());
  waiting_states_ += static_cast<size_t>(response.answers_size()) * session_->crowd_count();
  const bool joins = !waiting_.empty() && response.versions_size() == 0 &&
                     waiting_.back().data_version() == response.data_version();
  if (!joins) {
    waiting_.push_back(std::move(response));
    return;
  }
  v1::StreamChecksResponse& last = waiting_.back();
  for (v1::StreamAnswer& answer : *response.mutable_answers()) last.add_answers()->Swap(&answer);
}

void CheckStream::StartNextWrite() {
  written_.Clear();
  const absl::Status status = SerializeMessage(waiting_.front(), &written_);
  waiting_.pop_front();
  if (waiting_.empty()) waiting_answers_ = waiting_states_ = 0;
  if (!status.ok()) {
    is_broken_ = true;
    EndWith(status);
    return;
  }
  is_writing_ = true;
  write_begun_ = std::chrono::steady_clock::now();
  StartWrite(&written_);
}

}  // namespace throng::service
