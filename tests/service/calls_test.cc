// Unary calls through the real adaptors: limits, deadlines, cancellation, broken messages.
#include "server/service/calls.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <initializer_list>
#include <random>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "grpcpp/client_context.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/impl/codegen/client_unary_call.h"
#include "tests/service/status_matchers.h"
#include "tests/service/toy_server.h"
#include "tests/testing/seed.h"
#include "throng/v1/admin.pb.h"
#include "throng/v1/crowd.pb.h"
#include "throng/v1/insight.pb.h"
#include "throng/v1/membership.pb.h"
#include "throng/v1/split.pb.h"
#include "throng/v1/tag.pb.h"
#include "throng/v1/user.pb.h"

namespace throng::service {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// By the rows of the real calls, so that a call that is renamed is noticed.
TEST(CallKindTest, CallsQueueWithThoseOfTheirKind) {
  const auto kind_of = [](const google::protobuf::Message& request) {
    return KindOf(RuleOf(*request.GetDescriptor()));
  };
  EXPECT_EQ(kind_of(v1::CountRequest()), CallKind::kRead);
  EXPECT_EQ(kind_of(v1::ListMembersRequest()), CallKind::kRead);
  EXPECT_EQ(kind_of(v1::ResolveIdsRequest()), CallKind::kRead);
  EXPECT_EQ(kind_of(v1::GetPortraitRequest()), CallKind::kRead);
  EXPECT_EQ(kind_of(v1::CheckRequest()), CallKind::kRead);
  EXPECT_EQ(kind_of(v1::GetCrowdRequest()), CallKind::kRead);
  for (const google::protobuf::Message* request :
       std::initializer_list<const google::protobuf::Message*>{
           &v1::BreakdownRequest::default_instance(), &v1::OverlapRequest::default_instance(),
           &v1::RefreshCrowdRequest::default_instance(),
           &v1::BatchRefreshCrowdsRequest::default_instance(),
           &v1::FreezeCrowdRequest::default_instance(),
           &v1::DiffCrowdVersionsRequest::default_instance(),
           &v1::CreateSplitRequest::default_instance(),
           &v1::GetSplitBalanceRequest::default_instance(),
           &v1::AllocateCrowdsRequest::default_instance(),
           &v1::BatchCheckRequest::default_instance(), &v1::GetStatsRequest::default_instance()}) {
    EXPECT_EQ(kind_of(*request), CallKind::kAnalysis) << request->GetTypeName();
  }
  EXPECT_EQ(kind_of(v1::WriteUsersRequest()), CallKind::kWrite);
  EXPECT_EQ(kind_of(v1::EraseUsersRequest()), CallKind::kWrite);
  EXPECT_EQ(kind_of(v1::CreateTagRequest()), CallKind::kWrite);
  EXPECT_EQ(kind_of(v1::CreateCrowdRequest()), CallKind::kWrite);
  EXPECT_EQ(kind_of(v1::CreateBackupRequest()), CallKind::kWrite);
}

grpc::Status Call(ToyServer& server, milliseconds deadline = seconds(60)) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + deadline);
  v1::CountResponse response;
  return server.selections().Count(&context, v1::CountRequest(), &response);
}

// Waits like an engine that looks for a cancellation now and then.
absl::Status WaitForEnd(const engine::CallContext& caller) {
  absl::Status status;
  while ((status = caller.Check()).ok()) std::this_thread::sleep_for(milliseconds(1));
  return status;
}

TEST(UnaryCallTest, AnswersOnAWorkerThread) {
  ToyServer server({});
  server.on_count = [](const CallScope&, const v1::CountRequest& request, v1::CountResponse* out) {
    out->set_count(request.selection().read_version() + 1);
    return absl::OkStatus();
  };
  grpc::ClientContext context;
  v1::CountRequest request;
  request.mutable_selection()->set_read_version(41);
  v1::CountResponse response;
  ASSERT_TRUE(server.selections().Count(&context, request, &response).ok());
  EXPECT_EQ(response.count(), 42u);
}

TEST(UnaryCallTest, SendsTheDetailOfAnError) {
  ToyServer server({});
  server.on_count = [](const CallScope&, const auto&, auto*) {
    return index::InvalidArgument("UNKNOWN_TAG", "selection.expression", "no such tag");
  };
  const grpc::Status status = Call(server);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "no such tag");
  EXPECT_EQ(DetailOf(status).reason(), "UNKNOWN_TAG");
}

TEST(UnaryCallTest, AnExceptionIsAnAnswer) {
  ToyServer server({});
  std::atomic<bool> out_of_memory{true};
  server.on_count = [&](const CallScope&, const auto&, auto*) -> absl::Status {
    if (out_of_memory) throw std::bad_alloc();
    throw std::runtime_error("surprise");
  };
  grpc::Status status = Call(server);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(DetailOf(status).reason(), "OUT_OF_MEMORY");
  EXPECT_GT(RetryMillisecondsOf(status), 0);
  out_of_memory = false;
  status = Call(server);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
}

TEST(UnaryCallTest, BeyondTheQueueIsRefusedAndTheRestAnswered) {
  ServiceLimits limits;
  limits.read_threads = 2;
  limits.calls_queued_max = 3;
  limits.call_wait_max = limits.call_wait_target = std::chrono::hours(1);
  ToyServer server(limits);
  std::counting_semaphore<> go(0);
  server.on_count = [&](const CallScope&, const auto&, auto*) {
    go.acquire();
    return absl::OkStatus();
  };
  std::atomic<int> ok{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      const grpc::Status status = Call(server);
      if (status.ok()) {
        ++ok;
        return;
      }
      EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
      EXPECT_EQ(DetailOf(status).reason(), "TOO_MANY_CALLS");
      EXPECT_EQ(DetailOf(status).limit(), 5u);
      ++refused;
    });
  }
  while (refused < 3) std::this_thread::yield();
  go.release(8);
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(ok, 5);
  EXPECT_EQ(refused, 3);
}

TEST(UnaryCallTest, TheDeadlineReachesTheHandler) {
  ToyServer server({});
  std::atomic<bool> had_deadline{false};
  std::counting_semaphore<> ended(0);
  server.on_count = [&](const CallScope& scope, const auto&, auto*) {
    had_deadline = scope.caller.deadline < std::chrono::steady_clock::now() + seconds(30);
    const absl::Status status = WaitForEnd(scope.caller);
    ended.release();
    return status;
  };
  EXPECT_EQ(Call(server, milliseconds(50)).error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  ended.acquire();
  EXPECT_TRUE(had_deadline);
}

TEST(UnaryCallTest, WithoutADeadlineThereIsNone) {
  ToyServer server({});
  server.on_count = [&](const CallScope& scope, const auto&, v1::CountResponse* response) {
    response->set_count(scope.caller.deadline == std::chrono::steady_clock::time_point::max());
    return absl::OkStatus();
  };
  grpc::ClientContext context;
  v1::CountResponse response;
  ASSERT_TRUE(server.selections().Count(&context, v1::CountRequest(), &response).ok());
  EXPECT_EQ(response.count(), 1u);
}

TEST(UnaryCallTest, WhatWasCancelledWhileItWaitedIsNotRun) {
  ServiceLimits limits;
  limits.read_threads = 1;
  ToyServer server(limits);
  std::counting_semaphore<> arrived(0);
  std::counting_semaphore<> go(0);
  std::atomic<int> ran{0};
  server.on_count = [&](const CallScope&, const auto&, auto*) {
    ++ran;
    arrived.release();
    // Forever would be as long as the test is wrong.
    EXPECT_TRUE(go.try_acquire_for(seconds(30)));
    return absl::OkStatus();
  };
  std::thread first([&] { EXPECT_TRUE(Call(server).ok()); });
  arrived.acquire();
  // Its deadline passes in the queue, at the server a little later than here: there it counts from
  // when the call arrives.
  EXPECT_EQ(Call(server, milliseconds(50)).error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  std::this_thread::sleep_for(milliseconds(500));
  go.release();
  first.join();
  server.Shutdown(seconds(10));
  EXPECT_EQ(ran, 1);
}

TEST(UnaryCallTest, CancellationsAtAnyMomentLeaveNothingBehind) {
  ServiceLimits limits;
  limits.read_threads = 4;
  limits.calls_queued_max = 8;
  ToyServer server(limits);
  server.on_count = [&](const CallScope& scope, const v1::CountRequest& request, auto*) {
    for (uint64_t i = 0; i < request.selection().read_version(); ++i) {
      if (const absl::Status status = scope.caller.Check(); !status.ok()) return status;
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    return absl::OkStatus();
  };
  const uint64_t seed = testing::TestSeed();
  std::vector<std::thread> clients;
  for (uint64_t t = 0; t < 6; ++t) {
    clients.emplace_back([&, t] {
      std::mt19937_64 random(seed + t);
      const auto stub = v1::SelectionService::NewStub(server.NewChannel());
      for (int i = 0; i < testing::TestRounds(60); ++i) {
        grpc::ClientContext context;
        v1::CountRequest request;
        request.mutable_selection()->set_read_version(random() % 20);
        v1::CountResponse response;
        std::thread canceller([&, pause = random() % 2'000] {
          std::this_thread::sleep_for(std::chrono::microseconds(pause));
          context.TryCancel();
        });
        const grpc::Status status = stub->Count(&context, request, &response);
        canceller.join();
        EXPECT_TRUE(status.ok() || status.error_code() == grpc::StatusCode::CANCELLED ||
                    status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED)
            << status.error_code() << " " << status.error_message();
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(Call(server).error_code(), grpc::StatusCode::OK);
}

TEST(UnaryCallTest, ShutdownCancelsWhatDoesNotEndInTime) {
  ServiceLimits limits;
  limits.read_threads = 2;
  ToyServer server(limits);
  std::counting_semaphore<> arrived(0);
  server.on_count = [&](const CallScope& scope, const auto&, auto*) {
    arrived.release();
    return WaitForEnd(scope.caller);
  };
  std::vector<std::thread> clients;  // two run, two wait
  for (int i = 0; i < 4; ++i) clients.emplace_back([&] { EXPECT_FALSE(Call(server).ok()); });
  arrived.acquire();
  arrived.acquire();
  server.Shutdown(milliseconds(20));  // hangs if a reactor is lost
  for (std::thread& client : clients) client.join();
}

TEST(UnaryCallTest, TheGateAnswersWhileThereIsNoEngine) {
  EngineGate gate;
  EXPECT_EQ(gate.Enter().status().message(), "loading, 0 %");
  gate.ReportLoading(42, 100);
  EXPECT_EQ(gate.Enter().status().message(), "loading, 42 %");
  EXPECT_EQ(gate.Enter().status().code(), absl::StatusCode::kUnavailable);
  gate.Open(nullptr);
  EXPECT_TRUE(gate.Enter().ok());
  gate.Close();
  EXPECT_EQ(ReasonOf(gate.Enter().status()), "SHUTTING_DOWN at ");
}

TEST(UnaryCallTest, TooLargeAndBrokenRequestsAreRefused) {
  ServiceLimits limits;
  limits.request_bytes_max = 100;
  ToyServer server(limits);
  server.on_count = [](const CallScope&, const auto&, auto*) { return absl::OkStatus(); };
  const auto call = [&](size_t text_bytes) {
    grpc::ClientContext context;
    v1::CountRequest request;
    request.mutable_selection()->set_expression(std::string(text_bytes, 'x'));
    v1::CountResponse response;
    return server.selections().Count(&context, request, &response);
  };
  EXPECT_TRUE(call(96).ok());  // and 4 bytes around it
  const grpc::Status status = call(97);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(DetailOf(status).reason(), "REQUEST_TOO_LARGE");
  EXPECT_EQ(DetailOf(status).limit(), 100u);
  EXPECT_EQ(DetailOf(status).requested(), 101u);
}

}  // namespace
}  // namespace throng::service
