// The calls by which this process changes a disk, counted, and failed when told to: what
// FaultFileSystem is below RocksDB, for code that calls the system itself.
//
//   FailCalls(7, kEveryCall, ENOSPC);   // the 7th change from here on fails, and all later ones
//   ...
//   HealCalls();
//   changing_calls();                   // tried since FailCalls
//
// Link failing_calls.cc into a test's own program: its write(), fsync(), rename() and so on stand
// before the C library's, for the shared libraries too. Counted are: making, writing, syncing,
// linking, renaming and deleting files and directories. Thread-safe.
#ifndef THRONG_TESTS_STORAGE_FAILING_CALLS_H_
#define THRONG_TESTS_STORAGE_FAILING_CALLS_H_

#include <cstdint>
#include <limits>

namespace throng::storage {

inline constexpr uint64_t kEveryCall = std::numeric_limits<uint64_t>::max();

// From the `first`-th change (1 is the next one) on, `count` changes fail with `error`, an errno. A
// write that fails has written half of its bytes.
void FailCalls(uint64_t first, uint64_t count, int error);
// Nothing fails, and nothing is counted.
void HealCalls();
uint64_t changing_calls();

}  // namespace throng::storage

#endif  // THRONG_TESTS_STORAGE_FAILING_CALLS_H_
