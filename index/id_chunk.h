// The ids of one chunk of a dictionary, by ordinal.
//
//   auto chunk = std::make_shared<IdChunk>(/*numeric=*/true);
//   chunk->Append(0, MakeIdKey("17"));
//   chunk->Equals(0, MakeIdKey("17"));   // true
//
// Ids that are all canonical decimals below 2^64 take 8 bytes each; others take their bytes and 4
// more. Each id's 64-bit hash stands beside it (8 bytes).
#ifndef THRONG_INDEX_ID_CHUNK_H_
#define THRONG_INDEX_ID_CHUNK_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "index/chunk_set.h"

namespace throng::index {

inline constexpr size_t kIdBytesMax = 128;

// The number that `text` writes as a canonical decimal below 2^64.
std::optional<uint64_t> CanonicalNumber(std::string_view text);

// An id as the dictionary keeps it: the number 17 and the text "17" are the same id. A view of the
// text it was made from.
struct IdKey {
  std::string_view text;
  std::optional<uint64_t> number;  // when `text` is a canonical decimal below 2^64
  uint64_t hash = 0;               // IdHash(text)
};
IdKey MakeIdKey(std::string_view text);
// `buffer` of at least 20 bytes gets the text.
IdKey MakeIdKey(uint64_t number, char* buffer);

// Ids of consecutive ordinals as they are loaded: numbers, or texts that lie end to end.
struct IdList {
  std::vector<uint64_t> numbers;  // of canonical decimals; there are no texts then
  std::string texts;
  std::vector<uint32_t> ends;    // text i is texts[ends[i-1], ends[i])
  std::vector<uint32_t> erased;  // places, ascending; what else stands there does not count

  static IdList FromTexts(const std::vector<std::string>& ids);  // an empty one is erased
  size_t size() const { return ends.empty() ? numbers.size() : ends.size(); }
  std::string_view view(size_t i) const {  // REQUIRES: there are texts
    const uint32_t begin = i == 0 ? 0 : ends[i - 1];
    return std::string_view(texts).substr(begin, ends[i] - begin);
  }
  void Truncate(size_t count);  // REQUIRES: count <= size()
  // Every id as text, those erased empty.
  std::vector<std::string> ToTexts() const;
};

// Thread-compatible, and more: appended to by one writer, while others read the entries published
// before: appending never moves or changes an entry. A reader may look only at entries below the
// end of its snapshot.
class IdChunk {
 public:
  explicit IdChunk(bool numeric);
  ~IdChunk();
  IdChunk(const IdChunk&) = delete;
  IdChunk& operator=(const IdChunk&) = delete;
  // A copy as text with the first `size` entries of `numeric`.
  static std::shared_ptr<IdChunk> ToText(const IdChunk& numeric, uint32_t size);
  // A copy with the first `size` entries of `chunk`, without the ids at `offsets`. Their entries
  // stay: they are erased.
  static std::shared_ptr<IdChunk> Without(const IdChunk& chunk, uint32_t size,
                                          const std::vector<uint32_t>& offsets);

  bool numeric() const { return numbers_ != nullptr; }
  // REQUIRES: `offset` is the number of entries so far; numeric() implies key.number.
  void Append(uint32_t offset, const IdKey& key);
  // Appends an entry that is erased. Not while others read the chunk.
  void AppendErased(uint32_t offset);
  // Overwrites what it holds when the last reader lets it go: an id in it was erased.
  void WipeWhenGone() { wipe_ = true; }

  bool erased(uint32_t offset) const {
    return erased_ != nullptr && (erased_[offset >> 6] >> (offset & 63) & 1) != 0;
  }
  uint64_t hash(uint32_t offset) const { return hashes_[offset]; }
  uint64_t number(uint32_t offset) const { return numbers_[offset]; }  // REQUIRES: numeric()
  std::string text(uint32_t offset) const;                             // empty when it is erased
  // The text without copying. REQUIRES: !numeric(). Valid as long as the chunk.
  std::string_view view(uint32_t offset) const;
  bool Equals(uint32_t offset, const IdKey& key) const;
  // Fetch what Equals() reads into the cache, the second what the first has brought the place of.
  void Prefetch(uint32_t offset) const {
    if (numeric()) {
      __builtin_prefetch(&numbers_[offset]);
    } else {
      __builtin_prefetch(&hashes_[offset]);
      __builtin_prefetch(&ends_[offset]);
    }
  }
  void PrefetchText(uint32_t offset) const {
    if (!numeric()) __builtin_prefetch(&bytes_.get()[offset == 0 ? 0 : ends_[offset - 1]]);
  }
  size_t memory_bytes(uint32_t size) const;  // of the first `size` entries

 private:
  // Memory of the largest possible size, of which only what is written becomes resident.
  struct Unmap {
    size_t bytes;
    void operator()(char* memory) const;
  };

  bool wipe_ = false;
  std::unique_ptr<uint64_t[]> erased_;  // a bit an entry; null: none is erased
  std::unique_ptr<uint64_t[]> hashes_;
  std::unique_ptr<uint64_t[]> numbers_;
  std::unique_ptr<uint32_t[]> ends_;
  std::unique_ptr<char, Unmap> bytes_;
};

// A chunk of these ids. It is numeric() if all that are not erased are canonical decimals below
// 2^64. REQUIRES: at most kChunkSize ids, of at most kIdBytesMax bytes each.
std::shared_ptr<IdChunk> MakeIdChunk(const IdList& ids);

}  // namespace throng::index

#endif  // THRONG_INDEX_ID_CHUNK_H_
