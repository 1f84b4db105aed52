// Every path gives the same answer on one data version, while a writer commits all the time.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/server/engine_world.h"
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

void ExpectSameFromEveryPath(EngineWorld* world, const std::string& expression) {
  Selection selection{.what = expression};
  const CountResult count = Must(world->selections().Count(world->context(), selection));
  selection.read_version = count.info.data_version;

  const std::vector<std::string> members = world->Members(selection, 700);
  EXPECT_EQ(members.size(), count.count);
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
    ExpectSameFromEveryPath(&world, expressions[static_cast<size_t>(round) % expressions.size()]);
  }
  stop = true;
  writer.join();
}

}  // namespace
}  // namespace throng::engine
