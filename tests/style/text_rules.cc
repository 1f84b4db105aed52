#include "tests/style/text_rules.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "fmt/format.h"
#include "tests/style/cpp_scanner.h"

namespace throng::style {
namespace {

// Headers that may be longer than kHeaderLinesMax, each with its reason.
struct LongHeader {
  std::string_view path;
  int lines_max = 0;
  std::string_view reason;
};
constexpr std::array<LongHeader, 0> kLongHeaders = {};

bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// The places where `word` stands in `text` as a whole word.
std::vector<size_t> FindWord(std::string_view text, std::string_view word) {
  std::vector<size_t> places;
  for (size_t i = text.find(word); i != std::string_view::npos; i = text.find(word, i + 1)) {
    const size_t end = i + word.size();
    const bool starts = i == 0 || !IsWord(text[i - 1]);
    const bool ends = end == text.size() || !IsWord(text[end]);
    if (starts && ends) places.push_back(i);
  }
  return places;
}

int LineOf(std::string_view text, size_t offset) {
  return static_cast<int>(std::count(text.begin(), text.begin() + offset, '\n')) + 1;
}

int HeaderLinesMax(std::string_view path) {
  for (const LongHeader& header : kLongHeaders) {
    if (header.path == path) return header.lines_max;
  }
  return kHeaderLinesMax;
}

size_t CodePoints(std::string_view line) {
  return std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

// "index/id_set.h" -> "THRONG_INDEX_ID_SET_H_".
std::string GuardOf(std::string_view path) {
  std::string guard = "THRONG_";
  for (char c : path) {
    guard += IsWord(c) ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : '_';
  }
  return guard + "_";
}

// "BlobStore" -> blob, store; "blob_store.cc" -> blob, store, cc.
std::vector<std::string> WordsOf(std::string_view name) {
  std::vector<std::string> words(1);
  for (unsigned char c : name) {
    if (c == '_' || c == '.' || std::isupper(c) != 0) words.emplace_back();
    if (std::isalnum(c) != 0) words.back() += static_cast<char>(std::tolower(c));
  }
  return words;
}

// The word of `name` that says nothing of what it is; else "".
std::string VagueWord(std::string_view name) {
  for (const std::string& word : WordsOf(name)) {
    for (std::string_view vague :
         {"manager", "helper", "helpers", "util", "utils", "utility", "utilities", "common"}) {
      if (word == vague) return word;
    }
  }
  return "";
}

}  // namespace

std::vector<Finding> CheckFileLength(const SourceFile& file) {
  const int lines = static_cast<int>(file.lines.size());
  const int lines_max = IsHeader(file) ? HeaderLinesMax(file.path) : kFileLinesMax;
  if (lines <= lines_max) return {};
  return {{file.path, 0, fmt::format("{} lines, at most {}: split it", lines, lines_max)}};
}

std::vector<Finding> CheckLineWidth(const SourceFile& file) {
  std::vector<Finding> findings;
  for (size_t i = 0; i < file.lines.size(); ++i) {
    const std::string_view line = file.lines[i];
    if (CodePoints(line) <= kColumnsMax || line.starts_with("#include")) continue;
    const size_t word = line.find_last_of(' ');
    const bool is_one_word = word == std::string_view::npos || CodePoints(line.substr(word)) > 80;
    if (is_one_word) continue;
    findings.push_back({file.path, static_cast<int>(i) + 1,
                        fmt::format("{} columns, at most {}", CodePoints(line), kColumnsMax)});
  }
  return findings;
}

std::vector<Finding> CheckFunctionLength(const SourceFile& file) {
  std::vector<Finding> findings;
  if (!IsCpp(file)) return findings;
  for (const FunctionOutline& function : ScanCpp(file).functions) {
    const int lines = function.last_line - function.first_line + 1;
    if (lines <= kFunctionLinesMax) continue;
    findings.push_back(
        {file.path, function.first_line,
         fmt::format("{} has {} lines, at most {}", function.name, lines, kFunctionLinesMax)});
  }
  return findings;
}

std::vector<Finding> CheckPublicMethods(const SourceFile& file) {
  std::vector<Finding> findings;
  if (!IsCpp(file)) return findings;
  for (const TypeOutline& type : ScanCpp(file).types) {
    if (type.public_methods <= kPublicMethodsMax) continue;
    findings.push_back({file.path, type.line,
                        fmt::format("{} has {} public methods, at most {}", type.name,
                                    type.public_methods, kPublicMethodsMax)});
  }
  return findings;
}

std::vector<Finding> CheckHeaderForm(const SourceFile& file) {
  if (!IsHeader(file)) return {};
  std::vector<Finding> findings;
  if (!file.text.starts_with("// ")) {
    findings.push_back({file.path, 1, "a header opens with a comment: its purpose, an example"});
  }
  const std::string guard = GuardOf(file.path);
  const bool is_guarded =
      file.text.find(fmt::format("#ifndef {0}\n#define {0}\n", guard)) != std::string::npos &&
      file.text.ends_with(fmt::format("#endif  // {}\n", guard));
  if (!is_guarded) {
    findings.push_back({file.path, 0, fmt::format("the include guard must be {}", guard)});
  }
  return findings;
}

std::vector<Finding> CheckThreadSafetyStated(const SourceFile& file) {
  if (!IsHeader(file)) return {};
  std::string text = file.text;
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const bool is_stated = text.find("thread") != std::string::npos;
  if (is_stated || ScanCpp(file).types.empty()) return {};
  return {{file.path, 0, "declares a type and does not state its thread-safety"}};
}

std::vector<Finding> CheckNames(const SourceFile& file) {
  std::vector<Finding> findings;
  if (!IsCpp(file)) return findings;
  const std::string_view path = file.path;
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (std::any_of(name.begin(), name.end(), [](unsigned char c) { return std::isupper(c) != 0; }) ||
      name.find('-') != std::string_view::npos) {
    findings.push_back({file.path, 0, "file names are snake_case"});
  }
  if (const std::string word = VagueWord(name); !word.empty()) {
    findings.push_back({file.path, 0, fmt::format("name the file by what it is, not {}", word)});
  }
  for (const TypeOutline& type : ScanCpp(file).types) {
    const std::string word = VagueWord(type.name);
    if (word.empty()) continue;
    findings.push_back(
        {file.path, type.line, fmt::format("name {} by what it is, not {}", type.name, word)});
  }
  return findings;
}

std::vector<Finding> CheckNoDefault(const SourceFile& file) {
  std::vector<Finding> findings;
  if (!IsCpp(file) || !file.path.starts_with("query/")) return findings;
  for (size_t place : FindWord(file.code, "default")) {
    const size_t next = file.code.find_first_not_of(" \n", place + 7);
    if (next == std::string::npos || file.code[next] != ':') continue;
    findings.push_back({file.path, LineOf(file.code, place), "no default: in query/"});
  }
  return findings;
}

std::vector<Finding> CheckNoUnfinishedMarks(const SourceFile& file) {
  std::vector<Finding> findings;
  // Spelt in halves, so that this file passes its own rule.
  for (std::string_view mark : {"TO"
                                "DO",
                                "FIX"
                                "ME",
                                "XX"
                                "X",
                                "HA"
                                "CK"}) {
    for (size_t place : FindWord(file.text, mark)) {
      findings.push_back({file.path, LineOf(file.text, place), fmt::format("{} mark", mark)});
    }
  }
  return findings;
}

std::vector<Finding> CheckCMakeTargets(const SourceFile& file) {
  std::vector<Finding> findings;
  if (!IsCMake(file)) return findings;
  constexpr std::string_view kGlobals[] = {
      "add_compile_options", "add_compile_definitions", "add_definitions",
      "add_link_options",    "include_directories",     "link_directories",
      "link_libraries",      "CMAKE_CXX_FLAGS",         "CMAKE_EXE_LINKER_FLAGS"};
  for (size_t i = 0; i < file.lines.size(); ++i) {
    const std::string_view line =
        std::string_view(file.lines[i]).substr(0, file.lines[i].find('#'));
    for (std::string_view global : kGlobals) {
      if (FindWord(line, global).empty()) continue;
      findings.push_back(
          {file.path, static_cast<int>(i) + 1, fmt::format("{} is global: use target_*", global)});
    }
  }
  return findings;
}

std::vector<Finding> CheckFile(const SourceFile& file) {
  std::vector<Finding> all;
  for (const auto check : {CheckFileLength, CheckLineWidth, CheckFunctionLength, CheckPublicMethods,
                           CheckHeaderForm, CheckThreadSafetyStated, CheckNames, CheckNoDefault,
                           CheckNoUnfinishedMarks, CheckCMakeTargets}) {
    std::vector<Finding> findings = check(file);
    all.insert(all.end(), findings.begin(), findings.end());
  }
  return all;
}

}  // namespace throng::style
