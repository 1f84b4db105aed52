// Files of a test: the real data sets, and files it writes itself, packed or not.
//
//   const std::string path = DataFile("adult/adult.csv.gz");
//   if (path.empty()) GTEST_SKIP() << NoDataMessage();
//   WriteFile(directory.File("users.csv"), "user_id,city\n1,Paris\n");
#ifndef THRONG_TESTS_E2E_TEST_FILES_H_
#define THRONG_TESTS_E2E_TEST_FILES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace throng::e2e {

// The path of a real data file, in THRONG_DATA_DIR or else beside the source tree; empty: absent.
std::string DataFile(std::string_view name);
std::string NoDataMessage();

// All of these abort the test's process when the file cannot be read or written.
void WriteFile(const std::string& path, std::string_view content);
void WriteGzip(const std::string& path, std::string_view content);
std::string ReadFile(const std::string& path);
std::string ReadGzip(const std::string& path);

// Without line ends; the last one may lack it.
std::vector<std::string> LinesOf(std::string_view text);
bool FileExists(const std::string& path);
// The names in a directory, sorted.
std::vector<std::string> NamesIn(const std::string& directory);

}  // namespace throng::e2e

#endif  // THRONG_TESTS_E2E_TEST_FILES_H_
