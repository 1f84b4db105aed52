#include "index/linked_ids.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "index/catalogue.h"
#include "index/snapshot.h"
#include "tests/testing/seed.h"

namespace throng::index {
namespace {

TEST(LinkedIdsTest, FindsBothWays) {
  const LinkedIds none;
  EXPECT_FALSE(none.Find(MakeIdKey("1")).has_value());
  EXPECT_TRUE(none.IdsOf(1'000'000).empty());
  const LinkedIds three = none.With({17, 5, 17}, {"138", "a", "139"});
  EXPECT_EQ(three.Find(MakeIdKey("139")), 17u);
  EXPECT_EQ(three.Find(MakeIdKey("a")), 5u);
  EXPECT_EQ(three.IdsOf(17), (std::vector<std::string>{"138", "139"}));
  EXPECT_EQ(three.CountOf(17), 2u);
  EXPECT_EQ(three.id_count(), 3u);
  EXPECT_TRUE(none.IdsOf(17).empty()) << "an older copy must not see it";
  const LinkedIds rest = three.Without({17});
  EXPECT_FALSE(rest.Find(MakeIdKey("138")).has_value());
  EXPECT_TRUE(rest.IdsOf(17).empty());
  EXPECT_EQ(rest.entry_count(), 3u);
  EXPECT_EQ(rest.id_count(), 1u);
  EXPECT_EQ(three.IdsOf(17).size(), 2u) << "an older copy keeps them";
  // The id may belong to somebody else from now on.
  const LinkedIds again = rest.With({5}, {"138"});
  EXPECT_EQ(again.Find(MakeIdKey("138")), 5u);
  EXPECT_EQ(again.IdsOf(5), (std::vector<std::string>{"a", "138"}));
  EXPECT_EQ(three.Find(MakeIdKey("138")), 17u);
}

// Ids by user as plain maps.
struct Model {
  std::map<std::string, uint32_t> owners;
  std::map<uint32_t, std::vector<std::string>> ids;
};

void ExpectSame(const LinkedIds& linked, const Model& model, uint32_t users) {
  ASSERT_EQ(linked.id_count(), model.owners.size());
  for (uint32_t user = 0; user < users; ++user) {
    const auto ids = model.ids.find(user);
    ASSERT_EQ(linked.IdsOf(user),
              ids == model.ids.end() ? std::vector<std::string>() : ids->second);
  }
  for (const auto& [id, owner] : model.owners) {
    ASSERT_EQ(linked.Find(MakeIdKey(id)), owner) << id;
  }
}

TEST(LinkedIdsRandomTest, AgreesWithMapsAtEveryVersion) {
  std::mt19937_64 random(testing::TestSeed());
  constexpr uint32_t kUsers = 3000;
  Model model;
  LinkedIds linked;
  std::vector<std::pair<LinkedIds, Model>> pinned;
  for (int round = 0; round < testing::TestRounds(200); ++round) {
    std::vector<uint32_t> owners;
    std::vector<std::string> ids;
    for (uint64_t i = random() % 800; i > 0; --i) {
      const auto owner = static_cast<uint32_t>(random() % kUsers);
      const std::string id =
          round < 60 ? std::to_string(random() % 100'000) : fmt::format("{:x}", random() % 100'000);
      if (!model.owners.emplace(id, owner).second) continue;
      model.ids[owner].push_back(id);
      owners.push_back(owner);
      ids.push_back(id);
    }
    linked = linked.With(owners, ids);
    std::vector<uint32_t> leaving;
    for (uint32_t user = 0; user < kUsers; ++user) {
      if (random() % 300 != 0) continue;
      leaving.push_back(user);
      for (const std::string& id : model.ids[user]) model.owners.erase(id);
      model.ids.erase(user);
    }
    linked = linked.Without(leaving);
    if (random() % 20 == 0) pinned.emplace_back(linked, model);
  }
  ExpectSame(linked, model, kUsers);
  for (const auto& [old, then] : pinned) ExpectSame(old, then, kUsers);
}

// docs/performance.md quotes what this prints.
TEST(LinkedIdsTest, MemoryAUser) {
  constexpr uint32_t kUsers = 1 << 20;
  for (const bool is_number : {true, false}) {
    std::vector<uint32_t> owners(kUsers);
    std::vector<std::string> ids(kUsers);
    uint64_t id_bytes = 0;
    for (uint32_t i = 0; i < kUsers; ++i) {
      owners[i] = i;
      ids[i] = is_number ? std::to_string(13'800'000'000 + uint64_t{i} * 7)
                         : fmt::format("{:016x}", uint64_t{i} * 0x9E3779B97F4A7C15);
      id_bytes += is_number ? 8 : ids[i].size();
    }
    const LinkedIds linked = LinkedIds().With(owners, ids);
    const double bytes = static_cast<double>(linked.memory_bytes()) / kUsers;
    const double beside = bytes - static_cast<double>(id_bytes) / kUsers;
    fmt::print("{}: {:.1f} bytes a user, {:.1f} beside the id\n",
               is_number ? "11-digit numbers" : "16-byte texts", bytes, beside);
    EXPECT_LT(beside, 40);
  }
}

TEST(SnapshotIdentityTest, AnErasureTakesAUserOutOfEverything) {
  Parallel parallel(1);
  CommitRecord first{.version = 1, .time_us = 1, .first_ordinal = 0, .new_users = {"u1", "u2"}};
  first.definitions = {{.id = 1, .name = "city", .type = TagType::kCategory}};
  first.new_values = {{.tag = 1, .first_code = 0, .values = {"Beijing", "Wuhan"}}};
  first.tag_changes = {{.tag = 1, .ordinals = {0, 1}, .cells = {0, 1}}};
  first.id_types = {{.id = 1, .name = "phone"}};
  first.links = {{.id_type = 1, .owners = {0, 1}, .ids = {"138", "139"}}};
  const SnapshotRef before = Apply(Snapshot(), first, parallel);
  ASSERT_NE(before->linked_ids(1), nullptr);
  EXPECT_EQ(before->linked_ids(2), nullptr);
  EXPECT_EQ(before->catalogue().FindIdType("phone")->id, 1u);
  CommitRecord second{.version = 2, .time_us = 2, .first_ordinal = 2, .erased_users = {0}};
  second.tag_changes = {{.tag = 1, .ordinals = {0}, .cells = {0}, .cleared = {true}}};
  second.dropped_values = {{.tag = 1, .codes = {0}}};
  second.ledger_end = 7;
  const SnapshotRef after = Apply(*before, second, parallel);
  EXPECT_EQ(after->user_count(), 1u);
  EXPECT_EQ(after->ordinal_end(), 2u);
  EXPECT_FALSE(after->ids().Find(MakeIdKey("u1")).has_value());
  EXPECT_FALSE(after->linked_ids(1)->Find(MakeIdKey("138")).has_value());
  EXPECT_EQ(after->linked_ids(1)->Find(MakeIdKey("139")), 1u);
  EXPECT_EQ(after->identity().erasure_version, 2u);
  EXPECT_EQ(after->identity().ledger_end, 7u);
  const ValueDictionary& values = *after->catalogue().Find("city")->values;
  EXPECT_FALSE(values.Find("Beijing").has_value());
  EXPECT_EQ(values.value(0), "");
  EXPECT_EQ(values.value(1), "Wuhan");
  EXPECT_EQ(values.size(), 2u);
  EXPECT_EQ(values.dropped(), 1u);
  EXPECT_EQ(ValueDictionary::Extend(values, {"Beijing"})->Find("Beijing"), 2u);
  // A pinned snapshot is as it was; replaying the records changes nothing.
  EXPECT_EQ(before->ids().Find(MakeIdKey("u1")), 0u);
  EXPECT_EQ(before->linked_ids(1)->Find(MakeIdKey("138")), 0u);
  EXPECT_EQ(before->catalogue().Find("city")->values->Find("Beijing"), 0u);
  const SnapshotRef replayed = Apply(*Apply(*after, first, parallel), second, parallel);
  EXPECT_EQ(replayed->linked_ids(1)->entry_count(), 2u);
  EXPECT_EQ(replayed->catalogue().id_types().size(), 1u);
  EXPECT_EQ(replayed->user_count(), 1u);
}

}  // namespace
}  // namespace throng::index
