// Cuts an export into frames of 64 to 256 KiB, whatever the sizes the engine gives it in.
//
//   ExportFramer framer(tags, [&](const v1::ExportMembersResponse& f) { return stream.Write(f); });
//   framer.Start(start);      // then, as the engine has them:
//   framer.Add(frame);        // rows, or AddRoaring(bytes)
//   framer.Finish();          // the last frame, `complete`
//
// Only the last frame and one before a change between numbers and texts may be smaller; only a
// single row that is larger makes a larger one.
#ifndef THRONG_SERVER_SERVICE_EXPORT_FRAMER_H_
#define THRONG_SERVER_SERVICE_EXPORT_FRAMER_H_

#include <cstddef>
#include <functional>
#include <string_view>

#include "absl/status/status.h"
#include "server/engine/selections.h"
#include "throng/v1/selection.pb.h"

namespace throng::service {

// Thread-compatible. Every call returns the first error of `write`, after which none may follow.
class ExportFramer {
 public:
  using Write = std::function<absl::Status(const v1::ExportMembersResponse&)>;

  // `tags`: number of columns.
  ExportFramer(size_t tags, Write write) : tags_(tags), write_(std::move(write)) {}

  absl::Status Start(const engine::ExportStart& start);
  // Errors: kInternal when columns and rows do not fit together.
  absl::Status Add(engine::ExportFrame frame);
  absl::Status AddRoaring(std::string_view bytes);
  absl::Status Finish();

 private:
  absl::Status AddRow(engine::ExportFrame& frame, size_t row);
  absl::Status Flush();

  const size_t tags_;
  const Write write_;
  v1::ExportMembersResponse pending_;
  size_t pending_bytes_ = 0;  // of rows
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_EXPORT_FRAMER_H_
