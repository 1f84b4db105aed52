#include "benchmarks/side_by_side.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "fmt/format.h"

namespace throng::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint32_t kRunsInTurn = 5;
constexpr uint32_t kSlowRuns = 7;
constexpr double kSlowUs = 1e6;
constexpr double kRunUs = 50;  // a shorter query is repeated within a run

double Microseconds(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

// One side of a query and the times of its runs.
class Side {
 public:
  explicit Side(const std::function<void(Answer*)>& run) : run_(run) {
    run_(&answer_);
    first_answer_ = answer_;
    const double once_us = RunOnce();
    repeats_ = static_cast<uint32_t>(std::clamp(kRunUs / once_us, 1.0, 10'000.0));
  }

  void Run(uint32_t runs) {
    for (uint32_t i = 0; i < runs; ++i) times_us_.push_back(RunOnce());
  }
  const Answer& answer() const { return first_answer_; }
  double last_us() const { return last_us_; }
  double MedianUs() {
    std::sort(times_us_.begin(), times_us_.end());
    const size_t middle = times_us_.size() / 2;
    return times_us_.size() % 2 == 1 ? times_us_[middle]
                                     : (times_us_[middle - 1] + times_us_[middle]) / 2;
  }

 private:
  double RunOnce() {
    const Clock::time_point start = Clock::now();
    for (uint32_t i = 0; i < repeats_; ++i) run_(&answer_);
    last_us_ = Microseconds(start) / repeats_;
    return last_us_;
  }

  const std::function<void(Answer*)>& run_;
  uint32_t repeats_ = 1;
  Answer answer_;
  Answer first_answer_;
  double last_us_ = 0;
  std::vector<double> times_us_;
};

Timing TimeQuery(const SelectionQuery& query, const TimingOptions& options) {
  Side throng(query.throng);
  Side reference(query.reference);
  if (throng.answer() != reference.answer()) {
    fmt::print(stderr, "{}: the engine and the reference disagree ({} and {} users)\n", query.name,
               throng.answer().at(0), reference.answer().at(0));
    std::exit(1);
  }
  const bool slow = throng.last_us() + reference.last_us() > kSlowUs;
  const uint32_t runs_min = slow ? std::min(kSlowRuns, options.runs) : options.runs;
  const Clock::time_point start = Clock::now();
  uint32_t runs = 0;
  while (runs < runs_min || (!slow && Microseconds(start) < options.min_time * 1e6)) {
    const uint32_t turn = slow ? 1 : kRunsInTurn;
    throng.Run(turn);
    reference.Run(turn);
    runs += turn;
  }
  return {.name = query.name,
          .title = query.title,
          .users = throng.answer().at(0),
          .runs = runs,
          .throng_us = throng.MedianUs(),
          .reference_us = reference.MedianUs(),
          .operand_bytes = query.operand_bytes};
}

// Three digits and more.
std::string Number(double us) { return fmt::format("{:.{}f}", us, us < 10 ? 3 : us < 100 ? 1 : 0); }

}  // namespace

std::vector<Timing> TimeQueries(const std::vector<SelectionQuery>& queries,
                                const TimingOptions& options) {
  std::vector<Timing> timings;
  for (const SelectionQuery& query : queries) {
    timings.push_back(TimeQuery(query, options));
    fmt::print(stderr, "{} ", query.name);
  }
  fmt::print(stderr, "\n");
  return timings;
}

void PrintTable(const std::vector<Timing>& timings, const std::string& reference) {
  fmt::print("{:<36} {:>12} {:>12} {:>18} {:>8} {:>6} {:>12} {:>8}\n", "query", "users",
             "throng us", reference + " us", "ratio", "runs", "operands MB", "GB/s");
  for (const Timing& row : timings) {
    std::string operands;
    std::string speed;
    if (row.operand_bytes > 0) {
      const auto bytes = static_cast<double>(row.operand_bytes);
      operands = fmt::format("{:.2f}", bytes / 1e6);
      speed = fmt::format("{:.1f}", bytes / row.throng_us / 1e3);
    }
    fmt::print("{:<36} {:>12} {:>12} {:>18} {:>7.2f}x {:>6} {:>12} {:>8}\n",
               row.name + " " + row.title, row.users, Number(row.throng_us),
               Number(row.reference_us), row.ratio(), row.runs, operands, speed);
  }
  fmt::print(
      "Medians. Operands: what the text names, as Throng stores it, once; GB/s: as if it had "
      "been read whole.\n");
}

bool WriteJson(const std::string& path, const std::string& context,
               const std::vector<Timing>& timings) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) return false;
  fmt::print(file, "{{{}, \"queries\": [", context);
  const char* separator = "";
  for (const Timing& row : timings) {
    fmt::print(file,
               "{}\n  {{\"name\": \"{}\", \"title\": \"{}\", \"users\": {}, \"runs\": {}, "
               "\"throng_us\": {:.4f}, \"reference_us\": {:.4f}, \"ratio\": {:.3f}, "
               "\"operand_bytes\": {}}}",
               separator, row.name, row.title, row.users, row.runs, row.throng_us, row.reference_us,
               row.ratio(), row.operand_bytes);
    separator = ",";
  }
  fmt::print(file, "\n]}}\n");
  return std::fclose(file) == 0;
}

}  // namespace throng::bench
