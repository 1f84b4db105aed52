#include "server/service/resource_name.h"

#include <charconv>
#include <system_error>

#include "fmt/format.h"
#include "index/error.h"

namespace throng::service {
namespace {

constexpr std::string_view kPopulations = "populations/";
constexpr std::string_view kTags = "tags/";
constexpr std::string_view kCrowds = "crowds/";
constexpr std::string_view kSplits = "splits/";
constexpr std::string_view kVersions = "versions/";
constexpr std::string_view kPackages = "packages/";
constexpr std::string_view kUploads = "uploads/";
constexpr size_t kShownBytesMax = 200;

absl::Status BadName(std::string_view name, std::string_view field, std::string_view form) {
  const std::string message =
      name.size() > kShownBytesMax
          ? fmt::format("the name in {} has {} bytes; its form is {}", field, name.size(), form)
          : fmt::format("\"{}\" in {} is not a name of the form {}", name, field, form);
  return index::MakeError(
      absl::StatusCode::kInvalidArgument, message,
      {.reason = "BAD_RESOURCE_NAME", .field = std::string(field), .expected = std::string(form)});
}

// Takes `prefix` and the part up to the next '/' off `rest`; false if they are not there.
bool TakePart(std::string_view prefix, std::string_view* rest, std::string_view* part) {
  if (!rest->starts_with(prefix)) return false;
  rest->remove_prefix(prefix.size());
  const size_t end = rest->find('/');
  *part = rest->substr(0, end);
  rest->remove_prefix(end == std::string_view::npos ? rest->size() : end + 1);
  return !part->empty() && (end == std::string_view::npos || !rest->empty());
}

// What a crowd has by number: "populations/P/crowds/C/KIND/N", KIND with its '/'.
absl::StatusOr<CrowdVersionName> ParseNumbered(std::string_view name, std::string_view field,
                                               std::string_view kind) {
  std::string_view rest = name;
  std::string_view population;
  std::string_view crowd;
  std::string_view number;
  CrowdVersionName parsed;
  const bool has_parts = TakePart(kPopulations, &rest, &population) &&
                         TakePart(kCrowds, &rest, &crowd) && TakePart(kind, &rest, &number) &&
                         rest.empty();
  const auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), parsed.version);
  // With zeros in front a version would have many names.
  const bool is_canonical = number.size() == 1 || !number.starts_with('0');
  if (!has_parts || error != std::errc() || end != number.data() + number.size() || !is_canonical) {
    return BadName(name, field, fmt::format("populations/POPULATION/crowds/CROWD/{}NUMBER", kind));
  }
  parsed.population = population;
  parsed.crowd = crowd;
  return parsed;
}

}  // namespace

std::string_view LastPart(std::string_view name) { return name.substr(name.rfind('/') + 1); }

absl::StatusOr<std::string> ParsePopulationName(std::string_view name, std::string_view field) {
  std::string_view rest = name;
  std::string_view population;
  if (!TakePart(kPopulations, &rest, &population) || !rest.empty()) {
    return BadName(name, field, "populations/POPULATION");
  }
  return std::string(population);
}

absl::StatusOr<std::string> ParsePopulationNameOrDefault(std::string_view name,
                                                         std::string_view field) {
  if (name.empty()) return std::string(kDefaultPopulation);
  return ParsePopulationName(name, field);
}

absl::StatusOr<TagName> ParseTagName(std::string_view name, std::string_view field) {
  std::string_view rest = name;
  std::string_view population;
  std::string_view tag;
  if (!TakePart(kPopulations, &rest, &population) || !TakePart(kTags, &rest, &tag) ||
      !rest.empty()) {
    return BadName(name, field, "populations/POPULATION/tags/TAG");
  }
  return TagName{std::string(population), std::string(tag)};
}

absl::StatusOr<CrowdName> ParseCrowdName(std::string_view name, std::string_view field) {
  std::string_view rest = name;
  std::string_view population;
  std::string_view crowd;
  if (!TakePart(kPopulations, &rest, &population) || !TakePart(kCrowds, &rest, &crowd) ||
      !rest.empty()) {
    return BadName(name, field, "populations/POPULATION/crowds/CROWD");
  }
  return CrowdName{std::string(population), std::string(crowd)};
}

absl::StatusOr<SplitName> ParseSplitName(std::string_view name, std::string_view field) {
  std::string_view rest = name;
  std::string_view population;
  std::string_view split;
  if (!TakePart(kPopulations, &rest, &population) || !TakePart(kSplits, &rest, &split) ||
      !rest.empty()) {
    return BadName(name, field, "populations/POPULATION/splits/SPLIT");
  }
  return SplitName{std::string(population), std::string(split)};
}

absl::StatusOr<CrowdVersionName> ParseCrowdVersionName(std::string_view name,
                                                       std::string_view field) {
  return ParseNumbered(name, field, kVersions);
}

absl::StatusOr<CrowdVersionName> ParseUploadName(std::string_view name, std::string_view field) {
  return ParseNumbered(name, field, kUploads);
}

absl::StatusOr<PackageName> ParsePackageName(std::string_view name, std::string_view field) {
  std::string_view rest = name;
  std::string_view population;
  std::string_view package;
  if (!TakePart(kPopulations, &rest, &population) || !TakePart(kPackages, &rest, &package) ||
      !rest.empty()) {
    return BadName(name, field, "populations/POPULATION/packages/PACKAGE");
  }
  return PackageName{std::string(population), std::string(package)};
}

std::string FormatPopulationName(std::string_view population) {
  return fmt::format("{}{}", kPopulations, population);
}

std::string FormatIdTypeName(std::string_view population, std::string_view id_type) {
  return fmt::format("{}{}/idTypes/{}", kPopulations, population, id_type);
}

std::string FormatTagName(std::string_view population, std::string_view tag) {
  return fmt::format("{}{}/{}{}", kPopulations, population, kTags, tag);
}

std::string FormatCrowdName(std::string_view population, std::string_view crowd) {
  return fmt::format("{}{}/{}{}", kPopulations, population, kCrowds, crowd);
}

std::string FormatSplitName(std::string_view population, std::string_view split) {
  return fmt::format("{}{}/{}{}", kPopulations, population, kSplits, split);
}

std::string FormatCrowdVersionName(std::string_view population, std::string_view crowd,
                                   uint32_t version) {
  return fmt::format("{}/{}{}", FormatCrowdName(population, crowd), kVersions, version);
}

std::string FormatPackageName(std::string_view population, std::string_view package) {
  return fmt::format("{}{}/{}{}", kPopulations, population, kPackages, package);
}

std::string FormatUploadName(std::string_view population, std::string_view crowd, uint32_t number) {
  return fmt::format("{}/{}{}", FormatCrowdName(population, crowd), kUploads, number);
}

}  // namespace throng::service
