#include "tests/style/source_file.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"

namespace throng::style {
namespace {

namespace fs = std::filesystem;

bool IsIdentifierCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Blanks [from, to) of `text` but for line ends.
void Blank(std::string& text, size_t from, size_t to) {
  for (size_t i = from; i < std::min(to, text.size()); ++i) {
    if (text[i] != '\n') text[i] = ' ';
  }
}

// Returns the place one past the end of what was looked for, or the end of the text.
size_t EndAfter(std::string_view text, std::string_view what, size_t from) {
  const size_t found = text.find(what, from);
  return found == std::string_view::npos ? text.size() : found + what.size();
}

// Returns one past the closing quote of the literal whose opening quote stands at `open`.
size_t EndOfQuoted(std::string_view text, size_t open) {
  const char quote = text[open];
  size_t i = open + 1;
  while (i < text.size() && text[i] != quote && text[i] != '\n') i += text[i] == '\\' ? 2 : 1;
  return std::min(i + 1, text.size());
}

// Returns one past R"x(...)x" whose quote stands at `open`.
size_t EndOfRaw(std::string_view text, size_t open) {
  const size_t parenthesis = text.find('(', open);
  if (parenthesis == std::string_view::npos) return text.size();
  const std::string_view delimiter = text.substr(open + 1, parenthesis - open - 1);
  return EndAfter(text, fmt::format("){}\"", delimiter), parenthesis);
}

bool IsRawPrefix(std::string_view text, size_t quote) {
  return quote > 0 && text[quote - 1] == 'R' &&
         (quote == 1 || !IsIdentifierCharacter(text[quote - 2]));
}

// 1'000 is a number, not the start of a character literal.
bool IsDigitSeparator(std::string_view text, size_t quote) {
  return quote > 0 && IsIdentifierCharacter(text[quote - 1]) && quote + 1 < text.size() &&
         IsIdentifierCharacter(text[quote + 1]) &&
         !(text[quote - 1] == 'u' || text[quote - 1] == 'U' || text[quote - 1] == 'L');
}

bool HasSuffix(std::string_view text, std::string_view suffix) { return text.ends_with(suffix); }

bool IsProjectSource(const fs::path& path) {
  const std::string name = path.filename().string();
  for (std::string_view suffix : {".cc", ".h", ".proto", ".cmake", ".sh"}) {
    if (HasSuffix(name, suffix)) return true;
  }
  return name == "CMakeLists.txt" || path.parent_path().filename() == ".ci";
}

bool IsSkippedFolder(const fs::path& path) {
  const std::string name = path.filename().string();
  return name == "build" || name == "node_modules" || (name.starts_with('.') && name != ".ci");
}

}  // namespace

std::string ToString(const Finding& finding) {
  return fmt::format("{}:{}: {}", finding.path, finding.line, finding.message);
}

std::vector<std::string> SplitLines(std::string_view text) {
  std::vector<std::string> lines;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

std::string BlankCommentsAndLiterals(std::string_view text) {
  std::string code(text);
  size_t i = 0;
  while (i < text.size()) {
    size_t end = i + 1;
    if (text.substr(i, 2) == "//") {
      end = std::min(text.find('\n', i), text.size());
      Blank(code, i, end);
    } else if (text.substr(i, 2) == "/*") {
      end = EndAfter(text, "*/", i + 2);
      Blank(code, i, end);
    } else if (text[i] == '"' || (text[i] == '\'' && !IsDigitSeparator(text, i))) {
      end = IsRawPrefix(text, i) ? EndOfRaw(text, i) : EndOfQuoted(text, i);
      Blank(code, i + 1, end - 1);
    }
    i = end;
  }
  return code;
}

bool IsHeader(const SourceFile& file) { return HasSuffix(file.path, ".h"); }

bool IsCpp(const SourceFile& file) { return IsHeader(file) || HasSuffix(file.path, ".cc"); }

bool IsCMake(const SourceFile& file) {
  return HasSuffix(file.path, ".cmake") || HasSuffix(file.path, "CMakeLists.txt");
}

SourceFile MakeSourceFile(std::string_view path, std::string_view text) {
  SourceFile file{
      .path = std::string(path), .text = std::string(text), .code = {}, .lines = SplitLines(text)};
  file.code = IsCpp(file) ? BlankCommentsAndLiterals(text) : file.text;
  return file;
}

absl::StatusOr<std::vector<SourceFile>> LoadTree(std::string_view root) {
  const fs::path top(root);
  std::error_code error;
  if (!fs::exists(top / "CMakeLists.txt", error)) {
    return absl::NotFoundError(fmt::format("{} is not the root of the project", root));
  }
  std::vector<SourceFile> files;
  fs::recursive_directory_iterator it(top, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    if (it->is_directory()) {
      if (IsSkippedFolder(it->path())) it.disable_recursion_pending();
      continue;
    }
    if (!it->is_regular_file() || !IsProjectSource(it->path())) continue;
    std::ifstream stream(it->path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    if (stream.bad()) return absl::NotFoundError(it->path().string());
    files.push_back(MakeSourceFile(it->path().lexically_relative(top).generic_string(), text));
  }
  if (error) return absl::NotFoundError(fmt::format("{}: {}", root, error.message()));
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return files;
}

}  // namespace throng::style
