// A test with a throngd and a directory of its own.
//
//   class CountTest : public LiveServerTest {};
//   TEST_F(CountTest, Cities) {
//     const std::string schema = Write("s.toml", "id_column = \"u\"\n" + Tag("city", "CATEGORY"));
//     Load(throng(), Write("users.csv", "u,city\n1,Paris\n"), schema);
//     EXPECT_EQ(throng().Count("city = 'Paris'"), 1);
//   }
#ifndef THRONG_TESTS_E2E_LIVE_SERVER_TEST_H_
#define THRONG_TESTS_E2E_LIVE_SERVER_TEST_H_

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/e2e/run_command.h"
#include "tests/e2e/server_process.h"
#include "tests/e2e/test_files.h"
#include "tests/testing/temporary_directory.h"

namespace throng::e2e {

// The lines of a schema for one tag; `more` are further lines.
inline std::string Tag(std::string_view name, std::string_view type, std::string_view more = "") {
  return fmt::format("[[tag]]\nname = \"{}\"\ntype = \"{}\"\n{}\n", name, type, more);
}

// `throng load FILE --schema SCHEMA MORE`: its summary. Fails the test unless it exits 0.
inline Json Load(const Throng& throng, const std::string& file, const std::string& schema,
                 const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {"load", file, "--schema", schema};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return throng.Ask(arguments);
}

// Creates a population and returns a client of it.
inline Throng CreatePopulation(const Throng& throng, const std::string& name) {
  Json created = throng.Ask({"populations", "create", name});
  EXPECT_EQ(created.value("population", ""), name) << created;
  return throng.In(name);
}

// Expects each expression to select so many users.
inline void ExpectCounts(const Throng& throng,
                         const std::vector<std::pair<std::string, int64_t>>& counts) {
  for (const auto& [expression, count] : counts) {
    EXPECT_EQ(throng.Count(expression), count) << expression;
  }
}

// The server stops with the test, whatever becomes of it. Not thread-safe.
class LiveServerTest : public ::testing::Test {
 protected:
  // A crash is a failure whatever the test looked at; the log tells more about any failure.
  void TearDown() override {
    const bool ended = server_.process().Wait(std::chrono::milliseconds(0));
    if (ended) {
      EXPECT_EQ(server_.process().exit_code(), 0) << "throngd crashed";
    }
    if (HasFailure()) fmt::print(stderr, "throngd:\n{}", server_.process().error_output());
  }

  // Writes a file of the test's own directory and returns its path.
  std::string Write(std::string_view name, std::string_view content) const {
    WriteFile(File(name), content);
    return File(name);
  }
  std::string File(std::string_view name) const { return directory_.File(name); }
  ServerProcess& server() { return server_; }
  // A client of the population "default".
  Throng throng() const { return server_.client(); }

 private:
  const testing::TemporaryDirectory directory_;
  ServerProcess server_{directory_.File("data")};
};

}  // namespace throng::e2e

#endif  // THRONG_TESTS_E2E_LIVE_SERVER_TEST_H_
