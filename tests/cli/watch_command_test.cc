// What throng watch prints while a server's canned answers change.
#include <unistd.h>

#include <csignal>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/cli/fake_server.h"

namespace throng::cli {
namespace {

using nlohmann::json;

class WatchCommandTest : public ::testing::Test {
 protected:
  static v1::CountResponse Count(uint64_t count, uint64_t data_version) {
    v1::CountResponse response;
    response.set_count(count);
    response.mutable_info()->set_data_version(data_version);
    return response;
  }
  void Then(uint64_t count, uint64_t data_version) {
    server_.next_counts.emplace_back(grpc::Status::OK, Count(count, data_version));
  }
  void ThenAway() {
    server_.next_counts.emplace_back(grpc::Status(grpc::StatusCode::UNAVAILABLE, "draining"),
                                     v1::CountResponse());
  }
  // Lines without the time at their ends.
  static std::string WithoutTimes(std::string out) {
    for (size_t at; (at = out.find(':')) != std::string::npos;) out.erase(at - 4, 10);
    return out;
  }

  FakeServer server_;
};

TEST_F(WatchCommandTest, PrintsWhatHasChanged) {
  Then(1'000, 7);
  Then(1'000, 7);
  Then(1'003, 8);
  Then(1'003, 9);
  Then(2, 9);  // the time went on, not the data
  const CliRun run = server_.Run({"watch", "views > 3", "--interval", "1ms", "--count", "4"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(WithoutTimes(run.out),
            "1,000 users, data version 7\n"
            "1,003 users (+3), data version 8\n"
            "1,003 users, data version 9\n"
            "2 users (-1,001), data version 9\n");
  EXPECT_EQ(server_.count_request.selection().expression(), "views > 3");
  EXPECT_EQ(server_.count_request.selection().read_version(), 0u);
}

TEST_F(WatchCommandTest, PrintsAnObjectALine) {
  Then(5, 7);
  Then(6, 8);
  const CliRun run =
      server_.Run({"watch", "views > 3", "--interval", "0", "--count", "2", "--json"});
  const size_t end = run.out.find('\n');
  EXPECT_EQ(json::parse(run.out.substr(0, end))["count"], 5);
  EXPECT_EQ(json::parse(run.out.substr(end + 1))["data_version"], 8);
}

TEST_F(WatchCommandTest, AsksAgainWhileTheServerIsAway) {
  Then(5, 7);
  ThenAway();
  ThenAway();
  Then(5, 8);
  const CliRun run = server_.Run({"watch", "views > 3", "--interval", "1ms", "--count", "2"});
  EXPECT_EQ(run.exit_code, 0);
  const std::string again = "trying again\n";
  const size_t said = run.err.find(again);
  ASSERT_NE(said, std::string::npos) << run.err;
  EXPECT_EQ(run.err.substr(said + again.size()), "the server is back\n") << "and says so once";
}

TEST_F(WatchCommandTest, EndsWithWhatWaitingDoesNotMend) {
  server_.failure = {grpc::StatusCode::INVALID_ARGUMENT, "unknown tag"};
  EXPECT_EQ(server_.Run({"watch", "x"}).exit_code, 1);
  Then(5, 7);
  EXPECT_EQ(server_.Run({"watch", "x", "--interval", "0"}).exit_code, 1);
  ThenAway();
  EXPECT_EQ(server_.Run({"watch", "x"}).exit_code, 1) << "a server that was never there";
  EXPECT_EQ(server_.Run({"watch", "x", "--interval", "soon"}).exit_code, 2);
  EXPECT_EQ(server_.Run({"watch", "x", "--count", "-1"}).exit_code, 2);
  EXPECT_EQ(server_.Run({"watch", "x", "--read-version", "3"}).exit_code, 2);
}

TEST_F(WatchCommandTest, CtrlCEndsItInGoodOrder) {
  server_.count = Count(5, 7);
  std::thread interrupt([] {
    // Not before the watch has taken the signal over: it would end the test.
    struct sigaction now = {};
    do {
      usleep(1'000);
      sigaction(SIGINT, nullptr, &now);
    } while (now.sa_handler == SIG_DFL);
    kill(getpid(), SIGINT);
  });
  const CliRun run = server_.Run({"watch", "views > 3", "--interval", "1h"});
  interrupt.join();
  EXPECT_EQ(run.exit_code, 0) << run.err;
}

}  // namespace
}  // namespace throng::cli
