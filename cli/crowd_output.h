// Crowds as `throng crowd` names and prints them.
//
//   PrintCrowd(crowd, expression, options);
//   Json json = CrowdVersionJson(version);
//
// Thread-safe functions, but for what prints.
#ifndef THRONG_CLI_CROWD_OUTPUT_H_
#define THRONG_CLI_CROWD_OUTPUT_H_

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "cli/global_options.h"
#include "cli/json_output.h"
#include "cli/table.h"
#include "google/protobuf/timestamp.pb.h"
#include "throng/v1/crowd.pb.h"

namespace throng::cli {

// "populations/default/crowds/spring".
std::string CrowdName(const std::string& name, const GlobalOptions& options);

// Sets the time that `target` gives when `text` is not empty. Errors: kInvalidArgument naming
// `flag` when it is not RFC 3339.
absl::Status SetTime(std::string_view flag, const std::string& text,
                     const std::function<google::protobuf::Timestamp*()>& target);

std::string_view CrowdStateName(v1::CrowdState state);  // "READY"
Json CrowdJson(const v1::Crowd& crowd);
Json CrowdVersionJson(const v1::CrowdVersion& version);
std::string CountText(const v1::CrowdVersion& version);  // of its users now: "1,234"

// Columns: crowd, kind, state, users, version, folder, name.
void AddCrowdRow(const v1::Crowd& crowd, Table* table);
// The crowd, and warnings about the `expression` that was sent, on stderr.
void PrintCrowd(const v1::Crowd& crowd, std::string_view expression, const GlobalOptions& options);

}  // namespace throng::cli

#endif  // THRONG_CLI_CROWD_OUTPUT_H_
