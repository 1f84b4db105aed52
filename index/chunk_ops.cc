#include "index/chunk_ops.h"

#include <algorithm>
#include <cstring>

#include "index/word_kernels.h"

namespace throng::index {
namespace {

// Finding the members of a bitset costs about as much as three passes over its words: worth it only
// for so few members that what follows is next to nothing.
constexpr uint32_t kSettleMax = 256;

uint32_t AndWords(const uint64_t* a, const uint64_t* b, uint64_t* out) {
  const WordOperand in[] = {{.words = a}, {.words = b}};
  return Kernels().conjoin({.in = in, .in_size = 2}, out);
}

uint32_t CountBoth(const ChunkSet& a, const ChunkSet& b) {
  WordOperand in[] = {{a.words, a.ahead}, {b.words, b.ahead}};
  if (a.ahead != nullptr || b.ahead != nullptr) CompleteAhead(in);
  return Kernels().conjoin({.in = in, .in_size = 2}, nullptr);
}

uint32_t AndNotWords(const uint64_t* a, const uint64_t* b, uint64_t* out) {
  const WordOperand in{.words = a};
  const WordOperand minus{.words = b};
  return Kernels().conjoin({.in = &in, .in_size = 1, .minus = &minus, .minus_size = 1}, out);
}

uint32_t OrWords(const uint64_t* a, const uint64_t* b, uint64_t* out) {
  const WordOperand in[] = {{.words = a}, {.words = b}};
  return Kernels().unite(in, 2, out);
}

inline bool TestBit(const uint64_t* words, uint32_t offset) {
  return (words[offset >> 6] >> (offset & 63)) & 1;
}

// Bits first to last of the word that holds them, both included and in one word.
inline uint64_t WordMask(uint32_t first, uint32_t last) {
  return (~uint64_t{0} << (first & 63)) & (~uint64_t{0} >> (63 - (last & 63)));
}

template <typename Change>
void ForRangeWords(uint32_t first, uint32_t last, Change change) {
  const uint32_t first_word = first >> 6;
  const uint32_t last_word = last >> 6;
  if (first_word == last_word) {
    change(first_word, WordMask(first, last));
    return;
  }
  change(first_word, ~uint64_t{0} << (first & 63));
  for (uint32_t w = first_word + 1; w < last_word; ++w) change(w, ~uint64_t{0});
  change(last_word, ~uint64_t{0} >> (63 - (last & 63)));
}

// An array this many times longer than another is searched for each member of that one.
constexpr uint32_t kSearchFactor = 2;

// Intersection of two ascending arrays; `out` may be `a` where it is not the longer one.
uint32_t IntersectArrays(const uint16_t* a, uint32_t a_size, const uint16_t* b, uint32_t b_size,
                         uint16_t* out) {
  if (a_size > b_size) {
    std::swap(a, b);
    std::swap(a_size, b_size);
  }
  if (a_size * kSearchFactor < b_size) return Kernels().keep_among(a, a_size, b, b_size, true, out);
  uint32_t count = 0;
  for (uint32_t i = 0, j = 0; i < a_size && j < b_size;) {
    const uint16_t x = a[i];
    const uint16_t y = b[j];
    out[count] = x;
    count += x == y;
    i += x <= y;
    j += y <= x;
  }
  return count;
}

// Members of `a` that are not in `b`, both ascending; `out` may be `a`.
uint32_t SubtractArrays(const uint16_t* a, uint32_t a_size, const uint16_t* b, uint32_t b_size,
                        uint16_t* out) {
  if (a_size * kSearchFactor < b_size)
    return Kernels().keep_among(a, a_size, b, b_size, false, out);
  uint32_t count = 0;
  uint32_t i = 0;
  for (uint32_t j = 0; i < a_size && j < b_size;) {
    const uint16_t x = a[i];
    const uint16_t y = b[j];
    out[count] = x;
    count += x < y;
    i += x <= y;
    j += y <= x;
  }
  for (; i < a_size; ++i) out[count++] = a[i];
  return count;
}

// Keeps members of the array for which `test` holds; `out` may be the array.
template <typename Test>
uint32_t FilterArray(const ChunkSet& array, Test test, uint16_t* out) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < array.size; ++i) {
    out[count] = array.array[i];
    count += test(uint32_t{array.array[i]}) ? 1 : 0;
  }
  return count;
}

// Walks runs beside an ascending array: tells for ascending offsets whether a run holds them.
class RunCursor {
 public:
  explicit RunCursor(const ChunkSet& set) : run_(set.runs), end_(set.runs + set.size) {}
  bool Contains(uint32_t offset) {
    while (run_ != end_ && run_->last < offset) ++run_;
    return run_ != end_ && run_->first <= offset;
  }

 private:
  const Run* run_;
  const Run* end_;
};

// Members of `array` that are (`wanted`) or are not in `other`.
ChunkSet SelectFromArray(const ChunkSet& array, const ChunkSet& other, bool wanted,
                         ChunkScratch& out) {
  uint16_t* values = out.array.values;
  uint32_t count = 0;
  if (other.kind == SetKind::kBitset) {
    count = Kernels().keep_in(array.array, array.size, other.words, wanted, values);
  } else if (other.kind == SetKind::kRuns) {
    RunCursor cursor(other);
    count = FilterArray(
        array, [&](uint32_t v) { return cursor.Contains(v) == wanted; }, values);
  } else if (wanted) {
    count = IntersectArrays(array.array, array.size, other.array, other.size, values);
  } else {
    count = SubtractArrays(array.array, array.size, other.array, other.size, values);
  }
  return ChunkSet::Array(values, count);
}

}  // namespace

bool Contains(const ChunkSet& set, uint32_t offset) {
  switch (set.kind) {
    case SetKind::kEmpty:
      return false;
    case SetKind::kArray:
      return std::binary_search(set.array, set.array + set.size, static_cast<uint16_t>(offset));
    case SetKind::kBitset:
      return TestBit(set.words, offset);
    case SetKind::kRuns: {
      const Run* run = std::lower_bound(set.runs, set.runs + set.size, offset,
                                        [](const Run& r, uint32_t v) { return r.last < v; });
      return run != set.runs + set.size && run->first <= offset;
    }
    case SetKind::kFull:
      return true;
  }
  return false;
}

ChunkSet Settle(ChunkScratch& out, uint32_t cardinality) {
  const ChunkSet bits = ChunkSet::Bitset(out.bits.words, cardinality);
  if (cardinality == 0 || cardinality > kSettleMax) return bits;
  return ChunkSet::Array(out.array.values, ToArray(bits, out.array.values));
}

ChunkSet Intersect(const ChunkSet& a, const ChunkSet& b, ChunkScratch& out) {
  if (a.empty() || b.empty()) return ChunkSet::Empty();
  if (a.kind == SetKind::kFull) return b;
  if (b.kind == SetKind::kFull) return a;
  if (a.kind == SetKind::kArray && (b.kind != SetKind::kArray || a.size <= b.size)) {
    return SelectFromArray(a, b, true, out);
  }
  if (b.kind == SetKind::kArray) return SelectFromArray(b, a, true, out);
  if (a.kind == SetKind::kBitset && b.kind == SetKind::kBitset) {
    return Settle(out, AndWords(a.words, b.words, out.bits.words));
  }
  const ChunkSet& runs = a.kind == SetKind::kRuns ? a : b;
  const ChunkSet& other = a.kind == SetKind::kRuns ? b : a;
  CopyTo(other, out.bits.words);
  IntersectInto(runs, out.bits.words);
  return Settle(out, CountBits(out.bits.words));
}

ChunkSet Unite(const ChunkSet& a, const ChunkSet& b, ChunkScratch& out) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  if (a.kind == SetKind::kFull || b.kind == SetKind::kFull) return ChunkSet::Full();
  if (a.kind == SetKind::kArray && b.kind == SetKind::kArray && a.size + b.size <= kArrayMax) {
    uint16_t* values = out.array.values;
    const uint16_t* end =
        std::set_union(a.array, a.array + a.size, b.array, b.array + b.size, values);
    return ChunkSet::Array(values, static_cast<uint32_t>(end - values));
  }
  if (a.kind == SetKind::kBitset && b.kind == SetKind::kBitset) {
    return ChunkSet::Bitset(out.bits.words, OrWords(a.words, b.words, out.bits.words));
  }
  const ChunkSet& large = a.kind == SetKind::kArray ? b : a;
  const ChunkSet& small = a.kind == SetKind::kArray ? a : b;
  CopyTo(large, out.bits.words);
  UniteInto(small, out.bits.words);
  return ViewOf(out.bits.words);
}

ChunkSet Subtract(const ChunkSet& a, const ChunkSet& b, ChunkScratch& out) {
  if (a.empty() || b.kind == SetKind::kFull) return ChunkSet::Empty();
  if (b.empty()) return a;
  if (a.kind == SetKind::kArray) return SelectFromArray(a, b, false, out);
  if (a.kind == SetKind::kBitset && b.kind == SetKind::kBitset) {
    return Settle(out, AndNotWords(a.words, b.words, out.bits.words));
  }
  CopyTo(a, out.bits.words);
  SubtractFrom(b, out.bits.words);
  return Settle(out, CountBits(out.bits.words));
}

uint32_t IntersectCardinality(const ChunkSet& a, const ChunkSet& b) {
  if (a.empty() || b.empty()) return 0;
  if (a.kind == SetKind::kFull) return b.cardinality;
  if (b.kind == SetKind::kFull) return a.cardinality;
  if (a.kind == SetKind::kBitset && b.kind == SetKind::kBitset) return CountBoth(a, b);
  if (b.kind == SetKind::kArray && (a.kind != SetKind::kArray || b.size < a.size)) {
    return IntersectCardinality(b, a);
  }
  uint32_t count = 0;
  if (a.kind == SetKind::kArray) {
    if (b.kind == SetKind::kBitset) {
      count = Kernels().count_in(a.array, a.size, b.words);
    } else if (b.kind == SetKind::kRuns) {
      RunCursor cursor(b);
      for (uint32_t i = 0; i < a.size; ++i) count += cursor.Contains(a.array[i]);
    } else {
      ChunkArray both;
      count = IntersectArrays(a.array, a.size, b.array, b.size, both.values);
    }
    return count;
  }
  if (b.kind == SetKind::kBitset) return IntersectCardinality(b, a);
  if (a.kind == SetKind::kBitset) {
    for (uint32_t i = 0; i < b.size; ++i)
      count += CountRange(a.words, b.runs[i].first, b.runs[i].last);
    return count;
  }
  for (uint32_t i = 0, j = 0; i < a.size && j < b.size;) {
    const uint32_t first = std::max(a.runs[i].first, b.runs[j].first);
    const uint32_t last = std::min(a.runs[i].last, b.runs[j].last);
    if (first <= last) count += last - first + 1;
    if (a.runs[i].last < b.runs[j].last) {
      ++i;
    } else {
      ++j;
    }
  }
  return count;
}

void CopyTo(const ChunkSet& set, uint64_t* words) {
  if (set.kind == SetKind::kBitset) {
    if (set.words != words) std::memcpy(words, set.words, sizeof(ChunkWords));
    return;
  }
  std::memset(words, set.kind == SetKind::kFull ? 0xff : 0, sizeof(ChunkWords));
  if (set.kind != SetKind::kFull) UniteInto(set, words);
}

void UniteInto(const ChunkSet& set, uint64_t* words) {
  switch (set.kind) {
    case SetKind::kEmpty:
      return;
    case SetKind::kArray:
      for (uint32_t i = 0; i < set.size; ++i) {
        words[set.array[i] >> 6] |= uint64_t{1} << (set.array[i] & 63);
      }
      return;
    case SetKind::kBitset:
      OrWords(words, set.words, words);
      return;
    case SetKind::kRuns:
      for (uint32_t i = 0; i < set.size; ++i) {
        ForRangeWords(set.runs[i].first, set.runs[i].last,
                      [&](uint32_t w, uint64_t mask) { words[w] |= mask; });
      }
      return;
    case SetKind::kFull:
      std::memset(words, 0xff, sizeof(ChunkWords));
      return;
  }
}

void IntersectInto(const ChunkSet& set, uint64_t* words) {
  switch (set.kind) {
    case SetKind::kEmpty:
      std::memset(words, 0, sizeof(ChunkWords));
      return;
    case SetKind::kArray: {
      ChunkWords mask{};
      UniteInto(set, mask.words);
      AndWords(words, mask.words, words);
      return;
    }
    case SetKind::kBitset:
      AndWords(words, set.words, words);
      return;
    case SetKind::kRuns: {
      const auto clear = [&](uint32_t w, uint64_t mask) { words[w] &= ~mask; };
      uint32_t next = 0;  // first offset after the runs so far
      for (uint32_t i = 0; i < set.size; ++i) {
        if (set.runs[i].first > next) ForRangeWords(next, set.runs[i].first - 1u, clear);
        next = set.runs[i].last + 1u;
      }
      if (next < kChunkSize) ForRangeWords(next, kChunkSize - 1, clear);
      return;
    }
    case SetKind::kFull:
      return;
  }
}

void SubtractFrom(const ChunkSet& set, uint64_t* words) {
  switch (set.kind) {
    case SetKind::kEmpty:
      return;
    case SetKind::kArray:
      for (uint32_t i = 0; i < set.size; ++i) {
        words[set.array[i] >> 6] &= ~(uint64_t{1} << (set.array[i] & 63));
      }
      return;
    case SetKind::kBitset:
      AndNotWords(words, set.words, words);
      return;
    case SetKind::kRuns:
      for (uint32_t i = 0; i < set.size; ++i) {
        ForRangeWords(set.runs[i].first, set.runs[i].last,
                      [&](uint32_t w, uint64_t mask) { words[w] &= ~mask; });
      }
      return;
    case SetKind::kFull:
      std::memset(words, 0, sizeof(ChunkWords));
      return;
  }
}

uint32_t CountBits(const uint64_t* words) { return Kernels().count(words, kWordsPerChunk); }

uint32_t CountRange(const uint64_t* words, uint32_t first, uint32_t last) {
  const uint32_t first_word = first >> 6;
  const uint32_t last_word = last >> 6;
  if (first_word == last_word) {
    return static_cast<uint32_t>(std::popcount(words[first_word] & WordMask(first, last)));
  }
  const int edges = std::popcount(words[first_word] & (~uint64_t{0} << (first & 63))) +
                    std::popcount(words[last_word] & (~uint64_t{0} >> (63 - (last & 63))));
  return static_cast<uint32_t>(edges) +
         Kernels().count(words + first_word + 1, last_word - first_word - 1);
}

uint32_t ToArray(const ChunkSet& set, uint16_t* out) {
  if (set.kind == SetKind::kArray) {
    std::copy_n(set.array, set.size, out);
    return set.size;
  }
  if (set.kind == SetKind::kBitset) return Kernels().extract(set.words, out);
  uint32_t count = 0;
  ForEach(set, [&](uint32_t offset) { out[count++] = static_cast<uint16_t>(offset); });
  return count;
}

}  // namespace throng::index
