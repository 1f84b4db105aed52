#include "cli/edge_list.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/selection_options.h"

namespace throng::cli {
namespace {

void SetEdge(const std::string& text, v1::Value* value) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc() && stopped == end) {
    value->set_integer(number);
  } else if (text.find_first_not_of("0123456789.-") == std::string::npos &&
             std::count(text.begin(), text.end(), '.') == 1) {
    value->set_decimal(text);
  } else {
    value->set_text(text);
  }
}

}  // namespace

absl::Status AddEdges(std::string_view list, google::protobuf::RepeatedPtrField<v1::Value>* edges) {
  const absl::StatusOr<std::vector<std::string>> texts = SplitNames(list);
  if (!texts.ok()) return texts.status();
  for (const std::string& text : *texts) SetEdge(text, edges->Add());
  return absl::OkStatus();
}

}  // namespace throng::cli
