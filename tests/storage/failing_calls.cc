#include "tests/storage/failing_calls.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>

namespace throng::storage {
namespace {

std::atomic<bool> is_counting = false;
std::atomic<uint64_t> calls = 0;
std::atomic<uint64_t> first_failing = 0;
std::atomic<uint64_t> failing_count = 0;
std::atomic<int> failure = 0;

// Counts a change; true, with errno set, if it is to fail.
bool Fails() {
  if (!is_counting) return false;
  const uint64_t call = ++calls;
  if (call < first_failing || call - first_failing >= failing_count) return false;
  errno = failure;
  return true;
}

int OpenAt(int directory, const char* path, int flags, mode_t mode) {
  if ((flags & O_CREAT) != 0 && Fails()) return -1;
  return static_cast<int>(syscall(SYS_openat, directory, path, flags, mode));
}

// The mode that open() has only where it may make a file.
mode_t ModeOf(int flags, va_list arguments) {
  const bool makes = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  return makes ? va_arg(arguments, mode_t) : 0;
}

}  // namespace

void FailCalls(uint64_t first, uint64_t count, int error) {
  calls = 0;
  first_failing = first;
  failing_count = count;
  failure = error;
  is_counting = true;
}

void HealCalls() { is_counting = false; }

uint64_t changing_calls() { return calls; }

}  // namespace throng::storage

using throng::storage::Fails;
using throng::storage::ModeOf;
using throng::storage::OpenAt;

// The C library's names; each does what its name says by the system's own call.
extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeOf(flags, arguments);
  va_end(arguments);
  return OpenAt(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeOf(flags, arguments);
  va_end(arguments);
  return OpenAt(AT_FDCWD, path, flags, mode);
}

ssize_t write(int file, const void* data, size_t bytes) {
  if (file <= STDERR_FILENO) return syscall(SYS_write, file, data, bytes);
  if (!Fails()) return syscall(SYS_write, file, data, bytes);
  const int error = errno;
  syscall(SYS_write, file, data, bytes / 2);
  errno = error;
  return -1;
}
ssize_t pwrite64(int file, const void* data, size_t bytes, off64_t offset) {
  return Fails() ? -1 : syscall(SYS_pwrite64, file, data, bytes, offset);
}
ssize_t pwrite(int file, const void* data, size_t bytes, off_t offset) {
  return pwrite64(file, data, bytes, offset);
}

// The power stays on here: a sync that does not fail need not wait for the disk.
int fsync(int) { return Fails() ? -1 : 0; }
int fdatasync(int) { return Fails() ? -1 : 0; }

int mkdir(const char* path, mode_t mode) noexcept {
  return Fails() ? -1 : static_cast<int>(syscall(SYS_mkdirat, AT_FDCWD, path, mode));
}
int link(const char* from, const char* to) noexcept {
  return Fails() ? -1 : static_cast<int>(syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0));
}
int rename(const char* from, const char* to) noexcept {
  return Fails() ? -1 : static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}
int unlink(const char* path) noexcept {
  return Fails() ? -1 : static_cast<int>(syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}
int rmdir(const char* path) noexcept {
  return Fails() ? -1 : static_cast<int>(syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR));
}
int unlinkat(int directory, const char* path, int flags) noexcept {
  return Fails() ? -1 : static_cast<int>(syscall(SYS_unlinkat, directory, path, flags));
}

}  // extern "C"
