#include "tests/style/cpp_scanner.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace throng::style {
namespace {

constexpr std::string_view kIdentifier =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

std::string Blanked(std::string code) {
  // Preprocessor lines, with those they continue on.
  bool in_directive = false;
  size_t begin = 0;
  while (begin < code.size()) {
    const size_t end = std::min(code.find('\n', begin), code.size());
    const std::string_view line = std::string_view(code).substr(begin, end - begin);
    const size_t first = line.find_first_not_of(" \t");
    const bool is_directive =
        in_directive || (first != std::string_view::npos && line[first] == '#');
    in_directive = is_directive && line.ends_with('\\');
    if (is_directive) std::fill(code.begin() + begin, code.begin() + end, ' ');
    begin = end + 1;
  }
  return code;
}

std::string Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\n");
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(" \t\n") - begin + 1));
}

std::string FirstWord(std::string_view text) {
  return std::string(text.substr(0, text.find_first_not_of(kIdentifier)));
}

// Drops what may stand before a declaration: template<...>, [[attributes]], specifiers.
std::string WithoutPrefixes(std::string head) {
  while (true) {
    head = Trim(head);
    const std::string word = FirstWord(head);
    if (word == "template") {
      int depth = 0;
      size_t i = head.find('<');
      for (; i < head.size(); ++i) {
        if (head[i] == '<') ++depth;
        if (head[i] == '>' && --depth == 0) break;
      }
      if (i >= head.size()) return "";
      head = head.substr(i + 1);
    } else if (head.starts_with("[[")) {
      const size_t end = head.find("]]");
      if (end == std::string::npos) return "";
      head = head.substr(end + 2);
    } else if (word == "typedef" || word == "static" || word == "inline" || word == "constexpr") {
      head = head.substr(word.size());
    } else {
      return head;
    }
  }
}

// The place of the first '(' outside angle brackets, or npos.
size_t FindParenthesis(std::string_view head) {
  int depth = 0;
  for (size_t i = 0; i < head.size(); ++i) {
    if (head.substr(i).starts_with("operator")) depth = -1000;  // operator<, operator()
    if (head[i] == '<') ++depth;
    if (head[i] == '>' && i > 0 && head[i - 1] != '-') --depth;
    if (head[i] == '(' && depth <= 0) return i;
  }
  return std::string_view::npos;
}

// The name before the parameters: "Reader::Next", "operator<".
std::string FunctionName(std::string_view head) {
  const size_t parenthesis = FindParenthesis(head);
  if (parenthesis == std::string_view::npos) return "";
  const size_t last = head.find_last_not_of(" \n", parenthesis == 0 ? 0 : parenthesis - 1);
  size_t begin = last;
  while (begin != std::string_view::npos && begin > 0 &&
         (kIdentifier.find(head[begin - 1]) != std::string_view::npos || head[begin - 1] == ':' ||
          head[begin - 1] == '~')) {
    --begin;
  }
  return begin == std::string_view::npos ? "" : Trim(head.substr(begin, last - begin + 1));
}

enum class ScopeKind { kNamespace, kType, kFunction, kInitializer };

struct Scope {
  ScopeKind kind = ScopeKind::kNamespace;
  size_t outline = 0;  // of a kType or kFunction
  bool is_public = true;
  std::string name = {};
};

bool IsTypeKeyword(std::string_view word) {
  return word == "class" || word == "struct" || word == "union" || word == "enum";
}

// "CAPABILITY() Mutex final : public Base" -> "Mutex".
std::string TypeName(std::string_view head) {
  std::string name;
  size_t i = 0;
  while (i < head.size() && head[i] != ':' && head[i] != '<') {
    const std::string word = FirstWord(head.substr(i));
    if (!word.empty() && !IsTypeKeyword(word) && word != "final" && word != "alignas" &&
        !head.substr(i + word.size()).starts_with('(')) {
      name = word;
    }
    i += std::max<size_t>(word.size(), 1);
  }
  return name;
}

class Scanner {
 public:
  explicit Scanner(std::string code) : code_(std::move(code)) {}

  // Call once.
  CppOutline Run() {
    scopes_.push_back({});
    for (size_t i = 0; i < code_.size() && !scopes_.empty(); ++i) {
      if (code_[i] == '\n') ++line_;
      if (scopes_.back().kind >= ScopeKind::kFunction) {
        if (code_[i] == '{') scopes_.push_back({.kind = ScopeKind::kInitializer});
        if (code_[i] == '}') Close();
      } else {
        Declaration(code_[i]);
      }
    }
    return std::move(outline_);
  }

 private:
  // One character outside of functions.
  void Declaration(char c) {
    if (c == '{') {
      Open();
    } else if (c == '}') {
      Close();
    } else if (c == ';' && parentheses_ == 0) {
      CountMethod();
      Reset();
    } else if (c == ':' && IsAccess(Trim(head_))) {
      scopes_.back().is_public = Trim(head_) == "public";
      Reset();
    } else {
      if (c == '(') ++parentheses_;
      if (c == ')') --parentheses_;
      if (Trim(head_).empty() && c != ' ' && c != '\n') head_line_ = line_;
      head_ += c;
    }
  }

  static bool IsAccess(std::string_view word) {
    return word == "public" || word == "private" || word == "protected";
  }

  void Open() {
    const std::string head = WithoutPrefixes(head_);
    const std::string word = FirstWord(head);
    if (parentheses_ > 0) {
      scopes_.push_back({.kind = ScopeKind::kInitializer});
    } else if (word == "namespace" || word == "extern") {
      scopes_.push_back({});
      Reset();
    } else if (IsTypeKeyword(word)) {
      const std::string name = TypeName(head);
      if (word == "class" || word == "struct") outline_.types.push_back({name, head_line_, 0});
      scopes_.push_back({.kind = ScopeKind::kType,
                         .outline = outline_.types.empty() ? 0 : outline_.types.size() - 1,
                         .is_public = word != "class",
                         .name = word == "enum" ? "" : name});
      Reset();
    } else if (IsInitializer(head)) {
      scopes_.push_back({.kind = ScopeKind::kInitializer});
    } else {
      OpenFunction(head);
    }
  }

  // A brace right after a name or `=` makes a value: the declaration goes on after it.
  static bool IsInitializer(std::string_view head) {
    if (FindParenthesis(head) == std::string_view::npos) return true;
    const char last = head.back();
    if (last == '=' || last == ',' || last == '(') return true;
    const size_t space = head.find_last_not_of(kIdentifier);
    const std::string_view word = head.substr(space + 1);
    if (word.empty() || word == "const" || word == "override" || word == "final" ||
        word == "noexcept") {
      return false;
    }
    // `) : a_{1}`: a member of a constructor's list; `) -> Type {` is a function.
    return head.find("->") == std::string_view::npos;
  }

  void OpenFunction(std::string_view head) {
    CountMethod();
    outline_.functions.push_back({FunctionName(head), head_line_, 0});
    scopes_.push_back({.kind = ScopeKind::kFunction, .outline = outline_.functions.size() - 1});
    Reset();
  }

  void Close() {
    const Scope scope = scopes_.back();
    scopes_.pop_back();
    if (scope.kind == ScopeKind::kFunction) outline_.functions[scope.outline].last_line = line_;
    const bool ends_value = scope.kind == ScopeKind::kInitializer && !scopes_.empty() &&
                            scopes_.back().kind < ScopeKind::kFunction;
    if (ends_value) {
      head_ += "{}";
    } else {
      Reset();
    }
  }

  // Counts the declaration in head_ when it is a public method of the type around it.
  void CountMethod() {
    const Scope& scope = scopes_.back();
    if (scope.kind != ScopeKind::kType || !scope.is_public || scope.name.empty()) return;
    const std::string head = WithoutPrefixes(head_);
    const std::string word = FirstWord(head);
    if (word == "friend" || word == "using" || word == "static_assert" || IsTypeKeyword(word)) {
      return;
    }
    const size_t parenthesis = FindParenthesis(head);
    if (parenthesis == std::string::npos || head.find('=') < parenthesis) return;
    const std::string name = FunctionName(head);
    if (name.empty() || name == scope.name || name == "~" + scope.name) return;
    if (head.find("operator") < parenthesis) return;
    ++outline_.types[scope.outline].public_methods;
  }

  void Reset() {
    head_.clear();
    parentheses_ = 0;
  }

  const std::string code_;
  CppOutline outline_;
  std::vector<Scope> scopes_;
  std::string head_;  // the declaration so far
  int head_line_ = 1;
  int line_ = 1;
  int parentheses_ = 0;
};

}  // namespace

CppOutline ScanCpp(const SourceFile& file) { return Scanner(Blanked(file.code)).Run(); }

}  // namespace throng::style
