#include "storage/digest.h"

#include <memory>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/chunk_ops.h"
#include "storage/catalogue_codec.h"
#include "storage/codec.h"
#include "storage/crowd_codec.h"

#define XXH_INLINE_ALL
#include "xxhash.h"

namespace throng::storage {

struct Digest::State {
  XXH3_state_t xxh;
};

Digest::Digest() : state_(std::make_unique<State>()) { XXH3_128bits_reset(&state_->xxh); }
Digest::~Digest() = default;

void Digest::Add(std::string_view bytes) {
  XXH3_128bits_update(&state_->xxh, bytes.data(), bytes.size());
}

void Digest::AddNumber(uint64_t number) {
  ByteWriter out;
  out.Fixed64(number);
  Add(out.bytes());
}

void Digest::AddText(std::string_view text) {
  AddNumber(text.size());
  Add(text);
}

std::string Digest::Hex() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(&state_->xxh);
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

namespace {

using index::ChunkSet;
using index::TagShard;

// What a thread needs to unpack a chunk.
struct Workspace {
  index::ChunkScratch scratch;
  index::ChunkWords words;
  index::ColumnChunk column;
  std::vector<uint16_t> offsets = std::vector<uint16_t>(index::kArrayMax);
};

std::string_view Bytes(const void* data, size_t bytes) {
  return {static_cast<const char*>(data), bytes};
}

// One form for each set, whatever its block: offsets (u16) up to 4,096 members, else 1,024 words.
// As the machine stores them: little-endian, as RocksDB's files and ours are.
void AddSet(const ChunkSet& set, Workspace& workspace, Digest& digest) {
  digest.AddNumber(set.cardinality);
  if (set.cardinality <= index::kArrayMax) {
    const uint32_t size = index::ToArray(set, workspace.offsets.data());
    digest.Add(Bytes(workspace.offsets.data(), size * sizeof(uint16_t)));
  } else {
    index::CopyTo(set, workspace.words.words);
    digest.Add(Bytes(workspace.words.words, sizeof(workspace.words.words)));
  }
}

void AddBitmap(uint32_t code, const index::BitmapShardRef& bitmap, Workspace& workspace,
               Digest& digest) {
  if (!bitmap) return;
  digest.AddNumber(code);
  for (uint32_t chunk = 0; chunk < index::kChunksPerShard; ++chunk) {
    const ChunkSet set = index::Load(bitmap, chunk, workspace.scratch);
    if (set.empty()) continue;
    digest.AddNumber(chunk);
    AddSet(set, workspace, digest);
  }
}

void AddColumn(const index::ColumnShard& column, Workspace& workspace, Digest& digest) {
  std::vector<int64_t> numbers;
  for (uint32_t chunk = 0; chunk < index::kChunksPerShard; ++chunk) {
    std::fill(std::begin(workspace.column.present), std::end(workspace.column.present), 0);
    column.Decode(chunk, &workspace.column);
    const ChunkSet set = index::ViewOf(workspace.column.present);
    if (set.empty()) continue;
    digest.AddNumber(chunk);
    AddSet(set, workspace, digest);
    numbers.clear();
    index::ForEach(set,
                   [&](uint32_t offset) { numbers.push_back(workspace.column.values[offset]); });
    digest.Add(Bytes(numbers.data(), numbers.size() * sizeof(int64_t)));
  }
}

// Empty for a shard that nobody is in, so that it does not matter whether it is there.
std::string ShardDigest(index::TagType type, const TagShard* shard, Workspace& workspace) {
  if (shard == nullptr) return {};
  Digest digest;
  bool has_members = false;
  if (index::IsNumeric(type)) {
    has_members = shard->column != nullptr && index::Cardinality(shard->exists) > 0;
    if (has_members) AddColumn(*shard->column, workspace, digest);
  } else {
    for (uint32_t code = 0; code < shard->values.size(); ++code) {
      has_members = has_members || shard->values[code];
      AddBitmap(code, shard->values[code], workspace, digest);
    }
  }
  return has_members ? digest.Hex() : std::string();
}

// Primary ids, then of each declared type the links in order; what is erased has an empty id.
std::string IdsDigest(const index::Snapshot& snapshot) {
  Digest digest;
  const index::IdDictionary& ids = snapshot.ids();
  for (uint32_t ordinal = 0; ordinal < ids.size(); ++ordinal) digest.AddText(ids.text(ordinal));
  const auto& linked = snapshot.identity().linked;
  for (uint32_t type = 0; type < linked.size(); ++type) {
    if (linked[type] == nullptr) continue;
    const index::LinkedIds& links = *linked[type];
    digest.AddNumber(type + 1);
    for (uint32_t entry = 0; entry < links.entry_count(); ++entry) {
      digest.AddText(links.ids().text(entry));
      if (!links.ids().erased(entry)) digest.AddNumber(links.owner(entry));
    }
  }
  return digest.Hex();
}

std::string TagDigest(const index::TagEntry* entry, const std::vector<std::string>& shards) {
  Digest digest;
  if (entry != nullptr) {
    ByteWriter definition;
    WriteDefinition(entry->definition, definition);
    digest.AddText(definition.bytes());
    digest.AddNumber(entry->values->size());
    for (uint32_t code = 0; code < entry->values->size(); ++code) {
      digest.AddText(entry->values->value(code));
    }
  }
  for (uint32_t i = 0; i < shards.size(); ++i) {
    if (shards[i].empty()) continue;
    digest.AddNumber(i);
    digest.Add(shards[i]);
  }
  return digest.Hex();
}

std::string CrowdDigest(const index::CrowdEntry& entry, Workspace& workspace) {
  Digest digest;
  digest.AddText(EncodeCrowd({.definition = *entry.definition, .versions = *entry.versions}));
  if (entry.last_set == nullptr) return digest.Hex();
  for (uint32_t chunk = 0; chunk < entry.last_set->chunk_count(); ++chunk) {
    const ChunkSet set = entry.last_set->chunk(chunk);
    if (set.empty()) continue;
    digest.AddNumber(chunk);
    AddSet(set, workspace, digest);
  }
  return digest.Hex();
}

// By name, in parallel.
std::map<std::string, std::string> CrowdDigests(
    const index::Snapshot& snapshot, index::Parallel& parallel,
    const std::vector<std::unique_ptr<Workspace>>& workspaces) {
  std::vector<const index::CrowdEntry*> entries;
  for (const auto& [name, entry] : snapshot.crowds().by_name()) entries.push_back(entry.get());
  std::vector<std::string> digests(entries.size());
  parallel.For(static_cast<uint32_t>(entries.size()), [&](uint32_t i, uint32_t worker) {
    digests[i] = CrowdDigest(*entries[i], *workspaces[worker]);
  });
  std::map<std::string, std::string> by_name;
  for (size_t i = 0; i < entries.size(); ++i) {
    by_name[entries[i]->definition->name] = std::move(digests[i]);
  }
  return by_name;
}

}  // namespace

PopulationDigest DigestOf(const Population& population, const index::Snapshot& snapshot,
                          index::Parallel& parallel) {
  struct Work {
    uint32_t tag = 0;
    uint32_t shard = 0;
    index::TagType type = index::TagType::kFlag;
    std::string digest;
  };
  std::vector<Work> work;
  for (uint32_t tag = 0; tag < snapshot.contents().size(); ++tag) {
    const index::TagEntry* entry = snapshot.catalogue().FindById(tag);
    if (snapshot.content(tag) == nullptr || (tag != index::kUniverseTag && entry == nullptr)) {
      continue;
    }
    for (uint32_t i = 0; i < snapshot.content(tag)->shards.size(); ++i) {
      work.push_back({.tag = tag,
                      .shard = i,
                      .type = entry == nullptr ? index::TagType::kFlag : entry->definition.type});
    }
  }
  std::vector<std::unique_ptr<Workspace>> workspaces(parallel.threads());
  for (auto& workspace : workspaces) workspace = std::make_unique<Workspace>();
  parallel.For(static_cast<uint32_t>(work.size()), [&](uint32_t i, uint32_t worker) {
    work[i].digest =
        ShardDigest(work[i].type, snapshot.shard(work[i].tag, work[i].shard), *workspaces[worker]);
  });
  std::map<uint32_t, std::vector<std::string>> shards;  // by tag
  for (Work& done : work) shards[done.tag].push_back(std::move(done.digest));
  PopulationDigest digest{.id = population.id,
                          .name = population.name,
                          .data_version = snapshot.data_version(),
                          .user_count = snapshot.user_count(),
                          .ids = IdsDigest(snapshot),
                          .universe = TagDigest(nullptr, shards[index::kUniverseTag]),
                          .crowds = CrowdDigests(snapshot, parallel, workspaces)};
  for (const auto& [name, entry] : snapshot.catalogue().by_name()) {
    digest.tags[name] = TagDigest(entry.get(), shards[entry->definition.id]);
  }
  return digest;
}

}  // namespace throng::storage
