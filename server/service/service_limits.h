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

  // Unary calls that run, by kind (call_pools.h); each uses the query pool besides.
  uint32_t read_threads = 0;      // 0: two a core
  uint32_t analysis_threads = 0;  // 0: one a core, at least two
  uint32_t write_threads = 16;
  // Calls of a kind that wait for a thread. Beyond: RESOURCE_EXHAUSTED (TOO_MANY_CALLS).
  uint32_t calls_queued_max = 1'024;
  // How long a read may wait, and how long while there is more to do than can be done; analyses and
  // writes five times as long. Beyond: RESOURCE_EXHAUSTED (OVERLOADED).
  std::chrono::milliseconds call_wait_max{1'000};
  std::chrono::milliseconds call_wait_target{5};
  // Of one caller that is known by name, of each kind; exports and loads likewise. Beyond:
  // RESOURCE_EXHAUSTED (TOO_MANY_CALLS_OF_CALLER).
  uint32_t caller_calls_max = 256;
  uint32_t caller_streams_max = 8;

  // Streams at the same time. Beyond: RESOURCE_EXHAUSTED (TOO_MANY_CALLS).
  uint32_t export_streams_max = 32;
  uint32_t load_streams_max = 16;
  uint32_t check_streams_max = 1'000;       // streams of checks, which hold no thread
  uint32_t caller_check_streams_max = 500;  // of one caller that is known by name
  // Calls of one connection; clients let more wait. Few: who calls is known only when a call's
  // message is there, and until then nothing but this and connections bounds a stranger's calls.
  int connection_streams_max = 100;
  // Connections, and those of one address other than loopback's. Beyond: closed at once.
  uint32_t connections_max = 10'000;
  uint32_t connections_per_address_max = 2'000;
  // Memory of gRPC's buffers; near it, connections are read more slowly.
  size_t buffer_bytes_max = size_t{2} << 30;

  // A stream of checks that does not say for so long what it asks is ended.
  std::chrono::seconds check_setup_max{10};
  // A stream whose client neither sends nor reads for so long is ended.
  std::chrono::seconds stream_idle_max{600};
  // An export or an upload that takes longer is ended, however it moves: both hold a data version.
  std::chrono::seconds snapshot_stream_max{3'600};
  // A connection that has not said who it is and what it speaks within so long is closed.
  std::chrono::seconds handshake_max{10};
  // A connection that does not answer a ping within the timeout is closed.
  std::chrono::seconds keepalive_interval{60};
  std::chrono::seconds keepalive_timeout{20};
  std::chrono::seconds client_ping_interval_min{10};

  // Unary calls that run for so long get a line in the log (slow_call.h). 0: none does.
  std::chrono::milliseconds slow_call_min{500};
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
