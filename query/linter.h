// Says what is valid but probably not meant.
//
//   city != 'Paris'                  NEGATED_MISSING: leaves out the users without a city
//   city = 'Paris' and city = 'Rome' ALWAYS_EMPTY: a CATEGORY has one value
//   city != 'a' or city != 'b'       REDUNDANT_OR: everybody with a city
#ifndef THRONG_QUERY_LINTER_H_
#define THRONG_QUERY_LINTER_H_

#include <cstdint>

#include "index/catalogue.h"
#include "query/expression.h"
#include "query/resolver.h"

namespace throng::query {

// Appends warnings to `resolved->warnings`, at most 100: TAG_OFFLINE, TAG_STALE (at the request's
// reference time, Unix microseconds) and NEGATED_MISSING once a tag, REDUNDANT_OR, TOP_ASCENDING,
// and ALWAYS_EMPTY or ALWAYS_EVERYBODY at the smallest part that is so. What it says is certain,
// what it does not notice may still be so. Reads no user's data. Thread-safe.
// REQUIRES: `resolved` is what `expression` resolved to in `view`.
void Lint(const Expression& expression, const index::CatalogueView& view, int64_t reference_us,
          Resolved* resolved);

// What is certain of whom a plan selects without reading any user's data.
enum class Verdict { kSome, kNobody, kEverybody };

// By the plan's constants alone: what one condition resolved to has an ALWAYS_EMPTY where this is
// kNobody, an ALWAYS_EVERYBODY where it is kEverybody. Thread-safe.
Verdict Judge(const LogicalPlan& plan);

}  // namespace throng::query

#endif  // THRONG_QUERY_LINTER_H_
