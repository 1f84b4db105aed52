#include "tests/crash/crash_crowds.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

#include "fmt/format.h"

namespace throng::crash {
namespace {

constexpr uint32_t kBuckets = 1'000'000;

uint64_t Hash(const std::string& text) { return XXH64(text.data(), text.size(), 0); }

// docs/expressions.md, "Ids, buckets and samples".
uint32_t Bucket(const std::string& id, const std::string& salt) {
  __extension__ using Uint128 = unsigned __int128;
  uint64_t x = Hash(id) ^ Hash(salt);
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccd;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53;
  x = x ^ (x >> 33);
  return static_cast<uint32_t>((static_cast<Uint128>(x) * kBuckets) >> 64);
}

bool IsWithin(uint32_t bucket, const BucketRanges& ranges) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const auto& range) {
    return bucket >= range.first && bucket < range.second;
  });
}

// Whom a refresh of the crowd selects now.
std::set<std::string> Selected(const CrowdTwin& crowd, const CrashState& state) {
  std::set<std::string> ids;
  if (crowd.kind == CrowdTwin::Kind::kArm) {
    const CrowdTwin& source = state.crowds.at(crowd.source);
    for (const std::string& id : source.versions.rbegin()->second.ids) {
      if (IsWithin(Bucket(id, crowd.split), crowd.ranges)) ids.insert(id);
    }
    return ids;
  }
  for (const auto& [id, person] : state.users) {
    if (crowd.rule.Selects(person)) ids.insert(id);
  }
  return ids;
}

uint64_t CountMissing(const std::set<std::string>& of, const std::set<std::string>& in) {
  return static_cast<uint64_t>(
      std::count_if(of.begin(), of.end(), [&](const std::string& id) { return !in.contains(id); }));
}

CrowdAnswer::Version AddVersion(const std::string& name, std::set<std::string> ids,
                                std::optional<UploadCounts> upload, CrowdTwin& crowd) {
  static const std::set<std::string> kNobody;
  const bool is_first = crowd.versions.empty();
  const uint32_t previous = is_first ? 0 : crowd.versions.rbegin()->first;
  const std::set<std::string>& before = is_first ? kNobody : crowd.versions.rbegin()->second.ids;
  VersionModel version{.computed_count = ids.size(),
                       .previous = previous,
                       .added = CountMissing(ids, before),
                       .removed = CountMissing(before, ids),
                       .upload = upload};
  version.ids = std::move(ids);
  const CrowdAnswer::Version told{.crowd = name,
                                  .number = previous + 1,
                                  .computed_count = version.computed_count,
                                  .added = version.added,
                                  .removed = version.removed};
  crowd.versions[previous + 1] = std::move(version);
  const uint32_t keep = crowd.kind == CrowdTwin::Kind::kArm ? kArmKeepLast : kKeepLast;
  while (crowd.versions.size() > keep) crowd.versions.erase(crowd.versions.begin());
  return told;
}

CrowdAnswer Refresh(const CrowdOperation& operation, CrashState& state) {
  std::map<std::string, CrowdAnswer::Version> made;
  // Arms are computed of the version that their source gets in the same call.
  for (const bool arms : {false, true}) {
    for (const std::string& name : operation.names) {
      CrowdTwin& crowd = state.crowds.at(name);
      if ((crowd.kind == CrowdTwin::Kind::kArm) != arms) continue;
      made[name] = AddVersion(name, Selected(crowd, state), std::nullopt, crowd);
    }
  }
  CrowdAnswer answer;
  for (const std::string& name : operation.names) {
    answer.what += name + " ";
    answer.versions.push_back(made.at(name));
  }
  return answer;
}

CrowdTwin NewUpload(const CrowdOperation& operation) {
  return {.kind = CrowdTwin::Kind::kUpload, .description = operation.request_id};
}

CrowdAnswer Upload(const CrowdOperation& operation, CrashState& state) {
  CrowdTwin& crowd = state.crowds.try_emplace(operation.name, NewUpload(operation)).first->second;
  UploadCounts counts{.received = operation.ids.size()};
  std::set<std::string> seen;
  std::set<std::string> found;
  for (const std::string& id : operation.ids) {
    if (id.empty()) {
      ++counts.invalid;
    } else if (!seen.insert(id).second) {
      ++counts.duplicate;
    } else if (state.users.contains(id)) {
      ++counts.matched;
      found.insert(id);
    } else {
      ++counts.unknown;
    }
  }
  std::set<std::string> ids;
  if (operation.mode != CrowdOperation::Mode::kReplace && !crowd.versions.empty()) {
    ids = crowd.versions.rbegin()->second.ids;
  }
  for (const std::string& id : found) {
    if (operation.mode == CrowdOperation::Mode::kRemove) {
      ids.erase(id);
    } else {
      ids.insert(id);
    }
  }
  CrowdAnswer answer{.what = operation.name, .upload = counts};
  answer.versions.push_back(AddVersion(operation.name, std::move(ids), counts, crowd));
  return answer;
}

CrowdAnswer AboutCrowd(const std::string& name, const CrowdModel& crowds) {
  return {.what = fmt::format("{} {}", name, crowds.at(name).State())};
}

CrowdAnswer AboutSplit(const std::string& split, const CrowdModel& crowds) {
  CrowdAnswer answer;
  for (const auto& [name, crowd] : crowds) {
    if (crowd.split == split) answer.what += ArmText(name, crowd.State(), crowd.ranges);
  }
  return answer;
}

CrowdAnswer Delete(const CrowdOperation& operation, CrowdModel& crowds) {
  if (operation.for_good) {
    crowds.erase(operation.name);
    return {.what = operation.name};
  }
  crowds.at(operation.name).is_deleted = true;
  return AboutCrowd(operation.name, crowds);
}

CrowdAnswer Split(const CrowdOperation& operation, CrowdModel& crowds) {
  for (const bool is_first : {true, false}) {
    CrowdTwin arm{.kind = CrowdTwin::Kind::kArm,
                  .split = operation.name,
                  .source = operation.source,
                  .share = operation.share};
    const uint32_t half = operation.share / 2;
    arm.ranges = {is_first ? std::pair(0U, half) : std::pair(half, operation.share)};
    arm.text = ArmRule(operation.source, operation.name, arm.ranges);
    crowds[fmt::format("{}.{}", operation.name, is_first ? "A" : "B")] = std::move(arm);
  }
  return AboutSplit(operation.name, crowds);
}

CrowdAnswer Award(const CrowdOperation& operation, CrowdModel& crowds) {
  CrowdTwin& arm = crowds.at(fmt::format("{}.{}", operation.name, operation.winner));
  arm.is_winner = true;
  if (arm.ranges.back().second == arm.share) {
    arm.ranges.back().second = kBuckets;  // ranges are not adjacent
  } else {
    arm.ranges.emplace_back(arm.share, kBuckets);
  }
  arm.text = ArmRule(arm.source, operation.name, arm.ranges);
  return AboutSplit(operation.name, crowds);
}

CrowdAnswer DeleteSplit(const CrowdOperation& operation, CrowdModel& crowds) {
  if (operation.for_good) {
    std::erase_if(crowds, [&](const auto& each) { return each.second.split == operation.name; });
    return {.what = operation.name};
  }
  for (auto& [name, crowd] : crowds) {
    if (crowd.split == operation.name) crowd.is_deleted = true;
  }
  return AboutSplit(operation.name, crowds);
}

std::string DescribeVersion(const VersionModel& version) {
  std::string text = fmt::format("{} users, {} of them left, after {}, +{} -{}, of data version {}",
                                 version.computed_count, version.current_count, version.previous,
                                 version.added, version.removed, version.data_version);
  if (!version.upload) return text;
  const UploadCounts& u = *version.upload;
  return text + fmt::format(", of an upload of {}: {} {} {} {}", u.received, u.matched, u.duplicate,
                            u.unknown, u.invalid);
}

std::string DifferenceOfVersion(VersionModel expected, const VersionModel& actual,
                                bool is_readable) {
  expected.current_count = expected.ids.size();
  if (expected.data_version == 0) expected.data_version = actual.data_version;
  // Lists are asked for of crowds that are there.
  if (!is_readable) expected.upload = actual.upload;
  const std::string is = DescribeVersion(actual);
  const std::string should_be = DescribeVersion(expected);
  if (is != should_be) return fmt::format("is [{}], not [{}]", is, should_be);
  if (!is_readable || actual.ids == expected.ids) return "";
  return fmt::format("has [{}], not [{}]", fmt::join(actual.ids, " "),
                     fmt::join(expected.ids, " "));
}

std::string DifferenceOfCrowd(const CrowdTwin& expected, const CrowdTwin& actual) {
  const auto describe = [](const CrowdTwin& crowd) {
    return fmt::format("{} {} \"{}\" {}", static_cast<int>(crowd.kind), crowd.State(),
                       crowd.description, crowd.text);
  };
  if (describe(expected) != describe(actual)) {
    return fmt::format("is [{}], not [{}]", describe(actual), describe(expected));
  }
  for (const auto& [number, version] : expected.versions) {
    const auto found = actual.versions.find(number);
    if (found == actual.versions.end()) return fmt::format("has no version {}", number);
    const std::string difference =
        DifferenceOfVersion(version, found->second, !expected.is_deleted);
    if (!difference.empty()) return fmt::format("version {} {}", number, difference);
  }
  for (const auto& [number, version] : actual.versions) {
    if (!expected.versions.contains(number)) {
      return fmt::format("should not have version {}", number);
    }
  }
  return "";
}

}  // namespace

std::string CrowdRule::Text(int writer) const {
  std::vector<std::string> parts;
  if (!city.empty()) parts.push_back(fmt::format("city_{} = '{}'", writer, city));
  if (views_over) parts.push_back(fmt::format("views_{} > {}", writer, *views_over));
  if (vip) parts.push_back(fmt::format("vip_{}", writer));
  return fmt::format("{}", fmt::join(parts, " and "));
}

bool CrowdRule::Selects(const Person& person) const {
  return (city.empty() || person.city == city) &&
         (!views_over || (person.views && *person.views > *views_over)) && (!vip || person.vip);
}

std::string CrowdTwin::State() const {
  if (is_deleted) return "DELETED";
  if (is_frozen) return "FROZEN";
  return versions.empty() ? "NEW" : "READY";
}

std::string ArmText(const std::string& crowd, const std::string& state,
                    const BucketRanges& ranges) {
  std::string text = fmt::format("{} {}", crowd, state);
  for (const auto& [from, to] : ranges) text += fmt::format(" {}-{}", from, to);
  return text + "; ";
}

std::string ArmRule(const std::string& source, const std::string& salt,
                    const BucketRanges& ranges) {
  std::vector<std::string> parts;
  for (const auto& [from, to] : ranges) {
    parts.push_back(fmt::format("bucket('{}', {}, {})", salt, from, to));
  }
  const std::string buckets = fmt::format("{}", fmt::join(parts, " or "));
  return fmt::format("crowd('{}') and {}", source,
                     parts.size() == 1 ? buckets : fmt::format("({})", buckets));
}

CrowdAnswer Apply(const CrowdOperation& operation, CrashState& state) {
  switch (operation.kind) {
    case CrowdOperation::Kind::kCreate:
      state.crowds[operation.name] = {.kind = CrowdTwin::Kind::kRule,
                                      .description = operation.request_id,
                                      .text = operation.text,
                                      .rule = operation.rule};
      return AboutCrowd(operation.name, state.crowds);
    case CrowdOperation::Kind::kRefresh:
      return Refresh(operation, state);
    case CrowdOperation::Kind::kFreeze: {
      CrowdTwin& crowd = state.crowds.at(operation.name);
      const auto version = AddVersion(operation.name, Selected(crowd, state), std::nullopt, crowd);
      crowd.is_frozen = true;
      CrowdAnswer answer = AboutCrowd(operation.name, state.crowds);
      answer.versions.push_back(version);
      return answer;
    }
    case CrowdOperation::Kind::kUpload:
      return Upload(operation, state);
    case CrowdOperation::Kind::kDelete:
      return Delete(operation, state.crowds);
    case CrowdOperation::Kind::kUndelete:
      state.crowds.at(operation.name).is_deleted = false;
      return AboutCrowd(operation.name, state.crowds);
    case CrowdOperation::Kind::kSplit:
      return Split(operation, state.crowds);
    case CrowdOperation::Kind::kAward:
      return Award(operation, state.crowds);
    case CrowdOperation::Kind::kDeleteSplit:
      return DeleteSplit(operation, state.crowds);
  }
  return {};
}

void Apply(const Operation& operation, CrashState& state) {
  Apply(operation, state.users);
  if (operation.kind != Operation::Kind::kErase) return;
  for (auto& [name, crowd] : state.crowds) {
    for (auto& [number, version] : crowd.versions) {
      for (const Operation::Change& change : operation.changes) version.ids.erase(change.id);
    }
  }
}

std::optional<CrashState> Halfway(const CrowdOperation& operation, const CrashState& state) {
  const bool is_made = operation.kind == CrowdOperation::Kind::kUpload && operation.creates &&
                       !state.crowds.contains(operation.name);
  if (!is_made) return std::nullopt;
  CrashState halfway = state;
  halfway.crowds[operation.name] = NewUpload(operation);
  return halfway;
}

void NoteDataVersions(const CrowdAnswer& answer, CrowdModel& crowds) {
  for (const CrowdAnswer::Version& version : answer.versions) {
    const auto crowd = crowds.find(version.crowd);
    if (crowd == crowds.end()) continue;
    const auto found = crowd->second.versions.find(version.number);
    if (found != crowd->second.versions.end()) found->second.data_version = version.data_version;
  }
}

std::string Difference(const CrashState& expected, const CrashState& actual) {
  std::string difference = Difference(expected.users, actual.users);
  if (!difference.empty()) return difference;
  for (const auto& [name, crowd] : expected.crowds) {
    const auto found = actual.crowds.find(name);
    if (found == actual.crowds.end()) return fmt::format("crowd {} is missing", name);
    difference = DifferenceOfCrowd(crowd, found->second);
    if (!difference.empty()) return fmt::format("crowd {} {}", name, difference);
  }
  for (const auto& [name, crowd] : actual.crowds) {
    if (!expected.crowds.contains(name)) return fmt::format("crowd {} should not exist", name);
  }
  return "";
}

}  // namespace throng::crash
