// Addresses to listen on, as the command line gives them.
//
//   CheckAddress("127.0.0.1:7400").ok();   // true
//   IsLoopback("0.0.0.0:7400");            // false: other machines reach it
//
// Thread-safe.
#ifndef THRONG_SERVER_SERVICE_LISTEN_ADDRESS_H_
#define THRONG_SERVER_SERVICE_LISTEN_ADDRESS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace throng::service {

// HOST:PORT with a port from 0 to 65,535; HOST is a name, an IPv4 address or an IPv6 address in
// brackets. Errors: kInvalidArgument.
absl::Status CheckAddress(const std::string& address);
// Whether only this machine can reach `address`: localhost, 127.0.0.0/8 or [::1].
bool IsLoopback(const std::string& address);
// Sockets that listen on `address`, one for each address that its host has here, all on one port,
// which goes to `port`; the caller closes them. Nobody else can listen there. Errors: kUnavailable
// naming the address and why.
absl::StatusOr<std::vector<int>> ListenOn(const std::string& address, int* port);
// Why nothing can listen on `address`, found by trying: libraries say only that they cannot.
std::string WhyCannotListen(const std::string& address);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_LISTEN_ADDRESS_H_
