// What the engine is, for a scrape: the numbers of GetStats as Prometheus families.
//
//   EngineMetrics metrics(server.gate());
//   metrics.Collect();   // throng_store_read_only, throng_population_users, ...
//
// A new number of a population is a row in engine_metrics.cc and in docs/operations.md.
#ifndef THRONG_SERVER_SERVICE_ENGINE_METRICS_H_
#define THRONG_SERVER_SERVICE_ENGINE_METRICS_H_

#include <vector>

#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"
#include "server/service/engine_gate.h"

namespace throng::service {

// Thread-safe.
class EngineMetrics final : public prometheus::Collectable {
 public:
  // `gate` must outlive this, and the engine behind it every Collect.
  explicit EngineMetrics(const EngineGate& gate) : gate_(gate) {}

  // Costs what GetStats costs. Without an engine, as while it loads, only what the process knows.
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const EngineGate& gate_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_ENGINE_METRICS_H_
