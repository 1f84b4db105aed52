// Selections on a population of renters, side by side with whole-bitmap CRoaring calls.
//
//   build/bench/bin/selection_bench --users=10000000 --seed=1 --threads=1
//
// Every query runs as text through the whole engine path (parse, resolve, normalise, plan, execute)
// against a reference that has its bitmaps in hand. Before anything is timed, both counts are
// compared: a benchmark of a wrong answer is worth nothing.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "benchmarks/bench_population.h"
#include "benchmarks/flags.h"
#include "benchmarks/reference.h"
#include "fmt/format.h"
#include "query/breakdown_collector.h"
#include "query/executor.h"
#include "query/normalizer.h"
#include "query/parser.h"
#include "query/physical_plan.h"
#include "query/resolver.h"

namespace throng::bench {
namespace {

class NoIds final : public query::IdLookup {
 public:
  std::shared_ptr<const index::OrdinalSet> Lookup(const std::vector<std::string>&,
                                                  const std::vector<uint64_t>&,
                                                  uint64_t*) const override {
    return index::OrdinalSet::Builder().Build();
  }
};

// The engine path from text to plan.
class Session {
 public:
  Session(const BenchPopulation& population, uint32_t threads)
      : snapshot_(*population.snapshot), parallel_(threads) {}

  query::PhysicalPlan Plan(const std::string& text) {
    const index::CatalogueView view(snapshot_.catalogue(), {});
    auto expression = query::Parse(text, {});
    auto resolved = query::Resolve(*expression, view, ids_, *query::MakeTimeContext("", 0));
    if (!resolved.ok()) {
      fmt::print(stderr, "{}: {}\n", text, resolved.status().ToString());
      std::abort();
    }
    return query::MakePhysicalPlan(
        query::Normalize(std::move(resolved->plan), snapshot_.catalogue()), snapshot_);
  }
  uint64_t Count(const std::string& text) {
    return *query::CountUsers(Plan(text), snapshot_, parallel_, {});
  }
  std::vector<query::TagCounts> Breakdown(const std::string& text,
                                          const std::vector<std::string>& tags) {
    std::vector<uint32_t> ids;
    for (const std::string& tag : tags) {
      ids.push_back(snapshot_.catalogue().Find(tag)->definition.id);
    }
    query::BreakdownCollector collector(snapshot_, ids);
    query::Execute(Plan(text), snapshot_, parallel_, {}, collector).IgnoreError();
    return collector.Finish();
  }

 private:
  const index::Snapshot& snapshot_;
  index::Parallel parallel_;
  NoIds ids_;
};

std::vector<uint32_t> Codes(uint32_t first, uint32_t count) {
  std::vector<uint32_t> codes(count);
  std::iota(codes.begin(), codes.end(), first);
  return codes;
}

std::string List(const std::vector<uint32_t>& codes) {
  std::string list;
  for (uint32_t code : codes) list += fmt::format("{}'v{}'", list.empty() ? "" : ", ", code);
  return list;
}

uint64_t Cardinality(const Roaring& bitmap) { return roaring_bitmap_get_cardinality(bitmap.get()); }

struct Query {
  std::string name;
  std::string text;
  std::function<uint64_t(const Reference&)> reference;
};

uint64_t Q3Reference(const Reference& r) {
  const Roaring a(roaring_bitmap_and(r.Value("gender", 0), r.Value("age_band", 0)));
  roaring_bitmap_and_inplace(a.get(), r.Value("device", 0));
  roaring_bitmap_and_inplace(a.get(), r.Value("membership", 0));
  return roaring_bitmap_and_cardinality(a.get(), r.Value("product_type", 0));
}

Roaring Q4Crowd(const Reference& r) {
  Roaring users = r.AnyOf("city", Codes(10, 50));
  roaring_bitmap_and_inplace(users.get(), r.Value("gender", 1));
  roaring_bitmap_andnot_inplace(users.get(), r.Value("is_graduate", 0));
  return users;
}

uint64_t Q5Reference(const Reference& r) {
  const Roaring a(roaring_bitmap_and(r.Value("city", 1), r.Value("device", 0)));
  const Roaring b(roaring_bitmap_andnot(r.Value("channel", 2), r.Value("is_graduate", 0)));
  const Roaring c(roaring_bitmap_and(r.Value("age_band", 1), r.Value("membership", 1)));
  roaring_bitmap_and_inplace(c.get(), r.Value("product_type", 1));
  roaring_bitmap_or_inplace(a.get(), b.get());
  roaring_bitmap_or_inplace(a.get(), c.get());
  return roaring_bitmap_and_cardinality(a.get(), r.Value("gender", 0));
}

std::vector<Query> Queries() {
  const std::string q4 =
      fmt::format("city in ({}) and gender = 'v1' and not is_graduate", List(Codes(10, 50)));
  return {
      {"Q1 one city", "city = 'v1'",
       [](const Reference& r) { return roaring_bitmap_get_cardinality(r.Value("city", 1)); }},
      {"Q2 city and number", "city = 'v1' and views_7d > 3",
       [](const Reference& r) {
         return roaring_bitmap_and_cardinality(r.Value("city", 1), r.AtLeast("views_7d", 4).get());
       }},
      {"Q3 and of 5",
       "gender = 'v0' and age_band = 'v0' and device = 'v0' and membership = 'v0' and "
       "product_type = 'v0'",
       Q3Reference},
      {"Q4 50 cities and not", q4, [](const Reference& r) { return Cardinality(Q4Crowd(r)); }},
      {"Q5 or of ands",
       "((city = 'v1' and device = 'v0') or (channel = 'v2' and not is_graduate) or (age_band = "
       "'v1' and membership = 'v1' and product_type = 'v1')) and gender = 'v0'",
       Q5Reference},
      {"Q6 200 labels minus 3",
       fmt::format("interests in ({}) and not (device = 'v1' or membership = 'v2' or "
                   "lease_expiring)",
                   List(Codes(0, 200))),
       [](const Reference& r) {
         const Roaring users = r.AnyOf("interests", Codes(0, 200));
         roaring_bitmap_andnot_inplace(users.get(), r.Value("device", 1));
         roaring_bitmap_andnot_inplace(users.get(), r.Value("membership", 2));
         roaring_bitmap_andnot_inplace(users.get(), r.Value("lease_expiring", 0));
         return Cardinality(users);
       }},
      {"Q6b 60 labels", fmt::format("interests in ({})", List(Codes(0, 60))),
       [](const Reference& r) { return Cardinality(r.AnyOf("interests", Codes(0, 60))); }},
      {"Q7 two numbers", "spend between 100 and 5000 and last_active_days <= 7",
       [](const Reference& r) {
         const Roaring spend = r.Between("spend", 100, 5000);
         const Roaring recent = r.Between("last_active_days", 0, 7);
         return roaring_bitmap_and_cardinality(spend.get(), recent.get());
       }},
  };
}

const std::vector<std::string>& BreakdownTags() {
  static const auto& tags =
      *new std::vector<std::string>{"city", "age_band", "gender", "interests", "channel"};
  return tags;
}

std::vector<std::vector<uint64_t>> ReferenceBreakdown(const Reference& r) {
  const Roaring crowd = Q4Crowd(r);
  std::vector<std::vector<uint64_t>> counts;
  for (const std::string& tag : BreakdownTags()) {
    counts.emplace_back();
    for (uint32_t code = 0; code < r.value_count(tag); ++code) {
      counts.back().push_back(roaring_bitmap_and_cardinality(crowd.get(), r.Value(tag, code)));
    }
  }
  return counts;
}

[[noreturn]] void Disagree(const std::string& name) {
  fmt::print(stderr, "{}: the engine and the reference disagree\n", name);
  std::exit(1);
}

void Register(Session& session, const Reference& reference) {
  for (const Query& query : Queries()) {
    const uint64_t expected = query.reference(reference);
    if (session.Count(query.text) != expected) Disagree(query.name);
    fmt::print("{:<24} {:>12} users\n", query.name, expected);
    benchmark::RegisterBenchmark(("throng/" + query.name).c_str(),
                                 [&session, text = query.text](benchmark::State& state) {
                                   for (auto _ : state) {
                                     benchmark::DoNotOptimize(session.Count(text));
                                   }
                                 })
        ->Unit(benchmark::kMicrosecond)
        ->UseRealTime();
    benchmark::RegisterBenchmark(("croaring/" + query.name).c_str(),
                                 [&reference, run = query.reference](benchmark::State& state) {
                                   for (auto _ : state) benchmark::DoNotOptimize(run(reference));
                                 })
        ->Unit(benchmark::kMicrosecond)
        ->UseRealTime();
  }
  const std::string q4 = Queries()[3].text;
  const auto counts = ReferenceBreakdown(reference);
  const auto ours = session.Breakdown(q4, BreakdownTags());
  for (size_t i = 0; i < counts.size(); ++i) {
    if (ours[i].counts != counts[i]) Disagree("Q8");
  }
  benchmark::RegisterBenchmark("throng/Q8 breakdown of Q4",
                               [&session, q4](benchmark::State& state) {
                                 for (auto _ : state) {
                                   benchmark::DoNotOptimize(session.Breakdown(q4, BreakdownTags()));
                                 }
                               })
      ->Unit(benchmark::kMicrosecond)
      ->UseRealTime();
  benchmark::RegisterBenchmark("croaring/Q8 breakdown of Q4",
                               [&reference](benchmark::State& state) {
                                 for (auto _ : state) {
                                   benchmark::DoNotOptimize(ReferenceBreakdown(reference));
                                 }
                               })
      ->Unit(benchmark::kMicrosecond)
      ->UseRealTime();
}

int Main(int argc, char** argv) {
  const auto users = static_cast<uint32_t>(TakeNumber(&argc, argv, "users", 1'000'000));
  const uint64_t seed = TakeNumber(&argc, argv, "seed", 1);
  const auto threads = static_cast<uint32_t>(TakeNumber(&argc, argv, "threads", 1));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const BenchPopulation population = MakeBenchPopulation(users, seed);
  const Reference reference(population);
  const index::MemoryUse memory = population.snapshot->memory();
  fmt::print("{} users, seed {}, {} threads\n", users, seed, threads);
  fmt::print("memory: bitmaps {} MB, columns {} MB, ids {} MB; serialized Roaring {} MB\n",
             (memory.bitmap_blocks + memory.bitmap_deltas + memory.bitmap_overhead) >> 20,
             (memory.columns + memory.column_deltas) >> 20, memory.dictionary >> 20,
             reference.serialized_bytes() >> 20);
  Session session(population, threads);
  Register(session, reference);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace throng::bench

int main(int argc, char** argv) { return throng::bench::Main(argc, argv); }
