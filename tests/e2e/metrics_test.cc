// `throngd --metrics-listen`: the endpoint of the program as it ships.
#include <regex>
#include <string>

#include "gmock/gmock.h"
#include "tests/e2e/live_server_test.h"
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
  refused("[::1]:0", 1, {"[::1]:0", "IPv6"});
  refused(server().address(), 1, {server().address(), "metrics", "in use"});
  EXPECT_FALSE(FileExists(File("other")));
  ServerProcess anywhere(File("anywhere"),
                         {"--metrics-listen", "0.0.0.0:0", "--insecure-listen-anywhere"});
  EXPECT_THAT(anywhere.process().error_output(), HasSubstr("event=metrics listen=0.0.0.0:0"));
  EXPECT_EQ(anywhere.Stop(), 0);
}

}  // namespace
}  // namespace throng::e2e
