// What every command of `throng` is told: the flags that stand before or after the command.
//
//   throng --server db1:7400 count "city = 'Beijing'" --json
//
// RunCli() fills one GlobalOptions from flags and the environment and hands it to each command.
#ifndef THRONG_CLI_GLOBAL_OPTIONS_H_
#define THRONG_CLI_GLOBAL_OPTIONS_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "absl/time/time.h"

namespace throng::cli {

// A plain value; thread-compatible.
struct GlobalOptions {
  // HOST:PORT (--server, THRONG_SERVER).
  std::string server = "127.0.0.1:7400";
  // The last part of the population's name (--population, THRONG_POPULATION).
  std::string population = "default";
  // Print JSON on stdout, errors too (--json).
  bool json = false;
  // Deadline of one call; zero: none (--timeout).
  absl::Duration timeout = absl::Seconds(30);
  // Whether --timeout was given: load and export have no deadline otherwise.
  bool timeout_given = false;
  // TLS with the system's authorities (--tls); any of the next four means TLS as well.
  bool tls = false;
  // PEM files (--tls-ca, --tls-cert, --tls-key; THRONG_TLS_CA, ...).
  std::string tls_ca;
  std::string tls_cert;
  std::string tls_key;
  // That the server's certificate must have (--tls-server-name, THRONG_TLS_SERVER_NAME).
  std::string tls_server_name;
  // A bearer token (THRONG_TOKEN; no flag, which others would see), or its file (--token-file,
  // THRONG_TOKEN_FILE).
  std::string token;
  std::string token_file;
  // A server of this process, taken instead of `server` if set.
  std::shared_ptr<grpc::Channel> channel = nullptr;
};

}  // namespace throng::cli

#endif  // THRONG_CLI_GLOBAL_OPTIONS_H_
