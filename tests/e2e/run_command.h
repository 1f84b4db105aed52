// Runs `throng` as people do: arguments in, text and exit code out.
//
//   const Throng throng("127.0.0.1:7400");
//   CommandResult result = throng.Run({"count", "city = 'Beijing'"});
//   EXPECT_EQ(result.exit_code, 0) << result;
//   EXPECT_EQ(throng.In("bank").Count("y"), 5'289);
#ifndef THRONG_TESTS_E2E_RUN_COMMAND_H_
#define THRONG_TESTS_E2E_RUN_COMMAND_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "nlohmann/json.hpp"

namespace throng::e2e {

// Answers are kept in variables that are not const: to ask one for a member that it lacks then
// gives null, which fails the test that expects something, where a const one would end the process.
using Json = nlohmann::json;

// What a command left behind. A plain value.
struct CommandResult {
  std::string command_line;
  // 128 + the signal if it was killed; -1 if it did not end in time and was killed for that.
  int exit_code = -1;
  std::string output;
  std::string error_output;

  // The output as JSON; fails the test and is null if it is none.
  Json json() const;
};
std::ostream& operator<<(std::ostream& stream, const CommandResult& result);

// The full path of a program of the build under test: of THRONG_BIN_DIR if that is set.
std::string ProgramPath(std::string_view name);

// `throng` against one server and population. Thread-compatible.
class Throng {
 public:
  explicit Throng(std::string server, std::string population = "default")
      : server_(std::move(server)), population_(std::move(population)) {}

  // The same server, another population.
  Throng In(std::string population) const { return Throng(server_, std::move(population)); }

  // The whole command line of `throng ARGUMENTS`, for a ChildProcess.
  std::vector<std::string> CommandLine(const std::vector<std::string>& arguments) const;
  // Runs it to its end.
  CommandResult Run(const std::vector<std::string>& arguments, std::string_view input = {}) const;
  // Runs it with --json. Fails the test unless it exits 0; null then.
  Json Ask(const std::vector<std::string>& arguments) const;

  // Users that match; -1 and a failed test if the count fails.
  int64_t Count(const std::string& expression) const;
  // The population's data version now.
  uint64_t DataVersion() const;

 private:
  const std::string server_;
  const std::string population_;
};

}  // namespace throng::e2e

#endif  // THRONG_TESTS_E2E_RUN_COMMAND_H_
