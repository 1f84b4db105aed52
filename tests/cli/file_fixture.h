// Files for the tests of the CLI: temporary ones, and the real data where it is at hand.
//
//   TemporaryDirectory directory;
//   const std::string path = directory.Write("users.csv", "id,city\n1,Beijing\n");
#ifndef THRONG_TESTS_CLI_FILE_FIXTURE_H_
#define THRONG_TESTS_CLI_FILE_FIXTURE_H_

#include <zlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace throng::cli {

// A directory of its own that goes with the object. Thread-compatible.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = testing::TempDir() + "throng_cli_XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string Path(std::string_view name) const { return (path_ / name).string(); }
  std::string Write(std::string_view name, std::string_view content) const {
    std::ofstream file(Path(name), std::ios::binary);
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
    return Path(name);
  }

 private:
  std::filesystem::path path_;
};

inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// `content` as a gzip file.
inline std::string Gzip(std::string_view content) {
  z_stream stream = {};
  deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, content.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(packed.size() - stream.avail_out);
  deflateEnd(&stream);
  return packed;
}

// The path of a real data file; empty when the data is not at hand. THRONG_DATA_DIR says where it
// is; without it, beside the source tree.
inline std::string DataFile(std::string_view name) {
  const char* directory = std::getenv("THRONG_DATA_DIR");
  const std::filesystem::path base =
      directory != nullptr ? std::filesystem::path(directory)
                           : std::filesystem::path(THRONG_SOURCE_DIR) / ".." / "shared" / "data";
  const std::filesystem::path path = base / name;
  return std::filesystem::exists(path) ? path.string() : "";
}

}  // namespace throng::cli

#endif  // THRONG_TESTS_CLI_FILE_FIXTURE_H_
