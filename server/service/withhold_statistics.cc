// Figures of numbers and dates: no value of one person, and counts that do not add up to few.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "server/service/convert_statistics.h"
#include "server/service/withheld_answers.h"
#include "server/service/withhold.h"

namespace throng::service {
namespace {

// The least value and the greatest are one person's, and so are percentiles near them. Between two
// that are shown lie enough users as well. Beside a histogram none is shown: with the bins before
// it, a rank would say how many users lie between an edge and a value.
void WithholdFromPercentiles(uint64_t users, uint64_t minimum, v1::TagStatistics* tag) {
  constexpr uint64_t kHundred = engine::kHundredPercent;
  Apart ranks(minimum);
  for (v1::PercentileValue& percentile : *tag->mutable_percentiles()) {
    const std::optional<uint32_t> percent = ToPercent(percentile.percentile());
    const uint64_t rank =
        std::max<uint64_t>(1, (users * percent.value_or(0) + kHundred - 1) / kHundred);
    const bool is_inside = users >= rank && rank > minimum && users - rank >= minimum;
    if (tag->has_histogram() || !is_inside || !ranks.Show(rank)) Withhold(&percentile, {"value"});
  }
}

// Where the first and the last period lie says what the least and the greatest value are: the ends
// are open, and have enough users.
void OpenEnds(uint64_t minimum, v1::Histogram* histogram) {
  auto* bins = histogram->mutable_bins();
  const auto merge = [&](int from, int into, bool is_lower) {
    v1::HistogramBin* bin = bins->Mutable(into);
    bin->set_count(bin->count() + bins->Get(from).count());
    bin->set_share(bin->share() + bins->Get(from).share());
    bin->clear_period();
    is_lower ? bin->clear_lower() : bin->clear_upper();
  };
  int first = 0;
  int last = bins->size() - 1;
  for (; first < last && bins->Get(first).count() < minimum; ++first) merge(first, first + 1, true);
  for (; last > first && bins->Get(last).count() < minimum; --last) merge(last, last - 1, false);
  bins->DeleteSubrange(last + 1, bins->size() - last - 1);
  bins->DeleteSubrange(0, first);
  if (bins->empty()) return;
  for (v1::HistogramBin* end : {bins->Mutable(0), bins->Mutable(bins->size() - 1)}) {
    end->clear_period();
  }
  bins->Mutable(0)->clear_lower();
  bins->Mutable(bins->size() - 1)->clear_upper();
}

// The bins and the missing add up to the crowd. If the missing are withheld, so is who has a value,
// and with it what it could be worked out from. Returns whether they are.
bool WithholdFromHistogram(uint64_t minimum, v1::TagStatistics* tag) {
  std::vector<uint64_t> cells = {tag->missing()};
  for (const v1::HistogramBin& bin : tag->histogram().bins()) cells.push_back(bin.count());
  const std::vector<bool> withheld = WithheldCells(cells, minimum);
  const bool hides_missing = withheld.front();
  for (int i = 0; i < tag->histogram().bins_size(); ++i) {
    v1::HistogramBin* bin = tag->mutable_histogram()->mutable_bins(i);
    if (withheld[static_cast<size_t>(i) + 1]) {
      Withhold(bin, {"count", "share"});
    } else if (hides_missing) {
      Withhold(bin, {"share"});
    }
  }
  return hides_missing;
}

void WithholdFromTag(uint64_t minimum, v1::TagStatistics* tag) {
  const uint64_t users = tag->with_value();
  bool hides_counts = users < minimum || tag->missing() < minimum;
  if (tag->has_histogram()) {
    const auto& bins = tag->histogram().bins();
    const bool has_periods = !bins.empty() && !bins.Get(0).period().empty();
    if (has_periods) OpenEnds(minimum, tag->mutable_histogram());
    hides_counts |= WithholdFromHistogram(minimum, tag);
  }
  WithholdFromPercentiles(users, minimum, tag);
  Withhold(tag, {"min", "max"});
  // A sum says of how many, and so does an average beside counts: it is a fraction over them.
  if (hides_counts) {
    Withhold(tag, {"with_value", "missing", "sum", "sum_error", "average", "average_time"});
  }
  if (users < minimum) Withhold(tag, {"histogram"});
}

}  // namespace

absl::Status WithholdFrom(const CallScope& scope, const v1::StatisticsRequest&,
                          v1::StatisticsResponse* response) {
  const uint64_t minimum = scope.who.minimum_count;
  const bool is_small = response->count() < minimum;
  for (v1::TagStatistics& tag : *response->mutable_tags()) {
    WithholdFromTag(minimum, &tag);
    if (is_small && tag.has_histogram()) Withhold(&tag, {"histogram"});
  }
  if (is_small) Withhold(response, {"count"});
  return absl::OkStatus();
}

}  // namespace throng::service
