#include "cli/text_check.h"

#include <cstring>

namespace throng::cli {
namespace {

bool IsContinuation(unsigned char byte) { return (byte & 0xC0) == 0x80; }

// Length of the well-formed sequence at the start of `text`, 0 when there is none.
size_t SequenceLength(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return text.size() >= 2 && IsContinuation(byte(1)) ? 2 : 0;
  if (lead < 0xF0) {
    if (text.size() < 3 || !IsContinuation(byte(1)) || !IsContinuation(byte(2))) return 0;
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;
    if (lead == 0xED && byte(1) > 0x9F) return 0;
    return 3;
  }
  if (lead > 0xF4 || text.size() < 4) return 0;
  if (!IsContinuation(byte(1)) || !IsContinuation(byte(2)) || !IsContinuation(byte(3))) return 0;
  if (lead == 0xF0 && byte(1) < 0x90) return 0;
  if (lead == 0xF4 && byte(1) > 0x8F) return 0;
  return 4;
}

}  // namespace

size_t FindInvalidText(std::string_view text) {
  constexpr uint64_t kLow = 0x0101010101010101;
  constexpr uint64_t kHigh = 0x8080808080808080;
  size_t i = 0;
  while (i < text.size()) {
    while (i + 8 <= text.size()) {
      uint64_t word;
      std::memcpy(&word, text.data() + i, 8);
      // The high bit of a byte is set by a non-ASCII byte or, through the borrow, by a NUL.
      if (((word - kLow) | word) & kHigh) break;
      i += 8;
    }
    // One byte or sequence at a time, up to a place where the fast loop may go on.
    const size_t stop = i + 8;
    while (i < text.size() && i < stop) {
      if (text[i] == '\0') return i;
      const size_t length = SequenceLength(text.substr(i));
      if (length == 0) return i;
      i += length;
    }
  }
  return std::string_view::npos;
}

size_t CountCodePoints(std::string_view text) {
  size_t count = 0;
  for (const char c : text) count += IsContinuation(static_cast<unsigned char>(c)) ? 0 : 1;
  return count;
}

}  // namespace throng::cli
