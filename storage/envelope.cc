#include "storage/envelope.h"

#include "fmt/format.h"
#include "index/error.h"
#include "storage/codec.h"

#define XXH_INLINE_ALL
#include "xxhash.h"

namespace throng::storage {

uint64_t Checksum(std::string_view key, uint64_t salt, std::string_view payload) {
  const uint64_t seed = XXH3_64bits_withSeed(key.data(), key.size(), salt);
  return XXH3_64bits_withSeed(payload.data(), payload.size(), seed);
}

namespace {

uint64_t EnvelopeChecksum(uint8_t kind, uint8_t format, std::string_view key,
                          std::string_view payload) {
  return Checksum(key, uint64_t{kind} << 8 | format, payload);
}

}  // namespace

std::string Seal(Kind kind, std::string_view key, std::string_view payload, uint8_t format) {
  ByteWriter out;
  out.U8(static_cast<uint8_t>(kind));
  out.U8(format);
  out.Fixed64(EnvelopeChecksum(static_cast<uint8_t>(kind), format, key, payload));
  out.Raw(payload);
  return out.Take();
}

absl::StatusOr<std::string_view> Unseal(Kind kind, Family family, std::string_view key,
                                        std::string_view value) {
  ByteReader in(value);
  const uint8_t found_kind = in.U8();
  const uint8_t format = in.U8();
  const uint64_t checksum = in.Fixed64();
  if (!in.ok()) return DamagedAt(family, key, fmt::format("it has only {} bytes", value.size()));
  const std::string_view payload = in.Raw(in.remaining());
  if (checksum != EnvelopeChecksum(found_kind, format, key, payload)) {
    return DamagedAt(family, key, "the checksum does not match");
  }
  if (found_kind != static_cast<uint8_t>(kind)) {
    return DamagedAt(family, key,
                     fmt::format("a value of kind {} where kind {} belongs", found_kind,
                                 static_cast<uint8_t>(kind)));
  }
  if (format > PayloadFormatMax(kind)) {
    return absl::FailedPreconditionError(
        fmt::format("{} is of format {}, this version reads formats up to {}",
                    DescribeKey(family, key), format, PayloadFormatMax(kind)));
  }
  return payload;
}

absl::Status DamagedAt(Family family, std::string_view key, std::string_view why) {
  const std::string where = DescribeKey(family, key);
  return index::MakeError(absl::StatusCode::kDataLoss,
                          fmt::format("damaged data at {}: {}", where, why),
                          {.reason = "DAMAGED_DATA", .field = where});
}

}  // namespace throng::storage
