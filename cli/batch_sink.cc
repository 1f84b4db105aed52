#include "cli/batch_sink.h"

#include <string>

#include "fmt/format.h"
#include "throng/v1/error.pb.h"

namespace throng::cli {

void LogRowErrors(const v1::LoadProgress& progress, const std::vector<uint64_t>& lines,
                  RowErrorLog& log) {
  uint64_t last_line = 0;  // of the row before: a row with several errors is one row
  for (const v1::RowError& error : progress.errors()) {
    const uint64_t line = error.row() < lines.size() ? lines[error.row()] : 0;
    if (line == last_line && line != 0) continue;
    last_line = line;
    const std::string where = error.tag().empty() ? "" : fmt::format("tag '{}': ", error.tag());
    log.AddRefusedRow(line, fmt::format("{}{}", where, error.message()));
  }
}

void LogFailedRow(const grpc::Status& status, const std::vector<uint64_t>& lines,
                  RowErrorLog& log) {
  v1::Status trailer;
  v1::ErrorDetail detail;
  if (!trailer.ParseFromString(status.error_details()) || trailer.details_size() == 0 ||
      !trailer.details(0).UnpackTo(&detail) || !detail.has_row() || detail.row() >= lines.size()) {
    return;
  }
  log.AddRefusedRow(lines[detail.row()], status.error_message());
}

}  // namespace throng::cli
