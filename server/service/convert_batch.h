// Loads: headers and columnar batches as the engine takes them, progress and summary as the API
// gives them.
//
//   absl::StatusOr<engine::ColumnBatch> batch = ToColumnBatch(request.batch());
//   session->Write(context, *batch);   // while `request` lives
//
// Nothing of a batch but its lists of distinct values is copied. Shapes (lengths, codes, masks) are
// the engine's to check. Every function is thread-safe.
#ifndef THRONG_SERVER_SERVICE_CONVERT_BATCH_H_
#define THRONG_SERVER_SERVICE_CONVERT_BATCH_H_

#include <optional>

#include "absl/status/statusor.h"
#include "server/engine/write_batch.h"
#include "throng/v1/user.pb.h"

namespace throng::service {

// Errors: kInvalidArgument: BAD_RESOURCE_NAME (header.population), UNSPECIFIED (header.mode,
// header.unknown_ids), LOAD_ID_TOO_LONG.
absl::StatusOr<engine::LoadHeader> ToLoadHeader(const v1::LoadHeader& proto);

// Views into `proto`, which must outlive the result. Errors: kInvalidArgument (REQUIRED): no kind
// of ids or of a column's values.
absl::StatusOr<engine::ColumnBatch> ToColumnBatch(const v1::ColumnBatch& proto);

// Empty: unspecified or unknown.
std::optional<engine::UnknownIds> ToUnknownIds(v1::UnknownIds proto);

void ProgressToProto(const engine::LoadProgress& progress, v1::LoadProgress* proto);
void SummaryToProto(const engine::LoadSummary& summary, v1::LoadSummary* proto);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CONVERT_BATCH_H_
