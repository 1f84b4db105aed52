// A throngd of its own for a test, on a free port of the loopback interface.
//
//   ServerProcess server(directory.path());
//   const Throng throng = server.client();
//   throng.Run({"load", ...});
//   EXPECT_EQ(server.Stop(), 0);
//   ServerProcess again(directory.path());   // the same data
#ifndef THRONG_TESTS_E2E_SERVER_PROCESS_H_
#define THRONG_TESTS_E2E_SERVER_PROCESS_H_

#include <string>
#include <string_view>
#include <vector>

#include "tests/e2e/child_process.h"
#include "tests/e2e/run_command.h"
#include "tests/testing/temporary_directory.h"

namespace throng::e2e {

// Runs throngd where it must refuse to start: its exit code, and its log as the error output.
CommandResult RunServer(const std::vector<std::string>& flags);

// Whether the process writes the text to its standard error within a minute.
bool AwaitLog(const ChildProcess& process, std::string_view text);

// Not thread-safe.
class ServerProcess {
 public:
  // Whether the constructor returns when the server answers calls, or as soon as it listens.
  enum class Await { kServing, kListening };

  // Fails the test, with the server's log, if it does not get there.
  explicit ServerProcess(const std::string& data_directory,
                         const std::vector<std::string>& more_flags = {},
                         Await await = Await::kServing);
  // Kills it if it still runs.
  ~ServerProcess() = default;

  // HOST:PORT; one where nobody listens if the server did not start.
  const std::string& address() const { return address_; }
  Throng client(std::string population = "default") const {
    return Throng(address_, std::move(population));
  }
  // SIGTERM, and its exit code; -1 if it did not end in time.
  int Stop();
  // SIGKILL, and waits until it is gone.
  void Kill();
  ChildProcess& process() { return process_; }
  // What it has logged so far, and whether that has the text within a minute.
  std::string log() const { return process_.error_output(); }
  bool Logs(std::string_view text) const { return AwaitLog(process_, text); }

 private:
  const testing::TemporaryDirectory directory_;
  ChildProcess process_;
  std::string address_;
};

}  // namespace throng::e2e

#endif  // THRONG_TESTS_E2E_SERVER_PROCESS_H_
