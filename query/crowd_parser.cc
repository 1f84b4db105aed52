#include "query/crowd_parser.h"

#include <cstdint>
#include <limits>
#include <string_view>

#include "index/error.h"
#include "query/lexer.h"

namespace throng::query {
namespace {

// `live` is a word only here: a tag may have this name.
bool IsLive(const Token& token) {
  constexpr std::string_view kLive = "live";
  if (token.kind != TokenKind::kName || token.source.size() != kLive.size()) return false;
  for (size_t i = 0; i < kLive.size(); ++i) {
    if ((token.source[i] | 0x20) != kLive[i]) return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<CrowdRef> ParseCrowd(TokenStream* tokens, ValueParser* values) {
  const Token first = tokens->current();
  CrowdRef crowd;
  THRONG_RETURN_IF_ERROR(tokens->Advance());
  THRONG_RETURN_IF_ERROR(tokens->Expect("("));
  const Token name = tokens->current();
  crowd.name_span = name.span;
  THRONG_ASSIGN_OR_RETURN(crowd.name, values->ParseText("the crowd's name in single quotes"));
  if (crowd.name.empty()) {
    return tokens->Fail(name, "a crowd's name is not empty", "the crowd's name in single quotes");
  }
  if (tokens->Is(",")) {
    THRONG_RETURN_IF_ERROR(tokens->Advance());
    crowd.live = IsLive(tokens->current());
    if (crowd.live) {
      THRONG_RETURN_IF_ERROR(tokens->Advance());
    } else {
      THRONG_ASSIGN_OR_RETURN(const uint64_t version,
                              values->ParseUnsigned("live or the number of a version",
                                                    std::numeric_limits<uint32_t>::max(), 1));
      crowd.version = static_cast<uint32_t>(version);
    }
  } else if (!tokens->Is(")")) {
    return tokens->Unexpected("',' or ')'");
  }
  THRONG_RETURN_IF_ERROR(tokens->Expect(")"));
  crowd.span = tokens->SpanFrom(first);
  return crowd;
}

}  // namespace throng::query
