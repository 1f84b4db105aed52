// Resource names as the API writes them: the one place that takes them apart and puts them
// together.
//
//   absl::StatusOr<TagName> name = ParseTagName("populations/default/tags/city", "name");
//   name->population;                  // "default"
//   name->tag;                         // "city"
//   FormatTagName("default", "city");  // "populations/default/tags/city"
//
// Only the shape is checked: the last part of a tag's name is any text but '/'. Whether such a
// resource can exist is the engine's answer. Every function is thread-safe.
#ifndef THRONG_SERVER_SERVICE_RESOURCE_NAME_H_
#define THRONG_SERVER_SERVICE_RESOURCE_NAME_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace throng::service {

inline constexpr std::string_view kDefaultPopulation = "default";

// A value; thread-compatible.
struct TagName {
  std::string population;
  std::string tag;
};

struct CrowdName {
  std::string population;
  std::string crowd;
};
struct SplitName {
  std::string population;
  std::string split;
};
struct CrowdVersionName {
  std::string population;
  std::string crowd;
  uint32_t version = 0;
};

struct PackageName {
  std::string population;
  std::string package;
};

// "populations/default" -> "default". Errors: kInvalidArgument (BAD_RESOURCE_NAME) at `field`.
absl::StatusOr<std::string> ParsePopulationName(std::string_view name, std::string_view field);
// As above, and empty means the default population.
absl::StatusOr<std::string> ParsePopulationNameOrDefault(std::string_view name,
                                                         std::string_view field);
absl::StatusOr<TagName> ParseTagName(std::string_view name, std::string_view field);

absl::StatusOr<CrowdName> ParseCrowdName(std::string_view name, std::string_view field);
absl::StatusOr<SplitName> ParseSplitName(std::string_view name, std::string_view field);
// "populations/default/crowds/spring/versions/7".
absl::StatusOr<CrowdVersionName> ParseCrowdVersionName(std::string_view name,
                                                       std::string_view field);
// "populations/default/crowds/vip/uploads/7": the upload that made version 7.
absl::StatusOr<CrowdVersionName> ParseUploadName(std::string_view name, std::string_view field);

// "populations/default/packages/20240315-100000-0001".
absl::StatusOr<PackageName> ParsePackageName(std::string_view name, std::string_view field);

// "city" of "populations/default/tags/city", and all of what has no '/'. A view of `name`.
std::string_view LastPart(std::string_view name);

std::string FormatPopulationName(std::string_view population);
std::string FormatIdTypeName(std::string_view population, std::string_view id_type);
std::string FormatTagName(std::string_view population, std::string_view tag);
std::string FormatCrowdName(std::string_view population, std::string_view crowd);
std::string FormatSplitName(std::string_view population, std::string_view split);
std::string FormatCrowdVersionName(std::string_view population, std::string_view crowd,
                                   uint32_t version);
std::string FormatPackageName(std::string_view population, std::string_view package);
std::string FormatUploadName(std::string_view population, std::string_view crowd, uint32_t number);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_RESOURCE_NAME_H_
