#include "tests/storage/snapshot_difference.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "fmt/format.h"
#include "index/chunk_ops.h"
#include "index/crowd_sets.h"

namespace throng::storage {
namespace {

using namespace index;  // NOLINT: this file speaks of nothing else

std::string CatalogueDifference(const Catalogue& a, const Catalogue& b) {
  if (a.by_name().size() != b.by_name().size()) {
    return fmt::format("{} tags, {} tags", a.by_name().size(), b.by_name().size());
  }
  for (const auto& [name, entry] : a.by_name()) {
    const TagEntry* other = b.Find(name);
    if (other == nullptr) return fmt::format("no tag {}", name);
    if (!(other->definition == entry->definition)) return fmt::format("definition of {}", name);
    if (b.FindById(entry->definition.id) != other) return fmt::format("id of {}", name);
    if (entry->values->size() != other->values->size()) return fmt::format("values of {}", name);
    for (uint32_t code = 0; code < entry->values->size(); ++code) {
      if (entry->values->value(code) != other->values->value(code)) {
        return fmt::format("value {} of {}", code, name);
      }
    }
  }
  return "";
}

std::string IdDifference(const IdDictionary& a, const IdDictionary& b) {
  if (a.size() != b.size()) return fmt::format("{} ids, {} ids", a.size(), b.size());
  for (uint32_t ordinal = 0; ordinal < a.size(); ++ordinal) {
    const std::string text = a.text(ordinal);
    if (text != b.text(ordinal)) return fmt::format("id {}", ordinal);
    if (a.erased(ordinal) != b.erased(ordinal)) return fmt::format("erasure of {}", ordinal);
    if (a.erased(ordinal)) continue;
    if (b.Find(MakeIdKey(text)) != ordinal) return fmt::format("id {} is not found", ordinal);
  }
  return "";
}

std::string IdentityDifference(const Snapshot& a, const Snapshot& b) {
  if (a.catalogue().id_types() != b.catalogue().id_types()) return "id types";
  if (a.identity().ledger_end != b.identity().ledger_end) return "the ledger's end";
  for (const IdTypeDefinition& type : a.catalogue().id_types()) {
    const LinkedIds none;
    const LinkedIds& left = a.linked_ids(type.id) == nullptr ? none : *a.linked_ids(type.id);
    const LinkedIds& right = b.linked_ids(type.id) == nullptr ? none : *b.linked_ids(type.id);
    const std::string difference = IdDifference(left.ids(), right.ids());
    if (!difference.empty()) return fmt::format("{}: {}", type.name, difference);
    if (left.id_count() != right.id_count()) return fmt::format("{}: ids", type.name);
    for (uint32_t ordinal = 0; ordinal < a.ordinal_end(); ++ordinal) {
      if (left.IdsOf(ordinal) == right.IdsOf(ordinal)) continue;
      return fmt::format("{}: ids of {}", type.name, ordinal);
    }
  }
  return "";
}

bool SameBitmap(const BitmapShardRef& a, const BitmapShardRef& b) {
  if (a == b) return true;
  if (Cardinality(a) != Cardinality(b)) return false;
  auto scratch = std::make_unique<ChunkScratch>();
  auto left = std::make_unique<ChunkWords>();
  auto right = std::make_unique<ChunkWords>();
  for (uint32_t chunk = 0; chunk < kChunksPerShard; ++chunk) {
    CopyTo(Load(a, chunk, *scratch), left->words);
    CopyTo(Load(b, chunk, *scratch), right->words);
    if (std::memcmp(left->words, right->words, sizeof(left->words)) != 0) return false;
  }
  return true;
}

bool SameColumn(const ColumnShardRef& a, const ColumnShardRef& b) {
  if (a == b) return true;
  auto left = std::make_unique<ColumnChunk>();
  auto right = std::make_unique<ColumnChunk>();
  for (uint32_t chunk = 0; chunk < kChunksPerShard; ++chunk) {
    std::memset(left.get(), 0, sizeof(ColumnChunk));
    std::memset(right.get(), 0, sizeof(ColumnChunk));
    if (a != nullptr) a->Decode(chunk, left.get());
    if (b != nullptr) b->Decode(chunk, right.get());
    for (uint32_t offset = 0; offset < kChunkSize; ++offset) {
      if (left->Has(offset) != right->Has(offset)) return false;
      if (left->Has(offset) && left->values[offset] != right->values[offset]) return false;
    }
  }
  return true;
}

std::string ShardDifference(const TagShard& a, const TagShard& b) {
  if (a.version != b.version) return fmt::format("version {}, {}", a.version, b.version);
  for (size_t code = 0; code < std::max(a.values.size(), b.values.size()); ++code) {
    if (!SameBitmap(a.values[code], b.values[code])) return fmt::format("value {}", code);
  }
  if (!SameBitmap(a.exists, b.exists)) return "exists";
  return SameColumn(a.column, b.column) ? "" : "column";
}

std::string CrowdDifference(const CrowdEntry& a, const CrowdEntry& b) {
  if (!(*a.definition == *b.definition)) return "definition";
  if (*a.versions != *b.versions) return "versions";
  if ((a.last_set == nullptr) != (b.last_set == nullptr)) return "only one has a set";
  if (a.last_set == nullptr) return "";
  const SetDifference difference = Compare(*a.last_set, *b.last_set);
  return difference.added + difference.removed == 0 ? "" : "users";
}

std::string CrowdsDifference(const CrowdCatalogue& a, const CrowdCatalogue& b) {
  if (a.next_id() != b.next_id()) return fmt::format("crowd ids {}, {}", a.next_id(), b.next_id());
  if (a.by_id().size() != b.by_id().size() || a.by_name().size() != b.by_name().size()) {
    return fmt::format("{} crowds, {} crowds", a.by_id().size(), b.by_id().size());
  }
  for (const auto& [id, entry] : a.by_id()) {
    const CrowdEntry* other = b.FindById(id);
    if (other == nullptr) return fmt::format("no crowd {}", id);
    const std::string difference = CrowdDifference(*entry, *other);
    if (!difference.empty()) return fmt::format("crowd {}: {}", id, difference);
    if (b.Find(entry->definition->name) != other) return fmt::format("the name of crowd {}", id);
  }
  return "";
}

}  // namespace

std::string SnapshotDifference(const Snapshot& a, const Snapshot& b) {
  if (a.data_version() != b.data_version()) {
    return fmt::format("version {}, version {}", a.data_version(), b.data_version());
  }
  std::string difference = CatalogueDifference(a.catalogue(), b.catalogue());
  if (difference.empty()) difference = IdDifference(a.ids(), b.ids());
  if (difference.empty()) difference = IdentityDifference(a, b);
  if (difference.empty()) difference = CrowdsDifference(a.crowds(), b.crowds());
  if (!difference.empty()) return difference;
  for (uint32_t tag = 0; tag < std::max(a.contents().size(), b.contents().size()); ++tag) {
    for (uint32_t i = 0; i < a.shard_count(); ++i) {
      const TagShard* left = a.shard(tag, i);
      const TagShard* right = b.shard(tag, i);
      if ((left == nullptr) != (right == nullptr)) {
        return fmt::format("tag {}, shard {}: only one has it", tag, i);
      }
      if (left == nullptr) continue;
      difference = ShardDifference(*left, *right);
      if (!difference.empty()) return fmt::format("tag {}, shard {}: {}", tag, i, difference);
    }
  }
  return "";
}

}  // namespace throng::storage
