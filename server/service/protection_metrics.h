// The metrics of what keeps others out: lines that the audit log could not take, files that could
// not be read again, and when the certificate expires.
//
//   ProtectionMetrics metrics(audit.get(), tls.get(), &reloader);
//   metrics.Collect();   // throng_audit_lines_refused_total, throng_reload_failures_total, ...
#ifndef THRONG_SERVER_SERVICE_PROTECTION_METRICS_H_
#define THRONG_SERVER_SERVICE_PROTECTION_METRICS_H_

#include <vector>

#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"
#include "server/access/audit_log.h"
#include "server/service/reloader.h"
#include "server/service/server_tls.h"

namespace throng::service {

// Thread-safe.
class ProtectionMetrics final : public prometheus::Collectable {
 public:
  // Any may be null: then its families are absent. All must outlive this.
  ProtectionMetrics(const access::AuditLog* audit, const ServerTls* tls, const Reloader* reloader)
      : audit_(audit), tls_(tls), reloader_(reloader) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const access::AuditLog* const audit_;
  const ServerTls* const tls_;
  const Reloader* const reloader_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_PROTECTION_METRICS_H_
