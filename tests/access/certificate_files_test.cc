// Certificate files: what is read from good ones, and what is said of bad ones.
#include "server/access/certificate_files.h"

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/certificates.h"
#include "tests/testing/temporary_directory.h"

namespace throng::access {
namespace {

using testing::CertificateFiles;
using testing::Certificates;
using ::testing::HasSubstr;
using testing::ReadTestFile;

class CertificateFilesTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(directory_.File(name)) << text;
    return directory_.File(name);
  }
  absl::StatusOr<CertificatePem> Read(const std::string& certificate, const std::string& key,
                                      const std::string& client_ca = "") const {
    return ReadCertificates({.certificate = certificate, .key = key, .client_ca = client_ca},
                            std::time(nullptr));
  }
  void ExpectRefused(const absl::StatusOr<CertificatePem>& pem, const std::string& file,
                     const std::string& words) const {
    ASSERT_FALSE(pem.ok()) << words;
    EXPECT_THAT(std::string(pem.status().message()), HasSubstr(file));
    EXPECT_THAT(std::string(pem.status().message()), HasSubstr(words));
  }

  testing::TemporaryDirectory directory_;
  Certificates made_{directory_.path()};
  const CertificateFiles server_ = made_.Issue("server", "/O=Example/CN=server");
};

TEST_F(CertificateFilesTest, SaysWhoseItIsAndUntilWhen) {
  const absl::StatusOr<CertificatePem> pem = Read(server_.certificate, server_.key, made_.ca());
  ASSERT_TRUE(pem.ok()) << pem.status();
  EXPECT_EQ(pem->subject, "CN=server,O=Example");
  const int64_t month = std::time(nullptr) + 30 * 86'400;
  EXPECT_LE(pem->expires_s, month);
  EXPECT_GT(pem->expires_s, month - 3'600);
  EXPECT_THAT(pem->identity, HasSubstr("PRIVATE KEY"));
  EXPECT_THAT(pem->identity, HasSubstr("BEGIN CERTIFICATE"));
  EXPECT_EQ(pem->client_ca, ReadTestFile(made_.ca()));
}

TEST_F(CertificateFilesTest, SaysWhichOfTheChainExpiresFirst) {
  const CertificateFiles soon = made_.Issue("soon", "/CN=intermediate", "DNS:x", /*days=*/3);
  const std::string chain =
      Write("chain.crt", ReadTestFile(server_.certificate) + ReadTestFile(soon.certificate));
  const absl::StatusOr<CertificatePem> pem = Read(chain, server_.key);
  ASSERT_TRUE(pem.ok()) << pem.status();
  const int64_t now = std::time(nullptr);
  EXPECT_LE(pem->chain_expires_s, now + 3 * 86'400);
  EXPECT_GT(pem->chain_expires_s, now + 3 * 86'400 - 3'600);
  EXPECT_GT(pem->expires_s, now + 29 * 86'400);  // its own is another
  const absl::StatusOr<CertificatePem> alone = Read(server_.certificate, server_.key);
  ASSERT_TRUE(alone.ok()) << alone.status();
  EXPECT_EQ(alone->chain_expires_s, alone->expires_s);
}

TEST_F(CertificateFilesTest, KeyAndChainMayBeOneFile) {
  const std::string both =
      Write("both", ReadTestFile(server_.key) + ReadTestFile(server_.certificate) +
                        ReadTestFile(made_.ca()));
  EXPECT_TRUE(Read(both, both).ok());
}

TEST_F(CertificateFilesTest, MistakesNameTheFileAndTheRemedy) {
  const CertificateFiles other = made_.Issue("other", "/CN=other");
  const std::string empty = Write("empty", "");
  const std::string whole = ReadTestFile(server_.certificate);
  const std::string half = Write("half", whole.substr(0, whole.size() / 2));
  const std::string garbled =
      Write("garbled", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  const std::string locked = directory_.File("locked");
  ASSERT_EQ(std::system(fmt::format("openssl pkey -in {} -aes128 -passout pass:x -out {}",
                                    server_.key, locked)
                            .c_str()),
            0);
  ExpectRefused(Read(directory_.File("none"), server_.key), "none", "No such file");
  ExpectRefused(Read(server_.certificate, directory_.File("none")), "none", "No such file");
  ExpectRefused(Read(server_.certificate, server_.key, directory_.File("none")), "none",
                "No such file");
  ExpectRefused(Read(empty, server_.key), empty, "holds no certificate");
  ExpectRefused(Read(server_.key, server_.key), server_.key, "holds no certificate");
  ExpectRefused(Read(half, server_.key), half, "certificate");
  ExpectRefused(Read(garbled, server_.key), garbled, "damaged");
  ExpectRefused(Read(server_.certificate, empty), empty, "holds no private key");
  ExpectRefused(Read(server_.certificate, server_.certificate), server_.certificate,
                "holds no private key");
  ExpectRefused(Read(server_.certificate, other.key), other.key, "is not that of");
  ExpectRefused(Read(server_.certificate, locked), locked, "passphrase");
  ExpectRefused(Read(server_.certificate, server_.key, server_.key), server_.key,
                "holds no certificate");
}

TEST_F(CertificateFilesTest, TimesAreLookedAt) {
  const absl::StatusOr<CertificatePem> now = Read(server_.certificate, server_.key);
  ASSERT_TRUE(now.ok()) << now.status();
  const CertificatePaths paths{.certificate = server_.certificate, .key = server_.key};
  EXPECT_TRUE(ReadCertificates(paths, now->expires_s - 1).ok());
  ExpectRefused(ReadCertificates(paths, now->expires_s), server_.certificate, "has expired");
  ExpectRefused(ReadCertificates(paths, 0), server_.certificate, "not valid yet");
}

}  // namespace
}  // namespace throng::access
