#include "server/service/package_service.h"

#include <string>
#include <string_view>
#include <vector>

#include "index/error.h"
#include "server/engine/packages.h"
#include "server/service/convert_package.h"
#include "server/service/page_token.h"
#include "server/service/request_fingerprint.h"
#include "server/service/resource_name.h"

namespace throng::service {
namespace {

constexpr uint32_t kPackagePageDefault = 100;
constexpr uint32_t kPackagePageMax = 1'000;

// A block in frames; the last one has the token.
absl::Status WriteBlock(std::string_view bytes, std::string_view token,
                        WriteStream<v1::ExportPackageResponse>& stream) {
  v1::ExportPackageResponse frame;
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, kExportFrameBytesMax);
    bytes.remove_prefix(part.size());
    frame.set_data(part.data(), part.size());
    if (bytes.empty()) frame.set_resume_token(token.data(), token.size());
    THRONG_RETURN_IF_ERROR(stream.Write(frame));
  }
  return absl::OkStatus();
}

absl::Status HandleExport(const CallScope& scope, const v1::ExportPackageRequest& request,
                          WriteStream<v1::ExportPackageResponse>& stream) {
  THRONG_ASSIGN_OR_RETURN(const engine::PackageSpec spec,
                          ToPackageSpec(request.spec(), FieldPath("spec")));
  const engine::PackageSink sink{
      .start =
          [&stream](const engine::PackageManifest& start) {
            v1::ExportPackageResponse first;
            ManifestToProto(start, first.mutable_start());
            return stream.Write(first);
          },
      .block = [&stream](std::string_view bytes,
                         std::string_view token) { return WriteBlock(bytes, token, stream); }};
  const absl::StatusOr<engine::PackageManifest> manifest =
      scope.engine->packages().Export(scope.caller, spec, request.resume_token(), sink);
  if (!manifest.ok()) return MoveField(manifest.status(), "population", "spec.crowd");
  v1::ExportPackageResponse last;
  ManifestToProto(*manifest, last.mutable_manifest());
  return stream.Write(last);
}

absl::Status HandleCreate(const CallScope& scope, const v1::CreatePackageRequest& request,
                          v1::Package* response) {
  THRONG_ASSIGN_OR_RETURN(const engine::CreatePackage create, ToCreatePackage(request));
  const engine::WriteOptions options{.request_id = request.request_id(),
                                     .payload_hash = RequestFingerprint(request, {"request_id"}),
                                     .validate_only = request.validate_only()};
  const absl::StatusOr<engine::PackageInfo> info =
      scope.engine->packages().Create(scope.caller, create, options);
  if (!info.ok()) return MoveField(info.status(), "population", "spec.crowd");
  PackageToProto(*info, response);
  return absl::OkStatus();
}

absl::Status HandleGet(const CallScope& scope, const v1::GetPackageRequest& request,
                       v1::Package* response) {
  THRONG_ASSIGN_OR_RETURN(const PackageName name, ParsePackageName(request.name(), "name"));
  const absl::StatusOr<engine::PackageInfo> info =
      scope.engine->packages().Get(scope.caller, name.population, name.package);
  if (!info.ok()) return MoveField(info.status(), "population", "name");
  PackageToProto(*info, response);
  return absl::OkStatus();
}

absl::Status HandleList(const CallScope& scope, const v1::ListPackagesRequest& request,
                        v1::ListPackagesResponse* response) {
  THRONG_ASSIGN_OR_RETURN(const std::string population,
                          ParsePopulationName(request.parent(), "parent"));
  THRONG_ASSIGN_OR_RETURN(const Page page, ToPage(request, kPackagePageDefault, kPackagePageMax));
  const absl::StatusOr<std::vector<engine::PackageInfo>> packages =
      scope.engine->packages().List(scope.caller, population);
  if (!packages.ok()) return MoveField(packages.status(), "population", "parent");
  const std::vector<const engine::PackageInfo*> shown = CutPage(
      *packages, page, [](const engine::PackageInfo& info) { return info.id; },
      [](const engine::PackageInfo& info, std::string_view after) { return info.id > after; },
      response->mutable_next_page_token());
  for (const engine::PackageInfo* info : shown) {
    v1::Package* package = response->add_packages();
    PackageToProto(*info, package);
    if (package->has_manifest()) package->mutable_manifest()->clear_files();
  }
  return absl::OkStatus();
}

absl::Status HandleCancel(const CallScope& scope, const v1::CancelPackageRequest& request,
                          v1::Package* response) {
  THRONG_ASSIGN_OR_RETURN(const PackageName name, ParsePackageName(request.name(), "name"));
  const absl::StatusOr<engine::PackageInfo> info =
      scope.engine->packages().Cancel(scope.caller, name.population, name.package);
  if (!info.ok()) return MoveField(info.status(), "population", "name");
  PackageToProto(*info, response);
  return absl::OkStatus();
}

absl::Status HandleDelete(const CallScope& scope, const v1::DeletePackageRequest& request,
                          v1::DeletePackageResponse*) {
  THRONG_ASSIGN_OR_RETURN(const PackageName name, ParsePackageName(request.name(), "name"));
  return MoveField(scope.engine->packages().Delete(scope.caller, name.population, name.package),
                   "population", "name");
}

}  // namespace

grpc::ServerWriteReactor<grpc::ByteBuffer>* PackageService::ExportPackage(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return calls_.ServerStream(context, request, &HandleExport);
}
grpc::ServerUnaryReactor* PackageService::CreatePackage(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleCreate);
}
grpc::ServerUnaryReactor* PackageService::GetPackage(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleGet);
}
grpc::ServerUnaryReactor* PackageService::ListPackages(grpc::CallbackServerContext* context,
                                                       const grpc::ByteBuffer* request,
                                                       grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleList);
}
grpc::ServerUnaryReactor* PackageService::CancelPackage(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleCancel);
}
grpc::ServerUnaryReactor* PackageService::DeletePackage(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  return calls_.Resource(context, request, response, &HandleDelete);
}

}  // namespace throng::service
