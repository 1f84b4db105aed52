// How much the server has to do: what calls waited, how long they ran, what was refused, what was
// slow.
//
//   LoadMetrics metrics;
//   metrics.PoolObserverOf("reads");            // for a WorkerPool
//   metrics.Ran("SelectionService/Count", time, /*is_slow=*/false);
//   metrics.collectable()->Collect();           // throng_call_queue_seconds and the others
//
// Callers are no labels: there may be any number of them.
#ifndef THRONG_SERVER_SERVICE_LOAD_METRICS_H_
#define THRONG_SERVER_SERVICE_LOAD_METRICS_H_

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "prometheus/collectable.h"
#include "prometheus/counter.h"
#include "prometheus/family.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"
#include "server/service/worker_pool.h"

namespace throng::service {

// Thread-safe.
class LoadMetrics {
 public:
  LoadMetrics();
  ~LoadMetrics();
  LoadMetrics(const LoadMetrics&) = delete;
  LoadMetrics& operator=(const LoadMetrics&) = delete;

  // Lives as long as this. `pool`: the value of the label, one of kPoolNames.
  PoolObserver* PoolObserverOf(std::string_view pool);
  // A unary call has run for so long on its thread; a method of the API, without "throng.v1.".
  void Ran(std::string_view method, std::chrono::nanoseconds time, bool is_slow);
  // A connection was opened or closed, or refused because there are too many.
  void SetConnections(size_t connections) { connections_.Set(static_cast<double>(connections)); }
  void RefuseConnection() { connections_refused_.Increment(); }

  std::shared_ptr<const prometheus::Collectable> collectable() const { return registry_; }

 private:
  class PoolSeries;
  struct MethodSeries {
    prometheus::Histogram* time;
    prometheus::Counter* slow;
  };

  const std::shared_ptr<prometheus::Registry> registry_;
  prometheus::Gauge& connections_;
  prometheus::Counter& connections_refused_;
  // Not changed after construction, both.
  std::map<std::string, std::unique_ptr<PoolSeries>, std::less<>> pools_;
  std::map<std::string, MethodSeries, std::less<>> methods_;
};

inline constexpr const char* kReadsPool = "reads";
inline constexpr const char* kAnalysesPool = "analyses";
inline constexpr const char* kWritesPool = "writes";
inline constexpr const char* kExportsPool = "exports";
inline constexpr const char* kLoadsPool = "loads";
inline constexpr const char* kPoolNames[] = {kReadsPool, kAnalysesPool, kWritesPool, kExportsPool,
                                             kLoadsPool};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_LOAD_METRICS_H_
