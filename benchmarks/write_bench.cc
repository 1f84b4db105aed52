// Writing: loading, updates of single users, look-ups by id, and the next start.
//
//   build/bench/bin/write_bench --users=10000000 --seed=1 --dir=/var/tmp/throng-write
//
// Runs the engine in process on a real directory with synced commits: what a service call adds is
// not in the figures. Users have 13 tags. The directory is made anew and removed at the end.
// --steps=load,start,lookup,replace,update,count,memory names the measurements of a run, all of
// them unless given. A run without `load` takes the directory as another one left it; one with
// `keep` among its steps leaves it.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "benchmarks/flags.h"
#include "benchmarks/write_rows.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "server/engine/engine.h"

namespace throng::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  uint32_t users = 1'000'000;
  uint64_t seed = 1;
  uint32_t seconds = 5;  // of each measurement of updates
  uint32_t query_threads = 0;
  std::string directory = "/tmp/throng_write_bench";
  std::set<std::string> steps;  // empty: all but "keep"

  bool Has(const std::string& step) const {
    return steps.contains(step) || (steps.empty() && step != "keep");
  }
};

const std::set<std::string>& KnownSteps() {
  static const auto& names = *new std::set<std::string>{"load",   "start", "lookup", "replace",
                                                        "update", "count", "memory", "keep"};
  return names;
}

double Seconds(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

template <typename T>
T Must(absl::StatusOr<T> result) {
  if (result.ok()) return *std::move(result);
  fmt::print(stderr, "{}\n", result.status().ToString());
  std::exit(1);
}

// Times of calls, in microseconds.
struct Latencies {
  std::vector<double> us;

  double Quantile(double q) {
    if (us.empty()) return 0;
    const auto at = static_cast<ptrdiff_t>(q * static_cast<double>(us.size() - 1));
    std::nth_element(us.begin(), us.begin() + at, us.end());
    return us[static_cast<size_t>(at)];
  }
};

uint64_t DirectoryBytes(const std::string& directory) {
  uint64_t bytes = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(directory)) {
    if (file.is_regular_file()) bytes += file.file_size();
  }
  return bytes;
}

// Bytes that this process has had the kernel write to disks. 0 where that is not told.
uint64_t BytesWritten() {
  std::ifstream io("/proc/self/io");
  std::string name;
  uint64_t bytes = 0;
  while (io >> name >> bytes) {
    if (name == "write_bytes:") return bytes;
  }
  return 0;
}

uint64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t pages = 0;
  statm >> pages >> pages;
  return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// How long reading every file takes once they are in the page cache.
double WarmReadSeconds(const std::string& directory) {
  std::vector<char> buffer(1 << 20);
  double seconds = 0;
  for (int pass = 0; pass < 2; ++pass) {
    const Clock::time_point start = Clock::now();
    for (const auto& file : std::filesystem::recursive_directory_iterator(directory)) {
      if (!file.is_regular_file()) continue;
      std::ifstream stream(file.path(), std::ios::binary);
      while (stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size()))) {
      }
    }
    seconds = Seconds(start);
  }
  return seconds;
}

constexpr double kMegabyte = 1 << 20;

class Bench {
 public:
  explicit Bench(const Options& options) : options_(options) {}

  void Run() {
    if (options_.Has("load")) std::filesystem::remove_all(options_.directory);
    Open();
    if (options_.Has("load")) {
      for (const index::TagDefinition& tag : WriteTags()) {
        Must(engine_->tags().Create(context_, "default", tag, {}));
      }
      Load(engine::LoadMode::kUpsert);
    }
    if (options_.Has("start")) Restart();
    if (options_.Has("lookup")) LookUp();
    for (int i = 0; i < 3 && options_.Has("replace"); ++i) Replace();
    if (options_.Has("update")) Updates();
    if (options_.Has("count")) {
      for (const size_t tags : {kTags, kFewTags}) {
        CountWhileWriting(tags, 0, 0);
        CountWhileWriting(tags, 100, 200);
      }
    }
    if (options_.Has("memory")) HoldOldVersions();
    engine_.reset();
    if (!options_.Has("keep")) std::filesystem::remove_all(options_.directory);
  }

 private:
  void Open() {
    engine_ = Must(engine::Engine::Open(
        {.directory = options_.directory, .query_threads = options_.query_threads}));
  }

  void Load(engine::LoadMode mode) {
    engine::LoadHeader header{.mode = mode, .unknown_ids = engine::UnknownIds::kCreate};
    for (const index::TagDefinition& tag : WriteTags()) header.tags.push_back(tag.name);
    const auto load = Must(engine_->writer().StartLoad(context_, header));
    double generated = 0;
    const Clock::time_point start = Clock::now();
    for (uint32_t first = 0; first < options_.users; first += engine::kBatchRowsMax) {
      const Clock::time_point before = Clock::now();
      const uint32_t rows = std::min(engine::kBatchRowsMax, options_.users - first);
      const WriteRows batch(first, rows, ++seed_);
      generated += Seconds(before);
      Must(load->Write(context_, batch.view()));
    }
    Must(load->Finish(context_));
    const double seconds = Seconds(start) - generated;
    fmt::print("{}                 {:>12.0f} rows/s  ({} users of 13 tags, {:.1f} s)\n",
               mode == engine::LoadMode::kUpsert ? "load   " : "replace", options_.users / seconds,
               options_.users, seconds);
  }

  // Of all tags of a user, then of 1 to 3 of them.
  void Updates() {
    for (const size_t tags : {kTags, kFewTags}) {
      for (const bool in_order : {false, true}) {
        for (const uint32_t batch : {1u, 10u, 100u, 1'000u}) Update(batch, 1, in_order, tags);
      }
      for (const uint32_t threads : {2u, 8u}) Update(1, threads, /*in_order=*/false, tags);
      Update(100, 4, /*in_order=*/false, tags);
    }
  }

  // Another content for every tag.
  void Replace() {
    const uint64_t before = BytesWritten();
    Load(engine::LoadMode::kReplace);
    engine_.reset();  // folds
    const uint64_t disk = DirectoryBytes(options_.directory);
    fmt::print("  written {:.0f} MB, on disk {:.0f} MB\n",
               static_cast<double>(BytesWritten() - before) / kMegabyte,
               static_cast<double>(disk) / kMegabyte);
    Open();
  }

  // What deltas and 64 leased versions hold while a caller updates 100 random users a commit.
  void HoldOldVersions() {
    const auto print = [&](const char* when) {
      const auto stats = Must(engine_->administration().Stats(context_, "default"));
      const index::MemoryUse& use = stats.populations[0].memory;
      fmt::print(
          "memory {:<14} blocks {:.0f} MB, deltas {:.1f} MB, columns {:.0f} MB, column deltas "
          "{:.1f} "
          "MB, ids and values {:.0f} MB, resident {:.0f} MB, {} versions leased\n",
          when, static_cast<double>(use.bitmaps.total() - use.bitmaps.deltas) / kMegabyte,
          static_cast<double>(use.bitmaps.deltas) / kMegabyte,
          static_cast<double>(use.columns()) / kMegabyte,
          static_cast<double>(use.column_deltas) / kMegabyte,
          static_cast<double>(use.ids + use.value_dictionaries) / kMegabyte,
          static_cast<double>(ResidentBytes()) / kMegabyte, stats.populations[0].leased_versions);
    };
    print("before");
    Random random(options_.seed + 123);
    for (int i = 0; i < 640; ++i) {
      engine::WriteUsersRequest request{.unknown_ids = engine::UnknownIds::kError};
      for (uint32_t j = 0; j < 100; ++j) {
        request.users.push_back(
            WriteChange(static_cast<uint32_t>(random.Next() % options_.users), random));
      }
      Must(engine_->writer().WriteUsers(context_, request));
      if (i % 10 == 0) Must(engine_->selections().Count(context_, {.what = "city = 'v3'"}));
    }
    print("64 old versions");
  }

  void Restart() {
    Clock::time_point start = Clock::now();
    engine_.reset();
    fmt::print("close (with a fold)  {:>12.1f} s\n", Seconds(start));
    const uint64_t bytes = DirectoryBytes(options_.directory);
    start = Clock::now();
    Open();
    const double seconds = Seconds(start);
    const double read = WarmReadSeconds(options_.directory);
    const auto stats = Must(engine_->administration().Stats(context_, "default"));
    const auto memory = static_cast<double>(stats.populations[0].memory.total());
    fmt::print(
        "start                {:>12.1f} s       ({} MB on disk read warm in {:.1f} s, {:.0f} MB in "
        "memory decoded at 1 GB/s in {:.1f} s: {:.1f}x of both)\n",
        seconds, bytes >> 20, read, memory / kMegabyte, memory / 1e9,
        seconds / (read + memory / 1e9));
  }

  void LookUp() {
    Random random(options_.seed + 7);
    const uint32_t ids = std::min(1'000'000u, options_.users);
    query::IdSet list;
    for (uint32_t i = 0; i < ids; ++i) {
      list.numbers.push_back(WriteId(static_cast<uint32_t>(random.Next() % options_.users)));
    }
    const query::Expression expression{.node = std::move(list)};
    const Clock::time_point start = Clock::now();
    const auto result = Must(engine_->selections().Count(context_, {.what = expression}));
    fmt::print("{} random ids  {:>10.3f} s       (looked up, sorted and counted: {})\n", ids,
               Seconds(start), result.count);
  }

  // Updates `tags` tags of each user, or some of them, `batch` users a commit, from `threads`
  // callers.
  void Update(uint32_t batch, uint32_t threads, bool in_order, size_t tags) {
    std::atomic<uint64_t> users = 0;
    std::vector<Latencies> latencies(threads);
    const Clock::time_point start = Clock::now();
    const Clock::time_point end = start + std::chrono::seconds(options_.seconds);
    std::vector<std::thread> callers;
    for (uint32_t t = 0; t < threads; ++t) {
      callers.emplace_back([&, t] {
        Random random(options_.seed * 100 + t + batch);
        auto next = static_cast<uint32_t>(random.Next() % options_.users);
        while (Clock::now() < end) {
          engine::WriteUsersRequest request{.unknown_ids = engine::UnknownIds::kError};
          for (uint32_t i = 0; i < batch; ++i) {
            next = in_order ? (next + 1) % options_.users
                            : static_cast<uint32_t>(random.Next() % options_.users);
            request.users.push_back(ChangeOf(next, tags, random));
          }
          const Clock::time_point before = Clock::now();
          Must(engine_->writer().WriteUsers(context_, request));
          latencies[t].us.push_back(Seconds(before) * 1e6);
          users += batch;
        }
      });
    }
    for (std::thread& caller : callers) caller.join();
    const double seconds = Seconds(start);
    Latencies all;
    for (Latencies& one : latencies) all.us.insert(all.us.end(), one.us.begin(), one.us.end());
    fmt::print(
        "update {:>4} x {} {} {:>4} tags {:>8.0f} users/s  ({:.0f} commits/s, p50 {:.0f} us, p99 "
        "{:.0f} us)\n",
        batch, threads, in_order ? "in order" : "random  ", tags == kTags ? "13" : "1-3",
        static_cast<double>(users.load()) / seconds, static_cast<double>(all.us.size()) / seconds,
        all.Quantile(0.5), all.Quantile(0.99));
  }

  // A change of all tags, or of 1 to 3.
  static engine::UserChange ChangeOf(uint32_t user, size_t tags, Random& random) {
    engine::UserChange change = WriteChange(user, random);
    if (tags == kTags) return change;
    const size_t kept = 1 + random.Next() % kFewTags;
    for (size_t i = 0; i < kept; ++i) {
      const size_t from = i + random.Next() % (change.changes.size() - i);
      std::swap(change.changes[i], change.changes[from]);
    }
    change.changes.resize(kept);
    return change;
  }

  // Calls `call` one after the other, `rate` times a second, or without a pause if it is 0.
  template <typename Call>
  Latencies Repeat(uint32_t rate, const std::function<bool()>& goes_on, Call call) {
    Latencies latencies;
    Clock::time_point next = Clock::now();
    while (goes_on()) {
      const Clock::time_point before = Clock::now();
      call();
      latencies.us.push_back(Seconds(before) * 1e6);
      if (rate == 0) continue;
      next = std::max(next + std::chrono::nanoseconds(1'000'000'000 / rate), before);
      std::this_thread::sleep_until(next);
    }
    return latencies;
  }

  // A count's latency alone, and while one caller updates 100 random users a commit. With rates,
  // so many counts and commits a second; else both as fast as they go.
  void CountWhileWriting(size_t tags, uint32_t counts, uint32_t commits) {
    const auto count = [&] {
      const Clock::time_point end = Clock::now() + std::chrono::seconds(options_.seconds);
      return Repeat(
          counts, [&] { return Clock::now() < end; },
          [&] { Must(engine_->selections().Count(context_, {.what = kCountQuery})); });
    };
    Latencies idle = count();
    std::atomic<bool> stop = false;
    Latencies writes;
    std::thread writer([&] {
      Random random(options_.seed + 99);
      writes = Repeat(
          commits, [&] { return !stop; },
          [&] {
            engine::WriteUsersRequest request{.unknown_ids = engine::UnknownIds::kError};
            for (uint32_t i = 0; i < 100; ++i) {
              const auto user = static_cast<uint32_t>(random.Next() % options_.users);
              request.users.push_back(ChangeOf(user, tags, random));
            }
            Must(engine_->writer().WriteUsers(context_, request));
          });
    });
    Latencies busy = count();
    stop = true;
    writer.join();
    fmt::print("{} counts/s, idle     p50 {:.0f} us, p99 {:.0f} us\n",
               idle.us.size() / options_.seconds, idle.Quantile(0.5), idle.Quantile(0.99));
    fmt::print(
        "{} counts/s beside {} users/s of {} tags  p50 {:.0f} us, p99 {:.0f} us ({:.1f}x); commits "
        "p50 {:.0f} us, p99 {:.0f} us\n",
        busy.us.size() / options_.seconds, writes.us.size() * 100 / options_.seconds,
        tags == kTags ? "13" : "1-3", busy.Quantile(0.5), busy.Quantile(0.99),
        busy.Quantile(0.99) / idle.Quantile(0.99), writes.Quantile(0.5), writes.Quantile(0.99));
  }

  static constexpr const char* kCountQuery = "city = 'v3' and views_7d > 3";
  static constexpr size_t kTags = 13;
  static constexpr size_t kFewTags = 3;

  const Options options_;
  uint64_t seed_ = options_.seed;  // of the rows loaded last
  const engine::CallContext context_ = engine::CallContext::Internal();
  std::unique_ptr<engine::Engine> engine_;
};

}  // namespace
}  // namespace throng::bench

int main(int argc, char** argv) {
  using throng::bench::TakeNumber;
  throng::bench::Options options;
  options.users = static_cast<uint32_t>(TakeNumber(&argc, argv, "users", options.users));
  options.seed = TakeNumber(&argc, argv, "seed", options.seed);
  options.seconds = static_cast<uint32_t>(TakeNumber(&argc, argv, "seconds", options.seconds));
  options.query_threads = static_cast<uint32_t>(TakeNumber(&argc, argv, "threads", 0));
  options.directory = throng::bench::TakeText(&argc, argv, "dir").value_or(options.directory);
  std::istringstream steps(throng::bench::TakeText(&argc, argv, "steps").value_or(""));
  bool are_known = true;
  for (std::string step; std::getline(steps, step, ',');) {
    are_known &= throng::bench::KnownSteps().contains(step);
    options.steps.insert(step);
  }
  if (argc > 1 || !are_known) {
    fmt::print(stderr,
               "usage: write_bench [--users=N] [--seed=S] [--seconds=T] [--threads=N] "
               "[--dir=DIR] [--steps={}]\n",
               fmt::join(throng::bench::KnownSteps(), ","));
    return 2;
  }
  throng::bench::Bench(options).Run();
  return 0;
}
