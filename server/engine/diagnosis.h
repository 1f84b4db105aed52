// What the data says is odd about an expression: conditions that change nothing, and conditions
// that nobody meets together.
//
//   AddMissingCounts(snapshot, &warnings);     // every read
//   Diagnose(bound, &result);                  // an explanation that has its marginals
//
// What logic alone says is the linter's (query/linter.h). Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_DIAGNOSIS_H_
#define THRONG_SERVER_ENGINE_DIAGNOSIS_H_

#include <vector>

#include "absl/status/status.h"
#include "index/snapshot.h"
#include "query/resolver.h"
#include "server/engine/resolved_selection.h"
#include "server/engine/selections.h"

namespace throng::engine {

// Says in every NEGATED_MISSING how many users that is. From stored cardinalities. Thread-safe.
void AddMissingCounts(const index::Snapshot& snapshot, std::vector<query::Warning>* warnings);

// Appends to the warnings of `result`, at most 100, of what is so on its data version:
//   CONDITION_EMPTY, CONDITION_EVERYBODY   a condition matches nobody, everybody
//   REDUNDANT_CONDITION                    without the condition the crowd is the same
//   CONTRADICTION                          which two operands of the outermost and have nobody in
//                                          common, or the first so many, where it leaves nobody
//                                          and no other warning says why
// Says nothing of a condition that already has an ALWAYS_EMPTY or ALWAYS_EVERYBODY. The same of an
// expression's text and of its tree, which has no places. REQUIRES: `result` has its marginals.
// Errors: the check's. Thread-safe.
absl::Status Diagnose(const ResolvedSelection& bound, ExplainResult* result);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_DIAGNOSIS_H_
