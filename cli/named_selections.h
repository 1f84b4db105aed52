// Several expressions with names, as `throng overlap` and `throng allocate` take them.
//
//   absl::StatusOr<NamedSelections> selections =
//       MakeNamedSelections({"vip=spend > 5000"}, "", frame, options);
//
// Thread-safe functions.
#ifndef THRONG_CLI_NAMED_SELECTIONS_H_
#define THRONG_CLI_NAMED_SELECTIONS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/global_options.h"
#include "cli/selection_options.h"
#include "google/protobuf/repeated_field.h"
#include "grpcpp/support/status.h"
#include "throng/v1/overlap.pb.h"

namespace throng::cli {

using NamedSelections = google::protobuf::RepeatedPtrField<v1::NamedSelection>;

// One of each NAME=EXPR: those of `texts`, then a line each of `file`, if it is not empty, without
// empty lines and those that begin with '#'. Errors: kInvalidArgument, all of usage.
absl::StatusOr<NamedSelections> MakeNamedSelections(std::vector<std::string> texts,
                                                    const std::string& file,
                                                    const SelectionOptions& frame,
                                                    const GlobalOptions& options);

// The text that an error at "selections[3].selection.expression" is about.
std::string ExpressionOf(const grpc::Status& status, const NamedSelections& selections);

}  // namespace throng::cli

#endif  // THRONG_CLI_NAMED_SELECTIONS_H_
