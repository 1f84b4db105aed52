#include "server/access/rights.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace throng::access {
namespace {

// By number.
constexpr std::array<std::string_view, kRights> kNames = {
    "nobody",   "browse", "count", "define", "check", "export",
    "portrait", "upload", "tags",  "load",   "erase", "administer"};

// docs/security.md has the same table.
constexpr Role kRoles[] = {
    {"viewer", {Right::kBrowse, Right::kCount}},
    {"operator", {Right::kBrowse, Right::kCount, Right::kDefine, Right::kCheck}},
    {"loader", {Right::kBrowse, Right::kTags, Right::kLoad}},
    {"exporter", {Right::kBrowse, Right::kCount, Right::kExport}},
    {"admin",
     {Right::kBrowse, Right::kCount, Right::kDefine, Right::kCheck, Right::kExport,
      Right::kPortrait, Right::kUpload, Right::kTags, Right::kLoad, Right::kErase,
      Right::kAdminister}},
    {"check", {Right::kCheck}},
    {"export", {Right::kExport}},
    {"portrait", {Right::kPortrait}},
    {"upload", {Right::kUpload}},
    {"erase", {Right::kErase}},
};

}  // namespace

std::string_view RightName(Right right) { return kNames[static_cast<size_t>(right)]; }

std::span<const Role> Roles() { return kRoles; }

std::optional<RightSet> FindRole(std::string_view name) {
  const Role* role = std::find_if(std::begin(kRoles), std::end(kRoles),
                                  [&](const Role& known) { return known.name == name; });
  if (role == std::end(kRoles)) return std::nullopt;
  return role->rights;
}

}  // namespace throng::access
