#include "server/service/message_fields.h"

#include <string>

namespace throng::service {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

void VisitTexts(const Message& message, const MessagePath& path, size_t depth,
                const std::function<void(std::string_view)>& visit) {
  const FieldDescriptor* field = path[depth];
  const Reflection& fields = *message.GetReflection();
  const bool is_last = depth + 1 == path.size();
  std::string scratch;
  if (field->is_repeated()) {
    for (int i = 0; i < fields.FieldSize(message, field); ++i) {
      if (is_last) {
        visit(fields.GetRepeatedStringReference(message, field, i, &scratch));
      } else {
        VisitTexts(fields.GetRepeatedMessage(message, field, i), path, depth + 1, visit);
      }
    }
  } else if (is_last) {
    visit(fields.GetStringReference(message, field, &scratch));
  } else if (fields.HasField(message, field)) {
    VisitTexts(fields.GetMessage(message, field), path, depth + 1, visit);
  }
}

// The message that holds the last field of the path; null: it is not there.
const Message* HolderOf(const Message& message, const MessagePath& path) {
  const Message* holder = &message;
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    if (!holder->GetReflection()->HasField(*holder, path[i])) return nullptr;
    holder = &holder->GetReflection()->GetMessage(*holder, path[i]);
  }
  return holder;
}

}  // namespace

std::optional<MessagePath> FindPath(const google::protobuf::Descriptor& message,
                                    std::string_view path) {
  MessagePath fields;
  const google::protobuf::Descriptor* holder = &message;
  while (!path.empty()) {
    const size_t dot = path.find('.');
    const FieldDescriptor* field =
        holder == nullptr ? nullptr : holder->FindFieldByName(std::string(path.substr(0, dot)));
    if (field == nullptr) return std::nullopt;
    fields.push_back(field);
    holder = field->message_type();  // null for what is no message
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return fields;
}

void ForEachText(const Message& message, const MessagePath& path,
                 const std::function<void(std::string_view)>& visit) {
  if (!path.empty()) VisitTexts(message, path, 0, visit);
}

void ForEachNumber(const Message& message, const MessagePath& path,
                   const std::function<void(uint64_t)>& visit) {
  const Message* holder = path.empty() ? nullptr : HolderOf(message, path);
  if (holder == nullptr) return;
  const Reflection& fields = *holder->GetReflection();
  const FieldDescriptor* field = path.back();
  if (!field->is_repeated()) visit(fields.GetUInt64(*holder, field));
  for (int i = 0; field->is_repeated() && i < fields.FieldSize(*holder, field); ++i) {
    visit(fields.GetRepeatedUInt64(*holder, field, i));
  }
}

const Message* MessageAt(const Message& message, const MessagePath& path) {
  const Message* holder = path.empty() ? nullptr : HolderOf(message, path);
  if (holder == nullptr || !holder->GetReflection()->HasField(*holder, path.back())) return nullptr;
  return &holder->GetReflection()->GetMessage(*holder, path.back());
}

uint64_t NumberAt(const Message& message, const MessagePath& path) {
  if (path.empty()) return 0;
  const Message* holder = HolderOf(message, path);
  if (holder == nullptr) return 0;
  const FieldDescriptor* field = path.back();
  const Reflection& fields = *holder->GetReflection();
  if (field->is_repeated()) return static_cast<uint64_t>(fields.FieldSize(*holder, field));
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT64:
      return fields.GetUInt64(*holder, field);
    case FieldDescriptor::CPPTYPE_UINT32:
      return fields.GetUInt32(*holder, field);
    default:
      return 0;
  }
}

bool IsSetAt(const Message& message, const MessagePath& path) {
  if (path.empty()) return false;
  const Message* holder = HolderOf(message, path);
  if (holder == nullptr) return false;
  const FieldDescriptor* field = path.back();
  const Reflection& fields = *holder->GetReflection();
  if (field->is_repeated()) return fields.FieldSize(*holder, field) > 0;
  return fields.HasField(*holder, field);
}

}  // namespace throng::service
