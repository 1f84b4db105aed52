#include "cli/client.h"

#include <chrono>
#include <cstdio>

#include "CLI/CLI.hpp"
#include "absl/time/time.h"
#include "cli/connection.h"
#include "cli/error_output.h"
#include "cli/json_output.h"
#include "cli/terminal_text.h"
#include "fmt/format.h"
#include "google/protobuf/io/coded_stream.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/proto_buffer_writer.h"

namespace throng::cli {
namespace {

// A page of 65,536 tag values or a breakdown of many tags is larger than gRPC's own 4 MiB.
constexpr int kMessageBytesMax = 256 << 20;
constexpr int kMetadataBytesMax = 64 << 10;
constexpr int kMessageDepthMax = 256;
constexpr int kWriteBlockBytes = 1 << 20;

}  // namespace

grpc::ChannelArguments ChannelArguments() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMessageBytesMax);
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, kMetadataBytesMax);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  // How long an attempt may take as well: a busy machine needs more than the pause between two.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 500);
  return arguments;
}

std::shared_ptr<grpc::Channel> Connect(const GlobalOptions& options) {
  if (options.channel != nullptr) return options.channel;
  const absl::StatusOr<ConnectionSecrets> secrets = ReadSecrets(options);
  // Wrong usage, which is reported where it is caught: RunCli.
  if (!secrets.ok()) throw CLI::ValidationError(std::string(secrets.status().message()));
  return MakeChannel(options.server, *secrets, ChannelArguments());
}

void SetDeadline(const GlobalOptions& options, grpc::ClientContext& context) {
  if (options.timeout <= absl::ZeroDuration()) return;
  context.set_deadline(absl::ToChronoTime(absl::Now() + options.timeout));
}

void SetStreamDeadline(const GlobalOptions& options, grpc::ClientContext& context) {
  if (options.timeout_given) SetDeadline(options, context);
}

grpc::Status CallDeep(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                      grpc::ClientContext& context, const google::protobuf::Message& request,
                      google::protobuf::Message* response) {
  grpc::ByteBuffer sent;
  {
    grpc::ProtoBufferWriter writer(&sent, kWriteBlockBytes,
                                   static_cast<int>(request.ByteSizeLong()));
    if (!request.SerializeToZeroCopyStream(&writer)) {
      return grpc::Status(grpc::StatusCode::INTERNAL, "the request cannot be encoded");
    }
  }
  grpc::Status status;
  grpc::CompletionQueue queue;
  const auto call = grpc::GenericStub(channel).PrepareUnaryCall(&context, method, sent, &queue);
  call->StartCall();
  grpc::ByteBuffer received;
  call->Finish(&received, &status, nullptr);
  void* tag = nullptr;
  bool done = false;
  queue.Next(&tag, &done);
  if (!status.ok()) return status;
  grpc::ProtoBufferReader reader(&received);
  google::protobuf::io::CodedInputStream coded(&reader);
  coded.SetRecursionLimit(kMessageDepthMax);
  if (response->ParseFromCodedStream(&coded) && coded.ConsumedEntireMessage())
    return grpc::Status::OK;
  return grpc::Status(grpc::StatusCode::INTERNAL, "the server's answer cannot be read");
}

std::string PopulationName(const GlobalOptions& options) {
  return "populations/" + options.population;
}

int ReportFailure(const grpc::Status& status, const GlobalOptions& options,
                  std::string_view expression) {
  if (options.json) {
    PrintJson(FailureJson(status, options.server));
  } else {
    fmt::print(stderr, "{}", RenderFailure(status, options.server, expression));
  }
  return kExitFailed;
}

int ReportFailure(const absl::Status& status, const GlobalOptions& options) {
  // The codes of both are the same numbers.
  return ReportFailure(grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                                    std::string(status.message().data(), status.message().size())),
                       options);
}

int ReportUsage(std::string_view message, const GlobalOptions& options) {
  if (options.json) {
    PrintJson(UsageJson(message));
  } else {
    fmt::print(stderr, "error: {}\n", PrintableLines(message));
  }
  return kExitUsage;
}

int ReportUsage(const absl::Status& status, const GlobalOptions& options) {
  return ReportUsage(std::string_view(status.message().data(), status.message().size()), options);
}

}  // namespace throng::cli
