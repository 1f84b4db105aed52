// The one place where RocksDB's errors become ours, and where exceptions stop.
//
//   THRONG_RETURN_IF_ERROR(FromRocks(db->Flush(options), "flush"));
//
// Thread-safe functions.
#ifndef THRONG_STORAGE_ROCKS_STATUS_H_
#define THRONG_STORAGE_ROCKS_STATUS_H_

#include <exception>
#include <new>
#include <string_view>

#include "absl/status/status.h"
#include "rocksdb/status.h"

namespace throng::storage {

// No space: kResourceExhausted "disk full ..."; another I/O error: kUnavailable; damage: kDataLoss
// with the file's name, as RocksDB gives it; else kInternal. `doing` is what failed: "write".
absl::Status FromRocks(const rocksdb::Status& status, std::string_view doing);

// True for errors after which nothing more may be written until the store is opened again.
bool StopsWrites(const absl::Status& status);

// Calls `work`, which returns a Status or StatusOr; an exception becomes one.
template <typename Work>
auto WithoutExceptions(Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory");
  } catch (const std::exception& error) {
    return absl::InternalError(error.what());
  }
}

}  // namespace throng::storage

#endif  // THRONG_STORAGE_ROCKS_STATUS_H_
