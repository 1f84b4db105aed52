#include "cli/upload_output.h"

#include <utility>
#include <vector>

#include "cli/crowd_output.h"
#include "cli/export_format.h"
#include "cli/table.h"
#include "cli/terminal_text.h"
#include "cli/value_text.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

std::string FileText(const IdListFindings& findings) {
  std::vector<std::string> parts;
  if (findings.header.has_value()) {
    parts.push_back(
        fmt::format("the first line, \"{}\", taken as a header", Printable(*findings.header)));
  }
  if (findings.has_byte_order_mark) parts.push_back("a byte order mark");
  if (findings.has_cr) parts.push_back("lines that end in CR alone");
  if (findings.has_crlf) parts.push_back("lines that end in CRLF");
  if (findings.has_quotes) parts.push_back("quotes");
  if (findings.trimmed > 0) {
    parts.push_back(fmt::format("{} ids with spaces around them", FormatCount(findings.trimmed)));
  }
  if (findings.empty_rows > 0) {
    parts.push_back(fmt::format("{} empty rows", FormatCount(findings.empty_rows)));
  }
  if (findings.upper_case_hashes > 0) {
    parts.push_back(
        fmt::format("{} hashes with upper-case letters", FormatCount(findings.upper_case_hashes)));
  }
  if (findings.refused > 0) {
    parts.push_back(fmt::format("{} rows that cannot be read", FormatCount(findings.refused)));
  }
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

// What to do about hashes in upper case when at least half as many ids were not found; else empty.
std::string HashNote(const v1::Upload& upload, const IdListFindings& findings) {
  const bool are_many_unknown =
      upload.unknown() > 0 && 2 * upload.unknown() >= findings.upper_case_hashes;
  if (findings.upper_case_hashes == 0 || !are_many_unknown) return "";
  return fmt::format(
      "{} ids are unknown, and {} hashes have upper-case letters: they are those of lower case "
      "only for an id type with the normalizer lowercase-hex (see `throng id-types list`)",
      FormatCount(upload.unknown()), FormatCount(findings.upper_case_hashes));
}

Json FileJson(const v1::Upload& upload, const IdListFindings& findings) {
  const std::string note = HashNote(upload, findings);
  return {{"rows", findings.rows},
          {"empty_rows", findings.empty_rows},
          {"trimmed", findings.trimmed},
          {"refused", findings.refused},
          {"header", findings.header.has_value() ? Json(*findings.header) : Json(nullptr)},
          {"byte_order_mark", findings.has_byte_order_mark},
          {"cr", findings.has_cr},
          {"crlf", findings.has_crlf},
          {"quotes", findings.has_quotes},
          {"upper_case_hashes", findings.upper_case_hashes},
          {"note", note.empty() ? Json(nullptr) : Json(note)}};
}

}  // namespace

std::string_view UploadModeName(v1::UploadMode mode) {
  switch (mode) {
    case v1::UPLOAD_MODE_REPLACE:
      return "REPLACE";
    case v1::UPLOAD_MODE_ADD:
      return "ADD";
    case v1::UPLOAD_MODE_REMOVE:
      return "REMOVE";
    case v1::UPLOAD_MODE_REFRESH:
      return "REFRESH";
    default:
      return "UNKNOWN";
  }
}

Json UploadJson(const v1::Upload& upload) {
  Json samples = Json::array();
  for (const v1::RefusedId& sample : upload.samples()) {
    samples.push_back(
        {{"position", sample.position()}, {"reason", sample.reason()}, {"text", sample.text()}});
  }
  Json json{{"upload", upload.version().version()},
            {"mode", UploadModeName(upload.mode())},
            {"id_type", upload.id_type()},
            {"keep_unknown", upload.keep_unknown()},
            {"received", upload.received()},
            {"matched", upload.matched()},
            {"duplicate", upload.duplicate()},
            {"unknown", upload.unknown()},
            {"invalid", upload.invalid()},
            {"kept", upload.kept()},
            {"unknown_listed", upload.unknown_listed()},
            {"invalid_listed", upload.invalid_listed()},
            {"samples", std::move(samples)},
            {"start_time", TimestampText(upload.start_time())},
            {"read_version", upload.read_version()},
            {"data_version", upload.data_version()}};
  json["version"] = upload.has_version() ? CrowdVersionJson(upload.version()) : Json(nullptr);
  return json;
}

void PrintUpload(const v1::Upload& upload, const IdListFindings& findings, std::string_view file,
                 const GlobalOptions& options) {
  if (options.json) {
    Json json = UploadJson(upload);
    json["file"] = FileJson(upload, findings);
    PrintJson(json);
    return;
  }
  if (upload.has_version()) {
    const v1::CrowdVersion& version = upload.version();
    fmt::print("version {}: {} users, {} came, {} went\n", version.version(),
               FormatCount(version.current_count()), FormatCount(version.added()),
               FormatCount(version.removed()));
  } else {
    fmt::print("nothing was changed\n");
  }
  Table table({{"", Table::Align::kLeft}, {"", Table::Align::kRight}});
  table.AddRow({"ids received", FormatCount(upload.received())});
  table.AddRow({"users matched", FormatCount(upload.matched())});
  table.AddRow({"duplicate", FormatCount(upload.duplicate())});
  table.AddRow({"unknown", FormatCount(upload.unknown())});
  table.AddRow({"invalid", FormatCount(upload.invalid())});
  if (upload.keep_unknown()) table.AddRow({"waiting for users", FormatCount(upload.kept())});
  fmt::print("{}", table.Render());
  const std::string text = FileText(findings);
  if (!text.empty()) fmt::print("{} has {}\n", file, text);
  const std::string note = HashNote(upload, findings);
  if (!note.empty()) fmt::print(stderr, "note: {}\n", note);
}

void PrintUploads(const v1::ListUploadsResponse& response, const std::string& crowd,
                  const GlobalOptions& options) {
  constexpr auto kRight = Table::Align::kRight;
  if (options.json) {
    Json uploads = Json::array();
    for (const v1::Upload& upload : response.uploads()) uploads.push_back(UploadJson(upload));
    PrintJson({{"crowd", crowd}, {"uploads", std::move(uploads)}});
    return;
  }
  Table table({{"UPLOAD", kRight},
               {"MODE"},
               {"ID TYPE"},
               {"TIME"},
               {"RECEIVED", kRight},
               {"MATCHED", kRight},
               {"DUPLICATE", kRight},
               {"UNKNOWN", kRight},
               {"INVALID", kRight},
               {"WAITING", kRight}});
  for (const v1::Upload& upload : response.uploads()) {
    table.AddRow({std::to_string(upload.version().version()),
                  std::string(UploadModeName(upload.mode())), upload.id_type(),
                  TimestampText(upload.version().create_time()), FormatCount(upload.received()),
                  FormatCount(upload.matched()), FormatCount(upload.duplicate()),
                  FormatCount(upload.unknown()), FormatCount(upload.invalid()),
                  FormatCount(upload.kept())});
  }
  fmt::print("{}", table.Render());
}

absl::Status AppendUnmatchedHead(OutputFile& file) { return file.Append("id,reason,line\n"); }

absl::Status AppendUnmatched(const v1::ListUnmatchedResponse& frame, const LineOf& line_of,
                             OutputFile& file) {
  std::string rows;
  for (const std::string& id : frame.unknown()) {
    AppendCsvField(id, rows);
    rows += ",UNKNOWN,\n";
  }
  for (const v1::RefusedId& refused : frame.invalid()) {
    const uint64_t line = line_of ? line_of(refused.position()) : 0;
    AppendCsvField(refused.text(), rows);
    rows += fmt::format(",{},{}\n", refused.reason(), line == 0 ? "" : std::to_string(line));
  }
  return file.Append(rows);
}

}  // namespace throng::cli
