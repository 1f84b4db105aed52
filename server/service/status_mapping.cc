#include "server/service/status_mapping.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <string_view>

#include "index/error.h"
#include "index/utf8.h"
#include "server/service/retry_hint.h"
#include "throng/v1/error.pb.h"

namespace throng::service {
namespace {

// A valid prefix of `text` of at most kStatusMessageBytesMax bytes: protobuf refuses other text.
std::string Shorten(std::string_view text) {
  std::string_view prefix = text.substr(0, kStatusMessageBytesMax);
  prefix = prefix.substr(0, index::ValidUtf8Prefix(prefix));
  if (prefix.size() == text.size()) return std::string(text);
  return std::string(prefix) + "...";
}

v1::ErrorDetail ToProto(const index::ErrorDetail& detail) {
  v1::ErrorDetail proto;
  proto.set_reason(Shorten(detail.reason));
  proto.set_field(Shorten(detail.field));
  proto.set_line(static_cast<uint32_t>(std::max(detail.line, 0)));
  proto.set_column(static_cast<uint32_t>(std::max(detail.column, 0)));
  proto.set_length(static_cast<uint32_t>(std::max(detail.length, 0)));
  proto.set_expected(Shorten(detail.expected));
  proto.set_suggestion(Shorten(detail.suggestion));
  proto.set_limit(detail.limit);
  proto.set_requested(detail.requested);
  if (detail.row.has_value()) {
    proto.set_row(*detail.row);
    proto.set_has_row(true);
  }
  return proto;
}

// Refusals that pass by themselves, or once somebody has mended what is wrong: the engine and the
// storage know nothing of hints, so those of a server that has too much to do come with the status.
struct PassingReason {
  std::string_view reason;
  std::chrono::milliseconds retry_after;
};
constexpr PassingReason kPassingReasons[] = {
    {"OUT_OF_MEMORY", std::chrono::seconds(1)},
    {"TOO_MANY_PACKAGE_JOBS", std::chrono::seconds(10)},
    {"DISK_FULL", std::chrono::seconds(10)},  // at most so long until it is tried again
    {"SPILL_FULL", std::chrono::seconds(10)},
};

std::chrono::milliseconds HintOf(const absl::Status& status, std::string_view reason) {
  const std::chrono::milliseconds hint = RetryAfter(status);
  if (hint.count() > 0 || !absl::IsResourceExhausted(status)) return hint;
  const auto* const passing =
      std::find_if(std::begin(kPassingReasons), std::end(kPassingReasons),
                   [&](const PassingReason& known) { return known.reason == reason; });
  return passing == std::end(kPassingReasons) ? hint : passing->retry_after;
}

// As client libraries look for it.
constexpr const char* kRetryInfoUrl = "type.googleapis.com/google.rpc.RetryInfo";

void AddRetry(int64_t after_ms, v1::Status* wire) {
  if (after_ms == 0) return;
  v1::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(after_ms / 1'000);
  retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>(after_ms % 1'000) * 1'000'000);
  google::protobuf::Any* packed = wire->add_details();
  packed->set_type_url(kRetryInfoUrl);
  packed->set_value(retry.SerializeAsString());
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  // Both number the canonical codes alike.
  const auto code = static_cast<grpc::StatusCode>(status.code());
  const std::string message =
      Shorten(std::string_view(status.message().data(), status.message().size()));
  const std::optional<index::ErrorDetail> detail = index::GetErrorDetail(status);
  if (!detail.has_value()) return grpc::Status(code, message);
  v1::Status wire;
  wire.set_code(static_cast<int32_t>(code));
  wire.set_message(message);
  wire.add_details()->PackFrom(ToProto(*detail));
  AddRetry(HintOf(status, detail->reason).count(), &wire);
  return grpc::Status(code, message, wire.SerializeAsString());
}

}  // namespace throng::service
