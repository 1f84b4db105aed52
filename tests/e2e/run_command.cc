#include "tests/e2e/run_command.h"

#include <chrono>
#include <cstdlib>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/e2e/child_process.h"

namespace throng::e2e {
namespace {

// Far beyond what any command needs, also under sanitizers: a bound, not a measure.
constexpr std::chrono::minutes kCommandLimit{3};
constexpr size_t kShownBytesMax = 4'000;

std::string Shown(std::string_view text) {
  if (text.size() <= kShownBytesMax) return std::string(text);
  return fmt::format("{}... ({} bytes)", text.substr(0, kShownBytesMax), text.size());
}

}  // namespace

Json CommandResult::json() const {
  Json parsed = Json::parse(output, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) {
    ADD_FAILURE() << "no JSON: " << *this;
    return nullptr;
  }
  return parsed;
}

std::ostream& operator<<(std::ostream& stream, const CommandResult& result) {
  return stream << "$ " << Shown(result.command_line) << "\nexit code " << result.exit_code
                << "\nstdout:\n"
                << Shown(result.output) << "\nstderr:\n"
                << Shown(result.error_output);
}

std::string ProgramPath(std::string_view name) {
  const char* directory = std::getenv("THRONG_BIN_DIR");
  if (directory != nullptr) return fmt::format("{}/{}", directory, name);
  return name == "throngd" ? THRONG_SERVER_PROGRAM : THRONG_CLIENT_PROGRAM;
}

std::vector<std::string> Throng::CommandLine(const std::vector<std::string>& arguments) const {
  std::vector<std::string> line = {ProgramPath("throng"), "--server", server_, "--population",
                                   population_};
  line.insert(line.end(), arguments.begin(), arguments.end());
  return line;
}

CommandResult Throng::Run(const std::vector<std::string>& arguments, std::string_view input) const {
  const std::vector<std::string> line = CommandLine(arguments);
  ChildProcess child(line, input);
  const bool ended = child.Wait(kCommandLimit);
  CommandResult result;
  result.command_line = fmt::format("{}", fmt::join(line, " "));
  if (ended) result.exit_code = *child.exit_code();
  result.output = child.output();
  result.error_output = child.error_output();
  return result;
}

Json Throng::Ask(const std::vector<std::string>& arguments) const {
  std::vector<std::string> with_json = arguments;
  with_json.push_back("--json");
  const CommandResult result = Run(with_json);
  if (result.exit_code != 0) {
    ADD_FAILURE() << result;
    return nullptr;
  }
  return result.json();
}

int64_t Throng::Count(const std::string& expression) const {
  Json answer = Ask({"count", expression});
  return answer.is_object() ? answer.value("count", int64_t{-1}) : -1;
}

uint64_t Throng::DataVersion() const {
  Json answer = Ask({"populations", "get", population_});
  return answer.is_object() ? answer["data_version"].get<uint64_t>() : 0;
}

}  // namespace throng::e2e
