#include "server/engine/request_memory.h"

#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/engine/write_batch.h"

namespace throng::engine {

RequestKey MakeRequestKey(const CallContext& context, std::string_view method,
                          std::string_view request_id, uint64_t payload_hash) {
  return {.scope = fmt::format("{}\n{}", context.principal, method),
          .request_id = std::string(request_id),
          .payload_hash = payload_hash};
}

absl::Status CheckRequestId(std::string_view request_id) {
  if (request_id.size() <= kRequestIdBytesMax) return absl::OkStatus();
  return index::WithField(
      index::LimitExceeded(absl::StatusCode::kInvalidArgument, "REQUEST_ID_TOO_LONG",
                           "the request id's length in bytes", kRequestIdBytesMax,
                           request_id.size()),
      "request_id");
}

namespace {

absl::StatusOr<index::RequestRecord> FindRecord(const Universe& universe, const RequestKey& key) {
  THRONG_RETURN_IF_ERROR(CheckRequestId(key.request_id));
  if (auto unsynced = universe.FindUnsynced(key.scope, key.request_id)) return *unsynced;
  return universe.store().FindRequest(universe.population().id, key.scope, key.request_id);
}

}  // namespace

absl::StatusOr<bool> HasAnswer(const Universe& universe, const RequestKey& key) {
  if (key.request_id.empty()) return false;
  const absl::Status found = FindRecord(universe, key).status();
  if (absl::IsNotFound(found)) return false;
  if (!found.ok()) return found;
  return true;
}

absl::StatusOr<std::optional<std::string>> FindAnswer(const Universe& universe,
                                                      const RequestKey& key) {
  if (key.request_id.empty()) return std::nullopt;
  absl::StatusOr<index::RequestRecord> found = FindRecord(universe, key);
  if (absl::IsNotFound(found.status())) return std::nullopt;
  if (!found.ok()) return found.status();
  if (found->payload_hash != key.payload_hash) {
    return index::InvalidArgument(
        "REQUEST_ID_REUSED", "request_id",
        fmt::format("request id \"{}\" was used with another request", key.request_id));
  }
  return std::move(found->response);
}

void Remember(const RequestKey& key, std::string answer, index::CommitRecord* record) {
  if (key.request_id.empty()) return;
  record->requests.push_back({.scope = key.scope,
                              .request_id = key.request_id,
                              .payload_hash = key.payload_hash,
                              .response = std::move(answer)});
}

}  // namespace throng::engine
