#include "index/linked_ids.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "index/memory_use.h"

namespace throng::index {

// Changes newest entries; copies each page once, however many of its users change. Done when it is
// destroyed.
class LinkedIds::NewestEditor {
 public:
  explicit NewestEditor(LinkedIds* ids) : ids_(*ids) {}
  ~NewestEditor() {
    for (auto& [number, page] : pages_) ids_.newest_.Set(number, std::move(page));
  }

  uint32_t& At(uint32_t ordinal) {
    std::shared_ptr<Page>& page = pages_[ordinal / kPageSize];
    if (page == nullptr) {
      const std::shared_ptr<const Page>& old = ids_.newest_[ordinal / kPageSize];
      page = old == nullptr ? std::make_shared<Page>() : std::make_shared<Page>(*old);
    }
    return (*page)[ordinal % kPageSize];
  }

 private:
  LinkedIds& ids_;
  absl::flat_hash_map<uint32_t, std::shared_ptr<Page>> pages_;
};

LinkedIds::LinkedIds() : entries_(std::make_shared<EntryChunks>()) {}

std::optional<uint32_t> LinkedIds::Find(const IdKey& key) const {
  const std::optional<uint32_t> entry = ids_.Find(key);
  if (!entry.has_value()) return std::nullopt;
  return owner(*entry);
}

uint32_t LinkedIds::owner(uint32_t entry) const {
  return (*entries_)[entry >> kChunkBits]->owners[entry & kChunkMask];
}

std::vector<std::string> LinkedIds::IdsOf(uint32_t ordinal) const {
  std::vector<std::string> ids;
  for (uint32_t next = newest(ordinal); next != 0; next = previous(next - 1)) {
    if (!ids_.erased(next - 1)) ids.push_back(ids_.text(next - 1));
  }
  std::reverse(ids.begin(), ids.end());
  return ids;
}

uint32_t LinkedIds::CountOf(uint32_t ordinal) const {
  uint32_t count = 0;
  for (uint32_t next = newest(ordinal); next != 0; next = previous(next - 1)) {
    if (!ids_.erased(next - 1)) ++count;
  }
  return count;
}

LinkedIds LinkedIds::With(const std::vector<uint32_t>& owners,
                          const std::vector<std::string>& ids) const {
  LinkedIds next = *this;
  const uint32_t first = ids_.size();
  next.ids_ = ids_.With(ids);
  const size_t chunks = (next.ids_.size() + kChunkSize - 1) >> kChunkBits;
  if (chunks > entries_->size()) {
    auto grown = std::make_shared<EntryChunks>(*entries_);
    while (grown->size() < chunks) grown->push_back(std::make_shared<Entries>());
    next.entries_ = std::move(grown);
  }
  {
    NewestEditor newest(&next);
    for (uint32_t i = 0; i < ids.size(); ++i) {
      if (ids[i].empty()) continue;
      const uint32_t entry = first + i;
      Entries& into = *(*next.entries_)[entry >> kChunkBits];
      uint32_t& last = newest.At(owners[i]);
      into.owners[entry & kChunkMask] = owners[i];
      into.previous[entry & kChunkMask] = std::exchange(last, entry + 1);
      ++next.id_count_;
    }
  }
  return next;
}

LinkedIds LinkedIds::Without(const std::vector<uint32_t>& ordinals) const {
  std::vector<uint32_t> leaving;
  LinkedIds rest = *this;
  {
    NewestEditor newest(&rest);
    for (const uint32_t ordinal : ordinals) {
      if (this->newest(ordinal) == 0) continue;
      for (uint32_t next = this->newest(ordinal); next != 0; next = previous(next - 1)) {
        if (!ids_.erased(next - 1)) leaving.push_back(next - 1);
      }
      newest.At(ordinal) = 0;
    }
  }
  if (leaving.empty()) return *this;
  std::sort(leaving.begin(), leaving.end());
  rest.ids_ = ids_.Without(leaving);
  rest.id_count_ -= static_cast<uint32_t>(leaving.size());
  return rest;
}

size_t LinkedIds::memory_bytes(const LinkedIds* beside) const {
  size_t bytes = ids_.memory_bytes(beside == nullptr ? nullptr : &beside->ids_) +
                 newest_.memory_bytes(beside == nullptr ? nullptr : &beside->newest_);
  for (size_t i = 0; i < entries_->size(); ++i) {
    const bool is_shared = beside != nullptr && i < beside->entries_->size() &&
                           (*beside->entries_)[i] == (*entries_)[i];
    if (is_shared) continue;
    bytes += SharedBytes<Entries>() + 2 * HeapBytes(sizeof(uint32_t) * kChunkSize);
  }
  for (size_t i = 0; i < newest_.size(); ++i) {
    const bool is_shared = beside != nullptr && newest_[i] == beside->newest_[i];
    if (newest_[i] != nullptr && !is_shared) bytes += SharedBytes<Page>();
  }
  return bytes;
}

}  // namespace throng::index
