// Random splits against a simple model: users come, leave the source, come back and are erased,
// arms are refreshed at any time, a winner is named, the engine is folded and opened again. Who was
// once in an arm is in no other ever after, and arms are who the documented hash says.
//
// A failure prints the seed and the step.
#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "server/engine/splits.h"
#include "tests/server/crowd_world.h"
#include "tests/testing/seed.h"

namespace throng::engine {
namespace {

using Ids = std::set<std::string>;

// A split as the model knows it: buckets by arm, and who each arm's newest version has.
struct PlainSplit {
  std::string name;
  std::string salt;
  std::vector<std::string> crowds;
  std::vector<std::vector<BucketRange>> ranges;
  uint32_t share = 0;
  bool awarded = false;
  std::vector<Ids> versions;           // without erased users
  std::map<std::string, size_t> arms;  // of every user who was ever in one
};

class SplitComparison {
 public:
  explicit SplitComparison(uint64_t seed) : random_(seed), world_({.query_threads = 2}) {
    world_.CreateTag({.name = "inside", .type = index::TagType::kFlag});
    for (int i = 0; i < 300; ++i) AddUser();
    world_.Create("base", "inside");
    RefreshBase();
    for (int i = 0; i < 3; ++i) Create(i);
  }

  // False after a failure.
  bool Step() {
    switch (random_() % 10) {
      case 0:
      case 1:
        for (int i = 0; i < 40; ++i) AddUser();
        break;
      case 2:
        Move();
        break;
      case 3:
        Erase();
        break;
      case 4:
        RefreshBase();
        break;
      case 5:
      case 6:
        RefreshArm();
        break;
      case 7:
        RefreshAll();
        break;
      case 8:
        Award();
        break;
      default:
        if (random_() % 2 == 0) MustBeOk(world_.engine().administration().Fold());
        world_.Reopen();
    }
    return Compare();
  }

 private:
  void AddUser() {
    const std::string id =
        random_() % 2 == 0 ? fmt::format("{}", next_++) : fmt::format("user{}", next_++);
    const bool in = random_() % 4 != 0;
    world_.Write(id, {{"inside", Flag(in)}});
    if (in) in_.insert(id);
    users_.push_back(id);
  }
  // Out of the source, or into it.
  void Move() {
    for (int i = 0; i < 20; ++i) {
      const std::string& id = users_[random_() % users_.size()];
      const bool in = !in_.contains(id);
      world_.Write(id, {{"inside", Flag(in)}});
      if (in) {
        in_.insert(id);
      } else {
        in_.erase(id);
      }
    }
  }
  void Erase() {
    const size_t place = random_() % users_.size();
    const std::string id = users_[place];
    world_.Erase(id);
    users_.erase(users_.begin() + static_cast<ptrdiff_t>(place));
    in_.erase(id);
    base_.erase(id);
    for (PlainSplit& split : splits_) {
      for (Ids& version : split.versions) version.erase(id);
    }
  }
  void RefreshBase() {
    world_.Refresh({"base"});
    base_ = in_;
  }

  void Create(int number) {
    const uint32_t shares[] = {100'000, 1'000'000, 333'333};
    CreateSplit create{.name = fmt::format("s{}", number),
                       .source = "base",
                       .share = shares[number],
                       .holdout_weight = static_cast<uint32_t>(random_() % 3)};
    const size_t arms = 2 + random_() % 5;
    for (size_t i = 0; i < arms; ++i) {
      create.arms.push_back({fmt::format("a{}", i), 1 + static_cast<uint32_t>(random_() % 9)});
    }
    const SplitInfo made = Must(world_.crowds().splits().Create(world_.context(), create, {}));
    PlainSplit& split = splits_.emplace_back();
    split.name = made.name;
    split.salt = made.salt;
    split.share = made.share;
    uint32_t end = 0;
    for (const SplitArm& arm : made.arms) {
      EXPECT_EQ(arm.arm.ranges.size(), 1u);
      EXPECT_EQ(arm.arm.ranges[0].from, end) << "ranges partition the share";
      end = arm.arm.ranges[0].to;
      split.crowds.push_back(arm.crowd.definition.name);
      split.ranges.push_back(arm.arm.ranges);
    }
    EXPECT_EQ(end, made.share);
    split.versions.resize(split.crowds.size());
    RefreshAll();
  }

  bool IsIn(const PlainSplit& split, size_t arm, const std::string& id) const {
    const uint32_t bucket = index::BucketOf(index::IdHash(id), index::SaltHash(split.salt));
    for (const BucketRange& range : split.ranges[arm]) {
      if (range.from <= bucket && bucket < range.to) return true;
    }
    return false;
  }
  void Compute(PlainSplit* split, size_t arm) {
    Ids& version = split->versions[arm];
    version.clear();
    for (const std::string& id : base_) {
      if (IsIn(*split, arm, id)) version.insert(id);
    }
  }
  void RefreshArm() {
    PlainSplit& split = splits_[random_() % splits_.size()];
    const size_t arm = random_() % split.crowds.size();
    world_.Refresh({split.crowds[arm]});
    Compute(&split, arm);
  }
  // The source with the arms of every split, in any order.
  void RefreshAll() {
    std::vector<std::string> names{"base"};
    for (const PlainSplit& split : splits_) {
      names.insert(names.begin(), split.crowds.begin(), split.crowds.end());
    }
    std::shuffle(names.begin(), names.end(), random_);
    world_.Refresh(names);
    base_ = in_;
    for (PlainSplit& split : splits_) {
      for (size_t i = 0; i < split.crowds.size(); ++i) Compute(&split, i);
    }
  }
  void Award() {
    PlainSplit& split = splits_[random_() % splits_.size()];
    const auto awarded =
        world_.crowds().splits().Award(world_.context(), "default", split.name, "a1", {});
    const bool can = !split.awarded && split.share < index::kBuckets;
    EXPECT_EQ(awarded.ok(), can) << awarded.status();
    if (!can) return;
    split.awarded = true;
    split.ranges[1].push_back({split.share, index::kBuckets});
  }

  bool Compare() {
    for (PlainSplit& split : splits_) {
      for (size_t i = 0; i < split.crowds.size(); ++i) {
        const std::vector<std::string> members =
            world_.Members({.what = fmt::format("crowd('{}')", split.crowds[i])});
        EXPECT_EQ(Ids(members.begin(), members.end()), split.versions[i]) << split.crowds[i];
        for (const std::string& id : members) {
          // An erased id that comes back is the same id: it stays where it was.
          const size_t arm = split.arms.emplace(id, i).first->second;
          EXPECT_EQ(arm, i) << id << " was in another arm of " << split.name;
        }
      }
    }
    return !::testing::Test::HasFailure();
  }

  std::mt19937_64 random_;
  CrowdWorld world_;
  std::vector<std::string> users_;
  Ids in_;    // who has the flag
  Ids base_;  // the source's newest version
  std::vector<PlainSplit> splits_;
  int next_ = 1;
};

TEST(SplitDifferentialTest, WhoWasAssignedStays) {
  const uint64_t seed = testing::TestSeed();
  for (int round = 0; round < testing::TestRounds(3); ++round) {
    SplitComparison comparison(seed + static_cast<uint64_t>(round));
    for (int step = 0; step < 40; ++step) {
      ASSERT_TRUE(comparison.Step()) << "seed " << seed << ", round " << round << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace throng::engine
