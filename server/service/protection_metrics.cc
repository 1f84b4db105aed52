#include "server/service/protection_metrics.h"

#include <cstddef>
#include <cstdint>
#include <utility>

namespace throng::service {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// For a counter and for a gauge.
ClientMetric Sample(double value) {
  ClientMetric sample;
  sample.counter.value = value;
  sample.gauge.value = value;
  return sample;
}

void AddReloads(const Reloader& reloader, std::vector<MetricFamily>* families) {
  MetricFamily failures = {"throng_reload_failures_total",
                           "Readings of changed files and of settings that failed.",
                           MetricType::Counter,
                           {}};
  MetricFamily failing = {"throng_reload_failing",
                          "1: the newest reading failed, what was before is in force.",
                          MetricType::Gauge,
                          {}};
  for (size_t i = 0; i < kReloadPartNames.size(); ++i) {
    const auto part = static_cast<ReloadPart>(i);
    ClientMetric count = Sample(static_cast<double>(reloader.failures(part)));
    ClientMetric is_failing = Sample(reloader.is_failing(part) ? 1 : 0);
    count.label = {{"what", kReloadPartNames[i]}};
    is_failing.label = {{"what", kReloadPartNames[i]}};
    failures.metric.push_back(std::move(count));
    failing.metric.push_back(std::move(is_failing));
  }
  families->push_back(std::move(failures));
  families->push_back(std::move(failing));
}

}  // namespace

std::vector<MetricFamily> ProtectionMetrics::Collect() const {
  std::vector<MetricFamily> families;
  if (audit_ != nullptr) {
    families.push_back({"throng_audit_lines_refused_total",
                        "Lines that could not be written to the audit log.",
                        MetricType::Counter,
                        {Sample(static_cast<double>(audit_->lines_refused()))}});
  }
  if (tls_ != nullptr) {
    families.push_back({"throng_certificate_expiry_time_seconds",
                        "When the first certificate of the server's chain expires, in Unix time.",
                        MetricType::Gauge,
                        {Sample(static_cast<double>(tls_->chain_expires_s()))}});
  }
  if (reloader_ != nullptr) AddReloads(*reloader_, &families);
  return families;
}

}  // namespace throng::service
