// Estimates from samples through the engine: who is looked at, what is said of it, limits.
// tests/query/sampled_execution_test.cc has samples of chunks and the coverage of intervals.
#include "server/engine/sample.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "server/engine/insights.h"
#include "server/engine/selections.h"
#include "tests/server/engine_world.h"
#include "tests/testing/plain_rows.h"
#include "tests/testing/seed.h"

namespace throng::engine {
namespace {

using testing::CellKind;
using testing::PlainType;

constexpr uint32_t kUsers = 5'000;

// City c0 to c4 by id, none for every seventh; a vip is every third.
class SampleTest : public ::testing::Test {
 protected:
  SampleTest() {
    const std::vector<testing::PlainTag> tags = {{"city", PlainType::kCategory},
                                                 {"vip", PlainType::kFlag}};
    world_.CreateTags(tags);
    world_.CreateTag({.name = "income", .type = index::TagType::kCategory, .sensitivity = 7});
    testing::PlainBatch batch;
    testing::PlainColumn city{.tag = 0};
    testing::PlainColumn vip{.tag = 1};
    for (int c = 0; c < 5; ++c) city.texts.push_back(fmt::format("c{}", c));
    for (uint32_t user = 0; user < kUsers; ++user) {
      batch.ids.push_back(fmt::format("{}", user));
      city.kinds.push_back(user % 7 == 0 ? CellKind::kLeave : CellKind::kSet);
      city.numbers.push_back(user % 5);
      vip.kinds.push_back(CellKind::kSet);
      vip.numbers.push_back(user % 3 == 0 ? 1 : 0);
    }
    batch.columns = {city, vip};
    world_.Load(batch, tags);
  }

  absl::StatusOr<CountResult> Ask(const std::string& expression, const SampleRequest& sample) {
    return world_.selections().CountSample(world_.context(), {.what = expression}, sample);
  }
  BreakdownResult BreakDown(const std::string& expression, const BreakdownRequest& request) {
    return Must(
        world_.engine().insights().Breakdown(world_.context(), {.what = expression}, request));
  }

  EngineWorld world_;
};

TEST_F(SampleTest, LooksAtTheUsersOfTheDocumentedSample) {
  for (const std::string salt : {"", "a", "spring"}) {
    const CountResult result = Must(Ask("city = 'c1'", {.millionths = 100'000, .salt = salt}));
    const std::string sample = fmt::format("sample(10%, 'throng sample {}')", salt);
    ASSERT_TRUE(result.sample.has_value());
    EXPECT_FALSE(result.info.exact);
    EXPECT_FALSE(result.sample->by_chunks);
    EXPECT_EQ(result.sample->users, kUsers);
    EXPECT_EQ(result.sample->users_looked_at, world_.Count(sample));
    EXPECT_EQ(result.range.found, world_.Count("city = 'c1' and " + sample));
    EXPECT_EQ(result.sample->chunks, 1);
    EXPECT_EQ(result.sample->chunks_read, 1);
    EXPECT_EQ(result.sample->request.salt, salt);
    const double scale =
        static_cast<double>(kUsers) / static_cast<double>(result.sample->users_looked_at);
    EXPECT_EQ(result.count,
              static_cast<uint64_t>(std::llround(static_cast<double>(result.range.found) * scale)));
    EXPECT_LT(result.range.low, result.count);
    EXPECT_GT(result.range.high, result.count);
    EXPECT_EQ(result.info.canonical_expression, "city = 'c1'");
  }
}

// Random users erased, random fractions and salts: nothing of the erased is in any figure.
TEST_F(SampleTest, TheErasedAreNotLookedAt) {
  const uint64_t seed = testing::TestSeed();
  std::mt19937_64 random(seed);
  std::set<uint32_t> erased;
  for (int round = 0; round < std::max(testing::TestRounds(12), 2); ++round) {
    EraseRequest erase;
    for (int i = 0; i < 100; ++i) {
      const auto user = static_cast<uint32_t>(random() % kUsers);
      if (erased.insert(user).second) erase.users.push_back({"", fmt::format("{}", user)});
    }
    MustBeOk(world_.engine().erasures().Erase(world_.context(), erase).status());
    uint64_t vips = 0;
    for (uint32_t user = 0; user < kUsers; user += 3) vips += erased.contains(user) ? 0 : 1;
    const SampleRequest request{.millionths = 10'000 + static_cast<uint32_t>(random() % 900'000),
                                .salt = fmt::format("{}", random())};
    const CountResult result = Must(Ask("vip", request));
    const std::string sample =
        fmt::format("bucket('throng sample {}', 0, {})", request.salt, request.millionths);
    SCOPED_TRACE(fmt::format("seed {}, round {}: {}", seed, round, sample));
    EXPECT_EQ(world_.Count("vip"), vips);
    EXPECT_EQ(result.sample->users, kUsers - erased.size());
    EXPECT_EQ(result.sample->users_looked_at, world_.Count(sample));
    EXPECT_EQ(result.range.found, world_.Count("vip and " + sample));
    EXPECT_LE(result.range.high, kUsers - erased.size());
    EXPECT_LE(result.range.low, result.count);
    EXPECT_GE(result.range.high, result.count);
    const CountResult everybody = Must(Ask("all()", request));
    EXPECT_EQ(everybody.count, kUsers - erased.size());
    const BreakdownResult breakdown = BreakDown("vip", {.tags = {"city"}, .sample = request});
    uint64_t found = breakdown.tags[0].missing.range->found;
    for (const BreakdownRow& row : breakdown.tags[0].rows) found += row.range->found;
    EXPECT_EQ(found, result.range.found);
    EXPECT_EQ(breakdown.baseline_count, kUsers - erased.size());
  }
}

TEST_F(SampleTest, IsTheSameForTheSameSaltAndWiderForMoreConfidence) {
  const CountResult first = Must(Ask("vip", {.millionths = 50'000, .salt = "a"}));
  const CountResult again = Must(Ask("vip", {.millionths = 50'000, .salt = "a"}));
  EXPECT_EQ(first.count, again.count);
  EXPECT_EQ(first.range.low, again.range.low);
  const CountResult other = Must(Ask("vip", {.millionths = 50'000, .salt = "b"}));
  EXPECT_NE(first.range.found, other.range.found);
  const CountResult surer =
      Must(Ask("vip", {.millionths = 50'000, .salt = "a", .confidence = 0.999}));
  EXPECT_EQ(surer.count, first.count);
  EXPECT_LT(surer.range.low, first.range.low);
  EXPECT_GT(surer.range.high, first.range.high);
}

// A selection that is a sample itself is no special case.
TEST_F(SampleTest, ASampleOfASampleIsIndependent) {
  const uint64_t exact = world_.Count("sample(10%, 'a')");
  const CountResult result = Must(Ask("sample(10%, 'a')", {.millionths = 200'000, .salt = "a"}));
  EXPECT_LE(result.range.low, exact);
  EXPECT_GE(result.range.high, exact);
}

TEST_F(SampleTest, BreakdownsHaveARangeARow) {
  const BreakdownRequest request{.tags = {"city", "vip"},
                                 .sample = SampleRequest{.millionths = 200'000, .salt = "x"}};
  const BreakdownResult estimate = BreakDown("not city = 'c4'", request);
  // The same users, exactly.
  const BreakdownResult found =
      BreakDown("not city = 'c4' and sample(20%, 'throng sample x')", {.tags = {"city", "vip"}});
  EXPECT_FALSE(estimate.info.exact);
  EXPECT_TRUE(found.info.exact);
  EXPECT_FALSE(found.sample.has_value());
  EXPECT_EQ(estimate.range.found, found.count);
  EXPECT_EQ(estimate.baseline_count, kUsers);
  for (size_t t = 0; t < 2; ++t) {
    std::map<std::string, uint64_t> by_value;
    for (const BreakdownRow& row : found.tags[t].rows) by_value[row.value] = row.count;
    for (const BreakdownRow& row : estimate.tags[t].rows) {
      ASSERT_TRUE(row.range.has_value());
      EXPECT_EQ(row.range->found, by_value[row.value]) << row.value;
      EXPECT_LE(row.range->low, row.count);
      EXPECT_GE(row.range->high, row.count);
      EXPECT_LE(row.range->high, kUsers);
    }
  }
  EXPECT_EQ(estimate.tags[0].missing.range->found, found.tags[0].missing.count);
  EXPECT_EQ(estimate.tags[1].missing.range->high, 0);
}

TEST_F(SampleTest, OthersHaveTheSumOfTheirRanges) {
  BreakdownRequest request{.tags = {"city"}, .sample = SampleRequest{.millionths = 200'000}};
  const std::vector<BreakdownRow> rows = BreakDown("all()", request).tags[0].rows;
  request.top_k = 2;
  const TagBreakdown cut = BreakDown("all()", request).tags[0];
  ASSERT_EQ(rows.size(), 5);
  EXPECT_EQ(cut.others_values, 3);
  EXPECT_EQ(cut.others.range->found,
            rows[2].range->found + rows[3].range->found + rows[4].range->found);
  EXPECT_EQ(cut.others.range->low, rows[2].range->low + rows[3].range->low + rows[4].range->low);
  EXPECT_GE(cut.others.range->high, cut.others.count);
}

TEST_F(SampleTest, ABaselineIsEstimatedFromTheSameUsers) {
  const BreakdownResult result =
      BreakDown("vip", {.tags = {"city"},
                        .baseline = std::string("city = 'c1'"),
                        .sample = SampleRequest{.millionths = 200'000, .salt = "x"}});
  const CountResult baseline = Must(Ask("city = 'c1'", {.millionths = 200'000, .salt = "x"}));
  EXPECT_EQ(result.baseline_count, baseline.count);
}

TEST_F(SampleTest, HasLimits) {
  const auto expect = [&](const SampleRequest& sample, std::string_view reason,
                          std::string_view field) {
    const absl::Status status = Ask("vip", sample).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_EQ(ReasonOf(status), reason);
    EXPECT_EQ(FieldOf(status), field);
    BreakdownRequest request{.tags = {"city"}, .sample = sample};
    EXPECT_EQ(FieldOf(world_.engine()
                          .insights()
                          .Breakdown(world_.context(), {.what = "vip"}, request)
                          .status()),
              field);
  };
  expect({.millionths = 0}, "VALUE_OUT_OF_RANGE", "sample.millionths");
  expect({.millionths = 1'000'000}, "VALUE_OUT_OF_RANGE", "sample.millionths");
  expect({.millionths = 1, .confidence = 0.49}, "VALUE_OUT_OF_RANGE", "sample.confidence");
  expect({.millionths = 1, .confidence = 0.9991}, "VALUE_OUT_OF_RANGE", "sample.confidence");
  expect({.millionths = 1, .confidence = std::nan("")}, "VALUE_OUT_OF_RANGE", "sample.confidence");
  expect({.millionths = 1, .salt = std::string(129, 'x')}, "SALT_TOO_LONG", "sample.salt");
  expect({.millionths = 1, .salt = "\xff"}, "INVALID_UTF8", "sample.salt");
  EXPECT_TRUE(
      Ask("vip", {.millionths = 999'999, .salt = std::string(128, 'x'), .confidence = 0.5}).ok());
  // Nobody may be looked at; then nothing is known.
  const CountResult none = Must(Ask("vip", {.millionths = 1}));
  if (none.sample->users_looked_at == 0) {
    EXPECT_EQ(none.range.high, kUsers);
  }
  EXPECT_EQ(FieldOf(Ask("citty = 'x'", {.millionths = 1}).status()), "selection.expression");
}

TEST_F(SampleTest, DoesNotGoWithALimit) {
  const SampleRequest sample{.millionths = 100'000};
  const auto expect = [](const absl::Status& status) {
    EXPECT_EQ(ReasonOf(status), "LIMIT_WITH_SAMPLE") << status;
    EXPECT_EQ(FieldOf(status), "sample");
  };
  expect(Ask("vip any 10 by 'x'", sample).status());
  const auto break_down = [&](const std::string& expression, const std::string& baseline) {
    const BreakdownRequest request{.tags = {"city"}, .baseline = baseline, .sample = sample};
    return world_.engine()
        .insights()
        .Breakdown(world_.context(), {.what = expression}, request)
        .status();
  };
  expect(break_down("vip any 10 by 'x'", "all()"));
  expect(break_down("vip", "all() any 10 by 'x'"));
}

TEST_F(SampleTest, TagsBeyondTheCallersLevelDoNotExist) {
  const auto ask = [&](int level) {
    return world_.selections()
        .CountSample(EngineWorld::Seeing(level), {.what = "exists(income)"},
                     {.millionths = 100'000})
        .status();
  };
  EXPECT_TRUE(ask(7).ok());
  EXPECT_EQ(ReasonOf(ask(6)), "UNKNOWN_TAG");
}

TEST_F(SampleTest, WithoutUsersThereIsNothingToFind) {
  EngineWorld empty;
  const CountResult result = Must(
      empty.selections().CountSample(empty.context(), {.what = "all()"}, {.millionths = 10'000}));
  EXPECT_EQ(result.count, 0);
  EXPECT_EQ(result.range.high, 0);
  EXPECT_EQ(result.sample->chunks, 0);
}

}  // namespace
}  // namespace throng::engine
