// Which operations a state allows, one of them at random, and how they are written down.
#include <algorithm>
#include <array>
#include <functional>

#include "fmt/format.h"
#include "tests/crash/crash_crowds.h"

namespace throng::crash {
namespace {

using Kind = CrowdOperation::Kind;

constexpr size_t kCrowdsMax = 12;  // of a writer, deleted ones included
constexpr uint32_t kEverybody = 1'000'000;

// Crowds and what rests on them. Not thread-safe.
class Choice {
 public:
  Choice(const CrashState& state, int writer, uint64_t call, std::mt19937_64& random)
      : state_(state), crowds_(state.crowds), writer_(writer), call_(call), random_(random) {}

  // Nullopt: the state allows none of the kind.
  std::optional<CrowdOperation> Try(Kind kind) {
    switch (kind) {
      case Kind::kCreate:
        return crowds_.size() < kCrowdsMax ? std::optional(Create()) : std::nullopt;
      case Kind::kRefresh:
        return Refresh();
      case Kind::kFreeze:
        return OfOne(kind, [](const std::string&, const CrowdTwin& crowd) {
          return crowd.kind == CrowdTwin::Kind::kRule && !crowd.is_deleted && !crowd.is_frozen;
        });
      case Kind::kUpload:
        return Upload();
      case Kind::kDelete:
        return Delete();
      case Kind::kUndelete:
        return OfOne(kind, [&](const std::string&, const CrowdTwin& crowd) {
          return crowd.is_deleted &&
                 (crowd.kind != CrowdTwin::Kind::kArm || !crowds_.at(crowd.source).is_deleted);
        });
      case Kind::kSplit:
        return Split();
      case Kind::kAward:
        return Award();
      case Kind::kDeleteSplit:
        return DeleteSplit();
    }
    return std::nullopt;
  }

  CrowdOperation Create() {
    CrowdOperation operation = Begin(Kind::kCreate);
    operation.name = NewName('c');
    const uint64_t parts = 1 + Below(7);
    if (parts & 1) operation.rule.city = fmt::format("c{}", Below(12));
    if (parts & 2) operation.rule.views_over = static_cast<int64_t>(Below(400));
    operation.rule.vip = (parts & 4) != 0;
    operation.text = operation.rule.Text(writer_);
    return operation;
  }

 private:
  using Test = std::function<bool(const std::string&, const CrowdTwin&)>;

  uint64_t Below(uint64_t bound) { return random_() % bound; }
  std::string NewName(char kind) const { return fmt::format("w{}{}{}", writer_, kind, call_); }
  CrowdOperation Begin(Kind kind) const {
    return {.kind = kind, .request_id = fmt::format("w{}r{}", writer_, call_)};
  }

  // One of those that pass; empty: none does.
  std::string Pick(const Test& test) {
    std::vector<std::string> names;
    for (const auto& [name, crowd] : crowds_) {
      if (test(name, crowd)) names.push_back(name);
    }
    return names.empty() ? "" : names[Below(names.size())];
  }

  std::optional<CrowdOperation> OfOne(Kind kind, const Test& test) {
    CrowdOperation operation = Begin(kind);
    operation.name = Pick(test);
    return operation.name.empty() ? std::nullopt : std::optional(operation);
  }

  // Arms whose `member` is `name`, deleted ones too unless `live`.
  std::vector<std::string> Arms(std::string CrowdTwin::*member, const std::string& name,
                                bool live) const {
    std::vector<std::string> arms;
    for (const auto& [arm, crowd] : crowds_) {
      if (crowd.*member == name && !(live && crowd.is_deleted)) arms.push_back(arm);
    }
    return arms;
  }

  std::optional<CrowdOperation> Refresh() {
    std::optional<CrowdOperation> operation =
        OfOne(Kind::kRefresh, [&](const std::string&, const CrowdTwin& crowd) {
          if (crowd.is_deleted || crowd.is_frozen) return false;
          if (crowd.kind == CrowdTwin::Kind::kRule) return true;
          return crowd.kind == CrowdTwin::Kind::kArm && !crowds_.at(crowd.source).versions.empty();
        });
    if (!operation) return std::nullopt;
    std::vector<std::string>& names = operation->names;
    const CrowdTwin& crowd = crowds_.at(operation->name);
    if (Below(2) == 0) {
      names = crowd.kind == CrowdTwin::Kind::kRule
                  ? Arms(&CrowdTwin::source, operation->name, /*live=*/true)
                  : Arms(&CrowdTwin::split, crowd.split, /*live=*/true);
    }
    if (std::find(names.begin(), names.end(), operation->name) == names.end()) {
      names.push_back(operation->name);
    }
    std::shuffle(names.begin(), names.end(), random_);
    return operation;
  }

  std::optional<CrowdOperation> Upload() {
    CrowdOperation operation = Begin(Kind::kUpload);
    const std::string name = Pick([](const std::string&, const CrowdTwin& crowd) {
      return crowd.kind == CrowdTwin::Kind::kUpload && !crowd.is_deleted;
    });
    const bool is_new = name.empty() || Below(4) == 0;
    if (is_new && crowds_.size() >= kCrowdsMax) return std::nullopt;
    operation.name = is_new ? NewName('l') : name;
    operation.creates = is_new || Below(2) == 0;
    const bool can_remove = !is_new && !crowds_.at(name).versions.empty();
    operation.mode = static_cast<CrowdOperation::Mode>(Below(can_remove ? 3 : 2));
    for (const auto& [id, person] : state_.users) {
      if (Below(4) == 0) operation.ids.push_back(id);
    }
    for (uint64_t i = Below(4); i > 0; --i) {
      operation.ids.push_back(fmt::format("w{}x{}", writer_, Below(5)));
    }
    if (!operation.ids.empty()) operation.ids.push_back(operation.ids.front());
    if (operation.ids.empty() || Below(4) == 0) operation.ids.emplace_back();
    std::shuffle(operation.ids.begin(), operation.ids.end(), random_);
    return operation;
  }

  std::optional<CrowdOperation> Delete() {
    std::optional<CrowdOperation> operation =
        OfOne(Kind::kDelete, [&](const std::string& name, const CrowdTwin& crowd) {
          return crowd.kind != CrowdTwin::Kind::kArm && !crowd.is_deleted &&
                 Arms(&CrowdTwin::source, name, /*live=*/true).empty();
        });
    if (!operation) return std::nullopt;
    operation->for_good =
        Arms(&CrowdTwin::source, operation->name, /*live=*/false).empty() && Below(2) == 0;
    return operation;
  }

  std::optional<CrowdOperation> Split() {
    if (crowds_.size() + 2 > kCrowdsMax) return std::nullopt;
    std::optional<CrowdOperation> operation =
        OfOne(Kind::kSplit, [](const std::string&, const CrowdTwin& crowd) {
          return crowd.kind != CrowdTwin::Kind::kArm && !crowd.is_deleted;
        });
    if (!operation) return std::nullopt;
    operation->source = operation->name;
    operation->name = NewName('s');
    constexpr std::array<uint32_t, 3> kShares = {200'000, 600'000, kEverybody};
    operation->share = kShares[Below(kShares.size())];
    return operation;
  }

  std::optional<CrowdOperation> Award() {
    const std::string arm = Pick([&](const std::string&, const CrowdTwin& crowd) {
      if (crowd.kind != CrowdTwin::Kind::kArm || crowd.is_deleted) return false;
      const std::vector<std::string> arms = Arms(&CrowdTwin::split, crowd.split, /*live=*/false);
      return crowd.share < kEverybody &&
             std::none_of(arms.begin(), arms.end(),
                          [&](const std::string& name) { return crowds_.at(name).is_winner; });
    });
    if (arm.empty()) return std::nullopt;
    CrowdOperation operation = Begin(Kind::kAward);
    operation.name = crowds_.at(arm).split;
    operation.winner = arm.substr(arm.rfind('.') + 1);
    return operation;
  }

  std::optional<CrowdOperation> DeleteSplit() {
    std::optional<CrowdOperation> operation =
        OfOne(Kind::kDeleteSplit, [](const std::string&, const CrowdTwin& crowd) {
          return crowd.kind == CrowdTwin::Kind::kArm && !crowd.is_deleted;
        });
    if (!operation) return std::nullopt;
    operation->name = crowds_.at(operation->name).split;
    // Of a split one arm of which was deleted before, that one stays.
    const bool is_whole = Arms(&CrowdTwin::split, operation->name, /*live=*/true).size() == 2;
    operation->for_good = is_whole && Below(2) == 0;
    return operation;
  }

  const CrashState& state_;
  const CrowdModel& crowds_;
  const int writer_;
  const uint64_t call_;
  std::mt19937_64& random_;
};

std::string_view NameOf(Kind kind) {
  switch (kind) {
    case Kind::kCreate:
      return "create crowd";
    case Kind::kRefresh:
      return "refresh";
    case Kind::kFreeze:
      return "freeze";
    case Kind::kUpload:
      return "upload";
    case Kind::kDelete:
      return "delete crowd";
    case Kind::kUndelete:
      return "undelete";
    case Kind::kSplit:
      return "split";
    case Kind::kAward:
      return "award";
    case Kind::kDeleteSplit:
      return "delete split";
  }
  return "";
}

}  // namespace

std::string CrowdOperation::ToString() const {
  std::string line = fmt::format("{} {} {}", request_id, NameOf(kind), name);
  if (!names.empty()) line += fmt::format(" [{}]", fmt::join(names, " "));
  if (!text.empty()) line += fmt::format(" {}", text);
  if (kind == Kind::kUpload) {
    constexpr std::array<std::string_view, 3> kModes = {"replace", "add", "remove"};
    line += fmt::format(" {}{} [{}]", kModes[static_cast<size_t>(mode)], creates ? " create" : "",
                        fmt::join(ids, " "));
  }
  if (!source.empty()) line += fmt::format(" {} {}", source, share);
  if (!winner.empty()) line += fmt::format(" {}", winner);
  return for_good ? line + " for good" : line;
}

std::string CrowdAnswer::ToString() const {
  std::string line = what;
  for (const Version& version : versions) {
    line +=
        fmt::format(" {}#{} {} users +{} -{} of {}", version.crowd, version.number,
                    version.computed_count, version.added, version.removed, version.data_version);
  }
  if (!upload) return line;
  return line + fmt::format(" received {} matched {} duplicate {} unknown {} invalid {}",
                            upload->received, upload->matched, upload->duplicate, upload->unknown,
                            upload->invalid);
}

CrowdOperation RandomCrowdOperation(const CrashState& state, int writer, uint64_t call,
                                    std::mt19937_64& random) {
  // What computes and commits sets comes most often.
  constexpr std::array kKinds = {
      Kind::kCreate,   Kind::kRefresh, Kind::kRefresh, Kind::kRefresh,
      Kind::kRefresh,  Kind::kUpload,  Kind::kUpload,  Kind::kUpload,
      Kind::kFreeze,   Kind::kDelete,  Kind::kDelete,  Kind::kUndelete,
      Kind::kUndelete, Kind::kSplit,   Kind::kAward,   Kind::kDeleteSplit};
  Choice choice(state, writer, call, random);
  for (int tries = 0; tries < 100; ++tries) {
    std::optional<CrowdOperation> operation = choice.Try(kKinds[random() % kKinds.size()]);
    if (operation) return *std::move(operation);
  }
  return choice.Create();
}

}  // namespace throng::crash
