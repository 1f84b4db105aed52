#include "benchmarks/concurrent_callers.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <thread>
#include <utility>

#include "benchmarks/bench_session.h"
#include "benchmarks/selection_queries.h"
#include "fmt/format.h"
#include "index/mutex.h"

namespace throng::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint32_t kUsersACommit = 100;

double Seconds(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The newest snapshot. Thread-safe.
class Published {
 public:
  explicit Published(index::SnapshotRef snapshot) : snapshot_(std::move(snapshot)) {}

  index::SnapshotRef Get() {
    index::MutexLock lock(mutex_);
    return snapshot_;
  }
  void Set(index::SnapshotRef snapshot) {
    {
      index::MutexLock lock(mutex_);
      snapshot_.swap(snapshot);
    }
    // The old one is given up here, outside the lock.
  }

 private:
  index::Mutex mutex_;
  index::SnapshotRef snapshot_ THRONG_GUARDED_BY(mutex_);
};

double Quantile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto at = static_cast<size_t>(share * static_cast<double>(sorted.size()));
  return sorted[std::min(at, sorted.size() - 1)];
}

// One row: so many callers for so long.
class CallerRun {
 public:
  CallerRun(const CallerOptions& options, index::Parallel& parallel, Published& published)
      : options_(options), parallel_(parallel), published_(published) {}

  CallerFigures Run(uint32_t callers, uint32_t population_users, bool writing) {
    std::vector<std::vector<double>> latencies(callers);
    std::vector<std::thread> threads;
    const Clock::time_point start = Clock::now();
    for (uint32_t caller = 0; caller < callers; ++caller) {
      threads.emplace_back([this, caller, &latencies] { Call(caller, &latencies[caller]); });
    }
    if (writing) threads.emplace_back([this, population_users] { Write(population_users); });
    std::this_thread::sleep_for(std::chrono::duration<double>(options_.seconds));
    stop_ = true;
    for (std::thread& thread : threads) thread.join();
    const double seconds = Seconds(start);
    std::vector<double> all;
    for (const auto& one : latencies) all.insert(all.end(), one.begin(), one.end());
    std::sort(all.begin(), all.end());
    return {.callers = callers,
            .writing = writing,
            .queries_per_second = static_cast<double>(all.size()) / seconds,
            .p50_us = Quantile(all, 0.5),
            .p99_us = Quantile(all, 0.99),
            .commits_per_second = static_cast<double>(commits_.load()) / seconds};
  }

 private:
  void Call(uint32_t caller, std::vector<double>* latencies) {
    Random random(options_.seed * 1000 + caller);
    const std::vector<std::string>& texts = ShortQueryTexts();
    while (!stop_) {
      const std::string& text = texts[random.Next() % texts.size()];
      const Clock::time_point before = Clock::now();
      BenchSession(published_.Get(), parallel_).Count(text);
      latencies->push_back(Seconds(before) * 1e6);
    }
  }

  void Write(uint32_t population_users) {
    index::Parallel own(1);  // as the engine's writer has
    RewriteDrawer drawer(population_users, options_.seed + 1);
    const Clock::time_point start = Clock::now();
    while (!stop_) {
      const index::SnapshotRef head = published_.Get();
      const index::CommitRecord record =
          drawer.Draw(drawer.DrawUsers(kUsersACommit), head->data_version() + 1);
      published_.Set(index::Apply(*head, record, own));
      ++commits_;
      if (options_.commits_per_second == 0) continue;
      const double due = static_cast<double>(commits_) / options_.commits_per_second;
      std::this_thread::sleep_until(start + std::chrono::duration<double>(due));
    }
  }

  const CallerOptions& options_;
  index::Parallel& parallel_;
  Published& published_;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> commits_{0};
};

}  // namespace

std::vector<CallerFigures> RunCallers(const CallerOptions& options, index::Parallel& parallel,
                                      BenchPopulation* population) {
  fmt::print("{:>8} {:>8} {:>12} {:>12} {:>12} {:>12}\n", "callers", "writer", "queries/s",
             "p50 us", "p99 us", "commits/s");
  Published published(std::exchange(population->snapshot, nullptr));
  std::vector<CallerFigures> rows;
  for (const bool writing : {false, true}) {
    for (uint32_t callers : options.callers) {
      const CallerFigures row =
          CallerRun(options, parallel, published).Run(callers, population->users, writing);
      fmt::print("{:>8} {:>8} {:>12.0f} {:>12.1f} {:>12.1f} {:>12.0f}\n", row.callers,
                 row.writing ? "yes" : "no", row.queries_per_second, row.p50_us, row.p99_us,
                 row.commits_per_second);
      std::fflush(stdout);
      rows.push_back(row);
    }
  }
  population->snapshot = published.Get();
  return rows;
}

}  // namespace throng::bench
