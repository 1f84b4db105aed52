#include "server/service/guarded_call.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <set>
#include <utility>

#include "fmt/chrono.h"
#include "fmt/format.h"
#include "index/error.h"
#include "server/access/log_text.h"
#include "server/service/audit_failures.h"
#include "server/service/call_id.h"
#include "spdlog/spdlog.h"

namespace throng::service {
namespace {

using access::JsonLine;
using google::protobuf::Message;

constexpr size_t kNotedPopulationsMax = 16;

std::string TimeOfDay() {
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z",
                     fmt::gmtime(static_cast<std::time_t>(seconds.count())),
                     (now - seconds).count());
}

// The first of the fields that the message has, as a number or a text.
MessagePath FirstPath(const Message& message, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    std::optional<MessagePath> path = FindPath(*message.GetDescriptor(), name);
    if (path.has_value()) return *std::move(path);
  }
  return {};
}

std::string TextAt(const Message& message, std::string_view name) {
  const MessagePath path = FirstPath(message, {name});
  std::string text;
  if (path.empty() ||
      path.back()->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_STRING) {
    return text;
  }
  ForEachText(message, path, [&](std::string_view value) { text = value; });
  return text;
}

}  // namespace

GuardedCall::GuardedCall(const Admission& admission, const AccessRule& rule, Admitted who,
                         const engine::CallContext& caller, bool is_brief)
    : admission_(admission),
      rule_(rule),
      who_(std::move(who)),
      caller_(caller),
      notes_(admission.audit() == nullptr ? engine::CallNotes::Detail::kBrief
                                          : engine::CallNotes::Detail::kFull) {
  if (who_.principal != nullptr) caller_.visibility.sensitivity_max = -1;  // until it is open
  if (is_brief || admission_.audit() != nullptr) caller_.notes = &notes_;
  if (admission_.audit() != nullptr) number_ = NewCallNumber();
}

GuardedCall::~GuardedCall() {
  if (!closed_) Close(absl::InternalError("the call failed")).IgnoreError();
}

absl::Status GuardedCall::Open(const Message& request) {
  const bool is_noted = admission_.audit() != nullptr;
  if (is_noted) noted_.Add(rule_, request, *admission_.audit());
  const absl::Status allowed =
      admission_.Authorize(rule_, request, &who_, &caller_, is_noted ? &populations_ : nullptr);
  if (populations_.size() > kNotedPopulationsMax) populations_.resize(kNotedPopulationsMax);
  THRONG_RETURN_IF_ERROR(allowed);
  return NoteBegin();
}

absl::Status GuardedCall::Continue(const Message& request) {
  THRONG_RETURN_IF_ERROR(admission_.Recheck(who_));
  if (admission_.audit() != nullptr) noted_.Add(rule_, request, *admission_.audit());
  const bool names_any =
      std::any_of(rule_.populations.begin(), rule_.populations.end(), [&](const MessagePath& path) {
        return IsSetAt(request, path.size() > 1 ? MessagePath{path.front()} : path);
      });
  if (!names_any) return absl::OkStatus();
  THRONG_ASSIGN_OR_RETURN(who_, admission_.Renew(who_));
  std::vector<std::string> named;
  const absl::Status allowed = admission_.Authorize(
      rule_, request, &who_, &caller_, admission_.audit() == nullptr ? nullptr : &named);
  for (std::string& name : named) {
    if (populations_.size() + later_populations_.size() >= kNotedPopulationsMax) break;
    const auto is_known = [&](const std::vector<std::string>& names) {
      return std::find(names.begin(), names.end(), name) != names.end();
    };
    if (is_known(populations_) || is_known(later_populations_)) continue;
    later_populations_.push_back(std::move(name));
  }
  return allowed;
}

void GuardedCall::Answered(const Message& response) {
  if (admission_.audit() == nullptr) return;
  counted_ = std::max(counted_, NumberAt(response, rule_.counted));
  const uint64_t version = NumberAt(
      response, FirstPath(response, {"info.data_version", "data_version", "summary.data_version"}));
  if (version != 0) data_version_ = version;
  if (notes_.expressions().empty()) expression_ = TextAt(response, "expression");
  noted_.AddResource(TextAt(response, "name"));
}

absl::Status GuardedCall::Close(absl::Status status) {
  closed_ = true;
  const bool is_noted = rule_.noted != Noted::kRefused || !status.ok();
  if (admission_.audit() == nullptr || !is_noted) return status;
  try {
    NoteEnd(status);
  } catch (const std::exception& error) {  // no memory, maybe while that is being reported
    spdlog::error("event=audit_failed message={}", access::Quoted(error.what()));
  }
  return status;
}

EndedCall GuardedCall::Ended(const absl::Status& status) const {
  return {.method = rule_.method,
          .caller = caller_,
          .notes = notes_,
          .data_version = data_version_,
          .code = status.code(),
          .took = std::chrono::steady_clock::now() - begun_};
}

JsonLine GuardedCall::BeginLine(std::string_view event) const {
  JsonLine line;
  line.Add("time", TimeOfDay());
  line.Add("event", event);
  line.Add("call", number_);
  line.Add("call_id", caller_.call_id);
  line.Add("principal", who_.principal == nullptr ? "" : who_.principal->name);
  line.Add("peer", who_.peer);
  line.Add("method", rule_.method);
  return line;
}

absl::Status GuardedCall::NoteBegin() {
  if (admission_.audit() == nullptr || rule_.noted != Noted::kBefore) return absl::OkStatus();
  JsonLine line = BeginLine("begin");
  line.Add("populations", populations_);
  noted_.WriteTo(&line);
  line.Add("tags", std::vector<std::string>(noted_.tags().begin(), noted_.tags().end()));
  const absl::Status written = admission_.audit()->Append(std::move(line).Finish());
  if (!written.ok()) ReportAuditFailure(written);
  return written;
}

void GuardedCall::NoteEnd(const absl::Status& status) {
  JsonLine line = BeginLine("end");
  std::vector<std::string> populations = later_populations_;
  if (rule_.noted != Noted::kBefore || !status.ok()) {  // else the line of the begin has the first
    populations.insert(populations.begin(), populations_.begin(), populations_.end());
  }
  line.Add("populations", populations);
  noted_.WriteTo(&line);
  std::set<std::string> tags = noted_.tags();
  tags.insert(notes_.tags().begin(), notes_.tags().end());
  line.Add("expressions", notes_.expressions());
  if (!expression_.empty()) line.Add("expressions", std::vector<std::string>{expression_});
  line.Add("tags", std::vector<std::string>(tags.begin(), tags.end()));
  if (status.ok() && !rule_.counted.empty()) line.Add("count", counted_);
  if (data_version_ != 0) line.Add("data_version", data_version_);
  line.Add("code", absl::StatusCodeToString(status.code()));
  const std::optional<index::ErrorDetail> detail = index::GetErrorDetail(status);
  if (detail.has_value()) line.Add("reason", detail->reason);
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - begun_);
  line.Add("micros", static_cast<uint64_t>(micros.count()));
  const absl::Status written = admission_.audit()->Append(std::move(line).Finish());
  if (!written.ok()) ReportAuditFailure(written);
}

void NoteRefusal(const Admission& admission, const AccessRule& rule, const Admitted& who,
                 std::string_view call_id, const absl::Status& status) {
  engine::CallContext caller;
  caller.call_id = call_id;
  GuardedCall(admission, rule, who, caller).Close(status).IgnoreError();
}

}  // namespace throng::service
