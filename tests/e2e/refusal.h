// What every refusal must be: the exit code, words that name the place and the remedy, and a
// population that is as it was.
//
//   const PopulationState before(throng());
//   ExpectRefused(throng().Run({"count", "citty = 'x'"}), 1, {"unknown tag", "did you mean:
//   city"}); EXPECT_EQ(PopulationState(throng()), before);
#ifndef THRONG_TESTS_E2E_REFUSAL_H_
#define THRONG_TESTS_E2E_REFUSAL_H_

#include <ostream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/e2e/run_command.h"

namespace throng::e2e {

// All that is worth comparing of a small population: its own numbers, its tags with their
// definitions and counts, and every user with their tags. Thread-compatible.
class PopulationState {
 public:
  explicit PopulationState(const Throng& throng)
      : population_(throng.Ask({"populations", "list"})), tags_(throng.Ask({"tags", "list"})) {
    std::string names;
    for (const Json& tag : tags_["tags"]) {
      names += (names.empty() ? "\"" : ",\"") + tag["tag"].get<std::string>() + "\"";
    }
    std::vector<std::string> arguments = {"export", "all()", "-o", "-", "--format", "ndjson"};
    if (!names.empty()) arguments.insert(arguments.end(), {"--tags", names});
    users_ = throng.Run(arguments).output;
  }

  // All users, one a line, in JSON.
  const std::string& users() const { return users_; }

  friend bool operator==(const PopulationState&, const PopulationState&) = default;
  friend std::ostream& operator<<(std::ostream& stream, const PopulationState& state) {
    return stream << state.population_ << "\n" << state.tags_ << "\n" << state.users_;
  }

 private:
  Json population_;
  Json tags_;
  std::string users_;
};

// Expects the command to have failed so, with each of `words` on stderr, or on stdout in JSON.
inline void ExpectRefused(const CommandResult& result, int exit_code,
                          const std::vector<std::string>& words) {
  EXPECT_EQ(result.exit_code, exit_code) << result;
  for (const std::string& word : words) {
    const bool said = result.error_output.find(word) != std::string::npos ||
                      result.output.find(word) != std::string::npos;
    EXPECT_TRUE(said) << "nothing says: " << word << "\n" << result;
  }
}

}  // namespace throng::e2e

#endif  // THRONG_TESTS_E2E_REFUSAL_H_
