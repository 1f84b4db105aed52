// Puts another file system between the store and the disk, for tests.
//
//   FileSystemHook hook{.file_system = std::make_shared<FaultFileSystem>()};
//   Store::Open({.directory = directory, .file_system = &hook});
//
// The hook must outlive the store. Thread-compatible.
#ifndef THRONG_STORAGE_FILE_SYSTEM_HOOK_H_
#define THRONG_STORAGE_FILE_SYSTEM_HOOK_H_

#include <memory>

#include "rocksdb/file_system.h"

namespace throng::storage {

struct FileSystemHook {
  std::shared_ptr<rocksdb::FileSystem> file_system;
};

}  // namespace throng::storage

#endif  // THRONG_STORAGE_FILE_SYSTEM_HOOK_H_
