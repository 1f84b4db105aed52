#include "benchmarks/grpc_open_loop.h"

#include <chrono>
#include <cmath>
#include <random>
#include <thread>
#include <utility>

#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"
#include "index/mutex.h"
#include "throng/v1/selection.grpc.pb.h"

namespace throng::bench {
namespace {

using Clock = std::chrono::steady_clock;

// What has come back. Thread-safe.
class Tally {
 public:
  void Begin() {
    index::MutexLock lock(mutex_);
    ++under_way_;
  }
  void End(const grpc::Status& status, bool counts, double us) {
    index::MutexLock lock(mutex_);
    if (--under_way_ == 0) idle_.NotifyAll();
    const bool is_refused = status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED;
    if (!status.ok() && !is_refused) {
      ++figures_.errors;
    } else if (!counts) {
      figures_.warm_up_refused += is_refused;
    } else {
      (is_refused ? figures_.refused : figures_.accepted).us.push_back(us);
    }
  }
  OpenLoopFigures Take() {
    index::MutexLock lock(mutex_);
    while (under_way_ > 0) idle_.Wait(mutex_);
    return std::move(figures_);
  }

 private:
  index::Mutex mutex_;
  index::ConditionVariable idle_;
  uint64_t under_way_ THRONG_GUARDED_BY(mutex_) = 0;
  OpenLoopFigures figures_ THRONG_GUARDED_BY(mutex_);
};

struct OneCall {
  grpc::ClientContext context;
  v1::CountResponse response;
};

}  // namespace

OpenLoopFigures RunOpenLoop(const std::vector<std::shared_ptr<grpc::Channel>>& channels,
                            const std::vector<v1::CountRequest>& requests,
                            const OpenLoopOptions& options) {
  std::vector<std::unique_ptr<v1::SelectionService::Stub>> stubs;
  for (const auto& channel : channels) stubs.push_back(v1::SelectionService::NewStub(channel));
  std::mt19937_64 random(options.seed);
  std::exponential_distribution<double> pause(options.rate);
  Tally tally;
  const Clock::time_point start = Clock::now();
  double due = 0;
  const double end = options.warm_up_seconds + options.seconds;
  for (uint64_t n = 0; due < end; ++n) {
    const auto at =
        start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(due));
    std::this_thread::sleep_until(at);
    auto* call = new OneCall;
    call->context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    tally.Begin();
    const bool counts = due >= options.warm_up_seconds;
    stubs[n % stubs.size()]->async()->Count(
        &call->context, &requests[random() % requests.size()], &call->response,
        [call, at, counts, &tally](const grpc::Status& status) {
          const std::chrono::duration<double, std::micro> took = Clock::now() - at;
          tally.End(status, counts, took.count());
          delete call;
        });
    due += pause(random);
  }
  OpenLoopFigures figures = tally.Take();
  figures.seconds = options.seconds;
  return figures;
}

}  // namespace throng::bench
