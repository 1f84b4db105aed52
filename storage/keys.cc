#include "storage/keys.h"

#include <algorithm>

#include "fmt/format.h"

namespace throng::storage {
namespace {

constexpr size_t kMetaPrefix = 5;                // population and kind
constexpr uint32_t kLinkedIdsMark = 0xFFFFFFFF;  // where the key of an id chunk has the chunk

void AppendU16(uint16_t value, std::string* key) {
  key->push_back(static_cast<char>(value >> 8));
  key->push_back(static_cast<char>(value));
}

void AppendU32(uint32_t value, std::string* key) {
  for (int shift = 24; shift >= 0; shift -= 8) key->push_back(static_cast<char>(value >> shift));
}

void AppendU64(uint64_t value, std::string* key) {
  AppendU32(static_cast<uint32_t>(value >> 32), key);
  AppendU32(static_cast<uint32_t>(value), key);
}

std::string MetaKey(uint32_t population, MetaKind kind) {
  std::string key;
  AppendU32(population, &key);
  key.push_back(static_cast<char>(kind));
  return key;
}

// The first key that does not begin with `prefix`.
std::string AfterPrefix(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(prefix.back() + 1);
  return prefix;
}

KeyRange WithPrefix(std::string prefix) {
  std::string end = AfterPrefix(prefix);
  return {.begin = std::move(prefix), .end = std::move(end)};
}

std::string Hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<uint8_t>(c));
  return text;
}

std::string DescribeBlock(const BlockKey& key) {
  const std::string part = key.value == kHeaderValue   ? "header"
                           : key.value == kColumnValue ? "column"
                                                       : fmt::format("value {}", key.value);
  return fmt::format("blocks: population {}, tag {}, generation {}, partition {}, shard {}, {}",
                     key.population, key.tag, key.generation, key.partition, key.shard, part);
}

std::string CrowdPart(uint32_t shard) {
  if (shard == kCrowdHeaderShard) return "header";
  if (shard == kUploadHeaderShard) return "upload header";
  if (shard >= kUploadRefusedShard) {
    return fmt::format("upload refused {}", shard - kUploadRefusedShard);
  }
  if (shard >= kUploadIdsShard) return fmt::format("upload ids {}", shard - kUploadIdsShard);
  return fmt::format("shard {}", shard);
}

std::string DescribeCrowdBlock(const CrowdBlockKey& key) {
  const std::string part = CrowdPart(key.shard);
  return fmt::format("crowds: population {}, crowd {}, version {}, {}", key.population, key.crowd,
                     key.number, part);
}

std::string DescribeMeta(std::string_view key) {
  const std::optional<uint32_t> population = KeyU32(key, 0);
  if (!population.has_value() || key.size() < kMetaPrefix) return "";
  const uint32_t tag = KeyU32(key, kMetaPrefix).value_or(0);
  switch (static_cast<MetaKind>(key[4])) {
    case MetaKind::kFormat:
      return "meta: format version";
    case MetaKind::kPopulation:
      return fmt::format("meta: population {}", tag);
    case MetaKind::kBase:
      return fmt::format("meta: population {}, base", *population);
    case MetaKind::kTag:
      return fmt::format("meta: population {}, tag {}", *population, tag);
    case MetaKind::kValues:
      return fmt::format("meta: population {}, tag {}, values chunk {}", *population, tag,
                         KeyU32(key, kMetaPrefix + 4).value_or(0));
    case MetaKind::kRequest:
      return fmt::format("meta: population {}, request {}", *population,
                         Hex(key.substr(kMetaPrefix)));
    case MetaKind::kRequestTime:
      return fmt::format("meta: population {}, request time {}", *population,
                         Hex(key.substr(kMetaPrefix)));
    case MetaKind::kScrub:
      return fmt::format("meta: population {}, scrub", *population);
    case MetaKind::kCrowd:
      return fmt::format("meta: population {}, crowd {}", *population, tag);
  }
  return "";
}

}  // namespace

std::string_view FamilyName(Family family) {
  constexpr std::string_view kNames[] = {"meta", "ids", "log", "blocks", "crowds"};
  return kNames[static_cast<size_t>(family)];
}

std::optional<uint32_t> KeyU32(std::string_view key, size_t offset) {
  if (key.size() < offset + 4) return std::nullopt;
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(key[offset + i]);
  return value;
}

std::optional<uint64_t> KeyU64(std::string_view key, size_t offset) {
  if (key.size() < offset + 8) return std::nullopt;
  return uint64_t{*KeyU32(key, offset)} << 32 | *KeyU32(key, offset + 4);
}

std::string BlockKey::Encode() const {
  std::string key;
  key.reserve(24);
  for (const uint32_t part : {population, tag, generation, partition, shard, value}) {
    AppendU32(part, &key);
  }
  return key;
}

std::optional<BlockKey> BlockKey::Parse(std::string_view key) {
  if (key.size() != 24) return std::nullopt;
  return BlockKey{.population = *KeyU32(key, 0),
                  .tag = *KeyU32(key, 4),
                  .generation = *KeyU32(key, 8),
                  .partition = *KeyU32(key, 12),
                  .shard = *KeyU32(key, 16),
                  .value = *KeyU32(key, 20)};
}

KeyRange ShardRange(uint32_t population, uint32_t tag, uint32_t generation, uint32_t shard) {
  std::string prefix;
  for (const uint32_t part : {population, tag, generation, uint32_t{0}, shard}) {
    AppendU32(part, &prefix);
  }
  return WithPrefix(std::move(prefix));
}

KeyRange GenerationRange(uint32_t population, uint32_t tag, uint32_t first, uint32_t end) {
  KeyRange range;
  for (std::string* key : {&range.begin, &range.end}) {
    AppendU32(population, key);
    AppendU32(tag, key);
  }
  AppendU32(first, &range.begin);
  AppendU32(end, &range.end);
  return range;
}

std::string CrowdBlockKey::Encode() const {
  std::string key;
  for (const uint32_t part : {population, crowd, number, shard}) AppendU32(part, &key);
  return key;
}

std::optional<CrowdBlockKey> CrowdBlockKey::Parse(std::string_view key) {
  if (key.size() != 16) return std::nullopt;
  return CrowdBlockKey{.population = *KeyU32(key, 0),
                       .crowd = *KeyU32(key, 4),
                       .number = *KeyU32(key, 8),
                       .shard = *KeyU32(key, 12)};
}

KeyRange CrowdVersionRange(uint32_t population, uint32_t crowd, uint32_t number) {
  std::string prefix;
  for (const uint32_t part : {population, crowd, number}) AppendU32(part, &prefix);
  return WithPrefix(std::move(prefix));
}

KeyRange PopulationRange(uint32_t population) {
  std::string prefix;
  AppendU32(population, &prefix);
  return WithPrefix(std::move(prefix));
}

std::string LogKey(uint32_t population, uint64_t version) {
  std::string key;
  AppendU32(population, &key);
  AppendU64(version, &key);
  return key;
}

std::string IdChunkKey(uint32_t population, uint32_t chunk) {
  std::string key;
  AppendU32(population, &key);
  AppendU32(chunk, &key);
  return key;
}

std::string LinkedIdsKey(uint32_t population, uint32_t id_type, uint32_t chunk) {
  std::string key;
  for (const uint32_t part : {population, kLinkedIdsMark, id_type, chunk}) AppendU32(part, &key);
  return key;
}

std::string FormatKey() { return MetaKey(0, MetaKind::kFormat); }

std::string PopulationKey(uint32_t population) {
  std::string key = MetaKey(0, MetaKind::kPopulation);
  AppendU32(population, &key);
  return key;
}

KeyRange AllPopulations() { return WithPrefix(MetaKey(0, MetaKind::kPopulation)); }

std::string BaseKey(uint32_t population) { return MetaKey(population, MetaKind::kBase); }

std::string ScrubKey(uint32_t population) { return MetaKey(population, MetaKind::kScrub); }

std::string TagKey(uint32_t population, uint32_t tag) {
  std::string key = MetaKey(population, MetaKind::kTag);
  AppendU32(tag, &key);
  return key;
}

KeyRange TagKeys(uint32_t population) { return WithPrefix(MetaKey(population, MetaKind::kTag)); }

std::string CrowdKey(uint32_t population, uint32_t crowd) {
  std::string key = MetaKey(population, MetaKind::kCrowd);
  AppendU32(crowd, &key);
  return key;
}

KeyRange CrowdKeys(uint32_t population) {
  return WithPrefix(MetaKey(population, MetaKind::kCrowd));
}

std::string ValuesKey(uint32_t population, uint32_t tag, uint32_t chunk) {
  std::string key = MetaKey(population, MetaKind::kValues);
  AppendU32(tag, &key);
  AppendU32(chunk, &key);
  return key;
}

std::string RequestKey(uint32_t population, std::string_view scope, std::string_view request_id) {
  std::string key = MetaKey(population, MetaKind::kRequest);
  AppendU16(static_cast<uint16_t>(scope.size()), &key);
  key.append(scope).append(request_id);
  return key;
}

std::string RequestTimeKey(uint32_t population, int64_t time_us, std::string_view request_key) {
  std::string key = MetaKey(population, MetaKind::kRequestTime);
  AppendU64(static_cast<uint64_t>(std::max<int64_t>(time_us, 0)), &key);
  return key.append(request_key.substr(kMetaPrefix));
}

KeyRange RequestTimesBefore(uint32_t population, int64_t time_us) {
  KeyRange range = WithPrefix(MetaKey(population, MetaKind::kRequestTime));
  range.end = range.begin;
  AppendU64(static_cast<uint64_t>(std::max<int64_t>(time_us, 0)), &range.end);
  return range;
}

std::optional<std::string> RequestKeyOf(std::string_view request_time_key) {
  const std::optional<uint32_t> population = KeyU32(request_time_key, 0);
  if (!population.has_value() || request_time_key.size() < kMetaPrefix + 8) return std::nullopt;
  return MetaKey(*population, MetaKind::kRequest).append(request_time_key.substr(kMetaPrefix + 8));
}

std::string DescribeKey(Family family, std::string_view key) {
  const uint32_t population = KeyU32(key, 0).value_or(0);
  std::string text;
  switch (family) {
    case Family::kMeta:
      text = DescribeMeta(key);
      break;
    case Family::kIds:
      if (key.size() == 8) {
        text = fmt::format("ids: population {}, chunk {}", population, *KeyU32(key, 4));
      } else if (key.size() == 16) {
        text = fmt::format("ids: population {}, id type {}, chunk {}", population, *KeyU32(key, 8),
                           *KeyU32(key, 12));
      }
      break;
    case Family::kLog:
      if (key.size() == 12) {
        text = fmt::format("log: population {}, version {}", population, *KeyU64(key, 4));
      }
      break;
    case Family::kBlocks:
      if (const std::optional<BlockKey> block = BlockKey::Parse(key)) text = DescribeBlock(*block);
      break;
    case Family::kCrowds:
      if (const std::optional<CrowdBlockKey> block = CrowdBlockKey::Parse(key)) {
        text = DescribeCrowdBlock(*block);
      }
      break;
  }
  return text.empty() ? fmt::format("{}: key {}", FamilyName(family), Hex(key)) : text;
}

}  // namespace throng::storage
