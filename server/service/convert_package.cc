#include "server/service/convert_package.h"

#include <string>
#include <utility>

#include "index/error.h"
#include "server/service/convert_time.h"
#include "server/service/resource_name.h"

namespace throng::service {
namespace {

// The enumerations of packages have the same numbers on both sides; 0 is none of the engine's.
static_assert(static_cast<int>(engine::PackageFormat::kRoaring64) == v1::PACKAGE_FORMAT_ROARING64);
static_assert(static_cast<int>(engine::PackageCompression::kZstd) == v1::PACKAGE_COMPRESSION_ZSTD);
static_assert(static_cast<int>(engine::IdHashing::kMd5) == v1::PACKAGE_HASH_MD5);
static_assert(static_cast<int>(engine::PackageState::kCut) == v1::PACKAGE_STATE_CUT);

// The engine's value; `standard` where the API says nothing.
template <typename Enum>
absl::StatusOr<Enum> ToEnum(int number, Enum standard, Enum last, const FieldPath& field) {
  if (number == 0) return standard;
  if (number < 0 || number > static_cast<int>(last)) return UnspecifiedEnum(field);
  return static_cast<Enum>(number);
}

absl::StatusOr<engine::PackageDelta> ToDelta(const v1::PackageDelta& proto,
                                             const FieldPath& field) {
  engine::PackageDelta delta{.from = proto.from_version()};
  if (proto.side() != v1::DiffCrowdVersionsRequest::SIDE_ADDED &&
      proto.side() != v1::DiffCrowdVersionsRequest::SIDE_REMOVED) {
    return UnspecifiedEnum(FieldPath(field, "side"));
  }
  delta.side = proto.side() == v1::DiffCrowdVersionsRequest::SIDE_ADDED
                   ? engine::DiffCrowdVersions::Side::kAdded
                   : engine::DiffCrowdVersions::Side::kRemoved;
  return delta;
}

void SpecToProto(const engine::PackageSpec& spec, v1::PackageSpec* proto) {
  proto->set_crowd(FormatCrowdName(spec.population, spec.crowd));
  proto->set_version(spec.version);
  if (spec.delta.has_value()) {
    proto->mutable_delta()->set_from_version(spec.delta->from);
    proto->mutable_delta()->set_side(spec.delta->side == engine::DiffCrowdVersions::Side::kAdded
                                         ? v1::DiffCrowdVersionsRequest::SIDE_ADDED
                                         : v1::DiffCrowdVersionsRequest::SIDE_REMOVED);
  }
  proto->set_id_type(spec.id_type);
  proto->set_hash(static_cast<v1::PackageHash>(spec.hashing));
  for (const std::string& tag : spec.tags) proto->add_tags(tag);
  proto->set_format(static_cast<v1::PackageFormat>(spec.format));
  proto->set_compression(static_cast<v1::PackageCompression>(spec.compression));
}

void CountsToProto(const engine::PackageCounts& counts, v1::PackageCounts* proto) {
  proto->set_users(counts.users);
  proto->set_without_id(counts.without_id);
  proto->set_rows(counts.rows);
}

}  // namespace

absl::StatusOr<engine::PackageSpec> ToPackageSpec(const v1::PackageSpec& proto,
                                                  const FieldPath& field) {
  engine::PackageSpec spec;
  const FieldPath crowd_field(field, "crowd");
  if (proto.crowd().empty()) return RequiredField(crowd_field);
  THRONG_ASSIGN_OR_RETURN(CrowdName crowd, ParseCrowdName(proto.crowd(), crowd_field.ToString()));
  spec.population = std::move(crowd.population);
  spec.crowd = std::move(crowd.crowd);
  spec.version = proto.version();
  if (proto.has_delta()) {
    THRONG_ASSIGN_OR_RETURN(spec.delta, ToDelta(proto.delta(), FieldPath(field, "delta")));
  }
  spec.id_type = proto.id_type();
  spec.tags = {proto.tags().begin(), proto.tags().end()};
  const FieldPath format_field(field, "format");
  if (proto.format() == v1::PACKAGE_FORMAT_UNSPECIFIED) return UnspecifiedEnum(format_field);
  THRONG_ASSIGN_OR_RETURN(spec.format, ToEnum(proto.format(), spec.format,
                                              engine::PackageFormat::kRoaring64, format_field));
  THRONG_ASSIGN_OR_RETURN(
      spec.compression, ToEnum(proto.compression(), spec.compression,
                               engine::PackageCompression::kZstd, FieldPath(field, "compression")));
  THRONG_ASSIGN_OR_RETURN(spec.hashing, ToEnum(proto.hash(), spec.hashing, engine::IdHashing::kMd5,
                                               FieldPath(field, "hash")));
  return spec;
}

absl::StatusOr<engine::CreatePackage> ToCreatePackage(const v1::CreatePackageRequest& proto) {
  engine::CreatePackage create;
  THRONG_ASSIGN_OR_RETURN(create.spec, ToPackageSpec(proto.spec(), FieldPath("spec")));
  if (proto.file_count() != 0) create.file_count = proto.file_count();
  if (!proto.file_prefix().empty()) create.file_prefix = proto.file_prefix();
  return create;
}

void ManifestToProto(const engine::PackageManifest& manifest, v1::PackageManifest* proto) {
  SpecToProto(manifest.spec, proto->mutable_spec());
  proto->set_definition(manifest.definition);
  proto->set_definition_changed(manifest.definition_changed);
  proto->set_computed_count(manifest.computed_count);
  proto->set_current_count(manifest.current_count);
  proto->set_total(manifest.total);
  CountsToProto(manifest.counts, proto->mutable_counts());
  proto->set_erased_meanwhile(manifest.erased_meanwhile);
  proto->set_data_version(manifest.data_version);
  proto->set_version_data_version(manifest.version_data_version);
  UnixMicrosToProto(manifest.version_create_us, proto->mutable_version_create_time());
  UnixMicrosToProto(manifest.create_us, proto->mutable_create_time());
  for (const engine::PackagePart& part : manifest.files) {
    v1::PackageFile* file = proto->add_files();
    file->set_name(part.name);
    file->set_bytes(part.bytes);
    file->set_rows(part.rows);
    file->set_sha256(part.sha256);
  }
}

void PackageToProto(const engine::PackageInfo& info, v1::Package* proto) {
  if (!info.id.empty()) {
    proto->set_name(FormatPackageName(info.population, info.id));
    proto->set_state(static_cast<v1::PackageState>(info.state));
  }
  SpecToProto(info.spec, proto->mutable_spec());
  proto->set_file_count(info.file_count);
  proto->set_file_prefix(info.file_prefix);
  proto->set_directory(info.directory);
  proto->set_error(info.error);
  proto->set_total(info.total);
  CountsToProto(info.counts, proto->mutable_counts());
  proto->set_bytes(info.bytes);
  proto->set_data_version(info.data_version);
  UnixMicrosToProto(info.create_us, proto->mutable_create_time());
  if (info.start_us != 0) UnixMicrosToProto(info.start_us, proto->mutable_start_time());
  if (info.end_us != 0) UnixMicrosToProto(info.end_us, proto->mutable_end_time());
  if (info.manifest.has_value()) ManifestToProto(*info.manifest, proto->mutable_manifest());
}

}  // namespace throng::service
