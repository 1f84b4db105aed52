// Why users are in or out: known answers, limits, visibility, and every user of random populations
// against the naive model and the whole execution.
#include "server/engine/why.h"

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "query/condition_tree.h"
#include "query/formatter.h"
#include "server/engine/memberships.h"
#include "tests/server/engine_world.h"
#include "tests/testing/expression_generator.h"
#include "tests/testing/naive_model.h"
#include "tests/testing/population_generator.h"
#include "tests/testing/seed.h"

namespace throng::engine {
namespace {

using testing::NaiveClock;
using testing::NaiveModel;
using Texts = std::vector<std::string>;

class WhyTest : public ::testing::Test {
 protected:
  WhyTest() { FillRental(&world_); }

  Memberships& memberships() { return world_.engine().memberships(); }
  absl::StatusOr<UserReasons> Ask(const std::string& expression, const TypedId& user) {
    return memberships().Why(world_.context(), {.what = expression}, user);
  }
  UserReasons Why(const std::string& expression, const std::string& id) {
    return Must(Ask(expression, {.id_type = {}, .id = id}));
  }
  ListReasons WhyAll(const std::string& expression, const Texts& ids) {
    return Must(memberships().WhyAll(world_.context(), {.what = expression}, "", ids));
  }

  EngineWorld world_;
};

std::string Print(const UserValue& value) {
  if (!value.value.has_value()) return "missing";
  if (const auto* flag = std::get_if<bool>(&*value.value)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<int64_t>(&*value.value)) return fmt::format("{}", *number);
  return fmt::format("{}", fmt::join(std::get<Texts>(*value.value), "|"));
}

// "in: +city = 'Rome' Rome; -views > 3 missing (0)", a mark for what is not met.
std::string Print(const UserReasons& reasons) {
  std::string text = reasons.is_member ? "in:" : "out:";
  for (const UserCondition& condition : reasons.conditions) {
    text += fmt::format(" {}{}{}", condition.met ? '+' : '-',
                        condition.condition.negated ? "not " : "", condition.condition.text);
    if (condition.value.has_value()) text += " [" + Print(*condition.value) + "]";
  }
  text += " flip";
  for (const uint32_t c : reasons.flip.conditions) text += fmt::format(" {}", c + 1);
  return text;
}

// u1 has 5 views, u2 3, u3 0 and u4 -7.
TEST_F(WhyTest, ALimitMayLeaveOutWhoMeetsTheConditions) {
  const std::string expression = "exists(views) and views < 5 top 2 by views desc";
  EXPECT_TRUE(Why(expression, "u3").is_member);
  EXPECT_TRUE(Why(expression, "u3").conditions[1].decides);
  const UserReasons beyond = Why(expression, "u4");
  EXPECT_EQ(Print(beyond), "out: +exists(views) [-7] +views < 5 [-7] flip");
  EXPECT_TRUE(beyond.is_beyond_limit);
  EXPECT_FALSE(beyond.conditions[0].decides);
  EXPECT_EQ(beyond.flip.kind, query::Flip::Kind::kImpossible);
  const UserReasons missed = Why(expression, "u1");
  EXPECT_EQ(Print(missed), "out: +exists(views) [5] -views < 5 [5] flip 2");
  EXPECT_FALSE(missed.is_beyond_limit);
  const ListReasons all = WhyAll(expression, {"u1", "u2", "u3", "u4", "u5", "u9"});
  EXPECT_EQ(all.in, 2u);
  EXPECT_EQ(all.out, 3u);
  EXPECT_EQ(all.beyond_limit, 1u);
  EXPECT_EQ(all.unknown, 1u);
  EXPECT_EQ(all.conditions[1].decided, 1u);  // u1: u5 misses the other one, too
}

TEST_F(WhyTest, SaysOfEachConditionWhatTheUserHas) {
  EXPECT_EQ(Print(Why("city = 'Beijing' and views > 3 and not is_graduate", "u1")),
            "out: +city = 'Beijing' [Beijing] +views > 3 [5] -not is_graduate [true] flip 3");
  EXPECT_EQ(Print(Why("city = 'Beijing' and views > 3 and not is_graduate", "u3")),
            "out: +city = 'Beijing' [Beijing] -views > 3 [0] +not is_graduate [false] flip 2");
  EXPECT_EQ(Print(Why("city = 'Wuhan' or views > 3 and is_graduate", "6")),
            "out: -city = 'Wuhan' [missing] -views > 3 [missing] -is_graduate [false] flip 1");
  EXPECT_EQ(Print(Why("interests in ('pool','metro') and score < 2", "u4")),
            "out: +interests in ('pool', 'metro') [a|b\\c|pool] -score < 2 [1000] flip 2");
  EXPECT_EQ(Print(Why("city != 'Beijing'", "6")), "out: -city != 'Beijing' [missing] flip 1");
}

TEST_F(WhyTest, ExpressionsWithoutConditionsAndLeavesWithoutTags) {
  const UserReasons everybody = Why("all()", "u1");
  EXPECT_TRUE(everybody.is_member);
  EXPECT_EQ(everybody.flip.kind, query::Flip::Kind::kImpossible);
  EXPECT_FALSE(Why("none()", "u1").is_member);
  const UserReasons ids = Why("ids('u1','u7') and bucket('s', 0, 1000000)", "u1");
  EXPECT_TRUE(ids.is_member);
  ASSERT_EQ(ids.conditions.size(), 2);
  EXPECT_FALSE(ids.conditions[0].value.has_value());
  const int64_t bucket = std::get<int64_t>(*ids.conditions[1].value->value);
  EXPECT_EQ(ids.conditions[1].value->tag, "");
  const auto with = [&](int64_t from, int64_t to) {
    return Why(fmt::format("bucket('s', {}, {})", from, to), "u1").is_member;
  };
  EXPECT_TRUE(with(bucket, bucket + 1));
  EXPECT_FALSE(with(bucket + 1, 1'000'000));
}

TEST_F(WhyTest, SaysWhereAndWhatIsTheSame) {
  const UserReasons reasons = Why("is_graduate and (views > 3 or views > 3)", "u3");
  ASSERT_EQ(reasons.conditions.size(), 3);
  EXPECT_EQ(reasons.conditions[1].condition.span.column, 18);
  EXPECT_EQ(reasons.conditions[1].condition.same_as, 0);
  EXPECT_EQ(reasons.conditions[2].condition.same_as, 2);
  EXPECT_EQ(reasons.flip.conditions, (std::vector<uint32_t>{0, 1}));
  EXPECT_FALSE(reasons.conditions[0].decides);
  EXPECT_EQ(reasons.id, "u3");
  EXPECT_EQ(reasons.info.canonical_expression, "is_graduate and (views > 3 or views > 3)");
  EXPECT_TRUE(reasons.info.exact);
}

TEST_F(WhyTest, FindsUsersByIdsOfAnyType) {
  MustBeOk(world_.engine()
               .identities()
               .CreateIdType(world_.context(), "default",
                             {.name = "phone", .normalizers = {index::IdNormalizer::kPhoneDigits}},
                             {})
               .status());
  MustBeOk(world_.engine()
               .identities()
               .Link(world_.context(), {.users = {{.id = "u3", .ids = {{"phone", "+86 138"}}}}})
               .status());
  EXPECT_EQ(Must(Ask("all()", {"phone", "86-138"})).id, "u3");
  EXPECT_EQ(Must(Ask("all()", {"user_id", "u3"})).id, "u3");
  const auto expect = [&](const TypedId& user, absl::StatusCode code, std::string_view reason,
                          std::string_view field) {
    const absl::Status status = Ask("all()", user).status();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(ReasonOf(status), reason);
    EXPECT_EQ(FieldOf(status), field);
  };
  expect({"phone", "139"}, absl::StatusCode::kNotFound, "UNKNOWN_USER", "user.id");
  expect({"", "nobody"}, absl::StatusCode::kNotFound, "UNKNOWN_USER", "user.id");
  expect({"", ""}, absl::StatusCode::kInvalidArgument, "EMPTY_ID", "user.id");
  expect({"email", "x"}, absl::StatusCode::kNotFound, "UNKNOWN_ID_TYPE", "user.id_type");
  EXPECT_EQ(FieldOf(Ask("citty = 'x'", {"", "u1"}).status()), "selection.expression");
}

TEST_F(WhyTest, CountsWhoMissesWhat) {
  const Texts ids = {"u1", "u2", "u3", "u4", "u5", "6", "nobody", "", "u1"};
  const ListReasons reasons = WhyAll("is_graduate and views > 2 and city = 'Beijing'", ids);
  EXPECT_EQ(reasons.in, 2);  // u1, twice
  EXPECT_EQ(reasons.out, 5);
  EXPECT_EQ(reasons.unknown, 2);
  ASSERT_EQ(reasons.conditions.size(), 3);
  EXPECT_EQ(reasons.conditions[0].missed, 3);  // u3, u4, 6
  EXPECT_EQ(reasons.conditions[1].missed, 4);  // u3, u4, u5, 6
  EXPECT_EQ(reasons.conditions[2].missed, 4);  // u2, u4, u5, 6
  EXPECT_EQ(reasons.conditions[0].decided, 0);
  EXPECT_EQ(reasons.conditions[1].decided, 0);
  EXPECT_EQ(reasons.conditions[2].decided, 1);  // u2
  // Under a not a condition is missed by those who match it.
  const ListReasons negated = WhyAll("not is_graduate and exists(city)", ids);
  EXPECT_EQ(negated.conditions[0].missed, 4);  // u1, u2, u5, u1
  EXPECT_EQ(negated.conditions[0].decided, 3);
  EXPECT_TRUE(negated.conditions[0].condition.negated);
}

TEST_F(WhyTest, ListsHaveLimits) {
  const auto ask = [&](size_t count) {
    return memberships()
        .WhyAll(world_.context(), {.what = "is_graduate"}, "", Texts(count, "u1"))
        .status();
  };
  EXPECT_EQ(ReasonOf(ask(0)), "REQUIRED");
  EXPECT_EQ(FieldOf(ask(0)), "users.ids");
  EXPECT_TRUE(ask(kWhyUsersMax).ok());
  EXPECT_EQ(ask(kWhyUsersMax + 1).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(ask(kWhyUsersMax + 1)), "TOO_MANY_IDS");
  EXPECT_EQ(FieldOf(memberships()
                        .WhyAll(world_.context(), {.what = "is_graduate"}, "email", {"u1"})
                        .status()),
            "users.id_type");
  CallContext context = CallContext::Internal();
  context.cancelled = [] { return true; };
  EXPECT_EQ(memberships().WhyAll(context, {.what = "is_graduate"}, "", {"u1"}).status().code(),
            absl::StatusCode::kCancelled);
}

TEST_F(WhyTest, LabelsAreBounded) {
  Texts labels;
  for (uint32_t i = 0; i < kWhyLabelsMax; ++i) labels.push_back(fmt::format("l{:03}", i));
  world_.AddLabels("u5", "interests", labels);
  UserReasons reasons = Why("exists(interests)", "u5");
  EXPECT_EQ(reasons.conditions[0].value->labels, kWhyLabelsMax);
  EXPECT_EQ(std::get<Texts>(*reasons.conditions[0].value->value), labels);
  world_.AddLabels("u5", "interests", {"a first"});
  reasons = Why("exists(interests)", "u5");
  EXPECT_EQ(reasons.conditions[0].value->labels, kWhyLabelsMax + 1);
  const Texts shown = std::get<Texts>(*reasons.conditions[0].value->value);
  EXPECT_EQ(shown.size(), kWhyLabelsMax);
  EXPECT_EQ(shown.front(), "a first");
  // Over all conditions 10,000.
  std::string many = "interests = 'l000'";
  for (int i = 0; i < 100; ++i) many += fmt::format(" or interests = 'm{}'", i);
  reasons = Why(many, "u5");
  ASSERT_EQ(reasons.conditions.size(), 101);
  EXPECT_EQ(std::get<Texts>(*reasons.conditions[99].value->value).size(), kWhyLabelsMax);
  EXPECT_EQ(std::get<Texts>(*reasons.conditions[100].value->value).size(), 0);
  EXPECT_EQ(reasons.conditions[100].value->labels, kWhyLabelsMax + 1);
}

TEST_F(WhyTest, TagsBeyondTheCallersLevelDoNotExist) {
  const auto ask = [&](int level, const std::string& expression) {
    return memberships().Why(EngineWorld::Seeing(level), {.what = expression}, {"", "u1"});
  };
  EXPECT_EQ(Print(*ask(7, "income = 'high'")), "in: +income = 'high' [high] flip 1");
  EXPECT_EQ(ReasonOf(ask(6, "income = 'high'").status()), "UNKNOWN_TAG");
  EXPECT_EQ(ReasonOf(memberships()
                         .WhyAll(EngineWorld::Seeing(6), {.what = "income = 'high'"}, "", {"u1"})
                         .status()),
            "UNKNOWN_TAG");
}

TEST_F(WhyTest, ReadsAVersion) {
  const uint64_t before = Why("is_graduate", "u3").info.data_version;
  world_.Write("u3", {{"is_graduate", Flag(true)}});
  const Selection old{.what = "is_graduate", .read_version = before};
  EXPECT_FALSE(Must(memberships().Why(world_.context(), old, {"", "u3"})).is_member);
  EXPECT_TRUE(Why("is_graduate", "u3").is_member);
}

class Comparison {
 public:
  Comparison(uint32_t users, uint64_t seed)
      : random_(seed), generator_({}, seed + 1), model_(generator_.tags()) {
    world_.CreateTags(generator_.tags());
    for (uint32_t left = users; left > 0;) {
      const uint32_t some = std::min(left, 50'000u);
      Load(generator_.NextUsers(some));
      left -= some;
    }
    for (int i = 0; i < 3; ++i) Load(generator_.MakeUpdate(users / 10 + 1));
    for (int i = 0; i < 3 && users > 10; ++i) {
      const std::string id = model_.id(random_() % model_.size());
      if (!model_.Find("", id).has_value()) continue;
      MustBeOk(world_.engine().erasures().Erase(world_.context(), {.users = {{"", id}}}).status());
      model_.Erase(id);
    }
  }

  void Run(int rounds) {
    testing::ExpressionGenerator expressions(
        generator_.expression_tags(),
        {.depth_max = 3, .numeric_ids = generator_.some_numeric_ids(40), .typed_times = true},
        random_());
    for (int round = 0; round < rounds; ++round) {
      const query::Expression expression = expressions.Next();
      Compare(expression);
      if (::testing::Test::HasFailure()) {
        ADD_FAILURE() << query::Format(expression);
        return;
      }
    }
  }

 private:
  void Load(const testing::PlainBatch& batch) {
    model_.Apply(batch);
    world_.Load(batch, generator_.tags());
  }

  void Compare(const query::Expression& expression) {
    const NaiveClock clock("UTC", EngineWorld::kStartUs);
    const Selection selection{.what = expression, .reference_us = EngineWorld::kStartUs};
    const std::vector<bool> selected = model_.Test(expression, clock);
    const Texts members = world_.Members(selection);
    const std::set<std::string> executed(members.begin(), members.end());
    std::vector<std::vector<bool>> matches;
    for (const query::Expression* condition : query::ConditionsOf(expression)) {
      matches.push_back(model_.Test(*condition, clock));
    }
    Texts ids;
    for (int i = 0; i < 30; ++i) {
      const size_t user = random_() % model_.size();
      ids.push_back(model_.id(user));
      const absl::StatusOr<UserReasons> reasons =
          world_.engine().memberships().Why(world_.context(), selection, {"", model_.id(user)});
      if (!model_.Find("", model_.id(user)).has_value()) {
        EXPECT_EQ(ReasonOf(reasons.status()), "UNKNOWN_USER");
        continue;
      }
      MustBeOk(reasons.status());
      EXPECT_EQ(reasons->is_member, selected[user]) << model_.id(user);
      EXPECT_EQ(reasons->is_member, executed.count(model_.id(user)) == 1) << model_.id(user);
      ASSERT_EQ(reasons->conditions.size(), matches.size());
      for (size_t c = 0; c < matches.size(); ++c) {
        EXPECT_EQ(reasons->conditions[c].matches, matches[c][user]) << c << model_.id(user);
        CompareValue(reasons->conditions[c], user);
      }
    }
    CompareList(selection, selected, matches, ids);
  }

  void CompareValue(const UserCondition& condition, size_t user) const {
    if (!condition.value.has_value() || condition.value->tag.empty()) return;
    const auto& tags = model_.tags();
    const auto tag = static_cast<uint32_t>(
        std::find_if(tags.begin(), tags.end(),
                     [&](const testing::PlainTag& t) { return t.name == condition.value->tag; }) -
        tags.begin());
    const std::optional<TagValue>& value = condition.value->value;
    if (index::HasDictionary(condition.value->type) &&
        condition.value->type != index::TagType::kFlag) {
      const std::set<std::string> texts = model_.Texts(tag, user);
      ASSERT_EQ(value.has_value(), !texts.empty());
      if (!texts.empty()) {
        EXPECT_EQ(std::get<Texts>(*value), Texts(texts.begin(), texts.end()));
      }
      return;
    }
    const std::optional<int64_t> number = model_.Number(tag, user);
    if (condition.value->type == index::TagType::kFlag) {
      EXPECT_EQ(std::get<bool>(*value), number.value_or(0) == 1);
      return;
    }
    ASSERT_EQ(value.has_value(), number.has_value());
    if (number.has_value()) {
      EXPECT_EQ(std::get<int64_t>(*value), *number);
    }
  }

  void CompareList(const Selection& selection, const std::vector<bool>& selected,
                   const std::vector<std::vector<bool>>& matches, const Texts& ids) {
    const ListReasons reasons =
        Must(world_.engine().memberships().WhyAll(world_.context(), selection, "", ids));
    uint64_t in = 0;
    uint64_t unknown = 0;
    std::vector<uint64_t> matching(matches.size());
    for (const std::string& id : ids) {
      const std::optional<size_t> user = model_.Find("", id);
      unknown += user.has_value() ? 0 : 1;
      if (!user.has_value()) continue;
      in += selected[*user] ? 1 : 0;
      for (size_t c = 0; c < matches.size(); ++c) matching[c] += matches[c][*user] ? 1 : 0;
    }
    EXPECT_EQ(reasons.in, in);
    EXPECT_EQ(reasons.unknown, unknown);
    const uint64_t known = ids.size() - unknown;
    EXPECT_EQ(reasons.out, known - in);
    ASSERT_EQ(reasons.conditions.size(), matches.size());
    for (size_t c = 0; c < matches.size(); ++c) {
      const bool negated = reasons.conditions[c].condition.negated;
      EXPECT_EQ(reasons.conditions[c].missed, negated ? matching[c] : known - matching[c]) << c;
      EXPECT_LE(reasons.conditions[c].decided, reasons.out);
    }
  }

  std::mt19937_64 random_;
  EngineWorld world_;
  testing::PopulationGenerator generator_;
  NaiveModel model_;
};

TEST(WhyDifferentialTest, IsWhatTheModelAndTheWholeExecutionSay) {
  const uint64_t seed = testing::TestSeed();
  for (const uint32_t users : {1u, 40u, 2'000u, 70'000u}) {
    Comparison comparison(users, seed * 1'000 + users);
    comparison.Run(testing::TestRounds(users > 10'000 ? 20 : 100));
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace throng::engine
