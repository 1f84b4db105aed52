#include "tests/testing/certificates.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <utility>

#include "fmt/format.h"

namespace throng::testing {
namespace {

constexpr const char* kNewKey = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";

}  // namespace

Certificates::Certificates(std::string directory, const std::string& name)
    : directory_(std::move(directory)),
      ca_{.certificate = File(name + ".crt"), .key = File(name + ".key")} {
  Run(fmt::format("req -x509 {} -keyout {} -out {} -days 30 -subj /CN={}", kNewKey, ca_.key,
                  ca_.certificate, name));
}

void Certificates::Run(const std::string& command) const {
  const std::string errors = File("openssl.log");
  if (std::system(fmt::format("openssl {} >{} 2>&1", command, errors).c_str()) == 0) return;
  std::fputs(ReadTestFile(errors).c_str(), stderr);
  std::abort();
}

CertificateFiles Certificates::Issue(const std::string& name, const std::string& subject,
                                     const std::string& names, int days) {
  const CertificateFiles files{.certificate = File(name + ".crt"), .key = File(name + ".key")};
  const std::string request = File(name + ".csr");
  const std::string extensions = File(name + ".ext");
  std::ofstream(extensions) << fmt::format("subjectAltName={}\n", names);
  Run(fmt::format("req {} -keyout {} -out {} -subj '{}'", kNewKey, files.key, request, subject));
  Run(fmt::format("x509 -req -in {} -CA {} -CAkey {} -CAcreateserial -days {} -extfile {} -out {}",
                  request, ca_.certificate, ca_.key, days, extensions, files.certificate));
  return files;
}

std::string ReadTestFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace throng::testing
