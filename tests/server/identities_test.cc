// Declared id types, links, and users found by any of their ids.
#include "server/engine/identities.h"

#include <chrono>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/server/engine_world.h"

namespace throng::engine {
namespace {

using Texts = std::vector<std::string>;

// Request ids are kept for a day of the system's clock.
int64_t SystemClockUs() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

class IdentitiesTest : public ::testing::Test {
 protected:
  IdentitiesTest() {
    FillRental(&world_);
    MustBeOk(Create("phone", {index::IdNormalizer::kPhoneDigits}).status());
    MustBeOk(
        Create("email", {index::IdNormalizer::kTrim, index::IdNormalizer::kLowercase}).status());
  }

  Identities& identities() { return world_.engine().identities(); }
  absl::StatusOr<IdTypeInfo> Create(std::string name, std::vector<index::IdNormalizer> normalizers,
                                    const WriteOptions& options = {}) {
    return identities().CreateIdType(
        world_.context(), "default",
        {.name = std::move(name), .normalizers = std::move(normalizers)}, options);
  }
  absl::StatusOr<LinkResult> Link(std::vector<LinkedUser> users,
                                  UnknownIds unknown_ids = UnknownIds::kError) {
    return identities().Link(world_.context(),
                             {.unknown_ids = unknown_ids, .users = std::move(users)});
  }
  std::vector<Texts> Resolve(std::string from, Texts ids, std::string to,
                             uint64_t read_version = 0) {
    const ResolveResult result =
        Must(identities().Resolve(world_.context(), {.from_type = std::move(from),
                                                     .ids = std::move(ids),
                                                     .to_type = std::move(to),
                                                     .read_version = read_version}));
    std::vector<Texts> all;
    for (const ResolvedId& resolved : result.results) {
      all.push_back(resolved.found ? resolved.ids : Texts{"-"});
    }
    return all;
  }

  EngineWorld world_{{.clock_us = SystemClockUs}};
};

TEST_F(IdentitiesTest, TypesAreListedBehindThePrimaryOne) {
  MustBeOk(Link({{"u1", {{"phone", "138"}}}}).status());
  for (int round = 0; round < 2; ++round) {
    const auto types = Must(identities().ListIdTypes(world_.context(), "default"));
    ASSERT_EQ(types.size(), 3u);
    EXPECT_TRUE(types[0].is_primary);
    EXPECT_EQ(types[0].definition.name, "user_id");
    EXPECT_EQ(types[0].id_count, 6u);
    EXPECT_EQ(types[1].definition.name, "phone");
    EXPECT_EQ(types[1].id_count, 1u);
    EXPECT_EQ(types[2].definition.normalizers.size(), 2u);
    world_.Reopen();
  }
}

TEST_F(IdentitiesTest, ATypeIsCreatedOnce) {
  EXPECT_EQ(ReasonOf(Create("phone", {}).status()), "ID_TYPE_EXISTS");
  EXPECT_EQ(ReasonOf(Create("user_id", {}).status()), "ID_TYPE_EXISTS");
  EXPECT_EQ(ReasonOf(Create("a/b", {}).status()), "INVALID_NAME");
  const WriteOptions retried{.request_id = "r", .payload_hash = 7};
  EXPECT_TRUE(Create("device", {}, retried).ok());
  EXPECT_TRUE(Create("device", {}, retried).ok());
  EXPECT_TRUE(Create("openid", {}, {.validate_only = true}).ok());
  EXPECT_TRUE(Create("openid", {}).ok()) << "validate_only creates nothing";
  for (uint32_t i = 4; i < index::kIdTypesMax; ++i) {
    ASSERT_TRUE(Create("type" + std::to_string(i), {}).ok()) << i;
  }
  EXPECT_EQ(ReasonOf(Create("one more", {}).status()), "TOO_MANY_ID_TYPES");
}

TEST_F(IdentitiesTest, LinksAndFindsBothWays) {
  const LinkResult linked = Must(Link({{"u1", {{"phone", "+86 138"}, {"phone", "86-139"}}},
                                       {"u2", {{"email", " Ana@Example.com "}}}}));
  EXPECT_EQ(linked.ids_linked, 3u);
  const LinkResult again = Must(Link({{"u1", {{"phone", "86138"}}}}));
  EXPECT_EQ(again.ids_linked, 0u);
  EXPECT_EQ(again.ids_known, 1u);
  EXPECT_EQ(again.data_version, linked.data_version) << "nothing was committed";
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(Resolve("phone", {"(86) 138", "86139", "86140", "none"}, ""),
              (std::vector<Texts>{{"u1"}, {"u1"}, {"-"}, {"-"}}));
    EXPECT_EQ(Resolve("", {"u1", "u2", "u99"}, "phone"),
              (std::vector<Texts>{{"86138", "86139"}, {}, {"-"}}));
    EXPECT_EQ(Resolve("email", {"ANA@example.com"}, "phone"), (std::vector<Texts>{{}}));
    EXPECT_EQ(Resolve("user_id", {"u1"}, "user_id"), (std::vector<Texts>{{"u1"}}));
    const Portrait portrait =
        Must(world_.engine().portraits().Get(world_.context(), "default", "86 138", 0, "phone"));
    EXPECT_EQ(portrait.id, "u1");
    ASSERT_EQ(portrait.ids.size(), 2u);
    EXPECT_EQ(portrait.ids[1].id_type, "phone");
    EXPECT_EQ(portrait.ids[1].id, "86139");
    world_.Reopen();
  }
}

TEST_F(IdentitiesTest, AnIdOfAnotherUserRefusesTheWholeCall) {
  MustBeOk(Link({{"u1", {{"phone", "138"}}}}).status());
  const auto expect_taken = [&](std::vector<LinkedUser> users, std::string_view field) {
    const absl::Status status = Link(std::move(users), UnknownIds::kCreate).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_EQ(ReasonOf(status), "ID_TAKEN");
    EXPECT_EQ(FieldOf(status), field);
    EXPECT_NE(status.ToString().find("\"phone\""), std::string::npos) << status;
    EXPECT_EQ(status.ToString().find("u1"), std::string::npos) << "it is not said whose it is";
  };
  expect_taken({{"u2", {{"phone", "139"}}}, {"new", {{"phone", "1-38"}}}}, "entries[1].ids[0].id");
  expect_taken({{"u2", {{"phone", "140"}}}, {"u3", {{"phone", "140"}}}}, "entries[1].ids[0].id");
  EXPECT_EQ(Resolve("phone", {"139", "140"}, ""), (std::vector<Texts>{{"-"}, {"-"}}));
  EXPECT_EQ(world_.Count("all()"), 6u);
}

TEST_F(IdentitiesTest, UnknownUsersAndLimits) {
  EXPECT_EQ(ReasonOf(Link({{"u99", {{"phone", "1"}}}}).status()), "UNKNOWN_USER");
  EXPECT_EQ(Must(Link({{"u99", {{"phone", "1"}}}}, UnknownIds::kSkip)).users_skipped, 1u);
  EXPECT_EQ(Resolve("phone", {"1"}, ""), (std::vector<Texts>{{"-"}}));
  const LinkResult created =
      Must(Link({{"u99", {{"phone", "1"}}}, {"u99", {}}}, UnknownIds::kCreate));
  EXPECT_EQ(created.users_created, 1u);
  EXPECT_EQ(Resolve("phone", {"1"}, ""), (std::vector<Texts>{{"u99"}}));

  LinkedUser many{.id = "u1", .ids = {}};
  for (uint32_t i = 0; i < index::kIdsOfTypeMax; ++i) {
    many.ids.push_back({"phone", "555" + std::to_string(i)});
  }
  EXPECT_TRUE(Link({many}).ok());
  EXPECT_TRUE(Link({many}).ok()) << "all of them are known";
  EXPECT_EQ(ReasonOf(Link({{"u1", {{"phone", "9"}}}}).status()), "TOO_MANY_IDS");
  EXPECT_TRUE(Link({{"u1", {{"email", "9"}}}}).ok()) << "of another type";

  EXPECT_EQ(ReasonOf(Link({{"u1", {{"fax", "9"}}}}).status()), "UNKNOWN_ID_TYPE");
  EXPECT_EQ(ReasonOf(Link({{"u1", {{"user_id", "9"}}}}).status()), "PRIMARY_ID");
  EXPECT_EQ(FieldOf(Link({{"u1", {{"phone", "x"}}}}).status()), "entries[0].ids[0].id");
  EXPECT_EQ(ReasonOf(Link({{"", {}}}).status()), "EMPTY_ID");
  EXPECT_EQ(ReasonOf(Link(std::vector<LinkedUser>(kLinkUsersMax + 1)).status()), "TOO_MANY_USERS");
  EXPECT_EQ(
      ReasonOf(identities().Resolve(world_.context(), {.ids = Texts(kResolveIdsMax + 1)}).status()),
      "TOO_MANY_IDS");
  EXPECT_TRUE(identities().Resolve(world_.context(), {.ids = Texts(kResolveIdsMax)}).ok());
}

TEST_F(IdentitiesTest, ARetryGetsTheFirstAnswer) {
  LinkRequest request{.users = {{"u1", {{"phone", "138"}}}}, .request_id = "r1", .payload_hash = 3};
  request.validate_only = true;
  EXPECT_EQ(Must(identities().Link(world_.context(), request)).ids_linked, 1u);
  EXPECT_EQ(Resolve("phone", {"138"}, ""), (std::vector<Texts>{{"-"}}));
  request.validate_only = false;
  const LinkResult first = Must(identities().Link(world_.context(), request));
  world_.Write("u9", {});
  const LinkResult second = Must(identities().Link(world_.context(), request));
  EXPECT_EQ(second.data_version, first.data_version);
  EXPECT_EQ(second.ids_linked, 1u);
  request.payload_hash = 4;
  EXPECT_EQ(ReasonOf(identities().Link(world_.context(), request).status()), "REQUEST_ID_REUSED");
}

TEST_F(IdentitiesTest, APinnedVersionKnowsOnlyItsLinks) {
  const uint64_t before = Must(identities().Resolve(world_.context(), {})).data_version;
  MustBeOk(Link({{"u1", {{"phone", "138"}}}}).status());
  EXPECT_EQ(Resolve("phone", {"138"}, "", before), (std::vector<Texts>{{"-"}}));
  EXPECT_EQ(Resolve("phone", {"138"}, ""), (std::vector<Texts>{{"u1"}}));
}

TEST_F(IdentitiesTest, WritesFindUsersByAnyId) {
  MustBeOk(Link({{"u1", {{"phone", "138"}}}, {"u2", {{"email", "a@b"}}}}).status());
  WriteUsersRequest request{.unknown_ids = UnknownIds::kSkip};
  request.users.push_back({"1-38", {{"views", SetValue{Whole(77)}}}, "phone"});
  request.users.push_back({"139", {{"views", SetValue{Whole(77)}}}, "phone"});
  request.users.push_back({"u3", {{"views", SetValue{Whole(77)}}}});
  EXPECT_EQ(Must(world_.engine().writer().WriteUsers(world_.context(), request)).users_skipped, 1u);
  EXPECT_EQ(world_.Members({.what = "views = 77"}), (Texts{"u1", "u3"}));
  request.unknown_ids = UnknownIds::kCreate;
  const absl::Status refused =
      world_.engine().writer().WriteUsers(world_.context(), request).status();
  EXPECT_EQ(ReasonOf(refused), "CANNOT_CREATE_USER");
  EXPECT_EQ(FieldOf(refused), "users[1].id_type");
}

TEST_F(IdentitiesTest, LoadsFindUsersByAnyId) {
  MustBeOk(
      Link({{"u1", {{"phone", "138"}}}, {"u2", {{"phone", "139"}, {"email", "a@b"}}}}).status());
  LoadHeader header{.unknown_ids = UnknownIds::kError, .tags = {"views"}, .errors_max = 9};
  header.id_type = "phone";
  const std::vector<uint64_t> numbers = {139, 140, 138};
  const std::vector<int64_t> views = {9, 8, 7};
  ColumnBatch batch{.number = 1, .ids = std::span<const uint64_t>(numbers), .columns = {}};
  batch.columns.push_back({.tag = "views", .values = IntegersView{views}});
  auto load = Must(world_.engine().writer().StartLoad(world_.context(), header));
  const LoadProgress progress = Must(load->Write(world_.context(), batch));
  EXPECT_EQ(progress.rows, 2u);
  ASSERT_EQ(progress.errors.size(), 1u);
  EXPECT_EQ(progress.errors[0].row, 1u);
  EXPECT_EQ(progress.errors[0].reason, "UNKNOWN_USER");
  EXPECT_EQ(world_.Members({.what = "views = 7"}), Texts{"u1"});
  EXPECT_EQ(world_.Members({.what = "views = 9"}), Texts{"u2"});

  header.id_type = "email";
  header.unknown_ids = UnknownIds::kSkip;
  const std::vector<uint32_t> ends = {5, 5, 8};
  batch.ids = TextsView{.data = " A@B nob", .ends = ends};
  load = Must(world_.engine().writer().StartLoad(world_.context(), header));
  const LoadProgress texts = Must(load->Write(world_.context(), batch));
  EXPECT_EQ(texts.rows, 1u);
  ASSERT_EQ(texts.errors.size(), 1u);
  EXPECT_EQ(texts.errors[0].reason, "EMPTY_ID");
  EXPECT_EQ(Must(load->Finish(world_.context())).rows_skipped, 1u);

  header.unknown_ids = UnknownIds::kCreate;
  const absl::Status refused =
      world_.engine().writer().StartLoad(world_.context(), header).status();
  EXPECT_EQ(ReasonOf(refused), "CANNOT_CREATE_USER");
  EXPECT_EQ(FieldOf(refused), "header.unknown_ids");
  header.id_type = "fax";
  EXPECT_EQ(FieldOf(world_.engine().writer().StartLoad(world_.context(), header).status()),
            "header.id_type");
}

}  // namespace
}  // namespace throng::engine
