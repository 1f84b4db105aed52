// The crowds of one Refresh, on one snapshot: rules that are equal are computed once, and so are
// parts that different rules have in common (query/batch_execution.h).
//
//   CrowdBatch batch(universe, snapshot, context, time);
//   ComputedCrowd base{.crowd = ...}, above{.crowd = ...};   // above: "crowd('base') and ..."
//   THRONG_RETURN_IF_ERROR(batch.Add(&base));
//   THRONG_RETURN_IF_ERROR(batch.Run());    // base.set is there
//   THRONG_RETURN_IF_ERROR(batch.Add(&above));
//   THRONG_RETURN_IF_ERROR(batch.Run());
//
// Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_CROWD_BATCH_H_
#define THRONG_SERVER_ENGINE_CROWD_BATCH_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "index/crowd.h"
#include "index/crowd_sets.h"
#include "index/snapshot.h"
#include "query/executor.h"
#include "query/resolver.h"
#include "server/engine/call_context.h"
#include "server/engine/crowd_reader.h"
#include "server/engine/universe.h"
#include "server/engine/waiting_ids.h"
#include "storage/upload_list.h"

namespace throng::engine {

struct ComputedCrowd {
  const index::CrowdEntry* crowd = nullptr;  // in the snapshot that it is computed on
  index::CrowdVersion version;
  index::OrdinalSetRef set;
};

// Borrows all it is given. Not thread-safe; computes on the universe's threads.
class CrowdBatch {
 public:
  CrowdBatch(const Universe& universe, const index::Snapshot& snapshot, const CallContext& context,
             const query::TimeContext& time);

  // Binds the crowd's rule; Run() sets `version` and `set`. REQUIRES: what it rests on in the batch
  // was run. Errors: as CrowdReader::Lookup.
  absl::Status Add(ComputedCrowd* computed);
  // Computes all that was added since the last Run(). Errors: the check's; kResourceExhausted
  // (RESULT_TOO_LARGE), while sets are computed, when all of the batch's would take more memory
  // than ResultBytesMax says.
  absl::Status Run();
  // At once, for a crowd of uploads. Errors: as LookUpAgain; RESULT_TOO_LARGE.
  absl::Status LookUp(const WaitingIds& waiting, storage::UploadRecord* record,
                      ComputedCrowd* computed);

  uint32_t rules_computed() const { return static_cast<uint32_t>(rules_.size()); }

 private:
  using Key = std::tuple<std::string, std::string, int64_t>;  // text, zone, reference time
  struct Rule {
    bool is_run = false;
    index::OrdinalSetRef set;  // once it was run
    PlannedRule planned;
    std::vector<index::CrowdVersionId> reads;
    std::vector<uint32_t> tags;
    std::chrono::nanoseconds time{0};
  };
  struct Added {
    ComputedCrowd* computed = nullptr;
    Rule* rule = nullptr;
    int64_t reference_us = 0;
    std::chrono::nanoseconds binding{0};
  };

  // From any thread. The sets of equal rules, and blocks that plans share, are counted once.
  absl::Status TakeBytes(uint64_t bytes);
  absl::Status RunRules();
  absl::Status Choose(Rule* rule);
  void Finish(const Rule& rule, int64_t reference_us, ComputedCrowd* computed);

  const Universe& universe_;
  const index::Snapshot& snapshot_;
  const query::TimeContext& time_;
  const query::Check check_;
  CrowdReader reader_;
  std::map<Key, Rule> rules_;
  std::vector<Added> added_;
  const uint64_t bytes_max_;
  std::atomic<uint64_t> bytes_{0};
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_CROWD_BATCH_H_
