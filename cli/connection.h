// How the channel to the server is made: plain or with TLS, with a bearer token or without.
//
//   options.tls_ca = "ca.crt";
//   options.token_file = "token";
//   absl::StatusOr<ConnectionSecrets> secrets = ReadSecrets(options);
//   if (secrets.ok()) channel = MakeChannel(options.server, *secrets, ChannelArguments());
//
// Thread-safe.
#ifndef THRONG_CLI_CONNECTION_H_
#define THRONG_CLI_CONNECTION_H_

#include <grpcpp/channel.h>
#include <grpcpp/support/channel_arguments.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/global_options.h"

namespace throng::cli {

// What the files and the environment have. A value; thread-compatible.
struct ConnectionSecrets {
  bool tls = false;
  std::string roots;  // PEM; empty: those of the system
  std::string certificate;
  std::string key;
  std::string server_name;  // that the server's certificate must have; empty: the host of --server
  std::string token;        // empty: none
};

// Reads the files that the options name. Errors: kInvalidArgument, naming the flag, what is wrong
// and what to do: a file that cannot be read or holds no PEM, a certificate without its key, a
// token that is none or would leave the machine in the clear.
absl::StatusOr<ConnectionSecrets> ReadSecrets(const GlobalOptions& options);

// Connects on the first call. A token goes with every call.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& server,
                                           const ConnectionSecrets& secrets,
                                           grpc::ChannelArguments arguments);

// What to do about a connection that failed, from what gRPC says of it; empty: that says enough.
std::string_view ConnectionRemedy(std::string_view message);

}  // namespace throng::cli

#endif  // THRONG_CLI_CONNECTION_H_
