// The limit of an expression, bound to a snapshot: which of its users are meant.
//
//   resolved.limit->users;    // at most so many
//   resolved.limit->order;    // the first ones in this order
//   resolved.limit->text;     // "top 10 by spend desc"
//
// Types here are values; thread-compatible.
#ifndef THRONG_QUERY_LIMIT_H_
#define THRONG_QUERY_LIMIT_H_

#include <cstdint>
#include <string>
#include <variant>

#include "query/literal.h"

namespace throng::query {

// By the number of an ordered tag, users without one last; then by place under the empty salt, then
// by the bytes of the primary id.
struct NumberOrder {
  uint32_t tag = 0;
  bool descending = false;
};
// By place under the salt (index/id_hash.h), then by the bytes of the primary id.
struct HashOrder {
  uint64_t salt_hash = 0;
};

struct Limit {
  uint32_t users = 0;  // at least 1
  std::variant<NumberOrder, HashOrder> order;
  std::string text;  // canonical
  SourceSpan span;
};

}  // namespace throng::query

#endif  // THRONG_QUERY_LIMIT_H_
