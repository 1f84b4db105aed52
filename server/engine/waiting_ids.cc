#include "server/engine/waiting_ids.h"

#include <utility>

#include "index/error.h"
#include "index/id_chunk.h"
#include "server/engine/user_lookup.h"
#include "server/engine/user_marks.h"

namespace throng::engine {

absl::StatusOr<WaitingIds> WaitingIds::Of(const Universe& universe,
                                          const index::CrowdEntry& crowd) {
  WaitingIds waiting;
  waiting.universe_ = &universe;
  if (crowd.versions->empty()) return waiting;
  waiting.id_ = {crowd.definition->id, crowd.versions->back().number};
  absl::StatusOr<storage::StoredUpload> upload =
      universe.store().ReadUpload(universe.population().id, waiting.id_);
  if (absl::IsNotFound(upload.status())) return waiting;
  THRONG_RETURN_IF_ERROR(upload.status());
  waiting.upload_ = *std::move(upload);
  return waiting;
}

absl::StatusOr<const storage::ListedId*> WaitingIds::Reader::Next() {
  while (true) {
    while (next_ < part_.ids.size()) {
      const storage::ListedId& id = part_.ids[next_++];
      if (id.is_kept) return &id;
    }
    const std::vector<storage::UploadPart>& parts = ids_.upload_.parts;
    while (next_part_ < parts.size() && parts[next_part_].kept == 0) ++next_part_;
    if (next_part_ == parts.size()) return nullptr;
    const Universe& universe = *ids_.universe_;
    THRONG_ASSIGN_OR_RETURN(
        part_, universe.store().ReadUploadIds(universe.population().id, ids_.id_, next_part_++));
    next_ = 0;
  }
}

std::optional<uint32_t> FindWaiting(const index::Snapshot& snapshot, const storage::ListedId& id) {
  const std::vector<index::IdTypeDefinition>& types = snapshot.catalogue().id_types();
  const index::IdTypeDefinition* type = nullptr;
  if (id.id_type != index::kPrimaryIdType) {
    if (id.id_type > types.size()) return std::nullopt;
    type = &types[id.id_type - 1];
  }
  return FindUser(snapshot, type,
                  {.text = id.text, .number = index::CanonicalNumber(id.text), .hash = id.hash});
}

absl::StatusOr<UploadRefresh> LookUpAgain(const index::Snapshot& snapshot,
                                          const index::CrowdEntry& crowd, const WaitingIds& waiting,
                                          const query::Check& check) {
  UploadRefresh result{.record = {.mode = storage::UploadMode::kRefresh,
                                  .keeps_unknown = waiting.keeps(),
                                  .received = 0}};
  UserMarks found;
  WaitingIds::Reader reader(waiting);
  while (true) {
    THRONG_ASSIGN_OR_RETURN(const storage::ListedId* id, reader.Next());
    if (id == nullptr) break;
    if ((++result.record.received & 0xFFFF) == 0) THRONG_RETURN_IF_ERROR(check());
    const std::optional<uint32_t> user = FindWaiting(snapshot, *id);
    if (!user.has_value()) {
      ++result.record.unknown;
    } else if (found.Add(*user)) {
      ++result.record.matched;
    } else {
      ++result.record.duplicate;
    }
  }
  const index::OrdinalSetRef before = index::LivingIn(snapshot, crowd.last_set);
  result.users = found.count() == 0 ? before : index::Union(*before, *found.ToSet());
  return result;
}

absl::Status WriteStillWaiting(const index::Snapshot& snapshot, const WaitingIds& waiting,
                               const storage::UploadRecord& record, bool freezes,
                               storage::UploadWriter* writer) {
  THRONG_RETURN_IF_ERROR(writer->Begin());
  WaitingIds::Reader reader(waiting);
  while (true) {
    THRONG_ASSIGN_OR_RETURN(const storage::ListedId* id, reader.Next());
    if (id == nullptr) break;
    if (FindWaiting(snapshot, *id).has_value()) continue;
    storage::ListedId still = *id;
    still.is_unmatched = true;
    still.is_kept = !freezes;
    THRONG_RETURN_IF_ERROR(writer->Put(still));
  }
  return writer->End(record, {});
}

}  // namespace throng::engine
