#include "index/utf8.h"

namespace throng::index {
namespace {

// What a lead byte says: how many bytes follow it, its own bits, and the least code point that
// needs so many bytes.
struct Lead {
  size_t following = 0;
  char32_t bits = 0;
  char32_t least = 0;
};

bool ReadLead(unsigned char byte, Lead* lead) {
  if (byte < 0x80) {
    *lead = {0, byte, 0};
  } else if (byte >= 0xc2 && byte < 0xe0) {
    *lead = {1, static_cast<char32_t>(byte & 0x1f), 0x80};
  } else if (byte >= 0xe0 && byte < 0xf0) {
    *lead = {2, static_cast<char32_t>(byte & 0x0f), 0x800};
  } else if (byte >= 0xf0 && byte < 0xf5) {
    *lead = {3, static_cast<char32_t>(byte & 0x07), 0x10000};
  } else {
    return false;
  }
  return true;
}

}  // namespace

size_t DecodeCodePoint(std::string_view text, char32_t* code_point) {
  Lead lead;
  if (text.empty() || !ReadLead(static_cast<unsigned char>(text[0]), &lead)) return 0;
  if (text.size() <= lead.following) return 0;
  char32_t value = lead.bits;
  for (size_t i = 1; i <= lead.following; ++i) {
    const unsigned char byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0) != 0x80) return 0;
    value = (value << 6) | (byte & 0x3f);
  }
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < lead.least || surrogate || value > 0x10ffff) return 0;
  *code_point = value;
  return lead.following + 1;
}

size_t ValidUtf8Prefix(std::string_view text) {
  size_t at = 0;
  char32_t ignored = 0;
  while (at < text.size()) {
    const size_t bytes = DecodeCodePoint(text.substr(at), &ignored);
    if (bytes == 0) break;
    at += bytes;
  }
  return at;
}

bool IsValidUtf8(std::string_view text) { return ValidUtf8Prefix(text) == text.size(); }

std::u32string DecodeUtf8(std::string_view text) {
  std::u32string decoded;
  decoded.reserve(text.size());
  while (!text.empty()) {
    char32_t code_point = U'\uFFFD';
    const size_t bytes = DecodeCodePoint(text, &code_point);
    decoded.push_back(code_point);
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  return decoded;
}

bool IsControl(char32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
}

}  // namespace throng::index
