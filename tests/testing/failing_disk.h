// A disk that fails when told to, for tests above the storage, which see no RocksDB.
//
//   FailingDisk disk;
//   engine::Engine::Open({.directory = directory, .file_system = disk.hook()});
//   disk.Fail(FailingDisk::Error::kFull);   // every change fails from now on
//   disk.Heal();
#ifndef THRONG_TESTS_TESTING_FAILING_DISK_H_
#define THRONG_TESTS_TESTING_FAILING_DISK_H_

#include <cstdint>
#include <memory>

#include "storage/store.h"

namespace throng::testing {

// Thread-safe. Must outlive what uses its hook.
class FailingDisk {
 public:
  enum class Error { kFull, kBroken };

  FailingDisk();
  ~FailingDisk();

  storage::FileSystemHook* hook();
  // From the `first`-th change on (1 is the next one), `count` fail; 0: all.
  void Fail(Error error, uint64_t first = 1, uint64_t count = 0);
  void Heal();
  // Changes tried since Fail or Heal.
  uint64_t changes() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace throng::testing

#endif  // THRONG_TESTS_TESTING_FAILING_DISK_H_
