// What one call writes is seen by other clients together or not at all.
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/e2e/live_server_test.h"
#include "throng/v1/selection.grpc.pb.h"
#include "throng/v1/user.grpc.pb.h"

namespace throng::e2e {
namespace {

constexpr uint32_t kUsers = 2'000;

// Users 0 to kUsers - 1, none with the flags `a` and `b`, all with 'x1' and 'y1'.
class LiveIsolationTest : public LiveServerTest {
 protected:
  void SetUp() override {
    std::string text = "user_id,a,b,x,y\n";
    for (uint32_t user = 0; user < kUsers; ++user) {
      text += fmt::format("{},false,false,x1,y1\n", user);
    }
    Load(throng(), Write("users.csv", text),
         Write("schema.toml", "id_column = \"user_id\"\n" + Tag("a", "FLAG") + Tag("b", "FLAG") +
                                  Tag("x", "CATEGORY") + Tag("y", "CATEGORY")));
    const auto channel =
        grpc::CreateChannel(server().address(), grpc::InsecureChannelCredentials());
    users_ = v1::UserService::NewStub(channel);
    selections_ = v1::SelectionService::NewStub(channel);
  }

  v1::CountResponse Count(const std::string& expression, uint64_t version = 0) {
    v1::CountRequest request;
    request.mutable_selection()->set_expression(expression);
    request.mutable_selection()->set_read_version(version);
    grpc::ClientContext context;
    v1::CountResponse response;
    const grpc::Status status = selections_->Count(&context, request, &response);
    EXPECT_TRUE(status.ok()) << expression << ": " << status.error_message();
    return response;
  }

  // Sets or clears both flags of some users in one call.
  void FlipFlags(uint32_t round) {
    v1::WriteUsersRequest request;
    request.set_unknown_ids(v1::UNKNOWN_IDS_ERROR);
    for (uint32_t i = 0; i < 20; ++i) {
      v1::UserChange* user = request.add_users();
      user->set_id(std::to_string((round * 97 + i * 89) % kUsers));
      for (const char* tag : {"a", "b"}) {
        v1::TagChange* change = user->add_changes();
        change->set_tag(tag);
        change->mutable_set()->set_flag(round % 3 != 0);
      }
    }
    grpc::ClientContext context;
    v1::WriteUsersResponse response;
    const grpc::Status status = users_->WriteUsers(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }

  // Gives all users new values of `x` and `y` by one REPLACE, in two batches.
  void Replace(uint32_t content) {
    grpc::ClientContext context;
    const auto stream = users_->Load(&context);
    v1::LoadRequest request;
    request.mutable_header()->set_mode(v1::LOAD_MODE_REPLACE);
    request.mutable_header()->set_unknown_ids(v1::UNKNOWN_IDS_ERROR);
    for (const char* tag : {"x", "y"}) request.mutable_header()->add_tags(tag);
    EXPECT_TRUE(stream->Write(request));
    for (uint32_t part = 0; part < 2; ++part) {
      v1::ColumnBatch* batch = request.mutable_batch();
      batch->Clear();
      batch->set_batch_number(part + 1);
      for (const char* tag : {"x", "y"}) {
        v1::TagColumn* column = batch->add_columns();
        column->set_tag(tag);
        column->mutable_categories()->add_values(fmt::format("{}{}", tag, content));
        column->mutable_categories()->mutable_codes()->Resize(kUsers / 2, 0);
      }
      for (uint32_t user = part; user < kUsers; user += 2) {
        batch->mutable_ids()->mutable_numbers()->add_values(user);
      }
      EXPECT_TRUE(stream->Write(request));
    }
    stream->WritesDone();
    v1::LoadResponse response;
    while (stream->Read(&response)) continue;
    EXPECT_TRUE(response.has_summary());
    const grpc::Status status = stream->Finish();
    EXPECT_TRUE(status.ok()) << status.error_message();
  }

  void ExpectAllOrNothing() {
    for (const char* torn : {"a and not b", "b and not a", "x = 'x1' and y = 'y2'",
                             "x = 'x2' and y = 'y1'", "not exists(x) or not exists(y)"}) {
      const v1::CountResponse response = Count(torn);
      EXPECT_EQ(response.count(), 0u) << torn << " at version " << response.info().data_version();
    }
    const v1::CountResponse old = Count("x = 'x1'");
    EXPECT_TRUE(old.count() == 0 || old.count() == kUsers) << old.count();
    // The same version again, by other ways.
    const uint64_t version = old.info().data_version();
    EXPECT_EQ(Count("y = 'y1' and x = 'x1'", version).count(), old.count());
    EXPECT_EQ(Count("y = 'y2'", version).count(), kUsers - old.count());
    EXPECT_EQ(Count("a", version).count(), Count("b", version).count());
    EXPECT_EQ(Count("x = 'x1'", version).count(), old.count());
  }

  std::unique_ptr<v1::UserService::Stub> users_;
  std::unique_ptr<v1::SelectionService::Stub> selections_;
};

TEST_F(LiveIsolationTest, ReadersSeeWritesAndReplacesWhole) {
  constexpr uint32_t kFlips = 300;
  constexpr uint32_t kReplaces = 30;
  std::atomic<int> writing = 2;
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    for (uint32_t round = 1; round <= kFlips; ++round) FlipFlags(round);
    --writing;
  });
  threads.emplace_back([&] {
    for (uint32_t round = 1; round <= kReplaces; ++round) Replace(1 + round % 2);
    --writing;
  });
  for (int reader = 0; reader < 2; ++reader) {
    threads.emplace_back([&] {
      while (writing > 0 && !HasFailure()) ExpectAllOrNothing();
      ExpectAllOrNothing();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Count("x = 'x1' and y = 'y1'").count(), kUsers);
  EXPECT_GT(Count("a and b").count(), 0u);
}

}  // namespace
}  // namespace throng::e2e
