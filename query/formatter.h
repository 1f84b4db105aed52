// Prints an expression as canonical text.
//
//   Format(*Parse("A=1 AND(b in('x'))", {}));  // "A = 1 and b = 'x'"
//
// Parse(Format(e)) equals e for every valid e that has no DateLiteral or TimestampLiteral; those
// print as quoted ISO 8601 text, which resolves to the same users.
#ifndef THRONG_QUERY_FORMATTER_H_
#define THRONG_QUERY_FORMATTER_H_

#include <cstddef>
#include <string>

#include "query/expression.h"

namespace throng::query {

// Keywords in lower case, one space around operators, parentheses only where needed, names quoted
// only where needed. Thread-safe.
std::string Format(const Expression& expression);
// The same for logs: how many ids stand in ids(...) and not which, and no more than
// `bytes_max` bytes, and "..." where something is cut. Costs no more than what it prints.
std::string FormatBrief(const Expression& expression, size_t bytes_max);
std::string Format(const Condition& condition);
std::string Format(const Value& value);
// What stands behind the operand: "top 10 by spend desc".
std::string FormatLimit(const Limited& limited);

}  // namespace throng::query

#endif  // THRONG_QUERY_FORMATTER_H_
