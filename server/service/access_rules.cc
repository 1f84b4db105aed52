#include "server/service/access_rules.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "fmt/format.h"
#include "server/service/methods.h"

namespace throng::service {
namespace {

using access::Right;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;

constexpr std::string_view kOfSelection = "selection.population";

// clang-format off
constexpr AccessRow kRows[] = {
  {"AdminService/GetStats", Right::kAdminister, Scope::kPopulationsOrAll, {"population"}},
  {"AdminService/CreateBackup", Right::kAdminister, Scope::kServer, {}, Noted::kBefore},
  {"AdminService/ListBackups", Right::kAdminister, Scope::kServer, {}},

  {"PopulationService/CreatePopulation", Right::kAdminister, Scope::kServer, {},
   Noted::kBefore},
  {"PopulationService/GetPopulation", Right::kBrowse, Scope::kPopulations, {"name"}},
  {"PopulationService/ListPopulations", Right::kBrowse, Scope::kAnyPopulation, {}},
  {"PopulationService/CreateIdType", Right::kTags, Scope::kPopulations, {"parent"},
   Noted::kBefore},
  {"PopulationService/ListIdTypes", Right::kBrowse, Scope::kPopulations, {"parent"}},

  {"TagService/CreateTag", Right::kTags, Scope::kPopulations, {"parent"}, Noted::kBefore,
   {"tag_id"}},
  {"TagService/GetTag", Right::kBrowse, Scope::kPopulations, {"name"}, Noted::kAfter,
   {"name"}},
  {"TagService/ListTags", Right::kBrowse, Scope::kPopulations, {"parent"}},
  {"TagService/UpdateTag", Right::kTags, Scope::kPopulations, {"tag.name"}, Noted::kBefore,
   {"tag.name"}},
  {"TagService/ListTagValues", Right::kCount, Scope::kPopulations, {"name"}, Noted::kAfter,
   {"name"}},

  {"UserService/Load", Right::kLoad, Scope::kPopulations, {"header.population"},
   Noted::kBefore, {"header.tags"}, {"batch.ids"}, "summary.rows"},
  {"UserService/WriteUsers", Right::kLoad, Scope::kPopulations, {"population"},
   Noted::kBefore, {"users.changes.tag"}, {"users.id"}, "users_created"},
  {"UserService/GetPortrait", Right::kPortrait, Scope::kPopulations, {"population"},
   Noted::kBefore, {}, {"id"}},
  {"UserService/LinkIds", Right::kLoad, Scope::kPopulations, {"population"}, Noted::kBefore,
   {}, {"entries.id", "entries.ids.id"}, "ids_linked"},
  {"UserService/ResolveIds", Right::kExport, Scope::kPopulations, {"population"},
   Noted::kBefore, {}, {"ids"}, "results"},
  {"UserService/EraseUsers", Right::kErase, Scope::kPopulations, {"population"},
   Noted::kBefore, {}, {"users.id"}, "users_erased"},

  {"SelectionService/Count", Right::kCount, Scope::kPopulations, {kOfSelection},
   Noted::kAfter, {}, {}, "count"},
  {"SelectionService/Explain", Right::kCount, Scope::kPopulations, {kOfSelection},
   Noted::kAfter, {}, {}, "count"},
  {"SelectionService/ListMembers", Right::kExport, Scope::kPopulations, {kOfSelection},
   Noted::kBefore, {}, {}, "ids"},
  {"SelectionService/ExportMembers", Right::kExport, Scope::kPopulations, {kOfSelection},
   Noted::kBefore, {"tags"}, {}, "total"},
  {"SelectionService/ParseExpression", Right::kBrowse, Scope::kAnyPopulation, {}},
  {"SelectionService/FormatExpression", Right::kBrowse, Scope::kAnyPopulation, {}},

  {"InsightService/Breakdown", Right::kCount, Scope::kPopulations,
   {kOfSelection, "baseline.population"}, Noted::kAfter, {"tags"}, {}, "count"},
  {"InsightService/Curve", Right::kCount, Scope::kPopulations, {kOfSelection},
   Noted::kAfter, {"tag"}, {}, "count"},
  {"InsightService/CrossTab", Right::kCount, Scope::kPopulations, {kOfSelection},
   Noted::kAfter, {"rows.tag", "columns.tag"}, {}, "count"},
  {"InsightService/Overlap", Right::kCount, Scope::kPopulations,
   {"selections.selection.population"}, Noted::kAfter, {}, {}, "union_count"},
  {"InsightService/Compare", Right::kCount, Scope::kPopulations,
   {kOfSelection, "baseline.population"}, Noted::kAfter, {"tags"}, {}, "count"},
  {"InsightService/Statistics", Right::kCount, Scope::kPopulations, {kOfSelection},
   Noted::kAfter, {"tags"}, {}, "count"},

  {"MembershipService/Check", Right::kCheck, Scope::kPopulations, {"population"},
   Noted::kRefused, {}, {"user.id"}},
  {"MembershipService/BatchCheck", Right::kCheck, Scope::kPopulations, {"population"},
   Noted::kAfter, {}, {"ids", "numbers"}, "members"},
  {"MembershipService/StreamChecks", Right::kCheck, Scope::kPopulations, {"setup.population"},
   Noted::kBefore},
  {"MembershipService/WhyMember", Right::kPortrait, Scope::kPopulations, {kOfSelection},
   Noted::kBefore, {}, {"user.id", "users.ids"}},

  {"CrowdService/CreateCrowd", Right::kDefine, Scope::kPopulations, {"parent"},
   Noted::kBefore},
  {"CrowdService/GetCrowd", Right::kBrowse, Scope::kPopulations, {"name"}},
  {"CrowdService/ListCrowds", Right::kBrowse, Scope::kPopulations, {"parent"}},
  {"CrowdService/UpdateCrowd", Right::kDefine, Scope::kPopulations, {"crowd.name"},
   Noted::kBefore},
  {"CrowdService/DeleteCrowd", Right::kDefine, Scope::kPopulations, {"name"},
   Noted::kBefore},
  {"CrowdService/UndeleteCrowd", Right::kDefine, Scope::kPopulations, {"name"},
   Noted::kBefore},
  {"CrowdService/RefreshCrowd", Right::kDefine, Scope::kPopulations, {"name"},
   Noted::kBefore},
  {"CrowdService/BatchRefreshCrowds", Right::kDefine, Scope::kPopulations,
   {"parent", "names"}, Noted::kBefore},
  {"CrowdService/FreezeCrowd", Right::kDefine, Scope::kPopulations, {"name"},
   Noted::kBefore},
  {"CrowdService/ListCrowdVersions", Right::kBrowse, Scope::kPopulations, {"parent"}},
  {"CrowdService/DiffCrowdVersions", Right::kCount, Scope::kPopulations, {"name"},
   Noted::kBefore, {}, {}, "ids", "side", Right::kExport},
  {"CrowdService/PinCrowdVersion", Right::kDefine, Scope::kPopulations, {"name"},
   Noted::kBefore},

  {"UploadService/UploadIds", Right::kUpload, Scope::kPopulations, {"header.crowd"},
   Noted::kBefore, {}, {"ids"}, "received"},
  {"UploadService/GetUpload", Right::kUpload, Scope::kPopulations, {"name"}},
  {"UploadService/ListUploads", Right::kUpload, Scope::kPopulations, {"parent"}},
  {"UploadService/ListUnmatched", Right::kUpload, Scope::kPopulations, {"name"},
   Noted::kBefore},

  {"SplitService/CreateSplit", Right::kDefine, Scope::kPopulations, {"parent"},
   Noted::kBefore},
  {"SplitService/GetSplit", Right::kBrowse, Scope::kPopulations, {"name"}},
  {"SplitService/ListSplits", Right::kBrowse, Scope::kPopulations, {"parent"}},
  {"SplitService/AwardSplit", Right::kDefine, Scope::kPopulations, {"name"},
   Noted::kBefore},
  {"SplitService/DeleteSplit", Right::kDefine, Scope::kPopulations, {"name"},
   Noted::kBefore},
  {"SplitService/GetSplitBalance", Right::kCount, Scope::kPopulations, {"name"},
   Noted::kAfter, {"tags"}, {}, "source_count"},
  {"SplitService/AllocateCrowds", Right::kCount, Scope::kPopulations,
   {"selections.selection.population"}, Noted::kBefore, {}, {}, "union_count", "save",
   Right::kDefine},

  {"PackageService/ExportPackage", Right::kExport, Scope::kPopulations, {"spec.crowd"},
   Noted::kBefore, {"spec.tags"}, {}, "manifest.counts.rows"},
  {"PackageService/CreatePackage", Right::kExport, Scope::kPopulations, {"spec.crowd"},
   Noted::kBefore, {"spec.tags"}, {}, "total"},
  {"PackageService/GetPackage", Right::kExport, Scope::kPopulations, {"name"}},
  {"PackageService/ListPackages", Right::kExport, Scope::kPopulations, {"parent"}},
  {"PackageService/CancelPackage", Right::kExport, Scope::kPopulations, {"name"},
   Noted::kBefore},
  {"PackageService/DeletePackage", Right::kExport, Scope::kPopulations, {"name"},
   Noted::kBefore},
};
// clang-format on

// The paths of `names`, or which of them is none.
class PathReader {
 public:
  PathReader(std::string_view method, std::vector<std::string>* findings)
      : method_(method), findings_(findings) {}

  MessagePath Read(const Descriptor& message, std::string_view name, bool is_text) {
    std::optional<MessagePath> path = FindPath(message, name);
    const bool fits =
        path.has_value() && (name.empty() || (is_text ? IsText(*path) : IsOne(*path)));
    if (fits) return *std::move(path);
    findings_->push_back(fmt::format("{}: {} has no {} \"{}\"", method_, message.name(),
                                     is_text ? "text" : "field", name));
    return {};
  }
  std::vector<MessagePath> ReadAll(const Descriptor& message, const PathNames& names) {
    std::vector<MessagePath> paths;
    for (const std::string_view name : names) paths.push_back(Read(message, name, true));
    return paths;
  }
  // Of ids, which may be numbers or columns as well.
  std::vector<MessagePath> ReadIds(const Descriptor& message, const PathNames& names) {
    std::vector<MessagePath> paths;
    for (const std::string_view name : names) {
      const std::optional<MessagePath> path = FindPath(message, name);
      const bool is_text = !path.has_value() || !IsNumberOrColumn(*path->back());
      paths.push_back(Read(message, name, is_text));
    }
    return paths;
  }

 private:
  static bool IsNumberOrColumn(const FieldDescriptor& field) {
    return field.cpp_type() == FieldDescriptor::CPPTYPE_UINT64 ||
           (field.message_type() != nullptr && field.message_type()->name() == "IdColumn");
  }
  static bool IsText(const MessagePath& path) {
    return path.back()->cpp_type() == FieldDescriptor::CPPTYPE_STRING;
  }
  // Only the last field may be a list.
  static bool IsOne(const MessagePath& path) {
    return std::none_of(path.begin(), path.end() - 1,
                        [](const FieldDescriptor* field) { return field->is_repeated(); });
  }

  const std::string_view method_;
  std::vector<std::string>* const findings_;
};

// Fields by which a request names what it is about, by what the API calls them; what a selection
// names is in its expression.
void CollectResources(const Descriptor& message, MessagePath* before,
                      std::vector<MessagePath>* paths) {
  constexpr size_t kDepthMax = 3;
  constexpr std::string_view kNames[] = {"name",          "names",      "crowd",  "crowd_id",
                                         "population_id", "id_type_id", "source", "split_id"};
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    before->push_back(&field);
    const Descriptor* inner = field.message_type();
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      const bool is_name =
          std::find(std::begin(kNames), std::end(kNames), field.name()) != std::end(kNames);
      if (is_name) paths->push_back(*before);
    } else if (inner != nullptr && before->size() < kDepthMax && inner->name() != "Expression" &&
               inner->name() != "Selection" &&
               (!field.is_repeated() || inner->name() == "CrowdRef")) {
      CollectResources(*inner, before, paths);
    }
    before->pop_back();
  }
}

std::vector<MessagePath> FindResources(const Descriptor& request) {
  std::vector<MessagePath> paths;
  MessagePath before;
  CollectResources(request, &before, &paths);
  return paths;
}

AccessRule ToRule(const AccessRow& row, const MethodDescriptor& method,
                  std::vector<std::string>* findings) {
  PathReader reader(row.method, findings);
  const Descriptor& request = *method.input_type();
  return {.method = std::string(row.method),
          .right = row.right,
          .scope = row.scope,
          .populations = reader.ReadAll(request, row.populations),
          .noted = row.noted,
          .tags = reader.ReadAll(request, row.tags),
          .ids = reader.ReadIds(request, row.ids),
          .resources = FindResources(request),
          .counted = reader.Read(*method.output_type(), row.counted, false),
          .guarded = reader.Read(request, row.guarded, false),
          .guarded_right = row.guarded_right};
}

// Fields of a request that name a population, by what the API calls them: `population`, `parent`,
// and the `name` of what is asked for or changed.
void FindPopulations(const Descriptor& message, const std::string& before, int depth,
                     std::set<std::string>* paths) {
  constexpr int kDepthMax = 3;
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    const std::string path = before + field.name();
    const bool is_name =
        (field.name() == "name" && depth == 1) || (field.name() == "names" && depth == 1);
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      if (field.name() == "population" || field.name() == "parent" || is_name) paths->insert(path);
    } else if (field.message_type() != nullptr && depth < kDepthMax &&
               field.message_type()->name() != "Expression") {
      FindPopulations(*field.message_type(), path + ".", depth + 1, paths);
    }
  }
}

void CheckPopulations(const AccessRow& row, const Descriptor& request,
                      std::vector<std::string>* findings) {
  if (row.scope == Scope::kServer || row.scope == Scope::kAnyPopulation) return;
  if (row.populations.empty()) {
    findings->push_back(fmt::format("{}: the row says no population", row.method));
  }
  std::set<std::string> named;
  FindPopulations(request, "", 1, &named);
  for (const std::string_view path : row.populations) named.erase(std::string(path));
  for (const std::string& path : named) {
    findings->push_back(fmt::format("{}: \"{}\" of {} names a population: add it to the row",
                                    row.method, path, request.name()));
  }
}

}  // namespace

std::span<const AccessRow> AccessRows() { return kRows; }

const AccessRule& RuleOf(const Descriptor& request) {
  static const auto* rules = [] {
    auto* by_request = new std::map<const Descriptor*, AccessRule>();
    for (const AccessRow& row : AccessRows()) {
      const MethodDescriptor* method = FindMethod(row.method);
      std::vector<std::string> findings;
      if (method == nullptr) continue;
      AccessRule rule = ToRule(row, *method, &findings);
      if (findings.empty()) by_request->emplace(method->input_type(), std::move(rule));
    }
    return by_request;
  }();
  static const auto* refused = new AccessRule();
  const auto found = rules->find(&request);
  return found == rules->end() ? *refused : found->second;
}

std::vector<std::string> CheckAccessRows(std::span<const AccessRow> rows) {
  std::vector<std::string> findings;
  auto without = AllMethods(&findings);
  std::map<const Descriptor*, std::string_view> requests;
  for (const AccessRow& row : rows) {
    const MethodDescriptor* method = FindMethod(row.method);
    if (method == nullptr || without.erase(std::string(row.method)) == 0) {
      findings.push_back(fmt::format("{}: there is no such call, or it has two rows", row.method));
      continue;
    }
    if (row.right == Right::kNobody) {
      findings.push_back(fmt::format("{}: the row says no right", row.method));
    }
    const auto [other, is_new] = requests.emplace(method->input_type(), row.method);
    if (!is_new) {
      findings.push_back(fmt::format("{} and {} have one type of request: give each its own",
                                     other->second, row.method));
    }
    ToRule(row, *method, &findings);
    CheckPopulations(row, *method->input_type(), &findings);
  }
  for (const auto& [name, method] : without) {
    findings.push_back(fmt::format(
        "{}: a call without a rule: add a row to server/service/access_rules.cc", name));
  }
  return findings;
}

}  // namespace throng::service
