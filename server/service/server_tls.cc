#include "server/service/server_tls.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "fmt/format.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"
#include "index/error.h"

namespace throng::service {
namespace {

constexpr unsigned int kWatchSeconds = 1;

int64_t NowSeconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

}  // namespace

MemoryFile::~MemoryFile() {
  if (fd_ >= 0) close(fd_);
}

absl::Status MemoryFile::Set(std::string_view bytes) {
  const int fresh = memfd_create("throngd-tls", MFD_CLOEXEC);
  bool done = fresh >= 0 && WriteAll(fresh, bytes);
  if (done && fd_ < 0) {
    fd_ = fresh;
    path_ = fmt::format("/proc/self/fd/{}", fd_);
    if (::access(path_.c_str(), R_OK) == 0) return absl::OkStatus();
    return absl::UnavailableError(fmt::format("TLS needs {}: is /proc mounted?", path_));
  }
  done = done && dup3(fresh, fd_, O_CLOEXEC) >= 0;
  const int error = errno;
  if (fresh >= 0) close(fresh);
  if (done) return absl::OkStatus();
  return absl::UnavailableError(
      fmt::format("cannot keep a certificate in memory: {}", std::strerror(error)));
}

absl::StatusOr<std::unique_ptr<ServerTls>> ServerTls::Open(const access::CertificatePaths& paths,
                                                           ClientCertificates clients) {
  std::unique_ptr<ServerTls> tls(new ServerTls(paths, clients));
  THRONG_RETURN_IF_ERROR(tls->Reload());
  return tls;
}

std::shared_ptr<grpc::ServerCredentials> ServerTls::NewCredentials() const {
  using grpc::experimental::FileWatcherCertificateProvider;
  // Key and chain are one file, so that they are replaced together.
  grpc::experimental::TlsServerCredentialsOptions options(
      std::make_shared<FileWatcherCertificateProvider>(identity_.path(), identity_.path(),
                                                       client_ca_.path(), kWatchSeconds));
  options.watch_identity_key_cert_pairs();
  if (clients_ != ClientCertificates::kNone) {
    options.watch_root_certs();
    options.set_cert_request_type(clients_ == ClientCertificates::kRequired
                                      ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                      : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return grpc::experimental::TlsServerCredentials(options);
}

ServerTls::Stamps ServerTls::StampFiles() const {
  return {.certificate = access::StampOf(paths_.certificate),
          .key = access::StampOf(paths_.key),
          .client_ca = access::StampOf(paths_.client_ca)};
}

absl::StatusOr<bool> ServerTls::ReloadIfChanged() {
  {
    index::MutexLock lock(mutex_);
    if (StampFiles() == read_) return false;
  }
  THRONG_RETURN_IF_ERROR(Reload());
  return true;
}

absl::Status ServerTls::Reload() {
  const Stamps stamps = StampFiles();  // before the content: a later change is seen
  absl::StatusOr<access::CertificatePem> pem = access::ReadCertificates(paths_, NowSeconds());
  index::MutexLock lock(mutex_);
  // What could not be read, or is not valid yet, is tried again; a mistake in it is said once.
  if (!absl::IsUnavailable(pem.status())) read_ = stamps;
  if (!pem.ok()) return pem.status();
  THRONG_RETURN_IF_ERROR(identity_.Set(pem->identity));
  if (!paths_.client_ca.empty()) THRONG_RETURN_IF_ERROR(client_ca_.Set(pem->client_ca));
  pem_ = *std::move(pem);
  return absl::OkStatus();
}

std::string ServerTls::subject() const {
  index::MutexLock lock(mutex_);
  return pem_.subject;
}

int64_t ServerTls::expires_s() const {
  index::MutexLock lock(mutex_);
  return pem_.expires_s;
}

int64_t ServerTls::chain_expires_s() const {
  index::MutexLock lock(mutex_);
  return pem_.chain_expires_s;
}

}  // namespace throng::service
