#include "server/service/call_pools.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <thread>

namespace throng::service {
namespace {

using access::Right;

// What takes longer may wait longer.
constexpr int kLongWaits = 5;

// Besides the insights.
constexpr std::array<std::string_view, 9> kAnalyses = {
    "CrowdService/RefreshCrowd",   "CrowdService/BatchRefreshCrowds",
    "CrowdService/FreezeCrowd",    "CrowdService/DiffCrowdVersions",
    "SplitService/CreateSplit",    "SplitService/GetSplitBalance",
    "SplitService/AllocateCrowds", "MembershipService/BatchCheck",
    "AdminService/GetStats"};

uint32_t Threads(uint32_t said, uint32_t a_core, uint32_t least) {
  if (said != 0) return said;
  return std::max(least, a_core * std::max(1u, std::thread::hardware_concurrency()));
}

PoolOptions Options(const char* name, uint32_t threads, LoadMetrics& metrics) {
  return {.what = name, .threads = threads, .observer = metrics.PoolObserverOf(name)};
}

PoolBounds UnaryBounds(const ServiceLimits& limits, int waits) {
  return {.queued_max = limits.calls_queued_max,
          .wait_max = limits.call_wait_max * waits,
          .wait_target = limits.call_wait_target * waits,
          .owner_jobs_max = limits.caller_calls_max};
}

PoolBounds StreamBounds(const ServiceLimits& limits) {
  return {.queued_max = 0, .owner_jobs_max = limits.caller_streams_max};
}

}  // namespace

CallKind KindOf(const AccessRule& rule) {
  const std::string_view method = rule.method;
  if (method.starts_with("InsightService/") ||
      std::find(kAnalyses.begin(), kAnalyses.end(), method) != kAnalyses.end()) {
    return CallKind::kAnalysis;
  }
  constexpr std::array kReads = {Right::kBrowse, Right::kCount, Right::kCheck, Right::kPortrait};
  const bool reads = std::find(kReads.begin(), kReads.end(), rule.right) != kReads.end() ||
                     method == "SelectionService/ListMembers" || method == "UserService/ResolveIds";
  return reads ? CallKind::kRead : CallKind::kWrite;
}

CallPools::CallPools(const ServiceLimits& limits, LoadMetrics& metrics)
    : reads_(Options(kReadsPool, Threads(limits.read_threads, 2, 2), metrics),
             UnaryBounds(limits, 1)),
      analyses_(Options(kAnalysesPool, Threads(limits.analysis_threads, 1, 2), metrics),
                UnaryBounds(limits, kLongWaits)),
      writes_(Options(kWritesPool, limits.write_threads, metrics), UnaryBounds(limits, kLongWaits)),
      exports_(Options(kExportsPool, limits.export_streams_max, metrics), StreamBounds(limits)),
      loads_(Options(kLoadsPool, limits.load_streams_max, metrics), StreamBounds(limits)) {}

WorkerPool& CallPools::Of(CallKind kind) {
  switch (kind) {
    case CallKind::kRead:
      return reads_;
    case CallKind::kAnalysis:
      return analyses_;
    case CallKind::kWrite:
      return writes_;
  }
  return writes_;
}

void CallPools::SetLimits(const ServiceLimits& limits) {
  reads_.SetBounds(UnaryBounds(limits, 1));
  analyses_.SetBounds(UnaryBounds(limits, kLongWaits));
  writes_.SetBounds(UnaryBounds(limits, kLongWaits));
  exports_.SetBounds(StreamBounds(limits));
  loads_.SetBounds(StreamBounds(limits));
}

}  // namespace throng::service
