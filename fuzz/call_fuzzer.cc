// Sends calls to a whole server in this process, by any method, with any messages: a small
// population with every type of tag, a declared type of ids, crowds and a split. Nothing may crash,
// hang or answer that the server is at fault. Inputs: fuzz/message_input.h, the name is the
// method's.
//
// The server is a new one after some thousands of calls, as inputs write.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/message_input.h"
#include "fuzz/require.h"
#include "google/protobuf/descriptor.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "server/engine/engine.h"
#include "server/service/server.h"
#include "server/service/service_limits.h"
#include "tests/testing/temporary_directory.h"

namespace {

using google::protobuf::Descriptor;
using google::protobuf::MethodDescriptor;
using throng::fuzz::MessageInput;
using throng::fuzz::Require;

constexpr int kCallsMax = 5'000;  // of one server

// A tag of each type; users 1 to 8, u1 and u2.
constexpr std::string_view kSetUp[] = {
    "TagService/CreateTag\nparent: 'populations/default' tag_id: 'city' tag { type: "
    "TAG_TYPE_CATEGORY }",
    "TagService/CreateTag\nparent: 'populations/default' tag_id: 'likes' tag { type: "
    "TAG_TYPE_LABELS }",
    "TagService/CreateTag\nparent: 'populations/default' tag_id: 'rent' tag { type: "
    "TAG_TYPE_DECIMAL scale: 2 }",
    "TagService/CreateTag\nparent: 'populations/default' tag_id: 'views' tag { type: "
    "TAG_TYPE_INTEGER }",
    "TagService/CreateTag\nparent: 'populations/default' tag_id: 'born' tag { type: TAG_TYPE_DATE "
    "}",
    "TagService/CreateTag\nparent: 'populations/default' tag_id: 'seen' tag { type: "
    "TAG_TYPE_DATE_TIME }",
    "TagService/CreateTag\nparent: 'populations/default' tag_id: 'graduate' tag { type: "
    "TAG_TYPE_FLAG }",
    R"(UserService/Load
header {
  mode: LOAD_MODE_UPSERT unknown_ids: UNKNOWN_IDS_CREATE
  tags: 'city' tags: 'likes' tags: 'rent' tags: 'views' tags: 'born' tags: 'seen' tags: 'graduate'
}
---
batch {
  batch_number: 1
  ids { numbers { values: [1, 2, 3, 4, 5, 6, 7, 8] } }
  columns {
    tag: 'city' categories { values: 'Paris' values: 'Rome' codes: [0, 1, 0, 1, 1, 1, 0, 0] }
  }
  columns {
    tag: 'likes'
    labels { values: 'a' values: 'b' codes: [0, 0, 1, 1] ends: [1, 1, 3, 4, 4, 4, 4, 4] }
  }
  columns { tag: 'rent' integers { values: [100, 200, 300, 400, 500, 600, 700, 800] } }
  columns { tag: 'views' integers { values: [1, 2, 3, 4, 5, -6, 0, 8] } }
  columns { tag: 'born' integers { values: [0, 1, 10000, 20000, -400, 5, 6, 7] } }
  columns { tag: 'seen' integers { values: [0, 1, 2, 1700000000000000, 4, 5, 6, 7] } }
  columns { tag: 'graduate' flags: '\217' }
})",
    "UserService/WriteUsers\nunknown_ids: UNKNOWN_IDS_CREATE users { id: 'u1' } users { id: 'u2' }",
    "PopulationService/CreateIdType\nparent: 'populations/default' id_type_id: 'phone' "
    "id_type { normalizers: ID_NORMALIZER_PHONE_DIGITS }",
    "UserService/LinkIds\nunknown_ids: UNKNOWN_IDS_ERROR "
    "entries { id: 'u1' ids { id_type: 'phone' id: '+86 138' } }",
    "CrowdService/CreateCrowd\nparent: 'populations/default' crowd_id: 'vip' "
    "crowd { kind: CROWD_KIND_RULE expression: 'rent > 3' online: true }",
    "CrowdService/CreateCrowd\nparent: 'populations/default' crowd_id: 'spring' "
    "crowd { kind: CROWD_KIND_RULE expression: \"crowd('vip') and city = 'Paris'\" }",
    "CrowdService/BatchRefreshCrowds\nparent: 'populations/default' "
    "names: 'populations/default/crowds/vip' names: 'populations/default/crowds/spring'",
    "SplitService/CreateSplit\nparent: 'populations/default' split_id: 'ab' split { "
    "source: 'vip' arms { name: 'a' weight: 1 } arms { name: 'b' "
    "weight: 1 } }",
    "UploadService/UploadIds\nheader { crowd: 'populations/default/crowds/list' "
    "mode: UPLOAD_MODE_REPLACE create { owner: 'me' } keep_unknown: true }\n---\n"
    "ids { texts { data: 'u1x9' ends: 2 ends: 4 } }\n---\nend { id_count: 2 }",
};

std::vector<const MethodDescriptor*> AllMethods() {
  std::vector<const MethodDescriptor*> methods;
  for (const char* name : throng::service::ServiceNames()) {
    const auto* service =
        google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name);
    Require(service != nullptr, "a service without a description", name);
    for (int i = 0; i < service->method_count(); ++i) methods.push_back(service->method(i));
  }
  return methods;
}

// The method that the name says, or any for a name that says none.
const MethodDescriptor* MethodOf(std::string_view name) {
  static const auto* methods = new std::vector<const MethodDescriptor*>(AllMethods());
  for (const MethodDescriptor* method : *methods) {
    if (method->service()->name() + "/" + method->name() == name) return method;
  }
  return (*methods)[std::hash<std::string_view>()(name) % methods->size()];
}

grpc::ByteBuffer BytesOf(std::string_view body, const Descriptor* type) {
  std::string bytes;
  const std::unique_ptr<google::protobuf::Message> message(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
  if (throng::fuzz::ParseMessage(body, message.get())) {
    bytes = message->SerializeAsString();
  } else {
    bytes = body.substr(0, 1) == std::string_view("\0", 1) ? body.substr(1) : body;
  }
  const grpc::Slice slice(bytes);
  return {&slice, 1};
}

// One call, which reads all the time: a server waits for who does not.
class Stream {
 public:
  Stream(grpc::GenericStub& stub, grpc::ClientContext* context, const std::string& path)
      : call_(stub.PrepareCall(context, path, &queue_)) {
    call_->StartCall(this);
    is_reading_ = Await();
    if (is_reading_) call_->Read(&answer_, &answer_);
  }

  // False when the call is over.
  bool Write(const grpc::ByteBuffer& bytes) {
    call_->Write(bytes, this);
    return Await();
  }

  grpc::Status Finish() {
    call_->WritesDone(this);
    Await();
    while (is_reading_) Next();
    grpc::Status status;
    call_->Finish(&status, this);
    Await();
    return status;
  }

 private:
  // The next thing that has ended, of which reads are begun anew: its tag, and whether it was done.
  std::pair<void*, bool> Next() {
    void* tag = nullptr;
    bool is_ok = false;
    queue_.Next(&tag, &is_ok);
    if (tag == &answer_) {
      is_reading_ = is_ok;
      if (is_ok) call_->Read(&answer_, &answer_);
    }
    return {tag, is_ok};
  }
  bool Await() {
    while (true) {
      const auto [tag, is_ok] = Next();
      if (tag == this) return is_ok;
    }
  }

  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  grpc::ByteBuffer answer_;
  bool is_reading_ = false;
};

class FuzzedServer {
 public:
  FuzzedServer() {
    auto engine = throng::engine::Engine::Open({.directory = directory_.File("data"),
                                                .sync = false,
                                                .backup_directory = directory_.File("backups"),
                                                .package_directory = directory_.File("packages"),
                                                .query_threads = 1,
                                                .packages_max = 20});
    Require(engine.ok(), "no engine", engine.status().ToString());
    engine_ = *std::move(engine);
    auto server = throng::service::Server::StartInProcess(throng::service::ServiceLimits());
    Require(server.ok(), "no server", server.status().ToString());
    server_ = *std::move(server);
    server_->Serve(engine_.get());
    channel_ = server_->InProcessChannel(grpc::ChannelArguments());
    for (const std::string_view call : kSetUp) {
      const grpc::Status status = Call(throng::fuzz::SplitInput(call));
      Require(status.ok(), "the population cannot be set up", status.error_message());
    }
  }
  ~FuzzedServer() {
    channel_.reset();
    server_.reset();
    engine_.reset();
  }
  FuzzedServer(const FuzzedServer&) = delete;
  FuzzedServer& operator=(const FuzzedServer&) = delete;

  grpc::Status Call(const MessageInput& input) {
    ++calls_;
    const MethodDescriptor* method = MethodOf(input.name);
    const std::string path = "/" + method->service()->full_name() + "/" + method->name();
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    grpc::GenericStub stub(channel_);
    Stream stream(stub, &context, path);
    const size_t count = method->client_streaming() ? input.bodies.size() : 1;
    bool goes_on = true;
    for (size_t i = 0; goes_on && i < count; ++i) {
      goes_on = stream.Write(BytesOf(input.bodies[i], method->input_type()));
    }
    return stream.Finish();
  }

  int calls() const { return calls_; }

 private:
  const throng::testing::TemporaryDirectory directory_;
  std::unique_ptr<throng::engine::Engine> engine_;
  std::unique_ptr<throng::service::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  int calls_ = 0;
};

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t size_max,
                                          unsigned seed) {
  const MessageInput input = throng::fuzz::SplitInput({reinterpret_cast<const char*>(data), size});
  const Descriptor* type = MethodOf(input.name)->input_type();
  return throng::fuzz::MutateInput(data, size, size_max, seed, type);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto* server = new std::unique_ptr<FuzzedServer>();
  if (*server == nullptr || (*server)->calls() > kCallsMax) {
    server->reset();
    *server = std::make_unique<FuzzedServer>();
  }
  const grpc::Status status =
      (*server)->Call(throng::fuzz::SplitInput({reinterpret_cast<const char*>(data), size}));
  Require(status.error_code() != grpc::StatusCode::INTERNAL &&
              status.error_code() != grpc::StatusCode::UNKNOWN &&
              status.error_code() != grpc::StatusCode::DATA_LOSS,
          "the server is at fault", status.error_message());
  return 0;
}
