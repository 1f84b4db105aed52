#include "storage/block_codec.h"

#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <utility>

#include "index/catalogue.h"
#include "storage/codec.h"
#include "storage/packed_ints.h"

namespace throng::storage {
namespace {

using index::ColumnChunk;
using index::kChunkSize;
using index::kChunksPerShard;
using index::kWordsPerChunk;

// Chunks of fewer cells list their offsets, others hold a bit for each user.
constexpr uint32_t kOffsetsEnd = 4096;

uint32_t CountCells(const ColumnChunk& chunk) {
  uint32_t count = 0;
  for (const uint64_t word : chunk.present) count += static_cast<uint32_t>(std::popcount(word));
  return count;
}

template <typename Visit>
void ForEachCell(const ColumnChunk& chunk, Visit visit) {
  for (uint32_t w = 0; w < kWordsPerChunk; ++w) {
    for (uint64_t word = chunk.present[w]; word != 0; word &= word - 1) {
      visit(w * 64 + static_cast<uint32_t>(std::countr_zero(word)));
    }
  }
}

void WriteChunk(const ColumnChunk& chunk, ByteWriter& out) {
  const uint32_t count = CountCells(chunk);
  out.Varint(count);
  if (count == 0) return;
  std::vector<int64_t> values;
  values.reserve(count);
  ForEachCell(chunk, [&](uint32_t offset) { values.push_back(chunk.values[offset]); });
  if (count < kOffsetsEnd) {
    std::vector<uint32_t> offsets;
    offsets.reserve(count);
    ForEachCell(chunk, [&](uint32_t offset) { offsets.push_back(offset); });
    PackAscending(offsets, out);
  } else if (count < kChunkSize) {
    for (const uint64_t word : chunk.present) out.Fixed64(word);
  }
  PackSigned(values, out);
}

void ReadChunk(uint32_t count, ByteReader& in, ColumnChunk* chunk) {
  std::memset(chunk->present, 0, sizeof(chunk->present));
  if (count == kChunkSize) {
    std::memset(chunk->present, 0xff, sizeof(chunk->present));
  } else if (count < kOffsetsEnd) {
    for (const uint32_t offset : UnpackAscending(count, kChunkSize, in)) chunk->Set(offset, 0);
  } else {
    for (uint64_t& word : chunk->present) word = in.Fixed64();
  }
  if (CountCells(*chunk) != count) in.Fail();
  const std::vector<int64_t> values = UnpackSigned(in.ok() ? count : 0, in);
  if (!in.ok()) return;
  size_t next = 0;
  ForEachCell(*chunk, [&](uint32_t offset) { chunk->values[offset] = values[next++]; });
}

}  // namespace

bool IsColumn(index::TagType type) { return index::IsNumeric(type); }

ShardHeader HeaderOf(index::TagType type, const index::TagShard& shard) {
  ShardHeader header{.version = shard.version, .is_column = IsColumn(type)};
  if (header.is_column) {
    if (shard.column == nullptr) return header;
    auto chunk = std::make_unique<ColumnChunk>();
    for (uint32_t i = 0; i < kChunksPerShard; ++i) {
      if (shard.column->block(i) == nullptr && shard.column->delta(i).empty()) continue;
      shard.column->Decode(i, chunk.get());
      header.cells += CountCells(*chunk);
    }
    return header;
  }
  for (uint32_t code = 0; code < shard.values.size(); ++code) {
    if (!shard.values[code]) continue;
    header.codes.push_back(code);
    header.cardinalities.push_back(shard.values[code]->cardinality());
  }
  return header;
}

std::string EncodeShardHeader(const ShardHeader& header) {
  ByteWriter out;
  out.Varint(header.version);
  out.U8(header.is_column ? 1 : 0);
  if (header.is_column) {
    out.Varint(header.cells);
    return out.Take();
  }
  out.Varint(header.codes.size());
  PackAscending(header.codes, out);
  PackUnsigned(header.cardinalities, out);
  return out.Take();
}

absl::StatusOr<ShardHeader> DecodeShardHeader(std::string_view payload) {
  ByteReader in(payload);
  ShardHeader header;
  header.version = in.Varint();
  const uint8_t form = in.U8();
  if (form > 1) in.Fail();
  header.is_column = form == 1;
  if (header.is_column) {
    header.cells = static_cast<uint32_t>(in.Varint(index::kShardSize));
  } else {
    const size_t count = in.Varint(index::kTagValuesMax);
    header.codes = UnpackAscending(count, index::kTagValuesMax, in);
    if (in.ok()) header.cardinalities = UnpackUnsigned(count, in);
  }
  if (!in.Done()) return absl::DataLossError("the header cannot be decoded");
  return header;
}

std::string EncodeColumn(const index::ColumnShard& column) {
  ByteWriter out;
  auto chunk = std::make_unique<ColumnChunk>();
  for (uint32_t i = 0; i < kChunksPerShard; ++i) {
    if (column.block(i) == nullptr && column.delta(i).empty()) {
      out.Varint(0);
      continue;
    }
    column.Decode(i, chunk.get());
    WriteChunk(*chunk, out);
  }
  return out.Take();
}

absl::StatusOr<index::ColumnShardRef> DecodeColumn(std::string_view payload, uint32_t* cells) {
  ByteReader in(payload);
  std::array<index::ColumnBlockRef, kChunksPerShard> blocks;
  auto chunk = std::make_unique<ColumnChunk>();
  *cells = 0;
  for (index::ColumnBlockRef& block : blocks) {
    const auto count = static_cast<uint32_t>(in.Varint(kChunkSize));
    if (count == 0) continue;
    ReadChunk(count, in, chunk.get());
    if (!in.ok()) break;
    *cells += count;
    block = index::EncodeColumn(*chunk);
  }
  if (!in.Done()) return absl::DataLossError("the column cannot be decoded");
  return index::MakeColumnShard(std::move(blocks));
}

}  // namespace throng::storage
