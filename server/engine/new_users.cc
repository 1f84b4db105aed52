#include "server/engine/new_users.h"

#include "fmt/format.h"
#include "index/error.h"
#include "server/engine/user_lookup.h"

namespace throng::engine {

absl::StatusOr<std::optional<uint32_t>> NewUsers::FindOrCreate(const std::string& id,
                                                               std::string_view field) {
  THRONG_RETURN_IF_ERROR(KeptForm(nullptr, id, field).status());
  if (const auto known = newest_.ids().Find(index::MakeIdKey(id))) return known;
  if (const auto created = created_.find(id); created != created_.end()) return created->second;
  if (unknown_ids_ != UnknownIds::kCreate) return LeaveOut(id, field);
  const uint32_t ordinal = record_.first_ordinal + static_cast<uint32_t>(record_.new_users.size());
  if (ordinal >= index::kOrdinalsMax) {
    return index::LimitExceeded(absl::StatusCode::kResourceExhausted, "TOO_MANY_USERS",
                                "the number of users", index::kOrdinalsMax, uint64_t{ordinal} + 1);
  }
  record_.new_users.push_back(id);
  created_[id] = ordinal;
  return ordinal;
}

absl::StatusOr<std::optional<uint32_t>> NewUsers::LeaveOut(std::string_view id,
                                                           std::string_view field) {
  if (unknown_ids_ == UnknownIds::kSkip) {
    ++users_skipped_;
    return std::nullopt;
  }
  return index::MakeError(absl::StatusCode::kNotFound, fmt::format("no user has the id \"{}\"", id),
                          {.reason = "UNKNOWN_USER", .field = std::string(field)});
}

absl::Status NewUsers::CannotCreate(std::string_view id_type, std::string_view field) {
  return index::InvalidArgument(
      "CANNOT_CREATE_USER", field,
      fmt::format("users are created by their primary id: with ids of type \"{}\", unknown ones "
                  "can only be skipped or refused",
                  id_type));
}

}  // namespace throng::engine
