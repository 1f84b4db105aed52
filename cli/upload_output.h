// Uploads as `throng crowd` prints them, and the file of what was not found.
//
//   PrintUploads(response, options);
//   absl::Status written = AppendUnmatched(frame, lines, file);
#ifndef THRONG_CLI_UPLOAD_OUTPUT_H_
#define THRONG_CLI_UPLOAD_OUTPUT_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "cli/global_options.h"
#include "cli/id_list_reader.h"
#include "cli/json_output.h"
#include "cli/output_file.h"
#include "throng/v1/upload.pb.h"

namespace throng::cli {

std::string_view UploadModeName(v1::UploadMode mode);  // "REPLACE"

Json UploadJson(const v1::Upload& upload);
// What became of a file's ids; a note on stderr, or in the JSON, when hashes in upper case may be
// why many were not found.
void PrintUpload(const v1::Upload& upload, const IdListFindings& findings, std::string_view file,
                 const GlobalOptions& options);
void PrintUploads(const v1::ListUploadsResponse& response, const std::string& crowd,
                  const GlobalOptions& options);

// The line of an id by its position in the upload; 0: not known.
using LineOf = std::function<uint64_t(uint64_t position)>;

// "id,reason,line", then a row for each id. Errors: those of OutputFile.
absl::Status AppendUnmatchedHead(OutputFile& file);
absl::Status AppendUnmatched(const v1::ListUnmatchedResponse& frame, const LineOf& line_of,
                             OutputFile& file);

}  // namespace throng::cli

#endif  // THRONG_CLI_UPLOAD_OUTPUT_H_
