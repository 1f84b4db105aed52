#include "server/engine/value_text.h"

#include <algorithm>
#include <memory>
#include <numeric>

#include "index/chunk_ops.h"
#include "query/decimal_literal.h"
#include "query/iso_time.h"

namespace throng::engine {
namespace {

using index::TagType;

std::vector<std::string> LabelsOf(const index::TagShard& shard, const index::TagEntry& entry,
                                  uint32_t offset) {
  std::vector<std::string> labels;
  for (uint32_t code = 0; code < entry.values->size(); ++code) {
    if (index::Contains(shard.values[code], offset)) labels.push_back(entry.values->value(code));
  }
  std::sort(labels.begin(), labels.end());
  return labels;
}

void AppendEscaped(const std::string& label, std::string* text) {
  if (!text->empty()) *text += '|';
  for (const char c : label) {
    if (c == '|' || c == '\\') *text += '\\';
    *text += c;
  }
}

}  // namespace

std::optional<TagValue> ReadValue(const index::Snapshot& snapshot, const index::TagEntry& entry,
                                  uint32_t ordinal) {
  const index::TagShard* shard = snapshot.shard(entry.definition.id, ordinal >> index::kShardBits);
  if (shard == nullptr) return std::nullopt;
  const uint32_t offset = ordinal & index::kShardMask;
  if (entry.definition.type == TagType::kFlag) {
    if (!index::Contains(shard->values[0], offset)) return std::nullopt;
    return TagValue(true);
  }
  if (!index::Contains(shard->exists, offset)) return std::nullopt;
  if (entry.definition.type == TagType::kLabels) return LabelsOf(*shard, entry, offset);
  const std::optional<int64_t> number =
      shard->column == nullptr ? std::nullopt : shard->column->Get(offset);
  if (!number.has_value()) return std::nullopt;
  if (entry.definition.type != TagType::kCategory) return TagValue(*number);
  return std::vector<std::string>{entry.values->value(static_cast<uint32_t>(*number))};
}

std::string NumberText(const index::TagDefinition& definition, int64_t number) {
  switch (definition.type) {
    case TagType::kDecimal:
      return query::FormatDecimal({.units = number, .scale = definition.scale});
    case TagType::kDate:
      return query::FormatIsoDate(absl::CivilDay(1970, 1, 1) + number);
    case TagType::kDateTime:
      return query::FormatIsoTimestamp(number);
    case TagType::kFlag:
    case TagType::kCategory:
    case TagType::kLabels:
    case TagType::kInteger:
      break;
  }
  return std::to_string(number);
}

TagTextReader::TagTextReader(const index::Snapshot& snapshot, const index::TagEntry& entry)
    : snapshot_(snapshot), entry_(entry) {
  if (entry.definition.type != TagType::kLabels) return;
  codes_.resize(entry.values->size());
  std::iota(codes_.begin(), codes_.end(), 0);
  std::sort(codes_.begin(), codes_.end(), [&](uint32_t a, uint32_t b) {
    return entry.values->value(a) < entry.values->value(b);
  });
}

void TagTextReader::AppendTexts(uint32_t chunk, std::span<const uint16_t> offsets,
                                std::vector<std::string>* texts) const {
  const index::TagDefinition& tag = entry_.definition;
  const size_t first = texts->size();
  texts->resize(first + offsets.size(), tag.type == TagType::kFlag ? "false" : "");
  const std::span<std::string> out = std::span(*texts).subspan(first);
  const index::TagShard* shard = snapshot_.shard(tag.id, chunk / index::kChunksPerShard);
  if (shard == nullptr) return;
  if (tag.type == TagType::kLabels) {
    AppendLabels(*shard, chunk % index::kChunksPerShard, offsets, out);
    return;
  }
  const uint32_t chunk_begin = (chunk % index::kChunksPerShard) << index::kChunkBits;
  for (size_t i = 0; i < offsets.size(); ++i) {
    const uint32_t offset = chunk_begin | offsets[i];
    if (tag.type == TagType::kFlag) {
      if (index::Contains(shard->values[0], offset)) out[i] = "true";
      continue;
    }
    if (shard->column == nullptr) continue;
    const std::optional<int64_t> number = shard->column->Get(offset);
    if (!number.has_value()) continue;
    out[i] = tag.type == TagType::kCategory ? entry_.values->value(static_cast<uint32_t>(*number))
                                            : NumberText(tag, *number);
  }
}

// One label at a time: each bitmap is read once for all users.
void TagTextReader::AppendLabels(const index::TagShard& shard, uint32_t chunk,
                                 std::span<const uint16_t> offsets,
                                 std::span<std::string> texts) const {
  const index::ChunkSet users =
      index::ChunkSet::Array(offsets.data(), static_cast<uint32_t>(offsets.size()));
  const auto loaded = std::make_unique<index::ChunkScratch>();
  const auto both = std::make_unique<index::ChunkScratch>();
  for (const uint32_t code : codes_) {
    const index::BitmapShardRef& bitmap = shard.values[code];
    if (!bitmap || bitmap->ChunkCardinality(chunk) == 0) continue;
    size_t row = 0;
    index::ForEach(index::Intersect(users, bitmap->Load(chunk, *loaded), *both),
                   [&](uint32_t offset) {
                     while (offsets[row] != offset) ++row;
                     AppendEscaped(entry_.values->value(code), &texts[row]);
                   });
  }
}

}  // namespace throng::engine
