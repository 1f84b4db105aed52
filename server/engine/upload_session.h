// One upload of ids into a crowd, frame by frame: ids are looked up as they come, on one snapshot;
// Finish makes a version of the crowd, or nothing.
//
//   THRONG_RETURN_IF_ERROR(session->Add(context, std::span(numbers)));
//   absl::StatusOr<UploadInfo> upload = session->Finish(context);
//
// Memory: a bit a user of the population, 32 MiB of unknown ids (the rest goes to a temporary file
// of the data directory), 10,000 texts that are no ids, and the frame. Ending without Finish
// changes nothing.
#ifndef THRONG_SERVER_ENGINE_UPLOAD_SESSION_H_
#define THRONG_SERVER_ENGINE_UPLOAD_SESSION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/id_type.h"
#include "index/snapshot.h"
#include "server/engine/call_context.h"
#include "server/engine/request_memory.h"
#include "server/engine/tags.h"
#include "server/engine/universe.h"
#include "server/engine/unknown_id_set.h"
#include "server/engine/upload_frame.h"
#include "server/engine/upload_requests.h"
#include "server/engine/user_marks.h"
#include "server/engine/waiting_ids.h"

namespace throng::engine {

class Crowds;

// Made by Uploads::Start. Not thread-safe.
class UploadSession {
 public:
  // `snapshot` is what ids are looked up in; `type` is of it, null for the primary one.
  UploadSession(Crowds& crowds, storage::SpillBudget& spill, std::shared_ptr<Universe> universe,
                index::SnapshotRef snapshot, const index::IdTypeDefinition* type,
                UploadRequest request, const WriteOptions& options);

  // Errors: kInvalidArgument (TOO_MANY_IDS, in one frame or in all; BAD_TEXTS) at "ids",
  // kResourceExhausted (TOO_MANY_LISTED_IDS; SPILL_FULL, DISK_FULL), kUnavailable, the context's.
  // After one, the session is over.
  absl::Status Add(const CallContext& context, const UploadIds& ids);

  // Durable and visible when it returns OK. Waits while somebody else computes the crowd. Errors:
  // as Uploads::Start; kAborted (UPLOAD_UNDER_WAY, USERS_ERASED, CONTENT_LOST), kInvalidArgument
  // (REQUEST_ID_REUSED), kFailedPrecondition (CROWD_NOT_REFRESHED: nothing to remove from),
  // kResourceExhausted, kUnavailable. Once.
  absl::StatusOr<UploadInfo> Finish(const CallContext& context);

 private:
  struct Target;

  absl::Status AddTexts(const TextsView& texts);
  // What the frame's look-ups say, of so many ids.
  absl::Status TakeFrame(size_t ids);
  void TakeUser(uint64_t hash, uint32_t user);
  absl::Status TakeUnknown(uint64_t hash, std::string_view id);
  void Refuse(uint64_t position, index::IdFault fault, std::string_view text);

  RequestKey KeyOf(const CallContext& context) const;
  // What a retry gets; empty: it is none. Errors: kNotFound (UNKNOWN_UPLOAD).
  absl::StatusOr<std::optional<UploadInfo>> AnswerOfFirst(const CallContext& context,
                                                          const RequestKey& key) const;
  UploadInfo Checked() const;
  absl::StatusOr<UploadInfo> TryCompute(const CallContext& context, const RequestKey& key);
  absl::StatusOr<UploadInfo> Compute(const CallContext& context, const RequestKey& key);
  absl::StatusOr<uint32_t> FindOrCreate(const CallContext& context, bool* is_created);
  absl::Status FillTarget(uint32_t crowd, Target* target) const;
  absl::StatusOr<UploadInfo> Commit(const RequestKey& key, Target& target);
  absl::Status WriteList(const Target& target, storage::UploadWriter* writer) const;
  void DropCreated(uint32_t crowd);

  Crowds& crowds_;
  const std::shared_ptr<Universe> universe_;
  const index::SnapshotRef snapshot_;
  const index::IdTypeDefinition* const type_;
  const UploadRequest request_;
  const WriteOptions options_;

  storage::UploadRecord record_;
  UserMarks users_;
  UnknownIdSet unknown_;
  std::vector<storage::RefusedId> refused_;
  uint64_t known_ = 0;  // ids of users, with repeats
  // Of all that came, whatever the frames were.
  uint64_t valid_hash_ = 0;
  uint64_t refused_hash_ = 0;
  UploadFrame frame_;
};

// What a retry is answered with: numbers. Errors: kNotFound (UNKNOWN_UPLOAD) when the crowd went.
std::string EncodeUploadAnswer(const UploadInfo& upload, uint32_t crowd);
absl::StatusOr<UploadInfo> DecodeUploadAnswer(const CallContext& context, const std::string& text,
                                              const Universe& universe);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_UPLOAD_SESSION_H_
