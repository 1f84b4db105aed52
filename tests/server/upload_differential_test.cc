// Random uploads, refreshes, users that come and are erased, retries and restarts, against a model
// of sets and maps that shares no code with the engine.
#include <algorithm>
#include <cctype>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/server/upload_world.h"
#include "tests/testing/seed.h"

namespace throng::engine {
namespace {

using Texts = std::vector<std::string>;
using Set = std::set<std::string>;
using TypeAndId = std::pair<std::string, std::string>;

// The id in its kept form; empty: it is none. "": as it is; "phone": digits; "hash": trimmed, lower
// case, hexadecimal.
std::string FormOf(const std::string& type, const std::string& text) {
  std::string form;
  if (type.empty()) return text;
  if (type == "phone") {
    std::copy_if(text.begin(), text.end(), std::back_inserter(form),
                 [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; });
    return form;
  }
  const size_t first = text.find_first_not_of(' ');
  if (first == std::string::npos) return "";
  for (const char c : text.substr(first, text.find_last_not_of(' ') + 1 - first)) {
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return "";
    form.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  }
  return form;
}

struct ModelUpload {
  uint64_t matched = 0;
  uint64_t duplicate = 0;
  uint64_t unknown = 0;
  uint64_t invalid = 0;
  Set listed;     // of those that were unknown
  Texts refused;  // in their order
};

// One crowd and its users, by primary id.
class Model {
 public:
  bool HasUser(const std::string& user) const { return owners_.contains({"", user}); }
  const std::map<TypeAndId, std::string>& owners() const { return owners_; }
  void Create(const std::string& user) { owners_[{"", user}] = user; }
  // False when the id is somebody else's.
  bool Link(const std::string& user, const std::string& type, const std::string& id) {
    const auto owner = owners_.find({type, id});
    if (owner != owners_.end()) return owner->second == user;
    Create(user);
    owners_[{type, id}] = user;
    return true;
  }
  void Erase(const std::string& user) {
    Set texts;
    for (auto it = owners_.begin(); it != owners_.end();) {
      if (it->second != user) {
        ++it;
        continue;
      }
      texts.insert(it->first.second);
      it = owners_.erase(it);
    }
    users.erase(user);
    std::erase_if(kept, [&](const TypeAndId& id) { return texts.contains(id.second); });
    for (auto& [number, upload] : uploads) {
      std::erase_if(upload.listed, [&](const std::string& id) { return texts.contains(id); });
      std::erase_if(upload.refused, [&](const std::string& text) {
        return texts.contains(text) || texts.contains(FormOf("phone", text)) ||
               texts.contains(FormOf("hash", text));
      });
    }
  }

  const ModelUpload& Upload(uint32_t number, const UploadRequest& request, const Texts& ids) {
    ModelUpload& upload = uploads[number];
    Set found;
    for (const std::string& text : ids) {
      const std::string id = FormOf(request.id_type, text);
      const auto owner = owners_.find({request.id_type, id});
      if (id.empty()) {
        ++upload.invalid;
        upload.refused.push_back(text);
      } else if (owner != owners_.end()) {
        ++(found.insert(owner->second).second ? upload.matched : upload.duplicate);
      } else {
        ++(upload.listed.insert(id).second ? upload.unknown : upload.duplicate);
      }
    }
    if (request.mode == UploadMode::kReplace) {
      users = found;
      kept.clear();
      keeps = request.keep_unknown;
    } else if (request.mode == UploadMode::kAdd) {
      users.insert(found.begin(), found.end());
      keeps = keeps || request.keep_unknown;
    } else {
      for (const std::string& user : found) users.erase(user);
      std::erase_if(kept, [&](const TypeAndId& id) {
        const auto owner = owners_.find(id);
        if (owner != owners_.end() && found.contains(owner->second)) return true;
        return id.first == request.id_type && upload.listed.contains(id.second);
      });
    }
    if (request.keep_unknown) {
      for (const std::string& id : upload.listed) kept.insert({request.id_type, id});
    }
    return upload;
  }
  void Refresh(uint32_t number) {
    ModelUpload& upload = uploads[number];
    for (auto id = kept.begin(); id != kept.end();) {
      const auto owner = owners_.find(*id);
      if (owner == owners_.end()) {
        upload.listed.insert(id->second);
        ++id;
        continue;
      }
      users.insert(owner->second);
      id = kept.erase(id);
    }
  }

  Set users;
  std::set<TypeAndId> kept;
  bool keeps = false;
  std::map<uint32_t, ModelUpload> uploads;  // by number

 private:
  std::map<TypeAndId, std::string> owners_;
};

class Trial {
 public:
  explicit Trial(uint64_t seed) : random_(seed) {
    world_.DeclareIdType("phone", {index::IdNormalizer::kPhoneDigits});
    world_.DeclareIdType("hash", {index::IdNormalizer::kTrim, index::IdNormalizer::kLowercaseHex});
  }

  void Step() {
    const uint64_t what = Below(20);
    if (what < 4) {
      const std::string user = User();
      world_.Write(user, {});
      model_.Create(user);
    } else if (what < 7) {
      Link();
    } else if (what < 9) {
      const std::string user = User();
      if (model_.HasUser(user)) {
        world_.Erase(user);
        model_.Erase(user);
      }
    } else if (what < 16) {
      Upload();
    } else if (what < 19) {
      Refresh();
    } else {
      world_.Reopen();
    }
  }

  void Check() {
    if (model_.uploads.empty()) return;
    Set members;
    for (std::string& id : world_.Members({.what = "crowd('u')"})) members.insert(std::move(id));
    EXPECT_EQ(members, model_.users);
    const uint32_t last = model_.uploads.rbegin()->first;
    const auto info = Must(world_.uploads().Get(world_.context(), "default", "u", last));
    EXPECT_EQ(info.kept, model_.kept.size());
    EXPECT_EQ(info.record.keeps_unknown, model_.keeps);
    // One of the versions, old or new.
    auto upload = model_.uploads.begin();
    std::advance(upload, Below(model_.uploads.size()));
    const UnmatchedIds unmatched = world_.UnmatchedOf("u", upload->first);
    EXPECT_EQ(unmatched.unknown, upload->second.listed) << "of " << upload->first;
    Texts refused;
    for (const storage::RefusedId& id : unmatched.refused) refused.push_back(id.text);
    EXPECT_EQ(refused, upload->second.refused) << "of " << upload->first;
  }

 private:
  uint64_t Below(uint64_t end) { return random_() % end; }
  std::string User() { return fmt::format("{}", 100 + Below(12)); }
  std::string IdOf(const std::string& type) {
    // The same texts of several types, so that they meet.
    return type == "hash" ? fmt::format("{:x}", 100 + Below(12)) : User();
  }
  std::string TypeOf() { return Below(3) == 0 ? "" : Below(2) == 0 ? "phone" : "hash"; }

  void Link() {
    const std::string type = Below(2) == 0 ? "phone" : "hash";
    const std::string user = User();
    const std::string id = IdOf(type);
    const auto has = std::count_if(
        model_.owners().begin(), model_.owners().end(),
        [&](const auto& owned) { return owned.second == user && owned.first.first == type; });
    if (has >= static_cast<long>(index::kIdsOfTypeMax)) return;
    const bool linked = world_.TryLink(user, type, id).ok();
    EXPECT_EQ(linked, model_.Link(user, type, id)) << user << " " << type << " " << id;
  }

  std::string Messy(const std::string& type) {
    std::string text = IdOf(type);
    switch (Below(8)) {
      case 0:
        return "";
      case 1:
        return type == "hash" ? text + "z" : type == "phone" ? "none" : text;
      case 2:
        return type == "hash" ? " " + text + " " : type == "phone" ? "+" + text : text;
      case 3:
        std::transform(text.begin(), text.end(), text.begin(),
                       [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
        return text;
      default:
        return text;
    }
  }

  void Upload() {
    UploadRequest request{.crowd = "u", .id_type = TypeOf()};
    request.mode = static_cast<UploadMode>(1 + Below(model_.uploads.empty() ? 2 : 3));
    request.keep_unknown = request.mode != UploadMode::kRemove && Below(3) != 0;
    CreateCrowd create;
    create.keep_last = 4;
    request.create = create;
    Texts ids(Below(15));
    for (std::string& id : ids) id = Messy(request.id_type);
    const WriteOptions options{.request_id = Below(2) == 0 ? "" : fmt::format("r{}", ++requests_)};
    const UploadInfo info = Must(world_.TryUpload(request, ids, options, 1 + Below(6)));
    const uint32_t number = info.version.version.number;
    const Set before = model_.users;
    const ModelUpload& expected = model_.Upload(number, request, ids);
    EXPECT_EQ(info.record.received, ids.size());
    EXPECT_EQ(info.record.matched, expected.matched);
    EXPECT_EQ(info.record.duplicate, expected.duplicate);
    EXPECT_EQ(info.record.unknown, expected.unknown);
    EXPECT_EQ(info.record.invalid, expected.invalid);
    EXPECT_EQ(info.kept, model_.kept.size());
    Set came;
    std::set_difference(model_.users.begin(), model_.users.end(), before.begin(), before.end(),
                        std::inserter(came, came.end()));
    EXPECT_EQ(info.version.version.added, came.size());
    DropOld();
    if (options.request_id.empty()) return;
    if (Below(3) == 0) world_.Reopen();
    const UploadInfo again = Must(world_.TryUpload(request, ids, options));
    EXPECT_EQ(again.version.version.number, number) << "a retry";
    EXPECT_EQ(again.record.matched, info.record.matched);
    EXPECT_EQ(again.data_version, info.data_version);
  }

  void Refresh() {
    if (model_.uploads.empty()) return;
    const absl::StatusOr<RefreshResult> result = world_.TryRefresh({"u"});
    ASSERT_EQ(result.ok(), model_.keeps) << result.status();
    if (!result.ok()) {
      EXPECT_EQ(ReasonOf(result.status()), "NOT_A_RULE");
      return;
    }
    model_.Refresh(result->crowds[0].computed.version.number);
    DropOld();
  }

  // Four versions are kept.
  void DropOld() {
    while (model_.uploads.size() > 4) model_.uploads.erase(model_.uploads.begin());
  }

  std::mt19937_64 random_;
  UploadWorld world_;
  Model model_;
  int requests_ = 0;
};

TEST(UploadDifferentialTest, RandomUploadsAgreeWithTheModel) {
  std::mt19937_64 seeds(testing::TestSeed());
  for (int round = 0; round < testing::TestRounds(12); ++round) {
    Trial trial(seeds());
    for (int step = 0; step < 60; ++step) {
      SCOPED_TRACE(fmt::format("round {}, step {}", round, step));
      trial.Step();
      trial.Check();
      if (::testing::Test::HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace throng::engine
