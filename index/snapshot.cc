#include "index/snapshot.h"

#include <algorithm>
#include <map>
#include <utility>

#include "index/crowd_sets.h"

namespace throng::index {
namespace {

// The change that takes users out of the universe.
TagChange Leave(const std::vector<uint32_t>& ordinals) {
  TagChange change{.tag = kUniverseTag, .ordinals = ordinals};
  change.cells.assign(ordinals.size(), 0);
  return change;
}

// The change that adds users [first, last) to the universe.
TagChange UniverseChange(uint32_t first, uint32_t last) {
  TagChange change{.tag = kUniverseTag};
  for (uint32_t ordinal = first; ordinal < last; ++ordinal) change.ordinals.push_back(ordinal);
  change.cells.assign(last - first, 1);
  return change;
}

constexpr int64_t kContentTimeStepUs = 1'000'000;

// The entries that a record changes, so that the catalogue is copied once, if at all.
class ChangedEntries {
 public:
  explicit ChangedEntries(std::shared_ptr<const Catalogue> catalogue)
      : catalogue_(std::move(catalogue)) {}

  const TagEntry* Find(uint32_t tag) const {
    const auto changed = changed_.find(tag);
    return changed != changed_.end() ? changed->second.get() : catalogue_->FindById(tag);
  }
  // A copy that may be changed; a new one without values if there is none.
  TagEntry& Change(uint32_t tag) {
    std::shared_ptr<TagEntry>& entry = changed_[tag];
    if (entry != nullptr) return *entry;
    const TagEntry* old = catalogue_->FindById(tag);
    entry = old == nullptr ? std::make_shared<TagEntry>() : std::make_shared<TagEntry>(*old);
    if (old == nullptr) entry->values = std::make_shared<const ValueDictionary>();
    return *entry;
  }
  std::shared_ptr<const Catalogue> Finish() const {
    if (changed_.empty()) return catalogue_;
    std::vector<Catalogue::Entry> entries;
    for (const auto& [tag, entry] : changed_) entries.push_back(entry);
    return catalogue_->With(std::move(entries));
  }

 private:
  const std::shared_ptr<const Catalogue> catalogue_;
  std::map<uint32_t, std::shared_ptr<TagEntry>> changed_;
};

std::shared_ptr<const Catalogue> WithRecord(std::shared_ptr<const Catalogue> catalogue,
                                            const CommitRecord& record) {
  ChangedEntries entries(std::move(catalogue));
  for (const TagDefinition& definition : record.definitions) {
    entries.Change(definition.id).definition = definition;
  }
  for (const NewValues& added : record.new_values) {
    const ValueDictionary& old = *entries.Find(added.tag)->values;
    // A replayed record may find all its values already there.
    const size_t known = old.size() - added.first_code;
    if (known >= added.values.size()) continue;
    entries.Change(added.tag).values = ValueDictionary::Extend(
        old, {added.values.begin() + static_cast<ptrdiff_t>(known), added.values.end()});
  }
  for (const TagChange& change : record.tag_changes) {
    if (change.tag == kUniverseTag) continue;
    const int64_t known_us = entries.Find(change.tag)->definition.content_time_us;
    if (record.time_us - known_us < kContentTimeStepUs) continue;
    entries.Change(change.tag).definition.content_time_us = record.time_us;
  }
  for (const DroppedValues& dropped : record.dropped_values) {
    TagEntry& entry = entries.Change(dropped.tag);
    entry.values = ValueDictionary::Drop(*entry.values, dropped.codes);
  }
  return entries.Finish();
}

std::shared_ptr<const Catalogue> WithIdTypes(std::shared_ptr<const Catalogue> catalogue,
                                             const CommitRecord& record) {
  for (const IdTypeDefinition& type : record.id_types) {
    if (type.id <= catalogue->id_types().size()) continue;  // when replayed
    catalogue = catalogue->WithIdType(type);
  }
  return catalogue;
}

Identity WithLinks(const Identity& base, const CommitRecord& record) {
  Identity next = base;
  if (record.ledger_end != 0) next.ledger_end = record.ledger_end;
  for (const IdLinks& links : record.links) {
    if (next.linked.size() < links.id_type) next.linked.resize(links.id_type);
    LinkedIdsRef& linked = next.linked[links.id_type - 1];
    if (linked == nullptr) linked = std::make_shared<const LinkedIds>();
    const size_t known = linked->entry_count() - links.first_entry;  // when replayed
    if (known >= links.ids.size()) continue;
    const auto first = static_cast<ptrdiff_t>(known);
    linked = std::make_shared<const LinkedIds>(
        linked->With({links.owners.begin() + first, links.owners.end()},
                     {links.ids.begin() + first, links.ids.end()}));
  }
  if (record.erased_users.empty()) return next;
  next.erasure_version = record.version;
  for (LinkedIdsRef& linked : next.linked) {
    if (linked == nullptr) continue;
    linked = std::make_shared<const LinkedIds>(linked->Without(record.erased_users));
  }
  return next;
}

// Crowds with the record's changes, and without those who were erased.
std::shared_ptr<const CrowdCatalogue> WithCrowds(std::shared_ptr<const CrowdCatalogue> crowds,
                                                 const CommitRecord& record, Parallel& parallel) {
  if (!record.crowds.empty()) crowds = crowds->With(record.crowds);
  if (record.erased_users.empty()) return crowds;
  std::vector<const CrowdEntry*> entries;
  for (const auto& [id, entry] : crowds->by_id()) {
    if (entry->last_set != nullptr) entries.push_back(entry.get());
  }
  std::vector<OrdinalSetRef> sets(entries.size());
  parallel.ForCells(
      static_cast<uint32_t>(entries.size()), entries.size() * record.erased_users.size(),
      [&](uint32_t i, uint32_t) { sets[i] = Without(entries[i]->last_set, record.erased_users); });
  std::map<uint32_t, OrdinalSetRef> changed;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (sets[i] != entries[i]->last_set) changed[entries[i]->definition->id] = std::move(sets[i]);
  }
  return changed.empty() ? crowds : crowds->WithSets(changed);
}

// A version that was written with erased users makes their traces new ones.
bool HoldsErased(const CommitRecord& record) {
  return std::any_of(record.crowds.versions.begin(), record.crowds.versions.end(),
                     [](const NewCrowdVersion& added) { return added.version.holds_erased; });
}

}  // namespace

Snapshot::Snapshot()
    : catalogue_(std::make_shared<const Catalogue>()),
      crowds_(std::make_shared<const CrowdCatalogue>()) {}

Snapshot::Snapshot(uint64_t data_version, std::shared_ptr<const Catalogue> catalogue,
                   IdDictionary ids, std::vector<TagContentRef> contents, Identity identity,
                   std::shared_ptr<const CrowdCatalogue> crowds)
    : data_version_(data_version),
      catalogue_(std::move(catalogue)),
      ids_(std::move(ids)),
      contents_(std::move(contents)),
      identity_(std::move(identity)),
      crowds_(crowds == nullptr ? std::make_shared<const CrowdCatalogue>() : std::move(crowds)) {}

uint64_t Snapshot::user_count() const {
  const TagContent* universe = content(kUniverseTag);
  return universe == nullptr ? 0 : universe->ValueCardinality(0);
}

TagContentRef ApplyToContent(const TagContentRef& content, TagType type, const TagChange& change,
                             uint64_t version) {
  auto next =
      content == nullptr ? std::make_shared<TagContent>() : std::make_shared<TagContent>(*content);
  for (size_t first = 0; first < change.ordinals.size();) {
    const uint32_t shard = change.ordinals[first] >> kShardBits;
    size_t last = first + 1;
    while (last < change.ordinals.size() && change.ordinals[last] >> kShardBits == shard) ++last;
    if (next->shards.size() <= shard) next->shards.resize(shard + 1);
    next->shards[shard] = ApplyTagChange(next->shards[shard], type, change, first, last, version);
    first = last;
  }
  return next;
}

SnapshotRef Apply(const Snapshot& base, const CommitRecord& record, Parallel& parallel) {
  auto next = std::make_shared<Snapshot>(base);
  next->data_version_ = record.version;
  next->catalogue_ = WithIdTypes(WithRecord(base.catalogue_, record), record);
  next->identity_ = WithLinks(base.identity_, record);
  if (HoldsErased(record)) next->identity_.erasure_version = record.version;
  next->crowds_ = WithCrowds(base.crowds_, record, parallel);

  std::vector<const TagChange*> changes;
  TagChange universe;
  if (!record.new_users.empty()) {
    const size_t known = base.ids_.size() - record.first_ordinal;  // when replayed
    if (known < record.new_users.size()) {
      next->ids_ = base.ids_.With(
          {record.new_users.begin() + static_cast<ptrdiff_t>(known), record.new_users.end()});
    }
    universe =
        UniverseChange(record.first_ordinal,
                       record.first_ordinal + static_cast<uint32_t>(record.new_users.size()));
    changes.push_back(&universe);
  }
  if (!record.erased_users.empty()) {
    next->ids_ = base.ids_.Without(record.erased_users);
    universe = Leave(record.erased_users);
    changes.push_back(&universe);
  }
  uint32_t tags = 1;
  for (const TagChange& change : record.tag_changes) {
    changes.push_back(&change);
    tags = std::max(tags, change.tag + 1);
  }
  if (changes.empty()) return next;
  if (next->contents_.size() < tags) next->contents_.resize(tags);
  const auto apply = [&](uint32_t i, uint32_t) {
    const TagChange& change = *changes[i];
    TagContentRef& content = next->contents_[change.tag];
    const TagType type = change.tag == kUniverseTag
                             ? TagType::kFlag
                             : next->catalogue_->FindById(change.tag)->definition.type;
    content = ApplyToContent(content, type, change, record.version);
  };
  size_t cells = 0;
  for (const TagChange* change : changes) cells += change->ordinals.size();
  const auto count = static_cast<uint32_t>(changes.size());
  parallel.ForCells(count, cells, apply);
  return next;
}

SnapshotRef ReplaceContents(const Snapshot& base, const CommitRecord& record,
                            std::vector<TagContentRef> contents) {
  auto next = std::make_shared<Snapshot>(base);
  next->data_version_ = record.version;
  next->catalogue_ = WithRecord(base.catalogue_, record);
  for (size_t i = 0; i < record.definitions.size(); ++i) {
    const uint32_t tag = record.definitions[i].id;
    if (next->contents_.size() <= tag) next->contents_.resize(tag + 1);
    next->contents_[tag] = std::move(contents[i]);
  }
  return next;
}

SnapshotRef ReplaceCrowds(const Snapshot& base, std::shared_ptr<const CrowdCatalogue> crowds) {
  auto next = std::make_shared<Snapshot>(base);
  next->crowds_ = std::move(crowds);
  return next;
}

}  // namespace throng::index
