// throng ping: whether the server answers, waiting for it if asked to.
#include <algorithm>
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/flag_checks.h"
#include "cli/health_check.h"
#include "cli/json_output.h"
#include "cli/terminal_text.h"
#include "fmt/format.h"
#include "throng/v1/population.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng ping
  throng ping --wait 60s && throng tags list
  throng ping --writes || echo "read-only"
It needs no token. A server that is still loading its data is not ready: with --wait, ping waits
for that too. With --writes, neither is one that refuses writes because its disk is full or
failing.)help";

constexpr absl::Duration kAttempt = absl::Seconds(5);
constexpr absl::Duration kPause = absl::Milliseconds(200);

struct PingFlags {
  std::string wait = "0";
  bool writes = false;
};

// Whoever may not list populations has been answered all the same.
grpc::Status ProbeReads(v1::PopulationService::Stub& stub, absl::Duration limit) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + limit));
  v1::ListPopulationsRequest request;
  request.set_page_size(1);
  v1::ListPopulationsResponse response;
  const grpc::Status status = stub.ListPopulations(&context, request, &response);
  const bool is_stranger = status.error_code() == grpc::StatusCode::UNAUTHENTICATED ||
                           status.error_code() == grpc::StatusCode::PERMISSION_DENIED;
  return is_stranger ? grpc::Status::OK : status;
}

bool IsNotReady(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE ||
         status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
}

int RunPing(absl::Duration wait, bool writes, const GlobalOptions& options) {
  const std::shared_ptr<grpc::Channel> channel = Connect(options);
  const auto stub = v1::PopulationService::NewStub(channel);
  const absl::Time start = absl::Now();
  const absl::Time end = start + wait;
  const absl::Duration limit =
      options.timeout > absl::ZeroDuration() ? std::min(options.timeout, kAttempt) : kAttempt;
  const auto probe = [&] {
    const grpc::Status reads = ProbeReads(*stub, limit);
    if (!reads.ok() || !writes) return reads;
    const grpc::Status health = CheckHealth(channel, "throng.v1.UserService", limit);
    if (!IsNotReady(health)) return health;
    return grpc::Status(health.error_code(), "it refuses writes; its log says why");
  };
  grpc::Status status = probe();
  while (IsNotReady(status) && absl::Now() < end) {
    absl::SleepFor(std::min(kPause, end - absl::Now()));
    status = probe();
  }
  if (!status.ok()) return ReportFailure(status, options);
  const absl::Duration waited = absl::Now() - start;
  if (options.json) {
    Json answer = {{"serving", true},
                   {"server", options.server},
                   {"waited_ms", absl::ToInt64Milliseconds(waited)}};
    if (writes) answer["writes"] = true;
    PrintJson(answer);
  } else {
    fmt::print("{} is serving{} ({})\n", options.server, writes ? " and takes writes" : "",
               DurationText(waited));
  }
  return kExitOk;
}

}  // namespace

void RegisterPingCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* command = app.add_subcommand("ping", "Whether the server answers");
  auto flags = std::make_shared<PingFlags>();
  command->add_flag("--writes", flags->writes, "Whether it accepts writes, too");
  command->add_option("--wait", flags->wait, "Keep trying this long, e.g. 60s; default: try once")
      ->type_name("DURATION")
      ->check(CheckDuration, "");
  command->footer(kExamples);
  command->callback([flags, &options, &exit_code] {
    absl::Duration duration = absl::ZeroDuration();
    if (!absl::ParseDuration(flags->wait, &duration)) duration = absl::ZeroDuration();
    exit_code = RunPing(duration, flags->writes, options);
  });
}

}  // namespace throng::cli
