// Random crowds, links, erasures and packages against a plain model, read back by an independent
// reader. A failure prints the seed and the step.
#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/server/package_world.h"
#include "tests/testing/seed.h"
#include "tests/testing/temporary_directory.h"

namespace throng::engine {
namespace {

using Texts = std::vector<std::string>;

struct PlainUser {
  int views = 0;
  std::string city;  // empty: none
  Texts phones;
};
// A row of a package as a receiver has it.
struct PlainRow {
  std::string id;
  std::string views;
  std::string city;
  friend auto operator<=>(const PlainRow&, const PlainRow&) = default;
};

class PackageModel {
 public:
  explicit PackageModel(uint64_t seed)
      : random_(seed), world_({.package_directory = directory_.File("out")}) {
    world_.CreateTag({.name = "views", .type = index::TagType::kInteger});
    world_.CreateTag({.name = "city", .type = index::TagType::kCategory});
    MustBeOk(world_.engine()
                 .identities()
                 .CreateIdType(world_.context(), "default", {.name = "phone"}, {})
                 .status());
    world_.Create("viewers", "views >= 3");
  }

  void Step() {
    for (int i = Below(12); i > 0; --i) WriteUser();
    if (Below(3) == 0) EraseOne();
    if (Below(4) == 0) world_.Reopen();
    if (versions_.empty() || Below(2) == 0) Refresh();
    CheckStream();
    CheckJob();
  }

 private:
  int Below(int end) { return static_cast<int>(random_() % static_cast<uint64_t>(end)); }

  void WriteUser() {
    const bool is_new = users_.empty() || Below(3) > 0;
    auto user = users_.begin();
    if (is_new) {
      const std::string id =
          Below(4) == 0 ? fmt::format("u,\"{}\"", next_++) : std::to_string(next_++);
      user = users_.emplace(id, PlainUser()).first;
      order_.push_back(id);
    } else {
      std::advance(user, Below(static_cast<int>(users_.size())));
    }
    user->second.views = Below(7);
    std::vector<std::pair<std::string, query::Value>> set = {{"views", Whole(user->second.views)}};
    if (Below(2) == 0) {
      user->second.city = fmt::format("city \"{}\",\n", Below(4));
      set.emplace_back("city", Text(user->second.city));
    }
    world_.Write(user->first, set);
    if (Below(3) > 0 || user->second.phones.size() > 4) return;
    const std::string phone = fmt::format("phone {}", next_++);
    user->second.phones.push_back(phone);
    MustBeOk(world_.engine()
                 .identities()
                 .Link(world_.context(), {.users = {{user->first, {{"phone", phone}}}}})
                 .status());
  }

  void EraseOne() {
    if (users_.empty()) return;
    auto user = users_.begin();
    std::advance(user, Below(static_cast<int>(users_.size())));
    world_.Erase(user->first);
    users_.erase(user);
  }

  void Refresh() {
    std::set<std::string> members;
    for (const auto& [id, user] : users_) {
      if (user.views >= 3) members.insert(id);
    }
    world_.Refresh({"viewers"});
    versions_.push_back(std::move(members));
    if (versions_.size() > 10) oldest_ = versions_.size() - 10;
  }

  PackageSpec RandomSpec() {
    PackageSpec spec{.crowd = "viewers"};
    const auto number = [&] {
      return static_cast<uint32_t>(oldest_ + 1) +
             static_cast<uint32_t>(Below(static_cast<int>(versions_.size() - oldest_)));
    };
    spec.version = number();
    if (Below(2) == 0) {
      spec.delta = {.from = number(),
                    .side = Below(2) == 0 ? DiffCrowdVersions::Side::kAdded
                                          : DiffCrowdVersions::Side::kRemoved};
    }
    if (Below(2) == 0) spec.id_type = "phone";
    spec.hashing = static_cast<IdHashing>(1 + Below(3));
    spec.format = static_cast<PackageFormat>(1 + Below(3));
    spec.compression = static_cast<PackageCompression>(1 + Below(3));
    if (spec.format != PackageFormat::kText && Below(3) > 0) spec.tags = {"city", "views"};
    return spec;
  }

  std::vector<PlainRow> Expected(const PackageSpec& spec, PackageCounts* counts) const {
    const auto& to = versions_[spec.version - 1];
    std::vector<PlainRow> rows;
    for (const std::string& id : order_) {
      if (!users_.contains(id)) continue;
      bool is_in = to.contains(id);
      if (spec.delta.has_value()) {
        const bool was_in = versions_[spec.delta->from - 1].contains(id);
        is_in = spec.delta->side == DiffCrowdVersions::Side::kAdded ? is_in && !was_in
                                                                    : was_in && !is_in;
      }
      if (!is_in) continue;
      const PlainUser& user = users_.at(id);
      const Texts ids = spec.id_type.empty() ? Texts{id} : user.phones;
      ++(ids.empty() ? counts->without_id : counts->users);
      for (const std::string& one : ids) {
        ++counts->rows;
        PlainRow row{.id = one};
        if (spec.hashing == IdHashing::kSha256) row.id = HashOf(one, "sha256");
        if (spec.hashing == IdHashing::kMd5) row.id = HashOf(one, "md5");
        if (!spec.tags.empty()) {
          row.views = std::to_string(user.views);
          row.city = user.city;
        }
        rows.push_back(row);
      }
    }
    return rows;
  }

  static std::vector<PlainRow> Read(const PackageSpec& spec, const std::string& text) {
    std::vector<PlainRow> rows;
    const std::string id_name = spec.id_type.empty() ? "user_id" : spec.id_type;
    if (spec.format == PackageFormat::kText) {
      for (const std::string& line : ReadLines(text)) rows.push_back({.id = line});
    } else if (spec.format == PackageFormat::kCsv) {
      auto records = ReadCsv(text);
      Texts head{id_name};
      head.insert(head.end(), spec.tags.begin(), spec.tags.end());
      EXPECT_EQ(records.at(0), head);
      records.erase(records.begin());
      for (const Texts& record : records) {
        rows.push_back({.id = record[0],
                        .views = record.size() > 1 ? record[2] : "",
                        .city = record.size() > 1 ? record[1] : ""});
      }
    } else {
      for (auto& object : ReadNdjson(text)) {
        rows.push_back(
            {.id = object.at(id_name), .views = object["views"], .city = object["city"]});
        EXPECT_NE(object.size(), 0u);
      }
    }
    return rows;
  }

  void CheckStream() {
    const PackageSpec spec = RandomSpec();
    PackageCounts counts;
    const std::vector<PlainRow> expected = Expected(spec, &counts);
    const Exported exported = world_.Export(spec);
    ASSERT_EQ(Read(spec, exported.Text()), expected);
    EXPECT_EQ(exported.manifest.counts, counts);
    EXPECT_EQ(exported.manifest.total, counts.users + counts.without_id);
    EXPECT_EQ(exported.manifest.files[0].sha256, HashOf(exported.bytes, "sha256"));
    if (!spec.delta.has_value()) {
      EXPECT_EQ(exported.manifest.current_count,
                world_.Count(fmt::format("crowd('viewers', {})", spec.version)));
    }
  }

  void CheckJob() {
    const PackageSpec spec = RandomSpec();
    PackageCounts counts;
    const std::vector<PlainRow> expected = Expected(spec, &counts);
    const auto files = static_cast<uint32_t>(1 + Below(5));
    const PackageInfo ready = world_.Await(
        Must(world_.packages().Create(world_.context(), {.spec = spec, .file_count = files}, {}))
            .id);
    ASSERT_EQ(ready.state, PackageState::kReady) << ready.error;
    EXPECT_EQ(ready.counts, counts);
    std::vector<PlainRow> rows;
    for (const PackagePart& part : ready.manifest->files) {
      const std::string bytes = ReadFile(ready.directory + "/" + part.name);
      EXPECT_EQ(part.sha256, HashOf(bytes, "sha256"));
      const auto some = Read(spec, Unpack(bytes, PackageCompressionName(spec.compression)));
      EXPECT_EQ(part.rows, some.size());
      rows.insert(rows.end(), some.begin(), some.end());
    }
    EXPECT_EQ(rows, expected);
  }

  std::mt19937_64 random_;
  testing::TemporaryDirectory directory_;
  PackageWorld world_;
  int next_ = 1;
  Texts order_;  // of creation; erased ones stay
  std::map<std::string, PlainUser> users_;
  std::vector<std::set<std::string>> versions_;
  size_t oldest_ = 0;
};

TEST(PackageDifferentialTest, RandomPackagesAreTheModels) {
  const uint64_t seed = testing::TestSeed();
  for (int round = 0; round < testing::TestRounds(4); ++round) {
    PackageModel model(seed + static_cast<uint64_t>(round));
    for (int step = 0; step < 30 && !::testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE(fmt::format("seed {} step {}", seed + static_cast<uint64_t>(round), step));
      model.Step();
    }
  }
}

}  // namespace
}  // namespace throng::engine
