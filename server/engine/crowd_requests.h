// What the calls about crowds take and give. Types are values; thread-compatible.
//
//   CreateCrowd create{.name = "spring", .rule = "city = 'Paris' and not crowd('contacted')"};
//   CrowdInfo info = *engine.crowds().Create(context, create, {});
//   info.definition.rule;   // canonical, with the names of now
#ifndef THRONG_SERVER_ENGINE_CROWD_REQUESTS_H_
#define THRONG_SERVER_ENGINE_CROWD_REQUESTS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "index/crowd.h"
#include "query/expression.h"
#include "query/resolver.h"

namespace throng::engine {

inline constexpr uint32_t kRefreshCrowdsMax = 1'000;    // in one Refresh
inline constexpr uint32_t kCrowdsPageMax = 1'000;       // of List
inline constexpr uint32_t kDifferencePageMax = 10'000;  // ids of DiffVersions
inline constexpr size_t kCrowdFilterBytesMax = 4'096;
inline constexpr int64_t kDayUs = int64_t{86'400} * 1'000'000;
inline constexpr int64_t kCrowdKeptUs = 30 * kDayUs;  // a deleted crowd, unless said otherwise
inline constexpr int64_t kCrowdKeptUsMax = 365 * kDayUs;

using CrowdRule = std::variant<std::string, query::Expression>;  // text or tree

struct CreateCrowd {
  std::string population = "default";
  std::string name;
  index::CrowdKind kind = index::CrowdKind::kRule;
  CrowdRule rule;                       // of RULE
  std::string time_zone;                // of the rule's dates; empty: that of each request
  std::optional<int64_t> reference_us;  // of relative dates; absent: the time of each computation
  std::string display_name;
  std::string description;
  std::string owner;
  std::string folder;
  std::map<std::string, std::string> labels;
  uint32_t keep_last = 10;
  bool online = false;
  uint64_t byte_budget = 0;
  // Of UPLOAD and SPLIT, from inside the engine: opaque, and the ids of what it rests on.
  std::string details;
  std::vector<uint32_t> references;
};

// What is absent stays as it is.
struct UpdateCrowd {
  std::string population = "default";
  std::string name;  // which crowd
  std::string etag;  // empty: whatever was changed meanwhile
  std::optional<std::string> new_name;
  std::optional<CrowdRule> rule;
  std::optional<std::string> time_zone;
  std::optional<std::optional<int64_t>> reference_us;
  std::optional<std::string> display_name;
  std::optional<std::string> description;
  std::optional<std::string> owner;
  std::optional<std::string> folder;
  std::optional<std::map<std::string, std::string>> labels;  // all of them
  std::optional<uint32_t> keep_last;
  std::optional<bool> online;
  std::optional<uint64_t> byte_budget;
};

enum class CrowdState : uint8_t {
  kNew = 1,      // has no version yet
  kReady = 2,    // has a version, and can get others
  kFrozen = 3,   // has all the versions there will be
  kDeleted = 4,  // can be undeleted until it expires
};
std::string_view CrowdStateName(CrowdState state);  // "READY"

struct CrowdVersionInfo {
  index::CrowdVersion version;
  uint64_t current_count = 0;  // without those who were erased since
};

struct CrowdInfo {
  index::CrowdDefinition definition;  // the rule with the names of now
  CrowdState state = CrowdState::kNew;
  std::string etag;
  std::optional<CrowdVersionInfo> newest;
  uint32_t version_count = 0;
  std::vector<std::string> references;  // names of what it rests on, those that the caller may see
  std::vector<std::string> used_by;     // names of those that rest on it, likewise
  uint64_t data_version = 0;
  std::vector<query::Warning> warnings;  // of a rule that was just given
};

struct ListCrowds {
  std::string population = "default";
  std::string filter;  // server/engine/crowd_filter.h
  uint32_t page_size = 100;
  std::string page_token;
  bool show_deleted = false;
};
struct CrowdPage {
  std::vector<CrowdInfo> crowds;  // in order of name; without used_by
  std::string next_page_token;    // empty: these are the last
  uint64_t data_version = 0;
};

struct RefreshCrowds {
  std::string population = "default";
  std::vector<std::string> names;       // each once
  std::string time_zone;                // of rules without a zone; empty: UTC
  std::optional<int64_t> reference_us;  // of rules without a time; absent: now
};
struct RefreshedCrowd {
  std::string name;
  CrowdVersionInfo computed;
};
struct RefreshResult {
  std::vector<RefreshedCrowd> crowds;  // in the order asked for
  uint64_t read_version = 0;           // the data version that all were computed on
  uint64_t data_version = 0;           // at which the versions are visible
  uint32_t rules_computed = 0;         // the others were equal to one of these
};

struct DiffCrowdVersions {
  std::string population = "default";
  std::string name;
  uint32_t from = 0;  // 0: the one before `to`
  uint32_t to = 0;    // 0: the newest
  enum class Side : uint8_t { kAdded = 1, kRemoved = 2 };
  Side side = Side::kAdded;  // whose ids are listed
  uint32_t page_size = 0;    // 0: counts only
  std::string page_token;
};
struct CrowdDifference {
  uint32_t from = 0;
  uint32_t to = 0;
  uint64_t added = 0;
  uint64_t removed = 0;
  std::vector<std::string> ids;  // primary ids of the side asked for, in order of creation
  std::string next_page_token;
  uint64_t data_version = 0;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_CROWD_REQUESTS_H_
