#include "cli/tag_preparation.h"

#include <map>
#include <string>
#include <string_view>

#include "cli/client.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

std::string TypeText(v1::TagType type, int32_t scale) {
  if (type != v1::TAG_TYPE_DECIMAL) return std::string(TagTypeName(type));
  return fmt::format("DECIMAL of scale {}", scale);
}

// What keeps the tag from being loaded by the schema; empty: nothing.
std::string Difference(const TagSchema& wanted, const v1::Tag& known) {
  const bool same_scale = wanted.type != v1::TAG_TYPE_DECIMAL || wanted.scale == known.scale();
  if (wanted.type == known.type() && same_scale) return "";
  return fmt::format("tag '{}' is {} on the server and {} in the schema", wanted.name,
                     TypeText(known.type(), known.scale()), TypeText(wanted.type, wanted.scale));
}

// "city" of "populations/default/tags/city".
std::string TagId(const std::string& name) { return name.substr(name.rfind('/') + 1); }

}  // namespace

grpc::Status PlanTags(v1::TagService::StubInterface& stub, const GlobalOptions& options,
                      const Schema& schema, TagPlan& plan) {
  std::map<std::string, v1::Tag> known;
  v1::ListTagsRequest request;
  request.set_parent(PopulationName(options));
  do {
    grpc::ClientContext context;
    SetDeadline(options, context);
    v1::ListTagsResponse response;
    const grpc::Status status = stub.ListTags(&context, request, &response);
    if (!status.ok()) return status;
    for (const v1::Tag& tag : response.tags()) known[TagId(tag.name())] = tag;
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());

  std::string differences;
  for (const TagSchema& tag : schema.tags) {
    const auto it = known.find(tag.name);
    if (it == known.end()) {
      plan.missing.push_back(&tag);
      continue;
    }
    const std::string difference = Difference(tag, it->second);
    if (!difference.empty()) differences += (differences.empty() ? "" : "\n") + difference;
  }
  if (differences.empty()) return grpc::Status::OK;
  return grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, differences);
}

grpc::Status CreateTags(v1::TagService::StubInterface& stub, const GlobalOptions& options,
                        const TagPlan& plan) {
  for (const TagSchema* tag : plan.missing) {
    v1::CreateTagRequest request;
    request.set_parent(PopulationName(options));
    request.set_tag_id(tag->name);
    *request.mutable_tag() = tag->definition;
    grpc::ClientContext context;
    SetDeadline(options, context);
    v1::Tag created;
    grpc::Status status = stub.CreateTag(&context, request, &created);
    if (status.error_code() == grpc::StatusCode::ALREADY_EXISTS) {
      v1::GetTagRequest get;
      get.set_name(fmt::format("{}/tags/{}", PopulationName(options), tag->name));
      grpc::ClientContext get_context;
      SetDeadline(options, get_context);
      status = stub.GetTag(&get_context, get, &created);
      const std::string difference = status.ok() ? Difference(*tag, created) : "";
      if (!difference.empty()) {
        status = grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, difference);
      }
    }
    if (!status.ok()) {
      return grpc::Status(status.error_code(),
                          fmt::format("tag '{}': {}", tag->name, status.error_message()),
                          status.error_details());
    }
  }
  return grpc::Status::OK;
}

}  // namespace throng::cli
