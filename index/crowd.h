// Crowds of a population at one data version: what each is (its definition) and what was computed
// of it (its versions), apart from each other.
//
//   const CrowdEntry* spring = snapshot.crowds().Find("spring_sale");
//   spring->definition->rule;              // "city = 'Paris' and not crowd('#3')"
//   spring->versions->back().number;       // the newest
//   spring->last_set->cardinality();       // who is in it
//
// A crowd is known by an id that is never used again; references between crowds are by it, so that
// a crowd can be renamed. The set of the newest version is in memory, those of older ones are on
// disk (storage::Store::ReadCrowdVersion). Types are values unless they say otherwise;
// thread-compatible.
#ifndef THRONG_INDEX_CROWD_H_
#define THRONG_INDEX_CROWD_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "index/ordinal_set.h"

namespace throng::index {

inline constexpr uint32_t kCrowdsMax = 10'000;  // a population, deleted ones included
inline constexpr size_t kCrowdNameBytesMax = 128;
inline constexpr size_t kCrowdTextBytesMax = 4'096;  // display name, description, owner, folder
inline constexpr size_t kCrowdRuleBytesMax = 1 << 20;
inline constexpr size_t kCrowdDetailsBytesMax = 1 << 20;
inline constexpr size_t kCrowdLabelsMax = 64;
inline constexpr size_t kCrowdLabelKeyBytesMax = 63;
inline constexpr size_t kCrowdLabelValueBytesMax = 256;
inline constexpr size_t kCrowdReferencesMax = 1'000;  // from one crowd
inline constexpr uint32_t kCrowdKeepLastMax = 100;    // versions kept besides pinned ones
inline constexpr size_t kCrowdPinnedMax = 100;        // versions of a crowd

// Numbers are part of the disk format (storage/FORMAT.md): never renumbered.
enum class CrowdKind : uint8_t {
  kRule = 1,    // an expression
  kUpload = 2,  // a list of ids
  kSplit = 3,   // an arm of another crowd
};

std::string_view CrowdKindName(CrowdKind kind);  // "RULE"

struct CrowdDefinition {
  uint32_t id = 0;  // internal, never reused; 0 is not a crowd
  std::string name;
  CrowdKind kind = CrowdKind::kRule;
  std::string display_name;
  std::string description;
  std::string owner;
  std::string folder;
  std::map<std::string, std::string> labels;
  // RULE: the canonical text, in which crowds are named by id: crowd('#17'). The last text when it
  // was frozen, by name.
  std::string rule;
  std::string time_zone;                // IANA, of the rule's dates
  std::optional<int64_t> reference_us;  // of relative dates; absent: the time of each computation
  // What the rule, or the split, rests on; none when frozen.
  std::vector<uint32_t> references;  // ids of crowds, ascending
  std::vector<uint32_t> tags;        // ids of tags, ascending
  std::string details;               // of UPLOAD and SPLIT; opaque here and to the storage
  uint64_t revision = 1;             // of the definition; every change makes the next one
  int64_t create_us = 0;             // Unix microseconds, like all times here
  int64_t update_us = 0;
  int64_t delete_us = 0;  // of a soft delete; 0: it is not deleted
  int64_t expire_us = 0;  // when a deleted crowd goes for good
  uint32_t keep_last = 10;
  bool online = false;       // answers membership from memory
  bool frozen = false;       // its versions are all there will be
  uint64_t byte_budget = 0;  // of its versions' bytes; older ones go beyond it; 0: none

  bool deleted() const { return delete_us != 0; }
  friend bool operator==(const CrowdDefinition&, const CrowdDefinition&) = default;
};

// Checks lengths, texts, order and ranges. Errors: kInvalidArgument with field "crowd.<field>".
absl::Status Validate(const CrowdDefinition& definition);

// Names one version of one crowd.
struct CrowdVersionId {
  uint32_t crowd = 0;
  uint32_t number = 0;  // from 1
  friend auto operator<=>(const CrowdVersionId&, const CrowdVersionId&) = default;
};

struct CrowdVersion {
  uint32_t number = 0;                // from 1 for each crowd, never reused
  uint64_t revision = 0;              // of the definition it was computed from
  uint64_t computed_count = 0;        // users when it was computed; erasures since make them fewer
  uint64_t data_version = 0;          // that it was computed on
  int64_t reference_us = 0;           // of relative dates
  int64_t create_us = 0;              // when it was computed
  uint32_t previous = 0;              // the version before it; 0: none
  uint64_t added = 0;                 // users that `previous` has not
  uint64_t removed = 0;               // users that only `previous` has
  uint64_t duration_us = 0;           // that computing it took
  uint64_t bytes = 0;                 // that its set took in memory when it was computed
  bool pinned = false;                // is kept whatever comes
  bool holds_erased = false;          // was written with users that had just been erased
  std::vector<uint32_t> tags;         // ids of all tags beneath it, ascending
  std::vector<CrowdVersionId> reads;  // of other crowds, ascending
  friend bool operator==(const CrowdVersion&, const CrowdVersion&) = default;
};

// Thread-safe: immutable once published.
struct CrowdEntry {
  std::shared_ptr<const CrowdDefinition> definition;          // never null
  std::shared_ptr<const std::vector<CrowdVersion>> versions;  // never null; ascending
  std::shared_ptr<const OrdinalSet> last_set;  // of the newest version; null: there is none

  // Null when there is none of that number.
  const CrowdVersion* FindVersion(uint32_t number) const;
};

// A version that a crowd gets. Its set is not part of the log: it is on disk before.
struct NewCrowdVersion {
  uint32_t crowd = 0;
  CrowdVersion version;
  std::shared_ptr<const OrdinalSet> set;  // of blocks; null while a log is replayed
};

// What a commit changes of crowds.
struct CrowdChanges {
  std::vector<CrowdDefinition> definitions;  // created or changed
  std::vector<NewCrowdVersion> versions;     // at most one a crowd
  std::vector<CrowdVersionId> pinned;
  std::vector<CrowdVersionId> unpinned;
  std::vector<CrowdVersionId> dropped;  // never the newest
  std::vector<uint32_t> purged;         // ids of crowds that go for good

  bool empty() const {
    return definitions.empty() && versions.empty() && pinned.empty() && unpinned.empty() &&
           dropped.empty() && purged.empty();
  }
};

// All crowds by name and by id. Thread-safe: immutable; With() returns a changed copy.
class CrowdCatalogue {
 public:
  using Entry = std::shared_ptr<const CrowdEntry>;

  // What storage loaded. REQUIRES: ids and names are distinct, ids below `next_id`.
  static std::shared_ptr<const CrowdCatalogue> Of(const std::vector<Entry>& entries,
                                                  uint32_t next_id);
  // REQUIRES: the changes fit (storage/crowd_check.h).
  std::shared_ptr<const CrowdCatalogue> With(const CrowdChanges& changes) const;
  // The same crowds with their newest sets: those of `sets` by id, where it has one.
  std::shared_ptr<const CrowdCatalogue> WithSets(
      const std::map<uint32_t, std::shared_ptr<const OrdinalSet>>& sets) const;

  // Deleted ones included. Null: there is none.
  const CrowdEntry* Find(std::string_view name) const;
  const CrowdEntry* FindById(uint32_t id) const;
  Entry Share(uint32_t id) const;
  const std::map<std::string, Entry, std::less<>>& by_name() const { return by_name_; }
  const std::map<uint32_t, Entry>& by_id() const { return by_id_; }
  uint32_t next_id() const { return next_id_; }

 private:
  void Put(Entry entry);

  std::map<std::string, Entry, std::less<>> by_name_;
  std::map<uint32_t, Entry> by_id_;
  uint32_t next_id_ = 1;
};

}  // namespace throng::index

#endif  // THRONG_INDEX_CROWD_H_
