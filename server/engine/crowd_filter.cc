#include "server/engine/crowd_filter.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/error.h"
#include "index/utf8.h"
#include "server/engine/crowd_info.h"

namespace throng::engine {

// A test, or nodes that are joined.
struct CrowdFilter::Node {
  enum class Kind : uint8_t { kTest, kAnd, kOr, kNot };
  enum class Field : uint8_t { kName, kKind, kState, kFolder, kOwner, kLabel };
  enum class Operator : uint8_t { kEquals, kDiffers, kHas };

  Kind kind = Kind::kTest;
  std::vector<Node> operands;
  Field field = Field::kName;
  Operator test = Operator::kEquals;
  std::string label;  // its key
  std::string value;
};

namespace {

using Node = CrowdFilter::Node;

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return lower;
}

bool IsPart(std::string_view text, std::string_view part) {
  return LowerCase(text).find(LowerCase(part)) != std::string::npos;
}

bool IsBelow(std::string_view folder, std::string_view prefix) {
  if (!folder.starts_with(prefix)) return false;
  return folder.size() == prefix.size() || prefix.empty() || prefix.back() == '/' ||
         folder[prefix.size()] == '/';
}

bool IsWordByte(char c) {
  return static_cast<unsigned char>(c) >= 0x80 ||
         std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '/' ||
         c == '.';
}

class FilterParser {
 public:
  explicit FilterParser(std::string_view text) : text_(text) {}

  absl::StatusOr<Node> Run() {
    THRONG_ASSIGN_OR_RETURN(Node root, ParseAnd(1));
    SkipSpace();
    if (at_ < text_.size()) return Fail("AND, OR or the end");
    return root;
  }

 private:
  absl::StatusOr<Node> ParseAnd(int depth) {
    return ParseChain(depth, "AND", Node::Kind::kAnd, &FilterParser::ParseOr);
  }
  absl::StatusOr<Node> ParseOr(int depth) {
    return ParseChain(depth, "OR", Node::Kind::kOr, &FilterParser::ParseNot);
  }
  absl::StatusOr<Node> ParseChain(int depth, std::string_view word, Node::Kind kind,
                                  absl::StatusOr<Node> (FilterParser::*parse)(int)) {
    THRONG_ASSIGN_OR_RETURN(Node first, (this->*parse)(depth));
    if (!PeekWord(word)) return first;
    Node chain{.kind = kind};
    chain.operands.push_back(std::move(first));
    while (TakeWord(word)) {
      THRONG_ASSIGN_OR_RETURN(Node operand, (this->*parse)(depth));
      chain.operands.push_back(std::move(operand));
    }
    return chain;
  }

  absl::StatusOr<Node> ParseNot(int depth) {
    if (depth > kFilterDepthMax) {
      return Fail(fmt::format("at most {} levels of parentheses and NOT", kFilterDepthMax));
    }
    SkipSpace();
    const bool is_minus = at_ < text_.size() && text_[at_] == '-';
    if (is_minus) ++at_;
    if (is_minus || TakeWord("NOT")) {
      Node negation{.kind = Node::Kind::kNot};
      THRONG_ASSIGN_OR_RETURN(Node operand, ParseNot(depth + 1));
      negation.operands.push_back(std::move(operand));
      return negation;
    }
    if (!TakeSymbol("(")) return ParseTest();
    THRONG_ASSIGN_OR_RETURN(Node inner, ParseAnd(depth + 1));
    if (!TakeSymbol(")")) return Fail("')'");
    return inner;
  }

  absl::StatusOr<Node> ParseTest() {
    if (++tests_ > kFilterTestsMax) return Fail(fmt::format("at most {} tests", kFilterTestsMax));
    Node test;
    THRONG_RETURN_IF_ERROR(ParseField(&test));
    if (TakeSymbol("!=")) {
      test.test = Node::Operator::kDiffers;
    } else if (TakeSymbol("=")) {
      test.test = Node::Operator::kEquals;
    } else if (TakeSymbol(":")) {
      test.test = Node::Operator::kHas;
    } else {
      return Fail("=, != or :");
    }
    return ParseValue(std::move(test));
  }

  absl::Status ParseField(Node* test) {
    SkipSpace();
    const size_t start = at_;
    const std::string name = Word();
    constexpr std::string_view kLabels = "labels.";
    if (name.starts_with(kLabels) && name.size() > kLabels.size()) {
      test->field = Node::Field::kLabel;
      test->label = name.substr(kLabels.size());
      return absl::OkStatus();
    }
    constexpr std::pair<std::string_view, Node::Field> kFields[] = {
        {"name", Node::Field::kName},   {"kind", Node::Field::kKind},
        {"state", Node::Field::kState}, {"folder", Node::Field::kFolder},
        {"owner", Node::Field::kOwner}, {"labels", Node::Field::kLabel}};
    for (const auto& [known, field] : kFields) {
      if (name != known) continue;
      test->field = field;
      return absl::OkStatus();
    }
    at_ = start;
    return Fail("name, kind, state, folder, owner, labels.KEY, NOT or '('");
  }

  absl::StatusOr<Node> ParseValue(Node test) {
    SkipSpace();
    const size_t start = at_;
    const bool is_quoted = at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'');
    const std::optional<std::string> value = is_quoted ? Quoted() : std::optional(Word());
    if (!value.has_value() || (!is_quoted && value->empty())) {
      at_ = start;
      return Fail("a value: a word, or a text in quotes");
    }
    test.value = *value;
    const std::string_view expected = CheckValue(&test);
    if (expected.empty()) return test;
    at_ = start;
    return Fail(expected);
  }

  // Empty, or what should stand there instead.
  static std::string_view CheckValue(Node* test) {
    const bool has = test->test == Node::Operator::kHas;
    switch (test->field) {
      case Node::Field::kKind:
        if (has) return "= or != and a kind";
        if (test->value == "RULE" || test->value == "UPLOAD" || test->value == "SPLIT") return "";
        return "RULE, UPLOAD or SPLIT";
      case Node::Field::kState:
        if (has) return "= or != and a state";
        if (test->value == "NEW" || test->value == "READY" || test->value == "FROZEN" ||
            test->value == "DELETED") {
          return "";
        }
        return "NEW, READY, FROZEN or DELETED";
      case Node::Field::kLabel:
        if (test->label.empty() && !has) return "labels.KEY = VALUE, or labels:KEY";
        if (test->label.empty()) {
          test->label = std::exchange(test->value, std::string());
          return "";
        }
        return has ? "= or != and a value" : "";
      case Node::Field::kName:
      case Node::Field::kFolder:
      case Node::Field::kOwner:
        break;
    }
    return "";
  }

  std::string Word() {
    const size_t start = at_;
    while (at_ < text_.size() && IsWordByte(text_[at_])) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  std::optional<std::string> Quoted() {
    const char quote = text_[at_++];
    std::string value;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == quote) {
        ++at_;
        return value;
      }
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      value.push_back(text_[at_]);
    }
    return std::nullopt;
  }

  void SkipSpace() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  bool PeekWord(std::string_view word) {
    SkipSpace();
    const bool is_there = text_.substr(at_).starts_with(word);
    return is_there && (at_ + word.size() == text_.size() || !IsWordByte(text_[at_ + word.size()]));
  }
  bool TakeWord(std::string_view word) {
    if (!PeekWord(word)) return false;
    at_ += word.size();
    return true;
  }
  bool TakeSymbol(std::string_view symbol) {
    SkipSpace();
    if (!text_.substr(at_).starts_with(symbol)) return false;
    at_ += symbol.size();
    return true;
  }

  absl::Status Fail(std::string_view expected) {
    SkipSpace();
    const auto column =
        static_cast<int>(
            std::count_if(text_.begin(), text_.begin() + static_cast<ptrdiff_t>(at_),
                          [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; })) +
        1;
    return index::MakeError(
        absl::StatusCode::kInvalidArgument,
        fmt::format("the filter is not understood at column {}: {} is expected", column, expected),
        {.reason = "BAD_FILTER",
         .field = "filter",
         .line = 1,
         .column = column,
         .expected = std::string(expected)});
  }

  const std::string_view text_;
  size_t at_ = 0;
  int tests_ = 0;
};

bool MatchesText(const Node& test, std::string_view text) {
  switch (test.test) {
    case Node::Operator::kEquals:
      return text == test.value;
    case Node::Operator::kDiffers:
      return text != test.value;
    case Node::Operator::kHas:
      return test.field == Node::Field::kFolder ? IsBelow(text, test.value)
                                                : IsPart(text, test.value);
  }
  return false;
}

bool MatchesTest(const Node& test, const index::CrowdEntry& crowd) {
  const index::CrowdDefinition& definition = *crowd.definition;
  switch (test.field) {
    case Node::Field::kName:
      return MatchesText(test, definition.name);
    case Node::Field::kKind:
      return MatchesText(test, index::CrowdKindName(definition.kind));
    case Node::Field::kState:
      return MatchesText(test, CrowdStateName(StateOf(crowd)));
    case Node::Field::kFolder:
      return MatchesText(test, definition.folder);
    case Node::Field::kOwner:
      return MatchesText(test, definition.owner);
    case Node::Field::kLabel:
      break;
  }
  const auto label = definition.labels.find(test.label);
  if (label == definition.labels.end()) return false;
  return test.test == Node::Operator::kHas || MatchesText(test, label->second);
}

bool MatchesNode(const Node& node, const index::CrowdEntry& crowd) {
  const auto matches = [&](const Node& operand) { return MatchesNode(operand, crowd); };
  switch (node.kind) {
    case Node::Kind::kTest:
      return MatchesTest(node, crowd);
    case Node::Kind::kAnd:
      return std::all_of(node.operands.begin(), node.operands.end(), matches);
    case Node::Kind::kOr:
      return std::any_of(node.operands.begin(), node.operands.end(), matches);
    case Node::Kind::kNot:
      return !matches(node.operands.front());
  }
  return false;
}

bool TestsState(const Node& node) {
  if (node.kind == Node::Kind::kTest) return node.field == Node::Field::kState;
  return std::any_of(node.operands.begin(), node.operands.end(), TestsState);
}

}  // namespace

absl::StatusOr<CrowdFilter> CrowdFilter::Parse(std::string_view text) {
  CrowdFilter filter;
  if (text.size() > kCrowdFilterBytesMax) {
    return index::WithField(
        index::LimitExceeded(absl::StatusCode::kInvalidArgument, "FILTER_TOO_LONG",
                             "the filter's length in bytes", kCrowdFilterBytesMax, text.size()),
        "filter");
  }
  if (!index::IsValidUtf8(text)) {
    return index::InvalidArgument("BAD_FILTER", "filter", "the filter is not UTF-8");
  }
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return filter;
  THRONG_ASSIGN_OR_RETURN(Node root, FilterParser(text).Run());
  filter.root_ = std::make_shared<const Node>(std::move(root));
  return filter;
}

bool CrowdFilter::Matches(const index::CrowdEntry& crowd) const {
  return root_ == nullptr || MatchesNode(*root_, crowd);
}

bool CrowdFilter::tests_state() const { return root_ != nullptr && TestsState(*root_); }

}  // namespace throng::engine
