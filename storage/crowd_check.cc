#include "storage/crowd_check.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "index/error.h"

namespace throng::storage {
namespace {

using index::CrowdCatalogue;
using index::CrowdChanges;
using index::CrowdDefinition;
using index::CrowdEntry;
using index::CrowdVersionId;

template <typename... Args>
absl::Status Wrong(fmt::format_string<Args...> format, Args&&... args) {
  return absl::InvalidArgumentError(fmt::format(format, std::forward<Args>(args)...));
}

absl::Status CheckIds(const std::vector<CrowdVersionId>& ids) {
  const std::set<CrowdVersionId> distinct(ids.begin(), ids.end());
  return distinct.size() == ids.size() ? absl::OkStatus() : Wrong("a crowd's version twice");
}

// The version numbers of a crowd once the record's were added.
class NumbersAfter {
 public:
  NumbersAfter(const CrowdCatalogue& base, const CrowdChanges& changes) : base_(base) {
    for (const index::NewCrowdVersion& added : changes.versions) {
      added_[added.crowd] = added.version.number;
    }
  }

  uint32_t Newest(uint32_t crowd) const {
    if (const auto it = added_.find(crowd); it != added_.end()) return it->second;
    const CrowdEntry* entry = base_.FindById(crowd);
    return entry == nullptr || entry->versions->empty() ? 0 : entry->versions->back().number;
  }
  bool Has(const CrowdVersionId& id) const {
    if (const auto it = added_.find(id.crowd); it != added_.end() && it->second == id.number) {
      return true;
    }
    const CrowdEntry* entry = base_.FindById(id.crowd);
    return entry != nullptr && entry->FindVersion(id.number) != nullptr;
  }

 private:
  const CrowdCatalogue& base_;
  std::map<uint32_t, uint32_t> added_;  // the new one's number
};

absl::Status CheckDefinitionsFit(const CrowdCatalogue& base, const CrowdChanges& changes) {
  std::map<uint32_t, const CrowdDefinition*> changed;
  uint32_t next_id = base.next_id();
  for (const CrowdDefinition& definition : changes.definitions) {
    changed[definition.id] = &definition;
    const CrowdEntry* old = base.FindById(definition.id);
    if (old == nullptr) {
      if (definition.id != next_id++) {
        return Wrong("crowd {} where {} is the next one", definition.id, next_id - 1);
      }
    } else if (definition.kind != old->definition->kind ||
               definition.revision <= old->definition->revision) {
      return Wrong("crowd {}: revision {} of {} after {}", definition.id, definition.revision,
                   index::CrowdKindName(definition.kind), old->definition->revision);
    }
  }
  std::set<std::string_view> names;
  for (const CrowdDefinition& definition : changes.definitions) {
    const CrowdEntry* named = base.Find(definition.name);
    const bool is_taken = named != nullptr && named->definition->id != definition.id &&
                          !changed.contains(named->definition->id);
    if (is_taken || !names.insert(definition.name).second) {
      return Wrong("crowd {} has the name of another one", definition.id);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckVersionsFit(const CrowdCatalogue& base, const index::CommitRecord& record) {
  for (const index::NewCrowdVersion& added : record.crowds.versions) {
    const CrowdEntry* entry = base.FindById(added.crowd);
    const bool is_new =
        std::any_of(record.crowds.definitions.begin(), record.crowds.definitions.end(),
                    [&](const auto& d) { return d.id == added.crowd; });
    if (entry == nullptr && !is_new) return Wrong("a version of the unknown crowd {}", added.crowd);
    const uint32_t newest =
        entry == nullptr || entry->versions->empty() ? 0 : entry->versions->back().number;
    if (added.version.number != newest + 1) {
      return Wrong("crowd {}: version {} after {}", added.crowd, added.version.number, newest);
    }
    if (added.version.data_version >= record.version) {
      return Wrong("crowd {}: version {} is of data version {}", added.crowd, added.version.number,
                   added.version.data_version);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckCrowdShape(const CrowdChanges& changes) {
  std::set<uint32_t> defined;
  for (const CrowdDefinition& definition : changes.definitions) {
    if (definition.id == 0) return Wrong("a crowd without an id");
    THRONG_RETURN_IF_ERROR(index::Validate(definition));
    if (!defined.insert(definition.id).second) return Wrong("crowd {} twice", definition.id);
  }
  std::set<uint32_t> computed;
  for (const index::NewCrowdVersion& added : changes.versions) {
    if (!computed.insert(added.crowd).second) return Wrong("crowd {} twice", added.crowd);
    if (added.version.number == 0 || added.version.previous >= added.version.number) {
      return Wrong("crowd {}: version {} after {}", added.crowd, added.version.number,
                   added.version.previous);
    }
  }
  THRONG_RETURN_IF_ERROR(CheckIds(changes.pinned));
  THRONG_RETURN_IF_ERROR(CheckIds(changes.unpinned));
  THRONG_RETURN_IF_ERROR(CheckIds(changes.dropped));
  for (const uint32_t purged : changes.purged) {
    if (defined.contains(purged) || computed.contains(purged)) {
      return Wrong("crowd {} is purged and changed", purged);
    }
  }
  if (std::adjacent_find(changes.purged.begin(), changes.purged.end(), std::greater_equal<>()) !=
      changes.purged.end()) {
    return Wrong("the purged crowds do not ascend");
  }
  return absl::OkStatus();
}

absl::Status CheckCrowdsFit(const CrowdCatalogue& base, const index::CommitRecord& record) {
  const CrowdChanges& changes = record.crowds;
  if (changes.empty()) return absl::OkStatus();
  THRONG_RETURN_IF_ERROR(CheckDefinitionsFit(base, changes));
  THRONG_RETURN_IF_ERROR(CheckVersionsFit(base, record));
  const NumbersAfter numbers(base, changes);
  for (const std::vector<CrowdVersionId>* ids :
       {&changes.pinned, &changes.unpinned, &changes.dropped}) {
    for (const CrowdVersionId& id : *ids) {
      if (!numbers.Has(id)) return Wrong("crowd {} has no version {}", id.crowd, id.number);
    }
  }
  for (const CrowdVersionId& id : changes.dropped) {
    if (id.number == numbers.Newest(id.crowd)) {
      return Wrong("crowd {}: version {} is the newest", id.crowd, id.number);
    }
  }
  for (const uint32_t purged : changes.purged) {
    if (base.FindById(purged) == nullptr) return Wrong("there is no crowd {}", purged);
  }
  return absl::OkStatus();
}

}  // namespace throng::storage
