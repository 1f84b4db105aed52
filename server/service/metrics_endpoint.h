// GET /metrics over HTTP, in the text format of Prometheus.
//
//   absl::StatusOr<std::unique_ptr<MetricsEndpoint>> endpoint =
//       MetricsEndpoint::Start("127.0.0.1:0", server.gate(), call_metrics, server.load_metrics());
//   (*endpoint)->port();
#ifndef THRONG_SERVER_SERVICE_METRICS_ENDPOINT_H_
#define THRONG_SERVER_SERVICE_METRICS_ENDPOINT_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "prometheus/collectable.h"
#include "prometheus/exposer.h"
#include "server/service/call_metrics.h"
#include "server/service/engine_gate.h"
#include "server/service/load_metrics.h"

namespace throng::service {

// Whether MetricsEndpoint can listen on such an address: as CheckAddress, but no IPv6, which Debian
// builds the HTTP library without. Thread-safe. Errors: kInvalidArgument.
absl::Status CheckMetricsAddress(const std::string& address);

// Thread-safe. Everything is collected when it is asked for: nothing is done between scrapes. A
// scrape runs on threads of its own, two at most, and in the engine like a call of GetStats.
class MetricsEndpoint {
 public:
  // `address`: as CheckMetricsAddress accepts it; port 0 takes a free one. `gate` must outlive
  // this, and the engine behind it as well: no scrape is under way any more when this is
  // destroyed. `protection` (ProtectionMetrics) may be null. Errors: kInvalidArgument; kUnavailable
  // naming the address and why, e.g. that it is in use.
  static absl::StatusOr<std::unique_ptr<MetricsEndpoint>> Start(
      const std::string& address, const EngineGate& gate, const CallMetrics& calls,
      const LoadMetrics& load, std::shared_ptr<const prometheus::Collectable> protection = nullptr);
  int port() const { return exposer_->GetListeningPorts().front(); }

 private:
  MetricsEndpoint() = default;

  std::shared_ptr<prometheus::Collectable> metrics_;
  std::unique_ptr<prometheus::Exposer> exposer_;  // stopped before metrics_ goes
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_METRICS_ENDPOINT_H_
