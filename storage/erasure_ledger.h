// The ledger of erasures: who was to be forgotten, as keyed hashes, so that data restored from a
// backup of before can forget them again.
//
//   absl::StatusOr<std::unique_ptr<ErasureLedger>> ledger = ErasureLedger::Open(options);
//   absl::StatusOr<uint64_t> end = (*ledger)->Append("default", {"u17"}, time_us, followed);
//   ... commit the erasure with CommitRecord::ledger_end = *end ...
//   ErasedIds missing = (*ledger)->Missing("default", snapshot.identity().ledger_end);
//   if (missing.Contains("u17")) ...   // erase again
//
// The file ERASED in the data directory, mode 0600, is text: a line with its version, one with a
// random key, then a line an entry, numbered. An id stands there as the HMAC-SHA256 of population
// and primary id. Data knows up to which entry it has followed the ledger: an entry behind that is
// an erasure that this data has not seen. Lines are only ever added (FORMAT.md).
#ifndef THRONG_STORAGE_ERASURE_LEDGER_H_
#define THRONG_STORAGE_ERASURE_LEDGER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/mutex.h"
#include "storage/store.h"

namespace throng::storage {

inline constexpr std::string_view kErasureLedgerFile = "ERASED";

using IdDigest = std::array<uint8_t, 32>;  // HMAC-SHA256

// Ids of one population, known by their digests. Thread-safe: immutable.
class ErasedIds {
 public:
  ErasedIds(std::string population, std::string key, std::set<IdDigest> digests, uint64_t end)
      : population_(std::move(population)),
        key_(std::move(key)),
        digests_(std::move(digests)),
        end_(end) {}

  bool empty() const { return digests_.empty(); }
  bool Contains(std::string_view id) const;
  uint64_t end() const { return end_; }  // of the ledger they were taken from

 private:
  std::string population_;
  std::string key_;
  std::set<IdDigest> digests_;
  uint64_t end_;
};

// Thread-safe.
class ErasureLedger {
 public:
  // Reads the ledger of the data directory, which the caller holds open; there may be none yet. A
  // last line that was cut short is dropped: nobody was told of it. Errors: kDataLoss naming the
  // line, kFailedPrecondition when a newer version wrote it, as Store::Open else.
  static absl::StatusOr<std::unique_ptr<ErasureLedger>> Open(const StoreOptions& options);
  virtual ~ErasureLedger() = default;

  // Adds an entry for each id; on disk when OK. Their numbers are above `followed`, what the data
  // has followed. Returns the number of the last. Errors: kResourceExhausted, kUnavailable: nothing
  // was promised, but entries may be there.
  virtual absl::StatusOr<uint64_t> Append(std::string_view population,
                                          const std::vector<std::string>& ids, int64_t time_us,
                                          uint64_t followed) = 0;
  // The `count` entries up to `last` were not followed by a commit: takes them back.
  virtual absl::Status Void(uint64_t last, uint64_t count) = 0;

  // The ids of a population's entries behind `followed`.
  virtual ErasedIds Missing(std::string_view population, uint64_t followed) const = 0;
};

// Copies the ledger `from` into a data directory that was just restored, in place of the one that
// came with the backup: its start then follows it. Errors: kDataLoss when the file is damaged,
// kFailedPrecondition when it does not go on from the one there, kNotFound, kUnavailable,
// kResourceExhausted; the directory is as before then. Thread-safe.
absl::Status InstallErasureLedger(const std::string& from, const std::string& directory);

// HMAC-SHA256 of the population, a zero byte and the id. Thread-safe.
IdDigest DigestOf(std::string_view key, std::string_view population, std::string_view id);

}  // namespace throng::storage

#endif  // THRONG_STORAGE_ERASURE_LEDGER_H_
