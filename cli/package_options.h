// What the commands about packages share: the flags that say what is exported, and how packages
// are printed.
//
//   AddSpecFlags(*command, arguments);
//   absl::StatusOr<v1::PackageSpec> spec = MakeSpec(arguments, options);
//   PrintPackage(package, options);
#ifndef THRONG_CLI_PACKAGE_OPTIONS_H_
#define THRONG_CLI_PACKAGE_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "cli/global_options.h"
#include "cli/json_output.h"
#include "throng/v1/package.pb.h"

namespace throng::cli {

// A value; thread-compatible.
struct SpecArguments {
  std::string crowd;
  std::uint32_t version = 0;
  std::string delta_from;  // a number; empty: no delta, unless `side` is given
  std::string side;
  std::string id_type;
  std::string hash;
  std::vector<std::string> tags;
  std::string format = "txt";
  std::string compress = "none";
};

// `arguments` must outlive `command`.
void AddSpecFlags(CLI::App& command, SpecArguments& arguments);
// Errors: kInvalidArgument, all of usage.
absl::StatusOr<v1::PackageSpec> MakeSpec(const SpecArguments& arguments,
                                         const GlobalOptions& options);

// "READY", "running" and so on stand as "ready", "running" in both.
std::string PackageStateText(v1::PackageState state);
Json ManifestJson(const v1::PackageManifest& manifest);
Json PackageJson(const v1::Package& package);
// The fields of a package, or JSON.
void PrintPackage(const v1::Package& package, const GlobalOptions& options);
// "csv.gzip", "txt, sha256 of phone".
std::string SpecText(const v1::PackageSpec& spec);

}  // namespace throng::cli

#endif  // THRONG_CLI_PACKAGE_OPTIONS_H_
