// Numbers that the server withheld from a caller with a minimum (docs/security.md).
//
//   NumberText(response, "count", response.count());   // "1,234", or "withheld"
//   MarkWithheld(response, json);                      // json["count"] = null
//
// Thread-safe.
#ifndef THRONG_CLI_WITHHELD_H_
#define THRONG_CLI_WITHHELD_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "cli/json_output.h"
#include "cli/terminal_text.h"
#include "fmt/format.h"

namespace throng::cli {

inline constexpr std::string_view kWithheldText = "withheld";

// Whether the message names the field in `withheld`.
template <typename Message>
bool IsWithheld(const Message& message, std::string_view field) {
  return std::find(message.withheld().begin(), message.withheld().end(), field) !=
         message.withheld().end();
}

// The number as people read it, or that it is withheld.
template <typename Message>
std::string NumberText(const Message& message, std::string_view field, std::uint64_t number) {
  return IsWithheld(message, field) ? std::string(kWithheldText) : FormatCount(number);
}

// "1,234 users", "fewer than 100 users": of an answer whose `count` is withheld if it is small.
template <typename Response>
std::string UsersText(const Response& response) {
  return IsWithheld(response, "count")
             ? fmt::format("fewer than {} users", FormatCount(response.info().minimum_count()))
             : fmt::format("{} users", FormatCount(response.count()));
}

// The field's text, or that it is withheld.
template <typename Message>
std::string OrWithheld(const Message& message, std::string_view field, std::string text) {
  return IsWithheld(message, field) ? std::string(kWithheldText) : std::move(text);
}

// Makes null of the withheld fields that the object has, and names them in its "withheld". Without
// any it stays as it is.
template <typename Message>
void MarkWithheld(const Message& message, Json& json) {
  if (message.withheld().empty()) return;
  Json names = Json::array();
  for (const std::string& name : message.withheld()) {
    if (json.contains(name)) json[name] = nullptr;
    names.push_back(name);
  }
  json["withheld"] = std::move(names);
}

}  // namespace throng::cli

#endif  // THRONG_CLI_WITHHELD_H_
