// Parses what closes an expression: `top 10 by spend desc`, `any 10 by 'spring'`.
//
//   if (StartsLimit(tokens)) limited = ParseLimit(&tokens, &values);
//
// Internal to the folder.
#ifndef THRONG_QUERY_LIMIT_PARSER_H_
#define THRONG_QUERY_LIMIT_PARSER_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "query/expression.h"
#include "query/value_parser.h"

namespace throng::query {

// Whether the current token is `top` or `any`.
bool StartsLimit(const TokenStream& tokens);

// The limit that the current token starts, without an operand. Errors: SYNTAX_ERROR,
// VALUE_OUT_OF_RANGE.
absl::StatusOr<Limited> ParseLimit(TokenStream* tokens, ValueParser* values);
// Whether the text ends behind the limit. Errors: MISPLACED_LIMIT where the expression goes on or
// another limit follows, else SYNTAX_ERROR.
absl::Status CheckNothingFollows(const TokenStream& tokens, const Limited& limited);

// MISPLACED_LIMIT at the current token, which starts a limit inside an expression.
absl::Status LimitInParentheses(const TokenStream& tokens);
// The same where a condition should stand.
absl::Status LimitInsteadOfCondition(const TokenStream& tokens);

// A tag's name, quoted or not, which is passed. Errors: SYNTAX_ERROR.
absl::StatusOr<std::string> ParseTagName(TokenStream* tokens);

}  // namespace throng::query

#endif  // THRONG_QUERY_LIMIT_PARSER_H_
