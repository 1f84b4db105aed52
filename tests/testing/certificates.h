// Certificates for tests, made when the test runs by the openssl program: an authority, and what it
// signs.
//
//   Certificates made(directory.path());
//   const CertificateFiles server = made.Issue("server", "/CN=localhost", "DNS:localhost");
//   made.ca();   // PEM file of the authority
#ifndef THRONG_TESTS_TESTING_CERTIFICATES_H_
#define THRONG_TESTS_TESTING_CERTIFICATES_H_

#include <string>

namespace throng::testing {

struct CertificateFiles {
  std::string certificate;
  std::string key;
};

// Thread-compatible.
class Certificates {
 public:
  // Makes an authority of its own in the directory, which outlives this. Ends the process when the
  // openssl program is not there.
  explicit Certificates(std::string directory, const std::string& name = "ca");

  const std::string& ca() const { return ca_.certificate; }
  // NAME.crt and NAME.key. `names`: "DNS:localhost,IP:127.0.0.1". `days` may be negative: expired.
  CertificateFiles Issue(const std::string& name, const std::string& subject,
                         const std::string& names = "DNS:localhost,IP:127.0.0.1", int days = 30);

 private:
  void Run(const std::string& command) const;
  std::string File(const std::string& name) const { return directory_ + "/" + name; }

  const std::string directory_;
  CertificateFiles ca_;
};

std::string ReadTestFile(const std::string& path);

}  // namespace throng::testing

#endif  // THRONG_TESTS_TESTING_CERTIFICATES_H_
