// Refreshing many crowds: in one call, and one by one.
//
//   build/bench/bin/crowd_bench --users=10000000 --crowds=1000 --seed=1
//   --dir=/var/tmp/throng-crowds
//
// Runs the engine in process on a real directory with synced commits. Users have the 13 tags of
// write_bench. A rule has five parts, one of which it shares: there are `--shared` different ones
// of these, each in as many crowds as the others. Rules are drawn by the seed; both ways refresh
// crowds that have a version already, which changes nothing, so that both write the same.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "benchmarks/flags.h"
#include "benchmarks/random.h"
#include "benchmarks/write_rows.h"
#include "fmt/format.h"
#include "server/engine/engine.h"

namespace throng::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  uint32_t users = 1'000'000;
  uint32_t crowds = 1'000;
  uint32_t shared = 10;
  uint32_t runs = 3;
  uint64_t seed = 1;
  uint32_t query_threads = 0;
  std::string directory = "/tmp/throng_crowd_bench";
};

double Seconds(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

template <typename T>
T Must(absl::StatusOr<T> result) {
  if (result.ok()) return *std::move(result);
  fmt::print(stderr, "{}\n", result.status().ToString());
  std::exit(1);
}

// "tag in ('v1', ...)" of `many` values.
std::string AnyOf(const char* tag, uint32_t values, uint32_t many, Random& random) {
  std::string text;
  for (uint32_t i = 0; i < many; ++i) {
    text += fmt::format("{}'v{}'", text.empty() ? "" : ", ", random.Next() % values);
  }
  return fmt::format("{} in ({})", tag, text);
}

std::string SharedPart(Random& random) {
  return fmt::format("({} or views_7d > {} or {})", AnyOf("city", 300, 20, random),
                     random.Next() % 20 + 5, AnyOf("interests", 200, 5, random));
}

std::string Rule(const std::string& shared, Random& random) {
  return fmt::format("{} and {} and {} and not {} and spend > {}", shared,
                     AnyOf("age_band", 8, 3, random), AnyOf("channel", 50, 10, random),
                     AnyOf("membership", 5, 1, random), random.Next() % 1'000);
}

class Bench {
 public:
  explicit Bench(const Options& options) : options_(options) {}

  void Run() {
    std::filesystem::remove_all(options_.directory);
    engine_ = Must(engine::Engine::Open(
        {.directory = options_.directory, .query_threads = options_.query_threads}));
    Load();
    Create();
    Must(engine_->crowds().Refresh(context_, {.names = names_}, {}));
    std::vector<double> one_call;
    std::vector<double> one_by_one;
    for (uint32_t run = 0; run < options_.runs; ++run) {  // in turns, so that drift hits both
      one_call.push_back(TimeOneCall());
      one_by_one.push_back(TimeOneByOne());
    }
    std::sort(one_call.begin(), one_call.end());
    std::sort(one_by_one.begin(), one_by_one.end());
    const double together = one_call[one_call.size() / 2];
    const double apart = one_by_one[one_by_one.size() / 2];
    fmt::print("{} users, {} crowds, one part in five of {} shared ones\n", options_.users,
               options_.crowds, options_.shared);
    fmt::print("one call {:.2f} s, one by one {:.2f} s: {:.1f} times as fast\n", together, apart,
               apart / together);
    engine_.reset();
    std::filesystem::remove_all(options_.directory);
  }

 private:
  void Load() {
    engine::LoadHeader header{.unknown_ids = engine::UnknownIds::kCreate};
    for (const index::TagDefinition& tag : WriteTags()) {
      Must(engine_->tags().Create(context_, "default", tag, {}));
      header.tags.push_back(tag.name);
    }
    const auto load = Must(engine_->writer().StartLoad(context_, header));
    uint64_t seed = options_.seed;
    for (uint32_t first = 0; first < options_.users; first += engine::kBatchRowsMax) {
      const WriteRows batch(first, std::min(engine::kBatchRowsMax, options_.users - first), ++seed);
      Must(load->Write(context_, batch.view()));
    }
    Must(load->Finish(context_));
  }

  void Create() {
    Random random(options_.seed);
    std::vector<std::string> shared;
    for (uint32_t i = 0; i < options_.shared; ++i) shared.push_back(SharedPart(random));
    for (uint32_t i = 0; i < options_.crowds; ++i) {
      names_.push_back(fmt::format("crowd_{}", i));
      Must(engine_->crowds().Create(
          context_,
          {.name = names_.back(), .rule = Rule(shared[i % shared.size()], random), .keep_last = 1},
          {}));
    }
  }

  // Nothing was written meanwhile: whoever came or went was computed wrong.
  static void MustChangeNothing(const engine::RefreshResult& result) {
    for (const engine::RefreshedCrowd& crowd : result.crowds) {
      const index::CrowdVersion& version = crowd.computed.version;
      if (version.added + version.removed == 0) continue;
      fmt::print(stderr, "{} came out otherwise\n", crowd.name);
      std::exit(1);
    }
  }

  double TimeOneCall() {
    const Clock::time_point start = Clock::now();
    MustChangeNothing(Must(engine_->crowds().Refresh(context_, {.names = names_}, {})));
    return Seconds(start);
  }

  double TimeOneByOne() {
    const Clock::time_point start = Clock::now();
    for (const std::string& name : names_) {
      MustChangeNothing(Must(engine_->crowds().Refresh(context_, {.names = {name}}, {})));
    }
    return Seconds(start);
  }

  const Options options_;
  const engine::CallContext context_ = engine::CallContext::Internal();
  std::unique_ptr<engine::Engine> engine_;
  std::vector<std::string> names_;
};

}  // namespace
}  // namespace throng::bench

int main(int argc, char** argv) {
  using throng::bench::TakeNumber;
  throng::bench::Options options;
  options.users = static_cast<uint32_t>(TakeNumber(&argc, argv, "users", options.users));
  options.crowds = static_cast<uint32_t>(TakeNumber(&argc, argv, "crowds", options.crowds));
  options.shared = static_cast<uint32_t>(TakeNumber(&argc, argv, "shared", options.shared));
  options.runs = static_cast<uint32_t>(TakeNumber(&argc, argv, "runs", options.runs));
  options.seed = TakeNumber(&argc, argv, "seed", options.seed);
  options.query_threads = static_cast<uint32_t>(TakeNumber(&argc, argv, "threads", 0));
  options.directory = throng::bench::TakeText(&argc, argv, "dir").value_or(options.directory);
  if (argc > 1 || options.shared == 0 || options.runs == 0) {
    fmt::print(stderr,
               "usage: crowd_bench [--users=N] [--crowds=N] [--shared=N] [--runs=N] [--seed=S] "
               "[--threads=N] [--dir=DIR]\n");
    return 2;
  }
  throng::bench::Bench(options).Run();
  return 0;
}
