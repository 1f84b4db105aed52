// Turns the text of an expression into its tree.
//
//   absl::StatusOr<Expression> e = Parse("views_7d > 3 and city in ('Beijing', 'Tianjin')", {});
//   if (!e.ok()) index::GetErrorDetail(e.status())->column;  // where, what was expected
//
// The grammar is in docs/expressions.md. Names are not looked up here: see query/resolver.h.
#ifndef THRONG_QUERY_PARSER_H_
#define THRONG_QUERY_PARSER_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "query/expression.h"

namespace throng::query {

// Returns the tree of `text` (UTF-8). Chains of `and` and of `or` become one node each.
//
// Errors: kInvalidArgument with an index::ErrorDetail: reason SYNTAX_ERROR, INVALID_UTF8,
// EXPRESSION_TOO_LONG, EXPRESSION_TOO_DEEP, TOO_MANY_NODES, TOO_MANY_VALUES, VALUE_OUT_OF_RANGE,
// MISPLACED_LIMIT (top or any elsewhere than at the end) or INVALID_EXPRESSION, with line, column,
// length and what was expected. Thread-safe. Uses bounded stack: depth is checked while parsing.
absl::StatusOr<Expression> Parse(std::string_view text, const ExpressionLimits& limits);

// Checks a tree built by a program against the same rules as Parse.
//
// Errors: kInvalidArgument, naming the exceeded limit, an And or Or of fewer than 2 operands, a Not
// without exactly one, an empty list, a Range without bounds, bucket bounds out of order or over
// 1,000,000, a sample of 0 or over 1,000,000 millionths, a limit of 0 or over kLimitUsersMax users,
// one that is not the root (MISPLACED_LIMIT), text that is not UTF-8, a bad date.
absl::Status Validate(const Expression& expression, const ExpressionLimits& limits);

}  // namespace throng::query

#endif  // THRONG_QUERY_PARSER_H_
