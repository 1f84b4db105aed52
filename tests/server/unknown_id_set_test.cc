// Unknown ids against a std::set: each once, in order, whether they were spilled or not.
#include "server/engine/unknown_id_set.h"

#include <algorithm>
#include <filesystem>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "index/id_hash.h"
#include "tests/server/engine_world.h"
#include "tests/testing/seed.h"
#include "tests/testing/temporary_directory.h"

namespace throng::engine {
namespace {

TEST(UnknownIdSetTest, AgreesWithASetHoweverMuchIsSpilled) {
  std::mt19937_64 random(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(20); ++round) {
    const testing::TemporaryDirectory directory;
    // From everything spilled to nothing.
    storage::SpillBudget budget(uint64_t{1} << 40);
    UnknownIdSet unknown(directory.path(), budget, size_t{1} << random() % 20);
    std::set<std::pair<uint64_t, std::string>> model;
    const size_t count = random() % 5'000;
    for (size_t i = 0; i < count; ++i) {
      std::string id = std::to_string(random() % 3'000);
      id.resize(1 + random() % 128, '\xff');
      MustBeOk(unknown.Add(index::IdHash(id), id));
      model.emplace(index::IdHash(id), id);
    }
    EXPECT_EQ(unknown.added(), count);
    ASSERT_EQ(Must(unknown.Settle()), model.size());
    for (int pass = 0; pass < 2; ++pass) {
      std::vector<std::pair<uint64_t, std::string>> found;
      MustBeOk(unknown.ForEach([&](uint64_t hash, std::string_view id) {
        found.emplace_back(hash, id);
        return absl::OkStatus();
      }));
      ASSERT_TRUE(std::equal(found.begin(), found.end(), model.begin(), model.end()));
    }
    EXPECT_TRUE(std::filesystem::is_empty(directory.path())) << "the file has no name";
  }
}

TEST(UnknownIdSetTest, ADirectoryThatIsNotThereIsAnError) {
  storage::SpillBudget budget(1'000);
  UnknownIdSet unknown("/nowhere/at/all", budget, 8);
  const absl::Status status = unknown.Add(index::IdHash("12345678"), "12345678");
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

TEST(UnknownIdSetTest, ThereAreAsManyAsAListMayHaveWithRepeats) {
  const testing::TemporaryDirectory directory;
  storage::SpillBudget budget(1'000);
  UnknownIdSet unknown(directory.path(), budget, kUnknownBufferBytes, /*ids_max=*/3);
  for (const char* id : {"a", "b", "a"}) MustBeOk(unknown.Add(index::IdHash(id), id));
  const absl::Status status = unknown.Add(index::IdHash("a"), "a");
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_EQ(ReasonOf(status), "TOO_MANY_LISTED_IDS");
  EXPECT_EQ(Must(unknown.Settle()), 2u);
}

TEST(UnknownIdSetTest, AllOfThemShareABudget) {
  const testing::TemporaryDirectory directory;
  storage::SpillBudget budget(25);
  {
    UnknownIdSet first(directory.path(), budget, 10);
    UnknownIdSet second(directory.path(), budget, 10);
    MustBeOk(first.Add(index::IdHash("123456789"), "123456789"));
    MustBeOk(second.Add(index::IdHash("123456789"), "123456789"));
    EXPECT_EQ(budget.bytes, 20u);
    const absl::Status over = first.Add(index::IdHash("987654321"), "987654321");
    EXPECT_TRUE(absl::IsResourceExhausted(over)) << over;
    EXPECT_EQ(ReasonOf(over), "SPILL_FULL");
    EXPECT_EQ(Must(second.Settle()), 1u) << "what is there is sorted in its place";
    EXPECT_EQ(budget.bytes, 20u);
  }
  EXPECT_EQ(budget.bytes, 0u);
}

TEST(UnknownIdSetTest, AVisitorThatFailsEndsIt) {
  const testing::TemporaryDirectory directory;
  storage::SpillBudget budget(0);
  UnknownIdSet unknown(directory.path(), budget);
  for (const char* id : {"a", "b", "c"}) MustBeOk(unknown.Add(index::IdHash(id), id));
  MustBeOk(unknown.Settle().status());
  int visited = 0;
  EXPECT_TRUE(absl::IsAborted(unknown.ForEach([&](uint64_t, std::string_view) {
    return ++visited == 2 ? absl::AbortedError("enough") : absl::OkStatus();
  })));
  EXPECT_EQ(visited, 2);
}

}  // namespace
}  // namespace throng::engine
