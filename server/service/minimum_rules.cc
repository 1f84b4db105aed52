#include "server/service/minimum_rules.h"

#include <algorithm>
#include <optional>
#include <set>

#include "fmt/format.h"
#include "google/protobuf/descriptor.h"
#include "index/error.h"
#include "server/service/message_fields.h"
#include "server/service/methods.h"

namespace throng::service {
namespace {

using google::protobuf::MethodDescriptor;

// Calls by rights that a grant with a minimum cannot have are refused: it would protect nothing.
// clang-format off
constexpr MinimumRow kRows[] = {
  {"AdminService/GetStats", Protection::kRefused},
  {"AdminService/CreateBackup", Protection::kRefused},
  {"AdminService/ListBackups", Protection::kRefused},

  {"PopulationService/CreatePopulation", Protection::kRefused},
  {"PopulationService/GetPopulation", Protection::kWithheld},
  {"PopulationService/ListPopulations", Protection::kWithheld},
  {"PopulationService/CreateIdType", Protection::kWithheld},
  {"PopulationService/ListIdTypes", Protection::kWithheld},

  {"TagService/CreateTag", Protection::kWithheld},
  {"TagService/GetTag", Protection::kWithheld},
  {"TagService/ListTags", Protection::kWithheld},
  {"TagService/UpdateTag", Protection::kWithheld},
  {"TagService/ListTagValues", Protection::kWithheld},

  {"UserService/Load", Protection::kRefused},
  {"UserService/WriteUsers", Protection::kRefused},
  {"UserService/GetPortrait", Protection::kRefused},
  {"UserService/LinkIds", Protection::kRefused},
  {"UserService/ResolveIds", Protection::kRefused},
  {"UserService/EraseUsers", Protection::kRefused},

  {"SelectionService/Count", Protection::kWithheld, {"sample"}},
  {"SelectionService/Explain", Protection::kWithheld, {"plan_only", "analyze"}},
  {"SelectionService/ListMembers", Protection::kRefused},
  {"SelectionService/ExportMembers", Protection::kRefused},
  {"SelectionService/ParseExpression", Protection::kNothing},
  {"SelectionService/FormatExpression", Protection::kNothing},

  {"InsightService/Breakdown", Protection::kWithheld, {"sample"}},
  {"InsightService/Curve", Protection::kWithheld},
  {"InsightService/CrossTab", Protection::kWithheld},
  {"InsightService/Overlap", Protection::kRefused},
  {"InsightService/Compare", Protection::kRefused},
  {"InsightService/Statistics", Protection::kWithheld, {"bins"}},

  {"MembershipService/Check", Protection::kRefused},
  {"MembershipService/BatchCheck", Protection::kRefused},
  {"MembershipService/StreamChecks", Protection::kRefused},
  {"MembershipService/WhyMember", Protection::kRefused},

  {"CrowdService/CreateCrowd", Protection::kWithheld},
  {"CrowdService/GetCrowd", Protection::kWithheld},
  {"CrowdService/ListCrowds", Protection::kWithheld},
  {"CrowdService/UpdateCrowd", Protection::kWithheld},
  {"CrowdService/DeleteCrowd", Protection::kWithheld},
  {"CrowdService/UndeleteCrowd", Protection::kWithheld},
  {"CrowdService/RefreshCrowd", Protection::kWithheld},
  {"CrowdService/BatchRefreshCrowds", Protection::kWithheld},
  {"CrowdService/FreezeCrowd", Protection::kWithheld},
  {"CrowdService/ListCrowdVersions", Protection::kWithheld},
  {"CrowdService/DiffCrowdVersions", Protection::kWithheld, {"side"}},
  {"CrowdService/PinCrowdVersion", Protection::kWithheld},

  {"UploadService/UploadIds", Protection::kRefused},
  {"UploadService/GetUpload", Protection::kRefused},
  {"UploadService/ListUploads", Protection::kRefused},
  {"UploadService/ListUnmatched", Protection::kRefused},

  {"SplitService/CreateSplit", Protection::kWithheld},
  {"SplitService/GetSplit", Protection::kWithheld},
  {"SplitService/ListSplits", Protection::kWithheld},
  {"SplitService/AwardSplit", Protection::kWithheld},
  {"SplitService/DeleteSplit", Protection::kWithheld},
  {"SplitService/GetSplitBalance", Protection::kWithheld, {"tags"}},
  {"SplitService/AllocateCrowds", Protection::kRefused},

  {"PackageService/ExportPackage", Protection::kRefused},
  {"PackageService/CreatePackage", Protection::kRefused},
  {"PackageService/GetPackage", Protection::kRefused},
  {"PackageService/ListPackages", Protection::kRefused},
  {"PackageService/CancelPackage", Protection::kRefused},
  {"PackageService/DeletePackage", Protection::kRefused},
};
// clang-format on

}  // namespace

std::span<const MinimumRow> MinimumRows() { return kRows; }

const MinimumRow* FindMinimumRow(std::string_view method) {
  const auto* row = std::find_if(std::begin(kRows), std::end(kRows),
                                 [&](const MinimumRow& each) { return each.method == method; });
  return row == std::end(kRows) ? nullptr : row;
}

absl::Status RefusedByMinimum(std::string_view what, std::string_view field, uint64_t minimum) {
  return index::MakeError(
      absl::StatusCode::kPermissionDenied,
      fmt::format("{} is refused to callers with a minimum_count, here {}: its answer could give "
                  "away fewer users; ask for less, or for a grant without a minimum",
                  what, minimum),
      {.reason = "MINIMUM_COUNT", .field = std::string(field), .limit = minimum});
}

absl::Status CheckMinimumAllows(std::string_view method, const google::protobuf::Message& request,
                                uint64_t minimum) {
  const MinimumRow* row = FindMinimumRow(method);
  if (row == nullptr || row->protection == Protection::kRefused) {
    return RefusedByMinimum(method, "", minimum);
  }
  for (const std::string_view name : row->refused_with) {
    const std::optional<MessagePath> path = FindPath(*request.GetDescriptor(), name);
    if (!path.has_value() || IsSetAt(request, *path)) {
      return RefusedByMinimum(fmt::format("{} with {}", method, name), name, minimum);
    }
  }
  return absl::OkStatus();
}

std::vector<std::string> CheckMinimumRows(std::span<const MinimumRow> rows) {
  std::vector<std::string> findings;
  auto without = AllMethods(&findings);
  for (const MinimumRow& row : rows) {
    const MethodDescriptor* method = FindMethod(row.method);
    if (method == nullptr || without.erase(std::string(row.method)) == 0) {
      findings.push_back(fmt::format("{}: there is no such call, or it has two rows", row.method));
      continue;
    }
    if (row.protection == Protection::kWithheld &&
        (method->client_streaming() || method->server_streaming())) {
      findings.push_back(fmt::format("{}: nothing is withheld from streams", row.method));
    }
    for (const std::string_view path : row.refused_with) {
      if (FindPath(*method->input_type(), path).has_value()) continue;
      findings.push_back(fmt::format("{}: {} has no field \"{}\"", row.method,
                                     method->input_type()->name(), path));
    }
  }
  for (const auto& [name, method] : without) {
    findings.push_back(
        fmt::format("{}: a call that says nothing of callers with a minimum: add a row to "
                    "server/service/minimum_rules.cc",
                    name));
  }
  return findings;
}

}  // namespace throng::service
