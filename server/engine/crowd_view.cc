#include "server/engine/crowd_view.h"

#include <algorithm>
#include <set>

#include "fmt/format.h"
#include "index/error.h"
#include "index/utf8.h"

namespace throng::engine {
namespace {

constexpr int kSeesAll = 9;

}  // namespace

const index::CrowdEntry* CrowdView::Find(std::string_view name) const {
  const index::CrowdEntry* crowd = snapshot_.crowds().Find(name);
  return crowd != nullptr && Sees(*crowd) ? crowd : nullptr;
}

bool CrowdView::Sees(const index::CrowdEntry& crowd) const {
  if (visibility_.sensitivity_max >= kSeesAll) return true;
  return SeesBelow(crowd, 1);
}

bool CrowdView::SeesTags(const std::vector<uint32_t>& tags) const {
  return std::all_of(tags.begin(), tags.end(), [&](uint32_t tag) {
    const index::TagEntry* entry = snapshot_.catalogue().FindById(tag);
    return entry != nullptr && entry->definition.sensitivity <= visibility_.sensitivity_max;
  });
}

bool CrowdView::SeesBelow(const index::CrowdEntry& crowd, uint32_t depth) const {
  const auto known = seen_.find(crowd.definition->id);
  if (known != seen_.end()) return known->second;
  // Chains end long before: what is deeper cannot be, and is not shown.
  bool sees = depth <= 4 * kCrowdDepthMax && SeesTags(crowd.definition->tags);
  for (const index::CrowdVersion& version : *crowd.versions) {
    sees = sees && SeesTags(version.tags);
  }
  for (const uint32_t id : crowd.definition->references) {
    const index::CrowdEntry* below = snapshot_.crowds().FindById(id);
    if (below != nullptr) sees = sees && SeesBelow(*below, depth + 1);
  }
  seen_[crowd.definition->id] = sees;
  return sees;
}

std::string CrowdView::Nearest(std::string_view name) const {
  std::vector<std::string_view> names;
  for (const auto& [other, crowd] : snapshot_.crowds().by_name()) {
    if (!crowd->definition->deleted() && Sees(*crowd)) names.push_back(other);
  }
  return index::NearestName(name, names);
}

absl::Status CrowdView::Unknown(std::string_view name, std::string_view field) const {
  const bool sayable = name.size() <= index::kCrowdNameBytesMax && index::IsValidUtf8(name);
  return index::MakeError(
      absl::StatusCode::kNotFound,
      sayable ? fmt::format("there is no crowd \"{}\"", name) : "there is no crowd of such a name",
      {.reason = "UNKNOWN_CROWD",
       .field = std::string(field),
       .suggestion = sayable ? Nearest(name) : ""});
}

absl::StatusOr<const index::CrowdEntry*> CrowdView::Require(std::string_view name,
                                                            std::string_view field) const {
  const index::CrowdEntry* crowd = Find(name);
  if (crowd == nullptr) return Unknown(name, field);
  return crowd;
}

absl::Status CrowdGraph::Check(uint32_t id, std::string_view name,
                               const std::vector<uint32_t>& references) const {
  uint32_t depth = 0;
  for (const uint32_t reference : references) {
    const std::vector<uint32_t> path = id == 0 ? std::vector<uint32_t>() : PathTo(reference, id);
    if (!path.empty()) {
      std::string text(name);
      for (const uint32_t step : path) {
        text += fmt::format(" -> {}", step == id ? std::string(name) : NameOf(step));
      }
      return index::InvalidArgument("CROWD_CYCLE", "",
                                    fmt::format("a crowd cannot rest on itself: {}", text));
    }
    depth = std::max(depth, DepthOf(reference));
  }
  const uint32_t chain = (id == 0 ? 1 : HeightOf(id)) + depth;
  if (chain <= kCrowdDepthMax) return absl::OkStatus();
  return index::LimitExceeded(absl::StatusCode::kInvalidArgument, "CROWDS_TOO_DEEP",
                              "the number of crowds that rest on each other in a chain",
                              kCrowdDepthMax, chain);
}

std::vector<const index::CrowdEntry*> CrowdGraph::UsersOf(uint32_t id) const {
  std::vector<const index::CrowdEntry*> users;
  for (const auto& [name, crowd] : crowds_.by_name()) {
    const index::CrowdDefinition& definition = *crowd->definition;
    if (definition.deleted()) continue;
    if (std::binary_search(definition.references.begin(), definition.references.end(), id)) {
      users.push_back(crowd.get());
    }
  }
  return users;
}

std::vector<uint32_t> CrowdGraph::PathTo(uint32_t from, uint32_t to) const {
  // Depth first, with where each crowd was reached from.
  std::map<uint32_t, uint32_t> reached{{from, 0}};
  std::vector<uint32_t> open{from};
  while (!open.empty()) {
    const uint32_t id = open.back();
    open.pop_back();
    if (id == to) {
      std::vector<uint32_t> path;
      for (uint32_t step = to; step != 0; step = reached.at(step)) path.push_back(step);
      std::reverse(path.begin(), path.end());
      return path;
    }
    const index::CrowdEntry* crowd = crowds_.FindById(id);
    if (crowd == nullptr) continue;
    for (const uint32_t next : crowd->definition->references) {
      if (reached.emplace(next, id).second) open.push_back(next);
    }
  }
  return {};
}

// What is committed has no cycles, and its chains are at most kCrowdDepthMax long.
uint32_t CrowdGraph::DepthOf(uint32_t id) const {
  const auto known = depths_.find(id);
  if (known != depths_.end()) return known->second;
  const index::CrowdEntry* crowd = crowds_.FindById(id);
  uint32_t below = 0;
  if (crowd != nullptr) {
    for (const uint32_t reference : crowd->definition->references) {
      below = std::max(below, DepthOf(reference));
    }
  }
  return depths_[id] = below + 1;
}

uint32_t CrowdGraph::HeightOf(uint32_t id) const {
  if (heights_.empty()) {
    // From those that rest on the most to what they rest on: each comes after all its users.
    std::vector<uint32_t> ids;
    for (const auto& [other, crowd] : crowds_.by_id()) ids.push_back(other);
    std::stable_sort(ids.begin(), ids.end(),
                     [&](uint32_t a, uint32_t b) { return DepthOf(a) > DepthOf(b); });
    for (const uint32_t other : ids) {
      const uint32_t height = std::max(heights_[other], 1u);
      heights_[other] = height;
      for (const uint32_t reference : crowds_.FindById(other)->definition->references) {
        heights_[reference] = std::max(heights_[reference], height + 1);
      }
    }
  }
  const auto found = heights_.find(id);
  return found == heights_.end() ? 1 : found->second;
}

std::string CrowdGraph::NameOf(uint32_t id) const {
  const index::CrowdEntry* crowd = crowds_.FindById(id);
  return crowd == nullptr ? fmt::format("#{}", id) : crowd->definition->name;
}

}  // namespace throng::engine
