#include "storage/crowd_loader.h"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/crowd_sets.h"
#include "index/error.h"
#include "index/mutex.h"
#include "storage/crowd_blocks.h"
#include "storage/crowd_codec.h"
#include "storage/envelope.h"
#include "storage/rocks_status.h"
#include "storage/upload_blocks.h"

namespace throng::storage {
namespace {

using index::CrowdCatalogue;
using index::CrowdVersion;
using index::CrowdVersionId;
using index::OrdinalSetRef;

absl::StatusOr<CrowdCatalogue::Entry> ReadCrowd(uint32_t population, std::string_view key,
                                                std::string_view value) {
  THRONG_ASSIGN_OR_RETURN(const std::string_view payload,
                          Unseal(Kind::kCrowd, Family::kMeta, key, value));
  absl::StatusOr<StoredCrowd> crowd = DecodeCrowd(payload);
  if (!crowd.ok()) return DamagedAt(Family::kMeta, key, "the crowd cannot be decoded");
  if (CrowdKey(population, crowd->definition.id) != key) {
    return DamagedAt(Family::kMeta, key, "it is another crowd");
  }
  auto entry = std::make_shared<index::CrowdEntry>();
  entry->definition = std::make_shared<const index::CrowdDefinition>(std::move(crowd->definition));
  entry->versions = std::make_shared<const std::vector<CrowdVersion>>(std::move(crowd->versions));
  return entry;
}

// A set that must be there. Errors: kDataLoss naming the key.
absl::StatusOr<OrdinalSetRef> ReadSet(const Database& database, uint32_t population,
                                      const CrowdVersionId& id, uint64_t computed_count) {
  absl::StatusOr<OrdinalSetRef> set =
      WithoutExceptions([&] { return ReadCrowdSet(database, population, id, computed_count); });
  if (!absl::IsNotFound(set.status())) return set;
  const CrowdBlockKey key{
      .population = population, .crowd = id.crowd, .number = id.number, .shard = kCrowdHeaderShard};
  return DamagedAt(Family::kCrowds, key.Encode(), "it is missing");
}

struct Wanted {
  CrowdVersionId id;
  uint64_t computed_count = 0;
};

// Calls `take` for each set that could be read, from any thread.
absl::Status ReadAll(const Database& database, uint32_t population,
                     const std::vector<Wanted>& wanted, index::Parallel& parallel,
                     const Tolerate& tolerate,
                     const std::function<void(size_t, OrdinalSetRef)>& take) {
  index::Mutex mutex;
  absl::Status failed;
  parallel.For(static_cast<uint32_t>(wanted.size()), [&](uint32_t i, uint32_t) {
    absl::StatusOr<OrdinalSetRef> set =
        ReadSet(database, population, wanted[i].id, wanted[i].computed_count);
    if (set.ok()) {
      take(i, *std::move(set));
      return;
    }
    index::MutexLock lock(mutex);
    const absl::Status status = tolerate(set.status());
    if (failed.ok()) failed = status;
  });
  return failed;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const CrowdCatalogue>> ReadCrowds(const Database& database,
                                                                 uint32_t population,
                                                                 const StoredBase& base,
                                                                 const Tolerate& tolerate) {
  std::vector<CrowdCatalogue::Entry> entries;
  std::set<std::string, std::less<>> names;
  bool is_whole = true;
  RangeScan scan = database.Scan(Family::kMeta, CrowdKeys(population));
  for (; scan.Valid(); scan.Next()) {
    absl::StatusOr<CrowdCatalogue::Entry> entry = ReadCrowd(population, scan.key(), scan.value());
    if (entry.ok() && (*entry)->definition->id >= base.next_crowd_id) {
      entry = DamagedAt(Family::kMeta, scan.key(), "it does not belong there");
    } else if (entry.ok() && !names.insert((*entry)->definition->name).second) {
      entry = DamagedAt(Family::kMeta, scan.key(), "another crowd has the same name");
    }
    if (entry.ok()) {
      entries.push_back(*std::move(entry));
      continue;
    }
    THRONG_RETURN_IF_ERROR(tolerate(entry.status()));
    is_whole = false;
  }
  if (!scan.status().ok()) {
    THRONG_RETURN_IF_ERROR(tolerate(scan.status()));
    is_whole = false;
  }
  if (is_whole && entries.size() != base.crowd_count) {
    THRONG_RETURN_IF_ERROR(tolerate(DamagedAt(
        Family::kMeta, BaseKey(population),
        fmt::format("there are {} crowds, {} belong there", entries.size(), base.crowd_count))));
  }
  return CrowdCatalogue::Of(entries, base.next_crowd_id);
}

absl::StatusOr<index::SnapshotRef> WithCrowdSets(const Database& database, uint32_t population,
                                                 const index::SnapshotRef& snapshot,
                                                 index::Parallel& parallel,
                                                 const Tolerate& tolerate) {
  std::vector<Wanted> wanted;
  for (const auto& [id, entry] : snapshot->crowds().by_id()) {
    if (entry->versions->empty()) continue;
    const CrowdVersion& newest = entry->versions->back();
    wanted.push_back({{id, newest.number}, newest.computed_count});
  }
  if (wanted.empty()) return snapshot;
  std::vector<OrdinalSetRef> sets(wanted.size());
  THRONG_RETURN_IF_ERROR(ReadAll(
      database, population, wanted, parallel, tolerate,
      [&](size_t i, const OrdinalSetRef& set) { sets[i] = index::LivingIn(*snapshot, set); }));
  std::map<uint32_t, OrdinalSetRef> by_id;
  for (size_t i = 0; i < wanted.size(); ++i) by_id[wanted[i].id.crowd] = std::move(sets[i]);
  return index::ReplaceCrowds(*snapshot, snapshot->crowds().WithSets(by_id));
}

absl::Status CheckCrowdSets(const Database& database, uint32_t population,
                            const index::Snapshot& snapshot, index::Parallel& parallel,
                            const Tolerate& tolerate) {
  std::vector<Wanted> wanted;
  for (const auto& [id, entry] : snapshot.crowds().by_id()) {
    for (size_t i = 0; i + 1 < entry->versions->size(); ++i) {
      const CrowdVersion& version = (*entry->versions)[i];
      wanted.push_back({{id, version.number}, version.computed_count});
    }
  }
  THRONG_RETURN_IF_ERROR(ReadAll(database, population, wanted, parallel, tolerate,
                                 [](size_t, const OrdinalSetRef&) {}));
  for (const auto& [id, entry] : snapshot.crowds().by_id()) {
    for (const CrowdVersion& version : *entry->versions) {
      const index::CrowdVersionId checked{id, version.number};
      const absl::Status list =
          WithoutExceptions([&] { return CheckUploadList(database, population, checked); });
      if (!list.ok()) THRONG_RETURN_IF_ERROR(tolerate(list));
    }
  }
  return absl::OkStatus();
}

}  // namespace throng::storage
