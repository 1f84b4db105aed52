#include "server/access/json_line.h"

#include <iterator>

#include "fmt/format.h"
#include "index/utf8.h"

namespace throng::access {

void JsonLine::Key(std::string_view key) {
  if (line_.size() > 1) line_ += ',';
  line_ += '"';
  line_ += key;
  line_ += "\":";
}

void JsonLine::Text(std::string_view value) {
  line_ += '"';
  while (!value.empty()) {
    const size_t valid = index::ValidUtf8Prefix(value);
    for (const char c : value.substr(0, valid)) {
      if (c == '"' || c == '\\') {
        line_ += '\\';
        line_ += c;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        fmt::format_to(std::back_inserter(line_), "\\u{:04x}", static_cast<int>(c));
      } else {
        line_ += c;
      }
    }
    value.remove_prefix(valid);
    if (value.empty()) break;
    line_ += "\\ufffd";
    value.remove_prefix(1);
  }
  line_ += '"';
}

void JsonLine::Add(std::string_view key, std::string_view value) {
  Key(key);
  Text(value);
}

void JsonLine::Add(std::string_view key, uint64_t value) {
  Key(key);
  fmt::format_to(std::back_inserter(line_), "{}", value);
}

void JsonLine::Add(std::string_view key, const std::vector<std::string>& values) {
  if (values.empty()) return;
  Key(key);
  line_ += '[';
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) line_ += ',';
    Text(values[i]);
  }
  line_ += ']';
}

std::string JsonLine::Finish() && {
  line_ += '}';
  return std::move(line_);
}

}  // namespace throng::access
