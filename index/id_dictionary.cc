#include "index/id_dictionary.h"

#include <algorithm>
#include <array>
#include <utility>

namespace throng::index {
namespace {

constexpr uint32_t kFirstCapacity = 64;

// A table of `ids` of twice the capacity, without the erased ones.
std::shared_ptr<IdTable> Grown(const IdTable& table, const IdDictionary& ids) {
  auto grown = std::make_shared<IdTable>(table.capacity() * 2);
  table.ForEachOrdinal([&](uint32_t ordinal) {
    if (!ids.erased(ordinal)) grown->Insert(ids.hash(ordinal), ordinal);
  });
  return grown;
}

}  // namespace

IdTable::IdTable(uint32_t capacity)
    : capacity_(capacity),
      marks_(new std::atomic<uint8_t>[capacity]()),
      ordinals_(new std::atomic<uint32_t>[capacity]) {}

void IdTable::InsertAt(uint32_t place, uint8_t mark, uint32_t ordinal) {
  uint32_t slot = SlotOf(place);
  while (marks_[slot].load(std::memory_order_relaxed) != 0) slot = (slot + 1) & (capacity_ - 1);
  ordinals_[slot].store(ordinal, std::memory_order_relaxed);
  marks_[slot].store(mark, std::memory_order_release);
  ++size_;
}

void IdTable::InsertAll(std::span<const Packed> entries, uint32_t first) {
  constexpr size_t kAhead = 16;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (i + kAhead < entries.size()) Prefetch(entries[i + kAhead].place());
    InsertAt(entries[i].place(), entries[i].mark(), first + entries[i].offset());
  }
}

size_t IdTable::memory_bytes() const {
  return SharedBytes<IdTable>() + HeapBytes(capacity_) + HeapBytes(4 * size_t{capacity_});
}

void IdTable::Undo(uint32_t end) {
  std::vector<std::pair<uint32_t, uint32_t>> undone;  // ordinal and slot
  for (uint32_t slot = 0; slot < capacity_; ++slot) {
    if (marks_[slot].load(std::memory_order_relaxed) == 0) continue;
    const uint32_t ordinal = ordinals_[slot].load(std::memory_order_relaxed);
    if (ordinal >= end) undone.emplace_back(ordinal, slot);
  }
  // The last one first: no earlier entry was put behind a slot that is freed.
  std::sort(undone.rbegin(), undone.rend());
  for (const auto& [ordinal, slot] : undone) {
    marks_[slot].store(0, std::memory_order_release);
    --size_;
  }
}

IdDictionary::IdDictionary() : chunks_(std::make_shared<Chunks>()) {
  auto tables = std::make_shared<Tables>();
  for (auto& table : *tables) table = std::make_shared<IdTable>(kFirstCapacity);
  tables_ = std::move(tables);
}

std::optional<uint32_t> IdDictionary::Find(const IdKey& key) const {
  std::optional<uint32_t> found;
  (*tables_)[TableOf(key.hash)]->Find(key.hash, [&](uint32_t ordinal) {
    if (ordinal >= size_) return false;  // of a later version
    if (!chunk(ordinal >> kChunkBits).Equals(ordinal & kChunkMask, key)) return false;
    found = ordinal;
    return true;
  });
  return found;
}

std::string IdDictionary::text(uint32_t ordinal) const {
  return chunk(ordinal >> kChunkBits).text(ordinal & kChunkMask);
}

uint64_t IdDictionary::hash(uint32_t ordinal) const {
  return chunk(ordinal >> kChunkBits).hash(ordinal & kChunkMask);
}

bool IdDictionary::all_numeric() const {
  return std::all_of(chunks_->begin(), chunks_->end(),
                     [](const std::shared_ptr<IdChunk>& chunk) { return chunk->numeric(); });
}

IdDictionary IdDictionary::With(const std::vector<std::string>& ids) const {
  IdDictionary next = *this;
  if (*extended_size_ > size_) {
    for (const auto& table : *tables_) table->Undo(size_);
  }
  std::shared_ptr<Chunks> chunks;  // copied only when a chunk is added or turned into text
  std::shared_ptr<Tables> tables;  // copied only when a table grows
  std::array<IdKey, kIdsAhead> ahead;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i % kIdsAhead == 0) {
      for (size_t j = i; j < std::min(i + kIdsAhead, ids.size()); ++j) {
        ahead[j - i] = MakeIdKey(ids[j]);
        next.Prefetch(ahead[j - i].hash);
      }
    }
    const std::string& id = ids[i];
    const IdKey& key = ahead[i % kIdsAhead];
    const bool fits_numbers = key.number.has_value() || id.empty();
    const uint32_t ordinal = next.size_;
    const uint32_t number = ordinal >> kChunkBits;
    const uint32_t offset = ordinal & kChunkMask;
    const bool starts_chunk = number == next.chunks_->size();
    if (starts_chunk || (next.chunk(number).numeric() && !fits_numbers)) {
      if (chunks == nullptr) next.chunks_ = chunks = std::make_shared<Chunks>(*next.chunks_);
      if (starts_chunk) {
        chunks->push_back(std::make_shared<IdChunk>(fits_numbers));
      } else {
        (*chunks)[number]->WipeWhenGone();
        (*chunks)[number] = IdChunk::ToText(*(*chunks)[number], offset);
      }
    }
    if (id.empty()) {
      (*next.chunks_)[number]->AppendErased(offset);
      ++next.size_;
      continue;
    }
    (*next.chunks_)[number]->Append(offset, key);
    const uint32_t t = TableOf(key.hash);
    if ((*next.tables_)[t]->full()) {
      if (tables == nullptr) next.tables_ = tables = std::make_shared<Tables>(*next.tables_);
      (*tables)[t] = Grown(*(*tables)[t], next);
    }
    (*next.tables_)[t]->Insert(key.hash, ordinal);
    ++next.size_;
  }
  *extended_size_ = next.size_;
  return next;
}

namespace {

// A chunk and its entries by table: table t has entries[ends[t - 1], ends[t]).
struct SortedChunk {
  std::shared_ptr<IdChunk> chunk;
  std::vector<uint32_t> ends;
  std::vector<IdTable::Packed> entries;
};

SortedChunk SortChunk(const IdList& ids, uint32_t tables, uint32_t (*table_of)(uint64_t hash)) {
  SortedChunk sorted{.chunk = MakeIdChunk(ids), .ends = {}, .entries = {}};
  const IdChunk& chunk = *sorted.chunk;
  const auto size = static_cast<uint32_t>(ids.size());
  sorted.ends.assign(tables, 0);
  for (uint32_t i = 0; i < size; ++i) {
    if (!chunk.erased(i)) ++sorted.ends[table_of(chunk.hash(i))];
  }
  uint32_t total = 0;
  for (uint32_t& end : sorted.ends) total = std::exchange(end, total) + total;
  sorted.entries.resize(total);
  for (uint32_t i = 0; i < size; ++i) {
    if (chunk.erased(i)) continue;
    const uint64_t hash = chunk.hash(i);
    sorted.entries[sorted.ends[table_of(hash)]++] = IdTable::Packed(hash, i);
  }
  return sorted;
}

}  // namespace

absl::StatusOr<IdDictionary> IdDictionary::Load(uint32_t count, const ReadChunk& read,
                                                const std::function<void(uint32_t)>& done,
                                                Parallel& parallel, uint32_t chunks_at_once) {
  IdDictionary loaded;
  auto tables = std::make_shared<Tables>();
  uint32_t capacity = kFirstCapacity;
  while (uint64_t{capacity} * kTables * 3 < uint64_t{count} * 4) capacity *= 2;
  parallel.For(kTables,
               [&](uint32_t t, uint32_t) { (*tables)[t] = std::make_shared<IdTable>(capacity); });
  auto chunks = std::make_shared<Chunks>();
  loaded.chunks_ = chunks;
  const uint32_t chunk_count = (count + kChunkSize - 1) / kChunkSize;
  for (uint32_t begin = 0; begin < chunk_count; begin += chunks_at_once) {
    const uint32_t size = std::min(chunks_at_once, chunk_count - begin);
    std::vector<absl::StatusOr<SortedChunk>> sorted(size);
    parallel.For(size, [&](uint32_t i, uint32_t) {
      const absl::StatusOr<IdList> ids = read(begin + i);
      if (ids.ok()) {
        sorted[i] = SortChunk(*ids, kTables, &TableOf);
      } else {
        sorted[i] = ids.status();
      }
    });
    for (const absl::StatusOr<SortedChunk>& chunk : sorted) {
      if (!chunk.ok()) return chunk.status();
      chunks->push_back(chunk->chunk);
    }
    parallel.For(kTables, [&](uint32_t t, uint32_t) {
      for (uint32_t i = 0; i < size; ++i) {
        const SortedChunk& chunk = *sorted[i];
        const uint32_t first = t == 0 ? 0 : chunk.ends[t - 1];
        const auto entries = std::span(chunk.entries).subspan(first, chunk.ends[t] - first);
        while (!(*tables)[t]->HasRoomFor(entries.size())) {
          (*tables)[t] = Grown(*(*tables)[t], loaded);
        }
        (*tables)[t]->InsertAll(entries, (begin + i) << kChunkBits);
      }
    });
    loaded.size_ = std::min(count, (begin + size) << kChunkBits);
    done(loaded.size_);
  }
  loaded.tables_ = std::move(tables);
  *loaded.extended_size_ = loaded.size_;
  return loaded;
}

IdDictionary IdDictionary::Without(const std::vector<uint32_t>& ordinals) const {
  IdDictionary next = *this;
  const auto chunks = std::make_shared<Chunks>(*chunks_);
  next.chunks_ = chunks;
  for (size_t i = 0; i < ordinals.size();) {
    const uint32_t number = ordinals[i] >> kChunkBits;
    std::vector<uint32_t> offsets;
    for (; i < ordinals.size() && ordinals[i] >> kChunkBits == number; ++i) {
      if (!erased(ordinals[i])) offsets.push_back(ordinals[i] & kChunkMask);
    }
    if (offsets.empty()) continue;  // when replayed
    std::shared_ptr<IdChunk>& chunk = (*chunks)[number];
    chunk->WipeWhenGone();
    chunk = IdChunk::Without(*chunk, std::min(kChunkSize, size_ - (number << kChunkBits)), offsets);
  }
  return next;
}

size_t IdDictionary::memory_bytes(const IdDictionary* beside) const {
  size_t bytes = 0;
  for (uint32_t t = 0; t < kTables; ++t) {
    if (beside != nullptr && (*beside->tables_)[t] == (*tables_)[t]) continue;
    bytes += (*tables_)[t]->memory_bytes();
  }
  for (uint32_t c = 0; c < chunks_->size() && c << kChunkBits < size_; ++c) {
    if (beside != nullptr && c < beside->chunks_->size() && (*beside->chunks_)[c] == (*chunks_)[c])
      continue;
    bytes += chunk(c).memory_bytes(std::min(kChunkSize, size_ - (c << kChunkBits)));
  }
  return bytes;
}

}  // namespace throng::index
