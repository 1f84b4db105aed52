// A table of how often each 64-bit mask came, of a bounded number of masks.
//
//   MaskCounts counts(/*masks_max=*/1'000);
//   if (!counts.Add(0b101)) ...   // one mask too many
//   counts.ForEach([](uint64_t mask, uint64_t count) {...});
//
// Internal to the folder.
#ifndef THRONG_QUERY_MASK_COUNTS_H_
#define THRONG_QUERY_MASK_COUNTS_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace throng::query {

// Open addressing, at most half full: 32 bytes a mask. Thread-compatible.
class MaskCounts {
 public:
  explicit MaskCounts(size_t masks_max) : masks_max_(masks_max) {}

  // Counts the mask, which is not 0; false, and nothing is counted, where it would be one too many.
  bool Add(uint64_t mask, uint64_t count = 1) {
    size_t at = PlaceOf(mask);
    while (entries_[at].mask != mask) {
      if (entries_[at].mask == 0) return Insert(mask, count);
      at = (at + 1) & (entries_.size() - 1);
    }
    entries_[at].count += count;
    return true;
  }
  size_t size() const { return size_; }
  // Makes room for so many masks at once. Another table's masks come in order of their places:
  // in a smaller table they would lie in one heap.
  void Reserve(size_t masks) {
    while (masks * 2 > entries_.size()) Grow();
  }

  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const Entry& entry : entries_) {
      if (entry.mask != 0) visit(entry.mask, entry.count);
    }
  }

 private:
  struct Entry {
    uint64_t mask = 0;
    uint64_t count = 0;
  };

  size_t PlaceOf(uint64_t mask) const {
    return static_cast<size_t>((mask * 0x9E37'79B9'7F4A'7C15) >> shift_);
  }
  bool Insert(uint64_t mask, uint64_t count) {
    if (size_ == masks_max_) return false;
    if (++size_ * 2 > entries_.size()) Grow();
    Put({mask, count});
    return true;
  }
  void Put(Entry entry) {
    size_t at = PlaceOf(entry.mask);
    while (entries_[at].mask != 0) at = (at + 1) & (entries_.size() - 1);
    entries_[at] = entry;
  }
  void Grow() {
    const std::vector<Entry> before = std::exchange(entries_, {});
    entries_.resize(before.size() * 2);
    shift_ = 64 - std::countr_zero(entries_.size());
    for (const Entry& entry : before) {
      if (entry.mask != 0) Put(entry);
    }
  }

  static constexpr int kFirstBits = 12;

  const size_t masks_max_;
  size_t size_ = 0;
  int shift_ = 64 - kFirstBits;
  std::vector<Entry> entries_{size_t{1} << kFirstBits};
};

}  // namespace throng::query

#endif  // THRONG_QUERY_MASK_COUNTS_H_
