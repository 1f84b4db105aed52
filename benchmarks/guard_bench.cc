// What protection costs: TLS, the access file, the audit log and metrics all on, beside the same
// calls with all off, in turn in one run.
//
//   guard_bench --users=1000000 --seed=1 --seconds=5 --dir=/var/tmp/throng-guard
//   guard_bench --mixed-seconds=600 ...    // 64 connections of everything, all on
//
// To be: at most 1.25 times; of the mixed load no error, and times and memory that do not grow.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/flags.h"
#include "benchmarks/grpc_calls.h"
#include "benchmarks/grpc_mixed_load.h"
#include "benchmarks/grpc_world.h"
#include "benchmarks/query_texts.h"
#include "fmt/format.h"
#include "grpcpp/security/credentials.h"
#include "server/access/access_control.h"
#include "server/access/audit_log.h"
#include "server/access/token.h"
#include "server/engine/engine.h"
#include "server/service/metrics_endpoint.h"
#include "server/service/server.h"
#include "server/service/server_tls.h"
#include "tests/testing/certificates.h"

namespace throng::bench {
namespace {

constexpr const char* kToken = "throng_of_the_benchmark";

struct Options {
  GrpcWorldOptions world;
  double seconds = 5;
  double mixed_seconds = 0;
  double row_seconds = 60;
  uint32_t connections = 64;
};

Options ParseOptions(int argc, char** argv) {
  Options options;
  GrpcWorldOptions& world = options.world;
  world.directory = "/var/tmp/throng-guard-bench";
  world.users = static_cast<uint32_t>(TakeNumber(&argc, argv, "users", world.users));
  world.seed = TakeNumber(&argc, argv, "seed", world.seed);
  world.crowds = static_cast<uint32_t>(TakeNumber(&argc, argv, "crowds", world.crowds));
  world.directory = TakeText(&argc, argv, "dir").value_or(world.directory);
  options.seconds = static_cast<double>(TakeNumber(&argc, argv, "seconds", 5));
  options.mixed_seconds = static_cast<double>(TakeNumber(&argc, argv, "mixed-seconds", 0));
  options.row_seconds = static_cast<double>(TakeNumber(&argc, argv, "row-seconds", 60));
  options.connections = static_cast<uint32_t>(TakeNumber(&argc, argv, "connections", 64));
  if (argc == 1 && world.users > 0 && options.row_seconds > 0) return options;
  fmt::print(stderr,
             "usage: guard_bench [--users=N] [--seed=N] [--crowds=N] [--dir=PATH] [--seconds=N]\n"
             "                   [--mixed-seconds=N [--row-seconds=N] [--connections=N]]\n");
  std::exit(2);
}

class GuardBench {
 public:
  explicit GuardBench(const Options& options) : options_(options) {
    const std::string& directory = options_.world.directory;
    std::filesystem::remove_all(directory);
    std::filesystem::create_directories(directory);
    engine_ = Must(engine::Engine::Open({.directory = directory + "/data"}));
    crowds_ = FillEngine(*engine_, options_.world);
    StartGuarded(directory);
    open_ = Must(service::Server::Start("127.0.0.1:0", service::ServiceLimits()));
    open_->Serve(engine_.get());
  }
  ~GuardBench() {
    metrics_.reset();
    guarded_.reset();
    open_.reset();
    engine_.reset();
    std::filesystem::remove_all(options_.world.directory);
  }

  void SideBySide() {
    fmt::print("{} users, seed {}, {} crowds\n", options_.world.users, options_.world.seed,
               options_.world.crowds);
    fmt::print("{:<12} {:>10} {:>10} {:>10} {:>10} {:>10}\n", "us", "off p50", "on p50", "on/off",
               "off p99", "on p99");
    const auto open = NewLoopbackChannel(open_->port());
    const auto guarded = NewGuardedChannel();
    const std::pair<const char*, const char*> queries[] = {
        {"count Q1", kQ1}, {"count Q2", kQ2}, {"count Q5", kQ5}};
    for (const auto& [name, text] : queries) {
      Print(name, InTurn(CountCall(open, text), CountCall(guarded, text)));
    }
    Print("check", InTurn(NewCheck(open), NewCheck(guarded)));
  }

  bool Mixed() {
    fmt::print("{} users, seed {}, {} connections, all on\n", options_.world.users,
               options_.world.seed, options_.connections);
    return RunMixedLoad([this] { return NewGuardedChannel(); }, crowds_,
                        {.connections = options_.connections,
                         .seconds = options_.mixed_seconds,
                         .row_seconds = options_.row_seconds,
                         .users = options_.world.users,
                         .seed = options_.world.seed}) == 0;
  }

 private:
  template <typename Call>
  std::vector<Latencies> InTurn(Call off, Call on) {
    return MeasureInTurn({[&] { off(); }, [&] { on(); }}, options_.seconds);
  }

  void Print(const char* name, std::vector<Latencies> times) {
    const double off = times[0].Quantile(0.5);
    const double on = times[1].Quantile(0.5);
    fmt::print("{:<12} {:>10.1f} {:>10.1f} {:>9.2f}x {:>10.1f} {:>10.1f}  <= 1.25x\n", name, off,
               on, on / off, times[0].Quantile(0.99), times[1].Quantile(0.99));
    std::fflush(stdout);
  }

  CheckCall NewCheck(const std::shared_ptr<grpc::Channel>& channel) {
    return CheckCall(channel, crowds_, options_.world.users, options_.world.seed);
  }

  void StartGuarded(const std::string& directory) {
    const std::string access_file = directory + "/access.toml";
    std::ofstream(access_file) << fmt::format(
        "[[principal]]\nname = \"bench\"\ntoken_sha256 = \"{}\"\n"
        "[[principal.grant]]\npopulation = \"*\"\nroles = [\"admin\"]\nsensitivity = 9\n",
        access::DigestToHex(access::DigestOf(kToken)));
    access_ = Must(access::AccessControl::Open(access_file));
    audit_ = Must(access::AuditLog::Open({.path = directory + "/audit"}));
    testing::Certificates made(directory);
    const testing::CertificateFiles files = made.Issue("server", "/CN=localhost");
    authority_ = testing::ReadTestFile(made.ca());
    tls_ = Must(service::ServerTls::Open({.certificate = files.certificate, .key = files.key},
                                         service::ClientCertificates::kNone));
    guarded_ =
        Must(service::Server::Start("127.0.0.1:0", service::ServiceLimits(), &calls_,
                                    {.guards = {.access = access_.get(), .audit = audit_.get()},
                                     .credentials = tls_->NewCredentials()}));
    guarded_->Serve(engine_.get());
    metrics_ = Must(service::MetricsEndpoint::Start("127.0.0.1:0", guarded_->gate(), calls_,
                                                    guarded_->load_metrics()));
  }

  std::shared_ptr<grpc::Channel> NewGuardedChannel() const {
    return NewLoopbackChannel(
        guarded_->port(),
        grpc::CompositeChannelCredentials(grpc::SslCredentials({.pem_root_certs = authority_}),
                                          grpc::AccessTokenCredentials(kToken)));
  }

  const Options options_;
  std::unique_ptr<engine::Engine> engine_;
  std::vector<std::string> crowds_;
  std::unique_ptr<access::AccessControl> access_;
  std::unique_ptr<access::AuditLog> audit_;
  std::string authority_;  // PEM
  std::unique_ptr<service::ServerTls> tls_;
  service::CallMetrics calls_{service::ServiceNames()};
  std::unique_ptr<service::Server> guarded_;
  std::unique_ptr<service::Server> open_;
  std::unique_ptr<service::MetricsEndpoint> metrics_;
};

}  // namespace
}  // namespace throng::bench

int main(int argc, char** argv) {
  const throng::bench::Options options = throng::bench::ParseOptions(argc, argv);
  throng::bench::GuardBench bench(options);
  if (options.mixed_seconds > 0) return bench.Mixed() ? 0 : 1;
  bench.SideBySide();
  return 0;
}
