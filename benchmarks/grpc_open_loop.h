// Calls that come as callers do, whether the server keeps up or not: at random times of a given
// rate (a Poisson process), none waiting for another. Times count from when a call was due, so that
// a generator that falls behind does not hide a server that does (coordinated omission).
//
//   OpenLoopFigures figures = RunOpenLoop(channels, requests, {.rate = 2'000, .seconds = 10});
//   figures.accepted.Quantile(0.99);    // us
#ifndef THRONG_BENCHMARKS_GRPC_OPEN_LOOP_H_
#define THRONG_BENCHMARKS_GRPC_OPEN_LOOP_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "benchmarks/grpc_calls.h"
#include "grpcpp/channel.h"
#include "throng/v1/selection.pb.h"

namespace throng::bench {

// A value; thread-compatible.
struct OpenLoopOptions {
  double rate = 100;  // calls a second
  double seconds = 10;
  double warm_up_seconds = 1;  // before, not counted
  uint64_t seed = 1;
};

// A value.
struct OpenLoopFigures {
  Latencies accepted;
  Latencies refused;  // RESOURCE_EXHAUSTED
  uint64_t warm_up_refused = 0;
  uint64_t errors = 0;  // anything else
  double seconds = 0;
};

// Makes one of the requests at random each time, over the channels in turn.
OpenLoopFigures RunOpenLoop(const std::vector<std::shared_ptr<grpc::Channel>>& channels,
                            const std::vector<v1::CountRequest>& requests,
                            const OpenLoopOptions& options);

}  // namespace throng::bench

#endif  // THRONG_BENCHMARKS_GRPC_OPEN_LOOP_H_
