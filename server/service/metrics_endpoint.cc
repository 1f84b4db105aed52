#include "server/service/metrics_endpoint.h"

#include <exception>
#include <iterator>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/error.h"
#include "server/access/log_text.h"
#include "server/service/engine_metrics.h"
#include "server/service/listen_address.h"
#include "server/service/process_metrics.h"
#include "spdlog/spdlog.h"

namespace throng::service {
namespace {

constexpr const char* kThreads = "2";
// A client that sends no request holds one of the threads.
constexpr const char* kRequestMillisecondsMax = "5000";

// All families. Thread-safe.
class AllMetrics final : public prometheus::Collectable {
 public:
  AllMetrics(const EngineGate& gate, std::shared_ptr<const prometheus::Collectable> calls,
             std::shared_ptr<const prometheus::Collectable> load,
             std::shared_ptr<const prometheus::Collectable> protection)
      : engine_(gate),
        calls_(std::move(calls)),
        load_(std::move(load)),
        protection_(std::move(protection)) {}

  // The HTTP server would end the process over an exception; without memory a scrape is empty.
  std::vector<prometheus::MetricFamily> Collect() const override {
    std::vector<prometheus::MetricFamily> families;
    try {
      for (const prometheus::Collectable* part :
           {static_cast<const prometheus::Collectable*>(&engine_), calls_.get(), load_.get(),
            protection_.get(), static_cast<const prometheus::Collectable*>(&process_)}) {
        if (part == nullptr) continue;
        std::vector<prometheus::MetricFamily> more = part->Collect();
        families.insert(families.end(), std::make_move_iterator(more.begin()),
                        std::make_move_iterator(more.end()));
      }
    } catch (const std::exception& error) {
      spdlog::error("event=scrape_failed message={}", access::Quoted(error.what()));
    }
    return families;
  }

 private:
  const EngineMetrics engine_;
  const std::shared_ptr<const prometheus::Collectable> calls_;
  const std::shared_ptr<const prometheus::Collectable> load_;
  const std::shared_ptr<const prometheus::Collectable> protection_;  // may be null
  const ProcessMetrics process_;
};

}  // namespace

absl::Status CheckMetricsAddress(const std::string& address) {
  THRONG_RETURN_IF_ERROR(CheckAddress(address));
  if (address.front() != '[') return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("cannot listen on {} for metrics: IPv6 is not supported there", address));
}

absl::StatusOr<std::unique_ptr<MetricsEndpoint>> MetricsEndpoint::Start(
    const std::string& address, const EngineGate& gate, const CallMetrics& calls,
    const LoadMetrics& load, std::shared_ptr<const prometheus::Collectable> protection) {
  THRONG_RETURN_IF_ERROR(CheckMetricsAddress(address));
  std::unique_ptr<MetricsEndpoint> endpoint(new MetricsEndpoint());
  endpoint->metrics_ = std::make_shared<AllMetrics>(gate, calls.collectable(), load.collectable(),
                                                    std::move(protection));
  try {
    endpoint->exposer_ = std::make_unique<prometheus::Exposer>(
        std::vector<std::string>{"listening_ports", address, "num_threads", kThreads,
                                 "request_timeout_ms", kRequestMillisecondsMax});
    endpoint->exposer_->RegisterCollectable(endpoint->metrics_, "/metrics");
  } catch (const std::exception&) {  // it says only that it cannot
    return absl::UnavailableError(
        fmt::format("cannot listen on {} for metrics: {}", address, WhyCannotListen(address)));
  }
  return endpoint;
}

}  // namespace throng::service
