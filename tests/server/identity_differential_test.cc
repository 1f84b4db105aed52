// Random interleavings of upserts, label edits, links, erasures, folds, restarts and reads at
// pinned versions, against the naive model. A failure prints the seed and what was done.
#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "query/formatter.h"
#include "tests/server/engine_world.h"
#include "tests/testing/expression_generator.h"
#include "tests/testing/naive_model.h"
#include "tests/testing/population_generator.h"
#include "tests/testing/seed.h"

namespace throng::engine {
namespace {

using testing::NaiveClock;
using testing::NaiveModel;

const std::vector<std::string>& Types() {
  static const std::vector<std::string> types = {"phone", "device"};
  return types;
}

class Interleaving {
 public:
  explicit Interleaving(uint64_t seed)
      : random_(seed),
        world_({.query_threads = 2, .fold_log_bytes = 1 << 16}),
        generator_({.ids = static_cast<testing::IdStyle>(seed % 3)}, seed + 1),
        model_(generator_.tags()) {
    world_.CreateTags(generator_.tags());
    for (const std::string& type : Types()) {
      MustBeOk(world_.engine()
                   .identities()
                   .CreateIdType(world_.context(), "default", {.name = type}, {})
                   .status());
    }
    Load(generator_.NextUsers(1 + static_cast<uint32_t>(Below(1500))));
  }

  void Step() {
    switch (Below(12)) {
      case 0:
        Load(generator_.NextUsers(1 + static_cast<uint32_t>(Below(300))));
        break;
      case 1:
      case 2:
        Load(generator_.MakeUpdate(1 + static_cast<uint32_t>(Below(200))));
        break;
      case 3:
        EditLabels();
        break;
      case 4:
      case 5:
      case 6:
        Link();
        break;
      case 7:
      case 8:
        Erase();
        break;
      case 9:
        if (Below(3) == 0) Reopen();
        break;
      default:
        Pin();
    }
  }

  // Compares the newest version, and one of those pinned. False after a failure.
  bool Compare() {
    if (!CompareAt(0, model_)) return false;
    if (pinned_.empty()) return true;
    auto one = pinned_.begin();
    std::advance(one, static_cast<ptrdiff_t>(Below(pinned_.size())));
    return CompareAt(one->first, one->second);
  }

  const std::string& log() const { return log_; }

 private:
  uint64_t Below(uint64_t end) { return random_() % end; }

  void Note(std::string what) {
    log_ += log_.empty() ? "" : ", ";
    log_ += std::move(what);
  }

  void Load(const testing::PlainBatch& batch) {
    model_.Apply(batch);
    world_.Load(batch, generator_.tags());
    Note(fmt::format("{} rows", batch.ids.size()));
  }

  void EditLabels() {
    testing::PlainLabelsEdit edit = generator_.MakeLabelsEdit();
    if (!model_.Find("", edit.id).has_value()) return;
    model_.Apply(edit);
    world_.Write({edit}, generator_.tags());
    Note("labels");
  }

  // A user who exists, or one that does not.
  std::string SomeUser() { return generator_.some_text_ids(1)[0]; }
  std::string SomeId(size_t type) {
    return type == 0 ? std::to_string(Below(3000)) : fmt::format("d{:x}", Below(3000));
  }

  // One call for many users, in which an id of another user refuses everything.
  void Link() {
    LinkRequest request{.unknown_ids = UnknownIds::kSkip};
    NaiveModel linked = model_;
    bool is_taken = false;
    for (uint64_t i = 1 + Below(8); i > 0; --i) {
      LinkedUser user{.id = SomeUser(), .ids = {}};
      for (uint64_t j = Below(4); j > 0; --j) {
        const size_t type = Below(Types().size());
        user.ids.push_back({Types()[type], SomeId(type)});
        if (!linked.Find("", user.id).has_value()) continue;
        is_taken = is_taken || !linked.Link(Types()[type], user.ids.back().id, user.id);
      }
      request.users.push_back(std::move(user));
    }
    const absl::StatusOr<LinkResult> result =
        world_.engine().identities().Link(world_.context(), request);
    EXPECT_EQ(result.ok(), !is_taken) << result.status();
    EXPECT_EQ(ReasonOf(result.status()), is_taken ? "ID_TAKEN" : "");
    if (!is_taken) model_ = std::move(linked);
    Note(is_taken ? "link refused" : "link");
  }

  void Erase() {
    EraseRequest request;
    std::vector<bool> found;
    for (uint64_t i = 1 + Below(6); i > 0; --i) {
      TypedId user{.id_type = "", .id = SomeUser()};
      if (Below(3) == 0) {
        const size_t type = Below(Types().size());
        user = {.id_type = Types()[type], .id = SomeId(type)};
      }
      const std::optional<size_t> place = model_.Find(user.id_type, user.id);
      found.push_back(place.has_value());
      if (place.has_value()) model_.Erase(model_.id(*place));
      request.users.push_back(std::move(user));
    }
    const EraseResult result = Must(world_.engine().erasures().Erase(world_.context(), request));
    for (size_t i = 0; i < found.size(); ++i) EXPECT_EQ(result.users[i].found, found[i]) << i;
    Note(fmt::format("erase {}", result.users_erased));
  }

  void Reopen() {
    world_.Reopen();
    pinned_.clear();  // leases end with the process
    Note("reopen");
  }

  void Pin() {
    const uint64_t version =
        Must(world_.engine().identities().Resolve(world_.context(), {})).data_version;
    pinned_.emplace(version, model_);
    if (pinned_.size() > 6) pinned_.erase(pinned_.begin());
    Note(fmt::format("pin {}", version));
  }

  bool CompareAt(uint64_t version, const NaiveModel& model) {
    testing::ExpressionGenerator expressions(generator_.expression_tags(),
                                             {.ids = generator_.some_text_ids(20)}, random_());
    for (int i = 0; i < 3; ++i) {
      const query::Expression expression =
          i == 0 ? query::Expression{query::AllUsers{}} : expressions.Next();
      const Selection selection{.what = expression,
                                .time_zone = "UTC",
                                .reference_us = EngineWorld::kStartUs,
                                .read_version = version};
      const std::vector<std::string> expected =
          model.Select(expression, NaiveClock("UTC", EngineWorld::kStartUs));
      if (world_.Members(selection) == expected) continue;
      ADD_FAILURE() << query::Format(expression) << " at version " << version;
      return false;
    }
    return CompareIds(version, model);
  }

  bool CompareIds(uint64_t version, const NaiveModel& model) {
    for (size_t type = 0; type < Types().size(); ++type) {
      ResolveRequest by_id{.from_type = Types()[type], .read_version = version};
      for (int i = 0; i < 200; ++i) by_id.ids.push_back(SomeId(type));
      const auto owners = Must(world_.engine().identities().Resolve(world_.context(), by_id));
      ResolveRequest by_user{
          .ids = generator_.some_text_ids(100), .to_type = Types()[type], .read_version = version};
      const auto ids = Must(world_.engine().identities().Resolve(world_.context(), by_user));
      for (size_t i = 0; i < by_id.ids.size(); ++i) {
        const std::optional<size_t> owner = model.Find(Types()[type], by_id.ids[i]);
        const ResolvedId& found = owners.results[i];
        if (found.found == owner.has_value() &&
            (!found.found || found.ids[0] == model.id(*owner))) {
          continue;
        }
        ADD_FAILURE() << Types()[type] << " " << by_id.ids[i] << " at version " << version;
        return false;
      }
      for (size_t i = 0; i < by_user.ids.size(); ++i) {
        const std::optional<size_t> user = model.Find("", by_user.ids[i]);
        const ResolvedId& found = ids.results[i];
        if (found.found == user.has_value() &&
            (!found.found || found.ids == LinkedIdsOf(model, Types()[type], *user))) {
          continue;
        }
        ADD_FAILURE() << "user " << by_user.ids[i] << " at version " << version;
        return false;
      }
    }
    return true;
  }

  std::mt19937_64 random_;
  EngineWorld world_;
  testing::PopulationGenerator generator_;
  NaiveModel model_;
  std::map<uint64_t, NaiveModel> pinned_;
  std::string log_;
};

TEST(IdentityDifferentialRandomTest, AgreesWithTheNaiveModelAtEveryVersion) {
  const uint64_t seed = testing::TestSeed();
  for (int round = 0; round < testing::TestRounds(12); ++round) {
    Interleaving interleaving(seed + static_cast<uint64_t>(round));
    for (int step = 0; step < 60; ++step) {
      interleaving.Step();
      if (step % 4 != 3) continue;
      if (!interleaving.Compare() || ::testing::Test::HasFailure()) {
        FAIL() << "THRONG_TEST_SEED=" << seed + static_cast<uint64_t>(round) << ": "
               << interleaving.log();
      }
    }
  }
}

}  // namespace
}  // namespace throng::engine
