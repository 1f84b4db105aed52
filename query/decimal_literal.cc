#include "query/decimal_literal.h"

#include <algorithm>
#include <cassert>

namespace throng::query {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

Int128 PowerOfTen(int exponent) {
  Int128 power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

}  // namespace

std::optional<DecimalLiteral> ParseDecimal(std::string_view text) {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  const size_t point = text.find('.');
  std::string_view whole = text.substr(0, point);
  std::string_view fraction =
      point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  if (whole.empty() || (point != std::string_view::npos && fraction.empty())) return std::nullopt;
  if (!std::all_of(whole.begin(), whole.end(), IsDigit)) return std::nullopt;
  if (!std::all_of(fraction.begin(), fraction.end(), IsDigit)) return std::nullopt;
  while (!whole.empty() && whole.front() == '0') whole.remove_prefix(1);
  while (!fraction.empty() && fraction.back() == '0') fraction.remove_suffix(1);
  if (whole.size() + fraction.size() > static_cast<size_t>(kDecimalDigitsMax)) return std::nullopt;
  DecimalLiteral literal{.units = 0, .scale = static_cast<int>(fraction.size())};
  for (const char c : whole) literal.units = literal.units * 10 + (c - '0');
  for (const char c : fraction) literal.units = literal.units * 10 + (c - '0');
  if (negative) literal.units = -literal.units;
  return literal;
}

std::string FormatDecimal(const DecimalLiteral& literal) {
  std::string digits;  // backwards
  Int128 rest = literal.units;
  do {
    const int digit = static_cast<int>(rest % 10);
    digits.push_back(static_cast<char>('0' + (digit < 0 ? -digit : digit)));
    rest /= 10;
    if (static_cast<int>(digits.size()) == literal.scale) digits.push_back('.');
  } while (rest != 0 || static_cast<int>(digits.size()) <= literal.scale);
  if (digits.back() == '.') digits.push_back('0');
  if (literal.units < 0) digits.push_back('-');
  std::reverse(digits.begin(), digits.end());
  return digits;
}

bool IsCanonical(const DecimalLiteral& literal) {
  if (literal.scale < 0 || literal.scale > kDecimalDigitsMax) return false;
  const Int128 beyond = PowerOfTen(kDecimalDigitsMax);
  if (literal.units <= -beyond || literal.units >= beyond) return false;
  return literal.scale == 0 || literal.units % 10 != 0;
}

ScaledBounds ScaleTo(const DecimalLiteral& literal, int scale) {
  assert(IsCanonical(literal) && scale >= 0 && scale <= 18);
  const Int128 beyond = PowerOfTen(30);
  ScaledBounds bounds;
  if (literal.scale <= scale) {
    const Int128 factor = PowerOfTen(scale - literal.scale);
    const Int128 safe = beyond / factor;
    bounds.floor = std::clamp(literal.units, -safe, safe) * factor;
    bounds.ceil = bounds.floor;
  } else {
    const Int128 divisor = PowerOfTen(literal.scale - scale);
    const Int128 quotient = literal.units / divisor;
    const Int128 remainder = literal.units % divisor;
    bounds.floor = remainder < 0 ? quotient - 1 : quotient;
    bounds.ceil = remainder > 0 ? quotient + 1 : quotient;
    bounds.floor = std::clamp(bounds.floor, -beyond, beyond);
    bounds.ceil = std::clamp(bounds.ceil, -beyond, beyond);
  }
  return bounds;
}

}  // namespace throng::query
