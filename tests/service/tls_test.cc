// TLS over real connections: who gets one, who the certificate says one is, and certificates that
// are replaced while calls go on.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "gtest/gtest.h"
#include "server/service/server_tls.h"
#include "tests/service/guarded_fixture.h"
#include "tests/testing/certificates.h"
#include "throng/v1/selection.grpc.pb.h"

namespace throng::service {
namespace {

using grpc::StatusCode;
using testing::CertificateFiles;
using testing::Certificates;
using testing::ReadTestFile;

class TlsTest : public GuardedServerTest {
 protected:
  // The files that the server watches.
  void Install(const CertificateFiles& files) {
    std::filesystem::copy_file(files.key, paths_.key,
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::copy_file(files.certificate, paths_.certificate,
                               std::filesystem::copy_options::overwrite_existing);
  }
  void StartTls(ClientCertificates clients) {
    Install(made_.Issue("first", "/CN=first"));
    if (clients != ClientCertificates::kNone) paths_.client_ca = made_.ca();
    auto tls = ServerTls::Open(paths_, clients);
    ASSERT_TRUE(tls.ok()) << tls.status();
    tls_ = *std::move(tls);
    protection_.credentials = tls_->NewCredentials();
    Start();
  }
  void TearDown() override {
    GuardedServerTest::TearDown();
    tls_.reset();
  }

  // A connection of its own; `files` may be empty.
  std::shared_ptr<grpc::Channel> Connect(const std::string& roots,
                                         const CertificateFiles& files = {}) const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = ReadTestFile(roots);
    if (!files.key.empty()) {
      options.pem_private_key = ReadTestFile(files.key);
      options.pem_cert_chain = ReadTestFile(files.certificate);
    }
    return ConnectWith(grpc::SslCredentials(options));
  }
  std::shared_ptr<grpc::Channel> ConnectWith(
      const std::shared_ptr<grpc::ChannelCredentials>& credentials) const {
    grpc::ChannelArguments arguments;
    arguments.SetInt("grpc.use_local_subchannel_pool", 1);
    return grpc::CreateCustomChannel(fmt::format("127.0.0.1:{}", server_->port()), credentials,
                                     arguments);
  }
  static grpc::Status Count(const std::shared_ptr<grpc::Channel>& channel,
                            const std::string& token = "") {
    const auto stub = v1::SelectionService::NewStub(channel);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
    v1::CountRequest request;
    request.mutable_selection()->set_expression("city = 'a'");
    v1::CountResponse response;
    return stub->Count(&context, request, &response);
  }

  Certificates made_{directory_.path()};
  access::CertificatePaths paths_{.certificate = directory_.File("installed.crt"),
                                  .key = directory_.File("installed.key")};
  std::unique_ptr<ServerTls> tls_;
};

TEST_F(TlsTest, ATokenOverTls) {
  Allow("cms", {{"default", "viewer"}});
  StartTls(ClientCertificates::kNone);
  EXPECT_TRUE(Count(Connect(made_.ca()), TokenOf("cms")).ok());
  EXPECT_EQ(Count(Connect(made_.ca())).error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(Count(ConnectWith(grpc::InsecureChannelCredentials()), TokenOf("cms")).error_code(),
            StatusCode::UNAVAILABLE);
  const Certificates others(directory_.path(), "others");
  EXPECT_EQ(Count(Connect(others.ca()), TokenOf("cms")).error_code(), StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, ACertificateSaysWhoCalls) {
  access_text_ =
      "[[principal]]\nname = \"crm\"\nsubject = \"CN=crm,O=Example\"\n"
      "[[principal.grant]]\npopulation = \"default\"\nroles = [\"viewer\"]\n";
  Allow("cms", {});
  StartTls(ClientCertificates::kRequired);
  const CertificateFiles crm = made_.Issue("crm", "/O=Example/CN=crm");
  EXPECT_TRUE(Count(Connect(made_.ca(), crm)).ok());
  // The token comes first; a bad one is not made good by a certificate.
  EXPECT_EQ(Count(Connect(made_.ca(), crm), TokenOf("cms")).error_code(),
            StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Count(Connect(made_.ca(), crm), "nonsense").error_code(), StatusCode::UNAUTHENTICATED);
  const CertificateFiles other = made_.Issue("other", "/O=Example/CN=crm2");
  EXPECT_EQ(Count(Connect(made_.ca(), other)).error_code(), StatusCode::UNAUTHENTICATED);
  // Without a certificate, or with one that the authority has not signed, there is no connection.
  EXPECT_EQ(Count(Connect(made_.ca())).error_code(), StatusCode::UNAVAILABLE);
  Certificates others(directory_.path(), "others");
  EXPECT_EQ(Count(Connect(made_.ca(), others.Issue("forged", "/O=Example/CN=crm"))).error_code(),
            StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, ACertificateMayBeOptional) {
  Allow("cms", {{"default", "viewer"}});
  StartTls(ClientCertificates::kOptional);
  EXPECT_TRUE(Count(Connect(made_.ca()), TokenOf("cms")).ok());
  Certificates others(directory_.path(), "others");
  EXPECT_EQ(
      Count(Connect(made_.ca(), others.Issue("forged", "/CN=x")), TokenOf("cms")).error_code(),
      StatusCode::UNAVAILABLE);
}

// Clients trust the authorities of both certificates. None of their calls may fail, neither on a
// connection that stays nor on new ones, while the server's certificate is replaced and spoilt.
TEST_F(TlsTest, CertificatesAreReplacedUnderLoadWithoutAFailedCall) {
  Allow("cms", {{"default", "viewer"}});
  StartTls(ClientCertificates::kNone);
  Certificates second_authority(directory_.path(), "second_ca");
  const std::string both = directory_.File("both.crt");
  std::ofstream(both) << ReadTestFile(made_.ca()) << ReadTestFile(second_authority.ca());
  std::atomic<bool> done{false};
  std::atomic<int> calls{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 2; ++i) {
    clients.emplace_back([&, i] {
      auto channel = Connect(both);
      while (!done.load()) {
        if (i == 0) channel = Connect(both);
        const grpc::Status status = Count(channel, TokenOf("cms"));
        EXPECT_TRUE(status.ok()) << status.error_message();
        calls.fetch_add(1);
      }
    });
  }
  const auto becomes_trusted_by = [&](const std::string& authority) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(2);
    while (std::chrono::steady_clock::now() < end) {
      if (Count(Connect(authority), TokenOf("cms")).ok()) return true;
    }
    return false;
  };
  Install(second_authority.Issue("second", "/CN=second"));
  EXPECT_TRUE(*tls_->ReloadIfChanged());
  EXPECT_TRUE(becomes_trusted_by(second_authority.ca()));
  // A key that does not fit, then half a certificate: what was in force stays.
  std::ofstream(paths_.key) << ReadTestFile(made_.Issue("third", "/CN=third").key);
  EXPECT_FALSE(tls_->ReloadIfChanged().ok());
  std::ofstream(paths_.certificate) << "-----BEGIN CERTIFICATE-----\nAAAA\n";
  EXPECT_FALSE(tls_->ReloadIfChanged().ok());
  EXPECT_TRUE(Count(Connect(second_authority.ca()), TokenOf("cms")).ok());
  Install(made_.Issue("fourth", "/CN=fourth"));
  EXPECT_TRUE(*tls_->ReloadIfChanged());
  EXPECT_EQ(tls_->subject(), "CN=fourth");
  EXPECT_TRUE(becomes_trusted_by(made_.ca()));
  done.store(true);
  for (std::thread& client : clients) client.join();
  EXPECT_GT(calls.load(), 2);
}

}  // namespace
}  // namespace throng::service
