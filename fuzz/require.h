// What a fuzzer says when what it requires does not hold: the text, then the end.
//
//   Require(decoded == value, "a token that does not decode to what it was made of");
//
// libFuzzer keeps the input. Thread-safe.
#ifndef THRONG_FUZZ_REQUIRE_H_
#define THRONG_FUZZ_REQUIRE_H_

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace throng::fuzz {

inline void Require(bool condition, std::string_view what, std::string_view detail = "") {
  if (condition) return;
  std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(what.size()), what.data(),
               static_cast<int>(detail.size()), detail.data());
  std::abort();
}

}  // namespace throng::fuzz

#endif  // THRONG_FUZZ_REQUIRE_H_
