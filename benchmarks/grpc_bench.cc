// What gRPC adds, on loopback, with the empty call measured beside each in the same run.
//
//   grpc_bench --users=1000000 --seed=1 --dir=/var/tmp/throng-grpc --seconds=2
//
// docs/performance.md has the figures and what they are to be.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "benchmarks/flags.h"
#include "benchmarks/grpc_calls.h"
#include "benchmarks/grpc_world.h"
#include "benchmarks/query_texts.h"
#include "benchmarks/write_rows.h"
#include "fmt/format.h"

namespace throng::bench {
namespace {

constexpr uint32_t kConnections = 8;
constexpr uint32_t kBatchUsers = 10'000;

struct Options {
  GrpcWorldOptions world{.directory = "/var/tmp/throng-grpc-bench"};
  double seconds = 2;  // of each measurement
};

Options ParseOptions(int argc, char** argv) {
  Options options;
  GrpcWorldOptions& world = options.world;
  world.users = static_cast<uint32_t>(TakeNumber(&argc, argv, "users", world.users));
  world.seed = TakeNumber(&argc, argv, "seed", world.seed);
  world.query_threads =
      static_cast<uint32_t>(TakeNumber(&argc, argv, "threads", world.query_threads));
  world.crowds = static_cast<uint32_t>(TakeNumber(&argc, argv, "crowds", world.crowds));
  world.directory = TakeText(&argc, argv, "dir").value_or(world.directory);
  options.seconds = static_cast<double>(TakeNumber(&argc, argv, "seconds", 2));
  if (argc == 1 && world.users > 0) return options;
  fmt::print(stderr,
             "usage: grpc_bench [--users=N] [--seed=N] [--threads=N] [--crowds=N] [--dir=PATH] "
             "[--seconds=N]\n");
  std::exit(2);
}

class GrpcBench {
 public:
  explicit GrpcBench(const Options& options)
      : options_(options), world_(options.world), channel_(world_.NewChannel()) {}

  void Run() {
    fmt::print("{} users, seed {}, {} crowds\n", options_.world.users, options_.world.seed,
               options_.world.crowds);
    Counts();
    Checks();
    Throughput();
    Streams();
    Batches();
    fmt::print("export of all ids                 {:>10.0f} MB/s\n", MeasureExport(channel_));
  }

 private:
  const engine::CallContext& context() const { return context_; }

  void Counts() {
    fmt::print("{:<10} {:>10} {:>10} {:>10} {:>26}\n", "p50, us", "engine", "empty", "call",
               "(call - empty) / engine");
    const std::pair<const char*, const char*> queries[] = {
        {"Q1", kQ1}, {"Q2", kQ2}, {"Q3", kQ3}, {"Q5", kQ5}, {"Q7", kQ7}};
    for (const auto& [name, text] : queries) {
      const EmptyCall empty(channel_);
      const CountCall count(channel_, text);
      const engine::Selection selection{.what = std::string(text)};
      std::vector<Latencies> times =
          MeasureInTurn({[&] { Must(world_.engine().selections().Count(context(), selection)); },
                         [&] { empty(); }, [&] { count(); }},
                        options_.seconds);
      const double engine = times[0].Quantile(0.5);
      const double idle = times[1].Quantile(0.5);
      const double call = times[2].Quantile(0.5);
      fmt::print("count {:<4} {:>10.1f} {:>10.1f} {:>10.1f} {:>20.2f} <= 1.3\n", name, engine, idle,
                 call, (call - idle) / engine);
      std::fflush(stdout);
    }
  }

  CheckCall NewCheck(uint64_t seed) {
    return CheckCall(world_.NewChannel(), world_.crowds(), options_.world.users, seed);
  }

  void Checks() {
    const EmptyCall empty(channel_);
    CheckCall check(channel_, world_.crowds(), options_.world.users, 1);
    std::vector<Latencies> times =
        MeasureInTurn({[&] { empty(); }, [&] { check(); }}, options_.seconds);
    for (const double share : {0.5, 0.99}) {
      const double idle = times[0].Quantile(share);
      const double call = times[1].Quantile(share);
      fmt::print("check, p{:<2.0f} {:>21.1f} {:>10.1f} {:>19.2f}x{}\n", share * 100, idle, call,
                 call / idle, share == 0.5 ? " <= 1.3" : "");
    }
    std::fflush(stdout);
  }

  void Throughput() {
    std::vector<EmptyCall> empty;
    std::vector<CheckCall> checks;
    for (uint32_t i = 0; i < kConnections; ++i) {
      empty.emplace_back(world_.NewChannel());
      checks.push_back(NewCheck(i));
    }
    std::vector<std::function<void()>> of_empty(empty.begin(), empty.end());
    std::vector<std::function<void()>> of_checks;
    for (CheckCall& check : checks) of_checks.emplace_back([&check] { check(); });
    // Twice in turn: what else the machine does falls on both.
    double rates[2] = {0, 0};
    for (int round = 0; round < 2; ++round) {
      rates[0] += MeasureThroughput(of_empty, options_.seconds / 2) / 2;
      rates[1] += MeasureThroughput(of_checks, options_.seconds / 2) / 2;
    }
    fmt::print("calls/s of {} connections: empty {:.0f}, check {:.0f}, {:.2f}x >= 0.8\n",
               kConnections, rates[0], rates[1], rates[1] / rates[0]);
    std::fflush(stdout);
  }

  void Streams() {
    for (const uint32_t connections : {1u, kConnections}) {
      std::vector<std::shared_ptr<grpc::Channel>> channels;
      for (uint32_t i = 0; i < connections; ++i) channels.push_back(world_.NewChannel());
      for (const uint32_t checks : {1u, 16u, 256u}) {
        const StreamFigures figures = MeasureStreams(
            channels, world_.crowds(), options_.world.users, checks, options_.seconds);
        fmt::print("streams: {}, checks a message: {:>3}  {:>10.0f} answers/s, {:.1f} a message\n",
                   connections, checks, figures.answers_per_second, figures.answers_per_message);
        std::fflush(stdout);
      }
    }
  }

  void Batches() {
    std::vector<std::string> ids;
    uint64_t random = options_.world.seed;
    for (uint32_t i = 0; i < kBatchUsers; ++i) {
      random = random * 6364136223846793005ULL + 1442695040888963407ULL;
      ids.push_back(
          fmt::format("{}", WriteId(static_cast<uint32_t>((random >> 33) % options_.world.users))));
    }
    const std::vector<std::string_view> views(ids.begin(), ids.end());
    const auto stub = v1::MembershipService::NewStub(channel_);
    v1::BatchCheckRequest request;
    request.mutable_crowd()->set_crowd(world_.crowds().back());
    for (const std::string& id : ids) request.add_ids(id);
    const auto in_engine = [&] {
      Must(world_.engine().memberships().BatchCheck(
          context(), {.crowd = {world_.crowds().back()}, .ids = views}));
    };
    const auto by_call = [&] {
      grpc::ClientContext call;
      v1::BatchCheckResponse response;
      MustBeOk(stub->BatchCheck(&call, request, &response));
    };
    std::vector<Latencies> times = MeasureInTurn({in_engine, by_call}, options_.seconds);
    fmt::print("batch of {} users, p50: engine {:.0f} us (p99 {:.0f} us < 5000), call {:.0f} us\n",
               kBatchUsers, times[0].Quantile(0.5), times[0].Quantile(0.99),
               times[1].Quantile(0.5));
  }

  const Options options_;
  const engine::CallContext context_ = engine::CallContext::Internal();
  GrpcWorld world_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace
}  // namespace throng::bench

int main(int argc, char** argv) {
  throng::bench::GrpcBench(throng::bench::ParseOptions(argc, argv)).Run();
  return 0;
}
