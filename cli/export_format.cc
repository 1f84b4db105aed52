#include "cli/export_format.h"

#include <cstddef>
#include <utility>

#include "fmt/format.h"

namespace throng::cli {
namespace {

constexpr char kLabelSeparator = '|';
constexpr char kLabelEscape = '\\';

// Labels come joined by '|'; '|' and '\\' within a label stand behind a '\\'.
void AppendJsonLabels(std::string_view labels, std::string& bytes) {
  bytes += '[';
  std::string label;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == kLabelEscape && i + 1 < labels.size()) {
      label += labels[++i];
    } else if (labels[i] == kLabelSeparator) {
      AppendJsonText(std::exchange(label, {}), bytes);
      bytes += ',';
    } else {
      label += labels[i];
    }
  }
  if (!labels.empty()) AppendJsonText(label, bytes);
  bytes += ']';
}

bool IsInteger(std::string_view text) {
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// A missing value is null; FLAG has none: not set is false.
void AppendJsonValue(std::string_view value, v1::TagType type, std::string& bytes) {
  if (type == v1::TAG_TYPE_LABELS) {
    AppendJsonLabels(value, bytes);
  } else if (type == v1::TAG_TYPE_FLAG) {
    bytes += value == "true" ? "true" : "false";
  } else if (value.empty()) {
    bytes += "null";
  } else if (type == v1::TAG_TYPE_INTEGER && IsInteger(value)) {
    bytes += value;
  } else {
    AppendJsonText(value, bytes);
  }
}

}  // namespace

std::optional<ExportFormat> ParseExportFormat(std::string_view name) {
  if (name == "txt") return ExportFormat::kText;
  if (name == "csv") return ExportFormat::kCsv;
  if (name == "ndjson") return ExportFormat::kNdjson;
  if (name == "roaring") return ExportFormat::kRoaring;
  return std::nullopt;
}

ExportEncoder::ExportEncoder(ExportFormat format, std::string id_name,
                             std::vector<ExportedTag> tags)
    : format_(format), id_name_(std::move(id_name)), tags_(std::move(tags)) {}

std::string ExportEncoder::Head() const {
  std::string head;
  if (format_ != ExportFormat::kCsv) return head;
  AppendCsvField(id_name_, head);
  for (const ExportedTag& tag : tags_) {
    head += ',';
    AppendCsvField(tag.name, head);
  }
  return head + '\n';
}

absl::Status ExportEncoder::AppendFrame(const v1::ExportMembersResponse& frame,
                                        std::string& bytes) {
  if (absl::Status status = CheckFrame(frame); !status.ok()) return status;
  if (!std::exchange(started_, true)) {
    info_ = frame.info();
    total_ = frame.total();
  }
  complete_ = frame.complete();
  if (format_ == ExportFormat::kRoaring) {
    bytes += frame.roaring();
    return absl::OkStatus();
  }
  for (int row = 0; row < frame.numbers_size(); ++row) {
    const fmt::format_int id(frame.numbers(row));
    AppendRow(std::string_view(id.data(), id.size()), frame, row, bytes);
  }
  for (int row = 0; row < frame.ids_size(); ++row) AppendRow(frame.ids(row), frame, row, bytes);
  rows_ += static_cast<std::uint64_t>(frame.numbers_size() + frame.ids_size());
  return absl::OkStatus();
}

absl::Status ExportEncoder::CheckFrame(const v1::ExportMembersResponse& frame) const {
  const int rows = frame.numbers_size() + frame.ids_size();
  if (complete_) return absl::DataLossError("the export went on after its last frame");
  if (frame.numbers_size() > 0 && frame.ids_size() > 0) {
    return absl::DataLossError("a frame of the export has ids of both kinds");
  }
  if (format_ == ExportFormat::kRoaring) {
    if (rows > 0) return absl::DataLossError("the export has rows where a bitmap was asked for");
    return absl::OkStatus();
  }
  if (rows == 0) return absl::OkStatus();
  if (static_cast<std::size_t>(frame.columns_size()) != tags_.size()) {
    return absl::DataLossError(fmt::format("a frame of the export has {} columns instead of {}",
                                           frame.columns_size(), tags_.size()));
  }
  for (const v1::ExportColumn& column : frame.columns()) {
    if (column.values_size() != rows) {
      return absl::DataLossError(fmt::format("a column of the export has {} values for {} rows",
                                             column.values_size(), rows));
    }
  }
  return absl::OkStatus();
}

absl::Status ExportEncoder::Finish() const {
  if (!complete_) {
    return absl::DataLossError("the export broke off: the server did not send its last frame");
  }
  if (format_ != ExportFormat::kRoaring && rows_ != total_) {
    return absl::DataLossError(
        fmt::format("the export has {} users, but the server announced {}", rows_, total_));
  }
  return absl::OkStatus();
}

void ExportEncoder::AppendRow(std::string_view id, const v1::ExportMembersResponse& frame, int row,
                              std::string& bytes) const {
  switch (format_) {
    case ExportFormat::kText:
      bytes += id;
      break;
    case ExportFormat::kCsv:
      AppendCsvField(id, bytes);
      for (const v1::ExportColumn& column : frame.columns()) {
        bytes += ',';
        AppendCsvField(column.values(row), bytes);
      }
      break;
    case ExportFormat::kNdjson:
      AppendJsonRow(id, frame, row, bytes);
      break;
    case ExportFormat::kRoaring:
      return;  // No rows.
  }
  bytes += '\n';
}

void ExportEncoder::AppendJsonRow(std::string_view id, const v1::ExportMembersResponse& frame,
                                  int row, std::string& bytes) const {
  bytes += '{';
  AppendJsonText(id_name_, bytes);
  bytes += ':';
  AppendJsonText(id, bytes);
  for (std::size_t i = 0; i < tags_.size(); ++i) {
    bytes += ',';
    AppendJsonText(tags_[i].name, bytes);
    bytes += ':';
    AppendJsonValue(frame.columns(static_cast<int>(i)).values(row), tags_[i].type, bytes);
  }
  bytes += '}';
}

void AppendCsvField(std::string_view field, std::string& bytes) {
  if (field.find_first_of(",\"\r\n") == std::string_view::npos) {
    bytes += field;
    return;
  }
  bytes += '"';
  for (const char c : field) {
    if (c == '"') bytes += '"';
    bytes += c;
  }
  bytes += '"';
}

void AppendJsonText(std::string_view text, std::string& bytes) {
  bytes += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      bytes += '\\';
      bytes += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      bytes += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      bytes += c;
    }
  }
  bytes += '"';
}

}  // namespace throng::cli
