// `throngd --metrics-listen`: the endpoint of the program as it ships.
#include <chrono>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "tests/e2e/live_server_test.h"
#include "tests/e2e/raw_connection.h"
#include "tests/e2e/refusal.h"
#include "tests/testing/scrape.h"

namespace throng::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::Scrape;

// The port that the log names; 0 if it names none.
int MetricsPort(ServerProcess& server) {
  std::smatch found;
  const std::string log = server.process().error_output();
  static const std::regex kLine("event=metrics listen=127\\.0\\.0\\.1:0 port=(\\d+)");
  return std::regex_search(log, found, kLine) ? std::stoi(found[1]) : 0;
}

class MetricsTest : public LiveServerTest {};

TEST_F(MetricsTest, ANumberForEverythingThatHappened) {
  ServerProcess measured(File("measured"), {"--metrics-listen", "127.0.0.1:0"});
  const int port = MetricsPort(measured);
  ASSERT_GT(port, 0) << measured.process().error_output();
  const Throng client = measured.client();
  const auto requests = [&](const std::string& code) {
    return testing::ScrapeMetrics(port)
        .Value("throng_rpc_requests_total",
               {{"method", "throng.v1.SelectionService/Count"}, {"code", code}})
        .value_or(0);
  };
  Load(client, Write("users.csv", "user_id,city\n1,Paris\n2,Rome\n3,Rome\n"),
       Write("schema.toml", "id_column = \"user_id\"\n" + Tag("city", "CATEGORY")), {"--no-check"});
  const double ok = requests("OK");
  const double wrong = requests("INVALID_ARGUMENT");
  for (int i = 0; i < 4; ++i) EXPECT_EQ(client.Count("city = 'Rome'"), 2);
  ExpectRefused(client.Run({"count", "town = 'Rome'"}), 1, {"town"});
  EXPECT_EQ(requests("OK"), ok + 4);
  EXPECT_EQ(requests("INVALID_ARGUMENT"), wrong + 1);

  const Scrape scrape = testing::ScrapeMetrics(port);
  EXPECT_THAT(testing::Faults(scrape), IsEmpty());
  EXPECT_EQ(scrape.Value("throng_population_users", {{"population", "default"}}), 3);
  EXPECT_EQ(scrape.Value("throng_population_tags", {{"population", "default"}}), 1);
  EXPECT_EQ(scrape.Value("throng_population_data_version", {{"population", "default"}}),
            client.DataVersion());
  EXPECT_EQ(scrape.Sum("throng_store_read_only"), 0);
  EXPECT_EQ(scrape.Value("throng_serving"), 1);
  EXPECT_EQ(scrape.Sum("throng_build_info"), 1);
  EXPECT_EQ(measured.Stop(), 0);
}

// What somebody sends who is no Prometheus: the server goes on, and so does the endpoint.
TEST_F(MetricsTest, OddRequestsAreSurvived) {
  ServerProcess measured(File("odd"), {"--metrics-listen", "127.0.0.1:0"});
  const int port = MetricsPort(measured);
  ASSERT_GT(port, 0) << measured.process().error_output();
  const std::string address = fmt::format("127.0.0.1:{}", port);
  const auto answer = [&](const std::string& request) {
    RawConnection connection(address);
    connection.Send(request);
    const auto has_line = [](std::string_view received) {
      return received.find("\r\n") != std::string_view::npos;
    };
    return connection.Receive(std::chrono::seconds(30), has_line);
  };
  EXPECT_THAT(answer("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), HasSubstr(" 200 "));
  EXPECT_THAT(answer("GET /metrics HTTP/1.0\r\n\r\n"), HasSubstr(" 200 "));
  const std::string large(1 << 20, 'x');
  const std::vector<std::string> odd = {
      std::string(1'000, '\xff') + "\r\n\r\n",
      std::string("\0\0\0\r\n\r\n", 7),
      "\r\n\r\n",
      "GET\r\n\r\n",
      "GET /metrics HTTP/9.9\r\n\r\n",
      "BREW /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
      "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
      "GET /" + large + " HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /metrics HTTP/1.1\r\nHost: " + large + "\r\n\r\n",
      "GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
  };
  for (const std::string& request : odd) {
    EXPECT_THAT(answer(request), Not(HasSubstr(" 200 "))) << request.substr(0, 40);
  }
  // One that never ends its headers holds its own connection.
  RawConnection slow(address);
  ASSERT_TRUE(slow.Send("GET /metrics HTTP/1.1\r\nHost: "));
  EXPECT_EQ(testing::ScrapeMetrics(port).Value("throng_serving"), 1);
  EXPECT_EQ(measured.client().Count("all()"), 0);
  EXPECT_EQ(measured.Stop(), 0);
}

TEST_F(MetricsTest, NoneUnlessAskedFor) {
  EXPECT_THAT(server().process().error_output(), Not(HasSubstr("event=metrics")));
}

TEST_F(MetricsTest, AddressesThatCannotBeListenedOn) {
  const auto refused = [&](const std::string& address, int exit_code,
                           const std::vector<std::string>& words) {
    ExpectRefused(RunServer({"--data-dir", File("other"), "--listen", "127.0.0.1:0",
                             "--metrics-listen", address}),
                  exit_code, words);
  };
  refused("0.0.0.0:0", 2, {"0.0.0.0:0", "--insecure-listen-anywhere"});
  refused("127.0.0.1", 2, {"127.0.0.1", "HOST:PORT"});
  refused("127.0.0.1:70000", 2, {"127.0.0.1:70000"});
  refused("[::1]:0", 2, {"[::1]:0", "IPv6"});
  refused(server().address(), 1, {server().address(), "metrics", "in use"});
  EXPECT_FALSE(FileExists(File("other")));
  ServerProcess anywhere(File("anywhere"),
                         {"--metrics-listen", "0.0.0.0:0", "--insecure-listen-anywhere"});
  EXPECT_THAT(anywhere.process().error_output(), HasSubstr("event=metrics listen=0.0.0.0:0"));
  EXPECT_EQ(anywhere.Stop(), 0);
}

}  // namespace
}  // namespace throng::e2e
