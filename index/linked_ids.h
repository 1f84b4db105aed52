// The ids of one declared type: id -> user, and user -> ids.
//
//   LinkedIds next = phones.With({17, 17}, {"8613800001111", "8613900002222"});
//   next.Find(MakeIdKey("8613800001111"));   // 17
//   next.IdsOf(17);                          // both, in order of linking
//   next.Without({17}).IdsOf(17);            // none
//
// Every link is an entry, numbered in order of linking and never again: its id stands in an
// IdDictionary, its owner and the owner's entry before it in arrays that only grow; the newest
// entry of each user stands in a paged vector whose copies share pages. An id that moved to another
// user would be an erased entry and a new one. Like an IdDictionary, a LinkedIds is a view of
// shared storage: copies are cheap and stay as they were; one thread at a time may extend the
// newest, or an older one, which gives up the newer ones; every other copy may be read by any
// thread meanwhile.
#ifndef THRONG_INDEX_LINKED_IDS_H_
#define THRONG_INDEX_LINKED_IDS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "index/id_dictionary.h"
#include "index/paged_vector.h"

namespace throng::index {

class LinkedIds {
 public:
  LinkedIds();

  // The user that the id is linked to.
  std::optional<uint32_t> Find(const IdKey& key) const;
  // The ids of a user, in order of linking; at most kIdsOfTypeMax of them if no more were linked.
  std::vector<std::string> IdsOf(uint32_t ordinal) const;
  uint32_t CountOf(uint32_t ordinal) const;

  // Entries ever linked, and those not erased.
  uint32_t entry_count() const { return ids_.size(); }
  uint32_t id_count() const { return id_count_; }
  // The entries' ids, and the owner of one that is not erased.
  const IdDictionary& ids() const { return ids_; }
  uint32_t owner(uint32_t entry) const;

  // With ids[i] linked to owners[i]. REQUIRES: as IdDictionary::With; when loading, an empty id
  // stands for an erased entry, whose owner is not looked at.
  LinkedIds With(const std::vector<uint32_t>& owners, const std::vector<std::string>& ids) const;
  // Without all ids of the users `ordinals` (ascending). Copies keep them; when the last of these
  // is gone, the ids are overwritten.
  LinkedIds Without(const std::vector<uint32_t>& ordinals) const;

  // Not null `beside`: without what it shares.
  size_t memory_bytes(const LinkedIds* beside = nullptr) const;

 private:
  // Of the entries of one chunk: appended to by the one writer.
  struct Entries {
    Entries() : owners(new uint32_t[kChunkSize]), previous(new uint32_t[kChunkSize]) {}
    std::unique_ptr<uint32_t[]> owners;
    std::unique_ptr<uint32_t[]> previous;  // 1 more than the owner's entry before; 0: none
  };
  using EntryChunks = std::vector<std::shared_ptr<Entries>>;
  static constexpr uint32_t kPageSize = 512;
  using Page = std::array<uint32_t, kPageSize>;
  class NewestEditor;

  // 1 more than the user's newest entry; 0: none.
  uint32_t newest(uint32_t ordinal) const {
    const std::shared_ptr<const Page>& page = newest_[ordinal / kPageSize];
    return page == nullptr ? 0 : (*page)[ordinal % kPageSize];
  }
  uint32_t previous(uint32_t entry) const {
    return (*entries_)[entry >> kChunkBits]->previous[entry & kChunkMask];
  }

  uint32_t id_count_ = 0;
  IdDictionary ids_;
  std::shared_ptr<const EntryChunks> entries_;
  PagedVector<std::shared_ptr<const Page>> newest_;
};

using LinkedIdsRef = std::shared_ptr<const LinkedIds>;

}  // namespace throng::index

#endif  // THRONG_INDEX_LINKED_IDS_H_
