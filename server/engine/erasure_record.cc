#include "server/engine/erasure_record.h"

#include <map>
#include <optional>
#include <utility>

namespace throng::engine {
namespace {

bool HasTag(const index::TagShard& shard, index::TagType type, uint32_t offset) {
  const index::BitmapShardRef& having =
      type == index::TagType::kFlag ? shard.values[0] : shard.exists;
  return index::Contains(having, offset);
}

// Adds, by code, how many of the users at `offsets` of a shard have the value.
void CountCodes(const index::TagShard& shard, index::TagType type,
                const std::vector<uint32_t>& offsets, std::map<uint32_t, uint64_t>* counts) {
  if (type == index::TagType::kCategory) {
    for (const uint32_t offset : offsets) {
      const std::optional<int64_t> code = shard.column->Get(offset);
      if (code.has_value()) ++(*counts)[static_cast<uint32_t>(*code)];
    }
    return;
  }
  for (uint32_t code = 0; code < shard.values.size(); ++code) {
    const index::BitmapShardRef& bitmap = shard.values[code];
    if (!bitmap) continue;
    for (const uint32_t offset : offsets) {
      if (bitmap->Contains(offset)) ++(*counts)[code];
    }
  }
}

// The values that nobody has once the users `having` have lost the tag.
std::vector<uint32_t> LastCodes(const index::TagContent& content, index::TagType type,
                                const std::vector<uint32_t>& having) {
  std::map<uint32_t, uint64_t> counts;
  for (size_t i = 0; i < having.size();) {
    const uint32_t shard = having[i] >> index::kShardBits;
    std::vector<uint32_t> offsets;
    for (; i < having.size() && having[i] >> index::kShardBits == shard; ++i) {
      offsets.push_back(having[i] & index::kShardMask);
    }
    CountCodes(*content.shard(shard), type, offsets, &counts);
  }
  std::vector<uint32_t> last;
  for (const auto& [code, count] : counts) {
    if (content.ValueCardinality(code) == count) last.push_back(code);
  }
  return last;
}

}  // namespace

index::TagChange ClearedTag(uint32_t tag, index::TagType type, std::vector<uint32_t> ordinals) {
  const size_t count = ordinals.size();
  index::TagChange change{.tag = tag, .ordinals = std::move(ordinals)};
  if (type == index::TagType::kLabels) {
    change.label_ends.assign(count, 0);
    change.replaced.assign(count, true);
  } else {
    change.cells.assign(count, 0);
    change.cleared.assign(count, true);
  }
  return change;
}

std::vector<uint32_t> FillErasure(const index::Snapshot& newest,
                                  const std::vector<uint32_t>& ordinals,
                                  const index::CatalogueView& view, index::CommitRecord* record) {
  std::vector<uint32_t> tags_cleared(ordinals.size(), 0);
  for (const auto& [name, entry] : newest.catalogue().by_name()) {
    const index::TagDefinition& tag = entry->definition;
    const index::TagContent* content = newest.content(tag.id);
    if (content == nullptr) continue;
    const bool is_visible = view.Find(name) != nullptr;
    std::vector<uint32_t> having;
    for (size_t i = 0; i < ordinals.size(); ++i) {
      const index::TagShard* shard = content->shard(ordinals[i] >> index::kShardBits);
      if (shard == nullptr || !HasTag(*shard, tag.type, ordinals[i] & index::kShardMask)) continue;
      having.push_back(ordinals[i]);
      if (is_visible) ++tags_cleared[i];
    }
    if (having.empty()) continue;
    if (index::HasDictionary(tag.type)) {
      std::vector<uint32_t> codes = LastCodes(*content, tag.type, having);
      if (!codes.empty()) {
        record->dropped_values.push_back({.tag = tag.id, .codes = std::move(codes)});
      }
    }
    record->tag_changes.push_back(ClearedTag(tag.id, tag.type, std::move(having)));
  }
  record->erased_users = ordinals;
  return tags_cleared;
}

}  // namespace throng::engine
