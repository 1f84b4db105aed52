#include "server/service/call_metrics.h"

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "google/protobuf/descriptor.h"

namespace throng::service {
namespace {

using grpc::experimental::InterceptionHookPoints;

// Seconds: counts take microseconds to milliseconds, loads and exports up to minutes.
const prometheus::Histogram::BucketBoundaries kDurationBounds = {
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
    0.05,   0.1,     0.25,   0.5,   1,      2.5,   10,   60};

// One call. gRPC asks it from several threads; only the batch with the status touches its state,
// and there is one of these.
class CallInterceptor final : public grpc::experimental::Interceptor {
 public:
  explicit CallInterceptor(MethodMetrics& method) : method_(method) { method_.Begin(); }
  // A call without a status is one whose client went before there was any.
  ~CallInterceptor() override { End(grpc::StatusCode::CANCELLED); }

  void Intercept(grpc::experimental::InterceptorBatchMethods* batch) override {
    if (batch->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      End(batch->GetSendStatus().error_code());
    }
    batch->Proceed();
  }

 private:
  void End(grpc::StatusCode code) {
    if (std::exchange(ended_, true)) return;
    method_.End(code, std::chrono::steady_clock::now() - begun_);
  }

  MethodMetrics& method_;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  bool ended_ = false;
};

}  // namespace

MethodMetrics::MethodMetrics(std::string method, prometheus::Family<prometheus::Counter>& requests,
                             prometheus::Family<prometheus::Histogram>& durations,
                             prometheus::Family<prometheus::Gauge>& in_flight)
    : method_(std::move(method)),
      requests_family_(requests),
      durations_(durations.Add({{"method", method_}}, kDurationBounds)),
      in_flight_(in_flight.Add({{"method", method_}})) {
  Requests(grpc::StatusCode::OK);
}

prometheus::Counter& MethodMetrics::Requests(int code) {
  std::atomic<prometheus::Counter*>& known = requests_[static_cast<size_t>(code)];
  prometheus::Counter* counter = known.load(std::memory_order_acquire);
  if (counter == nullptr) {
    const std::string name = absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
    counter = &requests_family_.Add({{"method", method_}, {"code", name}});  // the same for all
    known.store(counter, std::memory_order_release);
  }
  return *counter;
}

void MethodMetrics::Begin() { in_flight_.Increment(); }

void MethodMetrics::End(grpc::StatusCode code, std::chrono::nanoseconds duration) {
  const bool is_known = code >= grpc::StatusCode::OK && code < kCodes;
  Requests(is_known ? code : grpc::StatusCode::UNKNOWN).Increment();
  durations_.Observe(std::chrono::duration<double>(duration).count());
  in_flight_.Decrement();
}

class CallMetrics::InterceptorFactory final
    : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit InterceptorFactory(CallMetrics& metrics) : metrics_(metrics) {}

  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* call) override {
    const auto method = metrics_.methods_.find(std::string_view(call->method()));
    if (method == metrics_.methods_.end()) return nullptr;
    return new CallInterceptor(method->second);  // gRPC deletes it with the call
  }

 private:
  CallMetrics& metrics_;
};

CallMetrics::CallMetrics(std::span<const char* const> services)
    : registry_(std::make_shared<prometheus::Registry>()) {
  auto& requests = prometheus::BuildCounter()
                       .Name("throng_rpc_requests_total")
                       .Help("Calls that ended, by method and gRPC status code.")
                       .Register(*registry_);
  auto& durations = prometheus::BuildHistogram()
                        .Name("throng_rpc_duration_seconds")
                        .Help("Time from a call's first message until its status, by method.")
                        .Register(*registry_);
  auto& in_flight = prometheus::BuildGauge()
                        .Name("throng_rpc_in_flight")
                        .Help("Calls under way, queued ones included, by method.")
                        .Register(*registry_);
  for (const char* service : services) {
    const google::protobuf::ServiceDescriptor& described =
        *google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(service);
    for (int i = 0; i < described.method_count(); ++i) {
      const std::string name = fmt::format("{}/{}", service, described.method(i)->name());
      methods_.try_emplace("/" + name, name, requests, durations, in_flight);
    }
  }
}

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>
CallMetrics::NewInterceptorFactory() {
  return std::make_unique<InterceptorFactory>(*this);
}

}  // namespace throng::service
