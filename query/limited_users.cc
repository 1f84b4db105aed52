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

// Calls visit(ordinal) for about `wanted` of the users, spread over all chunks.
template <typename Visit>
void VisitSample(const index::OrdinalSet& users, uint64_t wanted, Visit visit) {
  // Chosen by their place, like throws at the chunk, so that no set is hard to sample.
  const uint64_t throws_a_chunk =
      std::max<uint64_t>(1, wanted * index::kChunkSize / users.cardinality());
  for (uint32_t chunk = 0; chunk < users.chunk_count(); ++chunk) {
    const ChunkSet set = users.chunk(chunk);
    if (set.empty()) continue;
    const uint32_t first = chunk << index::kChunkBits;
    if (throws_a_chunk >= index::kChunkSize / 4) {
      index::ForEach(set, [&](uint32_t offset) { visit(first | offset); });
      continue;
    }
    for (uint64_t i = 0; i < throws_a_chunk; ++i) {
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
  std::vector<uint64_t> ranks;
  VisitSample(users, effort.sample_users,
              [&](uint32_t ordinal) { ranks.push_back(order.RankOf(ordinal)); });
  if (ranks.empty()) ranks.push_back(order.RankOf(SomeUser(users)));
  std::sort(ranks.begin(), ranks.end());
  const auto size = static_cast<double>(ranks.size());
  const double share = static_cast<double>(wanted) / static_cast<double>(users.cardinality());
  const double at = share * size;
  if (exact) {
    const uint64_t rank = ranks[static_cast<size_t>(std::clamp(at, 0.0, size - 1))];
    return {rank, rank};
  }
  const double reach = effort.deviations * (std::sqrt(at * (1 - share)) + 1);
  RankRange range;
  if (at - reach >= 0) range.low = ranks[static_cast<size_t>(at - reach)];
  if (at + reach < size) range.high = ranks[static_cast<size_t>(at + reach)];
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
  // A user, and what it is compared by.
  struct Ranked {
    uint64_t rank;
    uint64_t place;
    uint32_t ordinal;
  };

  // Takes who is certainly among the first `*wanted` until those in doubt are few or of one rank.
  absl::Status Narrow(const UserOrder& order, OrdinalSetRef* users, uint64_t* wanted);
  // By rank, place and id.
  void TakeRanked(const UserOrder& order, const UserOrder& places, const index::OrdinalSet& users,
                  uint64_t wanted);

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

void Choice::TakeRanked(const UserOrder& order, const UserOrder& places,
                        const index::OrdinalSet& users, uint64_t wanted) {
  std::vector<Ranked> ranked;
  ranked.reserve(users.cardinality());
  for (uint32_t chunk = 0; chunk < users.chunk_count(); ++chunk) {
    index::ForEach(users.chunk(chunk), [&](uint32_t offset) {
      const uint32_t ordinal = chunk << index::kChunkBits | offset;
      ranked.push_back({order.RankOf(ordinal), places.RankOf(ordinal), ordinal});
    });
  }
  const auto last = ranked.begin() + static_cast<ptrdiff_t>(wanted);
  std::nth_element(ranked.begin(), last, ranked.end(), [this](const Ranked& a, const Ranked& b) {
    if (a.rank != b.rank) return a.rank < b.rank;
    if (a.place != b.place) return a.place < b.place;
    if (a.ordinal == b.ordinal) return false;
    const index::IdDictionary& ids = context_.snapshot.ids();
    return ids.text(a.ordinal) < ids.text(b.ordinal);
  });
  index::OrdinalSet::Builder chosen;
  for (auto user = ranked.begin(); user != last; ++user) chosen.Add(user->ordinal);
  taken_.push_back(chosen.Build());
}

absl::Status Choice::TakeByHash(const HashOrder& order, OrdinalSetRef users, uint64_t wanted) {
  const HashRanks places(order, context_);
  if (absl::Status status = Narrow(places, &users, &wanted); !status.ok()) return status;
  if (wanted == users->cardinality()) {
    taken_.push_back(std::move(users));
  } else {
    TakeRanked(places, places, *users, wanted);
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
  if (users->cardinality() > effort_.ranked_users_max)
    return TakeByHash(ties, std::move(users), wanted);
  TakeRanked(numbers, HashRanks(ties, context_), *users, wanted);
  return absl::OkStatus();
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
