// The engine against the naive model: the same users for random expressions over random
// populations, at the edges of chunks and shards, on deltas, after REPLACE and after a restart.
//
// A failure prints the seed, the population, what was done to it, and the expression.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "index/layout.h"
#include "query/formatter.h"
#include "tests/server/engine_world.h"
#include "tests/testing/expression_generator.h"
#include "tests/testing/naive_model.h"
#include "tests/testing/population_generator.h"
#include "tests/testing/seed.h"

namespace throng::engine {
namespace {

using testing::ExpressionGenerator;
using testing::IdStyle;
using testing::NaiveClock;
using testing::NaiveModel;
using testing::PopulationGenerator;

constexpr uint32_t kChunk = 1 << 16;
constexpr uint32_t kShard = 1 << 20;

struct Scenario {
  std::string name;
  testing::PopulationOptions options;
  std::vector<uint32_t> sizes;  // the population is compared each time it has grown to one
  uint32_t update_rows = 0;
  double share = 0;  // of all expressions
};

// Takes ids as the engine gives them and compares each with the next user the model selected.
class MemberMatcher {
 public:
  MemberMatcher(const NaiveModel& model, const std::vector<uint64_t>& numbers,
                const std::vector<bool>& selected)
      : model_(model), numbers_(numbers), selected_(selected) {
    Skip();
  }

  void Take(std::string_view id) {
    same_ = same_ && user_ < selected_.size() && model_.id(user_) == id;
    Next();
  }
  void Take(uint64_t number) {
    same_ = same_ && user_ < selected_.size() && numbers_[user_] == number;
    Next();
  }
  // Whether all was the same and nothing is left.
  bool Done() const { return same_ && user_ >= selected_.size(); }

 private:
  void Next() {
    ++user_;
    Skip();
  }
  void Skip() {
    while (user_ < selected_.size() && !selected_[user_]) ++user_;
  }

  const NaiveModel& model_;
  const std::vector<uint64_t>& numbers_;
  const std::vector<bool>& selected_;
  size_t user_ = 0;
  bool same_ = true;
};

// One population in the engine and in the model.
class Comparison {
 public:
  Comparison(const Scenario& scenario, uint64_t seed)
      : scenario_(scenario),
        random_(seed),
        world_({.query_threads = 2, .fold_log_bytes = 1 << 20}),
        generator_(scenario.options, seed + 1),
        model_(generator_.tags()) {
    world_.CreateTags(generator_.tags());
  }

  void GrowTo(uint32_t users) {
    while (generator_.users() < users) {
      Load(generator_.NextUsers(std::min(kBatchRowsMax, users - generator_.users())));
    }
    doing_ = fmt::format("grown to {} users", users);
  }

  // One large commit, then small ones, which stay in deltas.
  void Update() {
    Load(generator_.MakeUpdate(scenario_.update_rows));
    for (int i = 0; i < 3; ++i) Load(generator_.MakeUpdate(5));
    std::vector<testing::PlainLabelsEdit> edits;
    for (int i = 0; i < 20; ++i) {
      edits.push_back(generator_.MakeLabelsEdit());
      model_.Apply(edits.back());
    }
    world_.Write(edits, generator_.tags());
    doing_ += ", updated";
  }

  void Reopen() {
    world_.Reopen();
    doing_ += ", opened again";
  }

  void Replace() {
    const auto tag = static_cast<uint32_t>(random_() % generator_.tags().size());
    const testing::PlainBatch batch = generator_.MakeReplacement(tag, scenario_.update_rows);
    model_.ClearTag(tag);
    model_.Apply(batch);
    world_.Load(batch, generator_.tags(), LoadMode::kReplace);
    doing_ += fmt::format(", replaced {}", generator_.tags()[tag].name);
  }

  // Compares `rounds` expressions. False after a failure.
  bool Compare(int rounds) {
    ReadNumbers();
    const bool large = model_.size() > 10'000;
    testing::GeneratorOptions options{
        .depth_max = large ? 3 : 4, .ids = generator_.some_text_ids(40), .limited_one_in = 5};
    if (scenario_.options.ids != IdStyle::kTexts) {
      options.numeric_ids = generator_.some_numeric_ids(40);
    }
    ExpressionGenerator texts(generator_.expression_tags(), options, random_());
    options.typed_times = true;
    ExpressionGenerator trees(generator_.expression_tags(), options, random_());
    for (int round = 0; round < rounds; ++round) {
      const bool as_text = random_() % 2 == 0;
      query::Expression expression = as_text ? texts.Next() : trees.Next();
      if (!CompareOne(expression, as_text)) return false;
    }
    return true;
  }

  // Compares what a version handed out before says now with the model as it was then.
  bool CompareThePast(int rounds) {
    const NaiveModel then = model_;
    const uint64_t version =
        Must(world_.selections().Count(world_.context(), {.what = "all()"})).info.data_version;
    Update();
    ExpressionGenerator expressions(generator_.expression_tags(), {.limited_one_in = 3}, random_());
    for (int round = 0; round < rounds; ++round) {
      const query::Expression expression = expressions.Next();
      Selection selection = Randomized(expression, false);
      selection.read_version = version;
      if (!CompareMembers(then, selection, ExpectedUsers(then, expression, selection))) {
        return Fail(expression, selection, fmt::format("at version {}", version));
      }
    }
    return true;
  }

  int compared() const { return compared_; }

 private:
  void Load(const testing::PlainBatch& batch) {
    model_.Apply(batch);
    world_.Load(batch, generator_.tags());
  }

  void ReadNumbers() {
    while (numbers_.size() < model_.size()) {
      numbers_.push_back(std::strtoull(model_.id(numbers_.size()).c_str(), nullptr, 10));
    }
  }

  Selection Randomized(const query::Expression& expression, bool as_text) {
    static const std::string kZones[] = {"UTC",          "Asia/Shanghai",     "America/New_York",
                                         "Pacific/Apia", "America/Sao_Paulo", "Asia/Kathmandu"};
    Selection selection{.time_zone = kZones[random_() % std::size(kZones)]};
    if (as_text) {
      selection.what = query::Format(expression);
    } else {
      selection.what = expression;
    }
    constexpr int64_t kYearUs = 365 * 86'400'000'000LL;
    selection.reference_us = EngineWorld::kStartUs - kYearUs / 2 +
                             static_cast<int64_t>(random_() % static_cast<uint64_t>(kYearUs));
    return selection;
  }

  static std::vector<bool> ExpectedUsers(const NaiveModel& model,
                                         const query::Expression& expression,
                                         const Selection& selection) {
    return model.Test(expression, NaiveClock(selection.time_zone, *selection.reference_us));
  }

  bool CompareOne(const query::Expression& expression, bool as_text) {
    const Selection selection = Randomized(expression, as_text);
    const std::vector<bool> expected = ExpectedUsers(model_, expression, selection);
    const auto total = static_cast<uint64_t>(std::count(expected.begin(), expected.end(), true));
    ++compared_;
    const absl::StatusOr<CountResult> count =
        world_.selections().Count(world_.context(), selection);
    if (!count.ok()) return Fail(expression, selection, count.status().ToString());
    if (count->count != total) {
      return Fail(expression, selection,
                  fmt::format("counted {} users, there are {}", count->count, total));
    }
    const std::optional<CountResult> now =
        world_.selections().CountNow(world_.context(), selection);
    if (now.has_value() && now->count != total) {
      return Fail(expression, selection, fmt::format("at once {} users", now->count));
    }
    if (!CompareMembers(model_, selection, expected)) {
      return Fail(expression, selection, "other users of the same number");
    }
    if (random_() % 16 == 0 && !CompareBreakdown(selection, expected)) {
      return Fail(expression, selection, "another breakdown");
    }
    if (random_() % 16 == 0) {
      const ExplainResult explained =
          Must(world_.selections().Explain(world_.context(), selection, {.analyze = true}));
      // The operators of a limited expression are those of what the limit is taken of.
      const bool limited = std::holds_alternative<query::Limited>(expression.node);
      if (explained.count != total || (!limited && explained.nodes[0].run->users != total)) {
        return Fail(expression, selection, "explain counts otherwise");
      }
    }
    return true;
  }

  // By pages of any size, or by export.
  bool CompareMembers(const NaiveModel& model, const Selection& selection,
                      const std::vector<bool>& expected) {
    MemberMatcher matcher(model, numbers_, expected);
    if (model.size() <= 10'000 && random_() % 2 == 0) {
      const auto page_size = static_cast<uint32_t>(model.size() / 4 + random_() % model.size() + 1);
      for (const std::string& id : world_.Members(selection, page_size)) matcher.Take(id);
      return matcher.Done();
    }
    const ExportSink sink{.start = [](const ExportStart&) { return absl::OkStatus(); },
                          .frame =
                              [&](const ExportFrame& frame) {
                                for (const uint64_t number : frame.numbers) matcher.Take(number);
                                for (const std::string& id : frame.ids) matcher.Take(id);
                                return absl::OkStatus();
                              },
                          .roaring = [](const std::string&) { return absl::OkStatus(); }};
    return world_.selections().Export(world_.context(), selection, {}, sink).ok() && matcher.Done();
  }

  bool CompareBreakdown(const Selection& selection, const std::vector<bool>& selected) {
    BreakdownRequest request{.top_k = kBreakdownRowsMax};
    std::vector<uint32_t> tags;
    for (uint32_t tag = 0; tag < model_.tags().size(); ++tag) {
      if (model_.tags()[tag].type > testing::PlainType::kLabels) continue;
      request.tags.push_back(model_.tags()[tag].name);
      tags.push_back(tag);
    }
    const BreakdownResult result =
        Must(world_.engine().insights().Breakdown(world_.context(), selection, request));
    for (size_t i = 0; i < tags.size(); ++i) {
      const uint64_t having = model_.CountHaving(tags[i], selected);
      std::map<std::string, uint64_t> counts;
      for (const BreakdownRow& row : result.tags[i].rows) {
        if (row.count > 0) counts[row.value] = row.count;
      }
      if (model_.tags()[tags[i]].type == testing::PlainType::kFlag) {
        if (counts["true"] != having || counts["false"] != result.count - having) return false;
        continue;
      }
      if (counts != model_.CountValues(tags[i], selected)) return false;
      if (result.tags[i].missing.count != result.count - having) return false;
    }
    return true;
  }

  bool Fail(const query::Expression& expression, const Selection& selection,
            std::string_view what) {
    const std::string text = query::Format(expression);
    ADD_FAILURE() << scenario_.name << ": " << doing_ << ": " << what << "\n  zone "
                  << selection.time_zone << ", reference " << *selection.reference_us << "\n  "
                  << text;
    return false;
  }

  const Scenario scenario_;
  std::mt19937_64 random_;
  EngineWorld world_;
  PopulationGenerator generator_;
  NaiveModel model_;
  std::vector<uint64_t> numbers_;  // the model's ids, read as numbers
  std::string doing_;
  int compared_ = 0;
};

// What happens to a population, with comparisons in between. Returns how many there were.
int CompareScenario(const Scenario& scenario, int rounds, uint64_t seed) {
  index::SetLayout(seed / 2 % 2 == 0 ? index::Layout::kSpeed : index::Layout::kCompact);
  Comparison comparison(scenario, seed);
  const int phases = static_cast<int>(scenario.sizes.size()) + 5;
  const int each = std::max(1, (rounds + phases - 1) / phases);
  for (const uint32_t size : scenario.sizes) {
    comparison.GrowTo(size);
    if (!comparison.Compare(each)) return comparison.compared();
  }
  const std::vector<void (Comparison::*)()> steps = {&Comparison::Update, &Comparison::Reopen,
                                                     &Comparison::Update, &Comparison::Replace,
                                                     &Comparison::Reopen};
  for (const auto step : steps) {
    (comparison.*step)();
    if (!comparison.Compare(each)) return comparison.compared();
  }
  if (scenario.sizes.back() < 10'000) comparison.CompareThePast(each);
  return comparison.compared();
}

std::vector<Scenario> Scenarios() {
  std::vector<Scenario> scenarios;
  for (const uint32_t users : {1u, 2u, 7u, 64u, 65u, 200u, 300u, 500u}) {
    for (const IdStyle ids : {IdStyle::kNumbers, IdStyle::kMixed}) {
      scenarios.push_back({.name = fmt::format("{} users", users),
                           .options = {.ids = ids},
                           .sizes = {users},
                           .update_rows = users / 3 + 1,
                           .share = 0.04});
    }
  }
  scenarios.push_back({.name = "texts as ids",
                       .options = {.ids = IdStyle::kTexts},
                       .sizes = {1'000, 5'000},
                       .update_rows = 900,
                       .share = 0.25});
  scenarios.push_back({.name = "chunk edge",
                       .sizes = {kChunk - 1, kChunk, kChunk + 1},
                       .update_rows = 4'000,
                       .share = 0.06});
  scenarios.push_back({.name = "chunk edge, mixed ids",
                       .options = {.ids = IdStyle::kMixed, .edges_only = true},
                       .sizes = {2 * kChunk - 1, 2 * kChunk, 2 * kChunk + 1},
                       .update_rows = 300,
                       .share = 0.04});
  scenarios.push_back({.name = "shard edge",
                       .options = {.edges_only = true},
                       .sizes = {kShard - 1, kShard, kShard + 1},
                       .update_rows = 20'000,
                       .share = 0.01});
  return scenarios;
}

TEST(DifferentialTest, EngineAndModelSelectTheSameUsers) {
  const uint64_t seed = testing::TestSeed();
  const int rounds = testing::TestRounds(20'000);
  int compared = 0;
  uint64_t number = 0;
  for (const Scenario& scenario : Scenarios()) {
    const int share = static_cast<int>(scenario.share * rounds) + 1;
    compared += CompareScenario(scenario, share, seed * 1'000 + 2 * number++);
    if (HasFailure()) break;
  }
  std::printf("%d expressions compared\n", compared);
  if (HasFailure()) return;
  EXPECT_GE(compared, rounds);
}

}  // namespace
}  // namespace throng::engine
