// The tags and id types of a population at one data version: definitions, value dictionaries, and
// a view of the tags filtered for what a caller may see.
//
//   CatalogueView view(snapshot.catalogue(), Visibility{.sensitivity_max = 3});
//   const TagEntry* city = view.Find("city");         // nullptr: unknown or not visible
//   std::optional<uint32_t> code = city->values->Find("Beijing");
//
// Catalogue, TagEntry and ValueDictionary are immutable once published; a write makes new ones.
#ifndef THRONG_INDEX_CATALOGUE_H_
#define THRONG_INDEX_CATALOGUE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "index/id_type.h"

namespace throng::index {

inline constexpr uint32_t kTagValuesMax = 65'535;  // codes 0 to 65,534; 65,535 means missing
inline constexpr int kTagNameBytesMax = 128;
inline constexpr int kTagValueBytesMax = 1'024;
inline constexpr int kTagTextBytesMax = 4'096;  // display name, path, description, owner
inline constexpr int kDecimalScaleMax = 9;
inline constexpr int kTagsMax = 20'000;  // a population

// Numbers are part of the disk format (storage/FORMAT.md): never renumbered.
enum class TagType : uint8_t {
  kFlag = 1,
  kCategory = 2,
  kLabels = 3,
  kInteger = 4,
  kDecimal = 5,
  kDate = 6,
  kDateTime = 7,
};

enum class TagState : uint8_t { kDraft = 1, kOnline = 2, kOffline = 3 };

std::string_view TagTypeName(TagType type);  // "CATEGORY"

// CATEGORY and LABELS have a value dictionary.
inline bool HasDictionary(TagType type) {
  return type == TagType::kCategory || type == TagType::kLabels;
}
// INTEGER, DECIMAL, DATE and DATETIME are stored as one int64 a user: the number, units of the
// scale, days since 1970-01-01, microseconds since 1970-01-01T00:00:00Z.
inline bool IsNumeric(TagType type) { return type >= TagType::kInteger; }

struct TagDefinition {
  uint32_t id = 0;  // internal, never reused; 0 is not a tag
  std::string name;
  TagType type = TagType::kFlag;
  int scale = 0;  // DECIMAL: digits after the point
  std::string display_name;
  std::string path;
  std::string description;
  std::string owner;
  int sensitivity = 0;  // 0 to 9
  TagState state = TagState::kOnline;
  uint32_t values_max = kTagValuesMax;
  uint32_t generation = 1;  // of the content; a REPLACE makes the next one
  // When the content last changed, Unix microseconds; changes within a second of it do not move it.
  int64_t content_time_us = 0;
  uint32_t freshness_s = 0;  // content that is older is stale; 0: it never is

  friend bool operator==(const TagDefinition&, const TagDefinition&) = default;
};

// 10 years.
inline constexpr uint32_t kFreshnessSecondsMax = 3650u * 86'400;

// Checks name, lengths, scale, sensitivity. Errors: kInvalidArgument with field "tag.<field>".
absl::Status Validate(const TagDefinition& definition);

// The values of one tag: text <-> code. Codes are dense from 0 in order of first use, for good.
// Thread-safe: immutable.
class ValueDictionary {
 public:
  ValueDictionary() = default;
  // Returns `base` with `added` behind it. `added` holds no value twice and none of `base`; an
  // empty text stands for a value that was dropped.
  static std::shared_ptr<const ValueDictionary> Extend(const ValueDictionary& base,
                                                       const std::vector<std::string>& added);
  // Returns `base` with the texts of `codes` forgotten: nobody has these values any more. A code
  // stays taken; the same text gets a new one.
  static std::shared_ptr<const ValueDictionary> Drop(const ValueDictionary& base,
                                                     const std::vector<uint32_t>& codes);

  std::optional<uint32_t> Find(std::string_view value) const;
  // Empty when it was dropped.
  const std::string& value(uint32_t code) const { return *values_[code]; }
  uint32_t size() const { return static_cast<uint32_t>(values_.size()); }
  uint32_t dropped() const { return dropped_; }  // how many were
  // Not null `beside`: without the texts that it shares.
  size_t memory_bytes(const ValueDictionary* beside) const;

 private:
  uint32_t dropped_ = 0;
  std::vector<std::shared_ptr<const std::string>> values_;
  absl::flat_hash_map<absl::string_view, uint32_t> codes_;  // keys view into values_
};

struct TagEntry {
  TagDefinition definition;
  std::shared_ptr<const ValueDictionary> values;  // never null; empty without dictionary
};

// All tags by name and by id, and the id types. Thread-safe: immutable; With() and WithIdType()
// return a changed copy.
class Catalogue {
 public:
  using Entry = std::shared_ptr<const TagEntry>;

  // Adds `entries`, or replaces those of the same ids. Copies the catalogue once.
  std::shared_ptr<const Catalogue> With(std::vector<Entry> entries) const;
  std::shared_ptr<const Catalogue> With(Entry entry) const {
    return With(std::vector<Entry>{std::move(entry)});
  }
  // REQUIRES: definition.id is id_types().size() + 1 and the name is new.
  std::shared_ptr<const Catalogue> WithIdType(IdTypeDefinition definition) const;

  const TagEntry* Find(std::string_view name) const;  // nullptr: no such tag
  const TagEntry* FindById(uint32_t id) const;
  Entry Share(uint32_t id) const;
  // Entries in order of name.
  const std::map<std::string, Entry, std::less<>>& by_name() const { return by_name_; }
  uint32_t next_id() const { return static_cast<uint32_t>(by_id_.size() + 1); }
  // The id types that were declared, [id - 1]; the primary one is not among them.
  const std::vector<IdTypeDefinition>& id_types() const { return *id_types_; }
  const IdTypeDefinition* FindIdType(std::string_view name) const;  // nullptr: no such type

 private:
  std::map<std::string, Entry, std::less<>> by_name_;
  std::vector<Entry> by_id_;  // [id - 1]
  std::shared_ptr<const std::vector<IdTypeDefinition>> id_types_ =
      std::make_shared<const std::vector<IdTypeDefinition>>();
};

// What a caller may see.
struct Visibility {
  int sensitivity_max = 9;
};

// A catalogue as one caller may see it: a tag beyond the caller's level does not exist. Valid as
// long as the catalogue. Thread-safe.
class CatalogueView {
 public:
  CatalogueView(const Catalogue& catalogue, const Visibility& visibility)
      : catalogue_(&catalogue), visibility_(visibility) {}

  const TagEntry* Find(std::string_view name) const;
  // The visible tag whose name is nearest to `name`, empty if none is near.
  std::string NearestTag(std::string_view name) const;
  // Visible entries in order of name.
  std::vector<const TagEntry*> List() const;
  // For printing what a resolved plan holds; does not filter.
  const Catalogue& catalogue() const { return *catalogue_; }

 private:
  bool Sees(const TagEntry& entry) const {
    return entry.definition.sensitivity <= visibility_.sensitivity_max;
  }

  const Catalogue* catalogue_;
  Visibility visibility_;
};

// The entry of `names` nearest to `name` by edit distance (Damerau-Levenshtein, case folded), empty
// if the distance is over a third of the longer one. Looks at the first 100,000 names at most.
std::string NearestName(std::string_view name, const std::vector<std::string_view>& names);

}  // namespace throng::index

#endif  // THRONG_INDEX_CATALOGUE_H_
