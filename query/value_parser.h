// The parser's lower half: a stream of tokens with its error messages, and the literals.
//
//   TokenStream tokens(text);
//   ValueParser values(&tokens, limits);
//   absl::Status status = tokens.Advance();           // to the first token
//   absl::StatusOr<Value> value = values.Parse();     // 'Paris', -1.5, true, today() - 30d
#ifndef THRONG_QUERY_VALUE_PARSER_H_
#define THRONG_QUERY_VALUE_PARSER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "query/expression.h"
#include "query/lexer.h"

namespace throng::query {

inline constexpr int kTimeOffsetsMax = 8;       // a relative time
inline constexpr int kTimeOffsetMax = 100'000;  // units of one offset

// Errors: INVALID_UTF8 with the place of the first bad byte. Thread-safe.
absl::Status CheckUtf8(std::string_view text);

// The current token and what can be said of it. Valid as long as the text. Thread-compatible.
class TokenStream {
 public:
  explicit TokenStream(std::string_view text) : lexer_(text) {}

  const Token& current() const { return token_; }
  absl::Status Advance();
  bool Is(Keyword keyword) const { return token_.keyword == keyword; }
  bool Is(std::string_view symbol) const {
    return token_.kind == TokenKind::kSymbol && token_.source == symbol;
  }
  // Passes the symbol or keyword. Errors: SYNTAX_ERROR if another token stands here.
  absl::Status Expect(std::string_view symbol);
  absl::Status Expect(Keyword keyword, std::string_view name);
  // From the begin of `first` to the end of the token before the current one.
  SourceSpan SpanFrom(const Token& first) const;

  // `format` with the current token in words in place of its {}.
  std::string Describe(std::string_view format) const;
  // SYNTAX_ERROR at the current token; suggests the nearest of `candidates`.
  absl::Status Unexpected(std::string_view expected,
                          const std::vector<std::string_view>& candidates = {}) const;
  absl::Status Unknown(const Token& token, std::string_view message, std::string_view expected,
                       const std::vector<std::string_view>& candidates) const;
  absl::Status Fail(const Token& token, std::string_view message, std::string_view expected) const;
  absl::Status OverLimit(std::string_view reason, const Token& at, std::string_view what,
                         int64_t limit, int64_t requested) const;

 private:
  Lexer lexer_;
  Token token_;
  int64_t previous_end_ = 0;  // code points
};

// Parses literals from a stream, which it borrows. Thread-compatible.
class ValueParser {
 public:
  ValueParser(TokenStream* tokens, const ExpressionLimits& limits)
      : tokens_(tokens), list_values_max_(limits.list_values_max) {}

  // A text, a number, true, false or a relative time.
  absl::StatusOr<Value> Parse();
  // A text in single quotes. `expected` says what for.
  absl::StatusOr<std::string> ParseText(std::string_view expected);
  // A whole number from `least` to `most`.
  absl::StatusOr<uint64_t> ParseUnsigned(std::string_view expected, uint64_t most,
                                         uint64_t least = 0);
  // `1.5%` as 15,000 millionths.
  absl::StatusOr<uint32_t> ParsePercent();
  // Counts one more value of the expression's lists. Errors: TOO_MANY_VALUES.
  absl::Status CountListValue();

 private:
  absl::StatusOr<DecimalLiteral> ParseNumber();
  absl::StatusOr<RelativeTimeLiteral> ParseRelativeTime(TimeAnchor anchor);
  absl::StatusOr<TimeOffset> ParseOffset();
  absl::StatusOr<TimeUnit> ParseUnit(const Token& number);
  absl::Status UnexpectedInsteadOfValue() const;

  TokenStream* tokens_;
  int64_t list_values_max_;
  int64_t list_values_ = 0;
};

}  // namespace throng::query

#endif  // THRONG_QUERY_VALUE_PARSER_H_
