#include "index/memory_use.h"

#include "index/snapshot.h"

namespace throng::index {
namespace {

void AddBitmap(const BitmapShardRef& bitmap, const BitmapShardRef& beside, BitmapMemory* memory) {
  if (bitmap && bitmap != beside) bitmap->AddMemory(beside.get(), memory);
}

using Values = PagedVector<BitmapShardRef>;

// The pack of the page that begins with the value `first`: there is one at most.
const void* PackOf(const Values& values, size_t first) {
  for (size_t code = first; code < std::min(first + Values::kPageSize, values.size()); ++code) {
    if (values[code] && values[code]->pack() != nullptr) return values[code]->pack();
  }
  return nullptr;
}

// A pack is counted whole, with what stands in it for values that have changed since: beside what
// its shards take themselves, as overhead.
void AddPage(const Values& values, const Values& beside, size_t first, BitmapMemory* memory) {
  const void* pack = nullptr;
  const void* shared = PackOf(beside, first);
  for (size_t code = first; code < std::min(first + Values::kPageSize, values.size()); ++code) {
    const BitmapShardRef& bitmap = values[code];
    if (!bitmap || bitmap->pack() == nullptr) {
      AddBitmap(bitmap, beside[code], memory);
      continue;
    }
    if (bitmap->pack() == shared) continue;
    if (pack == nullptr) memory->overhead += HeapBytes(PackBytes(*bitmap));
    pack = bitmap->pack();
    bitmap->AddMemory(nullptr, memory);
    memory->overhead -= bitmap->small_bytes();
  }
}

void AddShard(const TagShard& shard, const TagShard& beside, bool has_codes, MemoryUse* use) {
  use->bitmaps.overhead += SharedBytes<TagShard>() + shard.values.memory_bytes(&beside.values);
  for (size_t first = 0; first < shard.values.size(); first += Values::kPageSize) {
    AddPage(shard.values, beside.values, first, &use->bitmaps);
  }
  AddBitmap(shard.exists, beside.exists, &use->bitmaps);
  if (shard.column == nullptr || shard.column == beside.column) return;
  const size_t blocks = shard.column->block_bytes(beside.column.get());
  (has_codes ? use->code_columns : use->number_columns) += blocks;
  use->column_deltas += shard.column->delta_bytes();
}

const TagContentRef& ContentOf(const Snapshot* snapshot, uint32_t tag) {
  static const TagContentRef kNone;
  if (snapshot == nullptr || tag >= snapshot->contents().size()) return kNone;
  return snapshot->contents()[tag];
}

size_t ValueBytes(const Snapshot& snapshot, uint32_t tag, const Snapshot* beside) {
  if (tag == kUniverseTag) return 0;
  const TagEntry* entry = snapshot.catalogue().FindById(tag);
  if (entry == nullptr) return 0;
  const TagEntry* other = beside == nullptr ? nullptr : beside->catalogue().FindById(tag);
  return entry->values->memory_bytes(other == nullptr ? nullptr : other->values.get());
}

}  // namespace

BitmapMemory& BitmapMemory::operator+=(const BitmapMemory& other) {
  arrays += other.arrays;
  bitsets += other.bitsets;
  runs += other.runs;
  full += other.full;
  small += other.small;
  deltas += other.deltas;
  overhead += other.overhead;
  return *this;
}

MemoryUse& MemoryUse::operator+=(const MemoryUse& other) {
  bitmaps += other.bitmaps;
  number_columns += other.number_columns;
  code_columns += other.code_columns;
  column_deltas += other.column_deltas;
  ids += other.ids;
  linked_ids += other.linked_ids;
  value_dictionaries += other.value_dictionaries;
  crowds += other.crowds;
  return *this;
}

MemoryUse MemoryOf(const Snapshot& snapshot, uint32_t tag, const Snapshot* beside) {
  static const TagShard kNone;
  MemoryUse use;
  use.value_dictionaries = ValueBytes(snapshot, tag, beside);
  const TagContentRef& content = ContentOf(&snapshot, tag);
  const TagContentRef& other = ContentOf(beside, tag);
  if (content == nullptr || content == other) return use;
  const TagEntry* entry = tag == kUniverseTag ? nullptr : snapshot.catalogue().FindById(tag);
  const bool has_codes = entry != nullptr && HasDictionary(entry->definition.type);
  use.bitmaps.overhead += SharedBytes<TagContent>() +
                          HeapBytes(content->shards.capacity() * sizeof(content->shards[0]));
  for (uint32_t s = 0; s < content->shards.size(); ++s) {
    const TagShard* shard = content->shard(s);
    const TagShard* old = other == nullptr ? nullptr : other->shard(s);
    if (shard == nullptr || shard == old) continue;
    AddShard(*shard, old == nullptr ? kNone : *old, has_codes, &use);
  }
  return use;
}

MemoryUse MemoryOf(const Snapshot& snapshot, const Snapshot* beside) {
  MemoryUse use;
  // A tag that was just defined has values, and no content yet.
  const auto tags =
      std::max(static_cast<uint32_t>(snapshot.contents().size()), snapshot.catalogue().next_id());
  for (uint32_t tag = 0; tag < tags; ++tag) use += MemoryOf(snapshot, tag, beside);
  use.ids = snapshot.ids().memory_bytes(beside == nullptr ? nullptr : &beside->ids());
  const auto id_types = static_cast<uint32_t>(snapshot.identity().linked.size());
  for (uint32_t type = 1; type <= id_types; ++type) {
    const LinkedIds* linked = snapshot.linked_ids(type);
    const LinkedIds* other = beside == nullptr ? nullptr : beside->linked_ids(type);
    if (linked != nullptr && linked != other) use.linked_ids += linked->memory_bytes(other);
  }
  for (const auto& [id, crowd] : snapshot.crowds().by_id()) {
    const CrowdEntry* other = beside == nullptr ? nullptr : beside->crowds().FindById(id);
    if (crowd->last_set == nullptr) continue;
    if (other == nullptr || other->last_set != crowd->last_set) {
      use.crowds += crowd->last_set->memory_bytes();
    }
  }
  return use;
}

}  // namespace throng::index
