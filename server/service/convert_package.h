// Packages of the API and of the engine.
//
//   absl::StatusOr<engine::PackageSpec> spec = ToPackageSpec(request.spec(), FieldPath("spec"));
//   ManifestToProto(manifest, response.mutable_manifest());
//
// Every function is thread-safe.
#ifndef THRONG_SERVER_SERVICE_CONVERT_PACKAGE_H_
#define THRONG_SERVER_SERVICE_CONVERT_PACKAGE_H_

#include "absl/status/statusor.h"
#include "server/engine/package_requests.h"
#include "server/service/field_path.h"
#include "throng/v1/package.pb.h"

namespace throng::service {

// Errors: kInvalidArgument with the path: REQUIRED, UNSPECIFIED, BAD_RESOURCE_NAME.
absl::StatusOr<engine::PackageSpec> ToPackageSpec(const v1::PackageSpec& proto,
                                                  const FieldPath& field);
absl::StatusOr<engine::CreatePackage> ToCreatePackage(const v1::CreatePackageRequest& proto);

void ManifestToProto(const engine::PackageManifest& manifest, v1::PackageManifest* proto);
void PackageToProto(const engine::PackageInfo& info, v1::Package* proto);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CONVERT_PACKAGE_H_
