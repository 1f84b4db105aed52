#include "storage/snapshot_check.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/chunk_ops.h"

namespace throng::storage {
namespace {

using index::BitmapShardRef;
using index::ChunkSet;
using index::Snapshot;
using index::TagShard;
using index::TagType;
using Report = std::function<void(const Contradiction&)>;

// What a worker needs to look at a chunk.
struct Workspace {
  index::ChunkScratch scratch;
  index::ChunkWords united;
  index::ChunkWords other;
  index::ColumnChunk column;
};

// How many users of a shard contradict, by the kind of contradiction.
struct Counts {
  uint64_t in_two_values = 0;
  uint64_t not_existing = 0;
  uint64_t exists_differs = 0;
  uint64_t column_differs = 0;
};

uint32_t CountDifference(const uint64_t* a, const uint64_t* b) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < index::kWordsPerChunk; ++i) {
    count += static_cast<uint32_t>(std::popcount(a[i] ^ b[i]));
  }
  return count;
}

// Compares the parts of one chunk of a tag's shard with one another.
class ChunkCheck {
 public:
  ChunkCheck(TagType type, const TagShard& shard, const TagShard* universe, Workspace& workspace)
      : type_(type), shard_(shard), universe_(universe), workspace_(workspace) {}

  void Run(uint32_t chunk, Counts* counts) {
    uint64_t* united = workspace_.united.words;
    const bool has_column = type_ == TagType::kCategory || index::IsNumeric(type_);
    DecodeColumn(chunk);
    if (index::IsNumeric(type_)) {
      std::memcpy(united, workspace_.column.present, sizeof(workspace_.united.words));
    } else {
      const uint64_t members = UniteValues(chunk, counts);
      const uint32_t users = index::CountBits(united);
      if (type_ == TagType::kCategory) counts->in_two_values += members - users;
    }
    if (type_ == TagType::kCategory && has_column) {
      counts->column_differs += CountDifference(united, workspace_.column.present);
    }
    if (type_ != TagType::kFlag) {
      index::CopyTo(index::Load(shard_.exists, chunk, workspace_.scratch), workspace_.other.words);
      counts->exists_differs += CountDifference(united, workspace_.other.words);
    }
    if (universe_ != nullptr) {
      index::SubtractFrom(index::Load(universe_->values[0], chunk, workspace_.scratch), united);
    }
    counts->not_existing += index::CountBits(united);
  }

 private:
  void DecodeColumn(uint32_t chunk) {
    std::memset(workspace_.column.present, 0, sizeof(workspace_.column.present));
    if (shard_.column != nullptr) shard_.column->Decode(chunk, &workspace_.column);
  }

  // The union of all values, and the sum of their members.
  uint64_t UniteValues(uint32_t chunk, Counts* counts) {
    uint64_t* united = workspace_.united.words;
    std::memset(united, 0, sizeof(workspace_.united.words));
    uint64_t members = 0;
    for (size_t code = 0; code < shard_.values.size(); ++code) {
      const ChunkSet set = index::Load(shard_.values[code], chunk, workspace_.scratch);
      if (set.empty()) continue;
      members += set.cardinality;
      index::UniteInto(set, united);
      if (type_ != TagType::kCategory) continue;
      index::ForEach(set, [&](uint32_t offset) {
        const bool agrees = !workspace_.column.Has(offset) ||
                            workspace_.column.values[offset] == static_cast<int64_t>(code);
        counts->column_differs += agrees ? 0 : 1;
      });
    }
    return members;
  }

  const TagType type_;
  const TagShard& shard_;
  const TagShard* universe_;
  Workspace& workspace_;
};

void ReportCounts(uint32_t tag, uint32_t shard, const Counts& counts, const Report& report) {
  const auto say = [&](uint64_t count, std::string_view what) {
    if (count == 0) return;
    report({.where = fmt::format("tag {}, shard {}: {}", tag, shard, what),
            .what = fmt::format("{} users", count),
            .tag = tag});
  };
  say(counts.in_two_values, "in two values of a CATEGORY");
  say(counts.not_existing, "users that do not exist");
  say(counts.exists_differs, "who has a value differs from the values");
  say(counts.column_differs, "the column of codes differs from the values");
}

void CheckShard(const Snapshot& snapshot, uint32_t tag, uint32_t i, Workspace& workspace,
                const Report& report) {
  const TagShard* shard = snapshot.shard(tag, i);
  const TagShard* universe = snapshot.shard(index::kUniverseTag, i);
  const index::TagEntry* entry = snapshot.catalogue().FindById(tag);
  if (shard == nullptr || entry == nullptr) return;
  Counts counts;
  ChunkCheck check(entry->definition.type, *shard, universe, workspace);
  for (uint32_t chunk = 0; chunk < index::kChunksPerShard; ++chunk) check.Run(chunk, &counts);
  ReportCounts(tag, i, counts, report);
}

// Users of the universe must have ids.
void CheckUniverse(const Snapshot& snapshot, Workspace& workspace, const Report& report) {
  for (uint32_t i = 0; i < snapshot.shard_count(); ++i) {
    const TagShard* shard = snapshot.shard(index::kUniverseTag, i);
    if (shard == nullptr) continue;
    uint64_t beyond = 0;
    for (uint32_t chunk = 0; chunk < index::kChunksPerShard; ++chunk) {
      const uint64_t first = (uint64_t{i} << index::kShardBits) + (chunk << index::kChunkBits);
      index::ForEach(index::Load(shard->values[0], chunk, workspace.scratch), [&](uint32_t offset) {
        const bool has_id = first + offset < snapshot.ordinal_end() &&
                            !snapshot.ids().erased(static_cast<uint32_t>(first + offset));
        beyond += has_id ? 0 : 1;
      });
    }
    if (beyond == 0) continue;
    report({.where = fmt::format("universe, shard {}", i),
            .what = fmt::format("{} users have no id", beyond)});
  }
}

void CheckIds(const Snapshot& snapshot, uint32_t chunk, const Report& report) {
  const index::IdDictionary& ids = snapshot.ids();
  const uint32_t first = chunk << index::kChunkBits;
  const uint32_t end = std::min(ids.size(), first + index::kChunkSize);
  uint32_t twice = 0;
  for (uint32_t ordinal = first; ordinal < end; ++ordinal) {
    if (ids.erased(ordinal)) continue;
    const std::string text = ids.text(ordinal);
    twice += ids.Find(index::MakeIdKey(text)) == ordinal ? 0 : 1;
  }
  if (twice == 0) return;
  report({.where = fmt::format("ids: chunk {}", chunk),
          .what = fmt::format("{} ids belong to another user as well", twice)});
}

// An id of a declared type belongs to one user, who exists.
void CheckLinkedIds(const Snapshot& snapshot, uint32_t id_type, const Report& report) {
  const index::LinkedIds* linked = snapshot.linked_ids(id_type);
  if (linked == nullptr) return;
  uint32_t twice = 0;
  uint32_t nobodys = 0;
  for (uint32_t entry = 0; entry < linked->entry_count(); ++entry) {
    if (linked->ids().erased(entry)) continue;
    const std::string text = linked->ids().text(entry);
    const uint32_t owner = linked->owner(entry);
    twice += linked->ids().Find(index::MakeIdKey(text)) == entry ? 0 : 1;
    const bool exists = owner < snapshot.ordinal_end() && !snapshot.ids().erased(owner);
    nobodys += exists ? 0 : 1;
  }
  if (twice + nobodys == 0) return;
  report({.where = fmt::format("ids of type {}", id_type),
          .what = fmt::format("{} belong to another user as well, {} to nobody", twice, nobodys)});
}

void CheckDictionary(const index::TagEntry& entry, const Report& report) {
  if (!index::HasDictionary(entry.definition.type)) return;
  uint32_t twice = 0;
  for (uint32_t code = 0; code < entry.values->size(); ++code) {
    const std::string& text = entry.values->value(code);
    if (text.empty()) continue;  // dropped
    twice += entry.values->Find(text) == code ? 0 : 1;
  }
  if (twice == 0) return;
  report({.where = fmt::format("values of tag {}", entry.definition.id),
          .what = fmt::format("{} values stand twice", twice),
          .tag = entry.definition.id});
}

}  // namespace

void CheckSnapshot(const Snapshot& snapshot, index::Parallel& parallel, const Report& report) {
  std::vector<std::unique_ptr<Workspace>> workspaces(parallel.threads());
  for (auto& workspace : workspaces) workspace = std::make_unique<Workspace>();
  CheckUniverse(snapshot, *workspaces[0], report);
  for (const auto& [name, entry] : snapshot.catalogue().by_name()) CheckDictionary(*entry, report);
  for (const index::IdTypeDefinition& type : snapshot.catalogue().id_types()) {
    CheckLinkedIds(snapshot, type.id, report);
  }
  const uint32_t chunks = (snapshot.ordinal_end() + index::kChunkSize - 1) >> index::kChunkBits;
  parallel.For(chunks, [&](uint32_t chunk, uint32_t) { CheckIds(snapshot, chunk, report); });
  std::vector<std::pair<uint32_t, uint32_t>> work;  // tag and shard
  for (uint32_t tag = 1; tag < snapshot.contents().size(); ++tag) {
    if (snapshot.content(tag) == nullptr) continue;
    for (uint32_t i = 0; i < snapshot.content(tag)->shards.size(); ++i) work.emplace_back(tag, i);
  }
  parallel.For(static_cast<uint32_t>(work.size()), [&](uint32_t i, uint32_t worker) {
    CheckShard(snapshot, work[i].first, work[i].second, *workspaces[worker], report);
  });
}

}  // namespace throng::storage
