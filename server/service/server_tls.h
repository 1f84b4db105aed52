// The server's side of TLS, with certificates that can be replaced while it runs.
//
//   absl::StatusOr<std::unique_ptr<ServerTls>> tls = ServerTls::Open(
//       {.certificate = "server.crt", .key = "server.key"}, ClientCertificates::kNone);
//   builder.AddListeningPort(address, (*tls)->NewCredentials());
//   absl::StatusOr<bool> changed = (*tls)->ReloadIfChanged();    // now and then
//
// gRPC watches files for new certificates, and takes whatever is there: half a key, or one that
// does not fit, would end every handshake. So it is given files in memory, which get only what was
// checked; connections that are open keep what they have. It looks at them every second.
#ifndef THRONG_SERVER_SERVICE_SERVER_TLS_H_
#define THRONG_SERVER_SERVICE_SERVER_TLS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/security/server_credentials.h"
#include "index/mutex.h"
#include "server/access/certificate_files.h"
#include "server/access/file_bytes.h"

namespace throng::service {

enum class ClientCertificates {
  kNone,      // not asked for
  kOptional,  // verified where a client has one
  kRequired,  // without one there is no connection
};

// A file in memory with a path that only this process has. Thread-compatible.
class MemoryFile {
 public:
  MemoryFile() = default;
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  // Replaces the content at once: a reader has the old one or the new one. Errors: kUnavailable.
  absl::Status Set(std::string_view bytes);
  // Empty before the first Set; the same ever after.
  const std::string& path() const { return path_; }

 private:
  int fd_ = -1;
  std::string path_;
};

// Thread-safe.
class ServerTls {
 public:
  // Errors: as access::ReadCertificates.
  static absl::StatusOr<std::unique_ptr<ServerTls>> Open(const access::CertificatePaths& paths,
                                                         ClientCertificates clients);

  // This must outlive the server that has them.
  std::shared_ptr<grpc::ServerCredentials> NewCredentials() const;

  // Reads the files if one has changed, or in any case. Whether there is something new; new
  // connections have it within a second. On an error what was in force stays; files that cannot be
  // read and a certificate that is not valid yet are tried again the next time, others when they
  // have changed. Errors: as access::ReadCertificates.
  absl::StatusOr<bool> ReloadIfChanged() THRONG_EXCLUDES(mutex_);
  absl::Status Reload() THRONG_EXCLUDES(mutex_);

  std::string subject() const THRONG_EXCLUDES(mutex_);
  int64_t expires_s() const THRONG_EXCLUDES(mutex_);  // Unix seconds
  // Of the certificate of the chain that expires first.
  int64_t chain_expires_s() const THRONG_EXCLUDES(mutex_);

 private:
  struct Stamps {
    access::FileStamp certificate;
    access::FileStamp key;
    access::FileStamp client_ca;
    friend bool operator==(const Stamps&, const Stamps&) = default;
  };

  ServerTls(const access::CertificatePaths& paths, ClientCertificates clients)
      : paths_(paths), clients_(clients) {}

  Stamps StampFiles() const;

  const access::CertificatePaths paths_;
  const ClientCertificates clients_;
  mutable index::Mutex mutex_;
  MemoryFile identity_;   // set by Open; its path does not change
  MemoryFile client_ca_;  // likewise
  access::CertificatePem pem_ THRONG_GUARDED_BY(mutex_);
  Stamps read_ THRONG_GUARDED_BY(mutex_);
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_SERVER_TLS_H_
