#include "server/engine/package_record.h"

#include <exception>
#include <utility>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "index/error.h"
#include "nlohmann/json.hpp"
#include "query/iso_time.h"

namespace throng::engine {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kRecordVersion = 1;
constexpr int kIndent = 2;

// The value of an enumeration of `count` values from 1 on that has the name. Throws what a reader
// of JSON throws where there is none.
template <typename Enum>
Enum ValueOf(const std::string& name, int count, std::string_view (*name_of)(Enum)) {
  for (int number = 1; number <= count; ++number) {
    if (name_of(static_cast<Enum>(number)) == name) return static_cast<Enum>(number);
  }
  throw std::out_of_range(name);
}

std::string Dump(const Json& json) {
  return json.dump(kIndent, ' ', false, Json::error_handler_t::replace) + '\n';
}

void AddSpec(const PackageSpec& spec, Json& json) {
  json["population"] = spec.population;
  json["crowd"] = spec.crowd;
  json["version"] = spec.version;
  if (spec.delta.has_value()) {
    json["delta_from"] = spec.delta->from;
    json["side"] = SideName(spec.delta->side);
  }
  json["id_type"] = spec.id_type;
  json["hash"] = IdHashingName(spec.hashing);
  json["tags"] = spec.tags;
  json["format"] = PackageFormatName(spec.format);
  json["compression"] = PackageCompressionName(spec.compression);
}

PackageSpec SpecOf(const Json& json) {
  PackageSpec spec{.population = json.at("population").get<std::string>(),
                   .crowd = json.at("crowd").get<std::string>(),
                   .version = json.at("version").get<uint32_t>()};
  if (json.contains("side")) {
    spec.delta = {
        .from = json.at("delta_from").get<uint32_t>(),
        .side = ValueOf<DiffCrowdVersions::Side>(json.at("side").get<std::string>(), 2, &SideName)};
  }
  spec.id_type = json.at("id_type").get<std::string>();
  spec.hashing = ValueOf<IdHashing>(json.at("hash").get<std::string>(), 3, &IdHashingName);
  spec.tags = json.at("tags").get<std::vector<std::string>>();
  spec.format = ValueOf<PackageFormat>(json.at("format").get<std::string>(), 5, &PackageFormatName);
  spec.compression = ValueOf<PackageCompression>(json.at("compression").get<std::string>(), 3,
                                                 &PackageCompressionName);
  return spec;
}

Json CountsJson(const PackageCounts& counts) {
  return {{"users", counts.users}, {"without_id", counts.without_id}, {"rows", counts.rows}};
}

PackageCounts CountsOf(const Json& json) {
  return {.users = json.at("users").get<uint64_t>(),
          .without_id = json.at("without_id").get<uint64_t>(),
          .rows = json.at("rows").get<uint64_t>()};
}

int64_t TimeOf(const Json& json) {
  const auto text = json.get<std::string>();
  const auto time = query::ParseIsoTime(text, absl::UTCTimeZone());
  const absl::Time* instant = time.has_value() ? std::get_if<absl::Time>(&*time) : nullptr;
  if (instant == nullptr) throw std::out_of_range(text);
  return absl::ToUnixMicros(*instant);
}

// Calls `read` with the text as JSON. All that can be wrong with it is damage.
template <typename Result, typename Read>
absl::StatusOr<Result> Decode(std::string_view text, Read read) {
  try {
    return read(Json::parse(text));
  } catch (const std::exception& error) {
    return absl::DataLossError(fmt::format("it is damaged: {}", error.what()));
  }
}

}  // namespace

std::string EncodeManifest(const PackageManifest& manifest) {
  Json json = {{"manifest_version", kRecordVersion}};
  if (!manifest.package.empty()) json["package"] = manifest.package;
  AddSpec(manifest.spec, json);
  json["definition"] = manifest.definition;
  json["definition_changed"] = manifest.definition_changed;
  json["computed_count"] = manifest.computed_count;
  json["current_count"] = manifest.current_count;
  json["total"] = manifest.total;
  json["counts"] = CountsJson(manifest.counts);
  json["erased_meanwhile"] = manifest.erased_meanwhile;
  json["data_version"] = manifest.data_version;
  json["version_data_version"] = manifest.version_data_version;
  json["version_create_time"] = query::FormatIsoTimestamp(manifest.version_create_us);
  json["create_time"] = query::FormatIsoTimestamp(manifest.create_us);
  json["files"] = Json::array();
  for (const PackagePart& part : manifest.files) {
    json["files"].push_back(
        {{"name", part.name}, {"bytes", part.bytes}, {"rows", part.rows}, {"sha256", part.sha256}});
  }
  return Dump(json);
}

absl::StatusOr<PackageManifest> DecodeManifest(std::string_view text) {
  return Decode<PackageManifest>(text, [](const Json& json) {
    PackageManifest manifest{.package = json.value("package", ""), .spec = SpecOf(json)};
    manifest.definition = json.at("definition").get<std::string>();
    manifest.definition_changed = json.at("definition_changed").get<bool>();
    manifest.computed_count = json.at("computed_count").get<uint64_t>();
    manifest.current_count = json.at("current_count").get<uint64_t>();
    manifest.total = json.at("total").get<uint64_t>();
    manifest.counts = CountsOf(json.at("counts"));
    manifest.erased_meanwhile = json.at("erased_meanwhile").get<uint64_t>();
    manifest.data_version = json.at("data_version").get<uint64_t>();
    manifest.version_data_version = json.at("version_data_version").get<uint64_t>();
    manifest.version_create_us = TimeOf(json.at("version_create_time"));
    manifest.create_us = TimeOf(json.at("create_time"));
    for (const Json& part : json.at("files")) {
      manifest.files.push_back({.name = part.at("name").get<std::string>(),
                                .bytes = part.at("bytes").get<uint64_t>(),
                                .rows = part.at("rows").get<uint64_t>(),
                                .sha256 = part.at("sha256").get<std::string>()});
    }
    return manifest;
  });
}

std::string EncodeRecord(const PackageRecord& record) {
  const PackageInfo& info = record.info;
  Json json = {{"record_version", kRecordVersion}, {"state", PackageStateName(info.state)}};
  AddSpec(info.spec, json);
  json["file_count"] = info.file_count;
  json["file_prefix"] = info.file_prefix;
  json["error"] = info.error;
  json["total"] = info.total;
  json["counts"] = CountsJson(info.counts);
  json["bytes"] = info.bytes;
  json["data_version"] = info.data_version;
  json["create_us"] = info.create_us;
  json["start_us"] = info.start_us;
  json["end_us"] = info.end_us;
  json["crowd_number"] = record.crowd;
  json["beneath"] = Json::array();
  for (const PackageTag& tag : record.beneath) {
    json["beneath"].push_back({{"tag", tag.id}, {"sensitivity", tag.sensitivity}});
  }
  json["principal"] = record.principal;
  json["request_id"] = record.request_id;
  json["payload_hash"] = record.payload_hash;
  return Dump(json);
}

absl::StatusOr<PackageRecord> DecodeRecord(std::string_view text) {
  return Decode<PackageRecord>(text, [](const Json& json) {
    PackageRecord record;
    PackageInfo& info = record.info;
    info.state = ValueOf<PackageState>(json.at("state").get<std::string>(), 6, &PackageStateName);
    info.spec = SpecOf(json);
    info.population = info.spec.population;
    info.file_count = json.at("file_count").get<uint32_t>();
    info.file_prefix = json.at("file_prefix").get<std::string>();
    info.error = json.at("error").get<std::string>();
    info.total = json.at("total").get<uint64_t>();
    info.counts = CountsOf(json.at("counts"));
    info.bytes = json.at("bytes").get<uint64_t>();
    info.data_version = json.at("data_version").get<uint64_t>();
    info.create_us = json.at("create_us").get<int64_t>();
    info.start_us = json.at("start_us").get<int64_t>();
    info.end_us = json.at("end_us").get<int64_t>();
    record.crowd = json.at("crowd_number").get<uint32_t>();
    for (const Json& tag : json.at("beneath")) {
      record.beneath.push_back(
          {.id = tag.at("tag").get<uint32_t>(), .sensitivity = tag.at("sensitivity").get<int>()});
    }
    record.principal = json.at("principal").get<std::string>();
    record.request_id = json.at("request_id").get<std::string>();
    record.payload_hash = json.at("payload_hash").get<uint64_t>();
    return record;
  });
}

}  // namespace throng::engine
