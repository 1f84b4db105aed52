// Random crowds, versions, links, erasures and restarts: checks of membership against sets of ids.
//
// A failure prints the seed, the round and the step.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "server/engine/crowd_membership.h"
#include "server/engine/memberships.h"
#include "tests/server/crowd_world.h"
#include "tests/testing/seed.h"

namespace throng::engine {
namespace {

using enum MemberState;

// What the differential knows: sets of ids.
struct PlainVersions {
  std::map<uint32_t, std::set<std::string>> kept;
  uint32_t newest = 0;
};

constexpr uint32_t kKeepLast = 3;

class MembershipComparison {
 public:
  explicit MembershipComparison(uint64_t seed)
      : random_(seed),
        world_({.query_threads = 2, .fold_log_bytes = 1 << 18, .crowd_cache_bytes = 2'000}) {
    for (int i = 0; i < 200; ++i) AddUser();
    MustBeOk(
        world_.engine()
            .identities()
            .CreateIdType(world_.context(), "default",
                          {.name = "phone", .normalizers = {index::IdNormalizer::kPhoneDigits}}, {})
            .status());
    for (int c = 0; c < 5; ++c) {
      const std::string name = fmt::format("crowd {}", c);
      Must(world_.crowds().Create(world_.context(),
                                  {.name = name, .rule = "none()", .keep_last = kKeepLast}, {}));
      crowds_[name];
    }
    session_ = Open();
  }

  void Step() {
    switch (Below(8)) {
      case 0:
        AddUser();
        break;
      case 1:
        Erase();
        break;
      case 2:
      case 3:
        LinkPhone();
        break;
      case 4:
      case 5:
      case 6:
        Refresh();
        break;
      default:
        if (Below(4) != 0) break;
        session_ = nullptr;
        world_.Reopen();
        session_ = Open();
    }
    CompareChecks();
    CompareBatch();
    CompareSession();
  }

 private:
  size_t Below(size_t end) { return random_() % end; }

  std::unique_ptr<CheckSession> Open() {
    SessionSetup setup{.skip_missing = true};
    for (const auto& [name, versions] : crowds_) setup.crowds.push_back(name);
    setup.crowds.emplace_back("never made");
    return Must(world_.engine().memberships().OpenSession(world_.context(), setup));
  }
  void AddUser() {
    const std::string id =
        Below(2) == 0 ? fmt::format("{}", 1'000 + made_) : fmt::format("user {}", made_);
    ++made_;
    world_.Write(id, {});
    living_.push_back(id);
  }
  void Erase() {
    const size_t i = Below(living_.size());
    world_.Erase(living_[i]);
    std::erase_if(phones_, [&](const auto& phone) { return phone.second == living_[i]; });
    erased_.push_back(living_[i]);
    living_.erase(living_.begin() + static_cast<ptrdiff_t>(i));
  }
  void LinkPhone() {
    const std::string phone = fmt::format("138{:04}", Below(300));
    const std::string& user = living_[Below(living_.size())];
    if (phones_.contains(phone)) return;
    const absl::StatusOr<LinkResult> linked = world_.engine().identities().Link(
        world_.context(), {.users = {{.id = user, .ids = {{"phone", phone}}}}});
    if (linked.ok()) phones_[phone] = user;  // not beyond 16 phones of a user
  }
  void Refresh() {
    auto crowd = crowds_.begin();
    std::advance(crowd, static_cast<ptrdiff_t>(Below(crowds_.size())));
    std::set<std::string> members;
    std::string rule;
    for (size_t i = Below(60); i > 0; --i) {
      const std::string& id = living_[Below(living_.size())];
      if (members.insert(id).second) rule += fmt::format("{}'{}'", rule.empty() ? "" : ",", id);
    }
    rule = members.empty() ? "none()" : fmt::format("ids({})", rule);
    Must(world_.crowds().Update(world_.context(), {.name = crowd->first, .rule = rule}, {}));
    world_.Refresh({crowd->first});
    PlainVersions& versions = crowd->second;
    versions.kept[++versions.newest] = members;
    if (versions.kept.size() > kKeepLast) versions.kept.erase(versions.kept.begin());
  }

  // An id of a type ("" or "phone") as somebody might give it.
  std::string AnyId(const std::string& type) {
    const size_t kind = Below(10);
    if (kind == 0) return type.empty() ? "" : "not a number";
    if (kind == 1) return "no such user 9999999";
    if (type == "phone") return fmt::format("+138-{:04}", Below(300));
    if (kind == 2 && !erased_.empty()) return erased_[Below(erased_.size())];
    return living_[Below(living_.size())];
  }
  // Whom it names: empty, if it is refused or nobody's, which `state` says.
  std::string UserOf(const std::string& type, const std::string& id, MemberState* state) const {
    std::string user = id;
    *state = kUnknownUser;
    if (type == "phone") {
      std::string digits;
      for (const char c : id) digits += c >= '0' && c <= '9' ? std::string(1, c) : "";
      if (digits.empty()) *state = kInvalidId;
      const auto phone = phones_.find(digits);
      user = phone == phones_.end() ? "" : phone->second;
    } else if (id.empty()) {
      *state = kInvalidId;
    }
    return std::find(living_.begin(), living_.end(), user) == living_.end() ? "" : user;
  }
  MemberState Expected(const std::string& type, const std::string& id,
                       const std::set<std::string>* members) const {
    if (members == nullptr) return kNoVersion;
    MemberState state;
    const std::string user = UserOf(type, id, &state);
    if (user.empty()) return state;
    return members->contains(user) ? kMember : kNotMember;
  }
  const std::set<std::string>* MembersOf(const CrowdVersionRef& ref) const {
    const auto crowd = crowds_.find(std::string(ref.crowd));
    if (crowd == crowds_.end() || crowd->second.newest == 0) return nullptr;
    const auto version =
        crowd->second.kept.find(ref.version == 0 ? crowd->second.newest : ref.version);
    return version == crowd->second.kept.end() ? nullptr : &version->second;
  }
  CrowdVersionRef AnyVersion() {
    if (Below(12) == 0) return {"never made"};
    auto crowd = crowds_.begin();
    std::advance(crowd, static_cast<ptrdiff_t>(Below(crowds_.size())));
    const uint32_t newest = crowd->second.newest;
    if (newest == 0 || Below(2) == 0) return {crowd->first};
    return {crowd->first, 1 + static_cast<uint32_t>(Below(newest))};
  }
  std::string AnyType() { return Below(2) == 0 ? "phone" : ""; }

  void CompareChecks() {
    const std::string type = AnyType();
    const std::string id = AnyId(type);
    std::vector<CrowdVersionRef> crowds(1 + Below(8));
    for (CrowdVersionRef& crowd : crowds) crowd = AnyVersion();
    const CheckRequest request{.id_type = type, .id = id, .crowds = crowds, .skip_missing = true};
    Memberships& memberships = world_.engine().memberships();
    const absl::StatusOr<CheckResult> found = memberships.Check(world_.context(), request);
    const std::optional<CheckResult> now = memberships.CheckNow(world_.context(), request);
    MemberState state;
    if (UserOf(type, id, &state).empty() && state == kInvalidId) {
      EXPECT_EQ(FieldOf(found.status()), "user.id");
      EXPECT_EQ(now, std::nullopt);
      return;
    }
    ASSERT_TRUE(found.ok()) << found.status();
    if (now.has_value()) {
      EXPECT_EQ(now->states, found->states);
    }
    for (size_t i = 0; i < crowds.size(); ++i) {
      const std::set<std::string>* members = MembersOf(crowds[i]);
      EXPECT_EQ(found->states[i], Expected(type, id, members))
          << type << " " << id << " in " << crowds[i].crowd << " v" << crowds[i].version;
      const uint32_t newest = members == nullptr ? 0 : crowds_[std::string(crowds[i].crowd)].newest;
      const uint32_t number = crowds[i].version == 0 ? newest : crowds[i].version;
      EXPECT_EQ(found->versions[i].number, members == nullptr ? 0 : number);
    }
  }
  std::vector<std::string> AnyIds(const std::string& type) {
    std::vector<std::string> ids(1 + Below(40));
    for (std::string& id : ids) id = AnyId(type);
    return ids;
  }
  void CompareBatch() {
    const std::string type = AnyType();
    const std::vector<std::string> ids = AnyIds(type);
    const std::vector<std::string_view> views(ids.begin(), ids.end());
    const CrowdVersionRef crowd = AnyVersion();
    const absl::StatusOr<BatchCheckResult> found = world_.engine().memberships().BatchCheck(
        world_.context(), {.id_type = type, .crowd = crowd, .ids = views});
    const std::set<std::string>* members = MembersOf(crowd);
    ASSERT_EQ(found.ok(), members != nullptr) << found.status();
    if (!found.ok()) return;
    std::map<MemberState, uint32_t> counts;
    for (size_t i = 0; i < ids.size(); ++i) {
      const MemberState expected = Expected(type, ids[i], members);
      EXPECT_EQ(found->states[i], expected) << type << " " << ids[i];
      ++counts[expected];
    }
    EXPECT_EQ(found->members, counts[kMember]);
    EXPECT_EQ(found->unknown_users, counts[kUnknownUser]);
    EXPECT_EQ(found->invalid_ids, counts[kInvalidId]);
  }
  void CompareSession() {
    const std::vector<std::string> ids = AnyIds("");
    const std::vector<std::string_view> views(ids.begin(), ids.end());
    CheckSession::Answers answers;
    MustBeOk(session_->Check(views, &answers));
    ASSERT_EQ(answers.states.size(), ids.size() * (crowds_.size() + 1));
    size_t next = 0;
    for (const std::string& id : ids) {
      for (const auto& [name, versions] : crowds_) {
        EXPECT_EQ(answers.states[next++], Expected("", id, MembersOf({name}))) << id << name;
      }
      EXPECT_EQ(answers.states[next++], kNoVersion);
    }
  }

  std::mt19937_64 random_;
  CrowdWorld world_;
  int made_ = 0;
  std::vector<std::string> living_;
  std::vector<std::string> erased_;
  std::map<std::string, std::string> phones_;
  std::map<std::string, PlainVersions> crowds_;
  std::unique_ptr<CheckSession> session_;
};

TEST(MembershipDifferentialTest, RandomChecksAgreeWithSetsOfIds) {
  const uint64_t seed = testing::TestSeed();
  for (int round = 0; round < testing::TestRounds(4); ++round) {
    MembershipComparison comparison(seed + static_cast<uint64_t>(round));
    for (int step = 0; step < 150; ++step) {
      comparison.Step();
      ASSERT_FALSE(::testing::Test::HasFailure())
          << "seed " << seed << ", round " << round << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace throng::engine
