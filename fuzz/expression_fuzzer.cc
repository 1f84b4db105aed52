// Feeds any bytes to the parser of expressions. It must answer with a tree or an error that has a
// place; a tree must be valid, and its text must parse back to an equal tree.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "index/error.h"
#include "query/formatter.h"
#include "query/parser.h"

namespace {

void Require(bool condition, std::string_view what, std::string_view text) {
  if (condition) return;
  std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(what.size()), what.data(),
               static_cast<int>(text.size()), text.data());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using throng::query::Expression;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<Expression> parsed = throng::query::Parse(text, {});
  if (!parsed.ok()) {
    const auto detail = throng::index::GetErrorDetail(parsed.status());
    Require(detail.has_value(), "an error without detail", text);
    Require(detail->line > 0 && detail->column > 0, "an error without place", text);
    return 0;
  }
  Require(throng::query::Validate(*parsed, {}).ok(), "a tree that is not valid", text);
  const std::string canonical = throng::query::Format(*parsed);
  const absl::StatusOr<Expression> again = throng::query::Parse(canonical, {});
  Require(again.ok(), "canonical text that does not parse", canonical);
  Require(*again == *parsed, "canonical text of another tree", canonical);
  Require(throng::query::Format(*again) == canonical, "text that is not stable", canonical);
  return 0;
}
