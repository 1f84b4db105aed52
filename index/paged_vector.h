// A vector whose copies share what they have in common: copying costs a pointer for every 64
// entries, changing an entry copies its page of 64.
//
//   PagedVector<BitmapShardRef> next = current;      // shares every page
//   next.Set(17, shard);                             // copies one page, `current` is unchanged
//
// Thread-compatible. Entries that were never set are T().
#ifndef THRONG_INDEX_PAGED_VECTOR_H_
#define THRONG_INDEX_PAGED_VECTOR_H_

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "index/memory_use.h"

namespace throng::index {

template <typename T>
class PagedVector {
 public:
  static constexpr size_t kPageSize = 64;

  PagedVector() = default;
  // A copy owns no page: it copies each one before its first change to it.
  PagedVector(const PagedVector& other) : pages_(other.pages_), size_(other.size_) {}
  PagedVector(PagedVector&&) noexcept = default;
  PagedVector& operator=(PagedVector other) noexcept {
    pages_.swap(other.pages_);
    owned_.swap(other.owned_);
    size_ = other.size_;
    return *this;
  }

  // One past the largest index set.
  size_t size() const { return size_; }

  const T& operator[](size_t i) const {
    static const T kNone{};
    const size_t page = i / kPageSize;
    if (page >= pages_.size() || pages_[page] == nullptr) return kNone;
    return (*pages_[page])[i % kPageSize];
  }

  void Set(size_t i, T value) {
    const size_t page = i / kPageSize;
    if (page >= pages_.size()) pages_.resize(page + 1);
    if (owned_.size() < pages_.size()) owned_.resize(pages_.size());
    if (!owned_[page]) {
      pages_[page] = pages_[page] == nullptr ? std::make_shared<Page>()
                                             : std::make_shared<Page>(*pages_[page]);
      owned_[page] = true;
    }
    (*pages_[page])[i % kPageSize] = std::move(value);
    if (i >= size_) size_ = i + 1;
  }

  // Asks for the memory that operator[] reads on the way to entry i, the first place of it or the
  // second. The first must be near by when the second is asked for.
  void PrefetchPage() const { __builtin_prefetch(pages_.data()); }
  void PrefetchEntry(size_t i) const {
    if (i / kPageSize < pages_.size() && pages_[i / kPageSize] != nullptr) {
      __builtin_prefetch(&(*pages_[i / kPageSize])[i % kPageSize]);
    }
  }

  // The page of entry `i` if this object made it and no other has it, else empty.
  std::span<T> OwnedPage(size_t i) {
    const size_t page = i / kPageSize;
    if (page >= owned_.size() || !owned_[page]) return {};
    return std::span<T>(*pages_[page]);
  }

  // Of the pages, not of what the entries point to; not null `beside`: without those it shares.
  size_t memory_bytes(const PagedVector* beside) const {
    if (pages_.empty()) return 0;
    size_t bytes = HeapBytes(pages_.capacity() * sizeof(pages_[0]));
    if (!owned_.empty()) bytes += HeapBytes(owned_.capacity() / 8);
    for (size_t i = 0; i < pages_.size(); ++i) {
      const bool is_shared =
          beside != nullptr && i < beside->pages_.size() && beside->pages_[i] == pages_[i];
      if (pages_[i] != nullptr && !is_shared) bytes += SharedBytes<Page>();
    }
    return bytes;
  }

 private:
  using Page = std::array<T, kPageSize>;

  std::vector<std::shared_ptr<Page>> pages_;
  std::vector<bool> owned_;  // this object made the page and nobody else has it yet
  size_t size_ = 0;
};

}  // namespace throng::index

#endif  // THRONG_INDEX_PAGED_VECTOR_H_
