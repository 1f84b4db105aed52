// What `throng` says when a call failed or when an expression deserves a warning.
//
//   error: unknown tag "citty"
//     citty = 'Beijing' and views_7d > 3
//     ^~~~~
//   did you mean: city
//
// Commands use ReportFailure() of cli/client.h; these are its parts.
#ifndef THRONG_CLI_ERROR_OUTPUT_H_
#define THRONG_CLI_ERROR_OUTPUT_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "throng/v1/error.pb.h"
#include "throng/v1/selection.pb.h"

namespace throng::cli {

// The ErrorDetail of a failed call's trailer; empty where there is none or it cannot be read.
v1::ErrorDetail ErrorDetailOf(const grpc::Status& status);

// "INVALID_ARGUMENT", as in the documents of gRPC.
std::string CodeName(int code);

// The status's message, preceded by the server's address where it could not be reached.
std::string FailureMessage(const grpc::Status& status, std::string_view server);

// The lines of a failed call, each ended by a newline. `expression` is the text that was sent, or
// empty.
std::string RenderFailure(const grpc::Status& status, std::string_view server,
                          std::string_view expression);

// The lines of a warning; `expression` as above.
std::string RenderWarning(const v1::Warning& warning, std::string_view expression);

// The line of `text` that holds the place, and a line of "^~~~" under it; both indented by two
// spaces, tabs expanded, wide characters underlined in full. A line wider than 100 columns is cut
// around the place. `line` and `column` are 1-based, `column` and `length` count code points.
// Length 0, or a place past the end of its line, gives a single "^". Empty where there is no
// such line.
std::string MarkPlace(std::string_view text, std::uint32_t line, std::uint32_t column,
                      std::uint32_t length);

}  // namespace throng::cli

#endif  // THRONG_CLI_ERROR_OUTPUT_H_
