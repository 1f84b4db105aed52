// Rules as they are kept: canonical text in which crowds are named by id, so that a crowd can be
// renamed; and back, with the names of now.
//
//   absl::StatusOr<KeptRule> kept = KeepRule(expression, snapshot, view);
//   kept->text;                                    // "city = 'Paris' and crowd('#17')"
//   NamedRuleText(definition, snapshot.crowds());  // "city = 'Paris' and crowd('spring')"
//
// Internal to the engine. Thread-safe functions.
#ifndef THRONG_SERVER_ENGINE_CROWD_RULES_H_
#define THRONG_SERVER_ENGINE_CROWD_RULES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "index/crowd.h"
#include "index/snapshot.h"
#include "query/expression.h"
#include "server/engine/crowd_view.h"

namespace throng::engine {

struct KeptRule {
  std::string text;
  std::vector<uint32_t> references;  // ids of crowds, ascending
  std::vector<uint32_t> tags;        // ids of tags, ascending
};

// `expression`, whose tags are known, to be kept. Errors, without a field: kInvalidArgument
// (UNKNOWN_CROWD with the nearest name, RULE_TOO_LONG), kFailedPrecondition (CROWD_DELETED).
absl::StatusOr<KeptRule> KeepRule(const query::Expression& expression,
                                  const index::Snapshot& snapshot, const CrowdView& view);

// Whether versions of the crowd are computed: it is a RULE or an arm of a SPLIT, and not frozen.
bool HasRule(const index::CrowdDefinition& definition);

// The kept rule with the names of now; of an arm, its source and its buckets. Errors: kDataLoss
// when it does not parse; a crowd that is there no longer keeps its number.
absl::StatusOr<query::Expression> NamedRule(const index::CrowdDefinition& definition,
                                            const index::CrowdCatalogue& crowds);
// Its canonical text; the kept text where it does not parse. Empty for an UPLOAD and a frozen arm.
std::string NamedRuleText(const index::CrowdDefinition& definition,
                          const index::CrowdCatalogue& crowds);

// The error of a reference to a crowd that nobody has, that was deleted. Without a field.
absl::Status UnknownReference(const query::CrowdRef& crowd, const CrowdView& view);
absl::Status DeletedReference(const query::CrowdRef& crowd);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_CROWD_RULES_H_
