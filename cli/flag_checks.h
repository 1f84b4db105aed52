// Checks of flag values for CLI11: each gives an empty text, or what is wrong.
//
//   command->add_option("--top", top)->check(CheckWholeNumber, "");
#ifndef THRONG_CLI_FLAG_CHECKS_H_
#define THRONG_CLI_FLAG_CHECKS_H_

#include <string>

namespace throng::cli {

// A decimal number of 0 to 2^64 - 1 without sign: CLI11 itself would take -1 for 2^64 - 1 and 010
// for 8.
std::string CheckWholeNumber(const std::string& text);

// A duration that is not negative, e.g. "30s", "500ms", "0".
std::string CheckDuration(const std::string& text);

}  // namespace throng::cli

#endif  // THRONG_CLI_FLAG_CHECKS_H_
