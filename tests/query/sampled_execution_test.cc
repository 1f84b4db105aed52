// Samples of populations whose users are few and spread over many chunks: that they are what was
// picked and counted, and how often the intervals hold the exact count.
#include "query/sampled_execution.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "index/id_hash.h"
#include "index/snapshot.h"

namespace throng::query {
namespace {

constexpr uint32_t kChunks = 120;
constexpr uint32_t kCity = 1;      // CATEGORY
constexpr uint32_t kGraduate = 2;  // FLAG
constexpr uint32_t kCities = 6;

// Code `kCities`: no city.
using CityOf = std::function<uint32_t(uint32_t chunk, std::mt19937_64&)>;

// 40 to 200 users in each of 120 chunks, the other ids erased; the last chunk is cut. Not
// thread-safe.
class SparseWorld {
 public:
  SparseWorld() : random_(7) {
    index::IdDictionary ids;
    index::TagChange universe{.tag = index::kUniverseTag};
    for (uint32_t chunk = 0; chunk < kChunks; ++chunk) {
      std::vector<std::string> texts(chunk + 1 == kChunks ? 20'000 : index::kChunkSize);
      std::set<uint32_t> offsets;
      for (uint64_t i = 40 + random_() % 160; i > 0; --i) {
        offsets.insert(static_cast<uint32_t>(random_() % texts.size()));
      }
      for (const uint32_t offset : offsets) {
        const uint32_t ordinal = chunk * index::kChunkSize + offset;
        texts[offset] = fmt::format("u{}", ordinal);
        universe.ordinals.push_back(ordinal);
        universe.cells.push_back(1);
      }
      ids = ids.With(texts);
    }
    users_ = universe.ordinals;
    ids_ = std::move(ids);
    universe_ = index::ApplyToContent(nullptr, index::TagType::kFlag, universe, 1);
    Fill([](uint32_t, std::mt19937_64& random) { return static_cast<uint32_t>(random() % 7); });
  }

  // Draws everybody's city anew. A user of city 0 or 1 is a graduate.
  void Fill(const CityOf& city_of) {
    index::TagChange cities{.tag = kCity};
    index::TagChange graduates{.tag = kGraduate};
    cities_.clear();
    for (const uint32_t user : users_) {
      const uint32_t city = city_of(user >> index::kChunkBits, random_);
      cities_.push_back(city);
      if (city < kCities) {
        cities.ordinals.push_back(user);
        cities.cells.push_back(city);
      }
      if (city < 2) {
        graduates.ordinals.push_back(user);
        graduates.cells.push_back(1);
      }
    }
    std::vector<std::string> texts;
    for (uint32_t code = 0; code < kCities; ++code) texts.push_back(fmt::format("c{}", code));
    const auto catalogue = std::make_shared<const index::Catalogue>()->With(
        {std::make_shared<index::TagEntry>(
             index::TagEntry{{.id = kCity, .name = "city", .type = index::TagType::kCategory},
                             index::ValueDictionary::Extend(index::ValueDictionary(), texts)}),
         std::make_shared<index::TagEntry>(
             index::TagEntry{{.id = kGraduate, .name = "graduate", .type = index::TagType::kFlag},
                             std::make_shared<index::ValueDictionary>()})});
    snapshot_ = std::make_unique<index::Snapshot>(
        1, catalogue, ids_,
        std::vector<index::TagContentRef>{
            universe_, index::ApplyToContent(nullptr, index::TagType::kCategory, cities, 1),
            index::ApplyToContent(nullptr, index::TagType::kFlag, graduates, 1)});
  }

  const index::Snapshot& snapshot() const { return *snapshot_; }
  const std::vector<uint32_t>& users() const { return users_; }
  const std::vector<uint32_t>& cities() const { return cities_; }
  uint64_t Count(uint32_t city) const {
    return static_cast<uint64_t>(std::count(cities_.begin(), cities_.end(), city));
  }
  index::Parallel& parallel() { return parallel_; }
  std::mt19937_64& random() { return random_; }

  // Whether the frame looks at the user, by asking what it is documented to do.
  bool LooksAt(const SampleFrame& frame, const std::string& salt, uint32_t millionths,
               uint32_t user) const {
    if (frame.by_chunks) {
      return std::binary_search(frame.chunks.begin(), frame.chunks.end(),
                                user >> index::kChunkBits);
    }
    const uint64_t hash = index::IdHash(fmt::format("u{}", user));
    return index::BucketOf(hash, index::SaltHash("throng sample " + salt)) < millionths;
  }

 private:
  std::mt19937_64 random_;
  index::Parallel parallel_{2};
  index::IdDictionary ids_;
  index::TagContentRef universe_;
  std::unique_ptr<index::Snapshot> snapshot_;
  std::vector<uint32_t> users_;
  std::vector<uint32_t> cities_;  // by user
};

LogicalPlan OfCity(uint32_t city) { return {TagValues{kCity, {city}}}; }

class SampledExecutionTest : public ::testing::Test {
 protected:
  // Filling it takes a while.
  static void SetUpTestSuite() { world_ = new SparseWorld(); }
  static void TearDownTestSuite() {
    delete world_;
    world_ = nullptr;
  }

  static SparseWorld* world_;
};
SparseWorld* SampledExecutionTest::world_ = nullptr;

TEST_F(SampledExecutionTest, TheSaltPicksAndLargerFractionsHoldSmallerOnes) {
  const index::Snapshot& snapshot = world_->snapshot();
  const SampleFrame frame = PickSample(snapshot, {300'000, "a"});
  ASSERT_TRUE(frame.by_chunks);
  EXPECT_EQ(frame.chunks.size(), 36);
  EXPECT_EQ(frame.chunk_count, kChunks);
  EXPECT_EQ(frame.users, world_->users().size());
  EXPECT_EQ(PickSample(snapshot, {300'000, "a"}).chunks, frame.chunks);
  EXPECT_NE(PickSample(snapshot, {300'000, "b"}).chunks, frame.chunks);
  const std::vector<uint32_t> larger = PickSample(snapshot, {600'000, "a"}).chunks;
  EXPECT_EQ(larger.size(), 72);
  EXPECT_TRUE(
      std::includes(larger.begin(), larger.end(), frame.chunks.begin(), frame.chunks.end()));
}

TEST_F(SampledExecutionTest, TooFewChunksAreNotRead) {
  const index::Snapshot& snapshot = world_->snapshot();
  // 29.5 chunks are 30.
  EXPECT_TRUE(PickSample(snapshot, {245'834, "a"}).by_chunks);
  const SampleFrame users = PickSample(snapshot, {245'833, "a"});
  EXPECT_FALSE(users.by_chunks);
  EXPECT_EQ(users.buckets.from, 0);
  EXPECT_EQ(users.buckets.to, 245'833);
  EXPECT_EQ(users.buckets.salt, "throng sample a");
  EXPECT_EQ(PickSample(snapshot, {999'999, "a"}).chunks.size(), kChunks);
  EXPECT_EQ(PickSample(index::Snapshot(), {500'000, "a"}).users, 0);
}

TEST_F(SampledExecutionTest, FindsWhoIsLookedAt) {
  world_->Fill([](uint32_t chunk, std::mt19937_64& random) {
    return static_cast<uint32_t>((chunk / 20 + random() % 3) % 7);
  });
  for (const uint32_t millionths : {400'000u, 50'000u}) {
    const std::string salt = "found";
    SampleFrame frame = PickSample(world_->snapshot(), {millionths, salt});
    SampleTally count;
    ASSERT_TRUE(
        CountSample(OfCity(2), world_->snapshot(), world_->parallel(), {}, &frame, &count).ok());
    SampleTally users;
    std::vector<SampledTagCounts> tags;
    ASSERT_TRUE(BreakDownSample({LogicalNot{{OfCity(2)}}}, {kCity, kGraduate}, world_->snapshot(),
                                world_->parallel(), {}, &frame, &users, &tags)
                    .ok());
    std::vector<uint64_t> expected(kCities + 1);
    uint64_t looked_at = 0;
    for (size_t i = 0; i < world_->users().size(); ++i) {
      if (!world_->LooksAt(frame, salt, millionths, world_->users()[i])) continue;
      ++looked_at;
      ++expected[world_->cities()[i]];
    }
    EXPECT_EQ(frame.looked_at, looked_at);
    EXPECT_EQ(count.found, expected[2]);
    EXPECT_GT(count.found, 0);
    EXPECT_EQ(users.found, looked_at - expected[2]);
    for (uint32_t code = 0; code < kCities; ++code) {
      EXPECT_EQ(tags[0].counts[code].found, code == 2 ? 0 : expected[code]) << code;
    }
    EXPECT_EQ(tags[0].without_value.found, expected[kCities]);
    EXPECT_EQ(tags[1].counts[0].found, expected[0] + expected[1]);
    EXPECT_EQ(tags[1].without_value.found, users.found - expected[0] - expected[1]);
  }
}

// The tally of a breakdown's value is that of a count of its users.
TEST_F(SampledExecutionTest, TalliesOfValuesAreThoseOfCounts) {
  SampleFrame frame = PickSample(world_->snapshot(), {500'000, "t"});
  SampleTally users;
  std::vector<SampledTagCounts> tags;
  ASSERT_TRUE(BreakDownSample({Everybody{}}, {kCity}, world_->snapshot(), world_->parallel(), {},
                              &frame, &users, &tags)
                  .ok());
  for (uint32_t code = 0; code < kCities; ++code) {
    SampleTally count;
    ASSERT_TRUE(
        CountSample(OfCity(code), world_->snapshot(), world_->parallel(), {}, &frame, &count).ok());
    const SampleTally& tally = tags[0].counts[code];
    EXPECT_EQ(tally.found, count.found);
    EXPECT_EQ(tally.squares, count.squares);
    EXPECT_EQ(tally.products, count.products);
    EXPECT_EQ(tally.most, count.most);
    EXPECT_EQ(tally.most_missing, count.most_missing);
    EXPECT_EQ(tally.some, count.some);
    EXPECT_EQ(tally.whole, count.whole);
  }
}

TEST_F(SampledExecutionTest, EndsWhenTheCheckSaysSo) {
  const Check stop = [] { return absl::CancelledError("stop"); };
  for (const uint32_t millionths : {500'000u, 5'000u}) {
    SampleFrame frame = PickSample(world_->snapshot(), {millionths, ""});
    SampleTally users;
    EXPECT_EQ(
        CountSample(OfCity(1), world_->snapshot(), world_->parallel(), stop, &frame, &users).code(),
        absl::StatusCode::kCancelled);
    std::vector<SampledTagCounts> tags;
    EXPECT_EQ(BreakDownSample(OfCity(1), {kCity}, world_->snapshot(), world_->parallel(), stop,
                              &frame, &users, &tags)
                  .code(),
              absl::StatusCode::kCancelled);
  }
}

// How cities lie along the id axis, from everywhere alike to one place only.
std::vector<std::pair<std::string, CityOf>> Patterns() {
  const auto rate = [](double share) {
    return [share](uint32_t, std::mt19937_64& random) {
      return static_cast<double>(random() >> 11) < share * 9007199254740992.0 ? 0u : 1u;
    };
  };
  return {{"half", rate(0.5)},
          {"rare", rate(0.02)},
          {"most", rate(0.97)},
          {"drift",
           [=](uint32_t chunk, std::mt19937_64& random) {
             return rate(0.8 * chunk / kChunks)(chunk, random);
           }},
          {"peak",
           [=](uint32_t chunk, std::mt19937_64& random) {
             const double away = (chunk - 60.0) / 25;
             return rate(0.6 / (1 + away * away))(chunk, random);
           }},
          {"steps",
           [=](uint32_t chunk, std::mt19937_64& random) {
             return rate(chunk % 3 == 0 ? 0.4 : 0.05)(chunk, random);
           }},
          {"third of the chunks",
           [=](uint32_t chunk, std::mt19937_64& random) {
             return chunk < 40 ? rate(0.3)(chunk, random) : 1u;
           }},
          {"five chunks", [=](uint32_t chunk, std::mt19937_64& random) {
             return chunk < 5 ? rate(0.5)(chunk, random) : 1u;
           }}};
}

// The share of samples whose 95 % interval holds the exact count; each pattern has to come near.
void ExpectCoverage(SparseWorld& world, uint32_t millionths, bool by_chunks) {
  uint64_t all = 0;
  uint64_t held = 0;
  for (const auto& [name, pattern] : Patterns()) {
    uint64_t of_pattern = 0;
    constexpr uint64_t kSalts = 25;
    constexpr uint64_t kPopulations = 4;
    for (uint64_t population = 0; population < kPopulations; ++population) {
      world.Fill(pattern);
      const uint64_t exact = world.Count(0);
      for (uint64_t salt = 0; salt < kSalts; ++salt) {
        SampleFrame frame =
            PickSample(world.snapshot(), {millionths, fmt::format("{} {}", population, salt)});
        ASSERT_EQ(frame.by_chunks, by_chunks);
        SampleTally users;
        ASSERT_TRUE(
            CountSample(OfCity(0), world.snapshot(), world.parallel(), {}, &frame, &users).ok());
        const SampleInterval i = SampleIntervals(frame, 0.95).Of(users);
        of_pattern += i.low <= exact && exact <= i.high ? 1 : 0;
      }
    }
    EXPECT_GE(of_pattern, kPopulations * kSalts * 85 / 100) << name;
    all += kPopulations * kSalts;
    held += of_pattern;
  }
  EXPECT_GE(held * 100, all * 92) << held << " of " << all;
  // It would be no interval if it always held.
  EXPECT_LT(held, all);
}

// The seeds are fixed: the world's and the salts.
TEST(SampleCoverageTest, IntervalsOfChunksHoldTheExactCount) {
  SparseWorld world;
  ExpectCoverage(world, 300'000, true);
}

TEST(SampleCoverageTest, IntervalsOfUsersHoldTheExactCount) {
  SparseWorld world;
  ExpectCoverage(world, 100'000, false);
}

}  // namespace
}  // namespace throng::query
