// Looks through a data directory that no server uses and says all that is wrong with it. Changes
// nothing.
//
//   absl::StatusOr<VerifyReport> report = Verify({.directory = "/var/lib/throng"}, parallel);
//   for (const ReportedFinding& found : report->findings) ...   // empty: it is sound
//
// What is looked at: the checksums of RocksDB's own files and of every value of ours; everything
// that loading checks; and what the loaded parts say of each other (storage/snapshot_check.h). It
// goes on behind what is damaged, as far as that can be left out.
#ifndef THRONG_STORAGE_VERIFY_H_
#define THRONG_STORAGE_VERIFY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "index/parallel.h"
#include "storage/store.h"

namespace throng::storage {

struct VerifyOptions {
  std::string directory;
  uint32_t findings_max = 1'000;  // those behind are only counted
};

// A value; thread-compatible.
struct ReportedFinding {
  std::string where;       // the file, key or range; may be empty
  std::string what;        // what is wrong
  std::string population;  // its name; empty: none in particular
  std::string tag;         // its name: to load it anew mends this; empty: no single tag
};

// A value; thread-compatible.
struct VerifyReport {
  std::vector<ReportedFinding> findings;
  uint64_t findings_total = 0;
  // What was looked at.
  uint64_t table_files = 0;
  uint64_t values = 0;
  uint64_t value_bytes = 0;
  uint64_t log_records = 0;
  uint32_t populations = 0;
  // Populations whose parts were not compared with each other, because parts are missing.
  std::vector<std::string> not_compared;
};

// Errors: kNotFound when there is no such directory, kFailedPrecondition when a process uses it or
// a newer version wrote it, kUnavailable when it cannot be read; damage is no error. Thread-safe.
absl::StatusOr<VerifyReport> Verify(const VerifyOptions& options, index::Parallel& parallel);

}  // namespace throng::storage

#endif  // THRONG_STORAGE_VERIFY_H_
