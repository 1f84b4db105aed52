// A load of everything at once for a given time, with what each minute was like.
//
//   RunMixedLoad(new_channel, crowds, {.connections = 64, .minutes = 10, .seed = 1});
//
// Each connection makes one call after the other: half of them counts, the rest checks, breakdowns,
// explanations, writes and, rarely, exports.
#ifndef THRONG_BENCHMARKS_GRPC_MIXED_LOAD_H_
#define THRONG_BENCHMARKS_GRPC_MIXED_LOAD_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "grpcpp/channel.h"

namespace throng::bench {

// A value; thread-compatible.
struct MixedLoadOptions {
  uint32_t connections = 64;
  double seconds = 60;
  double row_seconds = 60;  // a row of the table
  uint32_t users = 1'000'000;
  uint64_t seed = 1;
};

// Prints a table: for each row and kind of call how many there were, errors, p50 and p99, and the
// resident memory of this process, in which the server is. Returns the number of errors.
uint64_t RunMixedLoad(const std::function<std::shared_ptr<grpc::Channel>()>& new_channel,
                      const std::vector<std::string>& crowds, const MixedLoadOptions& options);

}  // namespace throng::bench

#endif  // THRONG_BENCHMARKS_GRPC_MIXED_LOAD_H_
