#include "tests/style/include_rules.h"

#include <algorithm>
#include <string_view>

#include "fmt/format.h"

namespace throng::style {
namespace {

// Headers that start with `prefix` may be included by files that start with one of `includers`.
// The first row whose prefix fits decides.
struct Row {
  std::string_view prefix;
  std::vector<std::string_view> includers;
};

// clang-format off
const std::vector<Row>& FirstPartyRows() {
  static const auto* rows = new std::vector<Row>{
      {"index/", {"index/", "query/", "storage/", "server/"}},
      {"query/", {"query/", "server/"}},
      {"storage/", {"storage/", "server/"}},
      {"server/access/", {"server/access/", "server/service/", "server/token_command."}},
      {"server/engine/", {"server/engine/", "server/service/", "server/import_command.",
                          "server/main.cc", "server/offline_commands."}},
      {"server/service/", {"server/service/", "server/import_command.", "server/main.cc"}},
      {"server/token_command.", {"server/main.cc", "server/token_command."}},
      {"server/settings.", {"server/main.cc", "server/settings."}},
      {"server/", {"server/main.cc", "server/import_command.", "server/offline_commands.",
                   "server/service/"}},
      {"cli/", {"cli/", "server/import_command.", "tests/cli/", "tests/e2e/", "fuzz/"}},
      {"throng/v1/", {"server/service/", "server/import_command.", "server/main.cc", "cli/",
                      "tests/cli/", "tests/e2e/", "tests/service/", "tests/crash/", "tests/soak/",
                      "benchmarks/grpc_", "benchmarks/guard_", "benchmarks/overload_", "fuzz/"}},
      {"tests/testing/", {"tests/", "fuzz/", "benchmarks/guard_bench."}},
      {"tests/e2e/child_process.", {"tests/", "benchmarks/overload_bench."}},
      {"tests/style/", {"tests/style/"}},
      {"tests/", {"tests/"}},
      {"benchmarks/flags.h", {"benchmarks/", "tests/soak/"}},
      {"benchmarks/", {"benchmarks/"}},
      {"fuzz/", {"fuzz/"}},
  };
  return *rows;
}

const std::vector<Row>& ThirdPartyRows() {
  static const auto* rows = new std::vector<Row>{
      {"absl/", {""}},
      {"fmt/", {""}},
      {"boost/math/", {"query/sample_interval."}},
      {"roaring/", {"index/", "tests/", "benchmarks/", "fuzz/"}},
      {"rocksdb/", {"storage/", "tests/storage/", "tests/testing/"}},
      {"grpc/", {"server/service/", "server/main.cc", "cli/", "tests/cli/", "tests/e2e/",
                 "tests/service/", "tests/crash/", "tests/soak/", "benchmarks/grpc_",
                 "benchmarks/guard_", "benchmarks/overload_"}},
      {"grpcpp/", {"server/service/", "server/main.cc", "cli/", "tests/cli/", "tests/e2e/",
                   "tests/service/", "tests/crash/", "tests/soak/", "benchmarks/grpc_",
                   "benchmarks/guard_", "benchmarks/overload_", "fuzz/call_fuzzer."}},
      {"google/protobuf/", {"server/service/", "server/main.cc", "cli/", "tests/cli/",
                            "tests/e2e/", "tests/service/", "tests/crash/", "tests/soak/",
                            "benchmarks/grpc_", "benchmarks/guard_", "benchmarks/overload_",
                            "fuzz/"}},
      {"prometheus/", {"server/service/call_metrics.", "server/service/engine_metrics.",
                       "server/service/load_metrics.",
                       "server/service/metrics_endpoint.", "server/service/process_metrics.",
                       "server/service/protection_metrics.", "tests/service/"}},
      {"openssl/", {"server/access/audit_log.", "server/access/certificate_files.",
                    "server/access/token.", "storage/erasure_ledger.",
                    "server/engine/package_digest.", "tests/server/package_reader.",
                    "cli/file_digest."}},
      {"spdlog/", {"server/", "storage/", "cli/", "tests/service/"}},
      {"xxhash.h", {"index/", "storage/", "query/", "server/service/request_fingerprint",
                    "tests/"}},
      {"zlib.h", {"cli/", "server/engine/package_compression.", "tests/cli/", "tests/e2e/",
                  "tests/server/"}},
      {"zstd.h", {"server/engine/package_compression.", "tests/server/"}},
      {"CLI/", {"cli/", "server/import_command.", "server/main.cc", "server/settings.",
                "server/token_command.", "fuzz/settings_fuzzer."}},
      {"toml++/", {"cli/", "server/access/access_file.", "server/settings."}},
      {"nlohmann/", {"cli/", "server/engine/package_record.", "server/offline_commands",
                     "server/token_command.", "tests/access/", "tests/cli/", "tests/e2e/",
                     "tests/server/package_reader.", "tests/service/"}},
      {"gtest/", {"tests/"}},
      {"gmock/", {"tests/"}},
  };
  return *rows;
}

// In index/ only these speak CRoaring; everybody else goes through them.
constexpr std::string_view kCRoaringOwners[] = {
    "index/roaring_codec.",
};
// clang-format on

// C++ and POSIX headers: <vector>, <sys/stat.h>, <unistd.h>. Free for all.
bool IsSystemHeader(std::string_view path) {
  constexpr std::string_view kFolders[] = {"sys/", "netinet/", "arpa/", "linux/", "sanitizer/"};
  constexpr std::string_view kHeaders[] = {
      "fcntl.h",  "immintrin.h", "langinfo.h", "netdb.h",  "poll.h",   "pthread.h",   "sched.h",
      "signal.h", "spawn.h",     "termios.h",  "unistd.h", "malloc.h", "x86intrin.h", "dirent.h"};
  if (path.find_first_of("./") == std::string_view::npos) return true;
  return std::any_of(std::begin(kFolders), std::end(kFolders),
                     [&](std::string_view folder) { return path.starts_with(folder); }) ||
         std::find(std::begin(kHeaders), std::end(kHeaders), path) != std::end(kHeaders);
}

bool StartsWithAny(std::string_view text, const std::vector<std::string_view>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return text.starts_with(prefix); });
}

const Row* FindRow(const std::vector<Row>& rows, std::string_view header) {
  const auto row = std::find_if(rows.begin(), rows.end(),
                                [&](const Row& r) { return header.starts_with(r.prefix); });
  return row == rows.end() ? nullptr : &*row;
}

bool IsCRoaringOwner(std::string_view path) {
  return !path.starts_with("index/") ||
         std::any_of(std::begin(kCRoaringOwners), std::end(kCRoaringOwners),
                     [&](std::string_view owner) { return path.starts_with(owner); });
}

// Tests, benchmarks and fuzzers exercise every folder, but only what links gRPC sees the API.
bool IsExerciser(std::string_view path) {
  return path.starts_with("tests/") || path.starts_with("benchmarks/") || path.starts_with("fuzz/");
}

// The naive model proves the engine right only while it shares nothing with how that executes.
bool IsNaiveModel(std::string_view path) { return path.starts_with("tests/testing/naive"); }

bool MayNaiveModelInclude(std::string_view header) {
  return header.starts_with("tests/testing/") || header == "query/expression.h";
}

// Why `file` must not include `include`; empty when it may.
std::string Refusal(const SourceFile& file, const Include& include) {
  const std::string_view header = include.path;
  if (header.find("..") != std::string_view::npos) return "write includes from the root";
  const Row* first_party = FindRow(FirstPartyRows(), header);
  if (first_party != nullptr) {
    if (!include.is_quoted) return fmt::format("write \"{}\", it is our own", header);
    if (IsNaiveModel(file.path) && !MayNaiveModelInclude(header)) {
      return fmt::format("the naive model must not include {}", header);
    }
    const bool is_engine_folder = header.starts_with("index/") || header.starts_with("query/") ||
                                  header.starts_with("storage/") || header.starts_with("server/");
    if (is_engine_folder && IsExerciser(file.path)) return "";
    if (file.path.starts_with("cli/") && is_engine_folder) {
      return fmt::format("cli/ talks to the server, it must not include {}", header);
    }
    if (StartsWithAny(file.path, first_party->includers)) return "";
    return fmt::format("must not include {} (DESIGN section 3)", header);
  }
  if (!include.is_quoted && IsSystemHeader(header)) return "";
  const Row* third_party = FindRow(ThirdPartyRows(), header);
  if (third_party == nullptr) {
    return fmt::format("{} has no row in tests/style/include_rules.cc", header);
  }
  if (!StartsWithAny(file.path, third_party->includers)) {
    return fmt::format("must not include {}: see who owns it in include_rules.cc", header);
  }
  if (third_party->prefix == "roaring/" && !IsCRoaringOwner(file.path)) {
    return fmt::format("must not include {}: go through index/'s own types", header);
  }
  return "";
}

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin);
}

}  // namespace

std::vector<Include> FindIncludes(const SourceFile& file) {
  const std::vector<std::string> code_lines = SplitLines(file.code);
  std::vector<Include> includes;
  for (size_t i = 0; i < code_lines.size(); ++i) {
    std::string_view code = Trim(code_lines[i]);
    if (!code.starts_with('#') || !Trim(code.substr(1)).starts_with("include")) continue;
    const std::string_view text = file.lines[i];
    const size_t open = text.find_first_of("\"<");
    if (open == std::string_view::npos) continue;
    const size_t close = text.find(text[open] == '"' ? '"' : '>', open + 1);
    if (close == std::string_view::npos) continue;
    includes.push_back({.path = std::string(text.substr(open + 1, close - open - 1)),
                        .line = static_cast<int>(i) + 1,
                        .is_quoted = text[open] == '"'});
  }
  return includes;
}

std::vector<Finding> CheckIncludes(const SourceFile& file) {
  std::vector<Finding> findings;
  if (!IsCpp(file)) return findings;
  for (const Include& include : FindIncludes(file)) {
    std::string refusal = Refusal(file, include);
    if (!refusal.empty()) findings.push_back({file.path, include.line, std::move(refusal)});
  }
  return findings;
}

}  // namespace throng::style
