#include "query/limit_parser.h"

#include <cstdint>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "query/lexer.h"

namespace throng::query {
namespace {

absl::Status Misplaced(const SourceSpan& span, std::string message, std::string expected,
                       std::string suggestion = {}) {
  return MakeSyntaxError("MISPLACED_LIMIT", {.span = span,
                                             .message = std::move(message),
                                             .expected = std::move(expected),
                                             .suggestion = std::move(suggestion)});
}

absl::StatusOr<ByTag> ParseTagOrder(TokenStream* tokens) {
  ByTag order;
  order.tag_span = tokens->current().span;
  THRONG_ASSIGN_OR_RETURN(order.tag, ParseTagName(tokens));
  if (!tokens->Is(Keyword::kAsc) && !tokens->Is(Keyword::kDesc)) return order;
  order.descending = tokens->Is(Keyword::kDesc);
  order.direction_span = tokens->current().span;
  THRONG_RETURN_IF_ERROR(tokens->Advance());
  return order;
}

}  // namespace

bool StartsLimit(const TokenStream& tokens) {
  return tokens.Is(Keyword::kTop) || tokens.Is(Keyword::kAny);
}

absl::StatusOr<Limited> ParseLimit(TokenStream* tokens, ValueParser* values) {
  const Token first = tokens->current();
  const bool top = tokens->Is(Keyword::kTop);
  Limited limited;
  THRONG_RETURN_IF_ERROR(tokens->Advance());
  THRONG_ASSIGN_OR_RETURN(const uint64_t users,
                          values->ParseUnsigned("how many users", kLimitUsersMax, 1));
  limited.users = static_cast<uint32_t>(users);
  THRONG_RETURN_IF_ERROR(tokens->Expect(Keyword::kBy, "by"));
  if (top) {
    THRONG_ASSIGN_OR_RETURN(limited.order, ParseTagOrder(tokens));
  } else {
    THRONG_ASSIGN_OR_RETURN(std::string salt, values->ParseText("the salt in single quotes"));
    limited.order = BySalt{std::move(salt)};
  }
  limited.span = tokens->SpanFrom(first);
  return limited;
}

absl::Status CheckNothingFollows(const TokenStream& tokens, const Limited& limited) {
  if (tokens.current().kind == TokenKind::kEnd) return absl::OkStatus();
  if (tokens.Is(Keyword::kAnd) || tokens.Is(Keyword::kOr)) {
    return Misplaced(limited.span,
                     "a limit closes the whole expression: conditions stand before it",
                     "the end behind it");
  }
  if (StartsLimit(tokens)) {
    return Misplaced(tokens.current().span, "an expression has one limit", "the end");
  }
  const auto* order = std::get_if<ByTag>(&limited.order);
  const bool open = order != nullptr && order->direction_span.line == 0;
  if (!open) return tokens.Unexpected("the end");
  return tokens.Unexpected("'asc', 'desc' or the end", {"asc", "desc"});
}

absl::Status LimitInParentheses(const TokenStream& tokens) {
  return Misplaced(tokens.current().span,
                   "a limit closes the whole expression: it cannot stand in parentheses", "')'");
}

absl::Status LimitInsteadOfCondition(const TokenStream& tokens) {
  const std::string word = tokens.Is(Keyword::kTop) ? "top" : "any";
  return Misplaced(tokens.current().span,
                   fmt::format("'{}' closes an expression and does not begin one; a tag of this "
                               "name needs double quotes",
                               word),
                   "a condition", fmt::format("all() {}", word));
}

absl::StatusOr<std::string> ParseTagName(TokenStream* tokens) {
  const Token token = tokens->current();
  std::string name(token.source);
  if (token.kind == TokenKind::kQuotedName) {
    name = token.text;
    if (name.empty()) return tokens->Fail(token, "a tag's name is not empty", "a tag's name");
  } else if (token.kind != TokenKind::kName || token.keyword != Keyword::kNone) {
    return tokens->Unexpected("a tag's name");
  }
  THRONG_RETURN_IF_ERROR(tokens->Advance());
  return name;
}

}  // namespace throng::query
