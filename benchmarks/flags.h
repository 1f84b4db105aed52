// Flags of a benchmark: taken out of the arguments, so that what is left was not understood.
//
//   const uint64_t users = TakeNumber(&argc, argv, "users", 1'000'000);   // --users=N
#ifndef THRONG_BENCHMARKS_FLAGS_H_
#define THRONG_BENCHMARKS_FLAGS_H_

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "fmt/format.h"

namespace throng::bench {

// The value of --name=VALUE.
inline std::optional<std::string> TakeText(int* argc, char** argv, std::string_view name) {
  const std::string prefix = fmt::format("--{}=", name);
  for (int i = 1; i < *argc; ++i) {
    const std::string_view argument = argv[i];
    if (!argument.starts_with(prefix)) continue;
    std::string value(argument.substr(prefix.size()));
    for (int j = i; j + 1 < *argc; ++j) argv[j] = argv[j + 1];
    --*argc;
    return value;
  }
  return std::nullopt;
}

// The number of --name=N. Ends the program when it is none.
inline uint64_t TakeNumber(int* argc, char** argv, std::string_view name, uint64_t otherwise) {
  const std::optional<std::string> text = TakeText(argc, argv, name);
  if (!text) return otherwise;
  uint64_t number = 0;
  const char* const end = text->data() + text->size();
  if (std::from_chars(text->data(), end, number).ptr == end && !text->empty()) return number;
  fmt::print(stderr, "--{}={} is not a number\n", name, *text);
  std::exit(2);
}

}  // namespace throng::bench

#endif  // THRONG_BENCHMARKS_FLAGS_H_
