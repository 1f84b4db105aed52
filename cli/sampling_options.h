// --sample and its kin: estimates from a fraction of the users. Thread-compatible.
//
//   AddSamplingOptions(*command, arguments->sampling);   // --sample, --sample-salt, --confidence
//   ...
//   absl::StatusOr<std::optional<v1::Sampling>> sampling = MakeSampling(arguments.sampling);
//   if (!sampling.ok()) return ReportUsage(sampling.status(), options);
#ifndef THRONG_CLI_SAMPLING_OPTIONS_H_
#define THRONG_CLI_SAMPLING_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "cli/json_output.h"
#include "throng/v1/sampling.pb.h"

namespace throng::cli {

// As given on the command line. A plain value; not synchronised.
struct SamplingOptions {
  std::string fraction;  // "1%", "0.25%"; empty: everybody is counted
  std::string salt;
  std::string confidence;  // "99%"; empty: 95 %
};

// `options` must outlive `command`.
void AddSamplingOptions(CLI::App& command, SamplingOptions& options);

// Absent: no sample is asked for. Errors: kInvalidArgument (what is no percentage, a salt or a
// confidence without a fraction), all of them errors of usage.
absl::StatusOr<std::optional<v1::Sampling>> MakeSampling(const SamplingOptions& options);

// "1.5%" in millionths, exactly: at most four digits after the point. Absent: it is none.
std::optional<std::uint64_t> PercentInMillionths(std::string_view text);

// "99%" is 0.99. Errors: kInvalidArgument (no percentage, below 50 %, 100 % and more).
absl::StatusOr<double> ParseConfidence(const std::string& text);

// "12,100 to 12,600, 95 %; 1 % of users looked at".
std::string RangeText(const v1::SampleRange& range, const v1::SampleReport& sample);

Json RangeJson(const v1::SampleRange& range);
Json SampleJson(const v1::SampleReport& sample);

}  // namespace throng::cli

#endif  // THRONG_CLI_SAMPLING_OPTIONS_H_
