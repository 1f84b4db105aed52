#include "storage/catalogue_codec.h"

#include <algorithm>

#include "index/chunk_set.h"
#include "index/id_dictionary.h"
#include "index/utf8.h"
#include "storage/packed_ints.h"
#include "storage/record_check.h"

namespace throng::storage {
namespace {

constexpr size_t kPopulationTextMax = 64 << 10;
constexpr size_t kShardsMax = index::kOrdinalsMax >> index::kShardBits;

std::string ReadUtf8(size_t size_max, ByteReader& in) {
  std::string text(in.Text(size_max));
  if (!index::IsValidUtf8(text)) in.Fail();
  return text;
}

absl::Status Undecodable(std::string_view what) {
  return absl::DataLossError(std::string("the ").append(what).append(" cannot be decoded"));
}

}  // namespace

std::vector<uint64_t> StampsOf(const index::TagContent* content) {
  std::vector<uint64_t> stamps;
  if (content == nullptr) return stamps;
  for (const index::TagShardRef& shard : content->shards) {
    stamps.push_back(shard == nullptr ? 0 : shard->version + 1);
  }
  return stamps;
}

void WriteStamps(const std::vector<uint64_t>& stamps, ByteWriter& out) {
  out.Varint(stamps.size());
  PackUnsigned(stamps, out);
}

std::vector<uint64_t> ReadStamps(ByteReader& in) {
  return UnpackUnsigned(in.Varint(kShardsMax), in);
}

// In the byte of the state: a freshness follows.
constexpr uint8_t kHasFreshness = 0x80;

void WriteDefinition(const index::TagDefinition& definition, ByteWriter& out) {
  out.Varint(definition.id);
  out.Text(definition.name);
  out.U8(static_cast<uint8_t>(definition.type));
  out.U8(static_cast<uint8_t>(definition.scale));
  out.Text(definition.display_name);
  out.Text(definition.path);
  out.Text(definition.description);
  out.Text(definition.owner);
  out.U8(static_cast<uint8_t>(definition.sensitivity));
  const bool has_freshness = definition.freshness_s > 0;
  out.U8(static_cast<uint8_t>(static_cast<uint8_t>(definition.state) |
                              (has_freshness ? kHasFreshness : 0)));
  out.Varint(definition.values_max);
  out.Varint(definition.generation);
  out.ZigZag(definition.content_time_us);
  if (has_freshness) out.Varint(definition.freshness_s);
}

index::TagDefinition ReadDefinition(ByteReader& in) {
  index::TagDefinition definition;
  definition.id = in.Varint32();
  definition.name = in.Text(index::kTagNameBytesMax);
  definition.type = static_cast<index::TagType>(in.U8());
  definition.scale = in.U8();
  definition.display_name = in.Text(index::kTagTextBytesMax);
  definition.path = in.Text(index::kTagTextBytesMax);
  definition.description = in.Text(index::kTagTextBytesMax);
  definition.owner = in.Text(index::kTagTextBytesMax);
  definition.sensitivity = in.U8();
  const uint8_t state = in.U8();
  definition.state = static_cast<index::TagState>(state & ~kHasFreshness);
  definition.values_max = in.Varint32();
  definition.generation = in.Varint32();
  definition.content_time_us = in.ZigZag();
  if ((state & kHasFreshness) != 0) {
    definition.freshness_s = in.Varint32();
    if (definition.freshness_s == 0) in.Fail();
  }
  if (in.ok() && (definition.id == 0 || definition.id >= kTagIdEnd || definition.generation == 0 ||
                  !index::Validate(definition).ok())) {
    in.Fail();
  }
  return definition;
}

void WriteIdType(const index::IdTypeDefinition& definition, ByteWriter& out) {
  out.Varint(definition.id);
  out.Text(definition.name);
  out.Text(definition.display_name);
  out.Varint(definition.normalizers.size());
  for (const index::IdNormalizer normalizer : definition.normalizers) {
    out.U8(static_cast<uint8_t>(normalizer));
  }
}

index::IdTypeDefinition ReadIdType(ByteReader& in) {
  index::IdTypeDefinition definition;
  definition.id = static_cast<uint32_t>(in.Varint(index::kIdTypesMax));
  definition.name = in.Text(index::kTagNameBytesMax);
  definition.display_name = in.Text(index::kTagTextBytesMax);
  const size_t count = in.Varint(index::kIdNormalizersMax);
  for (size_t i = 0; i < count && in.ok(); ++i) {
    definition.normalizers.push_back(static_cast<index::IdNormalizer>(in.U8()));
  }
  if (in.ok() && (definition.id == 0 || !index::Validate(definition).ok())) in.Fail();
  return definition;
}

std::string EncodePopulation(const Population& population) {
  ByteWriter out;
  out.Varint(population.id);
  out.Text(population.name);
  out.Text(population.display_name);
  out.Text(population.primary_id_type);
  return out.Take();
}

absl::StatusOr<Population> DecodePopulation(std::string_view payload) {
  ByteReader in(payload);
  Population population;
  population.id = in.Varint32();
  population.name = ReadUtf8(kPopulationTextMax, in);
  population.display_name = ReadUtf8(kPopulationTextMax, in);
  population.primary_id_type = ReadUtf8(kPopulationTextMax, in);
  if (!in.Done() || population.id == 0) return Undecodable("population");
  return population;
}

std::string EncodeBase(const StoredBase& base) {
  ByteWriter out;
  out.Varint(base.version);
  out.Varint(base.id_count);
  out.Varint(base.tag_count);
  WriteStamps(base.universe_stamps, out);
  if (base.format() == 1) return out.Take();
  out.Varint(base.id_types.size());
  for (size_t i = 0; i < base.id_types.size(); ++i) {
    WriteIdType(base.id_types[i], out);
    out.Varint(base.linked_counts[i]);
  }
  out.Varint(base.ledger_end);
  if (base.format() == 2) return out.Take();
  out.Varint(base.next_crowd_id);
  out.Varint(base.crowd_count);
  return out.Take();
}

absl::StatusOr<StoredBase> DecodeBase(std::string_view payload) {
  ByteReader in(payload);
  StoredBase base;
  base.version = in.Varint();
  base.id_count = static_cast<uint32_t>(in.Varint(index::kOrdinalsMax));
  base.tag_count = in.Varint32();
  base.universe_stamps = ReadStamps(in);
  if (in.ok() && in.remaining() > 0) {
    const size_t count = in.Varint(index::kIdTypesMax);
    for (size_t i = 0; i < count && in.ok(); ++i) {
      base.id_types.push_back(ReadIdType(in));
      if (base.id_types.back().id != i + 1) in.Fail();
      base.linked_counts.push_back(static_cast<uint32_t>(in.Varint(index::kOrdinalsMax)));
    }
    base.ledger_end = in.Varint();
    const bool has_crowds = in.ok() && in.remaining() > 0;
    if (has_crowds) {
      base.next_crowd_id = in.Varint32();
      base.crowd_count = static_cast<uint32_t>(in.Varint(index::kCrowdsMax));
      if (base.next_crowd_id <= base.crowd_count) in.Fail();
    }
    if (base.format() == 1 || has_crowds != (base.format() == 3)) in.Fail();
  }
  if (!in.Done()) return Undecodable("base");
  return base;
}

std::string EncodeTag(const StoredTag& tag) {
  ByteWriter out;
  WriteDefinition(tag.definition, out);
  out.Varint(tag.value_count);
  WriteStamps(tag.stamps, out);
  return out.Take();
}

absl::StatusOr<StoredTag> DecodeTag(std::string_view payload) {
  ByteReader in(payload);
  StoredTag tag;
  tag.definition = ReadDefinition(in);
  tag.value_count = static_cast<uint32_t>(in.Varint(index::kTagValuesMax));
  tag.stamps = ReadStamps(in);
  if (!in.Done()) return Undecodable("tag");
  return tag;
}

std::string EncodeRequest(const StoredRequest& request) {
  ByteWriter out;
  out.ZigZag(request.time_us);
  out.Fixed64(request.payload_hash);
  out.Text(request.response);
  return out.Take();
}

absl::StatusOr<StoredRequest> DecodeRequest(std::string_view payload) {
  ByteReader in(payload);
  StoredRequest request;
  request.time_us = in.ZigZag();
  request.payload_hash = in.Fixed64();
  request.response = in.Text(kResponseBytesMax);
  if (!in.Done()) return Undecodable("request");
  return request;
}

std::string EncodeValues(const index::ValueDictionary& values, uint32_t chunk) {
  const uint32_t first = chunk * kValuesPerChunk;
  const uint32_t count = std::min(kValuesPerChunk, values.size() - first);
  ByteWriter out;
  out.Varint(count);
  for (uint32_t i = 0; i < count; ++i) out.Text(values.value(first + i));
  return out.Take();
}

uint8_t ValuesFormat(const index::ValueDictionary& values, uint32_t chunk) {
  const uint32_t first = chunk * kValuesPerChunk;
  const uint32_t end = std::min(first + kValuesPerChunk, values.size());
  for (uint32_t code = first; code < end; ++code) {
    if (values.value(code).empty()) return 2;
  }
  return 1;
}

absl::StatusOr<std::vector<std::string>> DecodeValues(std::string_view payload) {
  ByteReader in(payload);
  const size_t count = in.Count(1);
  if (count > kValuesPerChunk) in.Fail();
  std::vector<std::string> values;
  values.reserve(in.ok() ? count : 0);
  for (size_t i = 0; i < count && in.ok(); ++i) {
    values.push_back(ReadUtf8(index::kTagValueBytesMax, in));
  }
  if (!in.Done()) return Undecodable("values");
  return values;
}

}  // namespace throng::storage
