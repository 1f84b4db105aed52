// One call between the wire and its handler: it is let in, then noted.
//
//   GuardedCall guarded(admission, rule, std::move(who), caller);
//   absl::Status status = guarded.Open(request);         // PERMISSION_DENIED, or noted beforehand
//   if (status.ok()) status = handler({engine, guarded.caller(), limits, guarded.who()}, ...);
//   if (status.ok()) guarded.Answered(response);         // what the log shall say of the answer
//   return guarded.Close(status);                        // the line of its end
//
// A call that was refused before it had a thread has one line as well: NoteRefusal.
//
// A call that the log must have (Noted::kBefore) gets a line when it is opened and one when it is
// closed, with the same `call`; others get one line. docs/security.md lists the fields.
#ifndef THRONG_SERVER_SERVICE_GUARDED_CALL_H_
#define THRONG_SERVER_SERVICE_GUARDED_CALL_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "server/access/json_line.h"
#include "server/engine/call_context.h"
#include "server/engine/call_notes.h"
#include "server/service/access_rules.h"
#include "server/service/admission.h"
#include "server/service/noted_request.h"
#include "server/service/slow_call.h"

namespace throng::service {

// Thread-compatible: of the thread that makes the call.
class GuardedCall {
 public:
  // `caller`: with its deadline and cancellation. `is_brief`: what the call is about is noted in
  // brief, for Ended(), also where there is no audit log. All that is referred to must outlive
  // this.
  GuardedCall(const Admission& admission, const AccessRule& rule, Admitted who,
              const engine::CallContext& caller, bool is_brief = false);
  // Closes as kInternal unless that was done: the handler threw.
  ~GuardedCall();
  GuardedCall(const GuardedCall&) = delete;
  GuardedCall& operator=(const GuardedCall&) = delete;

  // Whether the caller may. Of a stream: its first message. Errors: as Admission::Authorize;
  // kUnavailable (AUDIT_FAILED): the log must have the call and cannot.
  absl::Status Open(const google::protobuf::Message& request);
  // The same for a later message of a stream: whether the caller still may. What it names of the
  // API's resources is checked as well. Errors: as Authenticate and Authorize.
  absl::Status Continue(const google::protobuf::Message& request);
  // Before a message of an answer that lasts. Errors: as Admission::Recheck.
  absl::Status Recheck() const { return admission_.Recheck(who_); }
  // Of a stream: each message.
  void Answered(const google::protobuf::Message& response);
  // Returns `status`.
  absl::Status Close(absl::Status status);
  // From now on it ends without a line unless it is closed, as it is begun anew by somebody else
  // then. Not where the line is kBefore.
  void Leave() { closed_ = true; }
  // What there is to say of the call, which took so long until now. A view of this.
  EndedCall Ended(const absl::Status& status) const;

  const engine::CallContext& caller() const { return caller_; }
  std::string_view method() const { return rule_.method; }  // "SelectionService/Count"
  const Admitted& who() const { return who_; }

 private:
  access::JsonLine BeginLine(std::string_view event) const;
  absl::Status NoteBegin();
  void NoteEnd(const absl::Status& status);

  const Admission& admission_;
  const AccessRule& rule_;
  Admitted who_;
  engine::CallContext caller_;
  engine::CallNotes notes_;
  std::string number_;                          // of the call, in the log
  std::vector<std::string> populations_;        // that the first message names
  std::vector<std::string> later_populations_;  // others, of later messages of a stream
  NotedRequest noted_;
  uint64_t counted_ = 0;
  uint64_t data_version_ = 0;
  std::string expression_;  // of the answer
  bool closed_ = false;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

// The line of a call that nobody looked at, as too many wait. Thread-safe.
void NoteRefusal(const Admission& admission, const AccessRule& rule, const Admitted& who,
                 std::string_view call_id, const absl::Status& status);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_GUARDED_CALL_H_
