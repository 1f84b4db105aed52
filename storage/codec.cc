#include "storage/codec.h"

namespace throng::storage {

void ByteWriter::Fixed64(uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) U8(static_cast<uint8_t>(value >> shift));
}

void ByteWriter::Varint(uint64_t value) {
  while (value >= 0x80) {
    U8(static_cast<uint8_t>(value | 0x80));
    value >>= 7;
  }
  U8(static_cast<uint8_t>(value));
}

void ByteWriter::ZigZag(int64_t value) {
  Varint((static_cast<uint64_t>(value) << 1) ^ (value < 0 ? ~uint64_t{0} : 0));
}

void ByteWriter::Text(std::string_view text) {
  Varint(text.size());
  Raw(text);
}

void ByteWriter::Bits(const std::vector<bool>& bits) {
  uint8_t byte = 0;
  for (size_t i = 0; i < bits.size(); ++i) {
    if (bits[i]) byte |= static_cast<uint8_t>(1u << (i & 7));
    if ((i & 7) == 7 || i + 1 == bits.size()) {
      U8(byte);
      byte = 0;
    }
  }
}

void ByteReader::Fail() {
  ok_ = false;
  rest_ = {};
}

uint8_t ByteReader::U8() {
  if (rest_.empty()) {
    Fail();
    return 0;
  }
  const auto byte = static_cast<uint8_t>(rest_.front());
  rest_.remove_prefix(1);
  return byte;
}

uint64_t ByteReader::Fixed64() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 8) value |= uint64_t{U8()} << shift;
  return ok_ ? value : 0;
}

uint64_t ByteReader::Varint(uint64_t most) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const uint8_t byte = U8();
    if (shift == 63 && byte > 1) break;  // beyond 64 bits
    value |= uint64_t{byte & 0x7fu} << shift;
    if ((byte & 0x80) != 0) continue;
    if (!ok_ || (byte == 0 && shift > 0) || value > most) break;  // not the shortest form
    return value;
  }
  Fail();
  return 0;
}

size_t ByteReader::Count(size_t bytes_each) {
  const uint64_t count = Varint();
  if (count <= rest_.size() / bytes_each) return count;
  Fail();
  return 0;
}

int64_t ByteReader::ZigZag() {
  const uint64_t value = Varint();
  return static_cast<int64_t>((value >> 1) ^ ((value & 1) != 0 ? ~uint64_t{0} : 0));
}

std::string_view ByteReader::Raw(size_t size) {
  if (size > rest_.size()) {
    Fail();
    return {};
  }
  const std::string_view bytes = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return bytes;
}

std::string_view ByteReader::Text(size_t size_max) { return Raw(Varint(size_max)); }

std::vector<bool> ByteReader::Bits(size_t count) {
  const std::string_view bytes = Raw(count / 8 + (count % 8 != 0 ? 1 : 0));
  if (!ok_) return {};
  std::vector<bool> bits(count);
  for (size_t i = 0; i < count; ++i) {
    bits[i] = ((static_cast<uint8_t>(bytes[i >> 3]) >> (i & 7)) & 1) != 0;
  }
  if (count % 8 != 0 && static_cast<uint8_t>(bytes.back()) >> (count % 8) != 0) Fail();
  return bits;
}

}  // namespace throng::storage
