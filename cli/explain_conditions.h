// What each condition of an explained expression does, as tables for people.
//
//   fmt::print("\n{}", RenderConditions(response, /*bars=*/IsTerminal(stdout)));
//
// Thread-safe.
#ifndef THRONG_CLI_EXPLAIN_CONDITIONS_H_
#define THRONG_CLI_EXPLAIN_CONDITIONS_H_

#include <string>

#include "throng/v1/selection.pb.h"

namespace throng::cli {

// A row a condition: its number, the users that match it, the count without it and how much that is
// more or less; then a row a step of the waterfall, with a bar of the users that are left. Empty
// where there is neither.
std::string RenderConditions(const v1::ExplainResponse& response, bool bars);

}  // namespace throng::cli

#endif  // THRONG_CLI_EXPLAIN_CONDITIONS_H_
