#include "tests/soak/soak_sample.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/status/status.h"
#include "fmt/format.h"

namespace throng::soak {
namespace {

namespace fs = std::filesystem;

constexpr size_t kThirdSamples = 8;
constexpr double kMebibyte = 1 << 20;

// How a measure may grow from the middle third to the last one.
struct Measure {
  const char* name;
  uint64_t Sample::*value;
  double unit;
  double factor;
  double addend;
};

constexpr Measure kMeasures[] = {
    {"resident memory MiB", &Sample::resident_bytes, kMebibyte, 1.05, 16 * kMebibyte},
    {"file descriptors", &Sample::descriptors, 1, 1, 8},
    {"threads", &Sample::threads, 1, 1, 2},
    {"leased versions", &Sample::leased_versions, 1, 1, 8},
    // It holds the log, which grows to the 16 MiB that are folded, and shrinks again.
    {"directory MiB", &Sample::directory_bytes, kMebibyte, 1.25, 16 * kMebibyte},
};

// Of the samples in [from, to) seconds.
double Median(const std::vector<Sample>& samples, uint64_t Sample::*value, double from, double to) {
  std::vector<double> values;
  for (const Sample& sample : samples) {
    if (sample.seconds >= from && sample.seconds < to) {
      values.push_back(static_cast<double>(sample.*value));
    }
  }
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

}  // namespace

absl::Status ReadProcess(pid_t pid, Sample* sample) {
  const std::string directory = fmt::format("/proc/{}", pid);
  std::ifstream status(fmt::format("{}/status", directory));
  std::string word;
  while (status >> word) {
    uint64_t number = 0;
    if (word == "VmRSS:" && status >> number) sample->resident_bytes = number * 1024;
    if (word == "Threads:" && status >> number) sample->threads = number;
  }
  std::error_code error;
  sample->descriptors = 0;
  for (fs::directory_iterator file(fmt::format("{}/fd", directory), error), end;
       !error && file != end; file.increment(error)) {
    ++sample->descriptors;
  }
  // A process that has ended has no memory, even while it waits to be reaped.
  if (!error && sample->resident_bytes > 0 && sample->threads > 0) return absl::OkStatus();
  return absl::NotFoundError(fmt::format("{} tells nothing of throngd", directory));
}

uint64_t DirectoryBytes(const std::string& directory) {
  uint64_t bytes = 0;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code gone;
    if (entry->is_directory(gone)) {
      bytes += DirectoryBytes(entry->path().string());
    } else if (const uint64_t size = entry->file_size(gone); !gone) {
      bytes += size;
    }
  }
  return bytes;
}

std::string Trend::ToString() const {
  return fmt::format("{:<20} middle third {:10.1f}   last third {:10.1f}   allowed {:10.1f}   {}",
                     name, middle / unit, last / unit, allowed / unit, is_flat() ? "flat" : "GREW");
}

bool AreTooFew(const std::vector<Sample>& samples) {
  return samples.size() < 3 * kThirdSamples || samples.back().seconds < 3 * kThirdSeconds;
}

std::vector<Trend> CompareThirds(const std::vector<Sample>& samples, uint64_t fold_log_bytes) {
  const double third = samples.back().seconds / 3;
  std::vector<Trend> trends;
  const auto add = [&](const char* name, uint64_t Sample::*value, double unit) -> Trend& {
    Trend& trend = trends.emplace_back(Trend{.name = name, .unit = unit});
    trend.middle = Median(samples, value, third, 2 * third);
    trend.last = Median(samples, value, 2 * third, 3 * third + 1);
    return trend;
  };
  for (const Measure& measure : kMeasures) {
    Trend& trend = add(measure.name, measure.value, measure.unit);
    trend.allowed = trend.middle * measure.factor + measure.addend;
  }
  // It goes up and down by itself: what matters is that folds keep up.
  add("log MiB", &Sample::log_bytes, kMebibyte).allowed = 2.0 * static_cast<double>(fold_log_bytes);
  return trends;
}

}  // namespace throng::soak
