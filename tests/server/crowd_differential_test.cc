// Random graphs of crowds against the naive model: rules over rules, refreshes of many at once,
// writes, erasures, renames, deletions, folds and restarts in any order. And refreshes beside a
// writer: what a version counts is what its rule selects on the version's data version.
//
// A failure prints the seed, the step and the expression.
#include <algorithm>
#include <atomic>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "index/overloaded.h"
#include "query/formatter.h"
#include "tests/server/crowd_world.h"
#include "tests/testing/expression_generator.h"
#include "tests/testing/naive_model.h"
#include "tests/testing/population_generator.h"
#include "tests/testing/seed.h"

namespace throng::engine {
namespace {

using query::CrowdRef;
using query::Expression;
using testing::ExpressionGenerator;
using testing::NaiveClock;
using testing::NaiveModel;
using testing::PopulationGenerator;

void Rename(const std::string& from, const std::string& to, Expression* expression) {
  const auto all = [&](std::vector<Expression>& operands) {
    for (Expression& operand : operands) Rename(from, to, &operand);
  };
  std::visit(index::Overloaded{
                 [&](query::And& node) { all(node.operands); },
                 [&](query::Or& node) { all(node.operands); },
                 [&](query::Not& node) { all(node.operand); },
                 [&](query::Limited& node) { all(node.operand); },
                 [&](CrowdRef& node) {
                   if (node.name == from) node.name = to;
                 },
                 [](auto&) {},
             },
             expression->node);
}

bool Names(const Expression& expression, const std::string& crowd) {
  Expression copy = expression;
  Rename(crowd, fmt::format("{}?", crowd), &copy);
  return !(copy == expression);
}

// A crowd as the model knows it. Its rule names crowds that were made before it.
struct PlainCrowd {
  std::string name;
  Expression rule;
  bool deleted = false;
  std::map<uint32_t, std::vector<bool>> versions;  // that are kept
  uint32_t newest = 0;                             // 0: none
};

constexpr uint32_t kKeepLast = 3;

class CrowdComparison {
 public:
  explicit CrowdComparison(uint64_t seed)
      : random_(seed),
        world_({.query_threads = 2, .fold_log_bytes = 1 << 20, .crowd_cache_bytes = 4'000}),
        generator_({}, seed + 1),
        model_(generator_.tags()) {
    world_.CreateTags(generator_.tags());
    Load(generator_.NextUsers(1'500));
  }

  // False after a failure.
  bool Step() {
    switch (random_() % 11) {
      case 0:
      case 1:
      case 2:
        Create();
        break;
      case 3:
      case 4:
        Refresh();
        break;
      case 5:
        Load(random_() % 3 == 0 ? generator_.NextUsers(100) : generator_.MakeUpdate(200));
        break;
      case 6:
        Erase();
        break;
      case 7:
        RenameOne();
        break;
      case 8:
        DeleteOne();
        break;
      case 9:
        doing_ = "fold";
        MustBeOk(world_.engine().administration().Fold());
        break;
      default:
        doing_ = "reopen";
        world_.Reopen();
    }
    ++steps_;
    return Compare();
  }

 private:
  void Load(const testing::PlainBatch& batch) {
    doing_ = "load";
    model_.Apply(batch);
    world_.Load(batch, generator_.tags());
  }

  // References that can be evaluated now; versions only where they may go away again.
  std::vector<CrowdRef> References(bool with_versions) const {
    std::vector<CrowdRef> references;
    for (const PlainCrowd& crowd : crowds_) {
      if (crowd.deleted) continue;
      references.push_back({.name = crowd.name, .live = true});
      if (crowd.newest != 0) references.push_back({.name = crowd.name});
      for (const auto& [number, users] : crowd.versions) {
        if (with_versions) references.push_back({.name = crowd.name, .version = number});
      }
    }
    return references;
  }
  Expression Random(bool with_versions) {
    testing::GeneratorOptions options{.depth_max = 3,
                                      .relative_times = false,
                                      .limited_one_in = 6,
                                      .crowds = References(with_versions)};
    return ExpressionGenerator(generator_.expression_tags(), options, random_()).Next();
  }

  void Create() {
    if (crowds_.size() == 14) return;
    PlainCrowd crowd{.name = fmt::format("crowd {}", crowds_.size()), .rule = Random(false)};
    doing_ = fmt::format("create {}: {}", crowd.name, query::Format(crowd.rule));
    const absl::Status created =
        world_.crowds()
            .Create(world_.context(),
                    {.name = crowd.name, .rule = crowd.rule, .keep_last = kKeepLast}, {})
            .status();
    // A chain may have become too long by chance.
    if (ReasonOf(created) == "CROWDS_TOO_DEEP") return;
    MustBeOk(created);
    crowds_.push_back(std::move(crowd));
  }

  void Refresh() {
    std::vector<PlainCrowd*> asked;
    for (PlainCrowd& crowd : crowds_) {
      if (!crowd.deleted && random_() % 2 == 0) asked.push_back(&crowd);
    }
    if (asked.empty()) return;
    std::vector<std::string> names;
    for (const PlainCrowd* crowd : asked) names.push_back(crowd->name);
    std::shuffle(names.begin(), names.end(), random_);
    doing_ = fmt::format("refresh of {}", names.size());
    const RefreshResult result = world_.Refresh(names);
    // In order of creation: each rests on earlier ones only.
    for (PlainCrowd* crowd : asked) {
      SetLive();
      const std::vector<bool> now = model_.Test(crowd->rule, clock_);
      const auto refreshed =
          std::find_if(result.crowds.begin(), result.crowds.end(),
                       [&](const RefreshedCrowd& one) { return one.name == crowd->name; });
      CheckVersion(*crowd, now, refreshed->computed.version);
      crowd->versions[++crowd->newest] = now;
      if (crowd->versions.size() > kKeepLast) crowd->versions.erase(crowd->versions.begin());
      SetVersions(*crowd);
    }
  }

  void CheckVersion(const PlainCrowd& crowd, const std::vector<bool>& now,
                    const index::CrowdVersion& version) {
    // Of the version before, those who are not erased.
    const std::vector<bool> before =
        crowd.newest == 0 ? std::vector<bool>(model_.size(), false)
                          : model_.Test(Expression{CrowdRef{.name = crowd.name}}, clock_);
    uint64_t added = 0;
    uint64_t removed = 0;
    for (size_t user = 0; user < now.size(); ++user) {
      added += now[user] && !before[user] ? 1 : 0;
      removed += !now[user] && before[user] ? 1 : 0;
    }
    EXPECT_EQ(version.number, crowd.newest + 1);
    EXPECT_EQ(version.computed_count, std::count(now.begin(), now.end(), true));
    EXPECT_EQ(version.added, added) << crowd.name;
    EXPECT_EQ(version.removed, removed) << crowd.name;
  }

  void Erase() {
    const std::string id = model_.id(random_() % model_.size());
    doing_ = fmt::format("erase {}", id);
    if (!model_.Find("", id).has_value()) return;
    world_.Erase(id);
    model_.Erase(id);
  }

  void RenameOne() {
    if (crowds_.empty()) return;
    PlainCrowd& crowd = crowds_[random_() % crowds_.size()];
    if (crowd.deleted) return;
    const std::string name = fmt::format("renamed {} it's", ++renames_);
    doing_ = fmt::format("rename of {} to {}", crowd.name, name);
    Must(world_.crowds().Update(world_.context(), {.name = crowd.name, .new_name = name}, {}));
    for (PlainCrowd& other : crowds_) Rename(crowd.name, name, &other.rule);
    crowd.name = name;
    SetVersions(crowd);
  }

  void DeleteOne() {
    if (crowds_.empty()) return;
    PlainCrowd& crowd = crowds_[random_() % crowds_.size()];
    doing_ = fmt::format("delete or undelete {}", crowd.name);
    const bool is_used = std::any_of(crowds_.begin(), crowds_.end(), [&](const PlainCrowd& other) {
      return !other.deleted && Names(other.rule, crowd.name);
    });
    if (crowd.deleted) {
      const bool can = std::none_of(crowds_.begin(), crowds_.end(), [&](const PlainCrowd& other) {
        return other.deleted && Names(crowd.rule, other.name);
      });
      const auto undeleted = world_.crowds().Undelete(world_.context(), "default", crowd.name, {});
      EXPECT_EQ(undeleted.ok(), can) << undeleted.status();
      crowd.deleted = !can;
    } else {
      const auto deleted = world_.TryDelete(crowd.name);
      EXPECT_EQ(deleted.ok(), !is_used) << deleted.status();
      crowd.deleted = !is_used;
    }
  }

  void SetVersions(const PlainCrowd& crowd) {
    for (const auto& [number, users] : crowd.versions) {
      SetCrowd({.name = crowd.name, .version = number}, users, &model_);
    }
    if (crowd.newest != 0) SetCrowd({.name = crowd.name}, crowd.versions.at(crowd.newest), &model_);
  }
  void SetLive() {
    for (const PlainCrowd& crowd : crowds_) {
      if (crowd.deleted) continue;
      SetCrowd({.name = crowd.name, .live = true}, model_.Test(crowd.rule, clock_), &model_);
    }
  }

  bool Compare() {
    SetLive();
    for (int i = 0; i < 4; ++i) {
      const Expression expression = Random(true);
      const std::vector<std::string> expected = model_.Select(expression, clock_);
      const std::vector<std::string> found = world_.Members({.what = expression});
      EXPECT_EQ(found.size(), expected.size());
      EXPECT_TRUE(found == expected)
          << "step " << steps_ << ", after " << doing_ << ": " << query::Format(expression);
    }
    for (const PlainCrowd& crowd : crowds_) {
      const CrowdInfo info = world_.Get(crowd.name);
      EXPECT_EQ(info.state == CrowdState::kDeleted, crowd.deleted) << crowd.name;
      EXPECT_EQ(info.definition.rule, query::Format(crowd.rule));
      EXPECT_EQ(info.version_count, crowd.versions.size());
      if (crowd.newest == 0) continue;
      const Expression last{CrowdRef{.name = crowd.name}};
      EXPECT_EQ(info.newest->current_count, model_.Select(last, clock_).size());
    }
    return !::testing::Test::HasFailure();
  }

  std::mt19937_64 random_;
  CrowdWorld world_;
  PopulationGenerator generator_;
  NaiveModel model_;
  const NaiveClock clock_{"UTC", EngineWorld::kStartUs};
  std::vector<PlainCrowd> crowds_;
  std::string doing_;
  int steps_ = 0;
  int renames_ = 0;
};

TEST(CrowdDifferentialTest, RandomGraphsAgreeWithTheModel) {
  const uint64_t seed = testing::TestSeed();
  for (int round = 0; round < testing::TestRounds(4); ++round) {
    CrowdComparison comparison(seed + static_cast<uint64_t>(round));
    for (int step = 0; step < 60; ++step) {
      ASSERT_TRUE(comparison.Step()) << "seed " << seed << ", round " << round;
    }
  }
}

// Large enough that sharing parts is worth it: a batch is what its crowds are one by one.
TEST(CrowdDifferentialTest, ABatchIsWhatItsCrowdsAreOneByOne) {
  const uint64_t seed = testing::TestSeed();
  std::mt19937_64 random(seed);
  CrowdWorld world({.query_threads = 2});
  PopulationGenerator generator({}, seed);
  world.CreateTags(generator.tags());
  for (int i = 0; i < 10; ++i) world.Load(generator.NextUsers(20'000), generator.tags());
  testing::GeneratorOptions options{.depth_max = 3, .relative_times = false};
  ExpressionGenerator rules(generator.expression_tags(), options, seed + 2);
  options.limited_one_in = 1;
  ExpressionGenerator limited(generator.expression_tags(), options, seed + 3);
  std::vector<std::string> shared;
  for (int i = 0; i < 5; ++i) shared.push_back(query::Format(rules.Next()));
  std::vector<std::string> names;
  for (int i = 0; i < 40; ++i) {
    const std::string& part = shared[random() % shared.size()];
    std::string rule = fmt::format("({}) and ({})", part, query::Format(rules.Next()));
    if (i % 8 == 0) {
      rule = query::Format(limited.Next());
    } else if (i > 10 && random() % 2 == 0) {
      const std::string& below = names[random() % names.size()];
      rule = fmt::format("({}) or crowd('{}'{})", rule, below, random() % 2 == 0 ? ", live" : "");
    }
    names.push_back(fmt::format("crowd {}", i));
    world.Create(names.back(), rule);
  }
  // In order of creation: each rests on earlier ones only.
  for (const std::string& name : names) world.Refresh({name});
  const RefreshResult batch = world.Refresh(names);
  for (const RefreshedCrowd& crowd : batch.crowds) {
    const index::CrowdVersion& version = crowd.computed.version;
    EXPECT_EQ(version.added + version.removed, 0u)
        << "seed " << seed << ", " << crowd.name << ": " << world.Get(crowd.name).definition.rule;
  }
}

TEST(CrowdDifferentialTest, VersionsCountWhatTheirRuleSelectsWhileAWriterCommits) {
  const uint64_t seed = testing::TestSeed();
  CrowdWorld world({.query_threads = 2, .fold_log_bytes = 100'000});
  PopulationGenerator generator({}, seed);
  world.CreateTags(generator.tags());
  world.Load(generator.NextUsers(3'000), generator.tags());
  const std::string rule = "city = 'city0' or is_vip";
  world.Create("base", rule);
  world.Create("above", "not crowd('base') and exists(plan)");
  std::atomic<bool> stop{false};
  std::atomic<int> commits{0};
  std::thread writer([&] {
    while (!stop) {
      world.Load(generator.MakeUpdate(200), generator.tags());
      ++commits;
    }
  });
  for (int round = 0; round < testing::TestRounds(20) || commits < 2; ++round) {
    const RefreshResult result = world.Refresh({"above", "base"});
    const index::CrowdVersion& above = result.crowds[0].computed.version;
    const index::CrowdVersion& base = result.crowds[1].computed.version;
    EXPECT_EQ(above.data_version, base.data_version);
    const auto count = [&](const std::string& expression, uint64_t version) {
      return Must(world.selections().Count(world.context(),
                                           {.what = expression, .read_version = version}))
          .count;
    };
    EXPECT_EQ(base.computed_count, count(rule, result.read_version));
    EXPECT_EQ(above.computed_count,
              count(fmt::format("not ({}) and exists(plan)", rule), result.read_version));
    const Selection members{
        .what = fmt::format("crowd('above', {})", above.number),
        .read_version =
            Must(world.selections().Count(world.context(), {.what = "none()"})).info.data_version};
    EXPECT_EQ(world.Members(members, 700).size(), above.computed_count);
  }
  stop = true;
  writer.join();
}

// Two who compute the same crowds: one of them is told to come again, and nothing is mixed up.
TEST(CrowdDifferentialTest, RefreshesOfTheSameCrowdsDoNotMix) {
  CrowdWorld world({.query_threads = 2});
  FillRental(&world);
  world.Create("x", "is_graduate");
  std::atomic<int> done{0};
  const auto refresh = [&] {
    for (int i = 0; i < 30; ++i) {
      const absl::StatusOr<RefreshResult> result = world.TryRefresh({"x"});
      if (result.ok()) {
        ++done;
      } else {
        EXPECT_EQ(ReasonOf(result.status()), "REFRESH_UNDER_WAY") << result.status();
      }
    }
  };
  std::thread other(refresh);
  refresh();
  other.join();
  EXPECT_EQ(world.Get("x").newest->version.number, static_cast<uint32_t>(done.load()));
  EXPECT_EQ(world.Count("crowd('x')"), 3u);
}

}  // namespace
}  // namespace throng::engine
