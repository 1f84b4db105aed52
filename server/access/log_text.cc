#include "server/access/log_text.h"

#include "fmt/format.h"

namespace throng::access {

std::string Quoted(std::string_view text) {
  std::string quoted(1, '"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      quoted += fmt::format("\\x{:02x}", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string QuotedMessage(const absl::Status& status) {
  return Quoted(std::string_view(status.message().data(), status.message().size()));
}

}  // namespace throng::access
