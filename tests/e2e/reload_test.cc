// SIGHUP: what throngd reads again, what becomes of mistakes, and what waits for a restart.
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <memory>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "grpc/grpc_security_constants.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/auth_context.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"
#include "gtest/gtest.h"
#include "tests/e2e/server_process.h"
#include "tests/e2e/test_files.h"
#include "tests/testing/certificates.h"
#include "tests/testing/scrape.h"
#include "tests/testing/temporary_directory.h"
#include "throng/v1/selection.grpc.pb.h"

namespace throng::e2e {
namespace {

using testing::CertificateFiles;
using testing::Certificates;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Scrape;

constexpr int64_t kDaySeconds = 86'400;

class ReloadTest : public ::testing::Test {
 protected:
  ~ReloadTest() override {
    for (const char* variable : {"THRONG_TOKEN", "THRONG_TLS_CA"}) unsetenv(variable);
  }

  std::string File(const std::string& name) const { return directory_.File(name); }
  std::string Write(const std::string& name, const std::string& text) const {
    WriteFile(File(name), text);
    return File(name);
  }
  // At once: the watch sees one content or the other.
  void Replace(const std::string& name, const std::string& text) const {
    std::filesystem::rename(Write(name + ".new", text), File(name));
  }
  // The endpoint of a server with --metrics-listen 127.0.0.1:0.
  static Scrape MetricsOf(const ServerProcess& server) {
    std::smatch found;
    const std::string log = server.log();
    static const std::regex kLine("event=metrics listen=127\\.0\\.0\\.1:0 port=(\\d+)");
    if (!std::regex_search(log, found, kLine)) return {};
    return testing::ScrapeMetrics(std::stoi(found[1]));
  }

  const testing::TemporaryDirectory directory_;
};

// The file is not touched, so that the watch finds nothing: what is read is read for the signal.
TEST_F(ReloadTest, TheAccessFileIsReadAgain) {
  const CommandResult made = RunServer({"token", "create", "--role", "admin", "--population", "*",
                                        "boss", "--access-file", File("access.toml")});
  ASSERT_EQ(made.exit_code, 0) << made;
  setenv("THRONG_TOKEN", made.output.substr(0, made.output.find('\n')).c_str(), 1);
  const std::string good = ReadFile(File("access.toml"));
  ServerProcess server(File("data"),
                       {"--access-file", File("access.toml"), "--metrics-listen", "127.0.0.1:0"});
  const testing::MetricLabels what = {{"what", "access_file"}};
  EXPECT_EQ(MetricsOf(server).Value("throng_reload_failures_total", what), 0);
  server.process().Signal(SIGHUP);
  EXPECT_TRUE(server.Logs("event=reloaded what=access_file reason=signal"));
  EXPECT_THAT(server.log(), Not(HasSubstr("reason=watch")));
  // A mistake is read once by the watch; again for the signal alone. The text of the message stays
  // within its quotation marks.
  Replace("access.toml",
          "[[principal]]\nname = \"a\"\nsubject = \"CN=a\"\n"
          "[[principal.grant]]\npopulation = \"*\"\nroles = [\"lord\"]\n");
  EXPECT_TRUE(server.Logs("event=reload_failed what=access_file reason=watch"));
  server.process().Signal(SIGHUP);
  EXPECT_TRUE(server.Logs("event=reload_failed what=access_file reason=signal message=\""));
  EXPECT_THAT(server.log(), HasSubstr("\\\"lord\\\" is no role"));
  Scrape scrape = MetricsOf(server);
  EXPECT_GE(scrape.Value("throng_reload_failures_total", what).value_or(0), 2);
  EXPECT_EQ(scrape.Value("throng_reload_failing", what), 1);
  EXPECT_EQ(server.client().Count("all()"), 0) << "what was in force stays";
  Replace("access.toml", good);
  EXPECT_TRUE(server.Logs("event=reloaded what=access_file reason=watch"));
  scrape = MetricsOf(server);
  EXPECT_EQ(scrape.Value("throng_reload_failing", what), 0);
  EXPECT_THAT(testing::Faults(scrape), ::testing::IsEmpty());
  EXPECT_EQ(server.Stop(), 0);
}

// A connection of its own to a server whose authority is in `roots`.
std::shared_ptr<grpc::Channel> Connect(const ServerProcess& server, const std::string& roots) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = ReadFile(roots);
  grpc::ChannelArguments arguments;
  arguments.SetInt("grpc.use_local_subchannel_pool", 1);
  return grpc::CreateCustomChannel(server.address(), grpc::SslCredentials(options), arguments);
}

// Counts, and says which certificate the server has shown on the connection; else the error.
std::string CertificateOf(const std::shared_ptr<grpc::Channel>& channel) {
  const auto stub = v1::SelectionService::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  v1::CountRequest request;
  request.mutable_selection()->set_expression("all()");
  v1::CountResponse response;
  const grpc::Status status = stub->Count(&context, request, &response);
  if (!status.ok()) return status.error_message();
  const auto found = context.auth_context()->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  return found.empty() ? "no certificate" : std::string(found[0].data(), found[0].size());
}

TEST_F(ReloadTest, NewConnectionsHaveTheNewCertificateAndOldOnesGoOn) {
  Certificates made(directory_.path());
  const CertificateFiles first = made.Issue("first", "/CN=first");
  const CertificateFiles second = made.Issue("second", "/CN=second", "DNS:localhost,IP:127.0.0.1",
                                             /*days=*/10);
  const CertificateFiles used = {.certificate = File("used.crt"), .key = File("used.key")};
  const auto install = [&](const CertificateFiles& files) {
    constexpr auto kReplace = std::filesystem::copy_options::overwrite_existing;
    std::filesystem::copy_file(files.key, used.key, kReplace);
    std::filesystem::copy_file(files.certificate, used.certificate, kReplace);
  };
  install(first);
  setenv("THRONG_TLS_CA", made.ca().c_str(), 1);
  ServerProcess server(File("data"), {"--tls-cert", used.certificate, "--tls-key", used.key,
                                      "--metrics-listen", "127.0.0.1:0"});
  const auto expires = [&] {
    return MetricsOf(server).Value("throng_certificate_expiry_time_seconds").value_or(0);
  };
  EXPECT_GT(expires(), static_cast<double>(std::time(nullptr) + 29 * kDaySeconds));
  const std::shared_ptr<grpc::Channel> old = Connect(server, made.ca());
  const std::string shown_first = ReadFile(first.certificate);
  const std::string shown_second = ReadFile(second.certificate);
  ASSERT_NE(shown_first, shown_second);
  EXPECT_EQ(CertificateOf(old), shown_first);

  install(second);
  server.process().Signal(SIGHUP);
  EXPECT_TRUE(server.Logs("event=reloaded what=certificate reason=signal"));
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  std::string shown;
  while (shown != shown_second && std::chrono::steady_clock::now() < end) {
    shown = CertificateOf(Connect(server, made.ca()));
    EXPECT_TRUE(shown == shown_first || shown == shown_second) << shown;  // no call fails meanwhile
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_EQ(shown, shown_second);
  EXPECT_EQ(CertificateOf(old), shown_first) << "the old connection goes on";
  EXPECT_LT(expires(), static_cast<double>(std::time(nullptr) + 11 * kDaySeconds));
  EXPECT_EQ(server.Stop(), 0);
}

// A backup syncs many files: it takes over a millisecond anywhere.
TEST_F(ReloadTest, ALowerLimitIsInForce) {
  const std::string file = Write("throngd.toml", "slow-query-ms = 0\n");
  ServerProcess server(File("data"), {"--config", file, "--backup-dir", File("backups")});
  EXPECT_EQ(server.client().Run({"backup", "create", "a"}).exit_code, 0);
  Write("throngd.toml", "slow-query-ms = 1\n");
  server.process().Signal(SIGHUP);
  EXPECT_TRUE(server.Logs("event=reloaded what=limits reason=signal"));
  EXPECT_THAT(server.log(), Not(HasSubstr("event=slow_call")));
  EXPECT_THAT(server.log(), Not(HasSubstr("event=restart_needed")));
  EXPECT_EQ(server.client().Run({"backup", "create", "b"}).exit_code, 0);
  EXPECT_TRUE(server.Logs("event=slow_call"));
  EXPECT_THAT(server.log(), HasSubstr("method=AdminService/CreateBackup"));
  EXPECT_EQ(server.Stop(), 0);
}

TEST_F(ReloadTest, WhatWaitsForARestartIsNamed) {
  const std::string file = Write("throngd.toml", "threads = 1\nsync = \"interval\"\n");
  ServerProcess server(File("data"), {"--config", file});
  // As it was, said in other words.
  Write("throngd.toml",
        "threads = 1\nsync = \"interval\"\nwrite-threads = 16\n"
        "insecure-listen-anywhere = false\naccess-file = \"\"\ncalls-queued-max = 7\n");
  server.process().Signal(SIGHUP);
  EXPECT_TRUE(server.Logs("event=reloaded what=limits"));
  EXPECT_THAT(server.log(), Not(HasSubstr("event=restart_needed")));
  Write("throngd.toml", "threads = 2\ncalls-queued-max = 8\nload-streams-max = 3\n");
  server.process().Signal(SIGHUP);
  EXPECT_TRUE(server.Logs("event=restart_needed settings=\"load-streams-max sync threads\""));
  EXPECT_EQ(server.Stop(), 0);
}

// What the audit log must have is refused, and counted.
TEST_F(ReloadTest, LinesThatTheAuditLogCannotTakeAreCounted) {
  std::filesystem::create_symlink("/dev/full", File("audit"));
  ServerProcess server(File("data"),
                       {"--audit-log", File("audit"), "--metrics-listen", "127.0.0.1:0"});
  const auto refused = [&] {
    return MetricsOf(server).Value("throng_audit_lines_refused_total").value_or(-1);
  };
  const double before = refused();
  EXPECT_GE(before, 0);
  EXPECT_EQ(server.client().Run({"tags", "create", "city", "--type", "CATEGORY"}).exit_code, 1);
  EXPECT_GT(refused(), before);
  EXPECT_THAT(server.log(), HasSubstr("event=audit_failed message=\""));
  EXPECT_EQ(server.Stop(), 0);
}

}  // namespace
}  // namespace throng::e2e
