// A population at one data version: catalogue, ids, universe, the content of every tag, crowds.
//
//   std::shared_ptr<const Snapshot> next = Apply(*snapshot, record, pool);
//   next->content(tag_id)->shard(3)->values[code];
//
// A reader pins a snapshot by holding its pointer and takes no lock; all it reads is one version.
#ifndef THRONG_INDEX_SNAPSHOT_H_
#define THRONG_INDEX_SNAPSHOT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "index/catalogue.h"
#include "index/change.h"
#include "index/crowd.h"
#include "index/id_dictionary.h"
#include "index/linked_ids.h"
#include "index/parallel.h"
#include "index/tag_shard.h"

namespace throng::index {

// The universe is kept like a FLAG tag with this id.
inline constexpr uint32_t kUniverseTag = 0;

// The ids of the declared types and what erasures leave.
struct Identity {
  std::vector<LinkedIdsRef> linked;  // [id type - 1]; null: nobody has such an id
  // The data version of the newest erasure since the start: what was looked up on a snapshot of
  // before may name users and value codes that are no more.
  uint64_t erasure_version = 0;
  uint64_t ledger_end = 0;  // CommitRecord::ledger_end
};

// Thread-safe: immutable. Only the newest snapshot of a population may be given to Apply.
class Snapshot {
 public:
  // An empty population at version 0.
  Snapshot();
  // What storage loaded: content by tag id, the universe at 0.
  Snapshot(uint64_t data_version, std::shared_ptr<const Catalogue> catalogue, IdDictionary ids,
           std::vector<TagContentRef> contents, Identity identity = {},
           std::shared_ptr<const CrowdCatalogue> crowds = nullptr);

  uint64_t data_version() const { return data_version_; }
  // Ordinals of users ever created are below.
  uint32_t ordinal_end() const { return ids_.size(); }
  uint32_t shard_count() const { return (ids_.size() + kShardSize - 1) >> kShardBits; }
  uint64_t user_count() const;
  const Catalogue& catalogue() const { return *catalogue_; }
  const std::shared_ptr<const Catalogue>& shared_catalogue() const { return catalogue_; }
  const IdDictionary& ids() const { return ids_; }
  const Identity& identity() const { return identity_; }
  // The ids of a declared type. Null when there are none.
  const LinkedIds* linked_ids(uint32_t id_type) const {
    return id_type - 1 < identity_.linked.size() ? identity_.linked[id_type - 1].get() : nullptr;
  }
  // Null when nobody has the tag.
  const TagContent* content(uint32_t tag) const {
    return tag < contents_.size() ? contents_[tag].get() : nullptr;
  }
  const TagShard* shard(uint32_t tag, uint32_t shard) const {
    const TagContent* all = content(tag);
    return all == nullptr ? nullptr : all->shard(shard);
  }
  const std::vector<TagContentRef>& contents() const { return contents_; }
  const CrowdCatalogue& crowds() const { return *crowds_; }
  const std::shared_ptr<const CrowdCatalogue>& shared_crowds() const { return crowds_; }

 private:
  friend std::shared_ptr<const Snapshot> Apply(const Snapshot&, const CommitRecord&, Parallel&);
  friend std::shared_ptr<const Snapshot> ReplaceContents(const Snapshot&, const CommitRecord&,
                                                         std::vector<TagContentRef>);
  friend std::shared_ptr<const Snapshot> ReplaceCrowds(const Snapshot&,
                                                       std::shared_ptr<const CrowdCatalogue>);

  uint64_t data_version_ = 0;
  std::shared_ptr<const Catalogue> catalogue_;
  IdDictionary ids_;
  std::vector<TagContentRef> contents_;
  Identity identity_;
  std::shared_ptr<const CrowdCatalogue> crowds_;
};

using SnapshotRef = std::shared_ptr<const Snapshot>;

// `base` with `record` applied; tags are changed in parallel on `parallel`. Records must come in
// order of version. Replaying a record onto parts that already hold it changes nothing.
SnapshotRef Apply(const Snapshot& base, const CommitRecord& record, Parallel& parallel);

// `content` (may be null) of a tag of `type` with `change` made at `version`.
TagContentRef ApplyToContent(const TagContentRef& content, TagType type, const TagChange& change,
                             uint64_t version);

// `base` at the version of `record`, with its definitions, and with new content for those tags
// (same order): how a REPLACE becomes visible at once.
SnapshotRef ReplaceContents(const Snapshot& base, const CommitRecord& record,
                            std::vector<TagContentRef> contents);

// `base`, of the same version, with other crowds: those that storage has read the sets of.
SnapshotRef ReplaceCrowds(const Snapshot& base, std::shared_ptr<const CrowdCatalogue> crowds);

}  // namespace throng::index

#endif  // THRONG_INDEX_SNAPSHOT_H_
