// What becomes a crowd: what Create and Update make of a request, a definition that can be
// committed. Internal to the engine.
//
//   absl::StatusOr<ReadyRule> rule = ReadRule(universe, context, given, zone, time);
//   THRONG_RETURN_IF_ERROR(KeepIn(newest, view, *rule, &definition));   // while committing
#ifndef THRONG_SERVER_ENGINE_CROWD_DEFINITIONS_H_
#define THRONG_SERVER_ENGINE_CROWD_DEFINITIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/change.h"
#include "index/crowd.h"
#include "index/snapshot.h"
#include "query/expression.h"
#include "query/resolver.h"
#include "server/engine/call_context.h"
#include "server/engine/crowd_requests.h"
#include "server/engine/crowd_view.h"
#include "server/engine/universe.h"

namespace throng::engine {

// A rule that can be evaluated on the newest snapshot, as the caller sees it.
struct ReadyRule {
  query::Expression expression;
  std::vector<query::Warning> warnings;
};

// Parses or validates the rule and binds it, but for what crowds hold. Errors: kInvalidArgument,
// kFailedPrecondition (CROWD_DELETED, CROWD_VERSION_GONE) at "crowd.rule"; UNKNOWN_TIME_ZONE at
// "crowd.time_zone". Thread-safe.
absl::StatusOr<ReadyRule> ReadRule(const Universe& universe, const CallContext& context,
                                   const CrowdRule& rule, std::string_view time_zone,
                                   std::optional<int64_t> reference_us);

// Puts the rule, with crowds by id, and what it rests on into `definition`. Errors: as KeepRule
// and CrowdGraph::Check, at "crowd.rule".
absl::Status KeepIn(const index::Snapshot& newest, const CrowdView& view, const ReadyRule& rule,
                    index::CrowdDefinition* definition);

// kAlreadyExists (CROWD_EXISTS) at `field` when another crowd than `id` has the name, whoever may
// see it, deleted ones too.
absl::Status CheckNameFree(const index::CrowdCatalogue& crowds, const std::string& name,
                           uint32_t id, std::string_view field);

// The error of a crowd that cannot be deleted because `users` rest on it: their names, as far as
// the caller may see them.
absl::Status InUse(const index::CrowdDefinition& definition, const CrowdView& view,
                   const std::vector<const index::CrowdEntry*>& users);

// kInvalidArgument (BAD_KEPT_TIME) unless a deleted crowd may be kept for so long.
absl::Status CheckKeptTime(int64_t kept_us);

// Puts a new crowd, which has all but its id and times, behind those that the record has. REQUIRES:
// the record changes no crowd that there is. Errors: as Crowds::Create of a definition.
absl::Status AddCrowd(const index::Snapshot& newest, index::CrowdDefinition draft,
                      index::CommitRecord* record);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_CROWD_DEFINITIONS_H_
