#include "cli/member_states.h"

#include "cli/export_format.h"
#include "cli/terminal_text.h"
#include "fmt/format.h"

namespace throng::cli {

std::string_view StateName(int state) {
  switch (state) {
    case v1::MEMBER_STATE_MEMBER:
      return "member";
    case v1::MEMBER_STATE_NOT_MEMBER:
      return "not";
    case v1::MEMBER_STATE_UNKNOWN_USER:
      return "unknown";
    case v1::MEMBER_STATE_INVALID_ID:
      return "invalid";
    case v1::MEMBER_STATE_NO_VERSION:
      return "no version";
    default:
      return "?";
  }
}

std::string StateLine(std::string_view id, const google::protobuf::RepeatedField<int>& states) {
  std::string line;
  AppendCsvField(id, line);
  for (const int state : states) {
    line += ',';
    line += StateName(state);
  }
  line += '\n';
  return line;
}

Json StatesJson(std::string_view id, const std::vector<std::string>& crowds,
                const google::protobuf::RepeatedField<int>& states) {
  Json of_crowds = Json::object();
  for (int i = 0; i < states.size(); ++i) {
    of_crowds[crowds[static_cast<size_t>(i)]] = StateName(states.Get(i));
  }
  return {{"id", id}, {"crowds", of_crowds}};
}

std::string CountsText(const std::map<int, uint64_t>& counts) {
  const auto members = counts.find(v1::MEMBER_STATE_MEMBER);
  std::string text =
      fmt::format("{} members", FormatCount(members == counts.end() ? 0 : members->second));
  for (const auto& [state, count] : counts) {
    if (state == v1::MEMBER_STATE_MEMBER || count == 0) continue;
    text += fmt::format(", {} {}", FormatCount(count), StateName(state));
  }
  return text;
}

}  // namespace throng::cli
