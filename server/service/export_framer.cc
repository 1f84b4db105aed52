#include "server/service/export_framer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "index/error.h"
#include "server/service/convert_selection.h"
#include "server/service/service_limits.h"

namespace throng::service {
namespace {

constexpr size_t kNumberBytes = 8;
constexpr size_t kTextHeadBytes = 5;  // tag and length of a text, at most

bool IsShapedWell(const engine::ExportFrame& frame, size_t tags) {
  const size_t rows = frame.numeric ? frame.numbers.size() : frame.ids.size();
  return frame.columns.size() == tags &&
         std::all_of(frame.columns.begin(), frame.columns.end(),
                     [rows](const auto& column) { return column.size() == rows; });
}

}  // namespace

absl::Status ExportFramer::Start(const engine::ExportStart& start) {
  InfoToProto(start.info, pending_.mutable_info());
  pending_.set_total(start.total);
  return absl::OkStatus();
}

absl::Status ExportFramer::Add(engine::ExportFrame frame) {
  if (!IsShapedWell(frame, tags_)) return absl::InternalError("an export frame is misshapen");
  const bool changes_kind = frame.numeric ? pending_.ids_size() > 0 : pending_.numbers_size() > 0;
  if (changes_kind) THRONG_RETURN_IF_ERROR(Flush());
  const size_t rows = frame.numeric ? frame.numbers.size() : frame.ids.size();
  for (size_t row = 0; row < rows; ++row) THRONG_RETURN_IF_ERROR(AddRow(frame, row));
  return absl::OkStatus();
}

absl::Status ExportFramer::AddRow(engine::ExportFrame& frame, size_t row) {
  size_t bytes = frame.numeric ? kNumberBytes : frame.ids[row].size() + kTextHeadBytes;
  for (const auto& column : frame.columns) bytes += column[row].size() + kTextHeadBytes;
  if (pending_bytes_ > 0 && pending_bytes_ + bytes > kExportFrameBytesMax) {
    THRONG_RETURN_IF_ERROR(Flush());
  }
  if (frame.numeric) {
    pending_.add_numbers(frame.numbers[row]);
  } else {
    *pending_.add_ids() = std::move(frame.ids[row]);
  }
  for (size_t tag = 0; tag < tags_; ++tag) {
    if (pending_.columns_size() <= static_cast<int>(tag)) pending_.add_columns();
    *pending_.mutable_columns(static_cast<int>(tag))->add_values() =
        std::move(frame.columns[tag][row]);
  }
  pending_bytes_ += bytes;
  return pending_bytes_ >= kExportFrameBytes ? Flush() : absl::OkStatus();
}

absl::Status ExportFramer::AddRoaring(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, kExportFrameBytes);
    pending_.set_roaring(part.data(), part.size());
    bytes.remove_prefix(part.size());
    // The last part goes with `complete`.
    if (!bytes.empty()) THRONG_RETURN_IF_ERROR(Flush());
  }
  return absl::OkStatus();
}

absl::Status ExportFramer::Finish() {
  pending_.set_complete(true);
  return Flush();
}

absl::Status ExportFramer::Flush() {
  const absl::Status status = write_(pending_);
  pending_.Clear();
  pending_bytes_ = 0;
  return status;
}

}  // namespace throng::service
