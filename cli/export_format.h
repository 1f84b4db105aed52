// Turns frames of an export into the bytes of a file.
//
//   ExportEncoder encoder(ExportFormat::kCsv, "user_id", {{"city", v1::TAG_TYPE_CATEGORY}});
//   std::string bytes = encoder.Head();               // "user_id,city\n"
//   absl::Status status = encoder.AppendFrame(frame, bytes);  // + "10001,Beijing\n" ...
#ifndef THRONG_CLI_EXPORT_FORMAT_H_
#define THRONG_CLI_EXPORT_FORMAT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "throng/v1/selection.pb.h"
#include "throng/v1/tag.pb.h"

namespace throng::cli {

enum class ExportFormat {
  // Ids, one a line.
  kText,
  // A header, then rows quoted as in RFC 4180, ended by "\n".
  kCsv,
  // A JSON object a line.
  kNdjson,
  // A portable 64-bit Roaring bitmap of numeric ids.
  kRoaring,
};

// "txt", "csv", "ndjson", "roaring".
std::optional<ExportFormat> ParseExportFormat(std::string_view name);

// A tag that was asked for as a column. The type decides how ndjson writes it; csv needs none.
struct ExportedTag {
  std::string name;
  v1::TagType type = v1::TAG_TYPE_UNSPECIFIED;
};

// Encodes the frames of one export in order. Not thread-safe.
class ExportEncoder {
 public:
  // `id_name` heads the ids: the name of the population's primary id type.
  ExportEncoder(ExportFormat format, std::string id_name, std::vector<ExportedTag> tags);

  // What stands before the first frame: the header of csv.
  std::string Head() const;

  // Appends the frame's rows to `bytes`. Errors: kDataLoss (columns that do not fit the rows, a
  // row of both kinds of ids, a frame after the last one, rows in a bitmap's export).
  absl::Status AppendFrame(const v1::ExportMembersResponse& frame, std::string& bytes);

  // Checks that everything came. Errors: kDataLoss (no last frame; another number of rows than
  // the first frame said).
  absl::Status Finish() const;

  // The number of users the first frame gave.
  std::uint64_t total() const { return total_; }

  // The first frame's, or empty.
  const v1::ResultInfo& info() const { return info_; }

 private:
  absl::Status CheckFrame(const v1::ExportMembersResponse& frame) const;
  void AppendRow(std::string_view id, const v1::ExportMembersResponse& frame, int row,
                 std::string& bytes) const;
  void AppendJsonRow(std::string_view id, const v1::ExportMembersResponse& frame, int row,
                     std::string& bytes) const;

  const ExportFormat format_;
  const std::string id_name_;
  const std::vector<ExportedTag> tags_;
  v1::ResultInfo info_;
  std::uint64_t total_ = 0;
  std::uint64_t rows_ = 0;
  bool started_ = false;
  bool complete_ = false;
};

// The field as it stands in csv: in quotes where it holds a comma, a quote or a line end.
void AppendCsvField(std::string_view field, std::string& bytes);

// The text as a JSON string.
void AppendJsonText(std::string_view text, std::string& bytes);

}  // namespace throng::cli

#endif  // THRONG_CLI_EXPORT_FORMAT_H_
