// Parses crowd('name'), crowd('name', live) and crowd('name', 7) from a stream of tokens.
//
//   absl::StatusOr<CrowdRef> crowd = ParseCrowd(&tokens, &values);
//
// Thread-safe functions. Errors: SYNTAX_ERROR, VALUE_OUT_OF_RANGE.
#ifndef THRONG_QUERY_CROWD_PARSER_H_
#define THRONG_QUERY_CROWD_PARSER_H_

#include "absl/status/statusor.h"
#include "query/expression.h"
#include "query/value_parser.h"

namespace throng::query {

// REQUIRES: the current token is `crowd`.
absl::StatusOr<CrowdRef> ParseCrowd(TokenStream* tokens, ValueParser* values);

}  // namespace throng::query

#endif  // THRONG_QUERY_CROWD_PARSER_H_
