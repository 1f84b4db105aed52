#include "server/service/noted_request.h"

#include <optional>
#include <utility>

#include "fmt/format.h"
#include "server/service/message_fields.h"
#include "server/service/resource_name.h"
#include "throng/v1/user.pb.h"

namespace throng::service {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr size_t kNotedTagsMax = 1'000;
constexpr size_t kNotedResourcesMax = 100;
constexpr size_t kNotedNameBytesMax = 128;

size_t CountOf(const v1::IdColumn& column) {
  return static_cast<size_t>(column.has_numbers() ? column.numbers().values_size()
                                                  : column.texts().ends_size());
}

// Texts whose ends are not in order are refused later; until then they are nobody's.
std::string IdAt(const v1::IdColumn& column, size_t row) {
  const int i = static_cast<int>(row);
  if (column.has_numbers()) return std::to_string(column.numbers().values(i));
  const v1::TextColumn& texts = column.texts();
  const size_t begin = i == 0 ? 0 : texts.ends(i - 1);
  const size_t end = texts.ends(i);
  return begin <= end && end <= texts.data().size() ? texts.data().substr(begin, end - begin) : "";
}

}  // namespace

std::string_view NotedName(std::string_view name) { return name.substr(0, kNotedNameBytesMax); }

void NotedRequest::AddIds(const AccessRule& rule, const Message& request,
                          const access::AuditLog& log) {
  const auto add = [&](std::string_view id) {
    if (ids_kept_ == kNotedIdsMax) {
      ++ids_more_;
      return;
    }
    ids_.push_back(log.HashId(id));
    ++ids_kept_;
  };
  for (const MessagePath& path : rule.ids) {
    switch (path.back()->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        ForEachText(request, path, add);
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        ForEachNumber(request, path, [&](uint64_t number) { add(std::to_string(number)); });
        break;
      default:
        if (const Message* found = MessageAt(request, path); found != nullptr) {
          const auto& column = static_cast<const v1::IdColumn&>(*found);
          const size_t rows = CountOf(column);
          size_t row = 0;
          for (; row < rows && ids_kept_ < kNotedIdsMax; ++row) add(IdAt(column, row));
          ids_more_ += rows - row;
        }
    }
  }
}

void NotedRequest::Add(const AccessRule& rule, const Message& request,
                       const access::AuditLog& log) {
  for (const MessagePath& path : rule.tags) {
    ForEachText(request, path, [&](std::string_view name) {
      if (!name.empty() && tags_.size() < kNotedTagsMax) tags_.emplace(NotedName(LastPart(name)));
    });
  }
  for (const MessagePath& path : rule.resources) {
    ForEachText(request, path, [&](std::string_view name) { AddResource(name); });
  }
  AddIds(rule, request, log);
  const std::optional<MessagePath> path = FindPath(*request.GetDescriptor(), "request_id");
  if (!path.has_value() || path->back()->cpp_type() != FieldDescriptor::CPPTYPE_STRING) return;
  ForEachText(request, *path, [&](std::string_view id) { request_id_ = NotedName(id); });
}

void NotedRequest::AddResource(std::string_view name) {
  name = NotedName(name);
  if (name.empty() || seen_resources_.find(name) != seen_resources_.end()) return;
  if (seen_resources_.size() == kNotedResourcesMax) {
    ++resources_more_;
    return;
  }
  seen_resources_.emplace(name);
  resources_.emplace_back(name);
}

void NotedRequest::WriteTo(access::JsonLine* line) {
  line->Add("resources", std::exchange(resources_, {}));
  if (resources_more_ > 0) line->Add("resources_more", std::exchange(resources_more_, 0));
  line->Add("ids", std::exchange(ids_, {}));
  if (ids_more_ > 0) line->Add("ids_more", std::exchange(ids_more_, 0));
  if (!request_id_.empty()) line->Add("request_id", std::exchange(request_id_, {}));
}

}  // namespace throng::service
