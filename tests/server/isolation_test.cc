// Readers beside writers: every answer is of one version, and of a version that was committed.
//
// What the writers write together is seen together or not at all, whether the change is a delta, a
// folded block or a REPLACE. Bounded by the writers' rounds; readers read until the last one is in.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/server/engine_world.h"
#include "tests/testing/seed.h"

namespace throng::engine {
namespace {

using index::TagType;

// Users 0 to kUsers - 1, in more than one chunk.
constexpr uint32_t kUsers = 80'000;
constexpr int kReaders = 3;

// Every answer's version stays leased: what was read is read again later.
EngineOptions KeepingEveryVersion() {
  return {.leased_versions_max = 1u << 20, .query_threads = 2, .fold_log_bytes = 10'000};
}

// The users of one version that have each of these, by the writer's own account.
struct Tally {
  uint64_t flagged = 0;  // both `a` and `b`
  uint64_t east = 0;     // of `room`, where single users move

  friend bool operator==(const Tally&, const Tally&) = default;
};

// A writer's users, as plain values: `a` and `b` are one, `side` changes by swaps only.
class PairedUsers {
 public:
  PairedUsers(EngineWorld* world, uint64_t seed)
      : world_(world), random_(seed), is_flagged_(kUsers), is_left_(kUsers), is_east_(kUsers) {
    world->LoadNumbers(0, kUsers);
    for (const char* tag : {"a", "b"}) world->CreateTag({.name = tag, .type = TagType::kFlag});
    for (const char* tag : {"side", "room"}) {
      world->CreateTag({.name = tag, .type = TagType::kCategory});
    }
    testing::PlainBatch batch;
    batch.columns.resize(2);
    for (uint32_t column = 0; column < 2; ++column) {
      batch.columns[column] = {.tag = column, .texts = {"left", "right"}};
    }
    batch.columns[1].texts = {"east", "west"};
    for (uint32_t first = 0; first < kUsers; first += kBatchRowsMax) {
      testing::PlainBatch rows = batch;
      for (uint32_t user = first; user < std::min(kUsers, first + kBatchRowsMax); ++user) {
        rows.ids.push_back(std::to_string(user));
        is_left_[user] = user % 2 == 0;
        is_east_[user] = user % 3 == 0;
        rows.columns[0].numbers.push_back(is_left_[user] ? 0 : 1);
        rows.columns[1].numbers.push_back(is_east_[user] ? 0 : 1);
        for (auto& column : rows.columns) column.kinds.push_back(testing::CellKind::kSet);
        tally_.east += is_east_[user] ? 1 : 0;
      }
      world->Load(rows, {{.name = "side", .type = testing::PlainType::kCategory},
                         {.name = "room", .type = testing::PlainType::kCategory}});
    }
  }

  // One WriteUsers: flags of some users, two users who change sides, one who moves.
  void WriteRound() {
    WriteUsersRequest request;
    std::set<uint32_t> users;
    for (uint64_t n = 1 + random_() % 30; n > 0; --n) users.insert(Any());
    for (const uint32_t user : users) FlipFlags(user, &request);
    // Not among them: a user comes once in a call.
    const uint32_t leaves = AnyBut(users, [&](uint32_t user) { return is_left_[user]; });
    users.insert(leaves);
    const uint32_t comes = AnyBut(users, [&](uint32_t user) { return !is_left_[user]; });
    users.insert(comes);
    Move(leaves, "side", "right", &request);
    Move(comes, "side", "left", &request);
    is_left_[leaves] = false;
    is_left_[comes] = true;
    const uint32_t mover = AnyBut(users, [](uint32_t) { return true; });
    is_east_[mover] = !is_east_[mover];
    tally_.east += is_east_[mover] ? 1 : -1;
    Move(mover, "room", is_east_[mover] ? "east" : "west", &request);
    std::shuffle(request.users.begin(), request.users.end(), random_);
    const WriteUsersResult result =
        Must(world_->engine().writer().WriteUsers(world_->context(), request));
    history_[result.data_version] = tally_;
  }

  uint64_t left() const { return kUsers / 2; }
  // What each version holds.
  const std::map<uint64_t, Tally>& history() const { return history_; }
  void NoteVersion(uint64_t version) { history_[version] = tally_; }

 private:
  uint32_t Any() { return static_cast<uint32_t>(random_() % kUsers); }
  template <typename Predicate>
  uint32_t AnyBut(const std::set<uint32_t>& users, Predicate fits) {
    uint32_t user = Any();
    while (users.contains(user) || !fits(user)) user = Any();
    return user;
  }
  void FlipFlags(uint32_t user, WriteUsersRequest* request) {
    is_flagged_[user] = !is_flagged_[user];
    tally_.flagged += is_flagged_[user] ? 1 : -1;
    UserChange& change = request->users.emplace_back();
    change.id = std::to_string(user);
    const bool clears = !is_flagged_[user] && random_() % 2 == 0;
    for (const char* tag : {"a", "b"}) {
      if (clears) {
        change.changes.push_back({tag, ClearValue{}});
      } else {
        change.changes.push_back({tag, SetValue{Flag(is_flagged_[user])}});
      }
    }
    if (random_() % 2 == 0) std::swap(change.changes[0], change.changes[1]);
  }
  static void Move(uint32_t user, const char* tag, const char* to, WriteUsersRequest* request) {
    UserChange& change = request->users.emplace_back();
    change.id = std::to_string(user);
    change.changes.push_back({tag, SetValue{Text(to)}});
  }

  EngineWorld* const world_;
  std::mt19937_64 random_;
  std::vector<bool> is_flagged_;
  std::vector<bool> is_left_;
  std::vector<bool> is_east_;
  Tally tally_;
  std::map<uint64_t, Tally> history_;
};

std::map<std::string, uint64_t> RowsOf(const TagBreakdown& tag) {
  std::map<std::string, uint64_t> rows;
  for (const BreakdownRow& row : tag.rows) {
    if (row.count > 0) rows[row.value] = row.count;
  }
  if (tag.missing.count > 0) rows["missing"] = tag.missing.count;
  if (tag.others.count > 0) rows["others"] = tag.others.count;
  return rows;
}

// One thread's reads. Not thread-safe.
class Reader {
 public:
  Reader(EngineWorld* world, const PairedUsers& users, uint64_t seed)
      : world_(*world), left_(users.left()), random_(seed) {}

  void ReadOnce() {
    ExpectNeverOneWithoutTheOther();
    ExpectConstantSums();
    const uint64_t version = ReadNewest();
    EXPECT_EQ(ReadAt(version), seen_.at(version)) << "at version " << version;
    // One of long ago too, whatever was folded since.
    const auto earlier = std::next(seen_.begin(), static_cast<ptrdiff_t>(random_() % seen_.size()));
    EXPECT_EQ(ReadAt(earlier->first), earlier->second) << "at version " << earlier->first;
  }

  const std::map<uint64_t, Tally>& seen() const { return seen_; }

 private:
  CountResult Count(const std::string& expression, uint64_t version = 0) {
    return Must(
        world_.selections().Count(world_.context(), {.what = expression, .read_version = version}));
  }
  void ExpectNeverOneWithoutTheOther() {
    for (const char* expression : {"a and not b", "b and not a", "(a or b) and not (a and b)",
                                   "side = 'left' and side = 'right'", "not exists(room)",
                                   "all() and not (room = 'east' or room = 'west')"}) {
      const CountResult result = Count(expression);
      EXPECT_EQ(result.count, 0u) << expression << " at version " << result.info.data_version;
    }
  }
  void ExpectConstantSums() {
    EXPECT_EQ(Count("side = 'left'").count, left_);
    EXPECT_EQ(Count("room = 'east' or room = 'west'").count, kUsers);
  }
  uint64_t ReadNewest() {
    const BreakdownResult result = Must(world_.engine().insights().Breakdown(
        world_.context(), {.what = "all()"}, {.tags = {"a", "b", "side", "room"}}));
    std::map<std::string, uint64_t> a = RowsOf(result.tags.at(0));
    EXPECT_EQ(a, RowsOf(result.tags.at(1)));
    EXPECT_EQ(RowsOf(result.tags.at(2)),
              (std::map<std::string, uint64_t>{{"left", left_}, {"right", kUsers - left_}}));
    std::map<std::string, uint64_t> room = RowsOf(result.tags.at(3));
    EXPECT_EQ(room["east"] + room["west"], kUsers);
    const uint64_t version = result.info.data_version;
    const Tally tally{.flagged = a["true"], .east = room["east"]};
    EXPECT_EQ(seen_.try_emplace(version, tally).first->second, tally) << "at version " << version;
    return version;
  }
  // By other paths than ReadNewest: counts of bitmaps, and a breakdown of the crowd.
  Tally ReadAt(uint64_t version) {
    const Tally tally{.flagged = Count("a", version).count,
                      .east = Count("room = 'east'", version).count};
    EXPECT_EQ(Count("b", version).count, tally.flagged);
    EXPECT_EQ(Count("not (a and b)", version).count, kUsers - tally.flagged);
    EXPECT_EQ(Count("room = 'west'", version).count, kUsers - tally.east);
    const BreakdownResult result = Must(world_.engine().insights().Breakdown(
        world_.context(), {.what = "a", .read_version = version}, {.tags = {"b"}}));
    EXPECT_FALSE(RowsOf(result.tags.at(0)).contains("missing"));
    EXPECT_EQ(result.count, tally.flagged);
    return tally;
  }

  EngineWorld& world_;
  const uint64_t left_;
  std::mt19937_64 random_;
  std::map<uint64_t, Tally> seen_;
};

TEST(IsolationTest, WhatIsWrittenTogetherIsSeenTogether) {
  const uint64_t seed = testing::TestSeed();
  EngineWorld world(KeepingEveryVersion());
  PairedUsers users(&world, seed);
  users.NoteVersion(
      Must(world.selections().Count(world.context(), {.what = "all()"})).info.data_version);
  std::atomic<bool> done = false;
  std::vector<Reader> readers;
  for (int i = 0; i < kReaders; ++i) readers.emplace_back(&world, users, seed + 1 + i);
  std::vector<std::thread> threads;
  for (Reader& reader : readers) {
    threads.emplace_back([&done, &reader] {
      while (!done) reader.ReadOnce();
      reader.ReadOnce();
    });
  }
  for (int round = 0; round < testing::TestRounds(4'000); ++round) users.WriteRound();
  done = true;
  for (std::thread& thread : threads) thread.join();

  size_t versions = 0;
  for (const Reader& reader : readers) {
    for (const auto& [version, tally] : reader.seen()) {
      ASSERT_TRUE(users.history().contains(version)) << version;
      EXPECT_EQ(tally, users.history().at(version)) << "at version " << version;
    }
    versions += reader.seen().size();
    EXPECT_EQ(reader.seen().rbegin()->first, users.history().rbegin()->first);
  }
  fmt::print("{} versions written, {} read\n", users.history().size(), versions);
  world.Reopen();
  Reader after(&world, users, seed);
  after.ReadOnce();
  EXPECT_EQ(after.seen().rbegin()->second, users.history().rbegin()->second);
}

// All users get 'x1' and 'y1', then all 'x2' and 'y2', and so on, by a REPLACE of both tags.
class Replacing {
 public:
  static constexpr uint32_t kUsers = 20'000;

  explicit Replacing(EngineWorld* world) : world_(world) {
    world->LoadNumbers(0, kUsers);
    for (const char* tag : {"x", "y"}) world->CreateTag({.name = tag, .type = TagType::kCategory});
    world->CreateTag({.name = "views", .type = TagType::kInteger});
    batch_.columns.resize(2);
    for (uint32_t column = 0; column < 2; ++column) {
      batch_.columns[column].tag = column;
      batch_.columns[column].kinds.assign(kUsers, testing::CellKind::kSet);
      batch_.columns[column].numbers.assign(kUsers, 0);
    }
    for (uint32_t user = 0; user < kUsers; ++user) batch_.ids.push_back(std::to_string(user));
  }

  void Replace(int content) {
    batch_.columns[0].texts = {fmt::format("x{}", content)};
    batch_.columns[1].texts = {fmt::format("y{}", content)};
    world_->Load(batch_,
                 {{.name = "x", .type = testing::PlainType::kCategory},
                  {.name = "y", .type = testing::PlainType::kCategory}},
                 LoadMode::kReplace);
  }

 private:
  EngineWorld* const world_;
  testing::PlainBatch batch_;
};

// What a reader of Replacing's users may see in one query, and in queries of one version.
void ExpectWhollyOldOrNew(EngineWorld* world) {
  const auto count = [&](const std::string& expression, uint64_t version = 0) {
    return Must(
        world->selections().Count(world->context(), {.what = expression, .read_version = version}));
  };
  for (const char* mixed :
       {"x = 'x1' and y = 'y2'", "x = 'x2' and y = 'y1'", "exists(x) and not exists(y)",
        "x = 'x1' and not y = 'y1'", "y = 'y2' and not x = 'x2'", "not exists(x)"}) {
    const CountResult result = count(mixed);
    EXPECT_EQ(result.count, 0u) << mixed << " at version " << result.info.data_version;
  }
  const CountResult newest = count("x = 'x1'");
  const uint64_t version = newest.info.data_version;
  EXPECT_TRUE(newest.count == 0 || newest.count == Replacing::kUsers) << newest.count;
  for (int repeated = 0; repeated < 2; ++repeated) {
    EXPECT_EQ(count("y = 'y1'", version).count, newest.count) << "at version " << version;
    EXPECT_EQ(count("x = 'x1'", version).count, newest.count) << "at version " << version;
    EXPECT_EQ(count("x = 'x2' and y = 'y2'", version).count, Replacing::kUsers - newest.count);
  }
  const BreakdownResult rows = Must(world->engine().insights().Breakdown(
      world->context(), {.what = "all()"}, {.tags = {"x", "y"}}));
  const std::string content = rows.tags.at(0).rows.at(0).value == "x1" ? "1" : "2";
  for (const TagBreakdown& tag : rows.tags) {
    EXPECT_EQ(RowsOf(tag),
              (std::map<std::string, uint64_t>{{tag.tag + content, Replacing::kUsers}}))
        << "at version " << rows.info.data_version;
  }
}

TEST(IsolationTest, AReplaceOfTwoTagsIsSeenInBothOrNeither) {
  std::mt19937_64 random(testing::TestSeed());
  EngineWorld world(KeepingEveryVersion());
  Replacing replacing(&world);
  replacing.Replace(1);
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < kReaders; ++i) {
    threads.emplace_back([&] {
      while (!done) ExpectWhollyOldOrNew(&world);
      ExpectWhollyOldOrNew(&world);
    });
  }
  uint64_t written = 0;
  threads.emplace_back([&] {  // single users meanwhile, in another tag
    while (!done) {
      world.Write(std::to_string(random() % Replacing::kUsers), {{"views", Whole(1)}});
      ++written;
    }
  });
  // A sanitizer's share of them would be over before a reader looked.
  const int rounds = std::max(10, testing::TestRounds(120));
  for (int round = 1; round <= rounds; ++round) replacing.Replace(1 + round % 2);
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(world.Count(fmt::format("x = 'x{0}' and y = 'y{0}'", 1 + rounds % 2)),
            Replacing::kUsers);
  EXPECT_LE(world.Count("views = 1"), written);
  world.Reopen();
  ExpectWhollyOldOrNew(&world);
}

}  // namespace
}  // namespace throng::engine
