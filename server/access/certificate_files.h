// The server's certificate, its key, and whose client certificates are taken: read from PEM files
// and checked before they are used.
//
//   absl::StatusOr<CertificatePem> pem = ReadCertificates(
//       {.certificate = "server.crt", .key = "server.key", .client_ca = "clients.crt"}, now_s);
//
// Thread-safe.
#ifndef THRONG_SERVER_ACCESS_CERTIFICATE_FILES_H_
#define THRONG_SERVER_ACCESS_CERTIFICATE_FILES_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace throng::access {

inline constexpr size_t kPemBytesMax = 4 << 20;

// A value; thread-compatible.
struct CertificatePaths {
  std::string certificate;  // the chain, the server's own first
  std::string key;          // may be the same file
  std::string client_ca;    // empty: no client certificates
};

// A value; thread-compatible.
struct CertificatePem {
  std::string identity;  // key and chain, one behind the other
  std::string client_ca;
  std::string subject;          // of the server's certificate, as RFC 2253 writes it
  int64_t expires_s = 0;        // Unix seconds
  int64_t chain_expires_s = 0;  // of the one in the chain that expires first, its own included
};

// Errors: kUnavailable (a file cannot be read), kInvalidArgument (what is in it is not what it
// should be, the key is not the certificate's, the certificate has expired), kFailedPrecondition
// (the certificate is not valid yet): each names the file and what to do.
absl::StatusOr<CertificatePem> ReadCertificates(const CertificatePaths& paths, int64_t now_s);

}  // namespace throng::access

#endif  // THRONG_SERVER_ACCESS_CERTIFICATE_FILES_H_
