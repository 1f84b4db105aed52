// Finds what may not be in a text: NUL bytes and malformed UTF-8.
//
//   size_t bad = FindInvalidText("caf\xE9");  // 3
//   if (bad != std::string_view::npos) ...
#ifndef THRONG_CLI_TEXT_CHECK_H_
#define THRONG_CLI_TEXT_CHECK_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace throng::cli {

// Returns the offset of the first NUL byte or of the first byte of a sequence that is not UTF-8
// (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF); npos when there is none.
// Thread-safe.
size_t FindInvalidText(std::string_view text);

// Number of code points in valid UTF-8 (bytes that do not continue one). Thread-safe.
size_t CountCodePoints(std::string_view text);

}  // namespace throng::cli

#endif  // THRONG_CLI_TEXT_CHECK_H_
