// The threads of all calls, by what the calls do: so that a long report keeps no page waiting, and
// no count waits for a disk.
//
//   CallPools pools(limits, metrics);
//   pools.Of(KindOf(rule)).Submit(...);
//   pools.SetLimits(limits);          // those that may change while the server runs
#ifndef THRONG_SERVER_SERVICE_CALL_POOLS_H_
#define THRONG_SERVER_SERVICE_CALL_POOLS_H_

#include "server/service/access_rules.h"
#include "server/service/load_metrics.h"
#include "server/service/service_limits.h"
#include "server/service/worker_pool.h"

namespace throng::service {

// What a unary call mostly does.
enum class CallKind {
  kRead,      // counts and looks up: more threads than cores would only make all of them slower
  kAnalysis,  // reads more: insights, refreshes of crowds, reports
  kWrite,     // waits for the disk, where many calls share a sync
};

// By the call's method and right.
CallKind KindOf(const AccessRule& rule);

// Thread-safe.
class CallPools {
 public:
  // `metrics` must outlive this.
  CallPools(const ServiceLimits& limits, LoadMetrics& metrics);

  WorkerPool& Of(CallKind kind);
  WorkerPool& exports() { return exports_; }
  WorkerPool& loads() { return loads_; }

  // From now on: how many calls wait and for how long, and how many one caller has. Not how many
  // threads there are.
  void SetLimits(const ServiceLimits& limits);

 private:
  WorkerPool reads_;
  WorkerPool analyses_;
  WorkerPool writes_;
  WorkerPool exports_;
  WorkerPool loads_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CALL_POOLS_H_
