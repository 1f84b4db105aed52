// A tracked source file as the style rules see it: its lines, and its code without comments.
//
//   absl::StatusOr<std::vector<SourceFile>> tree = LoadTree(THRONG_SOURCE_DIR);
//   for (const SourceFile& file : *tree) CheckLength(file);
//
// `code` has the same line breaks and columns as the text, so a finding in one is a place in the
// other. Nothing here parses C++: it is exact enough for clang-formatted code.
#ifndef THRONG_TESTS_STYLE_SOURCE_FILE_H_
#define THRONG_TESTS_STYLE_SOURCE_FILE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace throng::style {

// A value; thread-compatible.
struct SourceFile {
  std::string path;                // relative to the root, with forward slashes
  std::string text;                // as it stands on disk
  std::string code;                // `text`; in C++, comments and literals blanked
  std::vector<std::string> lines;  // of `text`, without line ends
};

// One place that breaks one rule. A value; thread-compatible.
struct Finding {
  std::string path;
  int line = 0;  // 1-based; 0: the file as a whole
  std::string message;

  friend bool operator==(const Finding&, const Finding&) = default;
};

// "path:line: message", as editors and compilers write it.
std::string ToString(const Finding& finding);

// Returns a file as if `text` stood at `path`.
SourceFile MakeSourceFile(std::string_view path, std::string_view text);

// Blanks (with spaces, line ends stay) comments, string and character literals, raw ones too.
// Quotes that delimit stay, so an include's path is not in the result: take those from the text.
std::string BlankCommentsAndLiterals(std::string_view text);

// Splits at line ends; a last line without one counts.
std::vector<std::string> SplitLines(std::string_view text);

// C++ sources and headers.
bool IsCpp(const SourceFile& file);
bool IsHeader(const SourceFile& file);
bool IsCMake(const SourceFile& file);

// Reads the project's own sources below `root`: C++, protos, CMake files and shell scripts, in
// order of path. Build trees and hidden folders (but .ci) are left out.
//
// Errors: kNotFound when `root` is not the project's root or a file cannot be read.
absl::StatusOr<std::vector<SourceFile>> LoadTree(std::string_view root);

}  // namespace throng::style

#endif  // THRONG_TESTS_STYLE_SOURCE_FILE_H_
