#include "benchmarks/grpc_world.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "benchmarks/write_rows.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"

namespace throng::bench {

GrpcWorld::GrpcWorld(const GrpcWorldOptions& options) : options_(options) {
  std::filesystem::remove_all(options_.directory);
  engine_ = Must(engine::Engine::Open(
      {.directory = options_.directory, .query_threads = options_.query_threads}));
  Load();
  MakeCrowds();
  server_ = Must(service::Server::Start("127.0.0.1:0", service::ServiceLimits()));
  server_->Serve(engine_.get());
}

GrpcWorld::~GrpcWorld() {
  server_->Shutdown(std::chrono::seconds(1));
  engine_.reset();
  std::filesystem::remove_all(options_.directory);
}

std::shared_ptr<grpc::Channel> GrpcWorld::NewChannel() const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(64 << 20);
  return grpc::CreateCustomChannel(fmt::format("127.0.0.1:{}", server_->port()),
                                   grpc::InsecureChannelCredentials(), arguments);
}

void GrpcWorld::Load() {
  const engine::CallContext context = engine::CallContext::Internal();
  engine::LoadHeader header{.mode = engine::LoadMode::kUpsert,
                            .unknown_ids = engine::UnknownIds::kCreate};
  for (const index::TagDefinition& tag : WriteTags()) {
    Must(engine_->tags().Create(context, "default", tag, {}));
    header.tags.push_back(tag.name);
  }
  const auto load = Must(engine_->writer().StartLoad(context, header));
  for (uint32_t first = 0; first < options_.users; first += engine::kBatchRowsMax) {
    const uint32_t rows = std::min(engine::kBatchRowsMax, options_.users - first);
    const WriteRows batch(first, rows, options_.seed * 1'000'000 + first);
    Must(load->Write(context, batch.view()));
  }
  Must(load->Finish(context));
}

void GrpcWorld::MakeCrowds() {
  const engine::CallContext context = engine::CallContext::Internal();
  for (uint32_t i = 0; i < options_.crowds; ++i) {
    const std::string name = fmt::format("crowd_{}", i);
    const uint32_t percent = 1 + 49 * i / std::max(1u, options_.crowds - 1);
    const std::string rule = fmt::format("sample({}%, 'crowd {}')", percent, i);
    Must(engine_->crowds().Create(context, {.name = name, .rule = rule, .online = true}, {}));
    crowds_.push_back(name);
  }
  Must(engine_->crowds().Refresh(context, {.names = crowds_}, {}));
}

}  // namespace throng::bench
