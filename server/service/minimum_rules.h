// What a caller with a minimum (minimum_count of its grant) gets of every call: one row a call.
//
//   const MinimumRow* row = FindMinimumRow("SelectionService/Count");
//   row->protection;   // Protection::kWithheld: small numbers are taken out of the answer
//
// A call without a row is refused to such callers, and the build fails (check_access_rules).
// Thread-safe: a constant table.
#ifndef THRONG_SERVER_SERVICE_MINIMUM_RULES_H_
#define THRONG_SERVER_SERVICE_MINIMUM_RULES_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "server/service/path_names.h"

namespace throng::service {

enum class Protection {
  kRefused,   // the answer cannot be made safe, or gives ids or single users
  kNothing,   // the answer has no number of users
  kWithheld,  // numbers are withheld (minimum_count.h)
};

struct MinimumRow {
  std::string_view method;  // "SelectionService/Count"
  Protection protection;
  // Fields of the request with which the call is refused all the same.
  PathNames refused_with = {};
};

// All rows, in the order of the services.
std::span<const MinimumRow> MinimumRows();

// Null: the call has no row.
const MinimumRow* FindMinimumRow(std::string_view method);

// Whether a caller with this minimum gets an answer to the request at all. Errors:
// kPermissionDenied (MINIMUM_COUNT, with the field that must be left out, if it is one).
absl::Status CheckMinimumAllows(std::string_view method, const google::protobuf::Message& request,
                                uint64_t minimum);

// What is refused to callers with a minimum, by what it is: "Overlap", "analyze".
absl::Status RefusedByMinimum(std::string_view what, std::string_view field, uint64_t minimum);

// What is wrong with the rows, one finding each. Empty: nothing.
std::vector<std::string> CheckMinimumRows(std::span<const MinimumRow> rows);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_MINIMUM_RULES_H_
