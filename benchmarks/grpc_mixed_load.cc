#include "benchmarks/grpc_mixed_load.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <random>
#include <string_view>
#include <thread>
#include <utility>

#include "benchmarks/grpc_calls.h"
#include "benchmarks/query_texts.h"
#include "benchmarks/write_rows.h"
#include "fmt/format.h"
#include "grpcpp/client_context.h"
#include "index/mutex.h"
#include "throng/v1/insight.grpc.pb.h"
#include "throng/v1/membership.grpc.pb.h"
#include "throng/v1/selection.grpc.pb.h"
#include "throng/v1/user.grpc.pb.h"

namespace throng::bench {
namespace {

using Clock = std::chrono::steady_clock;

enum Kind : size_t { kCount, kCheck, kBreakdown, kExplain, kWrite, kExport, kKinds };
constexpr std::array<std::string_view, kKinds> kNames = {"count",   "check", "breakdown",
                                                         "explain", "write", "export"};
// Of 1,000 calls.
constexpr std::array<int, kKinds> kShares = {500, 300, 80, 80, 38, 2};
constexpr std::array<const char*, 4> kQueries = {kQ1, kQ2, kQ3, kQ7};

Kind KindOf(int number) {
  size_t kind = 0;
  while (number >= kShares[kind]) number -= kShares[kind++];
  return static_cast<Kind>(kind);
}

double ResidentMiB() {
  std::ifstream file("/proc/self/statm");
  double pages = 0;
  file >> pages >> pages;
  return pages * 4096 / (1 << 20);
}

// Times and errors since the last row. Thread-safe.
class Row {
 public:
  void Add(Kind kind, const grpc::Status& status, double us) {
    index::MutexLock lock(mutex_);
    times_[kind].us.push_back(us);
    if (status.ok()) return;
    ++errors_[kind];
    if (++said_ <= 5) fmt::print(stderr, "{}: {}\n", kNames[kind], status.error_message());
  }
  // Prints and forgets it; the number of errors.
  uint64_t Print(double seconds) {
    index::MutexLock lock(mutex_);
    uint64_t errors = 0;
    for (size_t kind = 0; kind < kKinds; ++kind) {
      fmt::print("{:>8.0f} {:<10} {:>9} {:>7} {:>9.0f} {:>9.0f} {:>9.0f}\n", seconds, kNames[kind],
                 times_[kind].us.size(), errors_[kind], times_[kind].Quantile(0.5),
                 times_[kind].Quantile(0.99), ResidentMiB());
      errors += std::exchange(errors_[kind], 0);
      times_[kind].us.clear();
    }
    std::fflush(stdout);
    return errors;
  }

 private:
  index::Mutex mutex_;
  std::array<Latencies, kKinds> times_ THRONG_GUARDED_BY(mutex_);
  std::array<uint64_t, kKinds> errors_ THRONG_GUARDED_BY(mutex_){};
  int said_ THRONG_GUARDED_BY(mutex_) = 0;
};

// One connection. Thread-compatible.
class Caller {
 public:
  Caller(const std::shared_ptr<grpc::Channel>& channel, const std::vector<std::string>& crowds,
         const MixedLoadOptions& options, uint64_t number)
      : selections_(v1::SelectionService::NewStub(channel)),
        insights_(v1::InsightService::NewStub(channel)),
        memberships_(v1::MembershipService::NewStub(channel)),
        users_(v1::UserService::NewStub(channel)),
        crowds_(crowds),
        options_(options),
        random_(options.seed * 1'000 + number) {}

  grpc::Status Make(Kind kind) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    switch (kind) {
      case kCount:
        return Count(&context);
      case kCheck:
        return Check(&context);
      case kBreakdown:
        return Breakdown(&context);
      case kExplain:
        return Explain(&context);
      case kWrite:
        return Write(&context);
      case kExport:
      case kKinds:
        return Export(&context);
    }
    return grpc::Status::OK;
  }
  Kind NextKind() { return KindOf(static_cast<int>(random_() % 1'000)); }

 private:
  void Select(v1::Selection* selection) {
    selection->set_expression(kQueries[random_() % kQueries.size()]);
  }
  std::string User() {
    return fmt::format("{}", WriteId(static_cast<uint32_t>(random_() % options_.users)));
  }
  grpc::Status Count(grpc::ClientContext* context) {
    v1::CountRequest request;
    v1::CountResponse response;
    Select(request.mutable_selection());
    return selections_->Count(context, request, &response);
  }
  grpc::Status Check(grpc::ClientContext* context) {
    v1::CheckRequest request;
    v1::CheckResponse response;
    request.mutable_user()->set_id(User());
    for (const std::string& crowd : crowds_) request.add_crowds()->set_crowd(crowd);
    return memberships_->Check(context, request, &response);
  }
  grpc::Status Breakdown(grpc::ClientContext* context) {
    v1::BreakdownRequest request;
    v1::BreakdownResponse response;
    Select(request.mutable_selection());
    request.add_tags("city");
    request.add_tags("device");
    return insights_->Breakdown(context, request, &response);
  }
  grpc::Status Explain(grpc::ClientContext* context) {
    v1::ExplainRequest request;
    v1::ExplainResponse response;
    Select(request.mutable_selection());
    return selections_->Explain(context, request, &response);
  }
  grpc::Status Write(grpc::ClientContext* context) {
    v1::WriteUsersRequest request;
    v1::WriteUsersResponse response;
    v1::UserChange* user = request.add_users();
    user->set_id(User());
    v1::TagChange* change = user->add_changes();
    change->set_tag("city");
    change->mutable_set()->set_text(fmt::format("v{}", random_() % 8));
    return users_->WriteUsers(context, request, &response);
  }
  grpc::Status Export(grpc::ClientContext* context) {
    v1::ExportMembersRequest request;
    request.mutable_selection()->set_expression(kQ3);
    const auto reader = selections_->ExportMembers(context, request);
    v1::ExportMembersResponse frame;
    while (reader->Read(&frame)) continue;
    return reader->Finish();
  }

  const std::unique_ptr<v1::SelectionService::Stub> selections_;
  const std::unique_ptr<v1::InsightService::Stub> insights_;
  const std::unique_ptr<v1::MembershipService::Stub> memberships_;
  const std::unique_ptr<v1::UserService::Stub> users_;
  const std::vector<std::string>& crowds_;
  const MixedLoadOptions& options_;
  std::mt19937_64 random_;
};

}  // namespace

uint64_t RunMixedLoad(const std::function<std::shared_ptr<grpc::Channel>()>& new_channel,
                      const std::vector<std::string>& crowds, const MixedLoadOptions& options) {
  fmt::print("{:>8} {:<10} {:>9} {:>7} {:>9} {:>9} {:>9}\n", "seconds", "call", "calls", "errors",
             "p50 us", "p99 us", "MiB");
  Row row;
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  const Clock::time_point start = Clock::now();
  for (uint32_t i = 0; i < options.connections; ++i) {
    threads.emplace_back([&, i] {
      Caller caller(new_channel(), crowds, options, i);
      while (!stop) {
        const Kind kind = caller.NextKind();
        const Clock::time_point before = Clock::now();
        const grpc::Status status = caller.Make(kind);
        row.Add(kind, status,
                std::chrono::duration<double, std::micro>(Clock::now() - before).count());
      }
    });
  }
  uint64_t errors = 0;
  for (double at = 0; at < options.seconds;) {
    at = std::min(options.seconds, at + options.row_seconds);
    std::this_thread::sleep_until(start + std::chrono::duration<double>(at));
    errors += row.Print(at);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  return errors;
}

}  // namespace throng::bench
