// Feeds arbitrary bytes to the decoder of log records. It must not crash, read outside or take
// memory that the input does not justify; and a record that it accepts must encode to bytes that
// decode to the same record.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "storage/block_codec.h"
#include "storage/catalogue_codec.h"
#include "storage/record_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace throng::storage;  // NOLINT: the subject of this file
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  uint32_t cells = 0;
  static_cast<void>(DecodeTag(bytes));
  static_cast<void>(DecodeValues(bytes));
  static_cast<void>(DecodeShardHeader(bytes));
  static_cast<void>(DecodeColumn(bytes, &cells));
  const absl::StatusOr<LoggedRecord> logged = DecodeRecord(bytes);
  if (!logged.ok()) return 0;
  const std::string encoded = EncodeRecord(*logged);
  const absl::StatusOr<LoggedRecord> again = DecodeRecord(encoded);
  if (!again.ok() || EncodeRecord(*again) != encoded) std::abort();
  return 0;
}
