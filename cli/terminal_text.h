// Text as a terminal shows it: code points, columns, and nothing that could steer the terminal.
//
//   DisplayWidth("北京");        // 4: CJK characters take two columns
//   Printable("a\x1b[2J");       // "a\u{1b}[2J"
//   FormatCount(1234567);        // "1,234,567"
#ifndef THRONG_CLI_TERMINAL_TEXT_H_
#define THRONG_CLI_TERMINAL_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace throng::cli {

// One code point of UTF-8 text. A value; thread-compatible.
struct CodePoint {
  // U+FFFD where the bytes are not UTF-8.
  char32_t value = 0;
  // How many bytes it takes, at least 1.
  std::size_t bytes = 1;
  // False where the bytes are not UTF-8.
  bool valid = true;
};

// The first code point of `text`. REQUIRES: text is not empty.
CodePoint FirstCodePoint(std::string_view text);

// Columns a terminal gives the code point: 0 for combining marks, 2 for wide ones (UAX #11),
// else 1.
int DisplayWidth(char32_t code_point);

// Columns a terminal gives the text. Text that is not UTF-8 counts one column a byte.
std::size_t DisplayWidth(std::string_view text);

// The text with control characters, text-direction controls and bytes that are not UTF-8 written
// as \u{hex} or \x{hex}, so that what a server or a file says cannot steer the terminal.
std::string Printable(std::string_view text);

// The same, but line ends stay: for messages of several lines.
std::string PrintableLines(std::string_view text);

// Digits in groups of three: "1,234,567".
std::string FormatCount(std::uint64_t count);

// "840 us", "12.3 ms", "4.56 s".
std::string DurationText(absl::Duration duration);

// A bar of `share` (0 to 1, clamped) of `columns` columns, in eighths of a column. Empty for 0.
std::string ShareBar(double share, int columns);

// Whether the stream is a terminal.
bool IsTerminal(std::FILE* stream);

}  // namespace throng::cli

#endif  // THRONG_CLI_TERMINAL_TEXT_H_
