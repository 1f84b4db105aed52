// Uploads: lists of ids as crowds (kind UPLOAD), and what became of each id.
//
//   UploadRequest request{.crowd = "vip", .id_type = "phone", .create = CreateCrowd{}};
//   absl::StatusOr<std::unique_ptr<UploadSession>> session =
//       engine.uploads().Start(context, request, {});
//   (*session)->Add(context, texts);
//   (*session)->Finish(context)->record.matched;
//
// An upload makes a version of its crowd, as a refresh does, and has the version's number. Nobody
// is created by one. Ids that are nobody's can be listed as long as the version is there; those
// that are kept are looked up again when the crowd is refreshed (Crowds::Refresh). Ids of users who
// are erased leave all of these lists.
#ifndef THRONG_SERVER_ENGINE_UPLOADS_H_
#define THRONG_SERVER_ENGINE_UPLOADS_H_

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/engine/call_context.h"
#include "server/engine/tags.h"
#include "server/engine/upload_requests.h"
#include "server/engine/upload_session.h"

namespace throng::engine {

class Crowds;
class Universe;
class Universes;

// Thread-safe.
class Uploads {
 public:
  Uploads(Universes& universes, Crowds& crowds) : universes_(universes), crowds_(crowds) {}

  // Checks what can be checked before the ids come. Errors: kNotFound (UNKNOWN_POPULATION,
  // UNKNOWN_CROWD when it is not to be created, UNKNOWN_ID_TYPE), kFailedPrecondition
  // (NOT_AN_UPLOAD, CROWD_DELETED, CROWD_FROZEN), kAborted (ETAG_MISMATCH), kInvalidArgument
  // (KEEP_UNKNOWN; REQUEST_ID_TOO_LONG; what is wrong with the crowd to create).
  absl::StatusOr<std::unique_ptr<UploadSession>> Start(const CallContext& context,
                                                       const UploadRequest& request,
                                                       const WriteOptions& options);

  // Errors of all that follow: kNotFound (UNKNOWN_POPULATION, UNKNOWN_CROWD; UNKNOWN_UPLOAD at
  // "name": the version is not there, or no upload made it).
  absl::StatusOr<UploadInfo> Get(const CallContext& context, std::string_view population,
                                 std::string_view crowd, uint32_t number);
  // The newest first: at most 200, as many as the crowd has versions.
  absl::StatusOr<std::vector<UploadInfo>> List(const CallContext& context,
                                               std::string_view population, std::string_view crowd);
  // Calls `take` with what was unknown, in no order that means anything, then with what was no id,
  // in order of position. Errors besides: those of `take`; as Store::EraseFromUploads.
  absl::Status ListUnmatched(const CallContext& context, std::string_view population,
                             std::string_view crowd, uint32_t number, const TakeUnmatched& take);

 private:
  absl::Status CheckTarget(const CallContext& context, const index::Snapshot& snapshot,
                           const UploadRequest& request);

  Universes& universes_;
  Crowds& crowds_;
  storage::SpillBudget spill_{kUploadSpillBytesMax};
};

// What a retry of an upload is known by, with its request id.
inline constexpr std::string_view kUploadMethod = "uploads.upload";
// The first of what was no id. Errors: as Store::ReadUploadRefused.
absl::Status ReadUploadSamples(const Universe& universe, const index::CrowdVersionId& id,
                               const storage::StoredUpload& stored,
                               std::vector<storage::RefusedId>* samples);
// REQUIRES: the request has one.
CreateCrowd CrowdToCreate(const UploadRequest& request);

// What a crowd that ids are to be uploaded into must be. Errors: as Uploads::Start.
absl::Status CheckUploadTarget(const index::CrowdDefinition& definition, std::string_view etag);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_UPLOADS_H_
