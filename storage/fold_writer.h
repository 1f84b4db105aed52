// Writes what a fold changes, in batches: the blocks of a tag's shard always in one.
//
//   FoldWriter writer(database, population, 4 << 20);
//   THRONG_RETURN_IF_ERROR(writer.WriteShard(place, TagType::kFlag, shard, before));
//   THRONG_RETURN_IF_ERROR(writer.Flush());
#ifndef THRONG_STORAGE_FOLD_WRITER_H_
#define THRONG_STORAGE_FOLD_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/catalogue.h"
#include "index/linked_ids.h"
#include "index/tag_shard.h"
#include "rocksdb/write_batch.h"
#include "storage/block_codec.h"
#include "storage/database.h"

namespace throng::storage {

// Not thread-safe. Must not outlive its database.
class FoldWriter {
 public:
  // Where a tag's shard stands.
  struct Place {
    uint32_t tag = 0;
    uint32_t generation = 0;
    uint32_t shard = 0;
  };

  // Batches are written when they have `batch_bytes`.
  FoldWriter(Database& database, uint32_t population, size_t batch_bytes)
      : database_(database), population_(population), batch_bytes_(batch_bytes) {}

  // The version of the shard that is on disk, if one is. Errors: kDataLoss; as FromRocks.
  absl::StatusOr<std::optional<uint64_t>> StoredVersion(const Place& place) const;

  // Makes what is on disk equal to `shard`. `before` is what is there, if it is known; null: it is
  // looked at.
  absl::Status WriteShard(const Place& place, index::TagType type, const index::TagShard& shard,
                          const index::TagShard* before);
  // The ids, of the primary and of a declared type, and the values, in which `before`, what is
  // there, differs: null when nothing is.
  absl::Status WriteIds(const index::IdDictionary& ids, const index::IdDictionary* before);
  absl::Status WriteLinkedIds(uint32_t id_type, const index::LinkedIds& linked,
                              const index::LinkedIds* before);
  absl::Status WriteValues(uint32_t tag, const index::ValueDictionary& values,
                           const index::ValueDictionary* before);
  // Deletes whatever stands under a generation of a tag; not synced.
  absl::Status DeleteGeneration(uint32_t tag, uint32_t generation);

  // Writes what is left; not synced.
  absl::Status Flush();

 private:
  std::string Key(const Place& place, uint32_t value) const;
  absl::Status DeleteOthers(const Place& place, const ShardHeader& header);
  void PutBitmap(const Place& place, uint32_t code, const index::BitmapShardRef& bitmap);
  absl::Status FlushIfFull();

  Database& database_;
  const uint32_t population_;
  const size_t batch_bytes_;
  rocksdb::WriteBatch batch_;
};

}  // namespace throng::storage

#endif  // THRONG_STORAGE_FOLD_WRITER_H_
