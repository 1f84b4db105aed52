// Rewrites a logical plan into a simpler one that selects the same users.
//
//   LogicalPlan n = Normalize(plan, catalogue);
//   ToString(n, catalogue);   // "and(city in {Beijing}, not(churned))"
//
// The rewrites are one list (Rewrites()), applied bottom-up until nothing changes. Each is a pure
// function tested as text to text and on random plans (tests/query/normalizer_test.cc).
#ifndef THRONG_QUERY_NORMALIZER_H_
#define THRONG_QUERY_NORMALIZER_H_

#include <string_view>
#include <vector>

#include "index/catalogue.h"
#include "query/logical_plan.h"

namespace throng::query {

struct Rewrite {
  std::string_view name;
  // Rewrites the root in place, its operands being normal already; false when it does not apply.
  bool (*apply)(LogicalPlan& plan, const index::Catalogue& catalogue);
};

// In the order they are tried. Thread-safe.
const std::vector<Rewrite>& Rewrites();

// Returns a plan that selects exactly the users of `plan`; a normal plan comes back as it is. In a
// normal plan no And or Or is nested in one of its kind or has equal, constant or complementary
// operands, and Not stands only before a leaf. Thread-safe.
LogicalPlan Normalize(LogicalPlan plan, const index::Catalogue& catalogue);

}  // namespace throng::query

#endif  // THRONG_QUERY_NORMALIZER_H_
