// Exact decimal literals: text, and comparison with numbers of a fixed scale.
//
//   std::optional<DecimalLiteral> d = ParseDecimal("-12.50");  // units -125, scale 1
//   FormatDecimal(*d);                                         // "-12.5"
//   ScaledBounds b = ScaleTo(*d, 0);                           // floor -13, ceil -12
//
// Nothing is ever rounded: a literal finer than the scale lies between its floor and its ceil.
// Every function is thread-safe.
#ifndef THRONG_QUERY_DECIMAL_LITERAL_H_
#define THRONG_QUERY_DECIMAL_LITERAL_H_

#include <optional>
#include <string>
#include <string_view>

#include "query/expression.h"

namespace throng::query {

inline constexpr int kDecimalDigitsMax = 38;

// Reads -?digits[.digits]. Empty for anything else, and for more than 38 digits between the first
// of the integer part that is not 0 and the last of the fraction that is not 0.
std::optional<DecimalLiteral> ParseDecimal(std::string_view text);

// Plain notation without exponent; what ParseDecimal reads as the same literal.
std::string FormatDecimal(const DecimalLiteral& literal);

// Whether `literal` is one that ParseDecimal can return.
bool IsCanonical(const DecimalLiteral& literal);

// The whole numbers around a literal counted in units of 10^-scale; equal if it is one itself.
struct ScaledBounds {
  Int128 floor = 0;
  Int128 ceil = 0;
};

// Returns the bounds of `literal` at `scale` (0 to 18). What exceeds 10^30 in size becomes 10^30
// of its sign, which still is beyond every int64.
ScaledBounds ScaleTo(const DecimalLiteral& literal, int scale);

}  // namespace throng::query

#endif  // THRONG_QUERY_DECIMAL_LITERAL_H_
