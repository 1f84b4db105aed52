#include "index/column_block.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "index/chunk_ops.h"
#include "index/memory_use.h"
#include "index/word_kernels.h"

namespace throng::index {
namespace {

template <typename Code>
Code LoadCode(const uint8_t* data, uint32_t offset) {
  Code code;
  std::memcpy(&code, data + offset * sizeof(Code), sizeof(Code));
  return code;
}

// The largest distance from the base that codes of a width can say: 0 says "none".
uint64_t DistanceMax(int width) {
  return width == 8 ? std::numeric_limits<uint64_t>::max() - 1 : (uint64_t{1} << (8 * width)) - 2;
}

template <typename Code>
void EncodeCodes(const ColumnChunk& chunk, int64_t base, uint8_t* data,
                 ColumnExceptions* exceptions) {
  const uint64_t distance_max = DistanceMax(sizeof(Code));
  for (uint32_t i = 0; i < kChunkSize; ++i) {
    const uint64_t distance = static_cast<uint64_t>(chunk.values[i]) - static_cast<uint64_t>(base);
    auto code = chunk.Has(i) ? static_cast<Code>(distance + 1) : Code{0};
    if (chunk.Has(i) && distance > distance_max) {
      exceptions->Add(i, chunk.values[i]);
      code = 0;
    }
    std::memcpy(data + i * sizeof(Code), &code, sizeof(Code));
  }
}

template <typename Code>
void DecodeCodes(const uint8_t* data, int64_t base, ColumnChunk* chunk) {
  for (uint32_t w = 0; w < kWordsPerChunk; ++w) {
    uint64_t present = 0;
    for (uint32_t i = 0; i < 64; ++i) {
      const Code code = LoadCode<Code>(data, w * 64 + i);
      present |= uint64_t{code != 0} << i;
      chunk->values[w * 64 + i] =
          static_cast<int64_t>(static_cast<uint64_t>(base) + uint64_t{code} - 1);
    }
    chunk->present[w] = present;
  }
}

int WidthOf(uint64_t span) {
  if (span < std::numeric_limits<uint8_t>::max()) return 1;
  if (span < std::numeric_limits<uint16_t>::max()) return 2;
  if (span < std::numeric_limits<uint32_t>::max()) return 4;
  return 8;
}

// The width that takes least, a few values being kept beside it.
int WidthOf(const ColumnChunk& chunk, int64_t base, uint64_t span) {
  const int width = WidthOf(span);
  for (int narrow : {2, 4}) {
    if (narrow >= width) break;
    const uint64_t distance_max = DistanceMax(narrow);
    size_t beyond = 0;
    for (uint32_t i = 0; i < kChunkSize; ++i) {
      const uint64_t distance =
          static_cast<uint64_t>(chunk.values[i]) - static_cast<uint64_t>(base);
      beyond += chunk.Has(i) && distance > distance_max ? 1 : 0;
    }
    if (beyond <= kColumnExceptionsMax) return narrow;
  }
  return width;
}

}  // namespace

ColumnBlockRef EncodeColumn(const ColumnChunk& chunk) {
  int64_t low = std::numeric_limits<int64_t>::max();
  int64_t high = std::numeric_limits<int64_t>::min();
  for (uint32_t i = 0; i < kChunkSize; ++i) {
    if (!chunk.Has(i)) continue;
    low = std::min(low, chunk.values[i]);
    high = std::max(high, chunk.values[i]);
  }
  if (low > high) return nullptr;
  auto block = std::make_shared<ColumnBlock>();
  block->base_ = low;
  block->span_ = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  const bool whole = block->span_ == std::numeric_limits<uint64_t>::max();
  block->width_ = whole ? 8 : WidthOf(chunk, low, block->span_);
  block->data_.resize(size_t{kChunkSize} * static_cast<size_t>(block->width_));
  uint8_t* data = block->data_.data();
  if (whole) {  // no code is left for "none"
    block->present_.assign(chunk.present, chunk.present + kWordsPerChunk);
    std::memcpy(data, chunk.values, sizeof(chunk.values));
    return block;
  }
  switch (block->width_) {
    case 1:
      EncodeCodes<uint8_t>(chunk, low, data, &block->exceptions_);
      break;
    case 2:
      EncodeCodes<uint16_t>(chunk, low, data, &block->exceptions_);
      break;
    case 4:
      EncodeCodes<uint32_t>(chunk, low, data, &block->exceptions_);
      break;
    default:
      EncodeCodes<uint64_t>(chunk, low, data, &block->exceptions_);
      break;
  }
  return block;
}

size_t ColumnBlock::heap_bytes() const {
  size_t bytes = SharedBytes<ColumnBlock>() + HeapBytes(data_.capacity());
  if (!present_.empty()) bytes += HeapBytes(present_.capacity() * sizeof(uint64_t));
  if (!exceptions_.empty()) {
    bytes += HeapBytes(exceptions_.offsets.capacity() * sizeof(uint16_t)) +
             HeapBytes(exceptions_.values.capacity() * sizeof(int64_t));
  }
  return bytes;
}

std::optional<int64_t> ColumnBlock::Get(uint32_t offset) const {
  if (!present_.empty()) {
    if (!((present_[offset >> 6] >> (offset & 63)) & 1)) return std::nullopt;
    return LoadCode<int64_t>(data_.data(), offset);
  }
  uint64_t code = 0;
  switch (width_) {
    case 1:
      code = data_[offset];
      break;
    case 2:
      code = LoadCode<uint16_t>(data_.data(), offset);
      break;
    case 4:
      code = LoadCode<uint32_t>(data_.data(), offset);
      break;
    default:
      code = LoadCode<uint64_t>(data_.data(), offset);
      break;
  }
  if (code != 0) return static_cast<int64_t>(static_cast<uint64_t>(base_) + code - 1);
  if (exceptions_.empty()) return std::nullopt;
  const std::vector<uint16_t>& offsets = exceptions_.offsets;
  const auto at = std::lower_bound(offsets.begin(), offsets.end(), offset);
  if (at == offsets.end() || *at != offset) return std::nullopt;
  return exceptions_.values[static_cast<size_t>(at - offsets.begin())];
}

ChunkSet ColumnBlock::Scan(int64_t low, int64_t high, ChunkScratch& out) const {
  const auto base = static_cast<uint64_t>(base_);
  const auto largest = static_cast<int64_t>(base + span_);
  low = std::max(low, base_);
  high = std::min(high, largest);
  if (low > high) return ChunkSet::Empty();
  const uint64_t first = static_cast<uint64_t>(low) - base;  // distances from the base
  const uint64_t span = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  uint64_t* words = out.bits.words;
  const uint8_t* data = data_.data();
  if (!present_.empty()) {
    Kernels().scan8(data, static_cast<uint64_t>(low), span, words);
    IntersectInto(ViewOf(present_.data()), words);
    return ViewOf(words);
  }
  const uint64_t distance_max = DistanceMax(width_);
  if (first > distance_max) {
    std::memset(words, 0, sizeof(ChunkWords));
    return AddExceptions(low, high, words, 0);
  }
  const uint64_t packed = std::min(span, distance_max - first);
  uint32_t count = 0;
  switch (width_) {
    case 1:
      count = Kernels().scan1(data, static_cast<uint8_t>(first + 1), static_cast<uint8_t>(packed),
                              words);
      break;
    case 2:
      count = Kernels().scan2(data, static_cast<uint16_t>(first + 1), static_cast<uint16_t>(packed),
                              words);
      break;
    case 4:
      count = Kernels().scan4(data, static_cast<uint32_t>(first + 1), static_cast<uint32_t>(packed),
                              words);
      break;
    default:
      count = Kernels().scan8(data, first + 1, packed, words);
      break;
  }
  return AddExceptions(low, high, words, count);
}

// The set of `words`, `count` by now, with the exceptions that are in the range.
ChunkSet ColumnBlock::AddExceptions(int64_t low, int64_t high, uint64_t* words,
                                    uint32_t count) const {
  for (size_t i = 0; i < exceptions_.size(); ++i) {
    if (exceptions_.values[i] < low || exceptions_.values[i] > high) continue;
    const uint32_t offset = exceptions_.offsets[i];
    words[offset >> 6] |= uint64_t{1} << (offset & 63);
    ++count;
  }
  return ChunkSet::Bitset(words, count);
}

void ColumnBlock::Decode(ColumnChunk* chunk) const {
  const uint8_t* data = data_.data();
  if (!present_.empty()) {
    std::memcpy(chunk->values, data, sizeof(chunk->values));
    std::memcpy(chunk->present, present_.data(), sizeof(chunk->present));
    return;
  }
  switch (width_) {
    case 1:
      DecodeCodes<uint8_t>(data, base_, chunk);
      break;
    case 2:
      DecodeCodes<uint16_t>(data, base_, chunk);
      break;
    case 4:
      DecodeCodes<uint32_t>(data, base_, chunk);
      break;
    default:
      DecodeCodes<uint64_t>(data, base_, chunk);
      break;
  }
  for (size_t i = 0; i < exceptions_.size(); ++i) {
    chunk->Set(exceptions_.offsets[i], exceptions_.values[i]);
  }
}

}  // namespace throng::index
