// Selections on a population of renters, side by side with whole-bitmap CRoaring calls.
//
//   selection_bench --users=10000000 --seed=1 --threads=1
//   selection_bench --users=10000000 --deltas=1 --queries=Q3,Q5 --json=rows.json
//   selection_bench --users=10000000 --insights=1
//   selection_bench --users=10000000 --callers=1,2,8,32 --seconds=3
//
// Every query runs as text through the whole engine path (parse, resolve, normalise, plan, execute)
// against a reference that has its bitmaps in hand and one thread. Before anything is timed, both
// answers are compared: a benchmark of a wrong answer is worth nothing. Insights run against the
// same figures by separate counts through the engine.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "benchmarks/bench_population.h"
#include "benchmarks/bench_session.h"
#include "benchmarks/concurrent_callers.h"
#include "benchmarks/flags.h"
#include "benchmarks/insight_queries.h"
#include "benchmarks/reference.h"
#include "benchmarks/selection_queries.h"
#include "benchmarks/side_by_side.h"
#include "fmt/format.h"
#include "index/layout.h"

namespace throng::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kUsage =
    "usage: selection_bench [--users=N] [--seed=S] [--threads=N] [--deltas=PERCENT]\n"
    "         [--queries=Q3,Q5] [--runs=N] [--min_time=SECONDS] [--json=FILE] [--wait=1]\n"
    "         [--layout=speed|compact] [--insights=1]\n"
    "       selection_bench --callers=1,2,8,32 [--seconds=T] [--commits_per_second=N]\n"
    "         [--users=N] [--seed=S] [--threads=N] [--deltas=PERCENT] [--wait=1]\n"
    "--deltas: so many % of the users are written again after the load, so that they lie in "
    "deltas\n"
    "--insights: times insights beside separate counts instead of selections beside CRoaring\n"
    "--wait: when all is loaded, waits for a line on standard input before it times anything\n";

struct Options {
  uint32_t users = 1'000'000;
  uint64_t seed = 1;
  uint32_t threads = 1;
  double deltas = 0;
  std::vector<std::string> queries;
  TimingOptions timing;
  std::string json;
  bool wait = false;
  bool insights = false;
  CallerOptions callers;
};

std::vector<std::string> Split(const std::string& list) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin < list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    parts.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

double TakeReal(int* argc, char** argv, std::string_view name, double otherwise) {
  const std::optional<std::string> text = TakeText(argc, argv, name);
  return text ? std::atof(text->c_str()) : otherwise;
}

Options ParseOptions(int argc, char** argv) {
  Options options;
  options.users = static_cast<uint32_t>(TakeNumber(&argc, argv, "users", options.users));
  options.seed = TakeNumber(&argc, argv, "seed", options.seed);
  options.threads = static_cast<uint32_t>(TakeNumber(&argc, argv, "threads", options.threads));
  options.deltas = TakeReal(&argc, argv, "deltas", options.deltas);
  options.queries = Split(TakeText(&argc, argv, "queries").value_or(""));
  options.timing.runs = static_cast<uint32_t>(TakeNumber(&argc, argv, "runs", options.timing.runs));
  options.timing.min_time = TakeReal(&argc, argv, "min_time", options.timing.min_time);
  options.json = TakeText(&argc, argv, "json").value_or("");
  const std::string layout = TakeText(&argc, argv, "layout").value_or("speed");
  if (layout == "compact") index::SetLayout(index::Layout::kCompact);
  options.insights = TakeNumber(&argc, argv, "insights", 0) != 0;
  options.wait = TakeNumber(&argc, argv, "wait", 0) != 0;
  for (const std::string& callers : Split(TakeText(&argc, argv, "callers").value_or(""))) {
    options.callers.callers.push_back(static_cast<uint32_t>(std::atoi(callers.c_str())));
  }
  options.callers.seconds = TakeReal(&argc, argv, "seconds", options.callers.seconds);
  options.callers.commits_per_second =
      static_cast<uint32_t>(TakeNumber(&argc, argv, "commits_per_second", 0));
  options.callers.seed = options.seed;
  if (argc > 1 || options.users == 0 || (layout != "compact" && layout != "speed")) {
    fmt::print(stderr, "{}", kUsage);
    std::exit(2);
  }
  return options;
}

double Seconds(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

BenchPopulation MakePopulation(const Options& options, index::Parallel& parallel) {
  const Clock::time_point start = Clock::now();
  BenchPopulation population = MakeBenchPopulation(options.users, options.seed, parallel);
  if (options.deltas > 0) RewriteUsers(options.deltas, options.seed, parallel, &population);
  fmt::print("{} users, seed {}, {} threads, {} % written again; made in {:.0f} s\n", options.users,
             options.seed, options.threads, options.deltas, Seconds(start));
  const index::MemoryUse memory = index::MemoryOf(*population.snapshot);
  const index::BitmapMemory& bitmaps = memory.bitmaps;
  fmt::print("memory: bitmaps {} MB, columns {} MB, deltas {} KB, ids {} MB\n",
             (bitmaps.total() - bitmaps.deltas) >> 20, memory.columns() >> 20,
             (bitmaps.deltas + memory.column_deltas) >> 10, memory.ids >> 20);
  std::fflush(stdout);
  return population;
}

void Wait(const Options& options) {
  if (!options.wait) return;
  fmt::print("ready\n");
  std::fflush(stdout);
  while (true) {
    const int c = std::getchar();
    if (c == '\n' || c == EOF) return;
  }
}

std::vector<SelectionQuery> Filtered(std::vector<SelectionQuery> queries,
                                     const std::vector<std::string>& names) {
  if (names.empty()) return queries;
  for (const std::string& name : names) {
    if (std::none_of(queries.begin(), queries.end(),
                     [&](const SelectionQuery& query) { return query.name == name; })) {
      fmt::print(stderr, "there is no query {}\n", name);
      std::exit(2);
    }
  }
  std::erase_if(queries, [&](const SelectionQuery& query) {
    return std::find(names.begin(), names.end(), query.name) == names.end();
  });
  return queries;
}

int TimeAndPrint(const Options& options, const std::vector<SelectionQuery>& queries,
                 const std::string& reference) {
  const std::vector<Timing> timings = TimeQueries(queries, options.timing);
  PrintTable(timings, reference);
  if (options.json.empty()) return 0;
  const std::string context =
      fmt::format("\"users\": {}, \"seed\": {}, \"threads\": {}, \"deltas_percent\": {}",
                  options.users, options.seed, options.threads, options.deltas);
  if (WriteJson(options.json, context, timings)) return 0;
  fmt::print(stderr, "{} cannot be written\n", options.json);
  return 1;
}

int CompareSides(const Options& options, BenchPopulation population, index::Parallel& loading) {
  const Clock::time_point start = Clock::now();
  const Reference reference(population, loading);
  population.columns.clear();
  fmt::print("reference: serialized Roaring {} MB; made in {:.0f} s\n",
             reference.serialized_bytes() >> 20, Seconds(start));
  index::Parallel parallel(options.threads);
  const BenchSession session(population.snapshot, parallel);
  const std::vector<SelectionQuery> queries =
      Filtered(SelectionQueries(session, reference, options.seed), options.queries);
  Wait(options);
  return TimeAndPrint(options, queries, "CRoaring");
}

int CompareInsights(const Options& options, BenchPopulation population) {
  population.columns.clear();
  index::Parallel parallel(options.threads);
  const BenchSession session(population.snapshot, parallel);
  const std::vector<SelectionQuery> queries = Filtered(InsightQueries(session), options.queries);
  Wait(options);
  return TimeAndPrint(options, queries, "separate counts");
}

int Main(int argc, char** argv) {
  const Options options = ParseOptions(argc, argv);
  index::Parallel loading(2);
  BenchPopulation population = MakePopulation(options, loading);
  if (options.insights) return CompareInsights(options, std::move(population));
  if (options.callers.callers.empty()) {
    return CompareSides(options, std::move(population), loading);
  }
  population.columns.clear();
  Wait(options);
  index::Parallel parallel(options.threads);
  RunCallers(options.callers, parallel, &population);
  return 0;
}

}  // namespace
}  // namespace throng::bench

int main(int argc, char** argv) { return throng::bench::Main(argc, argv); }
