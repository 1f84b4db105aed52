// Feeds any text to the readers of the text files that stand beside the database: the high-water
// mark, the manifest of a backup, the ledger of erasures, and the record and manifest of a package.
// The first byte says which. What is read must read the same when it is written again, but for the
// ledger, which must only be read or refused. High-water marks, backups and ledgers come with the
// right checksum too, so that what stands behind it is read.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "fuzz/require.h"
#include "server/engine/package_record.h"
#include "storage/backup.h"
#include "storage/digest.h"
#include "storage/envelope.h"
#include "storage/erasure_ledger.h"
#include "storage/high_water.h"
#include "storage/store.h"
#include "tests/testing/temporary_directory.h"

namespace {

using throng::fuzz::Require;

std::string HexOf(uint64_t number) {
  char digits[17];
  std::snprintf(digits, sizeof(digits), "%016llx", static_cast<unsigned long long>(number));
  return digits;
}

std::string SealedHighWater(std::string_view text) {
  const uint64_t sum = throng::storage::Checksum(throng::storage::kHighWaterFile, 0, text);
  return std::string(text) + "checksum " + HexOf(sum) + '\n';
}

std::string SealedBackup(std::string_view text) {
  throng::storage::Digest digest;
  digest.Add(text);
  return std::string(text) + "checksum " + digest.Hex() + '\n';
}

void CheckHighWater(std::string_view text) {
  const auto mark = throng::storage::DecodeHighWater(text);
  if (!mark.ok()) return;
  const auto again = throng::storage::DecodeHighWater(throng::storage::EncodeHighWater(*mark));
  Require(again.ok() && *again == *mark, "a high-water mark of one way", text);
}

void CheckBackup(std::string_view text) {
  const auto manifest = throng::storage::DecodeManifest(text);
  if (!manifest.ok()) return;
  const std::string written = throng::storage::EncodeManifest(*manifest);
  const auto again = throng::storage::DecodeManifest(written);
  Require(again.ok() && throng::storage::EncodeManifest(*again) == written,
          "a backup's manifest of one way", text);
}

void CheckPackage(std::string_view text) {
  if (const auto record = throng::engine::DecodeRecord(text); record.ok()) {
    const std::string written = throng::engine::EncodeRecord(*record);
    const auto again = throng::engine::DecodeRecord(written);
    Require(again.ok() && throng::engine::EncodeRecord(*again) == written, "a record of one way",
            text);
  }
  const auto manifest = throng::engine::DecodeManifest(text);
  if (!manifest.ok()) return;
  const std::string written = throng::engine::EncodeManifest(*manifest);
  const auto again = throng::engine::DecodeManifest(written);
  Require(again.ok() && throng::engine::EncodeManifest(*again) == written,
          "a package's manifest of one way", text);
}

// Checksums are put behind the lines, so that what stands in them is read.
void CheckLedger(std::string_view text, bool is_sealed) {
  static const auto* directory = new throng::testing::TemporaryDirectory();
  {
    std::ofstream file(directory->File(throng::storage::kErasureLedgerFile), std::ios::trunc);
    while (!text.empty()) {
      const std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(text.size(), line.size() + 1));
      file << line;
      if (is_sealed) {
        file << ' '
             << HexOf(throng::storage::Checksum(throng::storage::kErasureLedgerFile, 0, line));
      }
      if (is_sealed || !text.empty()) file << '\n';
    }
  }
  const auto ledger = throng::storage::ErasureLedger::Open({.directory = directory->path()});
  if (!ledger.ok()) return;
  const throng::storage::ErasedIds missing = (*ledger)->Missing("default", 0);
  static_cast<void>(missing.Contains("u17"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 7) {
    case 0:
      CheckHighWater(text);
      break;
    case 1:
      CheckHighWater(SealedHighWater(text));
      break;
    case 2:
      CheckBackup(text);
      break;
    case 3:
      CheckBackup(SealedBackup(text));
      break;
    case 4:
      CheckPackage(text);
      break;
    case 5:
      CheckLedger(text, false);
      break;
    case 6:
      CheckLedger(text, true);
      break;
  }
  return 0;
}
