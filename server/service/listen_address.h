// Addresses to listen on, as the command line gives them.
//
//   CheckAddress("127.0.0.1:7400").ok();   // true
//   IsLoopback("0.0.0.0:7400");            // false: other machines reach it
//
// Thread-safe.
#ifndef THRONG_SERVER_SERVICE_LISTEN_ADDRESS_H_
#define THRONG_SERVER_SERVICE_LISTEN_ADDRESS_H_

#include <string>

#include "absl/status/status.h"

namespace throng::service {

// HOST:PORT with a port from 0 to 65,535; HOST is a name, an IPv4 address or an IPv6 address in
// brackets. Errors: kInvalidArgument.
absl::Status CheckAddress(const std::string& address);
// Whether only this machine can reach `address`: localhost, 127.0.0.0/8 or [::1].
bool IsLoopback(const std::string& address);
// Why nothing can listen on `address`, found by trying: libraries say only that they cannot.
std::string WhyCannotListen(const std::string& address);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_LISTEN_ADDRESS_H_
