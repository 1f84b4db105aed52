// Edges of bins as people write them. Every function is thread-safe.
//
//   absl::Status added = AddEdges("1500,3000,5000", axis.mutable_edges());
//   AddEdges("2024-01-01,2024-07-01", axis.mutable_edges());
#ifndef THRONG_CLI_EDGE_LIST_H_
#define THRONG_CLI_EDGE_LIST_H_

#include <string_view>

#include "absl/status/status.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "throng/v1/expression.pb.h"

namespace throng::cli {

// Adds one value for each text between commas: a number where the text is one, else the text, which
// the server reads as a day or a time. Errors: as SplitNames.
absl::Status AddEdges(std::string_view list, google::protobuf::RepeatedPtrField<v1::Value>* edges);

}  // namespace throng::cli

#endif  // THRONG_CLI_EDGE_LIST_H_
