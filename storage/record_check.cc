#include "storage/record_check.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "fmt/format.h"
#include "index/error.h"
#include "index/utf8.h"
#include "storage/crowd_check.h"

namespace throng::storage {
namespace {

using index::CommitRecord;
using index::NewValues;
using index::RequestRecord;
using index::TagChange;
using index::TagDefinition;
using index::TagType;

template <typename... Args>
absl::Status Wrong(fmt::format_string<Args...> format, Args&&... args) {
  return absl::InvalidArgumentError(fmt::format(format, std::forward<Args>(args)...));
}

absl::Status CheckDefinition(const TagDefinition& definition) {
  if (definition.id == 0 || definition.id >= kTagIdEnd) {
    return Wrong("tag id {} is out of range", definition.id);
  }
  if (definition.generation == 0 || definition.generation == UINT32_MAX) {
    return Wrong("tag {}: generation {} is out of range", definition.id, definition.generation);
  }
  return index::Validate(definition);
}

absl::Status CheckValues(const NewValues& added) {
  if (added.values.size() > index::kTagValuesMax) {
    return Wrong("tag {}: {} new values", added.tag, added.values.size());
  }
  for (const std::string& value : added.values) {
    if (value.empty() || value.size() > static_cast<size_t>(index::kTagValueBytesMax)) {
      return Wrong("tag {}: a value of {} bytes", added.tag, value.size());
    }
    if (!index::IsValidUtf8(value)) return Wrong("tag {}: a value is not UTF-8", added.tag);
  }
  return absl::OkStatus();
}

absl::Status CheckLabels(const TagChange& change) {
  const size_t count = change.ordinals.size();
  if (!change.cells.empty() || change.replaced.size() != count) {
    return Wrong("tag {}: labels with lists of other lengths", change.tag);
  }
  if (!std::is_sorted(change.label_ends.begin(), change.label_ends.end()) ||
      (count == 0 ? 0 : change.label_ends.back()) != change.label_changes.size()) {
    return Wrong("tag {}: the ends of labels do not match the labels", change.tag);
  }
  const bool in_range =
      std::all_of(change.label_changes.begin(), change.label_changes.end(),
                  [](uint32_t label) { return label >> 1 < index::kTagValuesMax; });
  return in_range ? absl::OkStatus() : Wrong("tag {}: a label is out of range", change.tag);
}

absl::Status CheckChange(const TagChange& change) {
  const size_t count = change.ordinals.size();
  if (change.tag >= kTagIdEnd) return Wrong("tag id {} is out of range", change.tag);
  if (std::adjacent_find(change.ordinals.begin(), change.ordinals.end(), std::greater_equal<>()) !=
      change.ordinals.end()) {
    return Wrong("tag {}: the ordinals do not ascend", change.tag);
  }
  if (count > 0 && change.ordinals.back() >= index::kOrdinalsMax) {
    return Wrong("tag {}: ordinal {} is out of range", change.tag, change.ordinals.back());
  }
  if (!change.cleared.empty() && change.cleared.size() != count) {
    return Wrong("tag {}: {} clears for {} users", change.tag, change.cleared.size(), count);
  }
  if (!change.label_ends.empty()) {
    if (change.label_ends.size() != count) {
      return Wrong("tag {}: labels for {} of {} users", change.tag, change.label_ends.size(),
                   count);
    }
    return CheckLabels(change);
  }
  if (change.cells.size() != count || !change.label_changes.empty() || !change.replaced.empty()) {
    return Wrong("tag {}: {} cells for {} users", change.tag, change.cells.size(), count);
  }
  return absl::OkStatus();
}

absl::Status CheckRequest(const RequestRecord& request) {
  if (request.scope.size() > kScopeBytesMax || request.request_id.size() > kRequestIdBytesMax ||
      request.response.size() > kResponseBytesMax) {
    return Wrong("a request record is too long");
  }
  return absl::OkStatus();
}

// Where tags are after a record's definitions and values.
class TagsAfter {
 public:
  TagsAfter(const index::Snapshot& base, const CommitRecord& record) : base_(base) {
    for (const TagDefinition& definition : record.definitions) {
      definitions_[definition.id] = &definition;
    }
    for (const NewValues& added : record.new_values) {
      added_[added.tag] = static_cast<uint32_t>(added.values.size());
    }
  }

  const TagDefinition* Find(uint32_t tag) const {
    if (const auto it = definitions_.find(tag); it != definitions_.end()) return it->second;
    const index::TagEntry* entry = base_.catalogue().FindById(tag);
    return entry == nullptr ? nullptr : &entry->definition;
  }
  uint32_t ValueCount(uint32_t tag) const {
    const index::TagEntry* entry = base_.catalogue().FindById(tag);
    const auto it = added_.find(tag);
    return (entry == nullptr ? 0 : entry->values->size()) + (it == added_.end() ? 0 : it->second);
  }

 private:
  const index::Snapshot& base_;
  absl::flat_hash_map<uint32_t, const TagDefinition*> definitions_;
  absl::flat_hash_map<uint32_t, uint32_t> added_;
};

absl::Status CheckDefinitionFits(const index::Snapshot& base, const TagDefinition& definition) {
  const index::TagEntry* old = base.catalogue().FindById(definition.id);
  if (old != nullptr) {
    if (definition.generation < old->definition.generation) {
      return Wrong("tag {}: generation {} after {}", definition.id, definition.generation,
                   old->definition.generation);
    }
    if (definition.type != old->definition.type &&
        definition.generation == old->definition.generation) {
      return Wrong("tag {}: another type for the same content", definition.id);
    }
  }
  const index::TagEntry* named = base.catalogue().Find(definition.name);
  if (named != nullptr && named->definition.id != definition.id) {
    return Wrong("tags {} and {} have the same name", named->definition.id, definition.id);
  }
  return absl::OkStatus();
}

absl::Status CheckValuesFit(const index::Snapshot& base, const TagsAfter& tags,
                            const NewValues& added) {
  const TagDefinition* definition = tags.Find(added.tag);
  if (definition == nullptr) return Wrong("values for the unknown tag {}", added.tag);
  if (!index::HasDictionary(definition->type)) {
    return Wrong("values for tag {}, which has no dictionary", added.tag);
  }
  const index::TagEntry* entry = base.catalogue().FindById(added.tag);
  const uint32_t known = entry == nullptr ? 0 : entry->values->size();
  if (added.first_code != known || known + added.values.size() > index::kTagValuesMax) {
    return Wrong("tag {}: {} new values from code {} on, it has {}", added.tag, added.values.size(),
                 added.first_code, known);
  }
  absl::flat_hash_set<absl::string_view> seen;
  for (const std::string& value : added.values) {
    if (!seen.insert(absl::string_view(value.data(), value.size())).second ||
        (entry != nullptr && entry->values->Find(value).has_value())) {
      return Wrong("tag {}: a value twice", added.tag);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckCellsFit(const TagChange& change, TagType type, uint32_t value_count) {
  int64_t end = 0;  // cells are from 0 to before it
  if (type == TagType::kFlag) end = 2;
  if (type == TagType::kCategory) end = value_count;
  if (end == 0 && type != TagType::kCategory) return absl::OkStatus();
  for (size_t i = 0; i < change.cells.size(); ++i) {
    if (!change.cleared.empty() && change.cleared[i]) continue;
    if (change.cells[i] < 0 || change.cells[i] >= end) {
      return Wrong("tag {}: no value has the code {}", change.tag, change.cells[i]);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckChangeFits(const TagsAfter& tags, uint64_t ordinal_end, const TagChange& change) {
  if (change.ordinals.empty()) return absl::OkStatus();
  if (change.ordinals.back() >= ordinal_end) {
    return Wrong("tag {}: ordinal {} of {} users", change.tag, change.ordinals.back(), ordinal_end);
  }
  const bool has_labels = !change.label_ends.empty();
  if (change.tag == index::kUniverseTag) {
    if (has_labels) return Wrong("labels for the universe");
    return CheckCellsFit(change, TagType::kFlag, 0);
  }
  const TagDefinition* definition = tags.Find(change.tag);
  if (definition == nullptr) return Wrong("cells for the unknown tag {}", change.tag);
  if (has_labels != (definition->type == TagType::kLabels)) {
    return Wrong("tag {}: cells of another type", change.tag);
  }
  const uint32_t value_count = tags.ValueCount(change.tag);
  for (const uint32_t label : change.label_changes) {
    if (label >> 1 >= value_count) {
      return Wrong("tag {}: no value has the code {}", change.tag, label >> 1);
    }
  }
  return CheckCellsFit(change, definition->type, value_count);
}

// Knows the id types of a base and of the record that comes behind it.
absl::Status CheckIdTypesFit(const index::Snapshot& base, const CommitRecord& record) {
  size_t count = base.catalogue().id_types().size();
  absl::flat_hash_set<absl::string_view> names;
  for (const index::IdTypeDefinition& type : record.id_types) {
    if (type.id != ++count) return Wrong("id type {} after {}", type.id, count - 1);
    if (base.catalogue().FindIdType(type.name) != nullptr || !names.insert(type.name).second) {
      return Wrong("id type {} has the name of another one", type.id);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckLinksFit(const index::Snapshot& base, size_t id_types, uint64_t ordinal_end,
                           const index::IdLinks& links) {
  if (links.id_type > id_types) return Wrong("ids of the unknown type {}", links.id_type);
  const index::LinkedIds* linked = base.linked_ids(links.id_type);
  const uint32_t known = linked == nullptr ? 0 : linked->entry_count();
  if (links.first_entry != known) {
    return Wrong("id type {}: links from {} on, there are {}", links.id_type, links.first_entry,
                 known);
  }
  absl::flat_hash_set<absl::string_view> seen;
  for (size_t i = 0; i < links.ids.size(); ++i) {
    if (links.owners[i] >= ordinal_end) {
      return Wrong("id type {}: ordinal {} of {} users", links.id_type, links.owners[i],
                   ordinal_end);
    }
    const index::IdKey key = index::MakeIdKey(links.ids[i]);
    if (!seen.insert(links.ids[i]).second || (linked != nullptr && linked->Find(key).has_value())) {
      return Wrong("id type {}: an id twice", links.id_type);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckErasureFits(const index::Snapshot& base, const TagsAfter& tags,
                              const CommitRecord& record) {
  if (!record.erased_users.empty() && record.erased_users.back() >= base.ordinal_end()) {
    return Wrong("the erasure of ordinal {} of {} users", record.erased_users.back(),
                 base.ordinal_end());
  }
  for (const index::DroppedValues& dropped : record.dropped_values) {
    const uint32_t values = tags.ValueCount(dropped.tag);
    if (base.catalogue().FindById(dropped.tag) == nullptr || dropped.codes.empty() ||
        dropped.codes.back() >= values) {
      return Wrong("tag {}: dropped values of {}", dropped.tag, values);
    }
  }
  return absl::OkStatus();
}

// No number twice in what `number_of` gives for the items.
template <typename Items, typename NumberOf>
bool AllDistinct(const Items& items, NumberOf number_of) {
  absl::flat_hash_set<uint32_t> seen;
  return std::all_of(items.begin(), items.end(),
                     [&](const auto& item) { return seen.insert(number_of(item)).second; });
}

absl::Status CheckIdentityShape(const CommitRecord& record) {
  for (const index::IdTypeDefinition& type : record.id_types) {
    if (type.id == 0 || type.id > index::kIdTypesMax) return Wrong("id type {}", type.id);
    THRONG_RETURN_IF_ERROR(index::Validate(type));
  }
  for (const index::IdLinks& links : record.links) {
    if (links.id_type == 0 || links.id_type > index::kIdTypesMax) {
      return Wrong("ids of type {}", links.id_type);
    }
    if (links.ids.empty() || links.owners.size() != links.ids.size() ||
        uint64_t{links.first_entry} + links.ids.size() > index::kOrdinalsMax) {
      return Wrong("id type {}: {} ids of {} owners", links.id_type, links.ids.size(),
                   links.owners.size());
    }
    for (const std::string& id : links.ids) {
      if (id.empty() || id.size() > index::kIdBytesMax) {
        return Wrong("an id of {} bytes", id.size());
      }
    }
  }
  const auto ascends = [](const std::vector<uint32_t>& numbers) {
    return std::adjacent_find(numbers.begin(), numbers.end(), std::greater_equal<>()) ==
           numbers.end();
  };
  if (!ascends(record.erased_users)) return Wrong("the erased users do not ascend");
  for (const index::DroppedValues& dropped : record.dropped_values) {
    if (dropped.tag == index::kUniverseTag || dropped.tag >= kTagIdEnd || !ascends(dropped.codes)) {
      return Wrong("dropped values of tag {}", dropped.tag);
    }
  }
  if (!AllDistinct(record.links, [](const index::IdLinks& l) { return l.id_type; }) ||
      !AllDistinct(record.dropped_values, [](const index::DroppedValues& d) { return d.tag; })) {
    return Wrong("an id type or a tag twice in one record");
  }
  // Both change the universe, and a shard takes one change a version.
  const bool has_others = !record.new_users.empty() || !record.links.empty();
  if (!record.erased_users.empty() && has_others) return Wrong("erasures beside new ids");
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckShape(const CommitRecord& record) {
  for (const TagDefinition& definition : record.definitions) {
    THRONG_RETURN_IF_ERROR(CheckDefinition(definition));
  }
  for (const NewValues& added : record.new_values) THRONG_RETURN_IF_ERROR(CheckValues(added));
  if (uint64_t{record.first_ordinal} + record.new_users.size() > index::kOrdinalsMax) {
    return Wrong("{} new users from ordinal {} on", record.new_users.size(), record.first_ordinal);
  }
  for (const std::string& id : record.new_users) {
    if (id.empty() || id.size() > index::kIdBytesMax) return Wrong("an id of {} bytes", id.size());
  }
  for (const TagChange& change : record.tag_changes) {
    THRONG_RETURN_IF_ERROR(CheckChange(change));
    if (change.tag == index::kUniverseTag &&
        (!record.new_users.empty() || !record.erased_users.empty())) {
      return Wrong("a change of the universe beside new or erased users");
    }
  }
  for (const RequestRecord& request : record.requests) {
    THRONG_RETURN_IF_ERROR(CheckRequest(request));
  }
  if (!AllDistinct(record.definitions, [](const TagDefinition& d) { return d.id; }) ||
      !AllDistinct(record.new_values, [](const NewValues& v) { return v.tag; }) ||
      !AllDistinct(record.tag_changes, [](const TagChange& c) { return c.tag; })) {
    return Wrong("a tag twice in one record");
  }
  THRONG_RETURN_IF_ERROR(CheckCrowdShape(record.crowds));
  return CheckIdentityShape(record);
}

absl::Status CheckFits(const index::Snapshot& base, const CommitRecord& record) {
  const TagsAfter tags(base, record);
  for (const TagDefinition& definition : record.definitions) {
    THRONG_RETURN_IF_ERROR(CheckDefinitionFits(base, definition));
  }
  for (const NewValues& added : record.new_values) {
    THRONG_RETURN_IF_ERROR(CheckValuesFit(base, tags, added));
  }
  uint64_t ordinal_end = base.ordinal_end();
  if (!record.new_users.empty() && record.first_ordinal != ordinal_end) {
    return Wrong("new users from ordinal {} on, there are {}", record.first_ordinal, ordinal_end);
  }
  ordinal_end += record.new_users.size();
  for (const TagChange& change : record.tag_changes) {
    THRONG_RETURN_IF_ERROR(CheckChangeFits(tags, ordinal_end, change));
  }
  THRONG_RETURN_IF_ERROR(CheckIdTypesFit(base, record));
  const size_t id_types = base.catalogue().id_types().size() + record.id_types.size();
  for (const index::IdLinks& links : record.links) {
    THRONG_RETURN_IF_ERROR(CheckLinksFit(base, id_types, ordinal_end, links));
  }
  THRONG_RETURN_IF_ERROR(CheckCrowdsFit(base.crowds(), record));
  return CheckErasureFits(base, tags, record);
}

}  // namespace throng::storage
