#include "tests/testing/failing_disk.h"

#include "storage/file_system_hook.h"
#include "tests/testing/fault_file_system.h"

namespace throng::testing {

struct FailingDisk::Parts {
  std::shared_ptr<FaultFileSystem> files = std::make_shared<FaultFileSystem>();
  storage::FileSystemHook hook{.file_system = files};
};

FailingDisk::FailingDisk() : parts_(std::make_unique<Parts>()) {}
FailingDisk::~FailingDisk() = default;

storage::FileSystemHook* FailingDisk::hook() { return &parts_->hook; }

void FailingDisk::Fail(Error error, uint64_t first, uint64_t count) {
  parts_->files->FailFrom(
      first, count == 0 ? FaultFileSystem::kForever : count,
      error == Error::kFull ? rocksdb::IOStatus::NoSpace() : rocksdb::IOStatus::IOError("broken"));
}

void FailingDisk::Heal() { parts_->files->Heal(); }
uint64_t FailingDisk::changes() const { return parts_->files->changes(); }

}  // namespace throng::testing
