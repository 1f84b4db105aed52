#include "cli/client.h"

#include <chrono>
#include <cstdio>

#include "absl/time/time.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

// A page of 65,536 tag values or a breakdown of many tags is larger than gRPC's own 4 MiB.
constexpr int kMessageBytesMax = 256 << 20;
constexpr int kMetadataBytesMax = 64 << 10;

}  // namespace

std::shared_ptr<grpc::Channel> Connect(const GlobalOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMessageBytesMax);
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, kMetadataBytesMax);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 500);
  return grpc::CreateCustomChannel(options.server, grpc::InsecureChannelCredentials(), arguments);
}

void SetDeadline(const GlobalOptions& options, grpc::ClientContext& context) {
  if (options.timeout <= absl::ZeroDuration()) return;
  context.set_deadline(absl::ToChronoTime(absl::Now() + options.timeout));
}

void SetStreamDeadline(const GlobalOptions& options, grpc::ClientContext& context) {
  if (options.timeout_given) SetDeadline(options, context);
}

std::string PopulationName(const GlobalOptions& options) {
  return "populations/" + options.population;
}

int ReportFailure(const grpc::Status& status, const GlobalOptions& options,
                  std::string_view expression) {
  (void)options;
  (void)expression;
  fmt::print(stderr, "error: {}\n", status.error_message());
  return kExitFailed;
}

int ReportUsage(std::string_view message, const GlobalOptions& options) {
  (void)options;
  fmt::print(stderr, "error: {}\n", message);
  return kExitUsage;
}

}  // namespace throng::cli
