// A crowd world that keeps all an export gave.
//
//   Exported all = world.Export({.crowd = "spring"});
//   all.bytes;                 // of the file
//   all.blocks[2].token;       // continues behind the third block
#ifndef THRONG_TESTS_SERVER_PACKAGE_WORLD_H_
#define THRONG_TESTS_SERVER_PACKAGE_WORLD_H_

#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/engine/packages.h"
#include "tests/server/crowd_world.h"
#include "tests/server/package_reader.h"

namespace throng::engine {

struct ExportedBlock {
  size_t end = 0;  // in Exported::bytes
  std::string token;
};
struct Exported {
  absl::Status status;
  PackageManifest start;
  PackageManifest manifest;  // when the status is OK
  std::string bytes;
  std::vector<ExportedBlock> blocks;

  std::string Text() const { return Unpack(bytes, PackageCompressionName(start.spec.compression)); }
};

// Not thread-safe.
class PackageWorld : public CrowdWorld {
 public:
  explicit PackageWorld(EngineOptions options = {}) : CrowdWorld(std::move(options)) {}

  Packages& packages() { return engine().packages(); }

  Exported TryExport(const PackageSpec& spec, const std::string& token = "",
                     const CallContext& context = CallContext::Internal()) {
    Exported exported;
    const PackageSink sink{
        .start =
            [&](const PackageManifest& start) {
              exported.start = start;
              return absl::OkStatus();
            },
        .block =
            [&](std::string_view bytes, std::string_view next) {
              exported.bytes += bytes;
              exported.blocks.push_back({exported.bytes.size(), std::string(next)});
              return absl::OkStatus();
            }};
    const absl::StatusOr<PackageManifest> manifest = packages().Export(context, spec, token, sink);
    exported.status = manifest.status();
    if (manifest.ok()) exported.manifest = *manifest;
    return exported;
  }
  Exported Export(const PackageSpec& spec, const std::string& token = "") {
    Exported exported = TryExport(spec, token);
    MustBeOk(exported.status);
    return exported;
  }

  // Waits until a job has ended.
  PackageInfo Await(const std::string& id) {
    while (true) {
      PackageInfo info = Must(packages().Get(context(), "default", id));
      if (info.state != PackageState::kQueued && info.state != PackageState::kRunning) return info;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
};

}  // namespace throng::engine

#endif  // THRONG_TESTS_SERVER_PACKAGE_WORLD_H_
