// Says in the server's log that the audit log cannot be written: once a second at most, as it may
// be asked for with every call.
//
//   if (!written.ok()) ReportAuditFailure(written);
#ifndef THRONG_SERVER_SERVICE_AUDIT_FAILURES_H_
#define THRONG_SERVER_SERVICE_AUDIT_FAILURES_H_

#include "absl/status/status.h"

namespace throng::service {

// Thread-safe.
void ReportAuditFailure(const absl::Status& status);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_AUDIT_FAILURES_H_
