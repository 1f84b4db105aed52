#include "server/access/certificate_files.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <optional>
#include <string_view>

#include "fmt/format.h"
#include "index/error.h"
#include "server/access/file_bytes.h"

namespace throng::access {
namespace {

template <auto kFree>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

Bio ReaderOf(std::string_view bytes) {
  return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

// A key with a passphrase cannot be read: there is nobody to type it.
int NoPassphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

absl::Status Wrong(std::string_view message) {
  ERR_clear_error();
  return index::InvalidArgument("BAD_CERTIFICATE", "", message);
}

// How many certificates the bytes hold, all of them sound; nullopt: one is not.
std::optional<int> CountCertificates(std::string_view bytes) {
  const Bio bio = ReaderOf(bytes);
  int count = 0;
  while (Certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) != nullptr) ++count;
  const auto error = ERR_peek_last_error();
  ERR_clear_error();
  const bool at_end =
      ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  if (!at_end) return std::nullopt;
  return count;
}

absl::Status CheckChain(const std::string& path, std::string_view bytes) {
  const std::optional<int> count = CountCertificates(bytes);
  if (!count.has_value()) return Wrong(fmt::format("{} holds a damaged certificate", path));
  if (*count > 0) return absl::OkStatus();
  return Wrong(fmt::format(
      "{} holds no certificate: it must be PEM, with -----BEGIN CERTIFICATE-----", path));
}

// When a certificate expires, in Unix seconds; nullopt: it does not say.
std::optional<int64_t> EndOf(const X509& certificate) {
  std::tm ends{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(&certificate), &ends) != 1) return std::nullopt;
  return timegm(&ends);
}

// The first end of all certificates of a sound chain; `least` if none is before that.
int64_t FirstEnd(std::string_view chain, int64_t least) {
  const Bio bio = ReaderOf(chain);
  while (true) {
    const Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (certificate == nullptr) break;
    least = std::min(least, EndOf(*certificate).value_or(least));
  }
  ERR_clear_error();
  return least;
}

std::string SubjectOf(X509& certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(&certificate), 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<size_t>(size));
}

absl::StatusOr<int64_t> CheckTimes(const std::string& path, X509& certificate, int64_t now_s) {
  std::time_t now = now_s;
  if (X509_cmp_time(X509_get0_notBefore(&certificate), &now) > 0) {
    return index::MakeError(
        absl::StatusCode::kUnavailable,
        fmt::format("the certificate in {} is not valid yet: check the clock", path),
        {.reason = "BAD_CERTIFICATE"});
  }
  const std::optional<int64_t> expires_s = EndOf(certificate);
  if (!expires_s.has_value()) {
    return Wrong(fmt::format("the certificate in {} says no end of its validity", path));
  }
  if (now_s >= *expires_s) {
    return Wrong(fmt::format("the certificate in {} has expired: get a new one", path));
  }
  return *expires_s;
}

absl::StatusOr<Key> ReadKey(const std::string& path, std::string_view bytes) {
  const Bio bio = ReaderOf(bytes);
  bool has_passphrase = false;
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassphrase, &has_passphrase));
  if (key != nullptr) return key;
  if (has_passphrase) {
    return Wrong(
        fmt::format("the key in {} has a passphrase: take it away with `openssl pkey`", path));
  }
  return Wrong(fmt::format(
      "{} holds no private key: it must be PEM, with -----BEGIN PRIVATE KEY-----", path));
}

}  // namespace

absl::StatusOr<CertificatePem> ReadCertificates(const CertificatePaths& paths, int64_t now_s) {
  THRONG_ASSIGN_OR_RETURN(const std::string chain, ReadFileBytes(paths.certificate, kPemBytesMax));
  THRONG_RETURN_IF_ERROR(CheckChain(paths.certificate, chain));
  THRONG_ASSIGN_OR_RETURN(const std::string key_bytes, ReadFileBytes(paths.key, kPemBytesMax));
  THRONG_ASSIGN_OR_RETURN(const Key key, ReadKey(paths.key, key_bytes));
  const Bio bio = ReaderOf(chain);
  const Certificate own(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  CertificatePem pem{.subject = SubjectOf(*own)};
  THRONG_ASSIGN_OR_RETURN(pem.expires_s, CheckTimes(paths.certificate, *own, now_s));
  pem.chain_expires_s = FirstEnd(chain, pem.expires_s);
  if (X509_check_private_key(own.get(), key.get()) != 1) {
    return Wrong(fmt::format("the key in {} is not that of the first certificate in {}", paths.key,
                             paths.certificate));
  }
  pem.identity = fmt::format("{}\n{}\n", key_bytes, chain);
  if (!paths.client_ca.empty()) {
    THRONG_ASSIGN_OR_RETURN(pem.client_ca, ReadFileBytes(paths.client_ca, kPemBytesMax));
    THRONG_RETURN_IF_ERROR(CheckChain(paths.client_ca, pem.client_ca));
  }
  return pem;
}

}  // namespace throng::access
