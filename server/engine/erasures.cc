#include "server/engine/erasures.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "index/mutex.h"
#include "server/engine/erasure_record.h"
#include "server/engine/request_memory.h"
#include "server/engine/universe.h"
#include "server/engine/user_lookup.h"

namespace throng::engine {
namespace {

// The users of a request by ordinal, with their place in it; users named twice or unknown are left
// out. Errors: as Erasures::Erase.
absl::StatusOr<std::map<uint32_t, size_t>> FindUsers(const Universe& universe,
                                                     const index::Snapshot& newest,
                                                     const std::vector<TypedId>& users) {
  std::map<uint32_t, size_t> found;
  for (size_t i = 0; i < users.size(); ++i) {
    THRONG_ASSIGN_OR_RETURN(
        const index::IdTypeDefinition* type,
        FindIdType(universe, newest, users[i].id_type, fmt::format("users[{}].id_type", i)));
    THRONG_ASSIGN_OR_RETURN(const std::optional<uint32_t> ordinal,
                            FindUser(newest, type, users[i].id, fmt::format("users[{}].id", i)));
    if (ordinal.has_value()) found.emplace(*ordinal, i);
  }
  return found;
}

uint32_t CountIds(const index::Snapshot& newest, uint32_t ordinal) {
  uint32_t count = 1;
  for (const index::LinkedIdsRef& linked : newest.identity().linked) {
    if (linked != nullptr) count += linked->CountOf(ordinal);
  }
  return count;
}

// Numbers only: what is kept for a retry must not tell who was erased.
std::string EncodeAnswer(const EraseResult& result) {
  std::string text = fmt::format("{} {}", result.data_version, result.users_erased);
  for (const ErasedUser& user : result.users) {
    text += fmt::format(" {} {} {}", user.found ? 1 : 0, user.tags_cleared, user.ids_removed);
  }
  return text;
}

EraseResult DecodeAnswer(const std::string& text, size_t users) {
  EraseResult result;
  char* end = nullptr;
  result.data_version = std::strtoull(text.c_str(), &end, 10);
  result.users_erased = std::strtoull(end, &end, 10);
  for (size_t i = 0; i < users; ++i) {
    ErasedUser user;
    user.found = std::strtoull(end, &end, 10) != 0;
    user.tags_cleared = static_cast<uint32_t>(std::strtoull(end, &end, 10));
    user.ids_removed = static_cast<uint32_t>(std::strtoull(end, &end, 10));
    result.users.push_back(user);
  }
  return result;
}

std::vector<std::string> PrimaryIds(const index::Snapshot& snapshot,
                                    const std::vector<uint32_t>& ordinals) {
  std::vector<std::string> ids;
  for (const uint32_t ordinal : ordinals) ids.push_back(snapshot.ids().text(ordinal));
  return ids;
}

}  // namespace

absl::StatusOr<EraseResult> Erasures::Erase(const CallContext& context,
                                            const EraseRequest& request) {
  THRONG_RETURN_IF_ERROR(context.Check());
  if (request.users.size() > kEraseUsersMax) {
    return index::WithField(
        index::LimitExceeded(absl::StatusCode::kResourceExhausted, "TOO_MANY_USERS",
                             "the number of users", kEraseUsersMax, request.users.size()),
        "users");
  }
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe,
                          universes_.Find(request.population));
  const RequestKey key =
      MakeRequestKey(context, "users.erase", request.request_id, request.payload_hash);
  EraseResult result;
  bool repeated = false;
  uint64_t ledger_end = 0;
  const auto build = [&](const index::Snapshot& newest,
                         index::CommitRecord* record) -> absl::Status {
    THRONG_ASSIGN_OR_RETURN(const auto first, FindAnswer(*universe, key));
    repeated = first.has_value();
    if (repeated) {
      result = DecodeAnswer(*first, request.users.size());
      return absl::OkStatus();
    }
    THRONG_ASSIGN_OR_RETURN(const auto found, FindUsers(*universe, newest, request.users));
    std::vector<uint32_t> ordinals;
    for (const auto& [ordinal, place] : found) ordinals.push_back(ordinal);
    index::CommitRecord built = *record;
    const index::CatalogueView view(newest.catalogue(), context.visibility);
    const std::vector<uint32_t> tags_cleared = FillErasure(newest, ordinals, view, &built);
    result.users.resize(request.users.size());
    for (size_t i = 0; i < ordinals.size(); ++i) {
      result.users[found.at(ordinals[i])] = {.found = true,
                                             .tags_cleared = tags_cleared[i],
                                             .ids_removed = CountIds(newest, ordinals[i])};
    }
    result.users_erased = ordinals.size();
    result.data_version = built.version;
    if (request.validate_only || ordinals.empty()) return absl::OkStatus();
    Remember(key, EncodeAnswer(result), &built);
    // Into the ledger first: a crash in between leaves an entry, which the next start follows. The
    // other way round an erasure could be missing from it for good.
    THRONG_ASSIGN_OR_RETURN(
        ledger_end, ledger_.Append(universe->population().name, PrimaryIds(newest, ordinals),
                                   built.time_us, newest.identity().ledger_end));
    built.ledger_end = ledger_end;
    *record = std::move(built);
    return absl::OkStatus();
  };
  const absl::StatusOr<index::SnapshotRef> snapshot = universe->Commit(build);
  if (!snapshot.ok()) {
    // Refused: the entries must not erase anybody later. If they cannot be taken back either, a
    // restart may follow them, as it may find a commit whose sync failed.
    if (ledger_end != 0) ledger_.Void(ledger_end, result.users_erased).IgnoreError();
    return snapshot.status();
  }
  if (!repeated) result.data_version = (*snapshot)->data_version();
  return result;
}

absl::StatusOr<uint64_t> Erasures::Follow(Universe& universe) {
  const index::SnapshotRef snapshot = universe.newest();
  const storage::ErasedIds missing =
      ledger_.Missing(universe.population().name, snapshot->identity().ledger_end);
  if (missing.empty()) return 0;
  // Every id is hashed, on all threads: the ledger does not tell which ones to look for.
  index::Mutex mutex;
  std::vector<uint32_t> ordinals;
  const uint32_t chunks = (snapshot->ordinal_end() + index::kChunkSize - 1) >> index::kChunkBits;
  universe.parallel().For(chunks, [&](uint32_t chunk, uint32_t) {
    const uint32_t first = chunk << index::kChunkBits;
    const uint32_t end = std::min(snapshot->ordinal_end(), first + index::kChunkSize);
    for (uint32_t ordinal = first; ordinal < end; ++ordinal) {
      if (snapshot->ids().erased(ordinal)) continue;
      if (!missing.Contains(snapshot->ids().text(ordinal))) continue;
      index::MutexLock lock(mutex);
      ordinals.push_back(ordinal);
    }
  });
  std::sort(ordinals.begin(), ordinals.end());
  for (size_t begin = 0; begin == 0 || begin < ordinals.size(); begin += kEraseUsersMax) {
    const size_t end = std::min(begin + kEraseUsersMax, ordinals.size());
    const std::vector<uint32_t> some(ordinals.begin() + static_cast<ptrdiff_t>(begin),
                                     ordinals.begin() + static_cast<ptrdiff_t>(end));
    const auto build = [&](const index::Snapshot& newest, index::CommitRecord* record) {
      const index::CatalogueView view(newest.catalogue(), {});
      static_cast<void>(FillErasure(newest, some, view, record));
      // Followed once the last of them is gone.
      if (end == ordinals.size()) record->ledger_end = missing.end();
      return absl::OkStatus();
    };
    THRONG_RETURN_IF_ERROR(universe.Commit(build).status());
  }
  return ordinals.size();
}

}  // namespace throng::engine
