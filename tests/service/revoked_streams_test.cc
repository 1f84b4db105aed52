// A token that is revoked while a stream of its principal is under way ends it: what comes behind
// is neither told nor done.
#include <chrono>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"
#include "gtest/gtest.h"
#include "tests/service/guarded_fixture.h"
#include "throng/v1/crowd.pb.h"
#include "throng/v1/package.grpc.pb.h"
#include "throng/v1/selection.grpc.pb.h"
#include "throng/v1/upload.grpc.pb.h"
#include "throng/v1/user.grpc.pb.h"

namespace throng::service {
namespace {

using grpc::StatusCode;

constexpr uint64_t kBatchUsers = 65'536;
constexpr uint64_t kBatches = 16;
constexpr char kParent[] = "populations/default";

class RevokedStreamsTest : public GuardedServerTest {
 protected:
  void SetUp() override {
    Allow("boss", {{"default", "admin", 9}});
    kept_text_ = access_text_;
    Allow("gone", {{"default", "admin", 9}});
    Start();
    // A client that takes no more than it reads, nearly.
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 64 << 10);
    channel_ = grpc::CreateCustomChannel(fmt::format("127.0.0.1:{}", server_->port()),
                                         grpc::InsecureChannelCredentials(), arguments);
    context_.AddMetadata("authorization", "Bearer " + TokenOf("gone"));
  }

  // More users than fit what a client takes without reading.
  void AddUsers() {
    const auto internal = engine::CallContext::Internal();
    auto load = engine_->writer().StartLoad(internal, {.unknown_ids = engine::UnknownIds::kCreate});
    ASSERT_TRUE(load.ok()) << load.status();
    std::vector<uint64_t> ids(kBatchUsers);
    for (uint64_t i = 0; i < kBatches; ++i) {
      std::iota(ids.begin(), ids.end(), 1'000 + i * kBatchUsers);
      engine::ColumnBatch batch{.number = i + 1};
      batch.ids = std::span<const uint64_t>(ids);
      const auto written = (*load)->Write(internal, batch);
      ASSERT_TRUE(written.ok()) << written.status();
    }
    const auto finished = (*load)->Finish(internal);
    ASSERT_TRUE(finished.ok()) << finished.status();
  }
  void CreateCrowd(const std::string& name, const std::string& rule) const {
    v1::CreateCrowdRequest create;
    create.set_parent(kParent);
    create.set_crowd_id(name);
    create.mutable_crowd()->set_kind(v1::CROWD_KIND_RULE);
    create.mutable_crowd()->set_expression(rule);
    ASSERT_TRUE(Call("boss", "CrowdService/CreateCrowd", create).ok());
    v1::RefreshCrowdRequest refresh;
    refresh.set_name(fmt::format("{}/crowds/{}", kParent, name));
    ASSERT_TRUE(Call("boss", "CrowdService/RefreshCrowd", refresh).ok());
  }
  void Revoke() {
    access_text_ = kept_text_;
    WriteAccess();
    const absl::Status reloaded = access_->Reload();
    ASSERT_TRUE(reloaded.ok()) << reloaded;
  }
  // Until the audit log says that a call of the method has begun: it was let in.
  void AwaitBegin(const std::string& method) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (std::chrono::steady_clock::now() < end) {
      std::ifstream file(audit_path_);
      const std::string text(std::istreambuf_iterator<char>(file), {});
      if (text.find(fmt::format("\"method\":\"{}\"", method)) != std::string::npos) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    FAIL() << method << " has not begun";
  }

  grpc::ClientContext context_;  // of somebody whose token is revoked soon

 private:
  std::string kept_text_;
};

// Reads a frame, then has the token revoked, and reads what is on its way.
template <typename Response, typename Revoke>
StatusCode EndOf(grpc::ClientReader<Response>& stream, const Revoke& revoke) {
  Response response;
  EXPECT_TRUE(stream.Read(&response));
  revoke();
  while (stream.Read(&response)) {
  }
  return stream.Finish().error_code();
}

TEST_F(RevokedStreamsTest, AnExportEnds) {
  AddUsers();
  v1::ExportMembersRequest request;
  request.mutable_selection()->set_expression("all()");
  const auto stub = v1::SelectionService::NewStub(channel_);
  const auto stream = stub->ExportMembers(&context_, request);
  EXPECT_EQ(EndOf(*stream, [&] { Revoke(); }), StatusCode::UNAUTHENTICATED);
}

TEST_F(RevokedStreamsTest, APackageEnds) {
  AddUsers();
  CreateCrowd("everybody", "all()");
  v1::ExportPackageRequest request;
  request.mutable_spec()->set_crowd(fmt::format("{}/crowds/everybody", kParent));
  request.mutable_spec()->set_format(v1::PACKAGE_FORMAT_TXT);
  const auto stub = v1::PackageService::NewStub(channel_);
  const auto stream = stub->ExportPackage(&context_, request);
  EXPECT_EQ(EndOf(*stream, [&] { Revoke(); }), StatusCode::UNAUTHENTICATED);
}

TEST_F(RevokedStreamsTest, AnUploadEndsAndMakesNothing) {
  const auto stub = v1::UploadService::NewStub(channel_);
  v1::Upload response;
  const auto stream = stub->UploadIds(&context_, &response);
  v1::UploadIdsRequest message;
  message.mutable_header()->set_crowd(fmt::format("{}/crowds/vip", kParent));
  message.mutable_header()->set_mode(v1::UPLOAD_MODE_REPLACE);
  message.mutable_header()->mutable_create();
  ASSERT_TRUE(stream->Write(message));
  AwaitBegin("UploadService/UploadIds");
  Revoke();
  message.mutable_ids()->mutable_numbers()->add_values(7);
  stream->Write(message);
  message.mutable_end()->set_id_count(1);
  stream->Write(message);
  stream->WritesDone();
  EXPECT_EQ(stream->Finish().error_code(), StatusCode::UNAUTHENTICATED);
  v1::GetCrowdRequest get;
  get.set_name(fmt::format("{}/crowds/vip", kParent));
  v1::Crowd crowd;
  const grpc::Status found = Call("boss", "CrowdService/GetCrowd", get, &crowd);
  EXPECT_TRUE(found.error_code() == StatusCode::NOT_FOUND || crowd.version_count() == 0);
}

// The end of a stream is no message, and yet it is what a REPLACE is done by.
TEST_F(RevokedStreamsTest, ALoadThatOnlyEndsDoesNothing) {
  const auto stub = v1::UserService::NewStub(channel_);
  const auto stream = stub->Load(&context_);
  v1::LoadRequest message;
  message.mutable_header()->set_mode(v1::LOAD_MODE_REPLACE);
  message.mutable_header()->set_unknown_ids(v1::UNKNOWN_IDS_ERROR);
  message.mutable_header()->set_confirm_coverage_fall(true);
  message.mutable_header()->add_tags("city");
  ASSERT_TRUE(stream->Write(message));
  AwaitBegin("UserService/Load");
  Revoke();
  stream->WritesDone();
  v1::LoadResponse response;
  while (stream->Read(&response)) EXPECT_FALSE(response.has_summary());
  EXPECT_EQ(stream->Finish().error_code(), StatusCode::UNAUTHENTICATED);
  v1::CountRequest count;
  count.mutable_selection()->set_expression("exists(city)");
  v1::CountResponse counted;
  ASSERT_TRUE(Call("boss", "SelectionService/Count", count, &counted).ok());
  EXPECT_EQ(counted.count(), 100);
}

}  // namespace
}  // namespace throng::service
