#include "tests/e2e/server_process.h"

#include <signal.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "fmt/format.h"
#include "gtest/gtest.h"

namespace throng::e2e {
namespace {

constexpr std::chrono::minutes kStartLimit{2};
constexpr std::chrono::minutes kStopLimit{1};
constexpr std::chrono::minutes kLogLimit{1};

std::vector<std::string> ServerCommand(const std::string& data_directory,
                                       const std::string& port_file,
                                       const std::vector<std::string>& more_flags) {
  std::vector<std::string> line = {
      ProgramPath("throngd"), "--data-dir",  data_directory, "--listen",
      "127.0.0.1:0",          "--port-file", port_file};
  line.insert(line.end(), more_flags.begin(), more_flags.end());
  return line;
}

// The port that `process` writes to `file` once it listens; 0 if it ends before that.
int AwaitPort(ChildProcess& process, const std::string& file) {
  const auto end = std::chrono::steady_clock::now() + kStartLimit;
  while (std::chrono::steady_clock::now() < end) {
    int port = 0;
    if (std::ifstream(file) >> port) return port;
    if (process.Wait(std::chrono::milliseconds(5))) return 0;
  }
  return 0;
}

}  // namespace

CommandResult RunServer(const std::vector<std::string>& flags) {
  std::vector<std::string> line = {ProgramPath("throngd")};
  line.insert(line.end(), flags.begin(), flags.end());
  ChildProcess process(line);
  CommandResult result;
  result.command_line = fmt::format("{}", fmt::join(line, " "));
  if (process.Wait(kStartLimit)) result.exit_code = *process.exit_code();
  result.output = process.output();
  result.error_output = process.error_output();
  return result;
}

bool AwaitLog(const ChildProcess& process, std::string_view text) {
  const auto end = std::chrono::steady_clock::now() + kLogLimit;
  while (std::chrono::steady_clock::now() < end) {
    if (process.error_output().find(text) != std::string::npos) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

ServerProcess::ServerProcess(const std::string& data_directory,
                             const std::vector<std::string>& more_flags, Await await)
    : process_(ServerCommand(data_directory, directory_.File("port"), more_flags)) {
  const int port = AwaitPort(process_, directory_.File("port"));
  address_ = fmt::format("127.0.0.1:{}", port);
  if (port == 0) {
    ADD_FAILURE() << "throngd does not listen:\n" << process_.error_output();
  } else if (await == Await::kServing) {
    ChildProcess ping(client().CommandLine({"ping", "--wait", "120s"}));
    while (!ping.Wait(std::chrono::milliseconds(10)) &&
           !process_.Wait(std::chrono::milliseconds(0)))
      continue;
    EXPECT_EQ(ping.exit_code().value_or(-1), 0) << ping.error_output() << "\nserver:\n"
                                                << process_.error_output();
  }
}

int ServerProcess::Stop() {
  process_.Signal(SIGTERM);
  if (!process_.Wait(kStopLimit)) {
    ADD_FAILURE() << "throngd does not stop:\n" << process_.error_output();
    return -1;
  }
  return *process_.exit_code();
}

void ServerProcess::Kill() {
  process_.Signal(SIGKILL);
  EXPECT_TRUE(process_.Wait(kStopLimit));
}

}  // namespace throng::e2e
