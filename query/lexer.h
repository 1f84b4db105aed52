// Cuts the text of an expression into tokens with their positions.
//
//   Lexer lexer("city = 'Paris'");
//   absl::StatusOr<Token> token = lexer.Next();  // kName "city", then kSymbol "=", kText, kEnd
//
// Also says which words are reserved and which names need no quotes, for the formatter.
#ifndef THRONG_QUERY_LEXER_H_
#define THRONG_QUERY_LEXER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "query/expression.h"

namespace throng::query {

// Reserved words, in any case. As tag names they need quotes.
enum class Keyword {
  kNone,
  kAnd,
  kOr,
  kNot,
  kIn,
  kBetween,
  kExclusive,
  kTrue,
  kFalse,
  kExists,
  kIds,
  kBucket,
  kSample,
  kAll,
  kNoUsers,  // none
  kToday,
  kNow,
  kStartOfWeek,
  kStartOfMonth,
  kCrowd,
  kTop,
  kAny,
  kBy,
  kAsc,
  kDesc,
};

Keyword FindKeyword(std::string_view name);

// Whether `name` can stand without quotes: [A-Za-z_][A-Za-z0-9_]*, where letters of any script
// count as letters, and not reserved.
bool IsPlainName(std::string_view name);

enum class TokenKind {
  kEnd,
  kName,        // city
  kQuotedName,  // "emp.var.rate"
  kText,        // 'Paris'
  kNumber,      // 12.50 or, with a suffix, 30d
  kSymbol,      // ( ) , + - % = != < <= > >=
};

// A view into the text given to the Lexer, valid as long as it.
struct Token {
  TokenKind kind = TokenKind::kEnd;
  Keyword keyword = Keyword::kNone;  // kName
  std::string_view source;           // as written
  std::string_view digits;           // kNumber: the number
  std::string_view suffix;           // kNumber: letters right behind it
  std::string text;                  // kQuotedName, kText: without quotes
  SourceSpan span;
  int64_t begin = 0;  // code points before the token
};

// What is wrong at a place of the text.
struct SyntaxProblem {
  SourceSpan span;
  std::string message;
  std::string expected = {};
  std::string suggestion = {};
};

// Returns kInvalidArgument with an index::ErrorDetail of `reason`; the message begins with the
// place and ends with the suggestion. Thread-safe.
absl::Status MakeSyntaxError(std::string_view reason, const SyntaxProblem& problem);

// Returns at most 40 code points of `source` for a message.
std::string Excerpt(std::string_view source);

// Copyable: a copy looks ahead. Thread-compatible.
class Lexer {
 public:
  // REQUIRES: `text` is valid UTF-8 and outlives the lexer.
  explicit Lexer(std::string_view text) : text_(text) {}

  // Returns the next token; kEnd for ever at the end. Errors: SYNTAX_ERROR.
  absl::StatusOr<Token> Next();

 private:
  // A place in the text: bytes, code points, line and column.
  struct Place {
    size_t offset = 0;
    int64_t code_points = 0;
    int line = 1;
    int column = 1;
  };

  void SkipSpace();
  void Advance(size_t bytes);
  Token Finish(TokenKind kind, const Place& from) const;
  SourceSpan SpanFrom(const Place& from) const;
  absl::StatusOr<Token> LexQuoted(char quote);
  absl::StatusOr<Token> LexNumber();
  absl::StatusOr<Token> LexSymbol();
  absl::Status UnexpectedCharacter();

  std::string_view text_;
  Place at_;
};

}  // namespace throng::query

#endif  // THRONG_QUERY_LEXER_H_
