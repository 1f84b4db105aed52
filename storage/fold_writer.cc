#include "storage/fold_writer.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "index/error.h"
#include "index/shard_codec.h"
#include "storage/catalogue_codec.h"
#include "storage/envelope.h"
#include "storage/id_codec.h"

namespace throng::storage {
namespace {

// Chunks that got ids, or lost some: an erasure makes another chunk.
std::vector<uint32_t> ChangedChunks(const index::IdDictionary& now,
                                    const index::IdDictionary* before) {
  std::vector<uint32_t> changed;
  const uint32_t chunk_end = (now.size() + index::kChunkSize - 1) >> index::kChunkBits;
  const uint32_t known = before == nullptr ? 0 : before->size();
  for (uint32_t chunk = 0; chunk < chunk_end; ++chunk) {
    const uint32_t end = std::min(now.size(), (chunk + 1) << index::kChunkBits);
    if (end > known || &now.chunk(chunk) != &before->chunk(chunk)) changed.push_back(chunk);
  }
  return changed;
}

}  // namespace

std::string FoldWriter::Key(const Place& place, uint32_t value) const {
  return BlockKey{.population = population_,
                  .tag = place.tag,
                  .generation = place.generation,
                  .shard = place.shard,
                  .value = value}
      .Encode();
}

absl::StatusOr<std::optional<uint64_t>> FoldWriter::StoredVersion(const Place& place) const {
  const std::string key = Key(place, kHeaderValue);
  const absl::StatusOr<std::string> value = database_.Get(Family::kBlocks, key);
  if (absl::IsNotFound(value.status())) return std::nullopt;
  THRONG_RETURN_IF_ERROR(value.status());
  THRONG_ASSIGN_OR_RETURN(const std::string_view payload,
                          Unseal(Kind::kShardHeader, Family::kBlocks, key, *value));
  const absl::StatusOr<ShardHeader> header = DecodeShardHeader(payload);
  if (!header.ok()) return DamagedAt(Family::kBlocks, key, "the header cannot be decoded");
  return header->version;
}

void FoldWriter::PutBitmap(const Place& place, uint32_t code, const index::BitmapShardRef& bitmap) {
  const std::string key = Key(place, code);
  if (bitmap) {
    database_.Put(Family::kBlocks, key, Seal(Kind::kBitmap, key, index::EncodeShard(bitmap)),
                  &batch_);
  } else {
    database_.Delete(Family::kBlocks, key, &batch_);
  }
}

absl::Status FoldWriter::WriteShard(const Place& place, index::TagType type,
                                    const index::TagShard& shard, const index::TagShard* before) {
  const ShardHeader header = HeaderOf(type, shard);
  if (before == nullptr) THRONG_RETURN_IF_ERROR(DeleteOthers(place, header));
  if (!header.is_column) {
    const size_t codes =
        std::max(shard.values.size(), before == nullptr ? 0 : before->values.size());
    for (uint32_t code = 0; code < codes; ++code) {
      const index::BitmapShardRef& now = shard.values[code];
      const bool is_same = before == nullptr ? !now : index::IsSameShard(before->values[code], now);
      if (!is_same) PutBitmap(place, code, now);
    }
  } else if (header.cells == 0) {
    if (before != nullptr) database_.Delete(Family::kBlocks, Key(place, kColumnValue), &batch_);
  } else if (before == nullptr || before->column != shard.column) {
    const std::string key = Key(place, kColumnValue);
    database_.Put(Family::kBlocks, key, Seal(Kind::kColumn, key, EncodeColumn(*shard.column)),
                  &batch_);
  }
  const std::string key = Key(place, kHeaderValue);
  database_.Put(Family::kBlocks, key, Seal(Kind::kShardHeader, key, EncodeShardHeader(header)),
                &batch_);
  return FlushIfFull();
}

// Deletes the parts that stand there and are not in `header`: a fold that was cut short may have
// left them.
absl::Status FoldWriter::DeleteOthers(const Place& place, const ShardHeader& header) {
  RangeScan scan = database_.Scan(
      Family::kBlocks, ShardRange(population_, place.tag, place.generation, place.shard));
  for (; scan.Valid(); scan.Next()) {
    const std::optional<BlockKey> key = BlockKey::Parse(scan.key());
    const bool stays =
        key.has_value() &&
        (key->value == kHeaderValue || (key->value == kColumnValue && header.cells > 0) ||
         std::binary_search(header.codes.begin(), header.codes.end(), key->value));
    if (!stays) database_.Delete(Family::kBlocks, scan.key(), &batch_);
  }
  return scan.status();
}

absl::Status FoldWriter::WriteIds(const index::IdDictionary& ids,
                                  const index::IdDictionary* before) {
  for (const uint32_t chunk : ChangedChunks(ids, before)) {
    const std::string key = IdChunkKey(population_, chunk);
    const EncodedIds encoded = EncodeIdChunk(ids, chunk);
    database_.Put(Family::kIds, key,
                  Seal(Kind::kIdChunk, key, encoded.payload, encoded.has_erased ? 2 : 1), &batch_);
    THRONG_RETURN_IF_ERROR(FlushIfFull());
  }
  return absl::OkStatus();
}

absl::Status FoldWriter::WriteLinkedIds(uint32_t id_type, const index::LinkedIds& linked,
                                        const index::LinkedIds* before) {
  for (const uint32_t chunk :
       ChangedChunks(linked.ids(), before == nullptr ? nullptr : &before->ids())) {
    const std::string key = LinkedIdsKey(population_, id_type, chunk);
    database_.Put(Family::kIds, key, Seal(Kind::kLinkedIds, key, EncodeLinkedIds(linked, chunk)),
                  &batch_);
    THRONG_RETURN_IF_ERROR(FlushIfFull());
  }
  return absl::OkStatus();
}

absl::Status FoldWriter::WriteValues(uint32_t tag, const index::ValueDictionary& values,
                                     const index::ValueDictionary* before) {
  const uint32_t known = before == nullptr ? 0 : before->size();
  const bool has_dropped = before != nullptr && before->dropped() != values.dropped();
  const uint32_t first = has_dropped ? 0 : known / kValuesPerChunk;
  if (known == values.size() && !has_dropped) return absl::OkStatus();
  const uint32_t chunk_end = (values.size() + kValuesPerChunk - 1) / kValuesPerChunk;
  for (uint32_t chunk = first; chunk < chunk_end; ++chunk) {
    const std::string key = ValuesKey(population_, tag, chunk);
    database_.Put(
        Family::kMeta, key,
        Seal(Kind::kValues, key, EncodeValues(values, chunk), ValuesFormat(values, chunk)),
        &batch_);
    THRONG_RETURN_IF_ERROR(FlushIfFull());
  }
  return absl::OkStatus();
}

absl::Status FoldWriter::DeleteGeneration(uint32_t tag, uint32_t generation) {
  THRONG_RETURN_IF_ERROR(Flush());
  return database_.DeleteAll(Family::kBlocks,
                             GenerationRange(population_, tag, generation, generation + 1));
}

absl::Status FoldWriter::FlushIfFull() {
  return batch_.GetDataSize() < batch_bytes_ ? absl::OkStatus() : Flush();
}

absl::Status FoldWriter::Flush() {
  if (batch_.Count() == 0) return absl::OkStatus();
  const absl::Status status = database_.Write(&batch_, /*sync=*/false);
  batch_.Clear();
  return status;
}

}  // namespace throng::storage
