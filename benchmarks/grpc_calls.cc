#include "benchmarks/grpc_calls.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <utility>

#include "benchmarks/write_rows.h"
#include "fmt/format.h"
#include "google/protobuf/empty.pb.h"
#include "grpcpp/client_context.h"
#include "grpcpp/impl/codegen/client_unary_call.h"
#include "grpcpp/impl/codegen/rpc_method.h"

namespace throng::bench {
namespace {

using Clock = std::chrono::steady_clock;

double Seconds(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

uint64_t Next(uint64_t* random) {
  *random = *random * 6364136223846793005ULL + 1442695040888963407ULL;
  return *random >> 33;
}

}  // namespace

void MustBeOk(const grpc::Status& status) {
  if (status.ok()) return;
  fmt::print(stderr, "code {}: {}\n", static_cast<int>(status.error_code()),
             status.error_message());
  std::exit(1);
}

double Latencies::Quantile(double share) {
  if (us.empty()) return 0;
  const auto at = static_cast<ptrdiff_t>(share * static_cast<double>(us.size() - 1));
  std::nth_element(us.begin(), us.begin() + at, us.end());
  return us[static_cast<size_t>(at)];
}

std::vector<Latencies> MeasureInTurn(const std::vector<std::function<void()>>& calls,
                                     double seconds) {
  for (const auto& call : calls) call();  // connects
  std::vector<Latencies> times(calls.size());
  const Clock::time_point start = Clock::now();
  while (Seconds(start) < seconds) {
    for (size_t i = 0; i < calls.size(); ++i) {
      const Clock::time_point before = Clock::now();
      calls[i]();
      times[i].us.push_back(Seconds(before) * 1e6);
    }
  }
  return times;
}

double MeasureThroughput(const std::vector<std::function<void()>>& callers, double seconds) {
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> calls{0};
  std::vector<std::thread> threads;
  for (const auto& call : callers) call();
  const Clock::time_point start = Clock::now();
  for (const auto& call : callers) {
    threads.emplace_back([&stop, &calls, &call] {
      uint64_t made = 0;
      for (; !stop; ++made) call();
      calls += made;
    });
  }
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  stop = true;
  for (std::thread& thread : threads) thread.join();
  return static_cast<double>(calls) / Seconds(start);
}

EmptyCall::EmptyCall(std::shared_ptr<grpc::Channel> channel) : channel_(std::move(channel)) {}

// What a generated stub does. The request is empty: that of all services; the answer's one field is
// left unread.
void EmptyCall::operator()() const {
  static const grpc::internal::RpcMethod method("/grpc.health.v1.Health/Check",
                                                grpc::internal::RpcMethod::NORMAL_RPC);
  const google::protobuf::Empty request;
  google::protobuf::Empty response;
  grpc::ClientContext context;
  MustBeOk(grpc::internal::BlockingUnaryCall<google::protobuf::Empty, google::protobuf::Empty,
                                             google::protobuf::MessageLite,
                                             google::protobuf::MessageLite>(
      channel_.get(), method, &context, request, &response));
}

CountCall::CountCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& text)
    : stub_(v1::SelectionService::NewStub(channel)) {
  request_.mutable_selection()->set_expression(text);
}

void CountCall::operator()() const {
  grpc::ClientContext context;
  v1::CountResponse response;
  MustBeOk(stub_->Count(&context, request_, &response));
}

CheckCall::CheckCall(const std::shared_ptr<grpc::Channel>& channel,
                     const std::vector<std::string>& crowds, uint32_t users, uint64_t seed)
    : stub_(v1::MembershipService::NewStub(channel)), users_(users), random_(seed) {
  for (const std::string& crowd : crowds) request_.add_crowds()->set_crowd(crowd);
}

void CheckCall::operator()() {
  const auto user = static_cast<uint32_t>(Next(&random_) % users_);
  request_.mutable_user()->set_id(fmt::format("{}", WriteId(user)));
  grpc::ClientContext context;
  v1::CheckResponse response;
  MustBeOk(stub_->Check(&context, request_, &response));
  if (response.states_size() == request_.crowds_size()) return;
  fmt::print(stderr, "an answer has {} states\n", response.states_size());
  std::exit(1);
}

namespace {

// One stream: a thread that asks, and this one, which reads.
void RunStream(const std::shared_ptr<grpc::Channel>& channel,
               const std::vector<std::string>& crowds, uint32_t users, uint32_t checks,
               const std::atomic<bool>& stop, std::atomic<uint64_t>& answers,
               std::atomic<uint64_t>& messages) {
  const auto stub = v1::MembershipService::NewStub(channel);
  grpc::ClientContext context;
  const auto stream = stub->StreamChecks(&context);
  std::thread writer([&] {
    v1::StreamChecksRequest request;
    for (const std::string& crowd : crowds) {
      request.mutable_setup()->add_crowds()->set_crowd(crowd);
    }
    uint64_t random = 7;
    uint64_t sequence = 0;
    bool open = stream->Write(request);
    while (open && !stop) {
      request.Clear();
      for (uint32_t i = 0; i < checks; ++i) {
        v1::StreamCheck* check = request.add_checks();
        check->set_sequence(++sequence);
        const auto user = static_cast<uint32_t>(Next(&random) % users);
        check->set_id(fmt::format("{}", WriteId(user)));
      }
      open = stream->Write(request);
    }
    stream->WritesDone();
  });
  v1::StreamChecksResponse response;
  while (stream->Read(&response)) {
    answers += static_cast<uint64_t>(response.answers_size());
    ++messages;
  }
  writer.join();
  MustBeOk(stream->Finish());
}

}  // namespace

StreamFigures MeasureStreams(const std::vector<std::shared_ptr<grpc::Channel>>& channels,
                             const std::vector<std::string>& crowds, uint32_t users,
                             uint32_t checks, double seconds) {
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> answers{0};
  std::atomic<uint64_t> messages{0};
  std::vector<std::thread> threads;
  const Clock::time_point start = Clock::now();
  for (const auto& channel : channels) {
    threads.emplace_back(
        [&, channel] { RunStream(channel, crowds, users, checks, stop, answers, messages); });
  }
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  stop = true;
  for (std::thread& thread : threads) thread.join();
  const double all = static_cast<double>(answers);
  return {.answers_per_second = all / Seconds(start),
          .answers_per_message = all / static_cast<double>(std::max<uint64_t>(1, messages))};
}

double MeasureExport(const std::shared_ptr<grpc::Channel>& channel) {
  const auto stub = v1::SelectionService::NewStub(channel);
  v1::ExportMembersRequest request;
  request.mutable_selection()->set_expression("all()");
  grpc::ClientContext context;
  const Clock::time_point start = Clock::now();
  const auto reader = stub->ExportMembers(&context, request);
  v1::ExportMembersResponse frame;
  uint64_t bytes = 0;
  while (reader->Read(&frame)) bytes += frame.ByteSizeLong();
  MustBeOk(reader->Finish());
  return static_cast<double>(bytes) / 1e6 / Seconds(start);
}

}  // namespace throng::bench
