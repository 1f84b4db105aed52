// The engine against CRoaring: whole expressions over whole bitmaps, with CRoaring's own &, |, -
// and cardinality, beside the naive model that goes user by user. The bitmaps are made of the plain
// values; users are erased, and their ids come back as other users.
//
// A failure prints the seed, the population and the expression.
#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "index/overloaded.h"
#include "query/formatter.h"
#include "roaring/roaring.hh"
#include "tests/server/crowd_world.h"
#include "tests/server/package_reader.h"
#include "tests/testing/expression_generator.h"
#include "tests/testing/naive_model.h"
#include "tests/testing/population_generator.h"
#include "tests/testing/seed.h"

namespace throng::engine {
namespace {

using query::Expression;
using roaring::Roaring;
using testing::ExpressionGenerator;
using testing::IdStyle;
using testing::NaiveClock;
using testing::NaiveModel;
using testing::PlainType;
using testing::PopulationGenerator;

// What the naive model holds, as bitmaps of users in order of creation. Not thread-safe.
class BitmapModel {
 public:
  explicit BitmapModel(std::vector<testing::PlainTag> tags) : model_(std::move(tags)) {}

  // What was changed in it is seen after Read().
  NaiveModel& model() { return model_; }

  void Read() {
    everybody_ = Roaring();
    values_.assign(model_.tags().size(), {});
    having_.assign(model_.tags().size(), Roaring());
    for (uint32_t user = 0; user < model_.size(); ++user) {
      if (model_.Find("", model_.id(user)) == user) everybody_.add(user);
    }
    for (uint32_t tag = 0; tag < model_.tags().size(); ++tag) ReadTag(tag);
  }

  const Roaring& everybody() const { return everybody_; }
  void SetCrowd(const std::string& name, const Roaring& users) { crowds_[name] = users; }

  // Users of an expression, of what its limit is taken of if it has one.
  Roaring Select(const Expression& expression) const {
    return std::visit(
        index::Overloaded{
            [&](const query::And& node) {
              Roaring users = everybody_;
              for (const Expression& operand : node.operands) users &= Select(operand);
              return users;
            },
            [&](const query::Or& node) {
              Roaring users;
              for (const Expression& operand : node.operands) users |= Select(operand);
              return users;
            },
            [&](const query::Not& node) { return everybody_ - Select(node.operand.front()); },
            [&](const query::Limited& node) { return Select(node.operand.front()); },
            [&](const query::Condition& node) { return SelectCondition(node) & everybody_; },
            [&](const query::IdSet& node) { return SelectIds(node); },
            [&](const query::Bucket&) { return SelectNaively(expression); },
            [&](const query::Sample&) { return SelectNaively(expression); },
            [&](const query::AllUsers&) { return everybody_; },
            [&](const query::NoUsers&) { return Roaring(); },
            [&](const query::CrowdRef& node) { return crowds_.at(node.name) & everybody_; },
        },
        expression.node);
  }

  // By their primary ids.
  Roaring UsersOf(const std::vector<std::string>& ids) const {
    Roaring users;
    for (const std::string& id : ids) {
      const std::optional<size_t> user = model_.Find("", id);
      if (user.has_value()) users.add(static_cast<uint32_t>(*user));
    }
    return users;
  }

 private:
  void ReadTag(uint32_t tag) {
    const PlainType type = model_.tags()[tag].type;
    const bool has_texts = type == PlainType::kCategory || type == PlainType::kLabels;
    for (const uint32_t user : everybody_) {
      if (has_texts) {
        for (const std::string& text : model_.Texts(tag, user)) values_[tag][text].add(user);
      } else if (model_.Number(tag, user).has_value()) {
        having_[tag].add(user);
      }
    }
    for (const auto& [text, users] : values_[tag]) having_[tag] |= users;
  }

  Roaring SelectCondition(const query::Condition& condition) const {
    uint32_t tag = 0;
    while (model_.tags()[tag].name != condition.tag) ++tag;
    const bool is_flag = model_.tags()[tag].type == PlainType::kFlag;
    return std::visit(
        index::Overloaded{
            [&](const query::AnyOf& test) { return SelectAny(tag, test.values, condition); },
            [&](const query::NoneOf& test) {
              const Roaring& of = is_flag ? everybody_ : having_[tag];
              const query::AnyOf any{test.values};
              return of - SelectAny(tag, test.values, {condition.tag, any, {}, {}});
            },
            [&](const query::Range&) { return SelectNaively({condition}); },
            [&](const query::Exists&) { return is_flag ? everybody_ : having_[tag]; },
            [&](const query::IsSet&) { return having_[tag]; },
        },
        condition.test);
  }
  // `any` is the test of the values.
  Roaring SelectAny(uint32_t tag, const std::vector<query::Value>& values,
                    const query::Condition& any) const {
    const PlainType type = model_.tags()[tag].type;
    if (type > PlainType::kLabels) return SelectNaively({any});
    Roaring users;
    for (const query::Value& value : values) {
      if (type == PlainType::kFlag) {
        users |= std::get<bool>(value.literal) ? having_[tag] : everybody_ - having_[tag];
        continue;
      }
      const auto known = values_[tag].find(std::get<std::string>(value.literal));
      if (known != values_[tag].end()) users |= known->second;
    }
    return users;
  }
  Roaring SelectIds(const query::IdSet& set) const {
    std::vector<std::string> ids = set.ids;
    for (const uint64_t number : set.numbers) ids.push_back(std::to_string(number));
    return UsersOf(ids);
  }
  // A leaf that only the model can read: numbers, times, the hash.
  Roaring SelectNaively(const Expression& leaf) const {
    const std::vector<bool> selected = model_.Test(leaf, clock_);
    Roaring users;
    for (uint32_t user = 0; user < selected.size(); ++user) {
      if (selected[user]) users.add(user);
    }
    return users;
  }

  NaiveModel model_;
  const NaiveClock clock_{"UTC", EngineWorld::kStartUs};
  Roaring everybody_;
  std::vector<std::map<std::string, Roaring>> values_;  // by tag, of CATEGORY and LABELS
  std::vector<Roaring> having_;                         // by tag: who has it; FLAG: who has it set
  std::map<std::string, Roaring> crowds_;
};

// One population in the engine and in bitmaps.
class BitmapComparison {
 public:
  BitmapComparison(const testing::PopulationOptions& options, uint64_t seed)
      : options_(options),
        random_(seed),
        world_({.query_threads = 2, .fold_log_bytes = 1 << 20}),
        generator_(options, seed + 1),
        bitmaps_(generator_.tags()) {
    world_.CreateTags(generator_.tags());
  }

  void GrowTo(uint32_t users) {
    while (generator_.users() < users) {
      Load(generator_.NextUsers(std::min(kBatchRowsMax, users - generator_.users())));
    }
    bitmaps_.Read();
  }

  // Changes some users, erases some, and brings some of the erased ids back.
  void Change(uint32_t erased) {
    Load(generator_.MakeUpdate(200));
    EraseRequest erase;
    for (uint32_t i = 0; i < erased; ++i) {
      NaiveModel& model = bitmaps_.model();
      const size_t user = random_() % model.size();
      const std::string id = model.id(user);
      if (model.Find("", id) != user) continue;
      erase.users.push_back({"", id});
      model.Erase(id);
    }
    MustBeOk(world_.engine().erasures().Erase(world_.context(), erase).status());
    Load(generator_.MakeUpdate(200));
    bitmaps_.Read();
  }

  void Reopen() {
    MustBeOk(world_.engine().administration().Fold());
    world_.Reopen();
  }

  // Saves crowds that expressions name from then on.
  void MakeCrowds() {
    for (int i = 0; i < 3; ++i) {
      const std::string name = fmt::format("crowd {}", i);
      const Expression rule =
          ExpressionGenerator(generator_.expression_tags(), {.depth_max = 2}, random_()).Next();
      MustBeOk(world_.crowds()
                   .Create(world_.context(),
                           {.name = name, .rule = rule, .reference_us = EngineWorld::kStartUs}, {})
                   .status());
      world_.Refresh({name});
      bitmaps_.SetCrowd(name, bitmaps_.Select(rule));
      crowds_.push_back({.name = name});
    }
  }

  // False after a failure.
  bool Compare(int rounds) {
    testing::GeneratorOptions options{.depth_max = 4,
                                      .ids = generator_.some_text_ids(40),
                                      .limited_one_in = 8,
                                      .crowds = crowds_};
    if (options_.ids == IdStyle::kNumbers) options.numeric_ids = generator_.some_numeric_ids(40);
    ExpressionGenerator expressions(generator_.expression_tags(), options, random_());
    options.limited_one_in = 0;
    ExpressionGenerator unlimited(generator_.expression_tags(), options, random_());
    for (int round = 0; round < rounds; ++round) {
      if (!CompareOne(expressions.Next())) return false;
      if (round % 4 == 0 && !CompareTwo(unlimited.Next(), unlimited.Next())) return false;
    }
    return true;
  }

 private:
  void Load(const testing::PlainBatch& batch) {
    bitmaps_.model().Apply(batch);
    world_.Load(batch, generator_.tags());
  }

  static Selection Of(Expression expression) {
    return {.what = std::move(expression), .reference_us = EngineWorld::kStartUs};
  }
  uint64_t Count(const Expression& expression) {
    return Must(world_.selections().Count(world_.context(), Of(expression))).count;
  }
  // As the engine writes a bitmap: of ids, all of which are numbers.
  std::vector<std::string> ExportBitmap(const Expression& expression) {
    std::string bytes;
    const ExportSink sink{.start = [](const ExportStart&) { return absl::OkStatus(); },
                          .frame = [](const ExportFrame&) { return absl::OkStatus(); },
                          .roaring =
                              [&](const std::string& bitmap) {
                                bytes = bitmap;
                                return absl::OkStatus();
                              }};
    MustBeOk(world_.selections().Export(world_.context(), Of(expression), {.roaring = true}, sink));
    std::vector<std::string> ids;
    for (const uint64_t number : ReadRoaring(bytes, true)) ids.push_back(std::to_string(number));
    return ids;
  }

  bool CompareOne(const Expression& expression) {
    const Roaring matching = bitmaps_.Select(expression);
    const auto* limited = std::get_if<query::Limited>(&expression.node);
    uint64_t expected = matching.cardinality();
    if (limited != nullptr) expected = std::min<uint64_t>(expected, limited->users);
    const uint64_t count = Count(expression);
    if (count != expected) {
      return Fail(expression, fmt::format("counted {}, the bitmap has {}", count, expected));
    }
    const bool as_bitmap = options_.ids == IdStyle::kNumbers && random_() % 2 == 0;
    const std::vector<std::string> ids =
        as_bitmap ? ExportBitmap(expression) : world_.Members(Of(expression));
    const Roaring found = bitmaps_.UsersOf(ids);
    if (ids.size() != expected || found.cardinality() != expected) {
      return Fail(expression, fmt::format("{} ids, the bitmap has {}", ids.size(), expected));
    }
    const bool same = limited == nullptr ? found == matching : found.isSubset(matching);
    return same || Fail(expression, "other users of the same number");
  }

  // Both, either, and one without the other, by cardinalities alone.
  bool CompareTwo(const Expression& a, const Expression& b) {
    const Roaring in_a = bitmaps_.Select(a);
    const Roaring in_b = bitmaps_.Select(b);
    const Expression not_b{query::Not{{b}}};
    const std::pair<Expression, uint64_t> cases[] = {
        {{query::And{{a, b}}}, in_a.and_cardinality(in_b)},
        {{query::Or{{a, b}}}, in_a.or_cardinality(in_b)},
        {{query::And{{a, not_b}}}, in_a.andnot_cardinality(in_b)},
        {{query::Or{{a, not_b}}}, (in_a | (bitmaps_.everybody() - in_b)).cardinality()},
        {not_b, bitmaps_.everybody().andnot_cardinality(in_b)}};
    for (const auto& [expression, expected] : cases) {
      const uint64_t count = Count(expression);
      if (count != expected) {
        return Fail(expression, fmt::format("counted {}, there are {}", count, expected));
      }
    }
    return true;
  }

  bool Fail(const Expression& expression, std::string_view what) {
    ADD_FAILURE() << bitmaps_.everybody().cardinality() << " of " << bitmaps_.model().size()
                  << " users: " << what << "\n  " << query::Format(expression);
    return false;
  }

  const testing::PopulationOptions options_;
  std::mt19937_64 random_;
  CrowdWorld world_;
  PopulationGenerator generator_;
  BitmapModel bitmaps_;
  std::vector<query::CrowdRef> crowds_;
};

// Small and large, numbers and texts as ids; each part of its life gets as many rounds.
void CompareLife(const testing::PopulationOptions& options, uint32_t users, uint32_t erased,
                 int rounds, uint64_t seed) {
  SCOPED_TRACE(fmt::format("seed {}, grown to {} users", seed, users));
  BitmapComparison comparison(options, seed);
  comparison.GrowTo(users);
  comparison.MakeCrowds();
  if (!comparison.Compare(rounds)) return;
  comparison.Change(erased);
  if (!comparison.Compare(rounds)) return;
  comparison.Reopen();
  comparison.Change(erased);
  comparison.Compare(rounds);
}

TEST(RoaringDifferentialTest, EngineAndCRoaringSelectTheSameUsers) {
  const uint64_t seed = testing::TestSeed();
  const int rounds = testing::TestRounds(240);
  CompareLife({.ids = IdStyle::kNumbers}, 300, 40, rounds, seed);
  CompareLife({.ids = IdStyle::kMixed}, 2'000, 100, rounds, seed + 10);
  CompareLife({.ids = IdStyle::kTexts}, 700, 60, rounds, seed + 20);
  // Across chunks: bitmaps of every form on both sides.
  CompareLife({.edges_only = true}, 135'000, 500, rounds / 24 + 1, seed + 30);
}

}  // namespace
}  // namespace throng::engine
