#include "tests/storage/random_crowds.h"

#include <set>
#include <string>
#include <utility>

#include "fmt/format.h"

namespace throng::storage {
namespace {

using index::CrowdDefinition;
using index::CrowdEntry;
using index::CrowdKind;
using index::CrowdVersion;

constexpr size_t kRandomCrowdsMax = 6;

uint32_t Below(uint64_t end, std::mt19937_64& random) {
  return static_cast<uint32_t>(random() % end);
}

bool OneIn(uint32_t n, std::mt19937_64& random) { return Below(n, random) == 0; }

CrowdDefinition RandomDefinition(uint32_t id, std::mt19937_64& random) {
  CrowdDefinition definition{.id = id,
                             .name = fmt::format("crowd {}", id),
                             .kind = static_cast<CrowdKind>(1 + Below(3, random)),
                             .display_name = fmt::format("Crowd № {}", random()),
                             .description = "said in words",
                             .owner = "who",
                             .folder = "a/b",
                             .create_us = 1'700'000'000'000'000,
                             .update_us = 1'700'000'000'000'000,
                             .keep_last = 1 + Below(100, random),
                             .online = OneIn(2, random),
                             .frozen = OneIn(5, random),
                             .byte_budget = random()};
  for (uint32_t n = Below(4, random); n > 0; --n) {
    definition.labels[fmt::format("key {}", n)] = fmt::format("value {}", random());
  }
  if (definition.kind == CrowdKind::kRule) {
    definition.rule = "city = 'Paris' and crowd('#1')";
    definition.time_zone = "Asia/Shanghai";
    definition.tags = {1, 7};
    if (id > 1) definition.references = {1};
  } else {
    definition.details = std::string("\0\xff opaque", 9);
  }
  if (OneIn(3, random)) definition.reference_us = static_cast<int64_t>(random());
  return definition;
}

// Of users that exist, and sometimes of some who do not any more.
index::OrdinalSetRef RandomSet(const index::Snapshot& snapshot, std::mt19937_64& random) {
  index::OrdinalSet::Builder builder;
  const uint32_t end = snapshot.ordinal_end();
  const uint32_t one_in = 1 + Below(5, random);
  for (uint32_t ordinal = 0; ordinal < end; ++ordinal) {
    if (OneIn(one_in, random)) builder.Add(ordinal);
  }
  index::OrdinalSetRef set = builder.Build();
  return OneIn(3, random) ? set : index::LivingIn(snapshot, set);
}

void AddVersion(const index::Snapshot& snapshot, uint32_t crowd, const CrowdEntry* entry,
                std::mt19937_64& random, CrowdCommit* commit) {
  const bool is_first = entry == nullptr || entry->versions->empty();
  const index::OrdinalSetRef set = RandomSet(snapshot, random);
  const index::OrdinalSetRef living = index::LivingIn(snapshot, set);
  CrowdVersion version{.number = is_first ? 1 : entry->versions->back().number + 1,
                       .revision = 1 + random() % 5,
                       .computed_count = set->cardinality(),
                       .data_version = snapshot.data_version(),
                       .reference_us = -5,
                       .create_us = commit->record.time_us,
                       .previous = is_first ? 0 : entry->versions->back().number,
                       .added = Below(100, random),
                       .removed = Below(100, random),
                       .duration_us = random() % 1'000'000,
                       .bytes = random() % 100,
                       .pinned = OneIn(4, random),
                       .holds_erased = living != set,
                       .tags = {2, 3, 9}};
  if (crowd > 1) version.reads = {{1, 1}};
  commit->sets[{crowd, version.number}] = set;
  commit->record.crowds.versions.push_back(
      {.crowd = crowd, .version = std::move(version), .set = living});
}

// Changes of one crowd's definition or versions, or its end.
void ChangeCrowd(const index::Snapshot& snapshot, const CrowdEntry& entry, std::mt19937_64& random,
                 CrowdCommit* commit) {
  index::CrowdChanges& changes = commit->record.crowds;
  const uint32_t id = entry.definition->id;
  if (OneIn(12, random)) {
    changes.purged.push_back(id);
    return;
  }
  if (OneIn(3, random)) {
    CrowdDefinition changed = *entry.definition;
    ++changed.revision;
    changed.name = fmt::format("crowd {} at {}", id, commit->record.version);
    changed.delete_us = OneIn(4, random) ? commit->record.time_us : 0;
    changed.expire_us = changed.delete_us;
    changes.definitions.push_back(std::move(changed));
  }
  for (size_t i = 0; i + 1 < entry.versions->size(); ++i) {
    const index::CrowdVersionId version{id, (*entry.versions)[i].number};
    if (OneIn(4, random)) {
      changes.dropped.push_back(version);
    } else if (OneIn(4, random)) {
      (OneIn(2, random) ? changes.pinned : changes.unpinned).push_back(version);
    }
  }
  if (OneIn(2, random)) AddVersion(snapshot, id, &entry, random, commit);
}

}  // namespace

CrowdCommit RandomCrowdCommit(const index::Snapshot& snapshot, std::mt19937_64& random) {
  CrowdCommit commit;
  commit.record.version = snapshot.data_version() + 1;
  commit.record.time_us = 1'700'000'000'002'000;
  commit.record.first_ordinal = snapshot.ordinal_end();
  for (const auto& [id, entry] : snapshot.crowds().by_id()) {
    ChangeCrowd(snapshot, *entry, random, &commit);
  }
  if (snapshot.crowds().by_id().size() < kRandomCrowdsMax) {
    const uint32_t id = snapshot.crowds().next_id();
    commit.record.crowds.definitions.push_back(RandomDefinition(id, random));
    AddVersion(snapshot, id, nullptr, random, &commit);
  }
  return commit;
}

}  // namespace throng::storage
