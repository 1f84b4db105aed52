// A file in memory with a path, for what reads files by name.
//
//   const MemoryFile file(bytes);
//   settings.ApplyFile(file.path());
//
// The path is of this process alone and lives as long as the file.
#ifndef THRONG_FUZZ_MEMORY_FILE_H_
#define THRONG_FUZZ_MEMORY_FILE_H_

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace throng::fuzz {

// Thread-compatible. Ends the process when the system has no more files.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : descriptor_(memfd_create("throng", MFD_CLOEXEC)) {
    if (descriptor_ < 0) std::abort();
    while (!bytes.empty()) {
      const ssize_t count = write(descriptor_, bytes.data(), bytes.size());
      if (count <= 0) std::abort();
      bytes.remove_prefix(static_cast<size_t>(count));
    }
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { close(descriptor_); }

  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  const int descriptor_;
};

}  // namespace throng::fuzz

#endif  // THRONG_FUZZ_MEMORY_FILE_H_
