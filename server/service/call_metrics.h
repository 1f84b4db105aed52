// Counts and times the calls of the throng.v1 services, all of them in one place: as an interceptor
// of gRPC. Health checks, reflection and names that no service has are not counted, so the labels
// are those of the API.
//
//   CallMetrics metrics(ServiceNames());          // outlives the gRPC server
//   std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> creators;
//   creators.push_back(metrics.NewInterceptorFactory());
//   builder.experimental().SetInterceptorCreators(std::move(creators));
//   metrics.collectable()->Collect();             // throng_rpc_requests_total and the others
//
// A call counts from when gRPC has its first message (a stream: from its start) until its status is
// handed to gRPC, so that whoever has the answer finds it counted.
#ifndef THRONG_SERVER_SERVICE_CALL_METRICS_H_
#define THRONG_SERVER_SERVICE_CALL_METRICS_H_

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "grpcpp/support/server_interceptor.h"
#include "grpcpp/support/status_code_enum.h"
#include "prometheus/counter.h"
#include "prometheus/family.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"

namespace throng::service {

// The series of one method. Thread-safe.
class MethodMetrics {
 public:
  // `method`: the value of the label, e.g. "throng.v1.SelectionService/Count".
  MethodMetrics(std::string method, prometheus::Family<prometheus::Counter>& requests,
                prometheus::Family<prometheus::Histogram>& durations,
                prometheus::Family<prometheus::Gauge>& in_flight);

  void Begin();
  void End(grpc::StatusCode code, std::chrono::nanoseconds duration);

 private:
  static constexpr int kCodes = grpc::StatusCode::UNAUTHENTICATED + 1;

  prometheus::Counter& Requests(int code);

  const std::string method_;
  prometheus::Family<prometheus::Counter>& requests_family_;
  // Made when a call first ends so, but that of OK, which is there from the start.
  std::array<std::atomic<prometheus::Counter*>, kCodes> requests_{};
  prometheus::Histogram& durations_;
  prometheus::Gauge& in_flight_;
};

// Thread-safe.
class CallMetrics {
 public:
  // Of the methods of `services`, e.g. "throng.v1.TagService". REQUIRES: each is linked in.
  explicit CallMetrics(std::span<const char* const> services);
  CallMetrics(const CallMetrics&) = delete;
  CallMetrics& operator=(const CallMetrics&) = delete;

  // What it makes refers to this.
  std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> NewInterceptorFactory();
  std::shared_ptr<const prometheus::Collectable> collectable() const { return registry_; }

 private:
  class InterceptorFactory;

  const std::shared_ptr<prometheus::Registry> registry_;
  // By "/throng.v1.SelectionService/Count", as gRPC names them. Not changed after construction.
  std::map<std::string, MethodMetrics, std::less<>> methods_;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CALL_METRICS_H_
