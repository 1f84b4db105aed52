#include "storage/population_loader.h"

#include <algorithm>
#include <optional>

#include "fmt/format.h"
#include "index/error.h"
#include "index/mutex.h"
#include "index/shard_codec.h"
#include "storage/block_codec.h"
#include "storage/crowd_loader.h"
#include "storage/envelope.h"
#include "storage/id_codec.h"
#include "storage/identity_loader.h"
#include "storage/record_check.h"
#include "storage/rocks_status.h"

namespace throng::storage {
namespace {

using index::Snapshot;
using index::SnapshotRef;
using index::TagContent;
using index::TagContentRef;
using index::TagShard;
using index::TagShardRef;

std::string_view MessageOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

// A decoder's complaint with the key it is about.
absl::Status At(Family family, std::string_view key, const absl::Status& status) {
  return DamagedAt(family, key, MessageOf(status));
}

// The value of a key that must be there, without its envelope; `*buffer` holds the bytes.
absl::StatusOr<std::string_view> ReadPayload(const Database& database, Kind kind, Family family,
                                             const std::string& key, std::string* buffer) {
  absl::StatusOr<std::string> value = database.Get(family, key);
  if (absl::IsNotFound(value.status())) return DamagedAt(family, key, "it is missing");
  THRONG_RETURN_IF_ERROR(value.status());
  *buffer = *std::move(value);
  return Unseal(kind, family, key, *buffer);
}

// Collects the parts of a tag's shard and compares them with its header.
class ShardReader {
 public:
  explicit ShardReader(index::TagType type) : type_(type) {}

  absl::Status Add(std::string_view key, std::string_view value) {
    const std::optional<BlockKey> parsed = BlockKey::Parse(key);
    if (!parsed.has_value()) return DamagedAt(Family::kBlocks, key, "not a block's key");
    if (parsed->value == kHeaderValue) return AddHeader(key, value);
    if (parsed->value == kColumnValue) return AddColumn(key, value);
    THRONG_ASSIGN_OR_RETURN(const std::string_view payload,
                            Unseal(Kind::kBitmap, Family::kBlocks, key, value));
    absl::StatusOr<index::BitmapShardRef> bitmap = index::DecodeShard(payload);
    if (!bitmap.ok()) return At(Family::kBlocks, key, bitmap.status());
    found_.codes.push_back(parsed->value);
    found_.cardinalities.push_back(index::Cardinality(*bitmap));
    shard_->values.Set(parsed->value, *std::move(bitmap));
    return absl::OkStatus();
  }

  // The shard with all that is derived. `header_key` names it in errors.
  absl::StatusOr<TagShardRef> Finish(std::string_view header_key, uint64_t version_least) {
    if (!header_.has_value()) return DamagedAt(Family::kBlocks, header_key, "it is missing");
    if (header_->version < version_least) {
      return DamagedAt(Family::kBlocks, header_key,
                       fmt::format("it is of version {}, version {} belongs here", header_->version,
                                   version_least));
    }
    if (header_->is_column != IsColumn(type_)) {
      return DamagedAt(Family::kBlocks, header_key, "it is of another type of tag");
    }
    if (header_->codes != found_.codes || header_->cells != found_.cells) {
      return DamagedAt(Family::kBlocks, header_key, WhatDiffers());
    }
    for (size_t i = 0; i < found_.codes.size(); ++i) {
      if (header_->cardinalities[i] == found_.cardinalities[i]) continue;
      return DamagedAt(Family::kBlocks, header_key,
                       fmt::format("value {} has {} users, {} belong there", found_.codes[i],
                                   found_.cardinalities[i], header_->cardinalities[i]));
    }
    shard_->version = header_->version;
    index::Derive(type_, shard_.get());
    return TagShardRef(std::move(shard_));
  }

 private:
  absl::Status AddHeader(std::string_view key, std::string_view value) {
    THRONG_ASSIGN_OR_RETURN(const std::string_view payload,
                            Unseal(Kind::kShardHeader, Family::kBlocks, key, value));
    absl::StatusOr<ShardHeader> header = DecodeShardHeader(payload);
    if (!header.ok()) return At(Family::kBlocks, key, header.status());
    header_ = *std::move(header);
    return absl::OkStatus();
  }

  absl::Status AddColumn(std::string_view key, std::string_view value) {
    THRONG_ASSIGN_OR_RETURN(const std::string_view payload,
                            Unseal(Kind::kColumn, Family::kBlocks, key, value));
    absl::StatusOr<index::ColumnShardRef> column = DecodeColumn(payload, &found_.cells);
    if (!column.ok()) return At(Family::kBlocks, key, column.status());
    shard_->column = *std::move(column);
    return absl::OkStatus();
  }

  std::string WhatDiffers() const {
    if (header_->is_column) {
      return fmt::format("{} users have a number, {} belong there", found_.cells, header_->cells);
    }
    std::vector<uint32_t> differing;
    std::set_symmetric_difference(header_->codes.begin(), header_->codes.end(),
                                  found_.codes.begin(), found_.codes.end(),
                                  std::back_inserter(differing));
    if (differing.empty()) return "a column among bitmaps";
    const bool is_missing =
        std::binary_search(header_->codes.begin(), header_->codes.end(), differing.front());
    return fmt::format("value {} is {}", differing.front(),
                       is_missing ? "missing" : "there and does not belong there");
  }

  const index::TagType type_;
  std::shared_ptr<TagShard> shard_ = std::make_shared<TagShard>();
  std::optional<ShardHeader> header_;
  ShardHeader found_;
};

}  // namespace

absl::StatusOr<StoredBase> ReadBase(const Database& database, uint32_t population) {
  const std::string key = BaseKey(population);
  std::string buffer;
  THRONG_ASSIGN_OR_RETURN(const std::string_view payload,
                          ReadPayload(database, Kind::kBase, Family::kMeta, key, &buffer));
  absl::StatusOr<StoredBase> base = DecodeBase(payload);
  return base.ok() ? base : At(Family::kMeta, key, base.status());
}

PopulationLoader::PopulationLoader(const Database& database, uint32_t population,
                                   index::Parallel& parallel, const Progress& progress,
                                   Findings* damage)
    : database_(database),
      population_(population),
      parallel_(parallel),
      progress_(progress),
      damage_(damage) {
  const KeyRange range = PopulationRange(population);
  id_bytes_ = database.ApproximateBytes(Family::kIds, range);
  block_bytes_ = database.ApproximateBytes(Family::kBlocks, range);
  log_bytes_ = database.ApproximateBytes(Family::kLog, range);
}

absl::Status PopulationLoader::Tolerate(const absl::Status& status, uint32_t tag) {
  if (status.ok() || damage_ == nullptr) return status;
  is_complete_ = false;
  damage_->Add(FindingOf(status, population_, tag));
  return absl::OkStatus();
}

void PopulationLoader::Report(uint64_t done, uint64_t total, uint64_t bytes_before,
                              uint64_t part_bytes) const {
  if (!progress_) return;
  const double share = total == 0 ? 1 : static_cast<double>(done) / static_cast<double>(total);
  const auto bytes = static_cast<uint64_t>(share * static_cast<double>(part_bytes));
  progress_(bytes_before + std::min(bytes, part_bytes), id_bytes_ + block_bytes_ + log_bytes_);
}

absl::StatusOr<LoadedPopulation> PopulationLoader::Load(uint64_t mark) {
  LoadedPopulation loaded;
  THRONG_ASSIGN_OR_RETURN(loaded.folded, ReadBaseSnapshot());
  THRONG_ASSIGN_OR_RETURN(loaded.snapshot, Replay(loaded.folded));
  THRONG_ASSIGN_OR_RETURN(
      loaded.snapshot,
      WithCrowdSets(database_, population_, loaded.snapshot, parallel_,
                    [this](const absl::Status& status) { return Tolerate(status, 0); }));
  loaded.replayed_records = records_.size();
  const uint64_t end = loaded.snapshot->data_version();
  if (end < mark && is_complete_) {
    const absl::Status lost = absl::DataLossError(fmt::format(
        "the log of population {} ends at version {}, but version {} was acknowledged: "
        "{} is missing",
        population_, end, mark, DescribeKey(Family::kLog, LogKey(population_, end + 1))));
    THRONG_RETURN_IF_ERROR(Tolerate(lost, 0));
  }
  // What was left out would be missed here again.
  if (is_complete_) THRONG_RETURN_IF_ERROR(Tolerate(CheckSnapshot(*loaded.snapshot), 0));
  Report(1, 1, id_bytes_ + block_bytes_, log_bytes_);
  return loaded;
}

absl::StatusOr<SnapshotRef> PopulationLoader::ReadBaseSnapshot() {
  THRONG_ASSIGN_OR_RETURN(const StoredBase base, ReadBase(database_, population_));
  THRONG_ASSIGN_OR_RETURN(const std::vector<StoredTag> tags, ReadTags());
  if (tags.size() != base.tag_count && is_complete_) {
    const absl::Status wrong =
        DamagedAt(Family::kMeta, BaseKey(population_),
                  fmt::format("there are {} tags, {} belong there", tags.size(), base.tag_count));
    THRONG_RETURN_IF_ERROR(Tolerate(wrong, 0));
  }
  THRONG_ASSIGN_OR_RETURN(auto catalogue, ReadCatalogue(tags));
  for (const index::IdTypeDefinition& type : base.id_types) catalogue = catalogue->WithIdType(type);
  THRONG_ASSIGN_OR_RETURN(index::IdDictionary ids, ReadIds(base.id_count));
  std::vector<Source> sources{{.tag = index::kUniverseTag,
                               .type = index::TagType::kFlag,
                               .generation = kUniverseGeneration,
                               .stamps = base.universe_stamps}};
  uint32_t tag_end = 1;
  for (const StoredTag& tag : tags) {
    sources.push_back({.tag = tag.definition.id,
                       .type = tag.definition.type,
                       .generation = tag.definition.generation,
                       .stamps = tag.stamps});
    tag_end = std::max(tag_end, tag.definition.id + 1);
  }
  THRONG_ASSIGN_OR_RETURN(std::vector<TagContentRef> found, ReadContents(sources));
  std::vector<TagContentRef> contents(tag_end);
  for (size_t i = 0; i < sources.size(); ++i) contents[sources[i].tag] = std::move(found[i]);
  THRONG_ASSIGN_OR_RETURN(index::Identity identity, ReadIdentity(database_, population_, base));
  THRONG_ASSIGN_OR_RETURN(
      auto crowds, ReadCrowds(database_, population_, base,
                              [this](const absl::Status& status) { return Tolerate(status, 0); }));
  return std::make_shared<const Snapshot>(base.version, std::move(catalogue), std::move(ids),
                                          std::move(contents), std::move(identity),
                                          std::move(crowds));
}

absl::StatusOr<std::vector<StoredTag>> PopulationLoader::ReadTags() {
  std::vector<StoredTag> tags;
  RangeScan scan = database_.Scan(Family::kMeta, TagKeys(population_));
  const auto read = [&]() -> absl::StatusOr<StoredTag> {
    THRONG_ASSIGN_OR_RETURN(const std::string_view payload,
                            Unseal(Kind::kTag, Family::kMeta, scan.key(), scan.value()));
    absl::StatusOr<StoredTag> tag = DecodeTag(payload);
    if (!tag.ok()) return At(Family::kMeta, scan.key(), tag.status());
    if (TagKey(population_, tag->definition.id) != scan.key()) {
      return DamagedAt(Family::kMeta, scan.key(), "it is another tag");
    }
    return tag;
  };
  for (; scan.Valid(); scan.Next()) {
    absl::StatusOr<StoredTag> tag = read();
    THRONG_RETURN_IF_ERROR(Tolerate(tag.status(), 0));
    if (tag.ok()) tags.push_back(*std::move(tag));
  }
  THRONG_RETURN_IF_ERROR(Tolerate(scan.status(), 0));
  return tags;
}

absl::StatusOr<std::shared_ptr<const index::Catalogue>> PopulationLoader::ReadCatalogue(
    const std::vector<StoredTag>& tags) {
  auto catalogue = std::make_shared<const index::Catalogue>();
  for (const StoredTag& tag : tags) {
    auto entry = std::make_shared<index::TagEntry>();
    entry->definition = tag.definition;
    absl::StatusOr<std::vector<std::string>> values =
        ReadValues(tag.definition.id, tag.value_count);
    THRONG_RETURN_IF_ERROR(Tolerate(values.status(), tag.definition.id));
    if (!values.ok()) values = std::vector<std::string>();
    entry->values = index::ValueDictionary::Extend(index::ValueDictionary(), *values);
    if (catalogue->Find(tag.definition.name) != nullptr) {
      const absl::Status twice = DamagedAt(Family::kMeta, TagKey(population_, tag.definition.id),
                                           "another tag has the same name");
      THRONG_RETURN_IF_ERROR(Tolerate(twice, 0));
      continue;
    }
    catalogue = catalogue->With(std::move(entry));
  }
  return catalogue;
}

absl::StatusOr<std::vector<std::string>> PopulationLoader::ReadValues(uint32_t tag,
                                                                      uint32_t count) {
  std::vector<std::string> values;
  for (uint32_t chunk = 0; values.size() < count; ++chunk) {
    const std::string key = ValuesKey(population_, tag, chunk);
    std::string buffer;
    THRONG_ASSIGN_OR_RETURN(const std::string_view payload,
                            ReadPayload(database_, Kind::kValues, Family::kMeta, key, &buffer));
    absl::StatusOr<std::vector<std::string>> part = DecodeValues(payload);
    if (!part.ok()) return At(Family::kMeta, key, part.status());
    // The chunk may be of a later version than the tag: codes are for good, values only added.
    const size_t wanted = std::min<size_t>(kValuesPerChunk, count - values.size());
    if (part->size() < wanted) {
      return DamagedAt(Family::kMeta, key,
                       fmt::format("it holds {} values of {}", part->size(), wanted));
    }
    std::move(part->begin(), part->begin() + static_cast<ptrdiff_t>(wanted),
              std::back_inserter(values));
  }
  return values;
}

absl::StatusOr<index::IdList> PopulationLoader::ReadIdChunk(uint32_t chunk, uint32_t wanted) {
  const std::string key = IdChunkKey(population_, chunk);
  std::string buffer;
  THRONG_ASSIGN_OR_RETURN(const std::string_view payload,
                          ReadPayload(database_, Kind::kIdChunk, Family::kIds, key, &buffer));
  absl::StatusOr<index::IdList> ids = DecodeIdChunk(payload, wanted);
  return ids.ok() ? ids : At(Family::kIds, key, ids.status());
}

absl::StatusOr<index::IdDictionary> PopulationLoader::ReadIds(uint32_t count) {
  index::Mutex mutex;  // of what is tolerated
  const auto read = [&](uint32_t chunk) {
    const uint32_t first = chunk << index::kChunkBits;
    const uint32_t wanted = std::min(index::kChunkSize, count - first);
    absl::StatusOr<index::IdList> part = ReadIdChunk(chunk, wanted);
    if (part.ok()) return part;
    index::MutexLock lock(mutex);
    if (const absl::Status status = Tolerate(part.status(), 0); !status.ok()) {
      part = status;
      return part;
    }
    // In place of those that were left out, so that the others keep their ordinals.
    std::vector<std::string> substitutes;
    for (uint32_t i = 0; i < wanted; ++i) substitutes.push_back(fmt::format("\n{}", first + i));
    part = index::IdList::FromTexts(substitutes);
    return part;
  };
  return index::IdDictionary::Load(
      count, read, [&](uint32_t done) { Report(done, count, 0, id_bytes_); }, parallel_);
}

absl::StatusOr<std::vector<TagContentRef>> PopulationLoader::ReadContents(
    const std::vector<Source>& sources) {
  std::vector<std::pair<uint32_t, uint32_t>> work;  // source and shard
  std::vector<std::shared_ptr<TagContent>> contents(sources.size());
  for (uint32_t i = 0; i < sources.size(); ++i) {
    for (uint32_t shard = 0; shard < sources[i].stamps.size(); ++shard) {
      if (sources[i].stamps[shard] == 0) continue;
      work.emplace_back(i, shard);
      if (contents[i] == nullptr) contents[i] = std::make_shared<TagContent>();
      contents[i]->shards.resize(shard + 1);
    }
  }
  index::Mutex mutex;
  absl::Status failed;
  std::atomic<bool> has_failed = false;
  std::atomic<uint64_t> done = 0;
  parallel_.For(static_cast<uint32_t>(work.size()), [&](uint32_t i, uint32_t) {
    if (has_failed) return;
    const auto [source, shard] = work[i];
    absl::StatusOr<TagShardRef> read =
        WithoutExceptions([&, s = source, n = shard] { return ReadShard(sources[s], n); });
    if (read.ok()) {
      contents[source]->shards[shard] = *std::move(read);
      Report(++done, work.size(), id_bytes_, block_bytes_);
      return;
    }
    if (Tolerate(read.status(), sources[source].tag).ok()) return;
    index::MutexLock lock(mutex);
    if (failed.ok()) failed = read.status();
    has_failed = true;
  });
  THRONG_RETURN_IF_ERROR(failed);
  return std::vector<TagContentRef>(contents.begin(), contents.end());
}

absl::StatusOr<TagShardRef> PopulationLoader::ReadShard(const Source& source, uint32_t shard) {
  ShardReader reader(source.type);
  RangeScan scan = database_.Scan(Family::kBlocks,
                                  ShardRange(population_, source.tag, source.generation, shard));
  for (; scan.Valid(); scan.Next()) THRONG_RETURN_IF_ERROR(reader.Add(scan.key(), scan.value()));
  THRONG_RETURN_IF_ERROR(scan.status());
  const std::string header = BlockKey{.population = population_,
                                      .tag = source.tag,
                                      .generation = source.generation,
                                      .shard = shard,
                                      .value = kHeaderValue}
                                 .Encode();
  return reader.Finish(header, source.stamps[shard] - 1);
}

absl::StatusOr<SnapshotRef> PopulationLoader::Replay(SnapshotRef snapshot) {
  RangeScan scan =
      database_.Scan(Family::kLog, {.begin = LogKey(population_, snapshot->data_version() + 1),
                                    .end = PopulationRange(population_).end});
  uint64_t bytes = 0;
  // Records rest on what is before them: behind what was left out they mean nothing.
  for (; scan.Valid() && is_complete_; scan.Next()) {
    absl::StatusOr<SnapshotRef> next = ReplayNext(scan, *snapshot);
    THRONG_RETURN_IF_ERROR(Tolerate(next.status(), 0));
    if (!next.ok()) return snapshot;
    snapshot = *std::move(next);
    records_.emplace_back(snapshot->data_version(), scan.value().size());
    bytes += scan.value().size();
    Report(bytes, std::max(bytes, log_bytes_), id_bytes_ + block_bytes_, log_bytes_);
  }
  THRONG_RETURN_IF_ERROR(Tolerate(scan.status(), 0));
  return snapshot;
}

absl::StatusOr<SnapshotRef> PopulationLoader::ReplayNext(const RangeScan& scan,
                                                         const Snapshot& snapshot) {
  const uint64_t expected = snapshot.data_version() + 1;
  const uint64_t version = KeyU64(scan.key(), 4).value_or(0);
  if (version != expected) {
    return DamagedAt(Family::kLog, LogKey(population_, expected),
                     fmt::format("it is missing, version {} is there", version));
  }
  THRONG_ASSIGN_OR_RETURN(const std::string_view payload,
                          Unseal(Kind::kRecord, Family::kLog, scan.key(), scan.value()));
  absl::StatusOr<LoggedRecord> logged = DecodeRecord(payload);
  if (!logged.ok()) return At(Family::kLog, scan.key(), logged.status());
  if (logged->record.version != version) {
    return DamagedAt(Family::kLog, scan.key(), "it is of another version");
  }
  absl::StatusOr<SnapshotRef> next = ReplayRecord(snapshot, *logged);
  if (absl::IsInvalidArgument(next.status())) return At(Family::kLog, scan.key(), next.status());
  return next;
}

absl::StatusOr<SnapshotRef> PopulationLoader::ReplayRecord(const Snapshot& snapshot,
                                                           const LoggedRecord& logged) {
  THRONG_RETURN_IF_ERROR(CheckFits(snapshot, logged.record));
  if (logged.flips.empty()) return index::Apply(snapshot, logged.record, parallel_);
  std::vector<Source> sources;
  std::vector<size_t> places;
  std::vector<TagContentRef> contents;
  for (const index::TagDefinition& definition : logged.record.definitions) {
    const bool has_content = definition.id < snapshot.contents().size();
    contents.push_back(has_content ? snapshot.contents()[definition.id] : nullptr);
    for (const Flip& flip : logged.flips) {
      if (flip.tag != definition.id) continue;
      flipped_.insert({definition.id, definition.generation});
      places.push_back(contents.size() - 1);
      sources.push_back({.tag = definition.id,
                         .type = definition.type,
                         .generation = definition.generation,
                         .stamps = flip.stamps});
    }
  }
  THRONG_ASSIGN_OR_RETURN(std::vector<TagContentRef> found, ReadContents(sources));
  for (size_t i = 0; i < places.size(); ++i) contents[places[i]] = std::move(found[i]);
  const SnapshotRef replaced = index::ReplaceContents(snapshot, logged.record, std::move(contents));
  return index::Apply(*replaced, logged.record, parallel_);
}

absl::Status PopulationLoader::CheckSnapshot(const Snapshot& snapshot) const {
  const auto wrong = [&](uint32_t tag, uint32_t generation, uint32_t shard, std::string_view why) {
    const BlockKey key{.population = population_,
                       .tag = tag,
                       .generation = generation,
                       .shard = shard,
                       .value = kHeaderValue};
    return DamagedAt(Family::kBlocks, key.Encode(), why);
  };
  for (uint32_t tag = 0; tag < snapshot.contents().size(); ++tag) {
    const TagContent* content = snapshot.content(tag);
    if (content == nullptr) continue;
    const index::TagEntry* entry = snapshot.catalogue().FindById(tag);
    const uint32_t generation =
        entry == nullptr ? kUniverseGeneration : entry->definition.generation;
    const bool has_codes = entry != nullptr && index::HasDictionary(entry->definition.type);
    const uint32_t codes = has_codes ? entry->values->size() : 1;
    for (uint32_t shard = 0; shard < content->shards.size(); ++shard) {
      const TagShard* found = content->shard(shard);
      if (found == nullptr) continue;
      if (found->version > snapshot.data_version()) {
        return wrong(tag, generation, shard,
                     fmt::format("it is of version {}, but the log ends at {}", found->version,
                                 snapshot.data_version()));
      }
      if (found->values.size() > codes) return wrong(tag, generation, shard, "an unknown value");
      if (shard >= snapshot.shard_count()) return wrong(tag, generation, shard, "no such users");
    }
  }
  if (snapshot.user_count() > snapshot.ordinal_end()) {
    return wrong(index::kUniverseTag, kUniverseGeneration, 0, "more users than ids");
  }
  return absl::OkStatus();
}

}  // namespace throng::storage
