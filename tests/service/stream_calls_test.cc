// Streams through the real adaptors: slow readers, broken clients, cancellation at any moment.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "grpcpp/client_context.h"
#include "server/service/stream_call.h"
#include "tests/service/status_matchers.h"
#include "tests/service/toy_server.h"
#include "tests/testing/seed.h"

namespace throng::service {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

v1::ExportMembersResponse Frame(uint64_t number, size_t bytes) {
  v1::ExportMembersResponse frame;
  frame.set_total(number);
  frame.set_roaring(std::string(bytes, 'x'));
  return frame;
}

// Writes `frames` frames; the last one is complete.
absl::Status WriteFrames(ToyExportStream& stream, uint64_t frames, size_t bytes) {
  for (uint64_t i = 0; i < frames; ++i) {
    v1::ExportMembersResponse frame = Frame(i, bytes);
    frame.set_complete(i + 1 == frames);
    if (const absl::Status status = stream.Write(frame); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// Answers every batch, then says how many there were: a load without an engine.
absl::Status Echo(ToyLoadStream& stream) {
  uint64_t batches = 0;
  while (true) {
    v1::LoadRequest request;
    const absl::StatusOr<bool> more = stream.Read(&request);
    if (!more.ok()) return more.status();
    if (!*more) break;
    ++batches;
    v1::LoadResponse response;
    response.mutable_progress()->set_batch_number(request.batch().batch_number());
    if (const absl::Status status = stream.Write(response); !status.ok()) return status;
  }
  v1::LoadResponse response;
  response.mutable_summary()->set_rows(batches);
  return stream.Write(response);
}

TEST(ExportCallTest, EveryFrameArrivesInOrderAtASlowReader) {
  ToyServer server({});
  server.on_export = [](const CallScope&, ToyExportStream& stream) {
    return WriteFrames(stream, 100, 128 << 10);  // far more than any window holds
  };
  grpc::ClientContext context;
  const auto reader = server.selections().ExportMembers(&context, {});
  v1::ExportMembersResponse frame;
  uint64_t next = 0;
  bool complete = false;
  while (reader->Read(&frame)) {
    EXPECT_EQ(frame.total(), next++);
    complete = frame.complete();
    if (next % 10 == 0) std::this_thread::sleep_for(milliseconds(2));
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(next, 100u);
  EXPECT_TRUE(complete);
}

TEST(ExportCallTest, AnErrorComesBehindTheFrames) {
  ToyServer server({});
  server.on_export = [](const CallScope&, ToyExportStream& stream) {
    const absl::Status status = stream.Write(Frame(1, 10));
    return status.ok() ? index::InvalidArgument("REASON", "tags", "no") : status;
  };
  grpc::ClientContext context;
  const auto reader = server.selections().ExportMembers(&context, {});
  v1::ExportMembersResponse frame;
  EXPECT_TRUE(reader->Read(&frame));
  EXPECT_FALSE(reader->Read(&frame));
  EXPECT_EQ(DetailOf(reader->Finish()).field(), "tags");
}

TEST(ExportCallTest, OneMoreThanTheStreamThreadsIsRefused) {
  ServiceLimits limits;
  limits.export_streams_max = 1;
  ToyServer server(limits);
  std::counting_semaphore<> go(0);
  server.on_export = [&](const CallScope&, ToyExportStream& stream) {
    const absl::Status status = stream.Write(Frame(0, 1));
    go.acquire();
    return status;
  };
  grpc::ClientContext first;
  const auto reader = server.selections().ExportMembers(&first, {});
  v1::ExportMembersResponse frame;
  ASSERT_TRUE(reader->Read(&frame));
  grpc::ClientContext second;
  const auto refused = server.selections().ExportMembers(&second, {});
  EXPECT_FALSE(refused->Read(&frame));
  const grpc::Status status = refused->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(DetailOf(status).reason(), "TOO_MANY_CALLS");
  go.release();
  EXPECT_FALSE(reader->Read(&frame));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST(ExportCallTest, AReaderThatStopsReadingIsCutOff) {
  ServiceLimits limits;
  limits.stream_idle_max = seconds(1);
  ToyServer server(limits);
  std::counting_semaphore<> ended(0);
  server.on_export = [&](const CallScope&, ToyExportStream& stream) {
    const absl::Status status = WriteFrames(stream, 1'000, 128 << 10);
    EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
    ended.release();
    return status;
  };
  grpc::ClientContext context;
  const auto reader = server.selections().ExportMembers(&context, {});
  ended.acquire();  // hangs if the thread stays with its silent reader
  v1::ExportMembersResponse frame;
  while (reader->Read(&frame)) EXPECT_FALSE(frame.complete());
  EXPECT_FALSE(reader->Finish().ok());
}

TEST(ExportCallTest, AReaderThatNeverEndsIsEnded) {
  ServiceLimits limits;
  limits.snapshot_stream_max = seconds(1);
  ToyServer server(limits);
  server.on_export = [](const CallScope&, ToyExportStream& stream) {
    absl::Status status;
    for (uint64_t i = 0; status.ok(); ++i) {
      status = stream.Write(Frame(i, 10));
      std::this_thread::sleep_for(milliseconds(1));
    }
    return status;
  };
  grpc::ClientContext context;
  const auto reader = server.selections().ExportMembers(&context, {});
  v1::ExportMembersResponse frame;
  while (reader->Read(&frame)) continue;
  const grpc::Status status = reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(DetailOf(status).reason(), "STREAM_TOO_LONG");
  EXPECT_EQ(DetailOf(status).limit(), 1u);
}

TEST(ExportCallTest, AStalledReaderIsEndedWithTheLongestTime) {
  ServiceLimits limits;
  limits.snapshot_stream_max = seconds(1);
  std::binary_semaphore ended(0);  // both outlive the server, whose thread has them
  absl::Status told;
  ToyServer server(limits);
  server.on_export = [&](const CallScope&, ToyExportStream& stream) {
    while (told.ok()) told = stream.Write(Frame(0, 1 << 20));
    ended.release();
    return told;
  };
  grpc::ClientContext context;
  const auto reader = server.selections().ExportMembers(&context, {});
  v1::ExportMembersResponse frame;
  ASSERT_TRUE(reader->Read(&frame));
  ended.acquire();  // nothing more was read; hangs if the thread stays
  EXPECT_EQ(told.code(), absl::StatusCode::kDeadlineExceeded) << told;
}

// However it moves: a write is under way when the time is over.
TEST(ExportCallTest, ASlowReaderIsToldThatItsTimeIsOver) {
  ServiceLimits limits;
  limits.snapshot_stream_max = seconds(1);
  ToyServer server(limits);
  server.on_export = [](const CallScope&, ToyExportStream& stream) {
    absl::Status status;
    while (status.ok()) status = stream.Write(Frame(0, 256 << 10));
    return status;
  };
  grpc::ClientContext context;
  const auto reader = server.selections().ExportMembers(&context, {});
  v1::ExportMembersResponse frame;
  while (reader->Read(&frame)) std::this_thread::sleep_for(milliseconds(20));
  EXPECT_EQ(DetailOf(reader->Finish()).reason(), "STREAM_TOO_LONG");
}

TEST(ExportCallTest, CancellationsAtAnyMomentFreeTheThread) {
  ServiceLimits limits;
  limits.export_streams_max = 4;
  ToyServer server(limits);
  server.on_export = [](const CallScope&, ToyExportStream& stream) {
    return WriteFrames(stream, 20, 32 << 10);
  };
  const uint64_t seed = testing::TestSeed();
  std::vector<std::thread> clients;
  for (uint64_t t = 0; t < 4; ++t) {
    clients.emplace_back([&, t] {
      std::mt19937_64 random(seed + t);
      const auto stub = v1::SelectionService::NewStub(server.NewChannel());
      for (int i = 0; i < testing::TestRounds(60); ++i) {
        auto context = std::make_unique<grpc::ClientContext>();
        auto reader = stub->ExportMembers(context.get(), {});
        v1::ExportMembersResponse frame;
        const uint64_t read = random() % 25;
        for (uint64_t n = 0; n < read && reader->Read(&frame); ++n) continue;
        if (random() % 2 == 0) std::this_thread::sleep_for(microseconds(random() % 500));
        context->TryCancel();
        reader->Finish();
      }
    });
  }
  for (std::thread& client : clients) client.join();
  // All four threads are free again, though maybe not this instant.
  grpc::Status status;
  for (int attempt = 0; attempt < 1'000; ++attempt) {
    grpc::ClientContext context;
    const auto reader = server.selections().ExportMembers(&context, {});
    v1::ExportMembersResponse frame;
    while (reader->Read(&frame)) continue;
    status = reader->Finish();
    if (status.ok()) break;
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST(ExportCallTest, ShutdownEndsAStreamWhoseReaderSleeps) {
  ToyServer server({});
  server.on_export = [](const CallScope&, ToyExportStream& stream) {
    return WriteFrames(stream, 1'000, 128 << 10);
  };
  grpc::ClientContext context;
  const auto reader = server.selections().ExportMembers(&context, {});
  v1::ExportMembersResponse frame;
  ASSERT_TRUE(reader->Read(&frame));
  server.Shutdown(milliseconds(20));  // hangs if the reactor is lost
  while (reader->Read(&frame)) continue;
  EXPECT_FALSE(reader->Finish().ok());
}

TEST(LoadCallTest, BatchesAndProgressGoBothWays) {
  ToyServer server({});
  server.on_load = [](const CallScope&, ToyLoadStream& stream) { return Echo(stream); };
  grpc::ClientContext context;
  const auto stream = server.users().Load(&context);
  v1::LoadResponse response;
  for (uint64_t i = 1; i <= 50; ++i) {
    v1::LoadRequest request;
    request.mutable_batch()->set_batch_number(i);
    // Every third one waits for its answer first: nothing may be held back until the next.
    ASSERT_TRUE(stream->Write(request));
    if (i % 3 != 0) continue;
    for (uint64_t n = i - 2; n <= i; ++n) {
      ASSERT_TRUE(stream->Read(&response));
      EXPECT_EQ(response.progress().batch_number(), n);
    }
  }
  stream->WritesDone();
  for (uint64_t n = 49; n <= 50; ++n) {
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_EQ(response.progress().batch_number(), n);
  }
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.summary().rows(), 50u);
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST(LoadCallTest, AnEarlyErrorReachesAClientThatIsStillSending) {
  ToyServer server({});
  server.on_load = [](const CallScope&, ToyLoadStream& stream) -> absl::Status {
    v1::LoadRequest request;
    const absl::StatusOr<bool> more = stream.Read(&request);
    return more.ok() ? index::InvalidArgument("BAD_BATCH", "batch", "no") : more.status();
  };
  grpc::ClientContext context;
  const auto stream = server.users().Load(&context);
  v1::LoadRequest request;
  request.mutable_batch()->mutable_ids()->mutable_texts()->set_data(std::string(1 << 20, 'x'));
  int written = 0;
  while (written < 1'000 && stream->Write(request)) ++written;
  EXPECT_LT(written, 1'000);
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(DetailOf(status).reason(), "BAD_BATCH") << status.error_message();
}

TEST(LoadCallTest, ASilentClientIsLeft) {
  ServiceLimits limits;
  limits.stream_idle_max = seconds(1);
  ToyServer server(limits);
  server.on_load = [](const CallScope&, ToyLoadStream& stream) { return Echo(stream); };
  grpc::ClientContext context;
  const auto stream = server.users().Load(&context);
  v1::LoadResponse response;
  EXPECT_FALSE(stream->Read(&response));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(status.error_message(), "the client has sent nothing for 1 s");
}

// A REPLACE must not take a broken stream for a finished one: behind the last Read, a Write fails.
TEST(LoadCallTest, ABrokenStreamIsNeverTakenForAFinishedOne) {
  ToyServer server({});
  std::atomic<int> committed{0};
  std::atomic<int> ended{0};
  server.on_load = [&](const CallScope&, ToyLoadStream& stream) {
    absl::Status status;
    while (status.ok()) {
      v1::LoadRequest request;
      const absl::StatusOr<bool> more = stream.Read(&request);
      status = more.status();
      if (status.ok() && !*more) break;
    }
    if (status.ok()) status = stream.Write(v1::LoadResponse());
    if (status.ok()) ++committed;
    ++ended;
    return status;
  };
  std::mt19937_64 random(testing::TestSeed());
  const int rounds = testing::TestRounds(150);
  for (int i = 0; i < rounds; ++i) {
    auto stub = v1::UserService::NewStub(server.NewChannel());
    grpc::ClientContext context;
    const auto stream = stub->Load(&context);
    v1::LoadRequest request;
    request.mutable_batch()->mutable_ids()->mutable_texts()->set_data(
        std::string(random() % 100'000, 'x'));
    const uint64_t batches = random() % 4;
    for (uint64_t n = 0; n < batches; ++n) stream->Write(request);
    if (random() % 2 == 0) std::this_thread::sleep_for(microseconds(random() % 3'000));
    context.TryCancel();
    stream->Finish();
  }
  server.Shutdown(seconds(10));
  EXPECT_EQ(committed, 0);
  EXPECT_LE(ended, rounds);  // a call may be cancelled before the server has it
}

TEST(LoadCallTest, CancellationsAtAnyMomentFreeTheThread) {
  ServiceLimits limits;
  limits.load_streams_max = 4;
  ToyServer server(limits);
  server.on_load = [](const CallScope&, ToyLoadStream& stream) { return Echo(stream); };
  const uint64_t seed = testing::TestSeed();
  std::vector<std::thread> clients;
  for (uint64_t t = 0; t < 4; ++t) {
    clients.emplace_back([&, t] {
      std::mt19937_64 random(seed + t);
      const auto stub = v1::UserService::NewStub(server.NewChannel());
      for (int i = 0; i < testing::TestRounds(60); ++i) {
        grpc::ClientContext context;
        const auto stream = stub->Load(&context);
        std::thread canceller([&, pause = random() % 3'000] {
          std::this_thread::sleep_for(microseconds(pause));
          context.TryCancel();
        });
        v1::LoadRequest request;
        v1::LoadResponse response;
        for (uint64_t n = 0; n < random() % 10; ++n) {
          if (!stream->Write(request) || !stream->Read(&response)) break;
        }
        stream->WritesDone();
        while (stream->Read(&response)) continue;
        canceller.join();
        stream->Finish();
      }
    });
  }
  for (std::thread& client : clients) client.join();
  server.Shutdown(seconds(10));
}

TEST(LoadCallTest, ShutdownEndsALoadWhoseClientIsSilent) {
  ToyServer server({});
  std::counting_semaphore<> arrived(0);
  server.on_load = [&](const CallScope&, ToyLoadStream& stream) {
    arrived.release();
    return Echo(stream);
  };
  grpc::ClientContext context;
  const auto stream = server.users().Load(&context);
  arrived.acquire();
  server.Shutdown(milliseconds(20));  // hangs if the reactor is lost
  v1::LoadResponse response;
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_FALSE(stream->Finish().ok());
}

}  // namespace
}  // namespace throng::service
