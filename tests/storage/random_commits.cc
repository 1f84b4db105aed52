#include "tests/storage/random_commits.h"

#include <limits>
#include <set>
#include <string>

#include "fmt/format.h"

namespace throng::storage {
namespace {

using index::CommitRecord;
using index::NewValues;
using index::TagChange;
using index::TagDefinition;
using index::TagType;

constexpr uint32_t kTagsMax = 9;
constexpr uint32_t kValuesMax = 40;

uint32_t Below(uint64_t end, std::mt19937_64& random) {
  return static_cast<uint32_t>(random() % end);
}

bool OneIn(uint32_t n, std::mt19937_64& random) { return Below(n, random) == 0; }

int64_t RandomNumber(std::mt19937_64& random) {
  switch (Below(6, random)) {
    case 0:
      return std::numeric_limits<int64_t>::min();
    case 1:
      return std::numeric_limits<int64_t>::max();
    case 2:
      return static_cast<int64_t>(random());
    default:
      return static_cast<int64_t>(Below(200, random)) - 100;
  }
}

std::vector<uint32_t> RandomOrdinals(uint32_t end, uint32_t count_max, std::mt19937_64& random) {
  std::vector<uint32_t> ordinals;
  if (end == 0) return ordinals;
  if (OneIn(3, random)) {  // a run
    uint32_t ordinal = Below(end, random);
    for (uint32_t i = Below(count_max, random); i > 0 && ordinal < end; --i) {
      ordinals.push_back(ordinal++);
    }
    return ordinals;
  }
  std::set<uint32_t> chosen;
  for (uint32_t i = Below(count_max, random); i > 0; --i) chosen.insert(Below(end, random));
  return {chosen.begin(), chosen.end()};
}

void AddLabels(uint32_t codes, std::mt19937_64& random, TagChange* change) {
  for (size_t i = 0; i < change->ordinals.size(); ++i) {
    for (uint32_t n = Below(4, random); n > 0 && codes > 0; --n) {
      change->label_changes.push_back(Below(codes, random) << 1 | (OneIn(3, random) ? 0 : 1));
    }
    change->label_ends.push_back(static_cast<uint32_t>(change->label_changes.size()));
    change->replaced.push_back(OneIn(2, random));
  }
}

void AddCells(TagType type, uint32_t codes, std::mt19937_64& random, TagChange* change) {
  const bool has_clears = OneIn(2, random) || (type == TagType::kCategory && codes == 0);
  for (size_t i = 0; i < change->ordinals.size(); ++i) {
    if (has_clears) {
      change->cleared.push_back(OneIn(4, random) || (type == TagType::kCategory && codes == 0));
    }
    if (type == TagType::kFlag) {
      change->cells.push_back(Below(2, random));
    } else if (type == TagType::kCategory) {
      change->cells.push_back(codes == 0 ? 0 : Below(codes, random));
    } else {
      change->cells.push_back(RandomNumber(random));
    }
  }
}

TagDefinition RandomDefinition(uint32_t id, std::mt19937_64& random) {
  TagDefinition definition{.id = id,
                           .name = fmt::format("tag {}", id),
                           .type = static_cast<TagType>(1 + Below(7, random)),
                           .display_name = fmt::format("Tag № {}", random()),
                           .path = "a/b",
                           .sensitivity = static_cast<int>(Below(10, random))};
  if (id % 3 == 0) definition.freshness_s = id;
  if (definition.type == TagType::kDecimal) definition.scale = static_cast<int>(Below(10, random));
  return definition;
}

bool IsErased(const index::Snapshot& snapshot, uint32_t ordinal) {
  return ordinal < snapshot.ordinal_end() && snapshot.ids().erased(ordinal);
}

// All that the erased users may have of a tag.
TagChange Cleared(const TagDefinition& tag, const std::vector<uint32_t>& users) {
  TagChange change{.tag = tag.id, .ordinals = users};
  if (tag.type == TagType::kLabels) {
    change.label_ends.assign(users.size(), 0);
    change.replaced.assign(users.size(), true);
  } else {
    change.cells.assign(users.size(), 0);
    change.cleared.assign(users.size(), true);
  }
  return change;
}

void AddUsers(uint32_t users, std::mt19937_64& random, CommitRecord* record) {
  const bool is_numeric = OneIn(2, random);
  for (uint32_t i = 0; i < users; ++i) {
    const uint32_t ordinal = record->first_ordinal + i;
    record->new_users.push_back(is_numeric ? std::to_string(uint64_t{ordinal} * 7 + 100)
                                           : fmt::format("u-{}", ordinal));
  }
}

// Links ids to users who exist by then; a few ids a type, so that erased ones come again.
void AddLinks(const index::Snapshot& snapshot, uint32_t id_type, uint32_t ordinal_end,
              std::mt19937_64& random, CommitRecord* record) {
  const index::LinkedIds* linked = snapshot.linked_ids(id_type);
  index::IdLinks links{.id_type = id_type,
                       .first_entry = linked == nullptr ? 0 : linked->entry_count()};
  std::set<std::string> seen;
  for (uint32_t n = Below(200, random); n > 0 && ordinal_end > 0; --n) {
    const uint32_t number = Below(20'000, random);
    const std::string id = id_type == 1 ? std::to_string(number) : fmt::format("{:x}", number);
    const bool is_taken = linked != nullptr && linked->Find(index::MakeIdKey(id)).has_value();
    if (is_taken || !seen.insert(id).second) continue;
    const uint32_t owner = Below(ordinal_end, random);
    if (IsErased(snapshot, owner)) continue;
    links.owners.push_back(owner);
    links.ids.push_back(id);
  }
  if (!links.ids.empty()) record->links.push_back(std::move(links));
}

void AddIdentity(const index::Snapshot& snapshot, std::mt19937_64& random, CommitRecord* record) {
  auto types = static_cast<uint32_t>(snapshot.catalogue().id_types().size());
  if (types < 3 && OneIn(4, random)) {
    ++types;
    record->id_types.push_back({.id = types,
                                .name = fmt::format("type {}", types),
                                .display_name = "Type №",
                                .normalizers = {index::IdNormalizer::kTrim}});
  }
  const auto ordinal_end = record->first_ordinal + static_cast<uint32_t>(record->new_users.size());
  for (uint32_t type = 1; type <= types; ++type) {
    if (OneIn(2, random)) AddLinks(snapshot, type, ordinal_end, random, record);
  }
}

// Some users leave, and some values with them.
void AddErasures(const index::Snapshot& snapshot, std::mt19937_64& random, CommitRecord* record) {
  record->erased_users = RandomOrdinals(snapshot.ordinal_end(), 8, random);
  record->ledger_end = snapshot.identity().ledger_end + record->erased_users.size();
  for (const auto& [name, entry] : snapshot.catalogue().by_name()) {
    if (entry->values->size() == 0 || !OneIn(2, random)) continue;
    record->dropped_values.push_back(
        {.tag = entry->definition.id, .codes = {Below(entry->values->size(), random)}});
  }
}

}  // namespace

TagChange RandomChange(const index::Snapshot& snapshot, const TagDefinition& definition,
                       uint32_t codes, uint32_t ordinal_end, uint32_t changes_max,
                       std::mt19937_64& random) {
  TagChange change{.tag = definition.id,
                   .ordinals = RandomOrdinals(ordinal_end, changes_max, random)};
  std::erase_if(change.ordinals, [&](uint32_t ordinal) { return IsErased(snapshot, ordinal); });
  if (definition.type == TagType::kLabels) {
    AddLabels(codes, random, &change);
  } else {
    AddCells(definition.type, codes, random, &change);
  }
  return change;
}

CommitRecord RandomCommit(const index::Snapshot& snapshot, std::mt19937_64& random,
                          const CommitSizes& sizes) {
  CommitRecord record{.version = snapshot.data_version() + 1,
                      .time_us = 1'700'000'000'000'000 + Below(1000, random),
                      .first_ordinal = snapshot.ordinal_end()};
  const bool erases = OneIn(16, random);  // the fold behind it is a slow one
  if (!erases && OneIn(2, random)) {
    AddUsers(Below(sizes.users_max, random) + 1, random, &record);
  }
  if (erases) {
    AddErasures(snapshot, random, &record);
  } else {
    AddIdentity(snapshot, random, &record);
  }
  const uint32_t ordinal_end =
      record.first_ordinal + static_cast<uint32_t>(record.new_users.size());
  const uint32_t next_id = snapshot.catalogue().next_id();
  if (next_id <= kTagsMax && OneIn(2, random)) {
    record.definitions.push_back(RandomDefinition(next_id, random));
  }
  std::vector<TagDefinition> tags = record.definitions;
  for (const auto& [name, entry] : snapshot.catalogue().by_name()) {
    tags.push_back(entry->definition);
    if (!OneIn(12, random)) continue;
    record.definitions.push_back(entry->definition);
    record.definitions.back().description = fmt::format("changed at {}", record.version);
  }
  for (const TagDefinition& tag : tags) {
    const index::TagEntry* entry = snapshot.catalogue().FindById(tag.id);
    uint32_t codes = entry == nullptr ? 0 : entry->values->size();
    if (index::HasDictionary(tag.type) && codes < kValuesMax && OneIn(2, random)) {
      NewValues added{.tag = tag.id, .first_code = codes};
      for (uint32_t n = Below(8, random) + 1; n > 0; --n) {
        added.values.push_back(fmt::format("value {}", codes++));
      }
      record.new_values.push_back(std::move(added));
    }
    if (erases) {
      record.tag_changes.push_back(Cleared(tag, record.erased_users));
    } else if (OneIn(2, random)) {
      record.tag_changes.push_back(
          RandomChange(snapshot, tag, codes, ordinal_end, sizes.changes_max, random));
    }
  }
  if (OneIn(3, random)) {
    record.requests.push_back({.scope = "tester\nload",
                               .request_id = fmt::format("request {}", record.version),
                               .payload_hash = random(),
                               .response = fmt::format("answer {}", record.version)});
  }
  return record;
}

}  // namespace throng::storage
