#include "server/engine/selections.h"

#include <chrono>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "index/parallel.h"
#include "query/evaluator.h"
#include "query/executor.h"
#include "query/plan_estimate.h"
#include "query/sampled_execution.h"
#include "server/engine/member_page_token.h"
#include "server/engine/resolved_selection.h"

namespace throng::engine {
namespace {

// `selection` at the version and time of the page before.
absl::StatusOr<Selection> ContinuedSelection(const Selection& selection,
                                             const MemberPageToken& token) {
  const bool other_version =
      selection.read_version != 0 && selection.read_version != token.data_version;
  const bool other_time =
      selection.reference_us.has_value() && *selection.reference_us != token.reference_us;
  if (other_version || other_time) {
    return BadPageToken("the page token belongs to another data version or reference time");
  }
  Selection continued = selection;
  continued.read_version = token.data_version;
  continued.reference_us = token.reference_us;
  return continued;
}

// Appends to `ids` up to `page_size` selected users from ordinal `first` on. Returns the ordinal of
// the selected user after them, if there is one. Stops as soon as it is found.
absl::StatusOr<std::optional<uint32_t>> CollectPage(const ResolvedSelection& selection,
                                                    uint32_t first, size_t page_size,
                                                    std::vector<std::string>* ids) {
  const index::Snapshot& snapshot = *selection.snapshot;
  query::Evaluator evaluator(selection.plan, snapshot, query::Profiling::kNone);
  std::optional<uint32_t> next;
  const uint32_t first_chunk = first >> index::kChunkBits;
  for (uint32_t shard = first >> index::kShardBits; shard < snapshot.shard_count(); ++shard) {
    THRONG_RETURN_IF_ERROR(selection.check());
    if (evaluator.StartShard(shard) == 0) continue;
    for (uint32_t c = 0; c < index::kChunksPerShard; ++c) {
      const uint32_t chunk = shard * index::kChunksPerShard + c;
      if (chunk < first_chunk) continue;
      index::ForEach(evaluator.Evaluate(c), [&](uint32_t offset) {
        const uint32_t ordinal = (chunk << index::kChunkBits) | offset;
        if (next.has_value() || ordinal < first) return;
        if (ids->size() == page_size) {
          next = ordinal;
        } else {
          ids->push_back(snapshot.ids().text(ordinal));
        }
      });
      if (next.has_value()) return next;
    }
  }
  return next;
}

}  // namespace

Selections::Selections(Universes& universes, uint32_t query_threads)
    : universes_(universes), quick_turns_(query_threads) {}

std::optional<CountResult> Selections::CountNow(const CallContext& context,
                                                const Selection& selection) {
  static index::Parallel here(1);  // has no threads: it runs all on the one that calls
  const QuickTurns::Turn turn(quick_turns_);
  if (!turn.is_mine()) return std::nullopt;
  const std::optional<ResolvedSelection> bound = ResolveAtOnce(universes_, context, selection);
  if (!bound.has_value()) return std::nullopt;
  if (query::EstimateCosts(bound->plan, *bound->snapshot).front() > kQuickCountNs) {
    return std::nullopt;
  }
  // What lies between the shards that were looked at may be more.
  const auto until = std::chrono::steady_clock::now() + kQuickCountMax;
  const query::Check check = [&]() -> absl::Status {
    if (std::chrono::steady_clock::now() > until) return absl::CancelledError("takes too long");
    return bound->check();
  };
  const absl::StatusOr<uint64_t> count =
      query::CountUsers(bound->plan, *bound->snapshot, here, check);
  if (!count.ok()) return std::nullopt;
  return CountResult{.count = bound->Limited(*count), .info = bound->Info()};
}

absl::StatusOr<CountResult> Selections::Count(const CallContext& context,
                                              const Selection& selection) {
  THRONG_ASSIGN_OR_RETURN(const ResolvedSelection bound,
                          ResolveSelection(universes_, context, selection, LimitUse::kSetAside));
  CountResult result;
  if (bound.exclusions.crowds.empty()) {
    THRONG_ASSIGN_OR_RETURN(
        result.count,
        query::CountUsers(bound.plan, *bound.snapshot, bound.universe->parallel(), bound.check));
  } else {
    THRONG_ASSIGN_OR_RETURN(result.exclusions, CountExclusions(bound));
    result.count = result.exclusions->reachable;
  }
  result.count = bound.Limited(result.count);
  result.info = bound.Info();
  return result;
}

absl::StatusOr<CountResult> Selections::CountSample(const CallContext& context,
                                                    const Selection& selection,
                                                    const SampleRequest& sample) {
  THRONG_RETURN_IF_ERROR(CheckSample(sample));
  THRONG_ASSIGN_OR_RETURN(const ResolvedSelection bound,
                          BindSelection(universes_, context, selection));
  THRONG_RETURN_IF_ERROR(CheckNoLimit(bound.resolved.limit));
  query::SampleFrame frame = query::PickSample(*bound.snapshot, {sample.millionths, sample.salt});
  query::SampleTally users;
  THRONG_RETURN_IF_ERROR(query::CountSample(bound.resolved.plan, *bound.snapshot,
                                            bound.universe->parallel(), bound.check, &frame,
                                            &users));
  const query::SampleIntervals intervals(frame, sample.confidence);
  CountResult result{.count = intervals.Of(users).estimate, .info = bound.Info()};
  result.info.exact = false;
  result.sample = ReportOf(sample, frame);
  result.range = RangeOf(users, intervals);
  return result;
}

absl::StatusOr<MembersPage> Selections::ListMembers(const CallContext& context,
                                                    const Selection& selection, uint32_t page_size,
                                                    const std::string& page_token) {
  if (page_size < 1 || page_size > kPageSizeMax) {
    return index::MakeError(
        absl::StatusCode::kInvalidArgument,
        fmt::format("page_size is {}; it must be 1 to {}", page_size, kPageSizeMax),
        {.reason = "BAD_PAGE_SIZE",
         .field = "page_size",
         .limit = kPageSizeMax,
         .requested = page_size});
  }
  MemberPageToken token;
  Selection continued = selection;
  if (!page_token.empty()) {
    THRONG_ASSIGN_OR_RETURN(token, DecodeMemberPageToken(page_token));
    THRONG_ASSIGN_OR_RETURN(continued, ContinuedSelection(selection, token));
  }
  THRONG_ASSIGN_OR_RETURN(const ResolvedSelection bound,
                          ResolveSelection(universes_, context, continued));
  MembersPage page;
  page.info = bound.Info();
  const uint64_t list =
      MemberListHash(selection.population, page.info.canonical_expression, page.info.time_zone);
  if (page_token.empty()) {
    THRONG_ASSIGN_OR_RETURN(
        token.total,
        query::CountUsers(bound.plan, *bound.snapshot, bound.universe->parallel(), bound.check));
  } else if (token.list != list || token.next_ordinal >= bound.snapshot->ordinal_end()) {
    return BadPageToken("the page token belongs to another selection");
  }
  page.total = token.total;
  THRONG_ASSIGN_OR_RETURN(
      const std::optional<uint32_t> next,
      CollectPage(bound, static_cast<uint32_t>(token.next_ordinal), page_size, &page.ids));
  if (next.has_value()) {
    page.next_page_token = EncodeMemberPageToken({.data_version = page.info.data_version,
                                                  .next_ordinal = *next,
                                                  .reference_us = page.info.reference_us,
                                                  .total = page.total,
                                                  .list = list});
  }
  page.info.engine_time = std::chrono::steady_clock::now() - bound.start;
  return page;
}

}  // namespace throng::engine
