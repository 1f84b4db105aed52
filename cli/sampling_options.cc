#include "cli/sampling_options.h"

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "cli/terminal_text.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

constexpr std::uint64_t kMillionthsOfPercent = 10'000;

std::string PercentText(double share) { return fmt::format("{:.3g} %", share * 100); }

}  // namespace

std::optional<std::uint64_t> PercentInMillionths(std::string_view text) {
  if (!text.ends_with('%')) return std::nullopt;
  text.remove_suffix(1);
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  std::string fraction(point == std::string_view::npos ? "" : text.substr(point + 1));
  const bool is_bare_point = point != std::string_view::npos && fraction.empty();
  if (whole.empty() || whole.size() > 3 || fraction.size() > 4 || is_bare_point) {
    return std::nullopt;
  }
  fraction.resize(4, '0');
  std::uint64_t millionths = 0;
  for (const std::string_view digits : {whole, std::string_view(fraction)}) {
    for (const char digit : digits) {
      if (digit < '0' || digit > '9') return std::nullopt;
      millionths = millionths * 10 + static_cast<std::uint64_t>(digit - '0');
    }
  }
  return millionths;
}

void AddSamplingOptions(CLI::App& command, SamplingOptions& options) {
  command
      .add_option("--sample", options.fraction,
                  "Look only at so many of the users, and estimate: 1%, 0.25%")
      ->type_name("PERCENT");
  command.add_option("--sample-salt", options.salt, "Another text picks another sample")
      ->type_name("TEXT");
  command
      .add_option("--confidence", options.confidence,
                  "That the number is within the range printed; default 95%")
      ->type_name("PERCENT");
}

absl::StatusOr<std::optional<v1::Sampling>> MakeSampling(const SamplingOptions& options) {
  if (options.fraction.empty()) {
    if (options.salt.empty() && options.confidence.empty()) return std::optional<v1::Sampling>();
    return absl::InvalidArgumentError("--sample-salt and --confidence go with --sample");
  }
  const std::optional<std::uint64_t> fraction = PercentInMillionths(options.fraction);
  if (!fraction.has_value() || *fraction < 1 || *fraction >= 100 * kMillionthsOfPercent) {
    return absl::InvalidArgumentError(fmt::format(
        "--sample: \"{}\" is not between 0.0001% and 99.9999%; without it everybody is counted",
        options.fraction));
  }
  v1::Sampling sampling;
  sampling.set_millionths(static_cast<std::uint32_t>(*fraction));
  sampling.set_salt(options.salt);
  if (options.confidence.empty()) return sampling;
  const absl::StatusOr<double> confidence = ParseConfidence(options.confidence);
  if (!confidence.ok()) return confidence.status();
  sampling.set_confidence(*confidence);
  return sampling;
}

absl::StatusOr<double> ParseConfidence(const std::string& text) {
  const std::optional<std::uint64_t> millionths = PercentInMillionths(text);
  if (millionths.has_value() && *millionths >= 50 * kMillionthsOfPercent &&
      *millionths < 100 * kMillionthsOfPercent) {
    return static_cast<double>(*millionths) / (100.0 * kMillionthsOfPercent);
  }
  return absl::InvalidArgumentError(
      fmt::format("--confidence: \"{}\" is not a percentage of 50% to 99.9%, e.g. 99%", text));
}

std::string RangeText(const v1::SampleRange& range, const v1::SampleReport& sample) {
  const double users = static_cast<double>(sample.users());
  const double share = users > 0 ? static_cast<double>(sample.users_looked_at()) / users : 0;
  return fmt::format("{} to {}, {}; {} of users looked at", FormatCount(range.low()),
                     FormatCount(range.high()), PercentText(sample.confidence()),
                     PercentText(share));
}

Json RangeJson(const v1::SampleRange& range) {
  return {{"found", range.found()}, {"low", range.low()}, {"high", range.high()}};
}

Json SampleJson(const v1::SampleReport& sample) {
  return {{"method", sample.method() == v1::SAMPLE_METHOD_CHUNKS ? "CHUNKS" : "USERS"},
          {"users", sample.users()},
          {"users_looked_at", sample.users_looked_at()},
          {"chunks", sample.chunks()},
          {"chunks_read", sample.chunks_read()},
          {"millionths", sample.millionths()},
          {"salt", sample.salt()},
          {"confidence", sample.confidence()}};
}

}  // namespace throng::cli
