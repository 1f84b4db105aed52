#include "tests/e2e/test_files.h"

#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "fmt/format.h"

namespace throng::e2e {
namespace {

[[noreturn]] void Die(std::string_view what, const std::string& path) {
  fmt::print(stderr, "cannot {} {}\n", what, path);
  std::abort();
}

std::string DataDirectory() {
  const char* directory = std::getenv("THRONG_DATA_DIR");
  return directory == nullptr ? THRONG_DATA_DIRECTORY : directory;
}

}  // namespace

std::string DataFile(std::string_view name) {
  std::string path = fmt::format("{}/{}", DataDirectory(), name);
  return FileExists(path) ? path : "";
}

std::string NoDataMessage() {
  return fmt::format("the real data sets are not in {}; THRONG_DATA_DIR says where they are",
                     DataDirectory());
}

void WriteFile(const std::string& path, std::string_view content) {
  std::ofstream file(path, std::ios::binary);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.close();
  if (!file) Die("write", path);
}

void WriteGzip(const std::string& path, std::string_view content) {
  const gzFile file = gzopen(path.c_str(), "wb");
  if (file == nullptr) Die("write", path);
  const int written = gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
  if (gzclose(file) != Z_OK || written != static_cast<int>(content.size())) Die("write", path);
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  if (file.peek() != std::ifstream::traits_type::eof()) content << file.rdbuf();
  if (!file.is_open()) Die("read", path);
  return content.str();
}

std::string ReadGzip(const std::string& path) {
  const gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) Die("read", path);
  std::string content;
  std::vector<char> buffer(1 << 16);
  int count = 0;
  while ((count = gzread(file, buffer.data(), static_cast<unsigned>(buffer.size()))) > 0) {
    content.append(buffer.data(), static_cast<size_t>(count));
  }
  if (gzclose(file) != Z_OK || count < 0) Die("read", path);
  return content;
}

std::vector<std::string> LinesOf(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

bool FileExists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

std::vector<std::string> NamesIn(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace throng::e2e
