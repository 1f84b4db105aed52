#include "query/limited_users.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "index/chunk_set.h"
#include "index/id_hash.h"
#include "index/overloaded.h"
#include "query/collector.h"
#include "query/normalizer.h"

namespace throng::query {
namespace {

using index::ChunkSet;

// Smaller sets are walked through rather than asked about users that may not be in them.
constexpr uint32_t kDenseUsers = index::kChunkSize / 16;
constexpr uint64_t kSampleUsersMin = 1'024;

// Calls visit(ordinal) for about `wanted` of the users, spread over all chunks.
template <typename Visit>
void VisitSample(const index::OrdinalSet& users, uint64_t wanted, Visit visit) {
  const uint64_t step = std::max<uint64_t>(1, users.cardinality() / wanted);
  const uint64_t throws = std::max<uint64_t>(1, index::kChunkSize / step);
  uint64_t at = 0;  // in a walk
  for (uint32_t chunk = 0; chunk < users.chunk_count(); ++chunk) {
    const ChunkSet set = users.chunk(chunk);
    const uint32_t first = chunk << index::kChunkBits;
    if (set.cardinality < kDenseUsers || step < 16) {
      index::ForEach(set, [&](uint32_t offset) {
        if (at++ % step == 0) visit(first | offset);
      });
      continue;
    }
    for (uint64_t i = 0; i < throws; ++i) {
      // An odd factor of about 2^16 over the golden ratio: no two are the same, and they are even.
      const uint32_t offset =
          static_cast<uint32_t>(i * 40'503 + chunk * 25'717) & index::kChunkMask;
      if (index::Contains(set, offset)) visit(first | offset);
    }
  }
}

uint32_t SomeUser(const index::OrdinalSet& users) {
  uint32_t some = 0;
  for (uint32_t chunk = 0; chunk < users.chunk_count(); ++chunk) {
    if (users.chunk(chunk).empty()) continue;
    index::ForEach(users.chunk(chunk),
                   [&](uint32_t offset) { some = chunk << index::kChunkBits | offset; });
    break;
  }
  return some;
}

// Ranks between which the one of the user sought is likely to be; both ends belong to it.
struct RankRange {
  uint64_t low = 0;
  uint64_t high = std::numeric_limits<uint64_t>::max();
};

// Where the user is who has `wanted` - 1 users before it. `exact`: a range of one rank near it.
RankRange Locate(const UserOrder& order, const index::OrdinalSet& users, uint64_t wanted,
                 bool exact, const ChoiceEffort& effort) {
  const uint64_t wanted_ranks =
      std::clamp(users.cardinality() / 64, std::min(kSampleUsersMin, effort.sample_users),
                 effort.sample_users);
  std::vector<uint64_t> ranks;
  VisitSample(users, wanted_ranks,
              [&](uint32_t ordinal) { ranks.push_back(order.RankOf(ordinal)); });
  if (ranks.empty()) ranks.push_back(order.RankOf(SomeUser(users)));
  const auto rank_at = [&ranks](double at) {
    const auto nth = ranks.begin() + static_cast<ptrdiff_t>(at);
    std::nth_element(ranks.begin(), nth, ranks.end());
    return *nth;
  };
  const auto size = static_cast<double>(ranks.size());
  const double share = static_cast<double>(wanted) / static_cast<double>(users.cardinality());
  const double at = share * size;
  if (exact) {
    const uint64_t rank = rank_at(std::clamp(at, 0.0, size - 1));
    return {rank, rank};
  }
  const double reach = effort.deviations * (std::sqrt(at * (1 - share)) + 1);
  RankRange range;
  if (at - reach >= 0) range.low = rank_at(at - reach);
  if (at + reach < size) range.high = rank_at(at + reach);
  return range;
}

LogicalPlan Both(LogicalPlan a, LogicalPlan b) {
  LogicalAnd both;
  both.operands.push_back(std::move(a));
  both.operands.push_back(std::move(b));
  return {std::move(both)};
}

// Takes users until so many are taken.
class Choice {
 public:
  Choice(const ExecutionContext& context, const ChoiceEffort& effort)
      : context_(context), effort_(effort) {}

  // Takes the first `wanted` of the users. REQUIRES: 1 <= wanted <= users.
  absl::Status TakeByNumber(const NumberOrder& order, OrdinalSetRef users, uint64_t wanted);
  absl::Status TakeByHash(const HashOrder& order, OrdinalSetRef users, uint64_t wanted);

  // Those who were taken.
  absl::StatusOr<OrdinalSetRef> Build() const;

 private:
  // Takes who is certainly among the first `*wanted` until those in doubt are few or of one rank.
  absl::Status Narrow(const UserOrder& order, OrdinalSetRef* users, uint64_t* wanted);
  // The same until those in doubt are of one rank, by ranking each.
  void Rank(const UserOrder& order, OrdinalSetRef* users, uint64_t* wanted);
  // Of users of the same place: by id.
  void TakeById(const index::OrdinalSet& users, uint64_t wanted);

  const ExecutionContext context_;
  const ChoiceEffort effort_;
  std::vector<OrdinalSetRef> taken_;
};

absl::Status Choice::Narrow(const UserOrder& order, OrdinalSetRef* users, uint64_t* wanted) {
  constexpr uint64_t kLast = std::numeric_limits<uint64_t>::max();
  bool exact = false;
  while ((*users)->cardinality() > effort_.ranked_users_max && *wanted < (*users)->cardinality()) {
    const uint64_t before = (*users)->cardinality();
    const RankRange range = Locate(order, **users, *wanted, exact, effort_);
    absl::StatusOr<RankSplit> split = order.Split(*users, range.low, range.high);
    if (!split.ok()) return split.status();
    if (*wanted <= split->below->cardinality()) {
      *users = split->below;
    } else {
      *wanted -= split->below->cardinality();
      taken_.push_back(split->below);
      const bool is_within = *wanted <= split->within->cardinality();
      if (!is_within) {
        *wanted -= split->within->cardinality();
        taken_.push_back(split->within);
        split = order.Split(*users, range.high + 1, kLast);
        if (!split.ok()) return split.status();
      }
      *users = split->within;
      if (is_within && range.low == range.high) return absl::OkStatus();
    }
    // A range that told few apart is followed by one rank, which at least one user has.
    exact = (*users)->cardinality() > before / 2;
  }
  return absl::OkStatus();
}

void Choice::Rank(const UserOrder& order, OrdinalSetRef* users, uint64_t* wanted) {
  std::vector<std::pair<uint64_t, uint32_t>> ranked;  // rank and ordinal
  ranked.reserve((*users)->cardinality());
  VisitSample(**users, (*users)->cardinality(),
              [&](uint32_t ordinal) { ranked.emplace_back(order.RankOf(ordinal), ordinal); });
  const auto last = ranked.begin() + static_cast<ptrdiff_t>(*wanted - 1);
  std::nth_element(ranked.begin(), last, ranked.end());
  const uint64_t rank = last->first;
  index::OrdinalSet::Builder before;
  index::OrdinalSet::Builder same;
  for (const auto& [of_user, ordinal] : ranked) {
    if (of_user < rank) before.Add(ordinal);
    if (of_user == rank) same.Add(ordinal);
  }
  taken_.push_back(before.Build());
  *wanted -= taken_.back()->cardinality();
  *users = same.Build();
}

void Choice::TakeById(const index::OrdinalSet& users, uint64_t wanted) {
  std::vector<std::pair<std::string, uint32_t>> ids;
  VisitSample(users, users.cardinality(), [&](uint32_t ordinal) {
    ids.emplace_back(context_.snapshot.ids().text(ordinal), ordinal);
  });
  std::sort(ids.begin(), ids.end());
  index::OrdinalSet::Builder first;
  for (uint64_t i = 0; i < wanted; ++i) first.Add(ids[i].second);
  taken_.push_back(first.Build());
}

absl::Status Choice::TakeByHash(const HashOrder& order, OrdinalSetRef users, uint64_t wanted) {
  const HashRanks places(order, context_);
  if (absl::Status status = Narrow(places, &users, &wanted); !status.ok()) return status;
  if (wanted < users->cardinality()) Rank(places, &users, &wanted);
  if (wanted < users->cardinality()) {
    TakeById(*users, wanted);
  } else {
    taken_.push_back(std::move(users));
  }
  return absl::OkStatus();
}

absl::Status Choice::TakeByNumber(const NumberOrder& order, OrdinalSetRef users, uint64_t wanted) {
  const HashOrder ties{index::SaltHash("")};
  const LogicalPlan exists{TagExists{order.tag}};
  const absl::StatusOr<RankSplit> split = SelectBoth(
      Both({Ordinals{users}}, exists), Both({Ordinals{users}}, {LogicalNot{{exists}}}), context_);
  if (!split.ok()) return split.status();
  const OrdinalSetRef& with_number = split->below;
  if (wanted >= with_number->cardinality()) {
    taken_.push_back(with_number);
    wanted -= with_number->cardinality();
    return wanted == 0 ? absl::OkStatus() : TakeByHash(ties, split->within, wanted);
  }
  users = with_number;
  const NumberRanks numbers(order, context_);
  if (absl::Status status = Narrow(numbers, &users, &wanted); !status.ok()) return status;
  const bool few = users->cardinality() <= effort_.ranked_users_max;
  if (few && wanted < users->cardinality()) Rank(numbers, &users, &wanted);
  return TakeByHash(ties, std::move(users), wanted);
}

absl::StatusOr<OrdinalSetRef> Choice::Build() const {
  LogicalOr all;
  for (const OrdinalSetRef& users : taken_) {
    if (users->cardinality() > 0) all.operands.push_back({Ordinals{users}});
  }
  if (all.operands.size() == 1) return std::get<Ordinals>(all.operands.front().node).set;
  const LogicalPlan plan = Normalize({std::move(all)}, context_.snapshot.catalogue());
  SetCollector united;
  const absl::Status status = Execute(MakePhysicalPlan(plan, context_.snapshot), context_.snapshot,
                                      context_.parallel, context_.check, united);
  if (!status.ok()) return status;
  return united.Build();
}

}  // namespace

absl::StatusOr<OrdinalSetRef> ChooseUsers(const PhysicalPlan& plan, const Limit& limit,
                                          const index::Snapshot& snapshot,
                                          index::Parallel& parallel, const Check& check,
                                          const ChoiceEffort& effort) {
  SetCollector collector;
  if (absl::Status status = Execute(plan, snapshot, parallel, check, collector); !status.ok()) {
    return status;
  }
  const OrdinalSetRef users = collector.Build();
  if (users->cardinality() <= limit.users) return users;
  Choice choice({snapshot, parallel, check}, effort);
  const absl::Status status = std::visit(
      index::Overloaded{
          [&](const NumberOrder& order) { return choice.TakeByNumber(order, users, limit.users); },
          [&](const HashOrder& order) { return choice.TakeByHash(order, users, limit.users); },
      },
      limit.order);
  if (!status.ok()) return status;
  return choice.Build();
}

}  // namespace throng::query
