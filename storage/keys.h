// The keys of the store. FORMAT.md documents them; big-endian, so that they sort by their parts.
//
//   std::string key = BlockKey{.population = 1, .tag = 5, .generation = 1, .value = 17}.Encode();
//   DescribeKey(Family::kBlocks, key);
//     // "blocks: population 1, tag 5, generation 1, partition 0, shard 0, value 17"
//
// Thread-safe functions.
#ifndef THRONG_STORAGE_KEYS_H_
#define THRONG_STORAGE_KEYS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace throng::storage {

// The column families. RocksDB's own "default" stays empty.
enum class Family : uint8_t { kMeta = 0, kIds = 1, kLog = 2, kBlocks = 3, kCrowds = 4 };
inline constexpr Family kFamilies[] = {Family::kMeta, Family::kIds, Family::kLog, Family::kBlocks,
                                       Family::kCrowds};
std::string_view FamilyName(Family family);

// The parts of a tag in a shard that are no value's bitmap.
inline constexpr uint32_t kHeaderValue = 0xFFFFFFFF;
inline constexpr uint32_t kColumnValue = 0xFFFFFFFE;

// In place of the shard, in the key of what a crowd version's set must consist of.
inline constexpr uint32_t kCrowdHeaderShard = 0xFFFFFFFF;

// Likewise, in the keys of the list of an upload that made the version: its header, its parts of
// ids from the first one on, and those of what was refused.
inline constexpr uint32_t kUploadHeaderShard = 0xFFFFFFFE;
inline constexpr uint32_t kUploadIdsShard = 0x80000000;
inline constexpr uint32_t kUploadRefusedShard = 0xC0000000;

// A shard of the set of a crowd's version, or its header. Family crowds.
struct CrowdBlockKey {
  uint32_t population = 0;
  uint32_t crowd = 0;
  uint32_t number = 0;
  uint32_t shard = 0;

  std::string Encode() const;
  static std::optional<CrowdBlockKey> Parse(std::string_view key);
};

struct BlockKey {
  uint32_t population = 0;
  uint32_t tag = 0;
  uint32_t generation = 0;
  uint32_t partition = 0;
  uint32_t shard = 0;
  uint32_t value = 0;

  std::string Encode() const;
  static std::optional<BlockKey> Parse(std::string_view key);
};

// From a key (included) to a key (not included).
struct KeyRange {
  std::string begin;
  std::string end;
};
// All of a tag's shard, of a tag's generation, of its generations from `first` to before `end`.
KeyRange ShardRange(uint32_t population, uint32_t tag, uint32_t generation, uint32_t shard);
KeyRange GenerationRange(uint32_t population, uint32_t tag, uint32_t first, uint32_t end);
KeyRange CrowdVersionRange(uint32_t population, uint32_t crowd, uint32_t number);
KeyRange PopulationRange(uint32_t population);  // in any family but meta's store-wide keys

std::string LogKey(uint32_t population, uint64_t version);
std::string IdChunkKey(uint32_t population, uint32_t chunk);
std::string LinkedIdsKey(uint32_t population, uint32_t id_type, uint32_t chunk);

// Keys of the family meta: a population (0 for what is the store's own), what it is, and the rest.
enum class MetaKind : uint8_t {
  kFormat = 1,
  kPopulation = 2,
  kBase = 3,
  kTag = 4,
  kValues = 5,
  kRequest = 6,
  kRequestTime = 7,
  kScrub = 8,
  kCrowd = 9,
};
std::string FormatKey();
std::string PopulationKey(uint32_t population);
KeyRange AllPopulations();
std::string BaseKey(uint32_t population);
std::string ScrubKey(uint32_t population);
std::string TagKey(uint32_t population, uint32_t tag);
KeyRange TagKeys(uint32_t population);
std::string CrowdKey(uint32_t population, uint32_t crowd);
KeyRange CrowdKeys(uint32_t population);
std::string ValuesKey(uint32_t population, uint32_t tag, uint32_t chunk);
std::string RequestKey(uint32_t population, std::string_view scope, std::string_view request_id);
// Requests by their time, which is not negative: the key names the request key behind the time.
std::string RequestTimeKey(uint32_t population, int64_t time_us, std::string_view request_key);
// Those before `time_us`, and the request key such a key names.
KeyRange RequestTimesBefore(uint32_t population, int64_t time_us);
std::optional<std::string> RequestKeyOf(std::string_view request_time_key);

// A number of a key; nullopt when the key is too short.
std::optional<uint32_t> KeyU32(std::string_view key, size_t offset);
std::optional<uint64_t> KeyU64(std::string_view key, size_t offset);

// The key for people: family and parts.
std::string DescribeKey(Family family, std::string_view key);

}  // namespace throng::storage

#endif  // THRONG_STORAGE_KEYS_H_
