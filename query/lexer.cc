#include "query/lexer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "index/utf8.h"

namespace throng::query {
namespace {

struct Word {
  std::string_view name;
  Keyword keyword;
};

constexpr Word kWords[] = {
    {"and", Keyword::kAnd},
    {"or", Keyword::kOr},
    {"not", Keyword::kNot},
    {"in", Keyword::kIn},
    {"between", Keyword::kBetween},
    {"exclusive", Keyword::kExclusive},
    {"true", Keyword::kTrue},
    {"false", Keyword::kFalse},
    {"exists", Keyword::kExists},
    {"ids", Keyword::kIds},
    {"bucket", Keyword::kBucket},
    {"sample", Keyword::kSample},
    {"all", Keyword::kAll},
    {"none", Keyword::kNoUsers},
    {"today", Keyword::kToday},
    {"now", Keyword::kNow},
    {"start_of_week", Keyword::kStartOfWeek},
    {"start_of_month", Keyword::kStartOfMonth},
    {"crowd", Keyword::kCrowd},
    {"top", Keyword::kTop},
    {"any", Keyword::kAny},
    {"by", Keyword::kBy},
    {"asc", Keyword::kAsc},
    {"desc", Keyword::kDesc},
};

// What people write and what they mean. Longer spellings stand first.
struct Mistake {
  std::string_view written;
  std::string_view meant;
};

constexpr Mistake kMistakes[] = {
    {"==", "="},     {"<>", "!="},    {"&&", "and"},    {"||", "or"},     {"&", "and"},
    {"|", "or"},     {"!", "not"},    {"\u2260", "!="}, {"\u2264", "<="}, {"\u2265", ">="},
    {"\uff08", "("}, {"\uff09", ")"}, {"\uff0c", ","},  {"\uff1d", "="},  {"\uff1e", ">"},
    {"\uff1c", "<"}, {"\u2018", "'"}, {"\u2019", "'"},  {"\u201c", "\""}, {"\u201d", "\""},
    {"\u2212", "-"}, {"\u00a0", " "}, {"\u3000", " "},  {"[", "("},       {"]", ")"},
    {"{", "("},      {"}", ")"},      {"`", "\""},
};

constexpr std::string_view kSymbols[] = {"!=", "<=", ">=", "=", "<", ">",
                                         "(",  ")",  ",",  "+", "-", "%"};

bool IsAsciiLetter(char32_t c) { return (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z'); }
bool IsDigit(char32_t c) { return c >= U'0' && c <= U'9'; }

struct CodePointRange {
  char32_t first;
  char32_t last;
};

// Above Latin-1, what is not a letter of any script: spaces, punctuation, symbols, forms,
// surrogates, private use, emoji. Names with these are written in quotes.
constexpr CodePointRange kNotLetters[] = {
    {0x2000, 0x2bff}, {0x2e00, 0x2e7f},   {0x3000, 0x3004},    {0x3008, 0x3020}, {0x3030, 0x3030},
    {0xd800, 0xf8ff}, {0xfe00, 0xfe6f},   {0xfeff, 0xff20},    {0xff3b, 0xff40}, {0xff5b, 0xff65},
    {0xffe0, 0xffff}, {0x1f000, 0x1faff}, {0xe0000, 0x10ffff},
};

bool IsNameStart(char32_t c) {
  if (c < 0x80) return IsAsciiLetter(c) || c == U'_';
  if (c < 0xc0 || c == 0xd7 || c == 0xf7) return false;
  return std::none_of(std::begin(kNotLetters), std::end(kNotLetters),
                      [c](const CodePointRange& r) { return c >= r.first && c <= r.last; });
}

bool IsNamePart(char32_t c) { return IsNameStart(c) || IsDigit(c); }

// Returns the bytes of the name that `text` begins with, 0 if with none.
size_t NameLength(std::string_view text) {
  size_t length = 0;
  while (length < text.size()) {
    char32_t c = 0;
    const size_t bytes = index::DecodeCodePoint(text.substr(length), &c);
    if (bytes == 0 || !(length == 0 ? IsNameStart(c) : IsNamePart(c))) break;
    length += bytes;
  }
  return length;
}

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

}  // namespace

Keyword FindKeyword(std::string_view name) {
  constexpr size_t kLongest = 14;
  if (name.size() > kLongest) return Keyword::kNone;
  std::string folded(name);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 'a' - 'A');
  }
  for (const Word& word : kWords) {
    if (word.name == folded) return word.keyword;
  }
  return Keyword::kNone;
}

bool IsPlainName(std::string_view name) {
  return !name.empty() && NameLength(name) == name.size() && FindKeyword(name) == Keyword::kNone;
}

absl::Status MakeSyntaxError(std::string_view reason, const SyntaxProblem& problem) {
  std::string message = problem.message;
  if (problem.span.line > 0) {  // trees that came without text have no places
    message =
        fmt::format("line {}, column {}: {}", problem.span.line, problem.span.column, message);
  }
  if (!problem.expected.empty()) message += fmt::format("; expected {}", problem.expected);
  const bool said = problem.expected == fmt::format("'{}'", problem.suggestion);
  if (!problem.suggestion.empty() && !said) {
    message += fmt::format("; did you mean {}?", problem.suggestion);
  }
  return index::MakeError(absl::StatusCode::kInvalidArgument, message,
                          {.reason = std::string(reason),
                           .line = problem.span.line,
                           .column = problem.span.column,
                           .length = problem.span.length,
                           .expected = problem.expected,
                           .suggestion = problem.suggestion});
}

std::string Excerpt(std::string_view source) {
  constexpr int kCodePointsMax = 40;
  size_t end = 0;
  for (int i = 0; end < source.size(); ++i) {
    if (i == kCodePointsMax) return std::string(source.substr(0, end)) + "...";
    char32_t ignored = 0;
    end += std::max<size_t>(1, index::DecodeCodePoint(source.substr(end), &ignored));
  }
  return std::string(source);
}

absl::StatusOr<Token> Lexer::Next() {
  SkipSpace();
  if (at_.offset == text_.size()) return Finish(TokenKind::kEnd, at_);
  const char first = text_[at_.offset];
  if (first == '\'' || first == '"') return LexQuoted(first);
  if (IsDigit(static_cast<unsigned char>(first))) return LexNumber();
  const size_t name = NameLength(text_.substr(at_.offset));
  if (name == 0) return LexSymbol();
  const Place from = at_;
  Advance(name);
  Token token = Finish(TokenKind::kName, from);
  token.keyword = FindKeyword(token.source);
  return token;
}

void Lexer::SkipSpace() {
  while (at_.offset < text_.size()) {
    const char c = text_[at_.offset];
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r') break;
    Advance(1);
  }
}

void Lexer::Advance(size_t bytes) {
  const size_t end = at_.offset + bytes;
  for (; at_.offset < end; ++at_.offset) {
    const unsigned char byte = static_cast<unsigned char>(text_[at_.offset]);
    if ((byte & 0xc0) == 0x80) continue;  // inside a code point
    ++at_.code_points;
    ++at_.column;
    if (byte == '\n') {
      ++at_.line;
      at_.column = 1;
    }
  }
}

SourceSpan Lexer::SpanFrom(const Place& from) const {
  return {.line = from.line,
          .column = from.column,
          .length = static_cast<int>(at_.code_points - from.code_points)};
}

Token Lexer::Finish(TokenKind kind, const Place& from) const {
  Token token;
  token.kind = kind;
  token.source = text_.substr(from.offset, at_.offset - from.offset);
  token.span = SpanFrom(from);
  token.begin = from.code_points;
  return token;
}

absl::StatusOr<Token> Lexer::LexQuoted(char quote) {
  const Place from = at_;
  std::string content;
  size_t start = at_.offset + 1;
  while (true) {
    const size_t end = text_.find(quote, start);
    if (end == std::string_view::npos) {
      Advance(text_.size() - at_.offset);
      return MakeSyntaxError("SYNTAX_ERROR", {.span = SpanFrom(from),
                                              .message = "the quote that opens here is not closed",
                                              .expected = quote == '"' ? "'\"'" : "\"'\""});
    }
    content.append(text_.substr(start, end - start));
    start = end + 1;
    if (start == text_.size() || text_[start] != quote) break;
    content.push_back(quote);
    ++start;
  }
  Advance(start - at_.offset);
  Token token = Finish(quote == '"' ? TokenKind::kQuotedName : TokenKind::kText, from);
  token.text = std::move(content);
  return token;
}

absl::StatusOr<Token> Lexer::LexNumber() {
  const Place from = at_;
  const auto skip_digits = [this] {
    const size_t start = at_.offset;
    while (at_.offset < text_.size() && IsDigit(static_cast<unsigned char>(text_[at_.offset]))) {
      Advance(1);
    }
    return at_.offset - start;
  };
  skip_digits();
  if (at_.offset < text_.size() && text_[at_.offset] == '.') {
    Advance(1);
    if (skip_digits() == 0) {
      return MakeSyntaxError(
          "SYNTAX_ERROR",
          {.span = SpanFrom(from),
           .message = fmt::format("'{}' is not a number",
                                  text_.substr(from.offset, at_.offset - from.offset)),
           .expected = "a digit behind the point"});
    }
  }
  const size_t digits_end = at_.offset;
  while (at_.offset < text_.size()) {
    char32_t c = 0;
    const size_t bytes = index::DecodeCodePoint(text_.substr(at_.offset), &c);
    if (bytes == 0 || !IsNamePart(c)) break;
    Advance(bytes);
  }
  Token token = Finish(TokenKind::kNumber, from);
  token.digits = text_.substr(from.offset, digits_end - from.offset);
  token.suffix = text_.substr(digits_end, at_.offset - digits_end);
  return token;
}

absl::StatusOr<Token> Lexer::LexSymbol() {
  const std::string_view rest = text_.substr(at_.offset);
  for (const Mistake& mistake : kMistakes) {
    if (StartsWith(rest, mistake.written) && !StartsWith(rest, "!=")) return UnexpectedCharacter();
  }
  for (const std::string_view symbol : kSymbols) {
    if (!StartsWith(rest, symbol)) continue;
    const Place from = at_;
    Advance(symbol.size());
    return Finish(TokenKind::kSymbol, from);
  }
  return UnexpectedCharacter();
}

absl::Status Lexer::UnexpectedCharacter() {
  const std::string_view rest = text_.substr(at_.offset);
  const Place from = at_;
  for (const Mistake& mistake : kMistakes) {
    if (!StartsWith(rest, mistake.written)) continue;
    Advance(mistake.written.size());
    return MakeSyntaxError(
        "SYNTAX_ERROR",
        {.span = SpanFrom(from),
         .message = fmt::format("'{}' is not part of the language", mistake.written),
         .expected = fmt::format("'{}'", mistake.meant),
         .suggestion = std::string(mistake.meant)});
  }
  char32_t c = 0;
  const size_t bytes = index::DecodeCodePoint(rest, &c);
  Advance(bytes);
  const std::string shown = index::IsControl(c) ? "" : fmt::format(" '{}'", rest.substr(0, bytes));
  return MakeSyntaxError(
      "SYNTAX_ERROR",
      {.span = SpanFrom(from),
       .message = fmt::format("unexpected character{} (U+{:04X})", shown, static_cast<uint32_t>(c)),
       .expected = "a name, a value, an operator or a parenthesis"});
}

}  // namespace throng::query
