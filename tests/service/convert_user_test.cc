#include "server/service/convert_user.h"

#include <gtest/gtest.h>

#include <string>

#include "server/service/request_fingerprint.h"
#include "tests/service/status_matchers.h"

namespace throng::service {
namespace {

v1::WriteUsersRequest GoodWrite() {
  v1::WriteUsersRequest request;
  request.set_unknown_ids(v1::UNKNOWN_IDS_CREATE);
  request.set_request_id("r1");
  v1::UserChange* user = request.add_users();
  user->set_id("u1");
  v1::TagChange* set = user->add_changes();
  set->set_tag("city");
  set->mutable_set()->set_text("Paris");
  v1::TagChange* clear = user->add_changes();
  clear->set_tag("rent");
  clear->mutable_clear();
  v1::TagChange* labels = user->add_changes();
  labels->set_tag("likes");
  labels->mutable_labels()->add_add("a");
  labels->mutable_labels()->add_remove("b");
  return request;
}

TEST(ConvertWriteUsersTest, EveryChangeArrives) {
  const absl::StatusOr<engine::WriteUsersRequest> write = ToWriteUsers(GoodWrite());
  ASSERT_TRUE(write.ok()) << write.status();
  EXPECT_EQ(write->population, "default");
  EXPECT_EQ(write->unknown_ids, engine::UnknownIds::kCreate);
  ASSERT_EQ(write->users.size(), 1u);
  EXPECT_EQ(write->users[0].id, "u1");
  const auto& changes = write->users[0].changes;
  ASSERT_EQ(changes.size(), 3u);
  EXPECT_EQ(std::get<std::string>(std::get<engine::SetValue>(changes[0].change).value.literal),
            "Paris");
  EXPECT_TRUE(std::holds_alternative<engine::ClearValue>(changes[1].change));
  EXPECT_EQ(std::get<engine::ChangeLabels>(changes[2].change).add, std::vector<std::string>{"a"});
  EXPECT_EQ(std::get<engine::ChangeLabels>(changes[2].change).remove,
            std::vector<std::string>{"b"});
}

TEST(ConvertWriteUsersTest, ThePayloadHashTellsARetryFromAClash) {
  const uint64_t hash = ToWriteUsers(GoodWrite())->payload_hash;
  v1::WriteUsersRequest request = GoodWrite();
  request.set_request_id("r2");
  EXPECT_EQ(ToWriteUsers(request)->payload_hash, hash);
  request.mutable_users(0)->set_id("u2");
  EXPECT_NE(ToWriteUsers(request)->payload_hash, hash);
  EXPECT_NE(RequestFingerprint(v1::WriteUsersRequest(), {}),
            RequestFingerprint(v1::GetPortraitRequest(), {}));
}

// The hash is kept on disk: a change of the encoding would turn retries into clashes.
TEST(ConvertWriteUsersTest, ThePayloadHashIsForGood) {
  EXPECT_EQ(Fingerprint(""), 0xef46db3751d8e999u);  // xxHash64's own test vectors
  EXPECT_EQ(Fingerprint("abc"), 0x44bc2cf5ad770999u);
  EXPECT_EQ(RequestFingerprint(v1::GetPortraitRequest(), {}),
            Fingerprint(std::string("throng.v1.GetPortraitRequest") + '\0'));
}

TEST(ConvertWriteUsersTest, NamesWhatIsWrong) {
  const auto reason = [](const auto& change) {
    v1::WriteUsersRequest request = GoodWrite();
    change(request);
    return ReasonOf(ToWriteUsers(request).status());
  };
  using Request = v1::WriteUsersRequest;
  EXPECT_EQ(reason([](Request& r) { r.clear_unknown_ids(); }), "UNSPECIFIED at unknown_ids");
  EXPECT_EQ(reason([](Request& r) { r.set_population("x"); }), "BAD_RESOURCE_NAME at population");
  EXPECT_EQ(reason([](Request& r) { r.set_request_id(std::string(129, 'x')); }),
            "REQUEST_ID_TOO_LONG at request_id");
  EXPECT_EQ(reason([](Request& r) { r.set_request_id(std::string(128, 'x')); }), "OK");
  EXPECT_EQ(reason([](Request& r) { r.mutable_users(0)->mutable_changes(1)->clear_clear(); }),
            "REQUIRED at users[0].changes[1].change");
  EXPECT_EQ(reason([](Request& r) {
              r.mutable_users(0)->mutable_changes(0)->mutable_set()->clear_text();
            }),
            "REQUIRED at users[0].changes[0].set.kind");
  EXPECT_EQ(reason([](Request& r) {
              while (r.users_size() < 10'000) r.add_users()->set_id("x");
            }),
            "OK");
  EXPECT_EQ(reason([](Request& r) {
              while (r.users_size() < 10'001) r.add_users()->set_id("x");
            }),
            "TOO_MANY_USERS at users");
}

TEST(ConvertPortraitTest, EveryTypeOfValue) {
  engine::Portrait portrait{.id = "u1", .data_version = 3};
  portrait.entries = {
      {.tag = "graduate", .type = index::TagType::kFlag, .value = true},
      {.tag = "likes",
       .type = index::TagType::kLabels,
       .display_name = "Likes",
       .value = std::vector<std::string>{"a", "b"}},
      {.tag = "rent", .type = index::TagType::kDecimal, .scale = 2, .value = int64_t{120'050}},
      {.tag = "born", .type = index::TagType::kDate, .value = int64_t{0}}};
  v1::Portrait proto;
  PortraitToProto(portrait, &proto);
  EXPECT_EQ(proto.ShortDebugString(),
            "id: \"u1\" "
            "entries { tag: \"graduate\" type: TAG_TYPE_FLAG values { flag: true } } "
            "entries { tag: \"likes\" type: TAG_TYPE_LABELS display_name: \"Likes\" "
            "values { text: \"a\" } values { text: \"b\" } } "
            "entries { tag: \"rent\" type: TAG_TYPE_DECIMAL values { decimal: \"1200.50\" } } "
            "entries { tag: \"born\" type: TAG_TYPE_DATE values { date { year: 1970 month: 1 day: "
            "1 } } } "
            "data_version: 3");
}

}  // namespace
}  // namespace throng::service
