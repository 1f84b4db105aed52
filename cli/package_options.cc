#include "cli/package_options.h"

#include <iterator>
#include <string_view>
#include <utility>

#include "cli/client.h"
#include "cli/crowd_output.h"
#include "cli/flag_checks.h"
#include "cli/selection_options.h"
#include "cli/table.h"
#include "cli/terminal_text.h"
#include "cli/value_text.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

// By number in the API; 0 is unspecified.
constexpr const char* kFormats[] = {"", "txt", "csv", "ndjson", "roaring32", "roaring64"};
constexpr const char* kCompressions[] = {"none", "none", "gzip", "zstd"};
constexpr const char* kHashes[] = {"none", "none", "sha256", "md5"};
constexpr const char* kStates[] = {"", "queued", "running", "ready", "failed", "cancelled", "cut"};

template <size_t N>
std::string NameOf(const char* const (&names)[N], int number) {
  return number >= 0 && number < static_cast<int>(N) ? names[number] : "unknown";
}

// The last number that has the name; 0: none has.
template <size_t N>
int NumberOf(const char* const (&names)[N], const std::string& name) {
  for (int number = static_cast<int>(N) - 1; number > 0; --number) {
    if (name == names[number]) return number;
  }
  return 0;
}

std::string SideText(const v1::PackageDelta& delta) {
  return delta.side() == v1::DiffCrowdVersionsRequest::SIDE_REMOVED ? "removed" : "added";
}

Json CountsJson(const v1::PackageCounts& counts) {
  return {{"users", counts.users()}, {"without_id", counts.without_id()}, {"rows", counts.rows()}};
}

void AddSpec(const v1::PackageSpec& spec, Json& json) {
  json["crowd"] = LastPart(spec.crowd());
  json["version"] = spec.version();
  if (spec.has_delta()) {
    json["delta_from"] = spec.delta().from_version();
    json["side"] = SideText(spec.delta());
  }
  json["id_type"] = spec.id_type();
  json["hash"] = NameOf(kHashes, spec.hash());
  json["tags"] = Json::array();
  for (const std::string& tag : spec.tags()) json["tags"].push_back(tag);
  json["format"] = NameOf(kFormats, spec.format());
  json["compression"] = NameOf(kCompressions, spec.compression());
}

}  // namespace

void AddSpecFlags(CLI::App& command, SpecArguments& arguments) {
  command.add_option("CROWD", arguments.crowd, "The crowd's name")->type_name("")->required();
  command.add_option("--version", arguments.version, "Which version; default: the newest")
      ->type_name("N")
      ->check(CheckWholeNumber, "");
  command
      .add_option("--delta-from", arguments.delta_from,
                  "Only who came or went since this version; 0: since the one before")
      ->type_name("N")
      ->check(CheckWholeNumber, "");
  command.add_option("--side", arguments.side, "Of a delta: added or removed; default: added")
      ->type_name("SIDE")
      ->check(CLI::IsMember({"added", "removed"}));
  command.add_option("--id-type", arguments.id_type, "Which ids; default: the primary ones")
      ->type_name("TYPE");
  command.add_option("--hash", arguments.hash, "Write hashes of the ids: sha256 or md5")
      ->type_name("HASH")
      ->check(CLI::IsMember({"none", "sha256", "md5"}));
  command.add_option("--tags", arguments.tags, "Tags to give as columns, separated by commas")
      ->type_name("TAG,TAG...")
      ->allow_extra_args(false);
  command.add_option("--format", arguments.format, "txt, csv, ndjson, roaring32 or roaring64")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"txt", "csv", "ndjson", "roaring32", "roaring64"}))
      ->capture_default_str();
  command.add_option("--compress", arguments.compress, "none, gzip or zstd")
      ->type_name("HOW")
      ->check(CLI::IsMember({"none", "gzip", "zstd"}))
      ->capture_default_str();
}

absl::StatusOr<v1::PackageSpec> MakeSpec(const SpecArguments& arguments,
                                         const GlobalOptions& options) {
  v1::PackageSpec spec;
  spec.set_crowd(CrowdName(arguments.crowd, options));
  spec.set_version(arguments.version);
  if (!arguments.side.empty() && arguments.delta_from.empty()) {
    return absl::InvalidArgumentError("--side is of a delta: give --delta-from too");
  }
  if (!arguments.delta_from.empty()) {
    const std::uint64_t from = std::stoull(arguments.delta_from);
    if (from > UINT32_MAX) {
      return absl::InvalidArgumentError(
          fmt::format("--delta-from: {} is no version's number", arguments.delta_from));
    }
    spec.mutable_delta()->set_from_version(static_cast<std::uint32_t>(from));
    spec.mutable_delta()->set_side(arguments.side == "removed"
                                       ? v1::DiffCrowdVersionsRequest::SIDE_REMOVED
                                       : v1::DiffCrowdVersionsRequest::SIDE_ADDED);
  }
  spec.set_id_type(arguments.id_type);
  spec.set_hash(static_cast<v1::PackageHash>(NumberOf(kHashes, arguments.hash)));
  for (const std::string& list : arguments.tags) {
    const absl::StatusOr<std::vector<std::string>> names = SplitNames(list);
    if (!names.ok()) return names.status();
    for (const std::string& name : *names) spec.add_tags(name);
  }
  spec.set_format(static_cast<v1::PackageFormat>(NumberOf(kFormats, arguments.format)));
  spec.set_compression(
      static_cast<v1::PackageCompression>(NumberOf(kCompressions, arguments.compress)));
  return spec;
}

std::string PackageStateText(v1::PackageState state) { return NameOf(kStates, state); }

Json ManifestJson(const v1::PackageManifest& manifest) {
  Json json;
  AddSpec(manifest.spec(), json);
  json["definition"] = manifest.definition();
  json["definition_changed"] = manifest.definition_changed();
  json["computed_count"] = manifest.computed_count();
  json["current_count"] = manifest.current_count();
  json["total"] = manifest.total();
  json["counts"] = CountsJson(manifest.counts());
  json["erased_meanwhile"] = manifest.erased_meanwhile();
  json["data_version"] = manifest.data_version();
  json["version_data_version"] = manifest.version_data_version();
  json["version_create_time"] = TimestampText(manifest.version_create_time());
  json["create_time"] = TimestampText(manifest.create_time());
  json["files"] = Json::array();
  for (const v1::PackageFile& file : manifest.files()) {
    json["files"].push_back({{"name", file.name()},
                             {"bytes", file.bytes()},
                             {"rows", file.rows()},
                             {"sha256", file.sha256()}});
  }
  return json;
}

Json PackageJson(const v1::Package& package) {
  Json json = {{"package", LastPart(package.name())}, {"state", PackageStateText(package.state())}};
  AddSpec(package.spec(), json);
  json["file_count"] = package.file_count();
  json["file_prefix"] = package.file_prefix();
  json["directory"] = package.directory();
  json["error"] = package.error();
  json["total"] = package.total();
  json["counts"] = CountsJson(package.counts());
  json["bytes"] = package.bytes();
  json["data_version"] = package.data_version();
  json["create_time"] = TimestampText(package.create_time());
  if (package.has_start_time()) json["start_time"] = TimestampText(package.start_time());
  if (package.has_end_time()) json["end_time"] = TimestampText(package.end_time());
  if (package.has_manifest()) json["manifest"] = ManifestJson(package.manifest());
  return json;
}

std::string SpecText(const v1::PackageSpec& spec) {
  std::string text = NameOf(kFormats, spec.format());
  const std::string compression = NameOf(kCompressions, spec.compression());
  const std::string hash = NameOf(kHashes, spec.hash());
  if (compression != "none") text += fmt::format(" in {}", compression);
  text += hash == "none" ? fmt::format(", {}", spec.id_type())
                         : fmt::format(", {} of {}", hash, spec.id_type());
  for (const std::string& tag : spec.tags()) text += fmt::format(", {}", tag);
  return text;
}

void PrintPackage(const v1::Package& package, const GlobalOptions& options) {
  if (options.json) {
    PrintJson(PackageJson(package));
    return;
  }
  Table table({{""}, {""}});
  const auto add = [&table](const char* label, const std::string& text) {
    if (!text.empty()) table.AddRow({label, text});
  };
  const v1::PackageSpec& spec = package.spec();
  const v1::PackageCounts& counts = package.counts();
  add("package", LastPart(package.name()));
  add("state", package.name().empty() ? "would be queued" : PackageStateText(package.state()));
  add("error", package.error());
  add("crowd", fmt::format("{}, version {}", LastPart(spec.crowd()), spec.version()));
  if (spec.has_delta()) {
    add("delta",
        fmt::format("{} since version {}", SideText(spec.delta()), spec.delta().from_version()));
  }
  add("format", SpecText(spec));
  add("written", fmt::format("{} of {} users, {} rows, {} bytes", FormatCount(counts.users()),
                             FormatCount(package.total()), FormatCount(counts.rows()),
                             FormatCount(package.bytes())));
  if (counts.without_id() > 0) add("without id", FormatCount(counts.without_id()));
  add("directory", package.directory());
  add("files", fmt::format("{} of {}", package.file_count(), package.file_prefix()));
  add("created", TimestampText(package.create_time()));
  if (package.has_end_time()) add("ended", TimestampText(package.end_time()));
  add("data version", std::to_string(package.data_version()));
  for (const v1::PackageFile& file : package.manifest().files()) {
    add(file.name().c_str(), fmt::format("{} rows, {} bytes, {}", FormatCount(file.rows()),
                                         FormatCount(file.bytes()), file.sha256()));
  }
  fmt::print("{}", table.Render());
}

}  // namespace throng::cli
