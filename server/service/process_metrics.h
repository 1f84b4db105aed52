// The process as the operating system sees it, under the names that all Prometheus clients use.
//
//   ProcessMetrics metrics;
//   metrics.Collect();   // process_resident_memory_bytes, process_open_fds, ...
#ifndef THRONG_SERVER_SERVICE_PROCESS_METRICS_H_
#define THRONG_SERVER_SERVICE_PROCESS_METRICS_H_

#include <vector>

#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"

namespace throng::service {

// Thread-safe.
class ProcessMetrics final : public prometheus::Collectable {
 public:
  // Reads /proc; what it cannot read is left out.
  std::vector<prometheus::MetricFamily> Collect() const override;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_PROCESS_METRICS_H_
