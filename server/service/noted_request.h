// What the audit log says of a request: the resources, tags and ids of users that it names, as many
// as are kept, and how many more there are; of resources, how many more times one was named.
//
//   NotedRequest noted;
//   noted.Add(rule, request, log);      // of a stream: each message
//   noted.WriteTo(&line);               // "resources", "ids", "ids_more", "request_id"
//
// Not thread-safe.
#ifndef THRONG_SERVER_SERVICE_NOTED_REQUEST_H_
#define THRONG_SERVER_SERVICE_NOTED_REQUEST_H_

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/message.h"
#include "server/access/audit_log.h"
#include "server/access/json_line.h"
#include "server/service/access_rules.h"

namespace throng::service {

inline constexpr size_t kNotedIdsMax = 10'000;

// What is written of a name: one that is longer than any can be is cut.
std::string_view NotedName(std::string_view name);

class NotedRequest {
 public:
  void Add(const AccessRule& rule, const google::protobuf::Message& request,
           const access::AuditLog& log);
  // Of an answer: what was made.
  void AddResource(std::string_view name);
  // All but the tags, and what was not written before: a second line has what came later.
  void WriteTo(access::JsonLine* line);
  const std::set<std::string>& tags() const { return tags_; }

 private:
  void AddIds(const AccessRule& rule, const google::protobuf::Message& request,
              const access::AuditLog& log);

  std::set<std::string> tags_;
  std::set<std::string, std::less<>> seen_resources_;
  std::vector<std::string> resources_;
  uint64_t resources_more_ = 0;   // mentions: beyond those that are kept, names are not told apart
  std::vector<std::string> ids_;  // hashed
  size_t ids_kept_ = 0;           // in this line and those before
  uint64_t ids_more_ = 0;
  std::string request_id_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_NOTED_REQUEST_H_
