#include "storage/packed_ints.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <string>

namespace throng::storage {
namespace {

static_assert(std::endian::native == std::endian::little, "words are copied as they are");

// A frame's bits and eight bytes more, so that a whole word can be read at each value.
using FrameBytes = uint8_t[kFrameSize * 8 + 8];

size_t FrameBytesUsed(size_t count, int width) {
  return (count * static_cast<size_t>(width) + 7) / 8;
}

void PackFrame(const uint64_t* distances, size_t count, int width, ByteWriter& out) {
  FrameBytes bytes = {};
  for (size_t i = 0; i < count; ++i) {
    const size_t bit = i * static_cast<size_t>(width);
    const int shift = static_cast<int>(bit & 7);
    uint64_t word;
    std::memcpy(&word, bytes + bit / 8, 8);
    word |= distances[i] << shift;
    std::memcpy(bytes + bit / 8, &word, 8);
    if (shift + width > 64)
      bytes[bit / 8 + 8] |= static_cast<uint8_t>(distances[i] >> (64 - shift));
  }
  out.Raw({reinterpret_cast<const char*>(bytes), FrameBytesUsed(count, width)});
}

// Reads `count` distances from the least value; fails unless one of them is 0, the largest needs
// `width` bits, and the bits left over are 0.
void UnpackFrame(size_t count, int width, ByteReader& in, uint64_t* distances) {
  const size_t size = FrameBytesUsed(count, width);
  const std::string_view source = in.Raw(size);
  if (!in.ok()) return;
  FrameBytes bytes;
  std::memcpy(bytes, source.data(), size);
  std::memset(bytes + size, 0, 8);
  const uint64_t mask = width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1;
  uint64_t any = 0;
  uint64_t least = std::numeric_limits<uint64_t>::max();
  for (size_t i = 0; i < count; ++i) {
    const size_t bit = i * static_cast<size_t>(width);
    const int shift = static_cast<int>(bit & 7);
    uint64_t word;
    std::memcpy(&word, bytes + bit / 8, 8);
    word >>= shift;
    if (shift + width > 64) word |= uint64_t{bytes[bit / 8 + 8]} << (64 - shift);
    distances[i] = word & mask;
    any |= distances[i];
    least = std::min(least, distances[i]);
  }
  const size_t bits_left = size * 8 - count * static_cast<size_t>(width);
  const bool clean = bits_left == 0 || bytes[size - 1] >> (8 - bits_left) == 0;
  if (least != 0 || static_cast<int>(std::bit_width(any)) != width || !clean) in.Fail();
}

// `Value` is int64_t or uint64_t; `write_base` and `read_base` know the form of the least value.
template <typename Value, typename WriteBase>
void Pack(std::span<const Value> values, WriteBase write_base, ByteWriter& out) {
  uint64_t distances[kFrameSize];
  for (size_t first = 0; first < values.size(); first += kFrameSize) {
    const std::span<const Value> frame =
        values.subspan(first, std::min(kFrameSize, values.size() - first));
    const Value base = *std::min_element(frame.begin(), frame.end());
    uint64_t any = 0;
    for (size_t i = 0; i < frame.size(); ++i) {
      distances[i] = static_cast<uint64_t>(frame[i]) - static_cast<uint64_t>(base);
      any |= distances[i];
    }
    const auto width = static_cast<int>(std::bit_width(any));
    write_base(base);
    out.U8(static_cast<uint8_t>(width));
    PackFrame(distances, frame.size(), width, out);
  }
}

template <typename Value, typename ReadBase>
std::vector<Value> Unpack(size_t count, ReadBase read_base, ByteReader& in) {
  // A frame takes two bytes or more.
  if (count / kFrameSize > in.remaining() / 2) in.Fail();
  if (!in.ok()) return {};
  std::vector<Value> values;
  values.reserve(count);
  uint64_t distances[kFrameSize];
  while (values.size() < count) {
    const size_t size = std::min(kFrameSize, count - values.size());
    const Value base = read_base();
    const int width = in.U8();
    if (width > 64) in.Fail();
    if (in.ok()) UnpackFrame(size, width, in, distances);
    if (!in.ok()) return {};
    const auto room =
        static_cast<uint64_t>(std::numeric_limits<Value>::max()) - static_cast<uint64_t>(base);
    for (size_t i = 0; i < size; ++i) {
      if (distances[i] > room) in.Fail();
      values.push_back(static_cast<Value>(static_cast<uint64_t>(base) + distances[i]));
    }
    if (!in.ok()) return {};
  }
  return values;
}

}  // namespace

void PackUnsigned(std::span<const uint64_t> values, ByteWriter& out) {
  Pack(
      values, [&](uint64_t base) { out.Varint(base); }, out);
}

void PackSigned(std::span<const int64_t> values, ByteWriter& out) {
  Pack(
      values, [&](int64_t base) { out.ZigZag(base); }, out);
}

void PackAscending(std::span<const uint32_t> values, ByteWriter& out) {
  if (values.empty()) return;
  out.Varint(values[0]);
  std::vector<uint64_t> gaps;
  gaps.reserve(values.size());
  for (size_t i = 1; i < values.size(); ++i) gaps.push_back(values[i] - values[i - 1] - 1);
  PackUnsigned(gaps, out);
}

std::vector<uint64_t> UnpackUnsigned(size_t count, ByteReader& in) {
  return Unpack<uint64_t>(
      count, [&] { return in.Varint(); }, in);
}

std::vector<int64_t> UnpackSigned(size_t count, ByteReader& in) {
  return Unpack<int64_t>(
      count, [&] { return in.ZigZag(); }, in);
}

std::vector<uint32_t> UnpackAscending(size_t count, uint64_t end, ByteReader& in) {
  if (count == 0) return {};
  uint64_t value = in.Varint();
  const std::vector<uint64_t> gaps = UnpackUnsigned(count - 1, in);
  if (value >= end || gaps.size() + 1 != count) in.Fail();
  if (!in.ok()) return {};
  std::vector<uint32_t> values;
  values.reserve(count);
  values.push_back(static_cast<uint32_t>(value));
  for (const uint64_t gap : gaps) {
    if (gap >= end - value - 1) {
      in.Fail();
      return {};
    }
    value += gap + 1;
    values.push_back(static_cast<uint32_t>(value));
  }
  return values;
}

}  // namespace throng::storage
