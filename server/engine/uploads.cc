#include "server/engine/uploads.h"

#include <algorithm>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "server/engine/crowd_commit.h"
#include "server/engine/crowd_info.h"
#include "server/engine/crowd_view.h"
#include "server/engine/crowds.h"
#include "server/engine/request_memory.h"
#include "server/engine/universe.h"
#include "server/engine/upload_lists.h"
#include "server/engine/user_lookup.h"

namespace throng::engine {
namespace {

absl::Status UnknownUpload(std::string_view crowd, uint32_t number) {
  return index::MakeError(
      absl::StatusCode::kNotFound,
      fmt::format("crowd \"{}\" has no upload {}: it goes with the version that it made", crowd,
                  number),
      {.reason = "UNKNOWN_UPLOAD", .field = "name"});
}

absl::Status CheckRequest(const UploadRequest& request) {
  if (!request.keep_unknown || request.mode != UploadMode::kRemove) return absl::OkStatus();
  return index::InvalidArgument("KEEP_UNKNOWN", "keep_unknown",
                                "ids that are removed do not wait for their users");
}

// What the store has of a version. Errors: as Uploads::Get.
absl::StatusOr<storage::StoredUpload> ReadStored(const Universe& universe,
                                                 const index::CrowdEntry& crowd, uint32_t number) {
  if (crowd.FindVersion(number) == nullptr) return UnknownUpload(crowd.definition->name, number);
  absl::StatusOr<storage::StoredUpload> stored =
      universe.store().ReadUpload(universe.population().id, {crowd.definition->id, number});
  if (absl::IsNotFound(stored.status())) return UnknownUpload(crowd.definition->name, number);
  return stored;
}

absl::StatusOr<UploadInfo> Describe(const Universe& universe, const index::Snapshot& snapshot,
                                    const index::CrowdEntry& crowd,
                                    const storage::StoredUpload& stored, uint32_t number) {
  const index::CrowdVersion& version = *crowd.FindVersion(number);
  UploadInfo info{.crowd = crowd.definition->name,
                  .record = stored.record,
                  .kept = stored.kept(),
                  .unknown_listed = stored.unmatched()};
  info.version.version = version;
  THRONG_ASSIGN_OR_RETURN(info.version.current_count,
                          CurrentCount(universe, snapshot, crowd, version));
  for (const uint32_t count : stored.refused_parts) info.invalid_listed += count;
  return info;
}

}  // namespace

CreateCrowd CrowdToCreate(const UploadRequest& request) {
  CreateCrowd create = *request.create;
  create.population = request.population;
  create.name = request.crowd;
  create.kind = index::CrowdKind::kUpload;
  return create;
}

absl::Status CheckUploadTarget(const index::CrowdDefinition& definition, std::string_view etag) {
  if (definition.kind != index::CrowdKind::kUpload) {
    return CrowdRefused(
        definition, "NOT_AN_UPLOAD",
        fmt::format("is {}: ids are uploaded into a crowd of kind UPLOAD, of another name",
                    index::CrowdKindName(definition.kind)),
        "crowd");
  }
  THRONG_RETURN_IF_ERROR(CheckGetsVersions(definition, "crowd"));
  return CheckEtag(definition, etag);
}

absl::Status ReadUploadSamples(const Universe& universe, const index::CrowdVersionId& id,
                               const storage::StoredUpload& stored,
                               std::vector<storage::RefusedId>* samples) {
  for (uint32_t part = 0; part < stored.refused_parts.size(); ++part) {
    if (samples->size() == kUploadSamplesMax) break;
    THRONG_ASSIGN_OR_RETURN(const std::vector<storage::RefusedId> refused,
                            universe.store().ReadUploadRefused(universe.population().id, id, part));
    for (const storage::RefusedId& one : refused) {
      if (samples->size() < kUploadSamplesMax) samples->push_back(one);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<UploadSession>> Uploads::Start(const CallContext& context,
                                                              const UploadRequest& request,
                                                              const WriteOptions& options) {
  THRONG_RETURN_IF_ERROR(context.Check());
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe,
                          universes_.Find(request.population));
  THRONG_RETURN_IF_ERROR(CheckRequest(request));
  const index::SnapshotRef snapshot = universe->newest();
  THRONG_ASSIGN_OR_RETURN(const index::IdTypeDefinition* type,
                          FindIdType(*universe, *snapshot, request.id_type, "id_type"));
  // A retry is answered whatever became of the crowd; what it was of is known when all ids came.
  const RequestKey key = MakeRequestKey(context, kUploadMethod, options.request_id, 0);
  THRONG_ASSIGN_OR_RETURN(const bool is_retry, HasAnswer(*universe, key));
  if (!is_retry) THRONG_RETURN_IF_ERROR(CheckTarget(context, *snapshot, request));
  return std::make_unique<UploadSession>(crowds_, spill_, universe, snapshot, type, request,
                                         options);
}

absl::Status Uploads::CheckTarget(const CallContext& context, const index::Snapshot& snapshot,
                                  const UploadRequest& request) {
  const CrowdView view(snapshot, context.visibility);
  const absl::StatusOr<const index::CrowdEntry*> crowd = view.Require(request.crowd, "crowd");
  if (crowd.ok()) return CheckUploadTarget(*(*crowd)->definition, request.etag);
  if (!request.create.has_value()) return crowd.status();
  if (!request.etag.empty()) {
    return index::MakeError(absl::StatusCode::kAborted,
                            "the crowd that the etag is of is not there: read it again",
                            {.reason = "ETAG_MISMATCH", .field = "etag"});
  }
  return crowds_.Create(context, CrowdToCreate(request), {.validate_only = true}).status();
}

absl::StatusOr<UploadInfo> Uploads::Get(const CallContext& context, std::string_view population,
                                        std::string_view crowd, uint32_t number) {
  THRONG_RETURN_IF_ERROR(context.Check());
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe, universes_.Find(population));
  THRONG_RETURN_IF_ERROR(UploadLists(*universe).Erase().status());
  const index::SnapshotRef snapshot = universe->newest();
  const CrowdView view(*snapshot, context.visibility);
  THRONG_ASSIGN_OR_RETURN(const index::CrowdEntry* entry, view.Require(crowd, "crowd"));
  THRONG_ASSIGN_OR_RETURN(const storage::StoredUpload stored,
                          ReadStored(*universe, *entry, number));
  THRONG_ASSIGN_OR_RETURN(UploadInfo info, Describe(*universe, *snapshot, *entry, stored, number));
  const absl::Status read =
      ReadUploadSamples(*universe, {entry->definition->id, number}, stored, &info.samples);
  if (absl::IsNotFound(read)) return UnknownUpload(crowd, number);
  THRONG_RETURN_IF_ERROR(read);
  return info;
}

absl::StatusOr<std::vector<UploadInfo>> Uploads::List(const CallContext& context,
                                                      std::string_view population,
                                                      std::string_view crowd) {
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe, universes_.Find(population));
  THRONG_RETURN_IF_ERROR(UploadLists(*universe).Erase().status());
  const index::SnapshotRef snapshot = universe->newest();
  const CrowdView view(*snapshot, context.visibility);
  THRONG_ASSIGN_OR_RETURN(const index::CrowdEntry* entry, view.Require(crowd, "crowd"));
  std::vector<UploadInfo> uploads;
  for (auto version = entry->versions->rbegin(); version != entry->versions->rend(); ++version) {
    THRONG_RETURN_IF_ERROR(context.Check());
    const absl::StatusOr<storage::StoredUpload> stored =
        ReadStored(*universe, *entry, version->number);
    // One that went meanwhile is one less.
    if (absl::IsNotFound(stored.status())) continue;
    THRONG_RETURN_IF_ERROR(stored.status());
    absl::StatusOr<UploadInfo> info =
        Describe(*universe, *snapshot, *entry, *stored, version->number);
    if (absl::IsFailedPrecondition(info.status())) continue;
    THRONG_RETURN_IF_ERROR(info.status());
    uploads.push_back(*std::move(info));
  }
  return uploads;
}

absl::Status Uploads::ListUnmatched(const CallContext& context, std::string_view population,
                                    std::string_view crowd, uint32_t number,
                                    const TakeUnmatched& take) {
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe, universes_.Find(population));
  // Nobody who is erased by now is told.
  THRONG_RETURN_IF_ERROR(UploadLists(*universe).Erase().status());
  const index::SnapshotRef snapshot = universe->newest();
  const CrowdView view(*snapshot, context.visibility);
  THRONG_ASSIGN_OR_RETURN(const index::CrowdEntry* entry, view.Require(crowd, "crowd"));
  THRONG_ASSIGN_OR_RETURN(const storage::StoredUpload stored,
                          ReadStored(*universe, *entry, number));
  const index::CrowdVersionId id{entry->definition->id, number};
  const uint32_t in = universe->population().id;
  for (uint32_t part = 0; part < stored.parts.size(); ++part) {
    if (stored.parts[part].unmatched == 0) continue;
    THRONG_RETURN_IF_ERROR(context.Check());
    const absl::StatusOr<storage::ListedIds> ids = universe->store().ReadUploadIds(in, id, part);
    if (absl::IsNotFound(ids.status())) return UnknownUpload(crowd, number);
    THRONG_RETURN_IF_ERROR(ids.status());
    Unmatched unmatched;
    for (const storage::ListedId& listed : ids->ids) {
      if (listed.is_unmatched) unmatched.unknown.push_back(listed.text);
    }
    THRONG_RETURN_IF_ERROR(take(unmatched));
  }
  for (uint32_t part = 0; part < stored.refused_parts.size(); ++part) {
    THRONG_RETURN_IF_ERROR(context.Check());
    const absl::StatusOr<std::vector<storage::RefusedId>> refused =
        universe->store().ReadUploadRefused(in, id, part);
    if (absl::IsNotFound(refused.status())) return UnknownUpload(crowd, number);
    THRONG_RETURN_IF_ERROR(refused.status());
    THRONG_RETURN_IF_ERROR(take({.refused = *refused}));
  }
  return absl::OkStatus();
}

}  // namespace throng::engine
