#include "server/service/engine_metrics.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "index/error.h"
#include "server/engine/engine.h"

namespace throng::service {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

double Seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

// A sample of a counter or a gauge.
ClientMetric Sample(double value, Labels labels = {}) {
  ClientMetric sample;
  sample.label = std::move(labels);
  sample.counter.value = value;  // the type of the family says which of them is read
  sample.gauge.value = value;
  return sample;
}

// One number of each population; a population without it has no sample.
struct PopulationRow {
  const char* name;
  const char* help;
  std::optional<double> (*value)(const engine::PopulationStats&);
};

constexpr PopulationRow kPopulationGauges[] = {
    {"throng_population_users", "Users of the newest data version.",
     [](const engine::PopulationStats& stats) -> std::optional<double> {
       return static_cast<double>(stats.user_count);
     }},
    {"throng_population_tags", "Tags in the catalogue.",
     [](const engine::PopulationStats& stats) -> std::optional<double> { return stats.tag_count; }},
    {"throng_population_data_version", "The newest data version: one more for each commit.",
     [](const engine::PopulationStats& stats) -> std::optional<double> {
       return static_cast<double>(stats.data_version);
     }},
    {"throng_population_folded_version", "The data version of the base blocks.",
     [](const engine::PopulationStats& stats) -> std::optional<double> {
       return static_cast<double>(stats.folded_version);
     }},
    {"throng_population_log_bytes", "Change log that is not yet folded into the base blocks.",
     [](const engine::PopulationStats& stats) -> std::optional<double> {
       return static_cast<double>(stats.log_bytes);
     }},
    {"throng_population_last_fold_duration_seconds", "Time of the last fold of the log.",
     [](const engine::PopulationStats& stats) -> std::optional<double> {
       if (!stats.last_fold.has_value()) return std::nullopt;
       return Seconds(*stats.last_fold);
     }},
    {"throng_population_commit_duration_max_seconds", "The longest commit since the start.",
     [](const engine::PopulationStats& stats) -> std::optional<double> {
       return Seconds(stats.commits.longest);
     }},
    {"throng_population_leased_versions", "Data versions kept because they were handed out.",
     [](const engine::PopulationStats& stats) -> std::optional<double> {
       return stats.leased_versions;
     }},
    {"throng_population_oldest_leased_version", "The oldest data version that is kept.",
     [](const engine::PopulationStats& stats) -> std::optional<double> {
       if (stats.leased_versions == 0) return std::nullopt;
       return static_cast<double>(stats.oldest_leased_version);
     }},
    {"throng_population_older_versions", "Data versions before the newest that are in memory.",
     [](const engine::PopulationStats& stats) -> std::optional<double> {
       return stats.older_versions.count;
     }},
    {"throng_population_oldest_version_age_seconds",
     "How long ago the oldest data version in memory was replaced; 0: only the newest is there.",
     [](const engine::PopulationStats& stats) -> std::optional<double> {
       return Seconds(stats.older_versions.oldest_age);
     }},
    {"throng_population_older_versions_bytes", "Memory that only older data versions hold.",
     [](const engine::PopulationStats& stats) -> std::optional<double> {
       return static_cast<double>(stats.older_versions.bytes);
     }},
};

constexpr PopulationRow kPopulationCounters[] = {
    {"throng_population_cells_written_total", "Values of users written and loaded since the start.",
     [](const engine::PopulationStats& stats) -> std::optional<double> {
       return static_cast<double>(stats.commits.cells);
     }},
};

// What memory holds, by the value of the label `kind`.
std::vector<std::pair<const char*, uint64_t>> MemoryByKind(const engine::PopulationStats& stats) {
  const index::MemoryUse& memory = stats.memory;
  return {{"bitmap_arrays", memory.bitmaps.arrays.bytes},
          {"bitmap_bitsets", memory.bitmaps.bitsets.bytes},
          {"bitmap_runs", memory.bitmaps.runs.bytes},
          {"bitmap_small", memory.bitmaps.small.bytes},
          {"bitmap_deltas", memory.bitmaps.deltas},
          {"bitmap_overhead", memory.bitmaps.overhead},
          {"number_columns", memory.number_columns},
          {"code_columns", memory.code_columns},
          {"column_deltas", memory.column_deltas},
          {"ids", memory.ids},
          {"linked_ids", memory.linked_ids},
          {"value_dictionaries", memory.value_dictionaries},
          {"crowds", memory.crowds}};
}

MetricFamily MemoryFamily(const std::vector<engine::PopulationStats>& populations) {
  MetricFamily family{"throng_population_memory_bytes",
                      "Memory of the newest data version, by what it holds.",
                      MetricType::Gauge,
                      {}};
  for (const engine::PopulationStats& stats : populations) {
    for (const auto& [kind, bytes] : MemoryByKind(stats)) {
      family.metric.push_back(
          Sample(static_cast<double>(bytes), {{"population", stats.name}, {"kind", kind}}));
    }
  }
  return family;
}

// A summary without quantiles: how many there were and how long all of them took.
MetricFamily CommitFamily(const std::vector<engine::PopulationStats>& populations) {
  MetricFamily family{"throng_population_commit_duration_seconds",
                      "Time of commits from the call until visible, since the start.",
                      MetricType::Summary,
                      {}};
  for (const engine::PopulationStats& stats : populations) {
    ClientMetric sample;
    sample.label = {{"population", stats.name}};
    sample.summary.sample_count = stats.commits.count;
    sample.summary.sample_sum = Seconds(stats.commits.total);
    family.metric.push_back(std::move(sample));
  }
  return family;
}

MetricFamily RowFamily(const PopulationRow& row, MetricType type,
                       const std::vector<engine::PopulationStats>& populations) {
  MetricFamily family{row.name, row.help, type, {}};
  for (const engine::PopulationStats& stats : populations) {
    const std::optional<double> value = row.value(stats);
    if (value.has_value()) family.metric.push_back(Sample(*value, {{"population", stats.name}}));
  }
  return family;
}

void AddPopulations(const std::vector<engine::PopulationStats>& populations,
                    std::vector<MetricFamily>* families) {
  for (const PopulationRow& row : kPopulationGauges) {
    families->push_back(RowFamily(row, MetricType::Gauge, populations));
  }
  for (const PopulationRow& row : kPopulationCounters) {
    families->push_back(RowFamily(row, MetricType::Counter, populations));
  }
  families->push_back(CommitFamily(populations));
  families->push_back(MemoryFamily(populations));
}

void AddWriteState(const storage::WriteState& state, std::vector<MetricFamily>* families) {
  const bool is_read_only = !state.error.ok();
  const std::optional<index::ErrorDetail> detail = index::GetErrorDetail(state.error);
  const bool is_full = is_read_only && detail.has_value() && detail->reason == "DISK_FULL";
  families->push_back({"throng_store_read_only",
                       "1 while writes are refused for the reason, else 0.",
                       MetricType::Gauge,
                       {Sample(is_full, {{"reason", "DISK_FULL"}}),
                        Sample(is_read_only && !is_full, {{"reason", "READ_ONLY"}})}});
  double seconds = 0;
  if (is_read_only) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    seconds = std::max(0.0, Seconds(now - std::chrono::microseconds(state.since_us)));
  }
  families->push_back({"throng_store_read_only_seconds",
                       "How long writes have been refused; 0: they are accepted.",
                       MetricType::Gauge,
                       {Sample(seconds)}});
  families->push_back({"throng_store_resume_attempts_total",
                       "Attempts to accept writes again, since the start.",
                       MetricType::Counter,
                       {Sample(static_cast<double>(state.resume_attempts))}});
}

}  // namespace

std::vector<MetricFamily> EngineMetrics::Collect() const {
  const absl::StatusOr<engine::Engine*> engine = gate_.Enter();
  const bool is_serving = engine.ok() && *engine != nullptr;
  std::vector<MetricFamily> families;
  families.push_back({"throng_build_info",
                      "1, with the version of throngd.",
                      MetricType::Gauge,
                      {Sample(1, {{"version", THRONG_VERSION}})}});
  families.push_back({"throng_serving",
                      "1 while calls are answered, 0 while the server loads or stops.",
                      MetricType::Gauge,
                      {Sample(is_serving)}});
  families.push_back({"throng_loading_ratio",
                      "How much of the data is loaded, from 0 to 1.",
                      MetricType::Gauge,
                      {Sample(is_serving ? 1 : gate_.loading_percent() / 100.0)}});
  if (!is_serving) return families;
  const absl::StatusOr<engine::ServerStats> stats =
      (*engine)->administration().Stats(engine::CallContext(), "");
  if (!stats.ok()) return families;
  AddWriteState(stats->write_state, &families);
  const engine::PackageJobCounts jobs = (*engine)->packages().JobCounts();
  families.push_back({"throng_package_jobs",
                      "Jobs that write packages, by state.",
                      MetricType::Gauge,
                      {Sample(jobs.running, {{"state", "running"}}),
                       Sample(jobs.waiting, {{"state", "waiting"}})}});
  AddPopulations(stats->populations, &families);
  return families;
}

}  // namespace throng::service
