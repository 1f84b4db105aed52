// Fields of any message by path: "selection.population", "users.id".
//
//   std::optional<MessagePath> path = FindPath(*v1::CountRequest::descriptor(),
//                                              "selection.population");
//   ForEachText(request, *path, [](std::string_view text) { ... });
//
// Repeated fields on the way stand for each of their elements. Thread-safe.
#ifndef THRONG_SERVER_SERVICE_MESSAGE_FIELDS_H_
#define THRONG_SERVER_SERVICE_MESSAGE_FIELDS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace throng::service {

// From the message downwards; all but the last are messages. Empty: no field.
using MessagePath = std::vector<const google::protobuf::FieldDescriptor*>;

// nullopt: there is no such field.
std::optional<MessagePath> FindPath(const google::protobuf::Descriptor& message,
                                    std::string_view path);

// Calls `visit` with every text at the path, also with one that is not set where the message that
// holds it is. REQUIRES: a path of texts of `message`'s type.
void ForEachText(const google::protobuf::Message& message, const MessagePath& path,
                 const std::function<void(std::string_view)>& visit);

// The same of numbers of 64 bits without sign, the last field of which may be a list.
void ForEachNumber(const google::protobuf::Message& message, const MessagePath& path,
                   const std::function<void(uint64_t)>& visit);

// The message at the path; null: it is not there. REQUIRES: none repeated.
const google::protobuf::Message* MessageAt(const google::protobuf::Message& message,
                                           const MessagePath& path);

// The number at the path; 0 if it is not there. REQUIRES: a path of whole numbers, none repeated,
// of `message`'s type, or an empty one.
uint64_t NumberAt(const google::protobuf::Message& message, const MessagePath& path);

// Whether the field is there: a message, a list with elements, or a value other than its default.
// False for an empty path. REQUIRES: none repeated on the way, of `message`'s type.
bool IsSetAt(const google::protobuf::Message& message, const MessagePath& path);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_MESSAGE_FIELDS_H_
