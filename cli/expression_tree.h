// Expression trees as protobuf JSON, at every depth the server takes: protobuf's own JSON code
// stops at 64 nested messages, and 64 levels of an expression are twice as many.
//
//   absl::StatusOr<Json> json = TreeToJson(response.tree());
//   // {"negation":{"operand":{"condition":{...}}}}
//   absl::StatusOr<v1::Expression> tree = TreeFromJson(*json);
//
// Thread-safe.
#ifndef THRONG_CLI_EXPRESSION_TREE_H_
#define THRONG_CLI_EXPRESSION_TREE_H_

#include "absl/status/statusor.h"
#include "cli/json_output.h"
#include "throng/v1/expression.pb.h"

namespace throng::cli {

// Levels of an expression that are read and printed; the server takes fewer.
inline constexpr int kTreeDepthMax = 96;

// Errors: kInvalidArgument beyond kTreeDepthMax; kInternal if a part cannot be printed.
absl::StatusOr<Json> TreeToJson(const v1::Expression& tree);

// Errors: kInvalidArgument: not an expression, or beyond kTreeDepthMax.
absl::StatusOr<v1::Expression> TreeFromJson(const Json& json);

}  // namespace throng::cli

#endif  // THRONG_CLI_EXPRESSION_TREE_H_
