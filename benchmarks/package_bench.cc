// Packages: how fast the engine makes the bytes of one, before they are sent.
//
//   build/bench/bin/package_bench --users=5000000 --rounds=5
//
// Loads users with numeric ids and a crowd of all of them into a directory of its own, which is
// removed at the end, and exports the crowd in several formats: blocks, tokens and SHA-256
// included, on one thread. A figure is the best of the rounds; bytes are those of the file.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "benchmarks/flags.h"
#include "fmt/format.h"
#include "server/engine/engine.h"

namespace throng::bench {
namespace {

using Clock = std::chrono::steady_clock;
using engine::PackageCompression;
using engine::PackageFormat;
using engine::PackageSpec;

constexpr uint64_t kFirstId = 10'000'000;

void MustBeOk(const absl::Status& status) {
  if (status.ok()) return;
  fmt::print(stderr, "{}\n", status.ToString());
  std::exit(1);
}

void Load(engine::Engine& engine, uint32_t users) {
  const auto context = engine::CallContext::Internal();
  MustBeOk(engine.tags()
               .Create(context, "default", {.name = "vip", .type = index::TagType::kFlag}, {})
               .status());
  auto load = engine.writer().StartLoad(
      context, {.unknown_ids = engine::UnknownIds::kCreate, .tags = {"vip"}});
  MustBeOk(load.status());
  for (uint32_t begin = 0; begin < users; begin += engine::kBatchRowsMax) {
    std::vector<uint64_t> ids(std::min(engine::kBatchRowsMax, users - begin));
    std::iota(ids.begin(), ids.end(), kFirstId + begin);
    engine::ColumnBatch batch{.number = begin / engine::kBatchRowsMax + 1};
    batch.ids = std::span<const uint64_t>(ids);
    MustBeOk((*load)->Write(context, batch).status());
  }
  MustBeOk((*load)->Finish(context).status());
  MustBeOk(
      engine.crowds().Create(context, {.name = "all", .rule = std::string("all()")}, {}).status());
  MustBeOk(engine.crowds().Refresh(context, {.names = {"all"}}, {}).status());
}

// Prints the best of some exports.
void Measure(engine::Engine& engine, std::string_view name, const PackageSpec& spec,
             uint32_t rounds) {
  uint64_t bytes = 0;
  uint64_t rows = 0;
  double best = 0;
  for (uint32_t round = 0; round < rounds; ++round) {
    const auto start = Clock::now();
    const engine::PackageSink sink{
        .start = [](const engine::PackageManifest&) { return absl::OkStatus(); },
        .block = [](std::string_view, std::string_view) { return absl::OkStatus(); }};
    const auto manifest = engine.packages().Export(engine::CallContext::Internal(), spec, "", sink);
    MustBeOk(manifest.status());
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (round == 0 || seconds < best) best = seconds;
    bytes = manifest->files[0].bytes;
    rows = manifest->counts.rows;
  }
  fmt::print("{:<28} {:>11} rows {:>12} bytes {:>8.1f} ms {:>8.1f} MB/s {:>8.2f} M rows/s\n", name,
             rows, bytes, best * 1e3, static_cast<double>(bytes) / best / 1e6,
             static_cast<double>(rows) / best / 1e6);
}

int Run(int argc, char** argv) {
  const auto users = static_cast<uint32_t>(TakeNumber(&argc, argv, "users", 5'000'000));
  const auto rounds = static_cast<uint32_t>(TakeNumber(&argc, argv, "rounds", 5));
  const std::string directory = TakeText(&argc, argv, "dir").value_or("/tmp/throng_package_bench");
  if (argc > 1 || users == 0 || rounds == 0) {
    fmt::print(stderr, "usage: package_bench [--users=N] [--rounds=N] [--dir=DIR]\n");
    return 2;
  }
  std::filesystem::remove_all(directory);
  auto engine = engine::Engine::Open({.directory = directory, .sync = false});
  MustBeOk(engine.status());
  Load(**engine, users);
  const PackageSpec txt{.crowd = "all"};
  Measure(**engine, "txt", txt, rounds);
  PackageSpec spec = txt;
  spec.format = PackageFormat::kCsv;
  Measure(**engine, "csv", spec, rounds);
  spec.tags = {"vip"};
  Measure(**engine, "csv, a flag", spec, rounds);
  spec.format = PackageFormat::kNdjson;
  Measure(**engine, "ndjson, a flag", spec, rounds);
  spec = txt;
  spec.hashing = engine::IdHashing::kSha256;
  Measure(**engine, "txt, sha256 of ids", spec, rounds);
  spec = txt;
  spec.compression = PackageCompression::kZstd;
  Measure(**engine, "txt in zstd", spec, rounds);
  spec.compression = PackageCompression::kGzip;
  Measure(**engine, "txt in gzip", spec, 1);
  spec = txt;
  spec.format = PackageFormat::kRoaring64;
  Measure(**engine, "roaring64", spec, rounds);
  engine->reset();
  std::filesystem::remove_all(directory);
  return 0;
}

}  // namespace
}  // namespace throng::bench

int main(int argc, char** argv) { return throng::bench::Run(argc, argv); }
