// Statistics against sorting what the naive model has, on random populations with deltas, missing
// values and erased users.
#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/numeric/int128.h"
#include "fmt/format.h"
#include "gtest/gtest.h"
#include "server/engine/insights.h"
#include "tests/server/engine_world.h"
#include "tests/testing/expression_generator.h"
#include "tests/testing/naive_model.h"
#include "tests/testing/population_generator.h"
#include "tests/testing/seed.h"

namespace throng::engine {
namespace {

// The nearest rank by its definition: the first that is not less than percent / 100 of all.
int64_t NearestRank(const std::vector<int64_t>& sorted, uint32_t percent) {
  size_t rank = 1;
  while (absl::int128(rank) * 100'000'000 < absl::int128(percent) * absl::int128(sorted.size())) {
    ++rank;
  }
  return sorted[rank - 1];
}

bool IsIn(const HistogramBin& bin, int64_t number) {
  if (bin.lower.has_value() && number < *bin.lower) return false;
  if (!bin.upper.has_value() || number < *bin.upper) return true;
  return bin.includes_upper && number == *bin.upper;
}

class RandomStatistics {
 public:
  explicit RandomStatistics(uint64_t seed)
      : random_(seed),
        world_({.query_threads = 2}),
        generator_({}, seed + 1),
        model_(generator_.tags()) {
    world_.CreateTags(generator_.tags());
    Load(generator_.NextUsers(3'000));
    for (int i = 0; i < 4; ++i) Load(generator_.MakeUpdate(40));
    for (int i = 0; i < 20; ++i) {
      const size_t user = random_() % model_.size();
      if (!model_.Find("", model_.id(user)).has_value()) continue;  // erased before
      MustBeOk(world_.engine()
                   .erasures()
                   .Erase(world_.context(), {.users = {{"", model_.id(user)}}})
                   .status());
      model_.Erase(model_.id(user));
    }
  }

  void CompareOne() {
    testing::ExpressionGenerator expressions(generator_.expression_tags(), {.depth_max = 2},
                                             random_());
    const query::Expression expression = expressions.Next();
    static constexpr const char* kZones[] = {"UTC", "Asia/Shanghai", "America/New_York",
                                             "Australia/Lord_Howe"};
    const std::string zone = kZones[random_() % std::size(kZones)];
    const StatisticsRequest request = Draw();
    const StatisticsResult result = Must(world_.engine().insights().Statistics(
        world_.context(),
        {.what = expression, .time_zone = zone, .reference_us = EngineWorld::kStartUs}, request));
    const std::vector<bool> crowd =
        model_.Test(expression, testing::NaiveClock(zone, EngineWorld::kStartUs));
    ASSERT_EQ(result.count, static_cast<uint64_t>(std::count(crowd.begin(), crowd.end(), true)));
    for (size_t i = 0; i < request.tags.size(); ++i) {
      std::vector<int64_t> sorted;
      for (size_t user = 0; user < model_.size(); ++user) {
        const std::optional<int64_t> number = model_.Number(places_[i], user);
        if (crowd[user] && number.has_value()) sorted.push_back(*number);
      }
      std::sort(sorted.begin(), sorted.end());
      Compare(request, sorted, result.count, result.tags[i]);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }

 private:
  void Load(const testing::PlainBatch& batch) {
    model_.Apply(batch);
    world_.Load(batch, generator_.tags());
  }

  StatisticsRequest Draw() {
    StatisticsRequest request;
    places_.clear();
    const std::vector<testing::GeneratorTag> tags = generator_.expression_tags();
    bool has_number = false;
    bool has_time = false;
    for (uint32_t tag = 0; tag < tags.size(); ++tag) {
      if (!index::IsNumeric(tags[tag].type) || random_() % 2 == 0) continue;
      const bool is_time =
          tags[tag].type == index::TagType::kDate || tags[tag].type == index::TagType::kDateTime;
      (is_time ? has_time : has_number) = true;
      request.tags.push_back(tags[tag].name);
      places_.push_back(tag);
      if (!is_time && random_() % 3 == 0) request.edges.push_back(EdgesOf(tag, tags[tag]));
    }
    if (places_.empty()) return Draw();
    for (uint64_t i = random_() % 8; i > 0; --i) {
      request.percentiles.push_back(static_cast<uint32_t>(
          random_() % 2 == 0 ? random_() % (kHundredPercent + 1) : random_() % 11 * 10'000'000));
    }
    if (has_number && random_() % 2 == 0) request.bins = static_cast<uint32_t>(2 + random_() % 30);
    if (has_time && random_() % 3 != 0) request.period = static_cast<Period>(random_() % 3);
    return request;
  }

  TagEdges EdgesOf(uint32_t tag, const testing::GeneratorTag& shape) {
    std::set<int64_t> numbers;
    for (uint64_t i = 1 + random_() % 5; i > 0; --i) {
      numbers.insert(model_.Number(tag, random_() % model_.size()).value_or(shape.low));
    }
    TagEdges edges{.tag = shape.name};
    const int scale = shape.type == index::TagType::kDecimal ? shape.scale : 0;
    for (int64_t number : numbers) edges.edges.push_back(Decimal(number, scale));
    return edges;
  }

  static void Compare(const StatisticsRequest& request, const std::vector<int64_t>& sorted,
                      uint64_t users, const NumberStatistics& tag) {
    const query::TagStatistics& figures = tag.figures;
    ASSERT_EQ(figures.with_value, sorted.size()) << figures.tag;
    ASSERT_EQ(figures.missing(), users - sorted.size()) << figures.tag;
    absl::int128 total = 0;
    for (int64_t number : sorted) total += number;
    ASSERT_TRUE(figures.total == total) << figures.tag;
    ASSERT_EQ(tag.percentiles.size(), request.percentiles.size());
    if (sorted.empty()) return;
    ASSERT_EQ(figures.min, sorted.front()) << figures.tag;
    ASSERT_EQ(figures.max, sorted.back()) << figures.tag;
    for (const Percentile& percentile : tag.percentiles) {
      ASSERT_EQ(percentile.value, NearestRank(sorted, percentile.percent))
          << figures.tag << " at " << percentile.percent;
    }
    uint64_t counted = 0;
    for (size_t i = 0; i < tag.histogram.size(); ++i) {
      const HistogramBin& bin = tag.histogram[i];
      ASSERT_EQ(bin.count, static_cast<uint64_t>(
                               std::count_if(sorted.begin(), sorted.end(),
                                             [&](int64_t number) { return IsIn(bin, number); })))
          << figures.tag << ", bin " << i << " " << bin.label;
      counted += bin.count;
    }
    ASSERT_EQ(counted, tag.has_histogram ? sorted.size() : 0) << figures.tag;
  }

  std::mt19937_64 random_;
  EngineWorld world_;
  testing::PopulationGenerator generator_;
  testing::NaiveModel model_;
  std::vector<uint32_t> places_;  // of the tags asked for
};

TEST(StatisticsRandomTest, FiguresAreThoseOfTheNaiveModel) {
  RandomStatistics statistics(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(150); ++round) {
    statistics.CompareOne();
    if (::testing::Test::HasFatalFailure()) return;
  }
}

// By naive clocks: a day is those whose local date it is, in zones without midnights that repeat.
TEST(StatisticsRandomTest, DaysAreThoseOfLocalDates) {
  std::mt19937_64 random(testing::TestSeed());
  EngineWorld world;
  world.CreateTag({.name = "seen", .type = index::TagType::kDateTime});
  std::vector<int64_t> instants;
  for (int i = 0; i < 400; ++i) {
    instants.push_back(EngineWorld::kStartUs +
                       static_cast<int64_t>(random() % (uint64_t{30} * 86'400'000'000)));
    world.Write(fmt::format("{}", i), {{"seen", Micros(instants.back())}});
  }
  for (const char* name : {"Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"}) {
    absl::TimeZone zone;
    ASSERT_TRUE(absl::LoadTimeZone(name, &zone));
    std::map<std::string, uint64_t> expected;
    for (int64_t instant : instants) {
      ++expected[absl::FormatTime("%Y-%m-%d", absl::FromUnixMicros(instant), zone)];
    }
    const StatisticsResult result = Must(
        world.engine().insights().Statistics(world.context(), {.what = "all()", .time_zone = name},
                                             {.tags = {"seen"}, .period = Period::kDay}));
    std::map<std::string, uint64_t> counts;
    for (const HistogramBin& bin : result.tags[0].histogram) {
      if (bin.count > 0) counts[bin.label] = bin.count;
    }
    EXPECT_EQ(counts, expected) << name;
  }
}

}  // namespace
}  // namespace throng::engine
