// Writing users: loads of columnar batches and changes of single users.
//
//   absl::StatusOr<std::unique_ptr<LoadSession>> load = engine.writer().StartLoad(context, header);
//   absl::StatusOr<LoadProgress> progress = (*load)->Write(context, batch);
//   absl::StatusOr<LoadSummary> summary = (*load)->Finish(context);
//
// Every write is durable, then visible, then acknowledged.
#ifndef THRONG_SERVER_ENGINE_WRITER_H_
#define THRONG_SERVER_ENGINE_WRITER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "server/engine/call_context.h"
#include "server/engine/write_batch.h"

namespace throng::engine {

class Universes;

// One load. UPSERT commits every batch; REPLACE stages the named tags and shows them at Finish. A
// session that is destroyed without Finish leaves what was committed and drops what was staged.
// Not thread-safe: one thread at a time.
class LoadSession {
 public:
  virtual ~LoadSession() = default;
  // Errors: kInvalidArgument (BAD_BATCH: shapes; TOO_MANY_ERRORS: more refused rows than the header
  // allows, nothing of this batch is taken), kResourceExhausted (limits, disk full).
  virtual absl::StatusOr<LoadProgress> Write(const CallContext& context,
                                             const ColumnBatch& batch) = 0;
  virtual absl::StatusOr<LoadSummary> Finish(const CallContext& context) = 0;
};

// Thread-safe.
class Writer {
 public:
  explicit Writer(Universes& universes) : universes_(universes) {}

  // Errors: kNotFound (UNKNOWN_POPULATION, UNKNOWN_TAG), kInvalidArgument (duplicate tag, no tags),
  // kAborted (REPLACE_UNDER_WAY: another REPLACE of a named tag).
  absl::StatusOr<std::unique_ptr<LoadSession>> StartLoad(const CallContext& context,
                                                         const LoadHeader& header);

  // All or nothing. Errors: kInvalidArgument with field "users[i].changes[j]", kNotFound
  // (UNKNOWN_USER under UnknownIds::kError), kResourceExhausted.
  absl::StatusOr<WriteUsersResult> WriteUsers(const CallContext& context,
                                              const WriteUsersRequest& request);

 private:
  Universes& universes_;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_WRITER_H_
