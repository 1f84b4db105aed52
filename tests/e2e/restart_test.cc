// Stopped, killed, killed in the middle of a load: what was acknowledged is there again, at the
// same data version, and nothing else is.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/e2e/live_server_test.h"

namespace throng::e2e {
namespace {

constexpr int kUsers = 30'000;
// What a load that is to be cut short is given to read before its file seems to hang.
constexpr int kUsersFed = 20'000;
constexpr int kBatchRows = 500;
constexpr std::chrono::minutes kLimit{3};

// Questions to the sample population that touch every type of tag.
const std::vector<std::string>& Questions() {
  static const auto* questions =
      new std::vector<std::string>{"all()",
                                   "is_graduate and device = 'ios'",
                                   "not exists(city) or gender = 'f'",
                                   "views_7d > 3 and last_active_days <= 30",
                                   "spend > 20000.50",
                                   "register_date >= '2024-01-01'",
                                   "last_login < '2026-06-01 12:00:00'",
                                   "exists(interests) and not exists(districts)",
                                   "bucket('restart', 0, 250000)"};
  return *questions;
}

std::map<std::string, int64_t> Answers(const Throng& throng) {
  std::map<std::string, int64_t> answers;
  for (const std::string& question : Questions()) answers[question] = throng.Count(question);
  return answers;
}

// A file that a load reads and that does not end before the test says so: the load is for sure in
// the middle until then. Not thread-safe.
class EndlessFile {
 public:
  explicit EndlessFile(std::string path) : path_(std::move(path)) {
    mkfifo(path_.c_str(), 0600);
    // Open for both, so that the reader may come and go.
    descriptor_ = open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  }
  EndlessFile(const EndlessFile&) = delete;
  EndlessFile& operator=(const EndlessFile&) = delete;
  ~EndlessFile() { End(); }

  const std::string& path() const { return path_; }
  // Hands all of `text` to the reader, unless that ends.
  void Feed(std::string_view text, ChildProcess& reader) {
    while (!text.empty()) {
      const ssize_t written = write(descriptor_, text.data(), text.size());
      if (written > 0) {
        text.remove_prefix(static_cast<size_t>(written));
      } else if (errno != EAGAIN || reader.Wait(std::chrono::milliseconds(1))) {
        FAIL() << "nobody reads " << path_ << "\n" << reader.error_output();
      }
    }
  }
  // The reader sees the end of the file.
  void End() {
    if (descriptor_ >= 0) close(descriptor_);
    descriptor_ = -1;
  }

 private:
  const std::string path_;
  int descriptor_ = -1;
};

// A sample population as files, and a data directory for one server after the other.
class RestartTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const CommandResult made = Throng("127.0.0.1:1")
                                   .Run({"sample", "--users", std::to_string(kUsers),
                                         "--output-dir", directory_.File("sample")});
    ASSERT_EQ(made.exit_code, 0) << made;
  }

  std::string data() const { return directory_.File("data"); }
  std::string users() const { return directory_.File("sample/users.csv"); }
  std::string schema() const { return directory_.File("sample/schema.toml"); }

  // The file's header and first rows.
  static std::string FirstUsers(const std::string& file) {
    std::string text;
    const std::vector<std::string> lines = LinesOf(ReadFile(file));
    for (int i = 0; i <= kUsersFed; ++i) text += lines[static_cast<size_t>(i)] + "\n";
    return text;
  }
  // `throng load` in many small batches.
  std::vector<std::string> LoadInBatches(const std::string& file,
                                         const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"load",      file,           "--schema",
                                          schema(),    "--batch-rows", std::to_string(kBatchRows),
                                          "--no-check"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  // Waits until some users of the load under way are there; how many.
  static int64_t AwaitUsers(const Throng& throng, ChildProcess& load) {
    const auto end = std::chrono::steady_clock::now() + kLimit;
    while (std::chrono::steady_clock::now() < end && !load.Wait(std::chrono::milliseconds(5))) {
      const int64_t users = throng.Ask({"populations", "get", "default"})["user_count"];
      if (users >= 4 * kBatchRows) return users;
    }
    ADD_FAILURE() << "the load ended or hung:\n" << load.output() << load.error_output();
    return 0;
  }

  const testing::TemporaryDirectory directory_;
};

TEST_F(RestartTest, StopAndKillKeepCountsAndVersion) {
  std::map<std::string, int64_t> answers;
  uint64_t version = 0;
  Json portrait;
  {
    ServerProcess server(data());
    Load(server.client(), users(), schema());
    answers = Answers(server.client());
    version = server.client().DataVersion();
    portrait = server.client().Ask({"portrait", "10000001"});
    EXPECT_EQ(answers["all()"], kUsers);
    EXPECT_EQ(server.Stop(), 0);
  }
  for (const bool kill : {true, false, true}) {
    ServerProcess server(data());
    const Throng throng = server.client();
    EXPECT_EQ(throng.DataVersion(), version);
    EXPECT_EQ(Answers(throng), answers);
    EXPECT_EQ(throng.Ask({"portrait", "10000001"}), portrait);
    if (kill) {
      server.Kill();
    } else {
      EXPECT_EQ(server.Stop(), 0);
    }
  }
}

TEST_F(RestartTest, KillRightAfterALoad) {
  uint64_t version = 0;
  std::map<std::string, int64_t> answers;
  {
    ServerProcess server(data());
    const Throng throng = server.client();
    version = Load(throng, users(), schema())["data_version"];
    server.Kill();
  }
  {
    ServerProcess server(data());
    EXPECT_EQ(server.client().DataVersion(), version);
    answers = Answers(server.client());
    EXPECT_EQ(answers["all()"], kUsers);
    server.Kill();
  }
  // Loading the same file once more changes no answer, and neither does another kill.
  {
    ServerProcess server(data());
    Load(server.client(), users(), schema());
    EXPECT_GT(server.client().DataVersion(), version);
    server.Kill();
  }
  ServerProcess server(data());
  EXPECT_EQ(Answers(server.client()), answers);
}

TEST_F(RestartTest, KillInTheMiddleOfALoadKeepsWhatWasAcknowledged) {
  EndlessFile file(directory_.File("fifo"));
  uint64_t version = 0;
  int64_t seen = 0;
  {
    ServerProcess server(data());
    const Throng throng = server.client();
    ChildProcess load(throng.CommandLine(LoadInBatches(file.path(), {"--load-id", "nightly"})));
    ASSERT_NO_FATAL_FAILURE(file.Feed(FirstUsers(users()), load));
    seen = AwaitUsers(throng, load);
    version = throng.DataVersion();
    server.Kill();
    file.End();
    ASSERT_TRUE(load.Wait(kLimit));
    EXPECT_EQ(load.exit_code(), 1) << load.error_output();
    EXPECT_NE(load.error_output().find(server.address()), std::string::npos) << load.error_output();
    EXPECT_NE(load.error_output().find("the same --load-id goes on from there"), std::string::npos)
        << load.error_output();
  }
  ServerProcess server(data());
  const Throng throng = server.client();
  EXPECT_GE(throng.DataVersion(), version);
  const int64_t users_there = throng.Count("all()");
  EXPECT_GE(users_there, seen);
  EXPECT_LE(users_there, kUsersFed);
  EXPECT_EQ(users_there % kBatchRows, 0) << "a batch is there in part";
  EXPECT_EQ(throng.Count("exists(channel)"), users_there);
  // The same load goes on from there, and the end is as if nothing had happened.
  Json summary = throng.Ask(LoadInBatches(users(), {"--load-id", "nightly"}));
  EXPECT_EQ(summary["batches_repeated"], users_there / kBatchRows);
  EXPECT_EQ(summary["users_created"], kUsers - users_there);
  const std::map<std::string, int64_t> answers = Answers(throng);
  EXPECT_EQ(answers.at("all()"), kUsers);
  const Throng fresh = CreatePopulation(throng, "fresh");
  Load(fresh, users(), schema());
  EXPECT_EQ(Answers(fresh), answers);
}

TEST_F(RestartTest, KillInTheMiddleOfAReplaceKeepsTheOldContent) {
  const std::string other = directory_.File("other");
  ASSERT_EQ(
      Throng("127.0.0.1:1")
          .Run({"sample", "--users", std::to_string(kUsers), "--seed", "2", "--output-dir", other})
          .exit_code,
      0);
  EndlessFile file(directory_.File("fifo"));
  std::map<std::string, int64_t> answers;
  uint64_t version = 0;
  {
    ServerProcess server(data());
    const Throng throng = server.client();
    Load(throng, users(), schema());
    ChildProcess load(throng.CommandLine(LoadInBatches(file.path(), {"--mode", "replace"})));
    ASSERT_NO_FATAL_FAILURE(file.Feed(FirstUsers(other + "/users.csv"), load));
    // Nothing tells how much is staged by now, and nothing may depend on it.
    answers = Answers(throng);
    version = throng.DataVersion();
    server.Kill();
    file.End();
    ASSERT_TRUE(load.Wait(kLimit));
    EXPECT_EQ(load.exit_code(), 1) << load.error_output();
  }
  ServerProcess server(data());
  const Throng throng = server.client();
  EXPECT_EQ(throng.DataVersion(), version);
  EXPECT_EQ(Answers(throng), answers);
  // Nothing of the broken one is in the way of the next.
  Load(throng, other + "/users.csv", schema(), {"--mode", "replace"});
  const std::map<std::string, int64_t> replaced = Answers(throng);
  const Throng fresh = CreatePopulation(throng, "fresh");
  Load(fresh, other + "/users.csv", schema());
  EXPECT_EQ(replaced, Answers(fresh));
  EXPECT_NE(replaced, answers);
}

TEST_F(RestartTest, StopInTheMiddleOfALoadLetsItEnd) {
  EndlessFile file(directory_.File("fifo"));
  {
    ServerProcess server(data());
    const Throng throng = server.client();
    ChildProcess load(throng.CommandLine(LoadInBatches(file.path())));
    ASSERT_NO_FATAL_FAILURE(file.Feed(FirstUsers(users()), load));
    AwaitUsers(throng, load);
    server.process().Signal(SIGTERM);
    file.End();
    ASSERT_TRUE(load.Wait(kLimit));
    EXPECT_EQ(load.exit_code(), 0) << load.error_output();
    ASSERT_TRUE(server.process().Wait(kLimit));
    EXPECT_EQ(server.process().exit_code(), 0) << server.process().error_output();
  }
  ServerProcess server(data());
  EXPECT_EQ(server.client().Count("exists(channel)"), kUsersFed);
}

TEST_F(RestartTest, CallsWhileLoadingAreToldSo) {
  {
    ServerProcess server(data());
    Load(server.client(), users(), schema());
    EXPECT_EQ(server.Stop(), 0);
  }
  // From the first moment that it listens, a call is answered in full or refused as UNAVAILABLE.
  ServerProcess server(data(), {}, ServerProcess::Await::kListening);
  const Throng throng = server.client();
  int refused = 0;
  const auto end = std::chrono::steady_clock::now() + kLimit;
  while (std::chrono::steady_clock::now() < end) {
    const CommandResult result = throng.Run({"count", "all()", "--json"});
    if (result.exit_code == 0) {
      EXPECT_EQ(result.json()["count"], kUsers);
      break;
    }
    ++refused;
    EXPECT_EQ(result.exit_code, 1) << result;
    Json error = result.json()["error"];
    EXPECT_EQ(error["code"], "UNAVAILABLE") << error;
    EXPECT_EQ(error["reason"], "LOADING") << error;
    EXPECT_NE(error["message"].get<std::string>().find("%"), std::string::npos) << error;
  }
  RecordProperty("calls_refused_while_loading", refused);
  EXPECT_EQ(throng.Run({"ping"}).exit_code, 0);
  const std::string log = server.process().error_output();
  EXPECT_NE(log.find("event=loading"), std::string::npos) << log;
  EXPECT_NE(log.find("event=serving"), std::string::npos) << log;
}

// The environment of the server's process, of which one variable puts its heap on huge pages.
std::string TunablesOf(ServerProcess& server) {
  const std::string environment = ReadFile(fmt::format("/proc/{}/environ", server.process().pid()));
  constexpr std::string_view kName = "GLIBC_TUNABLES=";
  const size_t begin = environment.find(kName);
  if (begin == std::string::npos) return "(unset)";
  return environment.c_str() + begin + kName.size();
}

TEST(HugePagesTest, AreAskedForUnlessTheEnvironmentSaysSomething) {
  const testing::TemporaryDirectory directory;
  unsetenv("GLIBC_TUNABLES");
  {
    ServerProcess server(directory.File("data"));
    EXPECT_EQ(TunablesOf(server), "glibc.malloc.hugetlb=1");
  }
  setenv("GLIBC_TUNABLES", "", 1);
  ServerProcess server(directory.File("data"));
  EXPECT_EQ(TunablesOf(server), "");
  unsetenv("GLIBC_TUNABLES");
}

}  // namespace
}  // namespace throng::e2e
