#include "benchmarks/grpc_world.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "benchmarks/write_rows.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"

namespace throng::bench {
namespace {

const engine::CallContext kContext = engine::CallContext::Internal();

void Load(engine::Engine& engine, const GrpcWorldOptions& options) {
  engine::LoadHeader header{.mode = engine::LoadMode::kUpsert,
                            .unknown_ids = engine::UnknownIds::kCreate};
  for (const index::TagDefinition& tag : WriteTags()) {
    Must(engine.tags().Create(kContext, "default", tag, {}));
    header.tags.push_back(tag.name);
  }
  const auto load = Must(engine.writer().StartLoad(kContext, header));
  for (uint32_t first = 0; first < options.users; first += engine::kBatchRowsMax) {
    const uint32_t rows = std::min(engine::kBatchRowsMax, options.users - first);
    const WriteRows batch(first, rows, options.seed * 1'000'000 + first);
    Must(load->Write(kContext, batch.view()));
  }
  Must(load->Finish(kContext));
}

std::vector<std::string> MakeCrowds(engine::Engine& engine, uint32_t count) {
  std::vector<std::string> crowds;
  for (uint32_t i = 0; i < count; ++i) {
    const std::string name = fmt::format("crowd_{}", i);
    const uint32_t percent = 1 + 49 * i / std::max(1u, count - 1);
    const std::string rule = fmt::format("sample({}%, 'crowd {}')", percent, i);
    Must(engine.crowds().Create(kContext, {.name = name, .rule = rule, .online = true}, {}));
    crowds.push_back(name);
  }
  if (count > 0) Must(engine.crowds().Refresh(kContext, {.names = crowds}, {}));
  return crowds;
}

}  // namespace

std::vector<std::string> FillEngine(engine::Engine& engine, const GrpcWorldOptions& options) {
  Load(engine, options);
  return MakeCrowds(engine, options.crowds);
}

std::shared_ptr<grpc::Channel> NewLoopbackChannel(
    int port, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(64 << 20);
  return grpc::CreateCustomChannel(
      fmt::format("127.0.0.1:{}", port),
      credentials == nullptr ? grpc::InsecureChannelCredentials() : credentials, arguments);
}

GrpcWorld::GrpcWorld(const GrpcWorldOptions& options) : options_(options) {
  std::filesystem::remove_all(options_.directory);
  engine_ = Must(engine::Engine::Open(
      {.directory = options_.directory, .query_threads = options_.query_threads}));
  crowds_ = FillEngine(*engine_, options_);
  server_ = Must(service::Server::Start("127.0.0.1:0", service::ServiceLimits()));
  server_->Serve(engine_.get());
}

GrpcWorld::~GrpcWorld() {
  server_->Shutdown(std::chrono::seconds(1));
  engine_.reset();
  std::filesystem::remove_all(options_.directory);
}

std::shared_ptr<grpc::Channel> GrpcWorld::NewChannel() const {
  return NewLoopbackChannel(server_->port());
}

}  // namespace throng::bench
