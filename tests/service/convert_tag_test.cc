#include "server/service/convert_tag.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "tests/service/status_matchers.h"

namespace throng::service {
namespace {

v1::CreateTagRequest GoodCreate() {
  v1::CreateTagRequest request;
  request.set_parent("populations/default");
  request.set_tag_id("rent");
  v1::Tag* tag = request.mutable_tag();
  tag->set_type(v1::TAG_TYPE_DECIMAL);
  tag->set_scale(2);
  tag->set_display_name("Rent");
  tag->set_path("home/price");
  tag->set_description("Monthly");
  tag->set_owner("growth");
  tag->set_sensitivity(3);
  tag->set_state(v1::TAG_STATE_DRAFT);
  tag->set_max_values(10);
  tag->mutable_freshness()->set_seconds(7'200);
  return request;
}

std::string CreateReason(const std::function<void(v1::CreateTagRequest&)>& change) {
  v1::CreateTagRequest request = GoodCreate();
  change(request);
  return ReasonOf(ToDefinition(request).status());
}

TEST(ConvertTagTest, EveryFieldComesBack) {
  const absl::StatusOr<index::TagDefinition> definition = ToDefinition(GoodCreate());
  ASSERT_TRUE(definition.ok()) << definition.status();
  engine::TagInfo info{
      .definition = *definition, .user_count = 7, .value_count = 8, .data_version = 9};
  info.definition.content_time_us = 1'000'000;
  v1::Tag tag;
  TagToProto("default", info, &tag);
  v1::Tag expected = GoodCreate().tag();
  expected.set_name("populations/default/tags/rent");
  expected.set_user_count(7);
  expected.set_value_count(8);
  expected.set_data_version(9);
  expected.mutable_content_time()->set_seconds(1);
  EXPECT_EQ(tag.DebugString(), expected.DebugString());
}

TEST(ConvertTagTest, EveryTypeComesBack) {
  for (int type = v1::TAG_TYPE_FLAG; type <= v1::TagType_MAX; ++type) {
    v1::CreateTagRequest request = GoodCreate();
    request.mutable_tag()->set_type(static_cast<v1::TagType>(type));
    const absl::StatusOr<index::TagDefinition> definition = ToDefinition(request);
    ASSERT_TRUE(definition.ok()) << definition.status();
    EXPECT_EQ(TagTypeToProto(definition->type), type);
  }
}

TEST(ConvertTagTest, DefaultsAreOnlineAndTheMostValues) {
  v1::CreateTagRequest request = GoodCreate();
  request.mutable_tag()->clear_state();
  request.mutable_tag()->clear_max_values();
  const absl::StatusOr<index::TagDefinition> definition = ToDefinition(request);
  ASSERT_TRUE(definition.ok());
  EXPECT_EQ(definition->state, index::TagState::kOnline);
  EXPECT_EQ(definition->values_max, index::kTagValuesMax);
}

TEST(ConvertTagTest, CreateNamesWhatIsWrong) {
  using Request = v1::CreateTagRequest;
  EXPECT_EQ(CreateReason([](Request& r) { r.clear_tag_id(); }), "REQUIRED at tag_id");
  EXPECT_EQ(CreateReason([](Request& r) { r.clear_tag(); }), "REQUIRED at tag");
  EXPECT_EQ(CreateReason([](Request& r) { r.mutable_tag()->clear_type(); }),
            "UNSPECIFIED at tag.type");
  EXPECT_EQ(
      CreateReason([](Request& r) { r.mutable_tag()->set_type(static_cast<v1::TagType>(99)); }),
      "UNSPECIFIED at tag.type");
  EXPECT_EQ(
      CreateReason([](Request& r) { r.mutable_tag()->set_state(static_cast<v1::TagState>(99)); }),
      "UNSPECIFIED at tag.state");
  EXPECT_EQ(CreateReason([](Request& r) { r.mutable_tag()->set_max_values(65'536); }),
            "VALUE_OUT_OF_RANGE at tag.max_values");
  EXPECT_EQ(CreateReason([](Request& r) { r.mutable_tag()->set_name("populations/x/tags/rent"); }),
            "BAD_RESOURCE_NAME at tag.name");
  EXPECT_EQ(
      CreateReason([](Request& r) { r.mutable_tag()->set_name("populations/default/tags/rent"); }),
      "OK");
}

TEST(ConvertTagTest, UpdateTakesExactlyTheNamedFields) {
  v1::UpdateTagRequest request;
  *request.mutable_tag() = GoodCreate().tag();
  for (const char* path : {"owner", "state", "max_values", "freshness"}) {
    request.mutable_update_mask()->add_paths(path);
  }
  const absl::StatusOr<engine::TagUpdate> update = ToUpdate(request);
  ASSERT_TRUE(update.ok()) << update.status();
  EXPECT_EQ(update->owner, "growth");
  EXPECT_EQ(update->state, index::TagState::kDraft);
  EXPECT_EQ(update->values_max, 10u);
  EXPECT_EQ(update->freshness_s, 7'200u);
  EXPECT_FALSE(update->display_name.has_value() || update->path.has_value() ||
               update->description.has_value() || update->sensitivity.has_value());
}

TEST(ConvertTagTest, UpdateNamesWhatIsWrong) {
  v1::UpdateTagRequest request;
  EXPECT_EQ(ReasonOf(ToUpdate(request).status()), "REQUIRED at tag");
  request.mutable_tag()->set_name("populations/default/tags/rent");
  EXPECT_EQ(ReasonOf(ToUpdate(request).status()), "REQUIRED at update_mask");
  request.mutable_update_mask()->add_paths("owner");
  request.mutable_update_mask()->add_paths("type");
  EXPECT_EQ(ReasonOf(ToUpdate(request).status()), "BAD_FIELD_MASK at update_mask.paths[1]");
  request.mutable_update_mask()->set_paths(1, "state");
  EXPECT_EQ(ReasonOf(ToUpdate(request).status()), "UNSPECIFIED at tag.state");
}

}  // namespace
}  // namespace throng::service
