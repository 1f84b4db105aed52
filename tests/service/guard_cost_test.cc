// What TLS, the access file, the audit log and metrics cost a count: prints, and asserts nothing.
//
//   guarded_test --gtest_also_run_disabled_tests --gtest_filter='*GuardCost*'
#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
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

class GuardCostTest : public GuardedServerTest {
 protected:
  // Microseconds of so many calls, one after the other.
  static std::vector<double> Measure(v1::SelectionService::Stub& stub, const std::string& token,
                                     int calls) {
    std::vector<double> micros;
    v1::CountRequest request;
    request.mutable_selection()->set_expression("city = 'a' and income > 20");
    for (int i = 0; i < calls; ++i) {
      grpc::ClientContext context;
      if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
      v1::CountResponse response;
      const auto begun = std::chrono::steady_clock::now();
      EXPECT_TRUE(stub.Count(&context, request, &response).ok());
      micros.push_back(
          std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begun)
              .count());
    }
    return micros;
  }
  static double Percentile(std::vector<double> micros, double share) {
    std::sort(micros.begin(), micros.end());
    return micros[static_cast<size_t>(share * static_cast<double>(micros.size() - 1))];
  }
};

TEST_F(GuardCostTest, DISABLED_Print) {
  constexpr int kTurns = 20;
  constexpr int kCalls = 500;
  testing::Certificates made(directory_.path());
  const testing::CertificateFiles files = made.Issue("server", "/CN=localhost");
  auto tls = ServerTls::Open({.certificate = files.certificate, .key = files.key},
                             ClientCertificates::kNone);
  ASSERT_TRUE(tls.ok()) << tls.status();
  Allow("cms", {{"default", "viewer", 9}});
  Start();
  CallMetrics metrics(ServiceNames());
  auto guarded =
      Server::Start("127.0.0.1:0", ServiceLimits(), &metrics,
                    {.guards = protection_.guards, .credentials = (*tls)->NewCredentials()});
  auto plain = Server::Start("127.0.0.1:0", ServiceLimits());
  ASSERT_TRUE(guarded.ok() && plain.ok());
  (*guarded)->Serve(engine_.get());
  (*plain)->Serve(engine_.get());
  const auto secure = v1::SelectionService::NewStub(grpc::CreateChannel(
      fmt::format("127.0.0.1:{}", (*guarded)->port()),
      grpc::SslCredentials({.pem_root_certs = testing::ReadTestFile(made.ca())})));
  const auto open = v1::SelectionService::NewStub(grpc::CreateChannel(
      fmt::format("127.0.0.1:{}", (*plain)->port()), grpc::InsecureChannelCredentials()));
  std::vector<double> with;
  std::vector<double> without;
  for (int turn = 0; turn <= kTurns; ++turn) {
    const std::vector<double> on = Measure(*secure, TokenOf("cms"), kCalls);
    const std::vector<double> off = Measure(*open, "", kCalls);
    if (turn == 0) continue;  // warming up
    with.insert(with.end(), on.begin(), on.end());
    without.insert(without.end(), off.begin(), off.end());
  }
  for (const double share : {0.5, 0.9, 0.99}) {
    fmt::print("p{:.0f}: all on {:.1f} us, all off {:.1f} us, {:.2f} times\n", 100 * share,
               Percentile(with, share), Percentile(without, share),
               Percentile(with, share) / Percentile(without, share));
  }
}

}  // namespace
}  // namespace throng::service
