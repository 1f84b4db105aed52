// A directory of its own for a test, which goes with the object.
//
//   TemporaryDirectory directory;
//   engine::Engine::Open({.directory = directory.path()});
#ifndef THRONG_TESTS_TESTING_TEMPORARY_DIRECTORY_H_
#define THRONG_TESTS_TESTING_TEMPORARY_DIRECTORY_H_

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

namespace throng::testing {

// Thread-compatible.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "throng_XXXXXX").string();
    const char* made = mkdtemp(pattern.data());
    if (made == nullptr) std::abort();
    path_ = made;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }
  // The path of `name` in it.
  std::string File(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

}  // namespace throng::testing

#endif  // THRONG_TESTS_TESTING_TEMPORARY_DIRECTORY_H_
