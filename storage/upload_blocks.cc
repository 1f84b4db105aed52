#include "storage/upload_blocks.h"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "storage/crowd_blocks.h"
#include "storage/envelope.h"
#include "storage/upload_codec.h"

namespace throng::storage {
namespace {

using index::CrowdVersionId;

constexpr size_t kRefusedPart = 1'000;

std::string KeyOf(uint32_t population, const CrowdVersionId& id, uint32_t shard) {
  return CrowdBlockKey{
      .population = population, .crowd = id.crowd, .number = id.number, .shard = shard}
      .Encode();
}

absl::Status At(std::string_view key, const absl::Status& status) {
  return DamagedAt(Family::kCrowds, key, {status.message().data(), status.message().size()});
}

// The payload of a value that must be there. Errors: kNotFound when the version is gone by now.
absl::StatusOr<std::string> ReadPayload(const Database& database, Kind kind, uint32_t population,
                                        const CrowdVersionId& id, const std::string& key) {
  const absl::StatusOr<std::string> value = database.Get(Family::kCrowds, key);
  if (absl::IsNotFound(value.status())) {
    THRONG_RETURN_IF_ERROR(HasUpload(database, population, id).status());
    return DamagedAt(Family::kCrowds, key, "it is missing");
  }
  THRONG_RETURN_IF_ERROR(value.status());
  THRONG_ASSIGN_OR_RETURN(const std::string_view payload,
                          Unseal(kind, Family::kCrowds, key, *value));
  return std::string(payload);
}

void PutUploadHeader(Database& database, uint32_t population, const CrowdVersionId& id,
                     const StoredUpload& upload, rocksdb::WriteBatch* batch) {
  const std::string key = KeyOf(population, id, kUploadHeaderShard);
  database.Put(Family::kCrowds, key, Seal(Kind::kUploadHeader, key, EncodeUploadHeader(upload)),
               batch);
}

absl::StatusOr<StoredUpload> ReadExistingHeader(const Database& database, uint32_t population,
                                                const CrowdVersionId& id) {
  const std::string key = KeyOf(population, id, kUploadHeaderShard);
  THRONG_ASSIGN_OR_RETURN(const std::string payload,
                          ReadPayload(database, Kind::kUploadHeader, population, id, key));
  absl::StatusOr<StoredUpload> upload = DecodeUploadHeader(payload);
  return upload.ok() ? upload : At(key, upload.status());
}

// The parts in which one of the hashes, which ascend, can be.
std::vector<uint32_t> PartsOf(const StoredUpload& upload, const std::vector<uint64_t>& hashes) {
  std::vector<uint32_t> parts;
  for (const uint64_t hash : hashes) {
    const auto behind = std::upper_bound(
        upload.parts.begin(), upload.parts.end(), hash,
        [](uint64_t value, const UploadPart& part) { return value < part.first_hash; });
    if (behind == upload.parts.begin()) continue;
    const auto part = static_cast<uint32_t>(behind - upload.parts.begin() - 1);
    if (parts.empty() || parts.back() != part) parts.push_back(part);
  }
  return parts;
}

}  // namespace

absl::Status DeleteUploadList(Database& database, uint32_t population, const CrowdVersionId& id) {
  return database.DeleteAll(Family::kCrowds, {KeyOf(population, id, kUploadIdsShard),
                                              KeyOf(population, id, kCrowdHeaderShard)});
}

absl::Status WriteUploadPart(Database& database, uint32_t population, const CrowdVersionId& id,
                             uint32_t part, std::span<const ListedId> ids) {
  const std::string key = KeyOf(population, id, kUploadIdsShard + part);
  rocksdb::WriteBatch batch;
  database.Put(Family::kCrowds, key, Seal(Kind::kUploadIds, key, EncodeListedIds(ids)), &batch);
  return database.Write(&batch, /*sync=*/false);
}

absl::Status WriteUploadEnd(Database& database, uint32_t population, const CrowdVersionId& id,
                            StoredUpload upload, std::span<const RefusedId> refused) {
  rocksdb::WriteBatch batch;
  upload.refused_parts.clear();
  for (size_t begin = 0; begin < refused.size(); begin += kRefusedPart) {
    const std::span<const RefusedId> part =
        refused.subspan(begin, std::min(kRefusedPart, refused.size() - begin));
    const std::string key = KeyOf(
        population, id, kUploadRefusedShard + static_cast<uint32_t>(upload.refused_parts.size()));
    database.Put(Family::kCrowds, key, Seal(Kind::kUploadRefused, key, EncodeRefusedIds(part)),
                 &batch);
    upload.refused_parts.push_back(static_cast<uint32_t>(part.size()));
  }
  PutUploadHeader(database, population, id, upload, &batch);
  THRONG_RETURN_IF_ERROR(PutHasUpload(database, population, id, &batch));
  return database.Write(&batch, /*sync=*/false);
}

absl::StatusOr<StoredUpload> ReadUploadHeader(const Database& database, uint32_t population,
                                              const CrowdVersionId& id) {
  THRONG_ASSIGN_OR_RETURN(const bool has_upload, HasUpload(database, population, id));
  if (!has_upload) {
    return absl::NotFoundError(
        fmt::format("version {} of crowd {} has no list", id.number, id.crowd));
  }
  return ReadExistingHeader(database, population, id);
}

absl::StatusOr<ListedIds> ReadUploadIds(const Database& database, uint32_t population,
                                        const CrowdVersionId& id, uint32_t part) {
  const std::string key = KeyOf(population, id, kUploadIdsShard + part);
  THRONG_ASSIGN_OR_RETURN(const std::string payload,
                          ReadPayload(database, Kind::kUploadIds, population, id, key));
  absl::StatusOr<ListedIds> ids = DecodeListedIds(payload);
  return ids.ok() ? std::move(ids) : At(key, ids.status());
}

absl::StatusOr<std::vector<RefusedId>> ReadUploadRefused(const Database& database,
                                                         uint32_t population,
                                                         const CrowdVersionId& id, uint32_t part) {
  const std::string key = KeyOf(population, id, kUploadRefusedShard + part);
  THRONG_ASSIGN_OR_RETURN(const std::string payload,
                          ReadPayload(database, Kind::kUploadRefused, population, id, key));
  absl::StatusOr<std::vector<RefusedId>> refused = DecodeRefusedIds(payload);
  return refused.ok() ? std::move(refused) : At(key, refused.status());
}

absl::Status CheckUploadList(const Database& database, uint32_t population,
                             const CrowdVersionId& id) {
  const absl::StatusOr<StoredUpload> upload = ReadUploadHeader(database, population, id);
  if (absl::IsNotFound(upload.status())) return absl::OkStatus();
  THRONG_RETURN_IF_ERROR(upload.status());
  uint64_t before = 0;
  for (uint32_t part = 0; part < upload->parts.size(); ++part) {
    const UploadPart& expected = upload->parts[part];
    THRONG_ASSIGN_OR_RETURN(const ListedIds found, ReadUploadIds(database, population, id, part));
    const bool is_same = PartOf(expected.first_hash, found.ids) == expected;
    const bool is_ordered = found.ids.empty() || (found.ids.front().hash >= expected.first_hash &&
                                                  (part == 0 || found.ids.front().hash > before));
    if (!is_same || !is_ordered) {
      return DamagedAt(
          Family::kCrowds, KeyOf(population, id, kUploadIdsShard + part),
          fmt::format("it has {} ids, {} others belong there", found.ids.size(), expected.count));
    }
    if (!found.ids.empty()) before = found.ids.back().hash;
  }
  for (uint32_t part = 0; part < upload->refused_parts.size(); ++part) {
    THRONG_ASSIGN_OR_RETURN(const std::vector<RefusedId> found,
                            ReadUploadRefused(database, population, id, part));
    if (found.size() == upload->refused_parts[part]) continue;
    return DamagedAt(Family::kCrowds, KeyOf(population, id, kUploadRefusedShard + part),
                     fmt::format("it has {} entries, {} belong there", found.size(),
                                 upload->refused_parts[part]));
  }
  return absl::OkStatus();
}

absl::Status TakeFromUploadList(Database& database, uint32_t population, const CrowdVersionId& id,
                                uint64_t data_version, const Unwanted& unwanted) {
  absl::StatusOr<StoredUpload> upload = ReadUploadHeader(database, population, id);
  if (absl::IsNotFound(upload.status())) return absl::OkStatus();
  THRONG_RETURN_IF_ERROR(upload.status());
  for (const uint32_t part : PartsOf(*upload, unwanted.hashes())) {
    THRONG_ASSIGN_OR_RETURN(ListedIds ids, ReadUploadIds(database, population, id, part));
    const size_t removed = std::erase_if(
        ids.ids, [&](const ListedId& listed) { return unwanted.Has(listed.text, data_version); });
    if (removed == 0) continue;
    upload->parts[part] = PartOf(upload->parts[part].first_hash, ids.ids);
    const std::string key = KeyOf(population, id, kUploadIdsShard + part);
    rocksdb::WriteBatch batch;
    database.Put(Family::kCrowds, key, Seal(Kind::kUploadIds, key, EncodeListedIds(ids.ids)),
                 &batch);
    PutUploadHeader(database, population, id, *upload, &batch);
    THRONG_RETURN_IF_ERROR(database.Write(&batch, /*sync=*/false));
  }
  for (uint32_t part = 0; part < upload->refused_parts.size(); ++part) {
    THRONG_ASSIGN_OR_RETURN(std::vector<RefusedId> refused,
                            ReadUploadRefused(database, population, id, part));
    const size_t removed = std::erase_if(refused, [&](const RefusedId& entry) {
      return unwanted.HasRefused(entry.text, data_version);
    });
    if (removed == 0) continue;
    upload->refused_parts[part] = static_cast<uint32_t>(refused.size());
    const std::string key = KeyOf(population, id, kUploadRefusedShard + part);
    rocksdb::WriteBatch batch;
    database.Put(Family::kCrowds, key, Seal(Kind::kUploadRefused, key, EncodeRefusedIds(refused)),
                 &batch);
    PutUploadHeader(database, population, id, *upload, &batch);
    THRONG_RETURN_IF_ERROR(database.Write(&batch, /*sync=*/false));
  }
  return absl::OkStatus();
}

}  // namespace throng::storage
