// How every command reaches the server and how it reports that it could not do its work.
//
//   auto stub = v1::SelectionService::NewStub(Connect(options));
//   grpc::ClientContext context;
//   SetDeadline(options, context);
//   v1::CountResponse response;
//   grpc::Status status = stub->Count(&context, request, &response);
//   if (!status.ok()) return ReportFailure(status, options, expression);
#ifndef THRONG_CLI_CLIENT_H_
#define THRONG_CLI_CLIENT_H_

#include <google/protobuf/message.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "cli/global_options.h"

namespace throng::cli {

// The process's exit codes.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;  // Refused by the server, failed, or unreachable.
inline constexpr int kExitUsage = 2;   // Bad flags, a missing argument or file, a bad schema file.

// How a channel to a server is to be set up: the sizes of messages, the pauses between attempts.
grpc::ChannelArguments ChannelArguments();

// options.channel, else one to options.server, with TLS and a token if options say so. Connects on
// the first call; throws CLI::ValidationError when a file of these cannot be used. Proxies of the
// environment are not used.
std::shared_ptr<grpc::Channel> Connect(const GlobalOptions& options);

// Sets the deadline of a call of one answer: options.timeout from now, or none if that is zero.
void SetDeadline(const GlobalOptions& options, grpc::ClientContext& context);

// The same for load and export, which take as long as they take: only if --timeout was given.
void SetStreamDeadline(const GlobalOptions& options, grpc::ClientContext& context);

// A call of one answer whose messages may nest deeper than the 100 levels a stub reads: the tree of
// an expression takes two a level. `method` is "/package.Service/Method". What a stub returns.
grpc::Status CallDeep(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                      grpc::ClientContext& context, const google::protobuf::Message& request,
                      google::protobuf::Message* response);

// "populations/default".
std::string PopulationName(const GlobalOptions& options);

// Prints a failed call and returns kExitFailed: on stderr, with the offending part of `expression`
// marked where the server named one; on stdout as {"error": {...}} if options.json.
int ReportFailure(const grpc::Status& status, const GlobalOptions& options,
                  std::string_view expression = {});

// The same for what failed on this side, e.g. a file that could not be written.
int ReportFailure(const absl::Status& status, const GlobalOptions& options);

// Prints what is wrong with the command line (or with a file it names) and returns kExitUsage:
// on stderr, or on stdout as {"error": {"code": "INVALID_ARGUMENT", "reason": "USAGE", ...}}.
int ReportUsage(std::string_view message, const GlobalOptions& options);
int ReportUsage(const absl::Status& status, const GlobalOptions& options);

}  // namespace throng::cli

#endif  // THRONG_CLI_CLIENT_H_
