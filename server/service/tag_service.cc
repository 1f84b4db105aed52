#include "server/service/tag_service.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/error.h"
#include "server/service/convert_tag.h"
#include "server/service/convert_user.h"
#include "server/service/convert_value.h"
#include "server/service/field_path.h"
#include "server/service/page_token.h"
#include "server/service/resource_name.h"
#include "server/service/write_request.h"

namespace throng::service {
namespace {

// A place in the values of a tag: largest count first, then by value. "120:Beijing".
std::string ValuePosition(const engine::TagValueCount& value) {
  return fmt::format("{}:{}", value.user_count, value.value);
}

// Whether `value` stands behind the place that `position` says.
bool IsBehind(const engine::TagValueCount& value, std::string_view position) {
  uint64_t count = 0;
  const auto end = std::from_chars(position.data(), position.data() + position.size(), count).ptr;
  const size_t text_begin = static_cast<size_t>(end - position.data()) + 1;
  const std::string_view text = position.substr(std::min(text_begin, position.size()));
  return value.user_count != count ? value.user_count < count : value.value > text;
}

absl::Status HandleCreate(const CallScope& scope, const v1::CreateTagRequest& request,
                          v1::Tag* response) {
  THRONG_ASSIGN_OR_RETURN(const std::string population,
                          ParsePopulationName(request.parent(), "parent"));
  THRONG_ASSIGN_OR_RETURN(const index::TagDefinition definition, ToDefinition(request));
  THRONG_ASSIGN_OR_RETURN(const engine::WriteOptions options, ToWriteOptions(request));
  const absl::StatusOr<engine::TagInfo> tag =
      scope.engine->tags().Create(scope.caller, population, definition, options);
  if (!tag.ok()) return MoveField(tag.status(), "population", "parent");
  TagToProto(population, *tag, response);
  return absl::OkStatus();
}

absl::Status HandleGet(const CallScope& scope, const v1::GetTagRequest& request,
                       v1::Tag* response) {
  THRONG_ASSIGN_OR_RETURN(const TagName name, ParseTagName(request.name(), "name"));
  const absl::StatusOr<engine::TagInfo> tag =
      scope.engine->tags().Get(scope.caller, name.population, name.tag);
  if (!tag.ok()) return MoveField(tag.status(), "population", "name");
  TagToProto(name.population, *tag, response);
  return absl::OkStatus();
}

// The data version that a list of tags is of; an empty list does not know its own.
absl::StatusOr<uint64_t> VersionOf(const CallScope& scope, const std::string& population,
                                   const std::vector<engine::TagInfo>& tags) {
  if (!tags.empty()) return tags.front().data_version;
  THRONG_ASSIGN_OR_RETURN(const engine::PopulationInfo info,
                          scope.engine->populations().Get(scope.caller, population));
  return info.data_version;
}

absl::Status HandleList(const CallScope& scope, const v1::ListTagsRequest& request,
                        v1::ListTagsResponse* response) {
  THRONG_ASSIGN_OR_RETURN(const std::string population,
                          ParsePopulationName(request.parent(), "parent"));
  THRONG_ASSIGN_OR_RETURN(const Page page, ToPage(request, kTagPageDefault, kTagPageMax));
  const absl::StatusOr<std::vector<engine::TagInfo>> tags =
      scope.engine->tags().List(scope.caller, population, request.path_prefix());
  if (!tags.ok()) return MoveField(tags.status(), "population", "parent");
  const std::vector<const engine::TagInfo*> shown = CutPage(
      *tags, page, [](const engine::TagInfo& tag) { return tag.definition.name; },
      [](const engine::TagInfo& tag, std::string_view after) {
        return tag.definition.name > after;
      },
      response->mutable_next_page_token());
  for (const engine::TagInfo* tag : shown) TagToProto(population, *tag, response->add_tags());
  THRONG_ASSIGN_OR_RETURN(const uint64_t data_version, VersionOf(scope, population, *tags));
  response->set_data_version(data_version);
  return absl::OkStatus();
}

// Who lowers the sensitivity of a tag shows it to others: that is no matter of loading.
absl::Status CheckSensitivity(const CallScope& scope, const engine::TagUpdate& update,
                              const std::string& population) {
  if (!update.sensitivity.has_value() || scope.who.May(access::Right::kAdminister, population)) {
    return absl::OkStatus();
  }
  return index::MakeError(absl::StatusCode::kPermissionDenied,
                          "the sensitivity of a tag is changed with the right administer",
                          {.reason = "NO_RIGHT", .field = "tag.sensitivity"});
}

absl::Status HandleUpdate(const CallScope& scope, const v1::UpdateTagRequest& request,
                          v1::Tag* response) {
  THRONG_ASSIGN_OR_RETURN(engine::TagUpdate update, ToUpdate(request));
  THRONG_ASSIGN_OR_RETURN(const TagName name, ParseTagName(request.tag().name(), "tag.name"));
  update.name = name.tag;
  THRONG_RETURN_IF_ERROR(CheckSensitivity(scope, update, name.population));
  THRONG_ASSIGN_OR_RETURN(const engine::WriteOptions options, ToWriteOptions(request));
  const absl::StatusOr<engine::TagInfo> tag =
      scope.engine->tags().Update(scope.caller, name.population, update, options);
  if (!tag.ok()) {
    return MoveField(MoveField(tag.status(), "population", "tag.name"), "name", "tag.name");
  }
  TagToProto(name.population, *tag, response);
  return absl::OkStatus();
}

absl::Status HandleListValues(const CallScope& scope, const v1::ListTagValuesRequest& request,
                              v1::ListTagValuesResponse* response) {
  THRONG_ASSIGN_OR_RETURN(const TagName name, ParseTagName(request.name(), "name"));
  THRONG_ASSIGN_OR_RETURN(const Page page, ToPage(request, kTagValuePageDefault, kTagValuePageMax));
  const absl::StatusOr<engine::TagValues> values =
      scope.engine->tags().ListValues(scope.caller, name.population, name.tag);
  if (!values.ok()) return MoveField(values.status(), "population", "name");
  for (const engine::TagValueCount* value : CutPage(values->values, page, &ValuePosition, &IsBehind,
                                                    response->mutable_next_page_token())) {
    v1::TagValueCount* added = response->add_values();
    TextToProto(values->type, value->value, added->mutable_value());
    added->set_user_count(value->user_count);
  }
  response->set_missing(values->missing);
  response->set_data_version(values->data_version);
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* TagService::CreateTag(grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* request,
                                                grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleCreate);
}
grpc::ServerUnaryReactor* TagService::GetTag(grpc::CallbackServerContext* context,
                                             const grpc::ByteBuffer* request,
                                             grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleGet);
}
grpc::ServerUnaryReactor* TagService::ListTags(grpc::CallbackServerContext* context,
                                               const grpc::ByteBuffer* request,
                                               grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleList);
}
grpc::ServerUnaryReactor* TagService::UpdateTag(grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* request,
                                                grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleUpdate);
}
grpc::ServerUnaryReactor* TagService::ListTagValues(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleListValues);
}

}  // namespace throng::service
