// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
//
//   IsValidUtf8("Zürich");            // true
//   ValidUtf8Prefix("ab\xff" "cd");   // 2: the first bad byte is at offset 2
//   DecodeUtf8("Zü") == U"Zü";
//
// Every function is thread-safe.
#ifndef THRONG_INDEX_UTF8_H_
#define THRONG_INDEX_UTF8_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace throng::index {

// Returns the bytes of the well-formed code point `text` begins with (1 to 4) and sets
// `*code_point`; 0 if it begins with none.
size_t DecodeCodePoint(std::string_view text, char32_t* code_point);

// Returns the bytes of the longest well-formed prefix of `text`: text.size() if it is valid.
size_t ValidUtf8Prefix(std::string_view text);

bool IsValidUtf8(std::string_view text);

// Returns the code points of `text`; a bad byte becomes U+FFFD.
std::u32string DecodeUtf8(std::string_view text);

// C0 and C1 controls and U+007F.
bool IsControl(char32_t code_point);

}  // namespace throng::index

#endif  // THRONG_INDEX_UTF8_H_
