#include "tests/service/guarded_fixture.h"

#include <fstream>
#include <utility>

#include "fmt/format.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/security/credentials.h"
#include "server/access/token.h"
#include "throng/v1/error.pb.h"

namespace throng::service {
namespace {

constexpr int kUsers = 100;

// Waits for the operation just started; whether it succeeded.
bool Next(grpc::CompletionQueue& queue) {
  void* tag = nullptr;
  bool ok = false;
  return queue.Next(&tag, &ok) && ok;
}

void* Tag() { return nullptr; }

void MakeTag(engine::Engine& engine, const std::string& name, index::TagType type,
             int sensitivity) {
  index::TagDefinition tag;
  tag.name = name;
  tag.type = type;
  tag.sensitivity = sensitivity;
  const auto made = engine.tags().Create(engine::CallContext::Internal(), "default", tag, {});
  ASSERT_TRUE(made.ok()) << made.status();
}

}  // namespace

void GuardedServerTest::Allow(const std::string& name, const std::vector<Allowed>& grants,
                              const std::string& more) {
  access_text_ += fmt::format("[[principal]]\nname = \"{}\"\ntoken_sha256 = \"{}\"\n{}\n", name,
                              access::DigestToHex(access::DigestOf(TokenOf(name))), more);
  for (const Allowed& grant : grants) {
    access_text_ += fmt::format(
        "[[principal.grant]]\npopulation = \"{}\"\nroles = [\"{}\"]\nsensitivity = {}\n"
        "minimum_count = {}\n",
        grant.population, grant.role, grant.sensitivity, grant.minimum_count);
  }
}

void GuardedServerTest::WriteAccess() {
  const std::string path = directory_.File("access.toml");
  std::ofstream(path + ".new") << access_text_;
  ASSERT_EQ(std::rename((path + ".new").c_str(), path.c_str()), 0);
}

void GuardedServerTest::Start() {
  WriteAccess();
  auto control = access::AccessControl::Open(directory_.File("access.toml"));
  ASSERT_TRUE(control.ok()) << control.status();
  access_ = *std::move(control);
  if (!audit_path_.empty()) {
    auto audit = access::AuditLog::Open({.path = audit_path_});
    ASSERT_TRUE(audit.ok()) << audit.status();
    audit_ = *std::move(audit);
  }
  auto engine = engine::Engine::Open({.directory = directory_.File("data"),
                                      .package_directory = directory_.File("packages"),
                                      .query_threads = 1});
  ASSERT_TRUE(engine.ok()) << engine.status();
  engine_ = *std::move(engine);
  const auto internal = engine::CallContext::Internal();
  ASSERT_TRUE(engine_->populations().Create(internal, {.name = "other"}, "").ok());
  MakeTag(*engine_, "city", index::TagType::kCategory, 0);
  MakeTag(*engine_, "income", index::TagType::kInteger, 5);
  engine::WriteUsersRequest write{.population = "default",
                                  .unknown_ids = engine::UnknownIds::kCreate};
  for (int i = 0; i < kUsers; ++i) {
    engine::UserChange user;
    user.id = std::to_string(i);
    const query::Value city{.literal = std::string(i % 2 == 0 ? "a" : "b")};
    const query::Value income{.literal = query::DecimalLiteral{.units = i}};
    user.changes.push_back({.tag = "city", .change = engine::SetValue{city}});
    user.changes.push_back({.tag = "income", .change = engine::SetValue{income}});
    write.users.push_back(std::move(user));
  }
  const auto written = engine_->writer().WriteUsers(internal, write);
  ASSERT_TRUE(written.ok()) << written.status();
  protection_.guards = {.access = access_.get(), .audit = audit_.get()};
  auto server = Server::Start("127.0.0.1:0", limits_, nullptr, protection_);
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  server_->Serve(engine_.get());
  channel_ = grpc::CreateChannel(fmt::format("127.0.0.1:{}", server_->port()),
                                 grpc::InsecureChannelCredentials());
}

void GuardedServerTest::Stop() {
  server_.reset();
  engine_.reset();
  audit_.reset();
  access_.reset();
}

grpc::Status GuardedServerTest::Call(const std::string& name, const std::string& method,
                                     const google::protobuf::Message& request,
                                     google::protobuf::Message* response) const {
  return CallWith(name.empty() ? "" : "Bearer " + TokenOf(name), method, request, response);
}

grpc::Status GuardedServerTest::CallWith(const std::string& authorization,
                                         const std::string& method,
                                         const google::protobuf::Message& request,
                                         google::protobuf::Message* response) const {
  grpc::ClientContext context;
  if (!authorization.empty()) context.AddMetadata("authorization", authorization);
  grpc::CompletionQueue queue;
  grpc::GenericStub stub(channel_);
  const auto call = stub.PrepareCall(&context, "/throng.v1." + method, &queue);
  call->StartCall(Tag());
  Next(queue);
  const grpc::Slice sent(request.SerializeAsString());
  call->Write(grpc::ByteBuffer(&sent, 1), Tag());
  if (Next(queue)) {
    call->WritesDone(Tag());
    Next(queue);
  }
  while (true) {
    grpc::ByteBuffer received;
    call->Read(&received, Tag());
    if (!Next(queue)) break;
    std::vector<grpc::Slice> slices;
    if (!received.Dump(&slices).ok() || response == nullptr) continue;
    std::string bytes;
    for (const grpc::Slice& slice : slices) bytes.append(slice.begin(), slice.end());
    EXPECT_TRUE(response->ParseFromString(bytes));
  }
  grpc::Status status;
  call->Finish(&status, Tag());
  Next(queue);
  return status;
}

std::string GuardedServerTest::ReasonOf(const grpc::Status& status) {
  v1::Status trailer;
  v1::ErrorDetail detail;
  if (!trailer.ParseFromString(status.error_details())) return "";
  for (const auto& any : trailer.details()) any.UnpackTo(&detail);
  return detail.reason();
}

}  // namespace throng::service
