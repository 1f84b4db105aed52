// Lists of crowds, and their versions: list, compare, pin.
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "fmt/format.h"
#include "index/error.h"
#include "index/id_hash.h"
#include "server/engine/crowd_filter.h"
#include "server/engine/crowd_info.h"
#include "server/engine/crowds.h"
#include "server/engine/request_memory.h"
#include "server/engine/universe.h"

namespace throng::engine {
namespace {

constexpr char kTokenEnd = '\n';  // no crowd's name has it
constexpr size_t kTokenBytesMax = 1'024;

absl::Status BadToken(std::string_view message) {
  return index::InvalidArgument("BAD_PAGE_TOKEN", "page_token", message);
}

absl::Status CheckPageSize(uint32_t size, uint32_t least, uint32_t most) {
  if (size >= least && size <= most) return absl::OkStatus();
  return index::MakeError(
      absl::StatusCode::kInvalidArgument,
      fmt::format("page_size is {}; it must be {} to {}", size, least, most),
      {.reason = "BAD_PAGE_SIZE", .field = "page_size", .limit = most, .requested = size});
}

// A token is where to go on, and a hash of what is listed, which must be the same.
std::string EncodeToken(std::string_view place, std::string_view listed) {
  return absl::WebSafeBase64Escape(
      fmt::format("{}{}{:016x}", place, kTokenEnd, index::IdHash(listed)));
}

absl::StatusOr<std::string> DecodeToken(std::string_view token, std::string_view listed) {
  std::string text;
  if (token.size() > kTokenBytesMax ||
      !absl::WebSafeBase64Unescape(absl::string_view(token.data(), token.size()), &text)) {
    return BadToken("the page token is not one of this server's");
  }
  const size_t end = text.rfind(kTokenEnd);
  if (end == std::string::npos ||
      text.substr(end + 1) != fmt::format("{:016x}", index::IdHash(listed))) {
    return BadToken("the page token belongs to another list");
  }
  return text.substr(0, end);
}

absl::Status UnknownVersion(const index::CrowdEntry& crowd, uint32_t number,
                            std::string_view field) {
  return index::MakeError(
      absl::StatusCode::kNotFound,
      fmt::format("crowd \"{}\" has no version {}", crowd.definition->name, number),
      {.reason = "UNKNOWN_VERSION", .field = std::string(field), .requested = number});
}

absl::StatusOr<CrowdVersionInfo> DescribeVersion(const Universe& universe,
                                                 const index::Snapshot& snapshot,
                                                 const index::CrowdEntry& crowd,
                                                 const index::CrowdVersion& version) {
  CrowdVersionInfo info{.version = version};
  THRONG_ASSIGN_OR_RETURN(info.current_count, CurrentCount(universe, snapshot, crowd, version));
  return info;
}

// The two versions of a comparison; the first may be missing: nobody.
struct Compared {
  const index::CrowdVersion* from = nullptr;
  const index::CrowdVersion* to = nullptr;
};

absl::StatusOr<Compared> FindCompared(const index::CrowdEntry& crowd,
                                      const DiffCrowdVersions& diff) {
  if (crowd.versions->empty()) {
    return index::MakeError(
        absl::StatusCode::kFailedPrecondition,
        fmt::format("crowd \"{}\" has no version yet: refresh it", crowd.definition->name),
        {.reason = "CROWD_NOT_REFRESHED", .field = "name"});
  }
  Compared compared;
  compared.to = diff.to == 0 ? &crowd.versions->back() : crowd.FindVersion(diff.to);
  if (compared.to == nullptr) return UnknownVersion(crowd, diff.to, "to");
  if (diff.from != 0) {
    compared.from = crowd.FindVersion(diff.from);
    if (compared.from == nullptr) return UnknownVersion(crowd, diff.from, "from");
  } else {
    THRONG_ASSIGN_OR_RETURN(compared.from, FindPrevious(crowd, *compared.to, "from"));
  }
  return compared;
}

// Appends ids of the users from ordinal `first` on; returns the one after them, if there is one.
std::optional<uint32_t> AppendIds(const index::Snapshot& snapshot, const index::OrdinalSet& users,
                                  uint32_t first, size_t page_size, std::vector<std::string>* ids) {
  std::optional<uint32_t> next;
  for (uint32_t chunk = first >> index::kChunkBits; chunk < users.chunk_count() && !next; ++chunk) {
    index::ForEach(users.chunk(chunk), [&](uint32_t offset) {
      const uint32_t ordinal = (chunk << index::kChunkBits) | offset;
      if (next.has_value() || ordinal < first) return;
      if (ids->size() == page_size) {
        next = ordinal;
      } else {
        ids->push_back(snapshot.ids().text(ordinal));
      }
    });
  }
  return next;
}

}  // namespace

absl::StatusOr<CrowdPage> Crowds::List(const CallContext& context, const ListCrowds& list) {
  THRONG_RETURN_IF_ERROR(CheckPageSize(list.page_size, 1, kCrowdsPageMax));
  THRONG_ASSIGN_OR_RETURN(const CrowdFilter filter, CrowdFilter::Parse(list.filter));
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe,
                          universes_.Find(list.population));
  const std::string listed =
      fmt::format("{}\n{}\n{}", list.population, list.filter, list.show_deleted);
  const index::SnapshotRef snapshot = universe->newest();
  const CrowdView view(*snapshot, context.visibility);
  CrowdPage page{.data_version = snapshot->data_version()};
  const auto& crowds = snapshot->crowds().by_name();
  auto crowd = crowds.begin();
  if (!list.page_token.empty()) {
    THRONG_ASSIGN_OR_RETURN(const std::string place, DecodeToken(list.page_token, listed));
    crowd = crowds.lower_bound(place);
  }
  const bool shows_deleted = list.show_deleted || filter.tests_state();
  for (; crowd != crowds.end(); ++crowd) {
    const index::CrowdEntry& entry = *crowd->second;
    if (entry.definition->deleted() && !shows_deleted) continue;
    if (!filter.Matches(entry) || !view.Sees(entry)) continue;
    if (page.crowds.size() == list.page_size) {
      page.next_page_token = EncodeToken(crowd->first, listed);
      break;
    }
    page.crowds.push_back(DescribeCrowd(*snapshot, view, entry));
  }
  return page;
}

absl::StatusOr<std::vector<CrowdVersionInfo>> Crowds::ListVersions(const CallContext& context,
                                                                   std::string_view population,
                                                                   std::string_view name) {
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe, universes_.Find(population));
  const index::SnapshotRef snapshot = universe->newest();
  const CrowdView view(*snapshot, context.visibility);
  THRONG_ASSIGN_OR_RETURN(const index::CrowdEntry* crowd, view.Require(name, "name"));
  std::vector<CrowdVersionInfo> versions;
  for (auto version = crowd->versions->rbegin(); version != crowd->versions->rend(); ++version) {
    THRONG_RETURN_IF_ERROR(context.Check());
    absl::StatusOr<CrowdVersionInfo> info = DescribeVersion(*universe, *snapshot, *crowd, *version);
    // One that went meanwhile is one less.
    if (absl::IsFailedPrecondition(info.status())) continue;
    THRONG_RETURN_IF_ERROR(info.status());
    versions.push_back(*std::move(info));
  }
  return versions;
}

absl::StatusOr<CrowdDifference> Crowds::DiffVersions(const CallContext& context,
                                                     const DiffCrowdVersions& diff) {
  THRONG_RETURN_IF_ERROR(CheckPageSize(diff.page_size, 0, kDifferencePageMax));
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe,
                          universes_.Find(diff.population));
  const index::SnapshotRef snapshot = universe->newest();
  const CrowdView view(*snapshot, context.visibility);
  THRONG_ASSIGN_OR_RETURN(const index::CrowdEntry* crowd, view.Require(diff.name, "name"));
  THRONG_ASSIGN_OR_RETURN(const Compared compared, FindCompared(*crowd, diff));
  index::OrdinalSetRef before = std::make_shared<const index::OrdinalSet>();
  if (compared.from != nullptr) {
    THRONG_ASSIGN_OR_RETURN(before, UsersOf(*universe, *snapshot, *crowd, *compared.from));
  }
  THRONG_ASSIGN_OR_RETURN(const index::OrdinalSetRef now,
                          UsersOf(*universe, *snapshot, *crowd, *compared.to));
  THRONG_RETURN_IF_ERROR(context.Check());
  const index::SetDifference counts = index::Compare(*before, *now);
  CrowdDifference result{.from = compared.from == nullptr ? 0 : compared.from->number,
                         .to = compared.to->number,
                         .added = counts.added,
                         .removed = counts.removed,
                         .data_version = snapshot->data_version()};
  const bool is_added = diff.side == DiffCrowdVersions::Side::kAdded;
  // Versions are for good and ordinals too: only the pair of versions and the side must be the
  // same.
  const std::string listed =
      fmt::format("{}\n{}\n{}\n{}", crowd->definition->id, result.from, result.to, is_added);
  uint32_t first = 0;
  if (!diff.page_token.empty()) {
    THRONG_ASSIGN_OR_RETURN(const std::string place, DecodeToken(diff.page_token, listed));
    first = static_cast<uint32_t>(std::strtoul(place.c_str(), nullptr, 10));
  }
  if (diff.page_size == 0) return result;
  const index::OrdinalSetRef users =
      is_added ? index::Difference(*now, *before) : index::Difference(*before, *now);
  const std::optional<uint32_t> next =
      AppendIds(*snapshot, *users, first, diff.page_size, &result.ids);
  if (next.has_value()) result.next_page_token = EncodeToken(std::to_string(*next), listed);
  return result;
}

absl::StatusOr<CrowdVersionInfo> Crowds::Pin(const CallContext& context,
                                             std::string_view population, std::string_view name,
                                             uint32_t number, bool pinned,
                                             const WriteOptions& options) {
  THRONG_RETURN_IF_ERROR(context.Check());
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe, universes_.Find(population));
  const RequestKey key =
      MakeRequestKey(context, "crowds.pin", options.request_id, options.payload_hash);
  const auto build = [&](const index::Snapshot& newest,
                         index::CommitRecord* record) -> absl::Status {
    THRONG_ASSIGN_OR_RETURN(const auto first, FindAnswer(*universe, key));
    if (first.has_value()) return absl::OkStatus();
    const CrowdView view(newest, context.visibility);
    THRONG_ASSIGN_OR_RETURN(const index::CrowdEntry* crowd, view.Require(name, "name"));
    const index::CrowdVersion* version = crowd->FindVersion(number);
    if (version == nullptr) return UnknownVersion(*crowd, number, "version");
    if (options.validate_only) return absl::OkStatus();
    if (version->pinned == pinned) {
      Remember(key, std::to_string(number), record);
      return absl::OkStatus();
    }
    const auto count = std::count_if(crowd->versions->begin(), crowd->versions->end(),
                                     [](const index::CrowdVersion& v) { return v.pinned; });
    if (pinned && static_cast<size_t>(count) >= index::kCrowdPinnedMax) {
      return index::WithField(
          index::LimitExceeded(absl::StatusCode::kResourceExhausted, "TOO_MANY_PINNED",
                               "the number of pinned versions", index::kCrowdPinnedMax,
                               static_cast<uint64_t>(count) + 1),
          "version");
    }
    (pinned ? record->crowds.pinned : record->crowds.unpinned)
        .push_back({crowd->definition->id, number});
    Remember(key, std::to_string(number), record);
    return absl::OkStatus();
  };
  THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef snapshot, universe->Commit(build));
  const CrowdView view(*snapshot, context.visibility);
  THRONG_ASSIGN_OR_RETURN(const index::CrowdEntry* crowd, view.Require(name, "name"));
  const index::CrowdVersion* version = crowd->FindVersion(number);
  if (version == nullptr) return UnknownVersion(*crowd, number, "version");
  return DescribeVersion(*universe, *snapshot, *crowd, *version);
}

}  // namespace throng::engine
