// A program that runs beside the test, with its output kept and its end made sure of.
//
//   ChildProcess child({"/usr/bin/sort", "-n"}, "3\n1\n");
//   if (child.Wait(std::chrono::seconds(10))) Use(child.exit_code(), child.output());
#ifndef THRONG_TESTS_E2E_CHILD_PROCESS_H_
#define THRONG_TESTS_E2E_CHILD_PROCESS_H_

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace throng::e2e {

// The kernel kills the child when the thread that started it ends, so that nothing is left behind
// even by a test that is killed: start children on the main thread. Not thread-safe.
class ChildProcess {
 public:
  // Starts `arguments[0]` with these arguments, the test's own environment without THRONG_SERVER
  // and THRONG_POPULATION, and `input` as standard input. Aborts where the system has no room for
  // a process.
  explicit ChildProcess(const std::vector<std::string>& arguments, std::string_view input = {});
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  // Kills it if it still runs.
  ~ChildProcess();

  // Waits for the end, at most so long. False: it still runs.
  bool Wait(std::chrono::milliseconds limit);
  // Sends a signal if it still runs.
  void Signal(int number);

  // Set once it has ended: its exit code, or 128 + the signal that killed it.
  std::optional<int> exit_code() const { return exit_code_; }
  pid_t pid() const { return pid_; }
  // What it has written so far.
  std::string output() const;
  std::string error_output() const;

 private:
  pid_t pid_ = -1;
  int output_ = -1;
  int error_output_ = -1;
  std::optional<int> exit_code_;
};

}  // namespace throng::e2e

#endif  // THRONG_TESTS_E2E_CHILD_PROCESS_H_
