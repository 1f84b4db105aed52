#include "server/service/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>

namespace throng::service {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

// Of /proc/self/stat: proc(5) numbers the fields from 1.
struct ProcessTimes {
  double cpu_ticks = 0;       // utime and stime, fields 14 and 15
  double start_ticks = 0;     // after boot, field 22
  double virtual_bytes = 0;   // field 23
  double resident_pages = 0;  // field 24
};

std::optional<ProcessTimes> ReadProcessTimes() {
  std::ifstream file("/proc/self/stat");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const size_t name_end = text.rfind(')');  // the name may hold anything
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  ProcessTimes times;
  std::string field;
  for (int number = 3; number <= 24 && fields >> field; ++number) {
    if (number == 3) continue;  // the state, a letter
    const double value = std::stod(field);
    if (number == 14 || number == 15) times.cpu_ticks += value;
    if (number == 22) times.start_ticks = value;
    if (number == 23) times.virtual_bytes = value;
    if (number == 24) times.resident_pages = value;
  }
  if (!fields) return std::nullopt;
  return times;
}

// Unix seconds.
std::optional<double> ReadBootTime() {
  std::ifstream file("/proc/stat");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("btime ")) return std::stod(line.substr(6));
  }
  return std::nullopt;
}

std::optional<double> CountOpenFiles() {
  std::error_code error;
  std::filesystem::directory_iterator entry("/proc/self/fd", error);
  double count = 0;
  while (!error && entry != std::filesystem::directory_iterator()) {
    ++count;
    entry.increment(error);
  }
  if (error) return std::nullopt;
  return count - 1;  // the one that lists them
}

std::optional<double> OpenFilesMax() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
  return static_cast<double>(limit.rlim_cur);
}

void Add(const char* name, const char* help, MetricType type, std::optional<double> value,
         std::vector<MetricFamily>* families) {
  if (!value.has_value()) return;
  prometheus::ClientMetric sample;
  sample.counter.value = *value;
  sample.gauge.value = *value;
  families->push_back({name, help, type, {sample}});
}

}  // namespace

std::vector<MetricFamily> ProcessMetrics::Collect() const {
  std::vector<MetricFamily> families;
  Add("process_open_fds", "Open file descriptors.", MetricType::Gauge, CountOpenFiles(), &families);
  Add("process_max_fds", "File descriptors that may be open.", MetricType::Gauge, OpenFilesMax(),
      &families);
  const std::optional<ProcessTimes> times = ReadProcessTimes();
  if (!times.has_value()) return families;
  const double ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  Add("process_cpu_seconds_total", "Processor time, of the user and of the system.",
      MetricType::Counter, times->cpu_ticks / ticks_per_second, &families);
  Add("process_virtual_memory_bytes", "Virtual memory.", MetricType::Gauge, times->virtual_bytes,
      &families);
  Add("process_resident_memory_bytes", "Resident memory.", MetricType::Gauge,
      times->resident_pages * static_cast<double>(sysconf(_SC_PAGESIZE)), &families);
  if (const std::optional<double> boot = ReadBootTime(); boot.has_value()) {
    Add("process_start_time_seconds", "When the process started, in Unix time.", MetricType::Gauge,
        *boot + times->start_ticks / ticks_per_second, &families);
  }
  return families;
}

}  // namespace throng::service
