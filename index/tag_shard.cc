#include "index/tag_shard.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <span>

#include "index/chunk_ops.h"

namespace throng::index {
namespace {

// A bit of one value's bitmap that flips.
struct Flip {
  uint32_t code;
  BitChange change;
};

// Applies flips grouped by code. Within a code the order of `flips` must ascend, which a stable
// counting sort keeps.
void ApplyFlips(const std::vector<Flip>& flips, TagShard* shard) {
  if (flips.empty()) return;
  uint32_t codes = 0;
  for (const Flip& flip : flips) codes = std::max(codes, flip.code + 1);
  std::vector<uint32_t> ends(codes, 0);
  for (const Flip& flip : flips) ++ends[flip.code];
  uint32_t total = 0;
  for (uint32_t& end : ends) total = std::exchange(end, total) + total;
  std::vector<BitChange> sorted(flips.size());
  for (const Flip& flip : flips) sorted[ends[flip.code]++] = flip.change;
  constexpr uint32_t kPageSize = PagedVector<BitmapShardRef>::kPageSize;
  for (uint32_t code = 0, first = 0; code < codes; first = ends[code++]) {
    if (code % kPageSize == 0 && code > 0) PackTiny(shard->values.OwnedPage(code - 1));
    if (ends[code] == first) continue;
    shard->values.Set(code, ApplyChanges(shard->values[code],
                                         std::span(sorted).subspan(first, ends[code] - first)));
  }
  PackTiny(shard->values.OwnedPage(codes - 1));
}

bool IsCleared(const TagChange& change, size_t i) {
  return !change.cleared.empty() && change.cleared[i];
}

void ApplyFlags(const TagChange& change, size_t first, size_t last, TagShard* shard) {
  std::vector<BitChange> changes;
  for (size_t i = first; i < last; ++i) {
    const uint32_t offset = change.ordinals[i] & kShardMask;
    const bool now = !IsCleared(change, i) && change.cells[i] != 0;
    if (now != Contains(shard->values[0], offset)) {
      changes.push_back(now ? SetBit(offset) : ClearBit(offset));
    }
  }
  if (!changes.empty()) shard->values.Set(0, ApplyChanges(shard->values[0], changes));
}

// CATEGORY and ordered tags: a column of at most one value a user.
void ApplyColumn(TagType type, const TagChange& change, size_t first, size_t last,
                 TagShard* shard) {
  std::vector<Cell> cells;
  std::vector<Flip> flips;
  std::vector<BitChange> exists;
  cells.reserve(last - first);
  exists.reserve(last - first);
  if (type == TagType::kCategory) flips.reserve(last - first);
  uint32_t chunk = kChunksPerShard;  // that of the row before
  bool was_empty = true;             // it had no value of anybody
  for (size_t i = first; i < last; ++i) {
    const uint32_t offset = change.ordinals[i] & kShardMask;
    if (offset >> kChunkBits != chunk) {
      chunk = offset >> kChunkBits;
      was_empty = shard->column == nullptr || shard->column->empty(chunk);
    }
    std::optional<int64_t> before;
    if (!was_empty) before = shard->column->Get(offset);
    std::optional<int64_t> now;
    if (!IsCleared(change, i)) now = change.cells[i];
    if (before == now) continue;
    cells.push_back({.offset = offset, .present = now.has_value(), .value = now.value_or(0)});
    if (before.has_value() != now.has_value()) {
      exists.push_back(now.has_value() ? SetBit(offset) : ClearBit(offset));
    }
    if (type != TagType::kCategory) continue;
    if (before.has_value()) flips.push_back({static_cast<uint32_t>(*before), ClearBit(offset)});
    if (now.has_value()) flips.push_back({static_cast<uint32_t>(*now), SetBit(offset)});
  }
  if (cells.empty()) return;
  ApplyFlips(flips, shard);
  shard->exists = ApplyChanges(shard->exists, exists);
  shard->column = ApplyCells(shard->column, cells);
}

// Finds out which labels flip, one label at a time, so that each bitmap is read once.
class LabelsWriter {
 public:
  LabelsWriter(const TagChange& change, size_t first, size_t last, TagShard* shard)
      : change_(change), first_(first), last_(last), shard_(shard) {}

  void Apply() {
    GroupByCode();
    const auto codes = static_cast<uint32_t>(std::max(ends_.size(), shard_->values.size()));
    had_.resize(last_ - first_);
    has_.resize(last_ - first_);
    for (size_t i = first_; i < last_; ++i) {
      had_[i - first_] = Contains(shard_->exists, Offset(i));
      // Whoever had no label keeps none but those added; others are looked at label by label.
      if (had_[i - first_]) touched_.push_back(i);
    }
    wanted_.resize(last_ - first_);
    for (uint32_t code = 0; code < codes; ++code) ApplyCode(code);
    ApplyFlips(flips_, shard_);
    std::vector<BitChange> exists;
    for (size_t i = first_; i < last_; ++i) {
      if (had_[i - first_] == has_[i - first_]) continue;
      exists.push_back(has_[i - first_] ? SetBit(Offset(i)) : ClearBit(Offset(i)));
    }
    shard_->exists = ApplyChanges(shard_->exists, exists);
  }

 private:
  enum Wanted : uint8_t { kAsIs, kRemoved, kAdded };

  uint32_t Offset(size_t i) const { return change_.ordinals[i] & kShardMask; }

  struct Entry {
    size_t row;
    bool add;
  };

  // Sorts the changes of labels by code, keeping the order of rows.
  void GroupByCode() {
    const size_t begin = first_ == 0 ? 0 : change_.label_ends[first_ - 1];
    const size_t end = change_.label_ends[last_ - 1];
    uint32_t codes = 0;
    for (size_t j = begin; j < end; ++j)
      codes = std::max(codes, (change_.label_changes[j] >> 1) + 1);
    ends_.assign(codes, 0);
    for (size_t j = begin; j < end; ++j) ++ends_[change_.label_changes[j] >> 1];
    uint32_t total = 0;
    for (uint32_t& count : ends_) total = std::exchange(count, total) + total;
    entries_.resize(end - begin);
    for (size_t i = first_, j = begin; i < last_; ++i) {
      for (; j < change_.label_ends[i]; ++j) {
        const uint32_t label = change_.label_changes[j];
        entries_[ends_[label >> 1]++] = {.row = i, .add = (label & 1) != 0};
      }
    }
  }

  void ApplyCode(uint32_t code) {
    const uint32_t first_entry = code == 0 ? 0 : code <= ends_.size() ? ends_[code - 1] : 0;
    const uint32_t last_entry = code < ends_.size() ? ends_[code] : first_entry;
    const std::span<const Entry> entries(entries_.data() + first_entry, last_entry - first_entry);
    const BitmapShardRef& bitmap = shard_->values[code];
    for (const Entry& entry : entries) wanted_[entry.row - first_] = entry.add ? kAdded : kRemoved;
    if (!bitmap) {
      for (const Entry& entry : entries) {
        if (wanted_[entry.row - first_] == kAdded && !Repeats(entries, entry)) {
          flips_.push_back({code, SetBit(Offset(entry.row))});
          has_[entry.row - first_] = true;
        }
      }
    } else {
      MergeRows(code, entries, *bitmap);
    }
    for (const Entry& entry : entries) wanted_[entry.row - first_] = kAsIs;
  }

  // A row may name a label twice: only its last entry counts.
  static bool Repeats(std::span<const Entry> entries, const Entry& entry) {
    const Entry* next = &entry + 1;
    return next != entries.data() + entries.size() && next->row == entry.row;
  }

  void MergeRows(uint32_t code, std::span<const Entry> entries, const BitmapShard& bitmap) {
    const auto decide = [&](size_t row) {
      const bool before = had_[row - first_] && bitmap.Contains(Offset(row));
      bool now = before && !change_.replaced[row];
      if (wanted_[row - first_] == kAdded) now = true;
      if (wanted_[row - first_] == kRemoved) now = false;
      if (now) has_[row - first_] = true;
      if (now != before) {
        flips_.push_back({code, now ? SetBit(Offset(row)) : ClearBit(Offset(row))});
      }
    };
    size_t next = 0;  // in touched_; rows of entries without labels before come between
    for (const Entry& entry : entries) {
      if (Repeats(entries, entry)) continue;
      while (next < touched_.size() && touched_[next] < entry.row) decide(touched_[next++]);
      if (next < touched_.size() && touched_[next] == entry.row) ++next;
      decide(entry.row);
    }
    while (next < touched_.size()) decide(touched_[next++]);
  }

  const TagChange& change_;
  const size_t first_;
  const size_t last_;
  TagShard* const shard_;
  std::vector<uint32_t> ends_;  // of each code's part of entries_
  std::vector<Entry> entries_;
  std::vector<size_t> touched_;
  std::vector<bool> had_;
  std::vector<bool> has_;
  std::vector<uint8_t> wanted_;
  std::vector<Flip> flips_;
};

BitmapShardRef UnionOf(const PagedVector<BitmapShardRef>& values) {
  std::array<BlockRef, kChunksPerShard> blocks;
  auto scratch = std::make_unique<ChunkScratch>();
  auto words = std::make_unique<ChunkWords>();
  for (uint32_t chunk = 0; chunk < kChunksPerShard; ++chunk) {
    CopyTo(ChunkSet::Empty(), words->words);
    for (size_t code = 0; code < values.size(); ++code) {
      UniteInto(Load(values[code], chunk, *scratch), words->words);
    }
    blocks[chunk] = MakeBlock(ViewOf(words->words));
  }
  return MakeBitmapShard(blocks);
}

// The column of codes and who has one, from one pass over the bitmaps.
void DeriveCodes(TagShard* shard) {
  std::array<ColumnBlockRef, kChunksPerShard> columns;
  std::array<BlockRef, kChunksPerShard> exists;
  auto scratch = std::make_unique<ChunkScratch>();
  auto unpacked = std::make_unique<ColumnChunk>();  // all zeros, then of the chunk before
  for (uint32_t chunk = 0; chunk < kChunksPerShard; ++chunk) {
    std::memset(unpacked->present, 0, sizeof(unpacked->present));
    for (size_t code = 0; code < shard->values.size(); ++code) {
      const ChunkSet users = Load(shard->values[code], chunk, *scratch);
      UniteInto(users, unpacked->present);
      ForEach(users,
              [&](uint32_t offset) { unpacked->values[offset] = static_cast<int64_t>(code); });
    }
    columns[chunk] = EncodeColumn(*unpacked);
    exists[chunk] = MakeBlock(ViewOf(unpacked->present));
  }
  shard->column = MakeColumnShard(std::move(columns));
  shard->exists = MakeBitmapShard(exists);
}

BitmapShardRef PresenceOf(const ColumnShardRef& column) {
  if (column == nullptr) return BitmapShardRef();
  std::array<BlockRef, kChunksPerShard> blocks;
  auto scratch = std::make_unique<ChunkScratch>();
  for (uint32_t chunk = 0; chunk < kChunksPerShard; ++chunk) {
    blocks[chunk] = MakeBlock(column->Scan(chunk, std::numeric_limits<int64_t>::min(),
                                           std::numeric_limits<int64_t>::max(), *scratch));
  }
  return MakeBitmapShard(blocks);
}

}  // namespace

uint64_t TagContent::ValueCardinality(uint32_t code) const {
  uint64_t cardinality = 0;
  for (const TagShardRef& shard : shards) {
    if (shard != nullptr) cardinality += Cardinality(shard->values[code]);
  }
  return cardinality;
}

uint64_t TagContent::ExistsCardinality() const {
  uint64_t cardinality = 0;
  for (const TagShardRef& shard : shards) {
    if (shard != nullptr) cardinality += Cardinality(shard->exists);
  }
  return cardinality;
}

TagShardRef ApplyTagChange(const TagShardRef& base, TagType type, const TagChange& change,
                           size_t first, size_t last, uint64_t version) {
  if (base != nullptr && base->version >= version) return base;
  auto shard = base == nullptr ? std::make_shared<TagShard>() : std::make_shared<TagShard>(*base);
  shard->version = version;
  switch (type) {
    case TagType::kFlag:
      ApplyFlags(change, first, last, shard.get());
      break;
    case TagType::kLabels:
      LabelsWriter(change, first, last, shard.get()).Apply();
      break;
    case TagType::kCategory:
    case TagType::kInteger:
    case TagType::kDecimal:
    case TagType::kDate:
    case TagType::kDateTime:
      ApplyColumn(type, change, first, last, shard.get());
      break;
  }
  return shard;
}

void Derive(TagType type, TagShard* shard) {
  constexpr size_t kPageSize = PagedVector<BitmapShardRef>::kPageSize;
  for (size_t first = 0; first < shard->values.size(); first += kPageSize) {
    PackTiny(shard->values.OwnedPage(first));
  }
  switch (type) {
    case TagType::kFlag:
      return;
    case TagType::kCategory:
      DeriveCodes(shard);
      return;
    case TagType::kLabels:
      shard->exists = UnionOf(shard->values);
      return;
    case TagType::kInteger:
    case TagType::kDecimal:
    case TagType::kDate:
    case TagType::kDateTime:
      shard->exists = PresenceOf(shard->column);
      return;
  }
}

}  // namespace throng::index
