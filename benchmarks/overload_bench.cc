// What callers feel of a server that is asked for four times what it can do: throngd on one core,
// this on another.
//
//   overload_bench --users=4000000 --seed=1 --seconds=10 --dir=/var/tmp/throng-overload
//
// Measured are the times of counts when hardly anything is asked, how many counts a second keep the
// core busy (callers that wait for their answers), and then calls at four times that rate.
// To be: those let in take at most three times as long at p99 as unloaded, refusals under 5 ms.
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "benchmarks/flags.h"
#include "benchmarks/grpc_calls.h"
#include "benchmarks/grpc_open_loop.h"
#include "benchmarks/grpc_world.h"
#include "benchmarks/query_texts.h"
#include "fmt/format.h"
#include "tests/e2e/child_process.h"

namespace throng::bench {
namespace {

constexpr uint32_t kConnections = 16;
constexpr uint32_t kBusyCallers = 4;
constexpr double kUnloadedShare = 0.05;

struct Options {
  GrpcWorldOptions world{.users = 4'000'000, .crowds = 0};
  double seconds = 10;
  uint32_t times = 4;  // of what it can do
  int server_core = 0;
  int core = 1;
  std::string server;  // the program
};

Options ParseOptions(int argc, char** argv) {
  Options options;
  GrpcWorldOptions& world = options.world;
  world.directory = "/var/tmp/throng-overload-bench";
  world.users = static_cast<uint32_t>(TakeNumber(&argc, argv, "users", world.users));
  world.seed = TakeNumber(&argc, argv, "seed", world.seed);
  world.directory = TakeText(&argc, argv, "dir").value_or(world.directory);
  options.seconds = static_cast<double>(TakeNumber(&argc, argv, "seconds", 10));
  options.times = static_cast<uint32_t>(TakeNumber(&argc, argv, "times", options.times));
  options.server_core = static_cast<int>(TakeNumber(&argc, argv, "server-core", 0));
  options.core = static_cast<int>(TakeNumber(&argc, argv, "core", 1));
  const std::filesystem::path beside = std::filesystem::path(argv[0]).parent_path() / "throngd";
  options.server = TakeText(&argc, argv, "server").value_or(beside.string());
  if (argc == 1 && world.users > 0) return options;
  fmt::print(stderr,
             "usage: overload_bench [--users=N] [--seed=N] [--seconds=N] [--times=N] [--dir=PATH] "
             "[--server=PROGRAM] [--server-core=N] [--core=N]\n");
  std::exit(2);
}

// This thread and what it starts from now on, processes too.
void StayOn(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(static_cast<size_t>(core), &cores);
  if (sched_setaffinity(0, sizeof(cores), &cores) == 0) return;
  fmt::print(stderr, "there is no core {}\n", core);
  std::exit(1);
}

class OverloadBench {
 public:
  explicit OverloadBench(const Options& options) : options_(options) {
    MakeData();
    StayOn(options_.server_core);
    server_ = std::make_unique<e2e::ChildProcess>(std::vector<std::string>{
        options_.server, "--data-dir", data(), "--listen", "127.0.0.1:0", "--port-file",
        port_file(), "--threads", "1", "--slow-query-ms", "0"});
    StayOn(options_.core);
    Await();
    for (uint32_t i = 0; i < kConnections; ++i) channels_.push_back(NewLoopbackChannel(port_));
    for (const char* text : {kQ2, kQ3, kQ5, kQ7}) {
      requests_.emplace_back().mutable_selection()->set_expression(text);
    }
  }
  ~OverloadBench() {
    channels_.clear();
    server_.reset();
    std::filesystem::remove_all(options_.world.directory);
  }

  void Run() {
    fmt::print("{} users, seed {}, throngd on core {} with one query thread, callers on core {}\n",
               options_.world.users, options_.world.seed, options_.server_core, options_.core);
    const double busy = MeasureBusy();
    fmt::print("{} callers that wait: {:.0f} counts/s\n", kBusyCallers, busy);
    fmt::print("{:<10} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>7} {:>8} {:>8}\n", "",
               "offered/s", "ok/s", "p50 us", "p99 us", "refused/s", "p50 us", "p99 us", "errors",
               "MiB", "after");
    OpenLoopFigures unloaded = Row("unloaded", kUnloadedShare * busy);
    OpenLoopFigures overloaded =
        Row(fmt::format("{} times", options_.times), options_.times * busy);
    fmt::print("accepted p99: {:.2f} times the unloaded (<= 3); refused p99: {:.2f} ms (< 5)\n",
               overloaded.accepted.Quantile(0.99) / unloaded.accepted.Quantile(0.99),
               overloaded.refused.Quantile(0.99) / 1e3);
  }

 private:
  std::string data() const { return options_.world.directory + "/data"; }
  std::string port_file() const { return options_.world.directory + "/port"; }

  void MakeData() {
    std::filesystem::remove_all(options_.world.directory);
    std::filesystem::create_directories(options_.world.directory);
    const auto engine = Must(engine::Engine::Open({.directory = data()}));
    FillEngine(*engine, options_.world);
  }

  void Await() {
    while (port_ == 0) {
      if (server_->Wait(std::chrono::milliseconds(10))) {
        fmt::print(stderr, "throngd has ended: {}\n", server_->error_output());
        std::exit(1);
      }
      std::ifstream(port_file()) >> port_;
    }
    const auto stub = v1::SelectionService::NewStub(NewLoopbackChannel(port_));
    while (true) {  // until it has loaded
      grpc::ClientContext context;
      context.set_wait_for_ready(true);
      v1::CountRequest request;
      request.mutable_selection()->set_expression("all()");
      v1::CountResponse response;
      if (stub->Count(&context, request, &response).ok()) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }

  double MeasureBusy() {
    std::vector<CountCall> calls;
    for (const char* text : {kQ2, kQ3, kQ5, kQ7}) calls.emplace_back(channels_[calls.size()], text);
    std::vector<std::function<void()>> callers;
    for (uint32_t i = 0; i < kBusyCallers; ++i) {
      callers.emplace_back([&calls, next = i]() mutable { calls[next++ % calls.size()](); });
    }
    MeasureThroughput(callers, 1);
    return MeasureThroughput(callers, options_.seconds);
  }

  OpenLoopFigures Row(const std::string& name, double rate) {
    OpenLoopFigures figures = RunOpenLoop(channels_, requests_,
                                          {.rate = rate,
                                           .seconds = options_.seconds,
                                           .warm_up_seconds = 3,
                                           .seed = options_.world.seed});
    const double resident = ResidentMiB();
    std::this_thread::sleep_for(std::chrono::seconds(2));
    const auto a_second = [&](const Latencies& times) {
      return static_cast<double>(times.us.size()) / figures.seconds;
    };
    fmt::print(
        "{:<10} {:>9.0f} {:>9.0f} {:>9.0f} {:>9.0f} {:>9.0f} {:>9.0f} {:>9.0f} {:>7} {:>8.0f} "
        "{:>8.0f}\n",
        name, rate, a_second(figures.accepted), figures.accepted.Quantile(0.5),
        figures.accepted.Quantile(0.99), a_second(figures.refused), figures.refused.Quantile(0.5),
        figures.refused.Quantile(0.99), figures.errors, resident, ResidentMiB());
    std::fflush(stdout);
    return figures;
  }

  double ResidentMiB() const {
    std::ifstream file(fmt::format("/proc/{}/statm", server_->pid()));
    double pages = 0;
    file >> pages >> pages;
    return pages * 4096 / (1 << 20);
  }

  const Options options_;
  std::unique_ptr<e2e::ChildProcess> server_;
  int port_ = 0;
  std::vector<std::shared_ptr<grpc::Channel>> channels_;
  std::vector<v1::CountRequest> requests_;
};

}  // namespace
}  // namespace throng::bench

int main(int argc, char** argv) {
  throng::bench::OverloadBench(throng::bench::ParseOptions(argc, argv)).Run();
  return 0;
}
