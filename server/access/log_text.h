// Values of the server's log, whose lines are key=value pairs: what may hold a quotation mark or
// the end of a line is written so that it ends neither its value nor its line.
//
//   spdlog::error("event=failed message={}", QuotedMessage(status));
//   Quoted("no role \"boss\"\n")     // "no role \"boss\"\x0a", with the quotation marks around
//
// Thread-safe.
#ifndef THRONG_SERVER_ACCESS_LOG_TEXT_H_
#define THRONG_SERVER_ACCESS_LOG_TEXT_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace throng::access {

// In quotation marks, on one line.
std::string Quoted(std::string_view text);
// The message of a status, likewise.
std::string QuotedMessage(const absl::Status& status);

}  // namespace throng::access

#endif  // THRONG_SERVER_ACCESS_LOG_TEXT_H_
