// What a server takes at one moment of a soak, and whether it took ever more.
//
//   std::vector<Sample> samples = ...;                     // one every 15 s
//   for (const Trend& trend : CompareThirds(samples, 16 << 20)) {
//     if (!trend.is_flat()) fmt::print("{}\n", trend.ToString());
//   }
//
// The first third of the time is the warm-up; the medians of the last third are compared with those
// of the middle one. Functions here are thread-safe, types are values.
#ifndef THRONG_TESTS_SOAK_SOAK_SAMPLE_H_
#define THRONG_TESTS_SOAK_SOAK_SAMPLE_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace throng::soak {

struct Sample {
  double seconds = 0;  // since the load began
  // Of the process.
  uint64_t resident_bytes = 0;
  uint64_t descriptors = 0;
  uint64_t threads = 0;
  uint64_t directory_bytes = 0;
  // As GetStats says.
  uint64_t log_bytes = 0;
  uint64_t leased_versions = 0;
  uint64_t bitmap_bytes = 0;  // deltas and overhead included
  uint64_t column_bytes = 0;  // deltas included
  uint64_t dictionary_bytes = 0;
  uint64_t folded_version = 0;
  uint64_t commits = 0;
  double commit_mean_ms = 0;  // since the server was started
  double commit_max_ms = 0;
  double last_fold_ms = 0;
  std::vector<uint64_t> calls;  // by kind
};

// Sets what /proc says of the process. Errors: kNotFound when it is gone.
absl::Status ReadProcess(pid_t pid, Sample* sample);

// Bytes of the files below `directory`; files that vanish meanwhile count nothing.
uint64_t DirectoryBytes(const std::string& directory);

// One measure over the time.
struct Trend {
  std::string name;
  double unit = 1;    // by which ToString() divides
  double middle = 0;  // medians
  double last = 0;
  double allowed = 0;  // at most this is flat

  bool is_flat() const { return last <= allowed; }
  std::string ToString() const;
};

// Samples too few or over too short a time to compare: fewer than 8 in a third, or thirds of less
// than kThirdSeconds, in which versions are not leased out and replaced tags not folded yet.
inline constexpr double kThirdSeconds = 120;
bool AreTooFew(const std::vector<Sample>& samples);

// Every measure: resident memory (+5 % and 16 MiB), descriptors (+8), threads (+2), leased versions
// (+8), bytes of the directory (+25 %), bytes of the log (below 2 * fold_log_bytes).
// REQUIRES: at least one sample in each third.
std::vector<Trend> CompareThirds(const std::vector<Sample>& samples, uint64_t fold_log_bytes);

}  // namespace throng::soak

#endif  // THRONG_TESTS_SOAK_SOAK_SAMPLE_H_
