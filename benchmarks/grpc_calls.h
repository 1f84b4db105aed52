// Calls of the gRPC benchmark, and what is measured of them.
//
//   EmptyCall empty(world.NewChannel());
//   Latencies us = MeasureInTurn({[&] { empty(); }, [&] { count(); }}, seconds)[1];
//   us.Quantile(0.5);
//
// Any error ends the program.
#ifndef THRONG_BENCHMARKS_GRPC_CALLS_H_
#define THRONG_BENCHMARKS_GRPC_CALLS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "grpcpp/channel.h"
#include "grpcpp/support/status.h"
#include "throng/v1/membership.grpc.pb.h"
#include "throng/v1/selection.grpc.pb.h"

namespace throng::bench {

void MustBeOk(const grpc::Status& status);

// Times of calls, in microseconds. A value.
struct Latencies {
  std::vector<double> us;
  double Quantile(double share);
};

// Makes the calls one after the other in turn, for so long; the times of each.
std::vector<Latencies> MeasureInTurn(const std::vector<std::function<void()>>& calls,
                                     double seconds);
// Calls a second of threads that each make their call for so long.
double MeasureThroughput(const std::vector<std::function<void()>>& callers, double seconds);

// The emptiest call that there is: gRPC's own health service, whose request and answer are 0 and 2
// bytes, which answers on gRPC's thread. Thread-safe, like all here.
class EmptyCall {
 public:
  explicit EmptyCall(std::shared_ptr<grpc::Channel> channel);
  void operator()() const;

 private:
  std::shared_ptr<grpc::Channel> channel_;
};

// One count of a text.
class CountCall {
 public:
  CountCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& text);
  void operator()() const;

 private:
  std::unique_ptr<v1::SelectionService::Stub> stub_;
  v1::CountRequest request_;
};

// A user, another one each time, against crowds. Not thread-safe.
class CheckCall {
 public:
  CheckCall(const std::shared_ptr<grpc::Channel>& channel, const std::vector<std::string>& crowds,
            uint32_t users, uint64_t seed);
  void operator()();

 private:
  std::unique_ptr<v1::MembershipService::Stub> stub_;
  const uint32_t users_;
  uint64_t random_;
  v1::CheckRequest request_;
};

struct StreamFigures {
  double answers_per_second = 0;
  double answers_per_message = 0;
};
// Streams, each on a connection of its own, that ask for users as fast as they are let for so long,
// `checks` a message.
StreamFigures MeasureStreams(const std::vector<std::shared_ptr<grpc::Channel>>& channels,
                             const std::vector<std::string>& crowds, uint32_t users,
                             uint32_t checks, double seconds);

// MB a second of an export of everybody's ids.
double MeasureExport(const std::shared_ptr<grpc::Channel>& channel);

}  // namespace throng::bench

#endif  // THRONG_BENCHMARKS_GRPC_CALLS_H_
