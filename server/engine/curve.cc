#include "server/engine/curve.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <limits>
#include <set>
#include <string_view>
#include <utility>
#include <variant>

#include "fmt/format.h"
#include "index/error.h"
#include "query/condition_tree.h"
#include "query/curve_counts.h"
#include "query/executor.h"
#include "query/normalizer.h"
#include "server/engine/insights.h"
#include "server/engine/resolved_selection.h"
#include "server/engine/user_lookup.h"
#include "server/engine/write_batch.h"

namespace throng::engine {
namespace {

using query::CurveCounts;
using query::Interval;
using query::ValueStep;

constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();

absl::Status CheckPoints(uint32_t points_max) {
  if (points_max >= 2 && points_max <= kCurvePointsMax) return absl::OkStatus();
  return index::MakeError(
      absl::StatusCode::kInvalidArgument,
      fmt::format("points is {}; it must be 2 to {}", points_max, kCurvePointsMax),
      {.reason = "VALUE_OUT_OF_RANGE",
       .field = "points",
       .limit = kCurvePointsMax,
       .requested = points_max});
}

// The condition whose bound moves.
struct Moved {
  size_t number = 0;  // from 0
  query::Condition condition;
  query::Range range;
  bool lower = true;  // which bound moves
  bool inclusive = false;

  std::string_view operator_text() const {
    if (lower) return inclusive ? ">=" : ">";
    return inclusive ? "<=" : "<";
  }
};

const query::Range* RangeOf(const query::Expression& expression) {
  const auto* condition = std::get_if<query::Condition>(&expression.node);
  return condition == nullptr ? nullptr : std::get_if<query::Range>(&condition->test);
}

// The number, from 0, of the condition that the request means.
absl::StatusOr<size_t> FindNumber(const std::vector<const query::Expression*>& conditions,
                                  const CurveRequest& request) {
  const auto is_range_over_tag = [&](const query::Expression* expression) {
    return RangeOf(*expression) != nullptr &&
           (request.tag.empty() || std::get<query::Condition>(expression->node).tag == request.tag);
  };
  if (request.condition > 0) {
    if (request.condition > conditions.size()) {
      return index::InvalidArgument("NO_SUCH_CONDITION", "condition",
                                    fmt::format("there is no condition {}; the expression has {}",
                                                request.condition, conditions.size()));
    }
    if (!is_range_over_tag(conditions[request.condition - 1])) {
      return index::InvalidArgument(
          "NOT_A_RANGE", "condition",
          fmt::format("condition {} is no range (<, <=, >, >=, between){}", request.condition,
                      request.tag.empty() ? "" : fmt::format(" over \"{}\"", request.tag)));
    }
    return request.condition - 1;
  }
  if (request.tag.empty()) {
    return index::InvalidArgument("REQUIRED", "tag",
                                  "a curve needs a tag, or the number of a condition");
  }
  const auto first = std::find_if(conditions.begin(), conditions.end(), is_range_over_tag);
  if (first == conditions.end()) {
    return index::InvalidArgument(
        "NO_SUCH_CONDITION", "tag",
        fmt::format("no condition of the expression is a range (<, <=, >, >=, between) over \"{}\"",
                    request.tag));
  }
  if (std::find_if(std::next(first), conditions.end(), is_range_over_tag) != conditions.end()) {
    return index::InvalidArgument(
        "AMBIGUOUS_CONDITION", "condition",
        fmt::format("several conditions are ranges over \"{}\": say which by its number",
                    request.tag));
  }
  return static_cast<size_t>(first - conditions.begin());
}

absl::StatusOr<Moved> FindMoved(const ResolvedSelection& bound, const CurveRequest& request) {
  const std::vector<const query::Expression*> conditions = query::ConditionsOf(bound.expression);
  Moved moved;
  THRONG_ASSIGN_OR_RETURN(moved.number, FindNumber(conditions, request));
  moved.condition = std::get<query::Condition>(conditions[moved.number]->node);
  moved.range = std::get<query::Range>(moved.condition.test);
  moved.lower = request.bound.has_value() ? *request.bound == CurveBound::kLower
                                          : moved.range.lower.has_value();
  if (moved.lower ? !moved.range.lower.has_value() : !moved.range.upper.has_value()) {
    return index::InvalidArgument(
        "NO_SUCH_BOUND", "bound",
        fmt::format("the condition has no {} bound", moved.lower ? "lower" : "upper"));
  }
  moved.inclusive = moved.lower ? moved.range.lower_inclusive : moved.range.upper_inclusive;
  return moved;
}

// The numbers that meet a resolved range; empty where none does.
std::optional<Interval> IntervalOf(const query::LogicalPlan& plan) {
  const auto* ranges = std::get_if<query::NumericRanges>(&plan.node);
  if (ranges == nullptr) return std::nullopt;
  return ranges->intervals.front();
}

// The numbers that meet the bound that is kept.
absl::StatusOr<Interval> KeptInterval(const ResolvedSelection& bound, const CallContext& context,
                                      const Moved& moved) {
  query::Condition kept = moved.condition;
  auto& range = std::get<query::Range>(kept.test);
  (moved.lower ? range.lower : range.upper).reset();
  if (!range.lower.has_value() && !range.upper.has_value()) return Interval{kLeast, kLargest};
  const index::CatalogueView view(bound.snapshot->catalogue(), context.visibility);
  THRONG_ASSIGN_OR_RETURN(
      const query::Resolved resolved,
      query::Resolve({kept}, view, SnapshotIdLookup(*bound.snapshot), bound.time));
  return IntervalOf(resolved.plan).value_or(Interval{kLargest, kLeast});
}

// The curve's counts, and what is asked of them.
class CurveMaker {
 public:
  CurveMaker(const ResolvedSelection& bound, const Moved& moved, const Interval& kept)
      : bound_(bound),
        moved_(moved),
        kept_(kept),
        tag_(bound.snapshot->catalogue().Find(moved.condition.tag)->definition.id),
        stored_(StoredRangeOf(bound.snapshot->catalogue().FindById(tag_)->definition.type)) {
    plans_.negated = query::IsNegated(bound.expression, moved.number);
    plans_.never = PlanWith({query::Nobody{}});
    plans_.always = PlanWith({query::Everybody{}});
  }

  absl::Status Count() { return CountWithin(kept_, &counts_); }

  // Cuts the steps until the one in which the count passes `reach` has a single value.
  absl::Status RefineAt(uint64_t reach) {
    // A step of 2^63 values is cut in 65,536, and so on.
    for (int round = 0; round < 8; ++round) {
      const std::optional<size_t> step = StepPassing(reach);
      if (!step.has_value()) return absl::OkStatus();
      CurveCounts inside;
      const ValueStep& cut = counts_.steps[*step];
      THRONG_RETURN_IF_ERROR(CountWithin({cut.first, cut.last}, &inside));
      auto at = counts_.steps.erase(counts_.steps.begin() + static_cast<ptrdiff_t>(*step));
      counts_.steps.insert(at, inside.steps.begin(), inside.steps.end());
    }
    return absl::OkStatus();
  }

  // A threshold between any two steps and at both ends, in ascending order, with its count. It is a
  // number that somebody has, but for one end: that is left out where the tag cannot store it.
  std::vector<CurvePoint> Points() const {
    std::vector<CurvePoint> points;
    const std::vector<ValueStep>& steps = counts_.steps;
    if (steps.empty()) return points;
    // The number above the gap between two steps, or the one below it.
    const bool above = moved_.lower == moved_.inclusive;
    uint64_t total = 0;
    for (const ValueStep& step : steps) total += step.users;
    uint64_t below = 0;
    for (size_t i = 0; i <= steps.size(); ++i) {
      const bool end = above ? i == steps.size() : i == 0;
      const int64_t number = above ? (end ? steps.back().last : steps[i].first)
                                   : (end ? steps.front().first : steps[i - 1].last);
      const bool is_said = !end || (above ? number < stored_.high : number > stored_.low);
      const int64_t threshold = !end || !is_said ? number : above ? number + 1 : number - 1;
      if (is_said) points.push_back({threshold, CountOf(moved_.lower ? total - below : below)});
      if (i < steps.size()) below += steps[i].users;
    }
    return points;
  }

  bool HasEveryValue() const {
    return std::all_of(counts_.steps.begin(), counts_.steps.end(),
                       [](const ValueStep& step) { return step.first == step.last; });
  }

  // The count of the expression as it is. REQUIRES: HasEveryValue().
  uint64_t CountAt(const std::optional<Interval>& now) const {
    uint64_t meeting = 0;
    for (const ValueStep& step : counts_.steps) {
      if (now.has_value() && now->low <= step.first && step.last <= now->high) {
        meeting += step.users;
      }
    }
    return CountOf(meeting);
  }

 private:
  query::PhysicalPlan PlanWith(query::LogicalPlan replacement) const {
    return query::MakePhysicalPlan(
        query::Normalize(query::ReplaceCondition(bound_.expression, bound_.resolved.plan,
                                                 moved_.number, std::move(replacement)),
                         bound_.snapshot->catalogue()),
        *bound_.snapshot);
  }

  absl::Status CountWithin(const Interval& range, CurveCounts* counts) const {
    THRONG_ASSIGN_OR_RETURN(*counts, query::CountCurve(plans_, tag_, range, *bound_.snapshot,
                                                       bound_.universe->parallel(), bound_.check));
    return absl::OkStatus();
  }

  uint64_t CountOf(uint64_t meeting) const {
    return counts_.settled + (plans_.negated ? counts_.deciding - meeting : meeting);
  }

  // The step of several values in which the count passes `reach`.
  std::optional<size_t> StepPassing(uint64_t reach) const {
    uint64_t above = 0;  // users of the steps from here on
    for (const ValueStep& step : counts_.steps) above += step.users;
    uint64_t below = 0;
    for (size_t i = 0; i < counts_.steps.size(); ++i) {
      const ValueStep& step = counts_.steps[i];
      const uint64_t with = CountOf(moved_.lower ? above : below + step.users);
      const uint64_t without = CountOf(moved_.lower ? above - step.users : below);
      above -= step.users;
      below += step.users;
      const bool passes = std::min(with, without) < reach && reach < std::max(with, without);
      if (passes && step.first < step.last) return i;
    }
    return std::nullopt;
  }

  const ResolvedSelection& bound_;
  const Moved& moved_;
  const Interval kept_;
  const uint32_t tag_;
  const StoredRange stored_;
  query::CurvePlans plans_;
  CurveCounts counts_;
};

// At most `most` of the points, their counts evenly apart; both ends are among them.
std::vector<CurvePoint> Thin(const std::vector<CurvePoint>& points, uint32_t most) {
  if (points.size() <= most) return points;
  const auto distance = [&](const CurvePoint& point) {
    const uint64_t first = points.front().count;
    return point.count > first ? point.count - first : first - point.count;
  };
  const double step = static_cast<double>(distance(points.back())) / (most - 1);
  std::vector<CurvePoint> kept;
  double next = 0;
  for (const CurvePoint& point : points) {
    const bool last = &point == &points.back();
    if (!last && (static_cast<double>(distance(point)) < next || kept.size() + 1 == most)) continue;
    kept.push_back(point);
    while (next <= static_cast<double>(distance(point))) next += step;
  }
  return kept;
}

void Reach(const std::vector<CurvePoint>& points, uint64_t reach, CurveResult* result) {
  const auto away = [&](const CurvePoint& point) {
    return point.count > reach ? point.count - reach : reach - point.count;
  };
  for (const CurvePoint& point : points) {
    if (point.count >= reach &&
        (!result->reached.has_value() || point.count < result->reached->count)) {
      result->reached = point;
    }
    const bool nearer = !result->nearest.has_value() || away(point) < away(*result->nearest) ||
                        (away(point) == away(*result->nearest) && point.count >= reach &&
                         result->nearest->count < reach);
    if (nearer) result->nearest = point;
  }
}

// Dates are said in the years 1 to 9999 only; other numbers beyond what is stored, too.
bool IsSayable(index::TagType type, int64_t number) {
  if (type != index::TagType::kDate && type != index::TagType::kDateTime) return true;
  const StoredRange stored = StoredRangeOf(type);
  return stored.low <= number && number <= stored.high;
}

void DescribeCondition(const ResolvedSelection& bound, const Moved& moved,
                       const std::optional<Interval>& now, CurveResult* result) {
  const index::TagEntry* entry = bound.snapshot->catalogue().Find(moved.condition.tag);
  result->condition = static_cast<uint32_t>(moved.number) + 1;
  result->condition_text = bound.resolved.conditions[moved.number].text;
  result->span = moved.condition.span;
  result->tag = entry->definition.name;
  result->type = entry->definition.type;
  result->scale = entry->definition.scale;
  result->operator_text = std::string(moved.operator_text());
  if (!now.has_value()) return;
  if (moved.lower && (moved.inclusive || now->low > kLeast)) {
    result->threshold = now->low - (moved.inclusive ? 0 : 1);
  } else if (!moved.lower && (moved.inclusive || now->high < kLargest)) {
    result->threshold = now->high + (moved.inclusive ? 0 : 1);
  }
  if (result->threshold.has_value() && !IsSayable(result->type, *result->threshold)) {
    result->threshold.reset();
  }
}

}  // namespace

absl::StatusOr<CurveResult> Insights::Curve(const CallContext& context, const Selection& selection,
                                            const CurveRequest& request) {
  THRONG_RETURN_IF_ERROR(CheckPoints(request.points_max));
  THRONG_ASSIGN_OR_RETURN(const ResolvedSelection bound,
                          ResolveSelection(universes_, context, selection, LimitUse::kSetAside));
  THRONG_ASSIGN_OR_RETURN(const Moved moved, FindMoved(bound, request));
  THRONG_ASSIGN_OR_RETURN(const Interval kept, KeptInterval(bound, context, moved));
  CurveMaker curve(bound, moved, kept);
  THRONG_RETURN_IF_ERROR(curve.Count());
  CurveResult result;
  const std::optional<Interval> now = IntervalOf(bound.resolved.conditions[moved.number].plan);
  DescribeCondition(bound, moved, now, &result);
  if (curve.HasEveryValue()) {
    result.count = curve.CountAt(now);
  } else {
    THRONG_ASSIGN_OR_RETURN(
        result.count,
        query::CountUsers(bound.plan, *bound.snapshot, bound.universe->parallel(), bound.check));
  }
  if (request.reach.has_value()) THRONG_RETURN_IF_ERROR(curve.RefineAt(*request.reach));
  std::vector<CurvePoint> points = curve.Points();
  if (points.empty() && result.threshold.has_value()) {
    points.push_back({*result.threshold, result.count});
  }
  if (request.reach.has_value()) Reach(points, *request.reach, &result);
  result.points = Thin(points, request.points_max);
  result.every_value = curve.HasEveryValue() && result.points.size() == points.size();
  result.info = bound.Info();
  if (const std::optional<query::Limit>& limit = bound.resolved.limit) {
    result.info.warnings.push_back(
        {"LIMIT_LEFT_OUT",
         fmt::format("the counts are of the expression without [{}]", limit->text), limit->span});
  }
  return result;
}

}  // namespace throng::engine
