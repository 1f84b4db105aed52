#include "server/engine/why.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>
#include <variant>

#include "fmt/format.h"
#include "index/error.h"
#include "index/id_hash.h"
#include "query/condition_tree.h"
#include "query/membership.h"
#include "server/engine/memberships.h"
#include "server/engine/resolved_selection.h"
#include "server/engine/user_lookup.h"

namespace throng::engine {
namespace {

// Of all conditions of an answer; further ones have the number of labels only.
constexpr size_t kLabelsInAnswerMax = 10'000;
// Users of a list between two looks at the deadline.
constexpr size_t kUsersBetweenChecks = 64;

std::vector<WhyCondition> ConditionsOf(const ResolvedSelection& bound,
                                       const query::ConditionFlips& flips) {
  std::vector<WhyCondition> conditions;
  for (size_t c = 0; c < bound.resolved.conditions.size(); ++c) {
    const query::ResolvedCondition& resolved = bound.resolved.conditions[c];
    const uint32_t first = flips.first_same()[c];
    conditions.push_back({.text = resolved.text,
                          .span = resolved.span,
                          .negated = flips.negated()[c],
                          .same_as = first == c ? 0 : first + 1});
  }
  return conditions;
}

// By condition, whether the user matches it.
void TestConditions(const ResolvedSelection& bound, const query::ConditionFlips& flips,
                    uint32_t user, std::vector<bool>* matches) {
  const std::vector<query::ResolvedCondition>& conditions = bound.resolved.conditions;
  matches->resize(conditions.size());
  for (size_t c = 0; c < conditions.size(); ++c) {
    const uint32_t first = flips.first_same()[c];
    (*matches)[c] =
        first < c ? (*matches)[first] : query::IsMember(conditions[c].plan, *bound.snapshot, user);
  }
}

UserValue ValueOfTag(const index::Snapshot& snapshot, const index::TagEntry& entry, uint32_t user) {
  UserValue value{.tag = entry.definition.name,
                  .type = entry.definition.type,
                  .scale = entry.definition.scale,
                  .value = ReadValue(snapshot, entry, user)};
  if (value.type == index::TagType::kFlag && !value.value.has_value()) value.value = false;
  if (value.type == index::TagType::kLabels && value.value.has_value()) {
    auto& labels = std::get<std::vector<std::string>>(*value.value);
    value.labels = static_cast<uint32_t>(labels.size());
    if (labels.size() > kWhyLabelsMax) labels.resize(kWhyLabelsMax);
  }
  return value;
}

UserValue BucketOf(const index::Snapshot& snapshot, const std::string& salt, uint32_t user) {
  return {.tag = {},
          .value =
              TagValue(int64_t{index::BucketOf(snapshot.ids().hash(user), index::SaltHash(salt))})};
}

// Reads what conditions ask for; each tag once. Only tags that the caller may see resolve.
class ValueReader {
 public:
  ValueReader(const index::Snapshot& snapshot, uint32_t user) : snapshot_(snapshot), user_(user) {}

  std::optional<UserValue> Read(const query::Expression& condition) {
    if (const auto* of_tag = std::get_if<query::Condition>(&condition.node)) {
      const index::TagEntry* entry = snapshot_.catalogue().Find(of_tag->tag);
      const auto [read, is_new] = read_.try_emplace(entry->definition.id);
      if (is_new) read->second = ValueOfTag(snapshot_, *entry, user_);
      return Bounded(read->second);
    }
    if (const auto* bucket = std::get_if<query::Bucket>(&condition.node)) {
      return BucketOf(snapshot_, bucket->salt, user_);
    }
    if (const auto* sample = std::get_if<query::Sample>(&condition.node)) {
      return BucketOf(snapshot_, sample->salt, user_);
    }
    return std::nullopt;
  }

 private:
  UserValue Bounded(UserValue value) {
    if (value.labels == 0) return value;
    auto& labels = std::get<std::vector<std::string>>(*value.value);
    labels.resize(std::min(labels.size(), labels_left_));
    labels_left_ -= labels.size();
    return value;
  }

  const index::Snapshot& snapshot_;
  const uint32_t user_;
  size_t labels_left_ = kLabelsInAnswerMax;
  std::map<uint32_t, UserValue> read_;
};

absl::Status CheckIds(const std::vector<std::string>& ids) {
  if (ids.empty()) {
    return index::InvalidArgument("REQUIRED", "users.ids", "at least one id is needed");
  }
  if (ids.size() <= kWhyUsersMax) return absl::OkStatus();
  return index::WithField(index::LimitExceeded(absl::StatusCode::kResourceExhausted, "TOO_MANY_IDS",
                                               "the number of ids", kWhyUsersMax, ids.size()),
                          "users.ids");
}

}  // namespace

absl::StatusOr<UserReasons> Memberships::Why(const CallContext& context, const Selection& selection,
                                             const TypedId& user) {
  THRONG_ASSIGN_OR_RETURN(const ResolvedSelection bound,
                          BindSelection(universes_, context, selection));
  const index::Snapshot& snapshot = *bound.snapshot;
  THRONG_ASSIGN_OR_RETURN(const index::IdTypeDefinition* type,
                          FindIdType(*bound.universe, snapshot, user.id_type, "user.id_type"));
  THRONG_ASSIGN_OR_RETURN(const std::optional<uint32_t> ordinal,
                          FindUser(snapshot, type, user.id, "user.id"));
  if (!ordinal.has_value()) {
    return index::MakeError(absl::StatusCode::kNotFound,
                            fmt::format("there is no user \"{}\"", user.id),
                            {.reason = "UNKNOWN_USER", .field = "user.id"});
  }
  query::ConditionFlips flips(bound.expression);
  std::vector<bool> matches;
  TestConditions(bound, flips, *ordinal, &matches);
  UserReasons reasons{.id = snapshot.ids().text(*ordinal), .is_member = flips.SetUser(matches)};
  if (reasons.is_member) {
    THRONG_ASSIGN_OR_RETURN(const index::OrdinalSetRef chosen, ChooseLimited(bound));
    reasons.is_beyond_limit = chosen != nullptr && !chosen->Contains(*ordinal);
    reasons.is_member = !reasons.is_beyond_limit;
  }
  const std::vector<const query::Expression*> written = query::ConditionsOf(bound.expression);
  std::vector<WhyCondition> conditions = ConditionsOf(bound, flips);
  ValueReader values(snapshot, *ordinal);
  for (uint32_t c = 0; c < conditions.size(); ++c) {
    const uint32_t first = flips.first_same()[c];
    const bool decides = first < c ? reasons.conditions[first].decides
                                   : !reasons.is_beyond_limit && flips.Decides(c);
    reasons.conditions.push_back({.condition = std::move(conditions[c]),
                                  .matches = matches[c],
                                  .met = matches[c] != flips.negated()[c],
                                  .decides = decides,
                                  .value = values.Read(*written[c])});
  }
  if (!reasons.is_beyond_limit) reasons.flip = flips.Smallest();
  reasons.info = bound.Info();
  return reasons;
}

absl::StatusOr<ListReasons> Memberships::WhyAll(const CallContext& context,
                                                const Selection& selection,
                                                std::string_view id_type,
                                                const std::vector<std::string>& ids) {
  THRONG_RETURN_IF_ERROR(CheckIds(ids));
  THRONG_ASSIGN_OR_RETURN(const ResolvedSelection bound,
                          BindSelection(universes_, context, selection));
  THRONG_ASSIGN_OR_RETURN(const index::IdTypeDefinition* type,
                          FindIdType(*bound.universe, *bound.snapshot, id_type, "users.id_type"));
  query::ConditionFlips flips(bound.expression);
  ListReasons reasons;
  for (WhyCondition& condition : ConditionsOf(bound, flips)) {
    reasons.conditions.push_back({.condition = std::move(condition)});
  }
  THRONG_ASSIGN_OR_RETURN(const index::OrdinalSetRef chosen, ChooseLimited(bound));
  std::vector<bool> matches;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i % kUsersBetweenChecks == 0) THRONG_RETURN_IF_ERROR(bound.check());
    const absl::StatusOr<std::optional<uint32_t>> user =
        FindUser(*bound.snapshot, type, ids[i], "users.ids");
    if (!user.ok() || !user->has_value()) {
      ++reasons.unknown;
      continue;
    }
    TestConditions(bound, flips, **user, &matches);
    const bool meets = flips.SetUser(matches);
    const bool is_member = meets && (chosen == nullptr || chosen->Contains(**user));
    ++(is_member ? reasons.in : reasons.out);
    reasons.beyond_limit += meets && !is_member ? 1 : 0;
    for (uint32_t c = 0; c < matches.size(); ++c) {
      ListCondition& counts = reasons.conditions[c];
      counts.missed += matches[c] == flips.negated()[c] ? 1 : 0;
      if (meets || counts.condition.same_as > 0) continue;
      counts.decided += flips.Decides(c) ? 1 : 0;
    }
  }
  for (ListCondition& counts : reasons.conditions) {
    const uint32_t first = counts.condition.same_as;
    if (first > 0) counts.decided = reasons.conditions[first - 1].decided;
  }
  reasons.info = bound.Info();
  return reasons;
}

}  // namespace throng::engine
