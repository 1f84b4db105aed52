// The programs with TLS, tokens and an audit log: set up as docs/security.md says, and every
// mistake in that.
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/child_process.h"
#include "tests/e2e/refusal.h"
#include "tests/e2e/run_command.h"
#include "tests/e2e/server_process.h"
#include "tests/testing/certificates.h"
#include "tests/testing/temporary_directory.h"

namespace throng::e2e {
namespace {

using testing::CertificateFiles;
using testing::Certificates;
using ::testing::HasSubstr;
using ::testing::Not;

class ProtectionTest : public ::testing::Test {
 protected:
  ~ProtectionTest() override {
    for (const char* variable : {"THRONG_TOKEN", "THRONG_TLS_CA"}) unsetenv(variable);
  }

  std::string File(const std::string& name) const { return directory_.File(name); }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(File(name)) << text;
    return File(name);
  }
  CommandResult Token(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "token");
    arguments.insert(arguments.end(), {"--access-file", File("access.toml")});
    return RunServer(arguments);
  }
  std::string NewToken(const std::string& name, const std::string& role) const {
    const CommandResult made = Token({"create", "--role", role, "--population", "*", name});
    EXPECT_EQ(made.exit_code, 0) << made;
    return made.output.substr(0, made.output.find('\n'));
  }
  // Asks until the answer has the exit code: a change is seen within a second.
  static bool Becomes(const Throng& throng, int exit_code) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (std::chrono::steady_clock::now() < end) {
      if (throng.Run({"populations", "list"}).exit_code == exit_code) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  }

  const testing::TemporaryDirectory directory_;
};

TEST_F(ProtectionTest, TlsTokensAndTheAuditLogTogether) {
  Certificates made(directory_.path());
  const CertificateFiles files = made.Issue("server", "/CN=db1");
  const std::string boss = NewToken("boss", "admin");
  setenv("THRONG_TOKEN", boss.c_str(), 1);
  setenv("THRONG_TLS_CA", made.ca().c_str(), 1);
  ServerProcess server(File("data"),
                       {"--tls-cert", files.certificate, "--tls-key", files.key, "--access-file",
                        File("access.toml"), "--audit-log", File("audit")});
  const Throng throng = server.client();
  ASSERT_EQ(throng.Run({"tags", "create", "city", "--type", "CATEGORY"}).exit_code, 0);
  EXPECT_EQ(throng.Count("exists(city)"), 0);
  const std::string viewer = NewToken("viewer", "viewer");
  setenv("THRONG_TOKEN", viewer.c_str(), 1);
  ASSERT_TRUE(Becomes(throng, 0));
  EXPECT_EQ(throng.Count("exists(city)"), 0);
  ExpectRefused(throng.Run({"export", "all()", "-o", File("out")}), 1, {"\"viewer\"", "export"});
  EXPECT_EQ(Token({"revoke", "viewer"}).exit_code, 0);
  EXPECT_TRUE(Becomes(throng, 1));
  ExpectRefused(throng.Run({"count", "all()"}), 1, {"revoked"});
  // Without TLS, with another authority, and for another name.
  unsetenv("THRONG_TLS_CA");
  ExpectRefused(throng.Run({"count", "all()"}), 1, {"--tls-ca"});
  const Certificates others(directory_.path(), "others");
  ExpectRefused(throng.Run({"count", "all()", "--tls-ca", others.ca()}), 1, {"cannot be reached"});
  ExpectRefused(throng.Run({"count", "all()", "--tls-ca", made.ca(), "--tls-server-name", "db2"}),
                1, {"cannot be reached"});
  server.process().Signal(SIGHUP);
  EXPECT_TRUE(server.Logs("event=reloaded what=access_file reason=signal"));
  EXPECT_EQ(server.Stop(), 0);
  EXPECT_THAT(server.process().error_output(), HasSubstr("event=tls subject=\"CN=db1\""));
  const std::string audit = testing::ReadTestFile(File("audit"));
  EXPECT_THAT(audit, HasSubstr("\"method\":\"TagService/CreateTag\""));
  EXPECT_THAT(audit, HasSubstr("\"expressions\":[\"exists(city)\"]"));
  EXPECT_THAT(audit, HasSubstr("\"reason\":\"NO_RIGHT\""));
  for (const std::string& secret : {boss, viewer}) {
    EXPECT_THAT(audit, Not(HasSubstr(secret)));
    EXPECT_THAT(server.process().error_output(), Not(HasSubstr(secret)));
    EXPECT_THAT(testing::ReadTestFile(File("access.toml")), Not(HasSubstr(secret)));
  }
}

TEST_F(ProtectionTest, TokensAreMadeListedAndRevoked) {
  const std::string token = NewToken("cms", "operator");
  EXPECT_TRUE(token.starts_with("throng_")) << token;
  const CommandResult json =
      Token({"create", "load", "--role", "loader", "--expires", "90d", "--json"});
  EXPECT_EQ(json.json()["name"], "load");
  EXPECT_TRUE(json.json()["token"].get<std::string>().starts_with("throng_"));
  EXPECT_EQ(Token({"create", "crm", "--role", "viewer", "--subject", "CN=crm"}).exit_code, 0);
  ExpectRefused(Token({"create", "cms", "--role", "viewer"}), 1, {"\"cms\" already"});
  ExpectRefused(Token({"create", "x", "--role", "boss"}), 1, {"\"boss\" is no role", "viewer"});
  ExpectRefused(Token({"create", "x", "--role", "viewer", "--expires", "soon"}), 1, {"90d"});
  ExpectRefused(Token({"create", "x", "--role", "viewer", "--expires", "2020-01-01"}), 1, {"past"});
  ExpectRefused(Token({"create", "x"}), 2, {"--role"});
  ExpectRefused(Token({"revoke", "nobody"}), 1, {"no principal \"nobody\""});
  EXPECT_EQ(Token({"revoke", "cms"}).exit_code, 0);
  Json list = Token({"list", "--json"}).json();
  ASSERT_EQ(list["principals"].size(), 3);
  EXPECT_EQ(list["principals"][0]["state"], "revoked");
  EXPECT_EQ(list["principals"][1]["state"], "valid");
  EXPECT_EQ(list["principals"][2]["subject"], "CN=crm");
  EXPECT_THAT(Token({"list"}).output, HasSubstr("cms  revoked, token"));
}

TEST_F(ProtectionTest, MistakesOfTheServersSetUpAreSaid) {
  Certificates made(directory_.path());
  const CertificateFiles files = made.Issue("server", "/CN=db1");
  const CertificateFiles other = made.Issue("other", "/CN=db2");
  const auto refused = [&](int exit_code, std::vector<std::string> flags,
                           const std::vector<std::string>& words) {
    flags.insert(flags.begin(), {"--data-dir", File("none")});
    ExpectRefused(RunServer(flags), exit_code, words);
  };
  const std::vector<std::string> tls = {"--tls-cert", files.certificate, "--tls-key", files.key};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), tls.begin(), tls.end());
    return more;
  };
  // Of flags: wrong usage.
  refused(2, {"--listen", "0.0.0.0:0"}, {"no TLS", "--tls-cert", "--insecure-listen-anywhere"});
  refused(2, with({"--listen", "0.0.0.0:0"}), {"no access file", "--access-file"});
  refused(2, {"--tls-cert", files.certificate}, {"--tls-key"});
  refused(2, {"--tls-key", files.key}, {"--tls-cert"});
  refused(2, {"--tls-client-ca", made.ca()}, {"--tls-cert"});
  refused(2, with({"--tls-client-cert", "optional"}), {"--tls-client-ca"});
  refused(2, {"--metrics-listen", "0.0.0.0:0"}, {"--metrics-listen-anywhere"});
  // Of files.
  refused(1, {"--tls-cert", files.certificate, "--tls-key", other.key}, {other.key, "not that of"});
  refused(1, {"--tls-cert", File("no.crt"), "--tls-key", files.key}, {"no.crt", "No such file"});
  refused(1, with({"--tls-client-ca", files.key}), {files.key, "no certificate"});
  refused(1, {"--access-file", File("no.toml")}, {"no.toml", "No such file"});
  refused(1, {"--access-file", Write("bad.toml", "[[principal]]\nnam = \"a\"\n")},
          {"bad.toml line 2", "did you mean name?"});
  refused(1, {"--audit-log", File("no/audit")}, {"no/audit", "No such file"});
}

TEST_F(ProtectionTest, MistakesOfTheClientsSetUpAreSaid) {
  const Throng throng("127.0.0.1:1");
  const auto refused = [](const CommandResult& result, const std::vector<std::string>& words) {
    ExpectRefused(result, 2, words);
  };
  const std::string text = Write("text", "no PEM\n");
  refused(throng.Run({"count", "x", "--tls-ca", File("none")}), {"--tls-ca", "No such file"});
  refused(throng.Run({"count", "x", "--tls-ca", text}), {"--tls-ca", text, "PEM"});
  refused(throng.Run({"count", "x", "--tls-cert", text}), {"--tls-cert and --tls-key"});
  refused(throng.Run({"count", "x", "--tls-key", text}), {"--tls-cert and --tls-key"});
  refused(throng.Run({"count", "x", "--token-file", File("none")}), {"--token-file"});
  refused(throng.Run({"count", "x", "--token-file", Write("empty", "\n")}), {"is empty"});
  refused(throng.Run({"count", "x", "--token-file", text}), {"--token-file", "no token"});
  const std::string token = Write("token", "throng_x\n");
  refused(Throng("192.0.2.1:7400").Run({"count", "x", "--token-file", token}),
          {"192.0.2.1:7400", "in the clear"});
  EXPECT_EQ(throng.Run({"count", "x", "--token-file", token}).exit_code, 1);
}

}  // namespace
}  // namespace throng::e2e
