#include "storage/crowd_blocks.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/chunk_ops.h"
#include "index/error.h"
#include "index/shard_codec.h"
#include "storage/crowd_codec.h"
#include "storage/envelope.h"

namespace throng::storage {
namespace {

using index::BitmapShardRef;
using index::CrowdVersionId;

constexpr size_t kBatchBytes = 4 << 20;
constexpr uint8_t kFormatWithUpload = 2;  // of the header

std::string KeyOf(uint32_t population, const CrowdVersionId& id, uint32_t shard) {
  return CrowdBlockKey{
      .population = population, .crowd = id.crowd, .number = id.number, .shard = shard}
      .Encode();
}

absl::Status At(std::string_view key, const absl::Status& status) {
  return DamagedAt(Family::kCrowds, key, {status.message().data(), status.message().size()});
}

void PutShard(Database& database, const std::string& key, const BitmapShardRef& users,
              rocksdb::WriteBatch* batch) {
  if (users) {
    database.Put(Family::kCrowds, key, Seal(Kind::kCrowdBlock, key, index::EncodeShard(users)),
                 batch);
  } else {
    database.Delete(Family::kCrowds, key, batch);
  }
}

void PutHeader(Database& database, uint32_t population, const CrowdVersionId& id,
               CrowdSetHeader header, rocksdb::WriteBatch* batch) {
  while (!header.cardinalities.empty() && header.cardinalities.back() == 0) {
    header.cardinalities.pop_back();
  }
  const std::string key = KeyOf(population, id, kCrowdHeaderShard);
  const uint8_t format = header.has_upload ? kFormatWithUpload : 1;
  database.Put(Family::kCrowds, key,
               Seal(Kind::kCrowdHeader, key, EncodeCrowdSetHeader(header), format), batch);
}

absl::StatusOr<BitmapShardRef> DecodeBlock(std::string_view key, std::string_view value) {
  THRONG_ASSIGN_OR_RETURN(const std::string_view payload,
                          Unseal(Kind::kCrowdBlock, Family::kCrowds, key, value));
  absl::StatusOr<BitmapShardRef> users = index::DecodeShard(payload);
  return users.ok() ? users : At(key, users.status());
}

absl::StatusOr<CrowdSetHeader> DecodeHeader(std::string_view key, std::string_view value) {
  THRONG_ASSIGN_OR_RETURN(const std::string_view payload,
                          Unseal(Kind::kCrowdHeader, Family::kCrowds, key, value));
  absl::StatusOr<CrowdSetHeader> header = DecodeCrowdSetHeader(payload);
  if (!header.ok()) return At(key, header.status());
  header->has_upload = static_cast<uint8_t>(value[1]) == kFormatWithUpload;
  return header;
}

// Errors: kNotFound when no set is there.
absl::StatusOr<CrowdSetHeader> ReadHeader(const Database& database, uint32_t population,
                                          const CrowdVersionId& id) {
  const std::string key = KeyOf(population, id, kCrowdHeaderShard);
  const absl::StatusOr<std::string> stored = database.Get(Family::kCrowds, key);
  if (!stored.ok()) return stored.status();
  return DecodeHeader(key, *stored);
}

// The header against what was found, and against what the version says.
absl::Status Compare(uint32_t population, const CrowdVersionId& id, const CrowdSetHeader& header,
                     const std::vector<BitmapShardRef>& found, uint64_t computed_count) {
  uint64_t total = 0;
  for (uint32_t shard = 0; shard < std::max(header.cardinalities.size(), found.size()); ++shard) {
    const uint32_t users = shard < found.size() ? index::Cardinality(found[shard]) : 0;
    const uint32_t expected = shard < header.cardinalities.size() ? header.cardinalities[shard] : 0;
    total += users;
    if (users == expected) continue;
    const std::string key = KeyOf(population, id, shard);
    if (users == 0) return DamagedAt(Family::kCrowds, key, "it is missing");
    if (expected == 0) {
      return DamagedAt(Family::kCrowds, key, "it is there and does not belong there");
    }
    return DamagedAt(Family::kCrowds, key,
                     fmt::format("it has {} users, {} belong there", users, expected));
  }
  const bool is_whole = header.erased_through == 0;
  if (is_whole ? total == computed_count : total <= computed_count) return absl::OkStatus();
  return DamagedAt(Family::kCrowds, KeyOf(population, id, kCrowdHeaderShard),
                   fmt::format("the version has {} users, {} are stored", computed_count, total));
}

// A shard without those who are no users of the snapshot; the same one when all are.
BitmapShardRef Living(const index::Snapshot& snapshot, uint32_t shard,
                      const BitmapShardRef& users) {
  const auto members = std::make_unique<index::ChunkScratch>();
  const auto universe = std::make_unique<index::ChunkScratch>();
  const auto result = std::make_unique<index::ChunkScratch>();
  const index::TagShard* all = snapshot.shard(index::kUniverseTag, shard);
  std::array<index::BlockRef, index::kChunksPerShard> blocks;
  uint32_t left = 0;
  for (uint32_t chunk = 0; chunk < index::kChunksPerShard; ++chunk) {
    const index::ChunkSet living =
        all == nullptr ? index::ChunkSet::Empty() : index::Load(all->values[0], chunk, *universe);
    blocks[chunk] =
        index::MakeBlock(index::Intersect(index::Load(users, chunk, *members), living, *result));
    left += blocks[chunk] ? blocks[chunk]->cardinality() : 0;
  }
  return left == index::Cardinality(users) ? users : index::MakeBitmapShard(blocks);
}

}  // namespace

absl::Status WriteCrowdSet(Database& database, uint32_t population, const CrowdVersionId& id,
                           const index::OrdinalSet& users) {
  THRONG_RETURN_IF_ERROR(DeleteCrowdSet(database, population, id));
  CrowdSetHeader header;
  rocksdb::WriteBatch batch;
  for (uint32_t shard = 0; shard < index::ShardEnd(users); ++shard) {
    const BitmapShardRef part = index::ShardOf(users, shard);
    header.cardinalities.push_back(index::Cardinality(part));
    if (!part) continue;
    PutShard(database, KeyOf(population, id, shard), part, &batch);
    if (batch.GetDataSize() < kBatchBytes) continue;
    THRONG_RETURN_IF_ERROR(database.Write(&batch, /*sync=*/false));
    batch.Clear();
  }
  PutHeader(database, population, id, std::move(header), &batch);
  return database.Write(&batch, /*sync=*/false);
}

absl::Status DeleteCrowdSet(Database& database, uint32_t population, const CrowdVersionId& id) {
  // The header first: whoever reads meanwhile finds that it is gone, not that it is damaged.
  rocksdb::WriteBatch batch;
  database.Delete(Family::kCrowds, KeyOf(population, id, kCrowdHeaderShard), &batch);
  THRONG_RETURN_IF_ERROR(database.Write(&batch, /*sync=*/false));
  return database.DeleteAll(Family::kCrowds, CrowdVersionRange(population, id.crowd, id.number));
}

absl::StatusOr<index::OrdinalSetRef> ReadCrowdSet(const Database& database, uint32_t population,
                                                  const CrowdVersionId& id,
                                                  uint64_t computed_count) {
  std::vector<BitmapShardRef> shards;
  std::optional<CrowdSetHeader> header;
  bool is_there = false;
  RangeScan scan =
      database.Scan(Family::kCrowds, CrowdVersionRange(population, id.crowd, id.number));
  while (scan.Valid()) {
    is_there = true;
    const std::optional<CrowdBlockKey> key = CrowdBlockKey::Parse(scan.key());
    if (!key.has_value()) return DamagedAt(Family::kCrowds, scan.key(), "not a crowd's key");
    if (key->shard >= kUploadIdsShard && key->shard != kCrowdHeaderShard) {
      scan.Seek(KeyOf(population, id, kCrowdHeaderShard));  // behind the list of an upload
      continue;
    }
    if (key->shard == kCrowdHeaderShard) {
      THRONG_ASSIGN_OR_RETURN(header, DecodeHeader(scan.key(), scan.value()));
      scan.Next();
      continue;
    }
    if (key->shard >= index::kOrdinalsMax >> index::kShardBits) {
      return DamagedAt(Family::kCrowds, scan.key(), "no such shard");
    }
    THRONG_ASSIGN_OR_RETURN(BitmapShardRef part, DecodeBlock(scan.key(), scan.value()));
    shards.resize(key->shard + 1);
    shards.back() = std::move(part);
    scan.Next();
  }
  THRONG_RETURN_IF_ERROR(scan.status());
  const std::string header_key = KeyOf(population, id, kCrowdHeaderShard);
  if (!is_there) return absl::NotFoundError(DescribeKey(Family::kCrowds, header_key));
  if (!header.has_value()) return DamagedAt(Family::kCrowds, header_key, "it is missing");
  THRONG_RETURN_IF_ERROR(Compare(population, id, *header, shards, computed_count));
  return index::SetOfShards(shards);
}

absl::StatusOr<bool> HasUpload(const Database& database, uint32_t population,
                               const CrowdVersionId& id) {
  THRONG_ASSIGN_OR_RETURN(const CrowdSetHeader header, ReadHeader(database, population, id));
  return header.has_upload;
}

absl::Status PutHasUpload(Database& database, uint32_t population, const CrowdVersionId& id,
                          rocksdb::WriteBatch* batch) {
  THRONG_ASSIGN_OR_RETURN(CrowdSetHeader header, ReadHeader(database, population, id));
  header.has_upload = true;
  PutHeader(database, population, id, std::move(header), batch);
  return absl::OkStatus();
}

absl::Status EraseFromCrowdSet(Database& database, uint32_t population, const CrowdVersionId& id,
                               const index::Snapshot& snapshot, const std::set<uint32_t>& shards) {
  absl::StatusOr<CrowdSetHeader> stored = ReadHeader(database, population, id);
  if (absl::IsNotFound(stored.status())) {
    return DamagedAt(Family::kCrowds, KeyOf(population, id, kCrowdHeaderShard), "it is missing");
  }
  THRONG_RETURN_IF_ERROR(stored.status());
  CrowdSetHeader header = *std::move(stored);
  rocksdb::WriteBatch batch;
  for (const uint32_t shard : shards) {
    if (shard >= header.cardinalities.size() || header.cardinalities[shard] == 0) continue;
    const std::string key = KeyOf(population, id, shard);
    const absl::StatusOr<std::string> value = database.Get(Family::kCrowds, key);
    if (absl::IsNotFound(value.status())) return DamagedAt(Family::kCrowds, key, "it is missing");
    THRONG_RETURN_IF_ERROR(value.status());
    THRONG_ASSIGN_OR_RETURN(const BitmapShardRef users, DecodeBlock(key, *value));
    const BitmapShardRef left = Living(snapshot, shard, users);
    if (left == users) continue;
    PutShard(database, key, left, &batch);
    header.cardinalities[shard] = index::Cardinality(left);
  }
  if (batch.Count() == 0) return absl::OkStatus();
  // One batch with the header: they are never seen apart.
  header.erased_through = snapshot.data_version();
  PutHeader(database, population, id, std::move(header), &batch);
  return database.Write(&batch, /*sync=*/false);
}

absl::StatusOr<std::set<CrowdVersionId>> ListCrowdSets(const Database& database,
                                                       uint32_t population) {
  std::set<CrowdVersionId> found;
  RangeScan scan = database.Scan(Family::kCrowds, PopulationRange(population));
  while (scan.Valid()) {
    const CrowdVersionId id{.crowd = KeyU32(scan.key(), 4).value_or(0),
                            .number = KeyU32(scan.key(), 8).value_or(0)};
    found.insert(id);
    scan.Seek(CrowdVersionRange(population, id.crowd, id.number).end);
  }
  THRONG_RETURN_IF_ERROR(scan.status());
  return found;
}

}  // namespace throng::storage
