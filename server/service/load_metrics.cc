#include "server/service/load_metrics.h"

#include <array>

#include "fmt/format.h"
#include "server/service/access_rules.h"

namespace throng::service {
namespace {

// Seconds: look-ups take microseconds, refreshes of crowds up to minutes.
const prometheus::Histogram::BucketBoundaries kBounds = {
    0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30};

// The value of the label `reason`, by ShedReason.
constexpr std::array<const char*, kShedReasons> kReasons = {"queue_full", "wait", "deadline",
                                                            "caller"};

}  // namespace

class LoadMetrics::PoolSeries final : public PoolObserver {
 public:
  PoolSeries(const std::string& pool, prometheus::Family<prometheus::Histogram>& waits,
             prometheus::Family<prometheus::Counter>& shed)
      : wait_(waits.Add({{"pool", pool}}, kBounds)) {
    for (size_t i = 0; i < kReasons.size(); ++i) {
      shed_[i] = &shed.Add({{"pool", pool}, {"reason", kReasons[i]}});
    }
  }
  void Waited(std::chrono::nanoseconds time) override {
    wait_.Observe(std::chrono::duration<double>(time).count());
  }
  void Shed(ShedReason reason) override { shed_[static_cast<size_t>(reason)]->Increment(); }

 private:
  prometheus::Histogram& wait_;
  std::array<prometheus::Counter*, kShedReasons> shed_;
};

LoadMetrics::LoadMetrics()
    : registry_(std::make_shared<prometheus::Registry>()),
      connections_(prometheus::BuildGauge()
                       .Name("throng_connections")
                       .Help("Open connections of callers.")
                       .Register(*registry_)
                       .Add({})),
      connections_refused_(prometheus::BuildCounter()
                               .Name("throng_connections_refused_total")
                               .Help("Connections that were closed because there were too many.")
                               .Register(*registry_)
                               .Add({})) {
  auto& waits = prometheus::BuildHistogram()
                    .Name("throng_call_queue_seconds")
                    .Help("Time from a call's message until a thread has taken it, by pool.")
                    .Register(*registry_);
  auto& shed = prometheus::BuildCounter()
                   .Name("throng_calls_shed_total")
                   .Help("Calls that were refused for having too much to do, by pool and reason.")
                   .Register(*registry_);
  auto& times = prometheus::BuildHistogram()
                    .Name("throng_rpc_engine_seconds")
                    .Help("Time of unary calls on their threads, by method.")
                    .Register(*registry_);
  auto& slow = prometheus::BuildCounter()
                   .Name("throng_slow_calls_total")
                   .Help("Unary calls that took longer than slow-query-ms, by method.")
                   .Register(*registry_);
  for (const std::string pool : kPoolNames) {
    pools_.try_emplace(pool, std::make_unique<PoolSeries>(pool, waits, shed));
  }
  for (const AccessRow& row : AccessRows()) {
    const std::string label = fmt::format("throng.v1.{}", row.method);
    methods_.try_emplace(
        std::string(row.method),
        MethodSeries{&times.Add({{"method", label}}, kBounds), &slow.Add({{"method", label}})});
  }
}

LoadMetrics::~LoadMetrics() = default;

PoolObserver* LoadMetrics::PoolObserverOf(std::string_view pool) {
  return pools_.find(pool)->second.get();
}

void LoadMetrics::Ran(std::string_view method, std::chrono::nanoseconds time, bool is_slow) {
  const auto found = methods_.find(method);
  if (found == methods_.end()) return;
  found->second.time->Observe(std::chrono::duration<double>(time).count());
  if (is_slow) found->second.slow->Increment();
}

}  // namespace throng::service
