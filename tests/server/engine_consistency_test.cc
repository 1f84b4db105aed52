// Every path gives the same answer on one data version, while a writer commits all the time: with
// saved crowds, standing exclusions and packages, too.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/server/package_world.h"
#include "tests/testing/population_generator.h"
#include "tests/testing/seed.h"

namespace throng::engine {
namespace {

using testing::PopulationGenerator;

std::vector<std::string> ExportAll(EngineWorld* world, const Selection& selection) {
  std::vector<std::string> ids;
  const ExportSink sink{.start = [](const ExportStart&) { return absl::OkStatus(); },
                        .frame =
                            [&](const ExportFrame& frame) {
                              for (const uint64_t number : frame.numbers)
                                ids.push_back(std::to_string(number));
                              ids.insert(ids.end(), frame.ids.begin(), frame.ids.end());
                              return absl::OkStatus();
                            },
                        .roaring = [](const std::string&) { return absl::OkStatus(); }};
  MustBeOk(world->selections().Export(world->context(), selection, {}, sink));
  return ids;
}

// What it reads is fixed by its count, unless it names a data version.
void ExpectSameFromEveryPath(EngineWorld* world, Selection selection) {
  SCOPED_TRACE(std::get<std::string>(selection.what));
  const CountResult count = Must(world->selections().Count(world->context(), selection));
  selection.read_version = count.info.data_version;

  const std::vector<std::string> members = world->Members(selection, 700);
  EXPECT_EQ(members.size(), count.count);
  EXPECT_EQ(count.exclusions.has_value(), !selection.exclude.empty());
  if (count.exclusions.has_value()) {
    EXPECT_EQ(count.exclusions->reachable, count.count);
    uint64_t lost = 0;
    for (const ExclusionLoss& loss : count.exclusions->losses) lost += loss.loss;
    EXPECT_EQ(count.exclusions->gross, count.count + lost);
  }
  EXPECT_EQ(ExportAll(world, selection), members);
  const ExplainResult explain = Must(world->selections().Explain(world->context(), selection, {}));
  EXPECT_EQ(explain.count, count.count);
  EXPECT_EQ(explain.nodes[0].actual_users, count.count);
  const BreakdownResult breakdown = Must(world->engine().insights().Breakdown(
      world->context(), selection, {.tags = {"city", "plan", "is_vip"}}));
  EXPECT_EQ(breakdown.count, count.count);
  for (const TagBreakdown& tag : breakdown.tags) {
    uint64_t total = tag.missing.count + tag.others.count;
    for (const BreakdownRow& row : tag.rows) total += row.count;
    EXPECT_EQ(total, count.count) << tag.tag;
  }
  EXPECT_EQ(Must(world->selections().Count(world->context(), selection)).count, count.count);
}

TEST(EngineConsistencyTest, OneAnswerOnOneVersionWhileAWriterCommits) {
  const uint64_t seed = testing::TestSeed();
  EngineWorld world({.query_threads = 2, .fold_log_bytes = 100'000});
  PopulationGenerator generator({.ids = testing::IdStyle::kMixed}, seed);
  world.CreateTags(generator.tags());
  world.Load(generator.NextUsers(3'000), generator.tags());

  std::atomic<bool> stop{false};
  std::atomic<int> commits{0};
  std::thread writer([&] {
    while (!stop) {
      world.Load(generator.MakeUpdate(200), generator.tags());
      ++commits;
    }
  });
  const std::vector<std::string> expressions = {
      "all()", "city = 'city0' or is_vip", "not (views > 3) and exists(plan)",
      "hobbies in ('hobbies0', 'hobbies2') and not churned"};
  for (int round = 0; round < testing::TestRounds(40) || commits < 2; ++round) {
    ExpectSameFromEveryPath(&world,
                            {.what = expressions[static_cast<size_t>(round) % expressions.size()]});
  }
  stop = true;
  writer.join();
}

// A package of a crowd's version has the users that every other path finds in that version, on the
// data version that its manifest names.
void ExpectPackageIsTheVersion(PackageWorld* world, const std::string& crowd, uint32_t number) {
  const Exported package = world->Export({.crowd = crowd, .version = number});
  const PackageManifest& manifest = package.manifest;
  const Selection selection{.what = fmt::format("crowd('{}', {})", crowd, number),
                            .read_version = manifest.data_version};
  SCOPED_TRACE(fmt::format("package of {} v{}", crowd, number));
  const std::vector<std::string> lines = ReadLines(package.Text());
  EXPECT_EQ(lines, world->Members(selection, 700));
  EXPECT_EQ(manifest.total, lines.size());
  EXPECT_EQ(manifest.current_count, lines.size());
  EXPECT_EQ(manifest.counts, (PackageCounts{.users = lines.size(), .rows = lines.size()}));
  EXPECT_EQ(manifest.erased_meanwhile, 0u);
  ASSERT_EQ(manifest.files.size(), 1u);
  EXPECT_EQ(manifest.files[0].rows, lines.size());
  EXPECT_EQ(manifest.files[0].bytes, package.bytes.size());
  EXPECT_EQ(manifest.files[0].sha256, HashOf(package.bytes, "sha256"));
  ExpectSameFromEveryPath(world, selection);
}

std::vector<Selection> SelectionsOverCrowds() {
  using query::CrowdRef;
  const CrowdRef base{.name = "base"};
  const CrowdRef live{.name = "base", .live = true};
  const CrowdRef above{.name = "above"};
  return {{.what = "crowd('base')"},
          {.what = "crowd('above') or city = 'city3'"},
          {.what = "not crowd('base') and views > 3"},
          {.what = "crowd('base') and not crowd('base', live)"},
          {.what = "exists(city) and not crowd('above', live)"},
          {.what = "all()", .exclude = {base}},
          {.what = "city = 'city0' or is_vip", .exclude = {live}},
          {.what = "crowd('above')", .exclude = {live, base}},
          {.what = "not crowd('base') or churned", .exclude = {above, live}}};
}

// Erasures stand between rounds: the fold behind one takes users out of older versions' sets for
// every data version.
TEST(EngineConsistencyTest, OneAnswerWithCrowdsExclusionsAndPackagesWhileAWriterCommits) {
  const uint64_t seed = testing::TestSeed();
  std::mt19937_64 random(seed);
  PackageWorld world({.query_threads = 2, .fold_log_bytes = 100'000, .crowd_cache_bytes = 4'000});
  PopulationGenerator generator({.ids = testing::IdStyle::kMixed}, seed);
  world.CreateTags(generator.tags());
  world.Load(generator.NextUsers(3'000), generator.tags());
  world.Create("base", "city = 'city0' or is_vip");
  world.Create("above", "not crowd('base') and exists(plan)");

  std::atomic<bool> stop{false};
  std::atomic<int> commits{0};
  std::thread writer([&] {
    while (!stop) {
      world.Load(generator.MakeUpdate(200), generator.tags());
      ++commits;
    }
  });
  const std::vector<Selection> selections = SelectionsOverCrowds();
  for (int round = 0; round < testing::TestRounds(36) || commits < 2; ++round) {
    SCOPED_TRACE(fmt::format("seed {}, round {}", seed, round));
    const std::vector<std::string> everybody = world.Members({.what = "all()"});
    world.Erase(everybody[random() % everybody.size()]);
    world.Refresh({"base", "above"});
    const auto place = static_cast<size_t>(round);
    ExpectSameFromEveryPath(&world, selections[place % selections.size()]);
    // The newest version, which is in memory, or one that comes from the disk.
    const std::string crowd = round % 2 == 0 ? "base" : "above";
    const uint32_t newest = world.Get(crowd).newest->version.number;
    const auto back = static_cast<uint32_t>(random() % std::min(newest, 5u));
    ExpectPackageIsTheVersion(&world, crowd, newest - back);
    if (::testing::Test::HasFailure()) break;
  }
  stop = true;
  writer.join();
}

}  // namespace
}  // namespace throng::engine
