// Every bound of the services, as one table: what is beyond it is refused, never half done.
//
//   ServiceLimits limits;            // what throngd runs with, docs/api.md prints it
//   limits.calls_queued_max = 1;     // a test makes a bound small to reach it
//
// Bounds of expressions, batches and tags are the engine's (query/expression.h,
// server/engine/write_batch.h, index/catalogue.h). Bytes are of the encoded message.
#ifndef THRONG_SERVER_SERVICE_SERVICE_LIMITS_H_
#define THRONG_SERVER_SERVICE_SERVICE_LIMITS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace throng::service {

// A value; thread-compatible.
struct ServiceLimits {
  // Messages. Beyond: RESOURCE_EXHAUSTED.
  int message_bytes_max = 68 << 20;               // what gRPC reads at all
  uint64_t request_bytes_max = 64 << 20;          // calls with expressions, users or batches
  uint64_t resource_request_bytes_max = 1 << 20;  // calls about populations and tags
  // Calls of look-ups that may be answered on gRPC's threads; larger ones are not.
  uint64_t quick_request_bytes_max = 16 << 10;
  // Beyond: INVALID_ARGUMENT (EXPRESSION_TOO_LONG).
  uint64_t expression_text_bytes_max = 32 << 20;

  // Calls at the same time. Beyond: RESOURCE_EXHAUSTED (TOO_MANY_CALLS).
  uint32_t call_threads = 16;         // unary calls that run; each uses the query pool besides
  uint32_t calls_queued_max = 1'024;  // unary calls that wait for a thread
  uint32_t export_streams_max = 32;
  uint32_t load_streams_max = 16;
  uint32_t check_streams_max = 1'000;  // streams of checks, which hold no thread
  int connection_streams_max = 1'000;  // calls of one connection; gRPC lets more wait
  // Memory of gRPC's buffers; near it, connections are read more slowly.
  size_t buffer_bytes_max = size_t{2} << 30;

  // A stream of checks that does not say for so long what it asks is ended.
  std::chrono::seconds check_setup_max{10};
  // A stream whose client neither sends nor reads for so long is ended.
  std::chrono::seconds stream_idle_max{600};
  // A connection that does not answer a ping within the timeout is closed.
  std::chrono::seconds keepalive_interval{60};
  std::chrono::seconds keepalive_timeout{20};
  std::chrono::seconds client_ping_interval_min{10};
};

// Pages: what page_size 0 means, and the most there is; more is capped.
inline constexpr uint32_t kPopulationPageDefault = 100;
inline constexpr uint32_t kPopulationPageMax = 1'000;
inline constexpr uint32_t kTagPageDefault = 1'000;
inline constexpr uint32_t kTagPageMax = 10'000;
inline constexpr uint32_t kTagValuePageDefault = 1'000;
inline constexpr uint32_t kTagValuePageMax = 65'536;
inline constexpr uint32_t kMemberPageDefault = 1'000;
inline constexpr size_t kPageTokenBytesMax = 8'192;

// States of a message of checks that gRPC's thread looks up: about 100 us. More go to a worker.
inline constexpr size_t kQuickStatesMax = 4'096;
// States that wait for a client to read them; beyond, nothing more is read from it.
inline constexpr size_t kWaitingStatesMax = 1'000'000;
// Answers that wait likewise, whatever their crowds, and versions of crowds.
inline constexpr size_t kWaitingAnswersMax = 20'000;

// Frames of an export: written at the first size, never over the second unless one row is.
inline constexpr size_t kExportFrameBytes = 128 << 10;
inline constexpr size_t kExportFrameBytesMax = 256 << 10;

// Answers echo the canonical expression up to this length, so that a request with a million values
// does not get them back.
inline constexpr size_t kCanonicalEchoBytesMax = 64 << 10;
// Of each selection of an overlap.
inline constexpr size_t kOverlapEchoBytesMax = 16 << 10;

// Nested messages of a request: 64 levels of an expression take 128, the rest is around them.
inline constexpr int kMessageDepthMax = 200;

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_SERVICE_LIMITS_H_
