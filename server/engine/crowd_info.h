// A crowd as an answer gives it. Internal to the engine.
//
//   CrowdInfo info = DescribeCrowd(universe, snapshot, view, *entry);
#ifndef THRONG_SERVER_ENGINE_CROWD_INFO_H_
#define THRONG_SERVER_ENGINE_CROWD_INFO_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/crowd.h"
#include "index/snapshot.h"
#include "server/engine/crowd_requests.h"
#include "server/engine/crowd_view.h"
#include "server/engine/universe.h"

namespace throng::engine {

// Thread-safe, like all here.
CrowdState StateOf(const index::CrowdEntry& crowd);
std::string EtagOf(const index::CrowdDefinition& definition);
// kAborted (ETAG_MISMATCH) unless `etag` is empty or the definition's.
absl::Status CheckEtag(const index::CrowdDefinition& definition, std::string_view etag);

// The users of a version that the crowd has. Errors: as CrowdSetCache::Read.
absl::StatusOr<index::OrdinalSetRef> UsersOf(const Universe& universe,
                                             const index::Snapshot& snapshot,
                                             const index::CrowdEntry& crowd,
                                             const index::CrowdVersion& version);
// How many they are. Reads no set where nobody was ever erased. Errors: likewise.
absl::StatusOr<uint64_t> CurrentCount(const Universe& universe, const index::Snapshot& snapshot,
                                      const index::CrowdEntry& crowd,
                                      const index::CrowdVersion& version);

// The version that was there when `version` came; null for the first. Errors: kFailedPrecondition
// (CROWD_VERSION_GONE) at `field` where it is not kept.
absl::StatusOr<const index::CrowdVersion*> FindPrevious(const index::CrowdEntry& crowd,
                                                        const index::CrowdVersion& version,
                                                        std::string_view field);

// Without used_by and warnings.
CrowdInfo DescribeCrowd(const index::Snapshot& snapshot, const CrowdView& view,
                        const index::CrowdEntry& crowd);
// The same with used_by. REQUIRES: the crowd is there. Errors: kNotFound when it is not by now.
absl::StatusOr<CrowdInfo> DescribeWhole(const index::Snapshot& snapshot, const CrowdView& view,
                                        uint32_t id);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_CROWD_INFO_H_
