// Invents the sample population: the users of a home-rental company.
//
//   absl::Status status = WriteSamplePopulation({.users = 1'000'000, .seed = 1}, "sample");
//   // sample/users.csv and sample/schema.toml, ready for `throng load`
//
// 25 tags of every type with about 700 values. The values are skewed (a few cities have most
// users), drift along the ids (the company opened city after city, so users near each other are
// alike), hang together (who spends more is a member) and are missing where they would be.
// The same options give the same bytes.
#ifndef THRONG_CLI_SAMPLE_POPULATION_H_
#define THRONG_CLI_SAMPLE_POPULATION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace throng::cli {

struct SampleOptions {
  uint64_t users = 1'000'000;
  uint64_t seed = 1;
};

// The most users a population can have ordinals for.
inline constexpr uint64_t kSampleUsersMax = 4'000'000'000;
// The id of the first user; the others follow.
inline constexpr uint64_t kSampleFirstId = 10'000'001;

// A fast generator of random numbers: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). The same seed
// gives the same numbers everywhere. Thread-compatible.
class SplitMix64 {
 public:
  explicit SplitMix64(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    state_ += 0x9E3779B97F4A7C15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  // In [0, end); end must be more than 0 and below 2^32.
  uint32_t Below(uint32_t end) { return static_cast<uint32_t>(((Next() >> 32) * end) >> 32); }
  // True in `percent` of 100.
  bool Chance(uint32_t percent) { return Below(100) < percent; }

 private:
  uint64_t state_;
};

// Draws 0, 1, 2, ... with probabilities falling as 1/(rank+1)^exponent (Zipf). Immutable, so
// thread-safe.
class ZipfTable {
 public:
  // Over `count` ranks, at most 4,096.
  ZipfTable(uint32_t count, double exponent);
  uint32_t Draw(SplitMix64& random) const { return ranks_[random.Next() >> 48]; }

 private:
  std::vector<uint16_t> ranks_;  // 2^16 equally likely entries
};

// Values of the tags with many.
const std::vector<std::string>& SampleCities();     // 300
const std::vector<std::string>& SampleInterests();  // 200
const std::vector<std::string>& SampleDistricts();  // 120

// The schema of the sample as TOML.
std::string SampleSchema();

// The header and the rows as delimited text, written to users.csv in `directory`, and the schema
// to schema.toml; both replace what is there. Creates the directory.
// Errors: kInvalidArgument (no users, too many), kUnavailable (cannot write).
absl::Status WriteSamplePopulation(const SampleOptions& options, const std::string& directory);

}  // namespace throng::cli

#endif  // THRONG_CLI_SAMPLE_POPULATION_H_
