// Id <-> ordinal, for the primary ids of users (index/linked_ids.h keeps the others).
//
//   IdDictionary next = dictionary.With({"u1", "u2"});        // ordinals size(), size() + 1
//   std::optional<uint32_t> ordinal = next.Find(MakeIdKey("u2"));
//   next.text(*ordinal);                                      // "u2"
//   next.Without({*ordinal}).Find(MakeIdKey("u2"));           // nobody; the ordinal stays taken
//
// An IdDictionary is a view of shared, append-only storage: its first size() ids. Copies are cheap
// and stay as they were when another one is extended. One thread at a time may extend the newest
// copy, or an older one, which gives up the newer ones for good: they must not be read any more.
// Every other copy may be read by any thread meanwhile.
#ifndef THRONG_INDEX_ID_DICTIONARY_H_
#define THRONG_INDEX_ID_DICTIONARY_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/id_chunk.h"
#include "index/memory_use.h"
#include "index/parallel.h"

namespace throng::index {

// Ordinals by the hash of their id: open addressing with a byte of the hash beside each ordinal.
// Insert is for one thread at a time; Find may run meanwhile and sees any prefix of the inserts.
class IdTable {
 public:
  explicit IdTable(uint32_t capacity);  // a power of two

  // Fetches the slot where a look-up of the hash starts into the cache.
  void Prefetch(uint64_t hash) const {
    __builtin_prefetch(&marks_[SlotOf(hash)]);
    __builtin_prefetch(&ordinals_[SlotOf(hash)]);
  }
  bool full() const { return size_ * 5 >= capacity_ * 4; }
  uint32_t capacity() const { return capacity_; }
  // REQUIRES: !full().
  void Insert(uint64_t hash, uint32_t ordinal) {
    InsertAt(static_cast<uint32_t>(hash), MarkOf(hash), ordinal);
  }
  // An entry to insert, without all of its hash that the table does not need: what a chunk has for
  // one table then lies close together.
  struct Packed {
    uint64_t bits;  // the hash's low half, its mark, the offset in the chunk
    Packed() = default;
    Packed(uint64_t hash, uint32_t offset)
        : bits((hash & 0xffff'ffff) << 24 | uint64_t{MarkOf(hash)} << 16 | offset) {}
    uint32_t place() const { return static_cast<uint32_t>(bits >> 24); }
    uint8_t mark() const { return static_cast<uint8_t>(bits >> 16); }
    uint32_t offset() const { return bits & kChunkMask; }
  };
  // Inserts entries of one chunk, whose ordinals begin with `first`. REQUIRES: room for them below
  // full().
  void InsertAll(std::span<const Packed> entries, uint32_t first);
  bool HasRoomFor(size_t entries) const { return (size_ + entries) * 5 <= size_t{capacity_} * 4; }
  // Undoes the inserts of ordinals from `end` on, which must be the last ones. Walks the table.
  void Undo(uint32_t end);
  // Calls accept(ordinal) for the ordinals that may have the hash, until it returns true.
  template <typename Accept>
  bool Find(uint64_t hash, Accept accept) const {
    const uint8_t mark = MarkOf(hash);
    for (uint32_t slot = SlotOf(hash);; slot = (slot + 1) & (capacity_ - 1)) {
      const uint8_t found = marks_[slot].load(std::memory_order_acquire);
      if (found == 0) return false;
      if (found == mark && accept(ordinals_[slot].load(std::memory_order_relaxed))) return true;
    }
  }
  // The first ordinal that may have the hash.
  std::optional<uint32_t> Candidate(uint64_t hash) const {
    std::optional<uint32_t> first;
    Find(hash, [&](uint32_t ordinal) {
      first = ordinal;
      return true;
    });
    return first;
  }
  template <typename Visit>
  void ForEachOrdinal(Visit visit) const {
    for (uint32_t slot = 0; slot < capacity_; ++slot) {
      if (marks_[slot].load(std::memory_order_relaxed) != 0) {
        visit(ordinals_[slot].load(std::memory_order_relaxed));
      }
    }
  }
  size_t memory_bytes() const;

 private:
  // The top byte picks the table, the next one is the mark, the low bits the slot.
  void InsertAt(uint32_t place, uint8_t mark, uint32_t ordinal);
  static uint8_t MarkOf(uint64_t hash) { return static_cast<uint8_t>(1 + (hash >> 48) % 255); }
  uint32_t SlotOf(uint64_t hash) const { return static_cast<uint32_t>(hash) & (capacity_ - 1); }

  uint32_t capacity_;
  uint32_t size_ = 0;
  std::unique_ptr<std::atomic<uint8_t>[]> marks_;
  std::unique_ptr<std::atomic<uint32_t>[]> ordinals_;
};

class IdDictionary {
 public:
  IdDictionary();

  uint32_t size() const { return size_; }
  // The user with the id, if it is among the first size().
  std::optional<uint32_t> Find(const IdKey& key) const;
  // Finds the ids 0 to count - 1 in order: make_key(i, buffer) gives an id, with 20 bytes for it to
  // write to, and found(i, key, ordinal) takes the answer. Where the table lies in no cache, many
  // look-ups are much faster so than one by one.
  template <typename MakeKey, typename Found>
  void FindAll(size_t count, MakeKey make_key, Found found) const {
    struct Ahead {
      char buffer[20];
      IdKey key;
      std::optional<uint32_t> candidate;
    };
    std::array<Ahead, kIdsAhead> ahead;
    for (size_t begin = 0; begin < count; begin += kIdsAhead) {
      const size_t size = std::min(kIdsAhead, count - begin);
      for (size_t i = 0; i < size; ++i) {
        ahead[i].key = make_key(begin + i, ahead[i].buffer);
        Prefetch(ahead[i].key.hash);
      }
      for (size_t i = 0; i < size; ++i) {
        const uint64_t hash = ahead[i].key.hash;
        ahead[i].candidate = (*tables_)[TableOf(hash)]->Candidate(hash);
        if (ahead[i].candidate >= size_) ahead[i].candidate.reset();
        if (const auto user = ahead[i].candidate)
          chunk(*user >> kChunkBits).Prefetch(*user & kChunkMask);
      }
      for (size_t i = 0; i < size; ++i) {
        if (const auto user = ahead[i].candidate)
          chunk(*user >> kChunkBits).PrefetchText(*user & kChunkMask);
      }
      for (size_t i = 0; i < size; ++i) found(begin + i, ahead[i].key, Find(ahead[i].key));
    }
  }

  // The id of an ordinal below size(); empty when it is erased.
  std::string text(uint32_t ordinal) const;
  uint64_t hash(uint32_t ordinal) const;
  bool erased(uint32_t ordinal) const {
    return chunk(ordinal >> kChunkBits).erased(ordinal & kChunkMask);
  }
  // The chunk's ids: entries below the part of size() that lies in it. Erasing one of them makes
  // another chunk, adding to them does not.
  const IdChunk& chunk(uint32_t chunk) const { return *(*chunks_)[chunk]; }
  bool all_numeric() const;

  // Gives the ids with the ordinals [chunk << 16, ...): 65,536 of them but for the last chunk.
  // Called from several threads.
  using ReadChunk = std::function<absl::StatusOr<IdList>(uint32_t chunk)>;
  // The dictionary of `count` ids in parallel. `done` is told how many are in. So many chunks are
  // put into the tables at a time, for which 512 KiB a chunk are held: a table then stays in the
  // cache. Errors: those of `read`.
  static absl::StatusOr<IdDictionary> Load(uint32_t count, const ReadChunk& read,
                                           const std::function<void(uint32_t)>& done,
                                           Parallel& parallel, uint32_t chunks_at_once = 256);

  // This dictionary with `ids` behind its own. REQUIRES: no id is in it, none twice in `ids`, each
  // of 1 to kIdBytesMax bytes, size() + ids.size() <= kOrdinalsMax. When loading, an empty id
  // stands for one that was erased.
  IdDictionary With(const std::vector<std::string>& ids) const;
  // This dictionary without the ids of `ordinals` (ascending, below size()). Copies keep them; when
  // the last of these is gone, the ids are overwritten.
  IdDictionary Without(const std::vector<uint32_t>& ordinals) const;

  // Not null `beside`: without the chunks and tables that it shares.
  size_t memory_bytes(const IdDictionary* beside = nullptr) const;

 private:
  static constexpr uint32_t kTables = 256;
  static constexpr size_t kIdsAhead = 16;  // whose slots are fetched before they are looked at
  using Tables = std::array<std::shared_ptr<IdTable>, kTables>;
  using Chunks = std::vector<std::shared_ptr<IdChunk>>;

  void Prefetch(uint64_t hash) const { (*tables_)[TableOf(hash)]->Prefetch(hash); }
  static uint32_t TableOf(uint64_t hash) { return static_cast<uint32_t>(hash >> 56); }

  uint32_t size_ = 0;
  std::shared_ptr<const Tables> tables_;
  std::shared_ptr<const Chunks> chunks_;
  // Size of the copy that was extended last; only extending looks at it.
  std::shared_ptr<uint32_t> extended_size_ = std::make_shared<uint32_t>(0);
};

}  // namespace throng::index

#endif  // THRONG_INDEX_ID_DICTIONARY_H_
