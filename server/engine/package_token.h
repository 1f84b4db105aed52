// Where a cut stream of a package goes on, as opaque text.
//
//   std::string text = EncodePackageToken({.spec = SpecHash(spec), ...});
//   absl::StatusOr<PackageToken> token = DecodePackageToken(text);
//
// It carries the versions, the place, what was counted and the state of the digest, so that the
// manifest of the last stream is of the whole package. A checksum refuses damaged tokens; it is no
// signature: a forged one reads nothing that its sender could not ask for. Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_PACKAGE_TOKEN_H_
#define THRONG_SERVER_ENGINE_PACKAGE_TOKEN_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/engine/package_blocks.h"
#include "server/engine/package_requests.h"
#include "server/engine/package_source.h"

namespace throng::engine {

// A value; thread-compatible.
struct PackageToken {
  uint64_t spec = 0;  // SpecHash of the request
  PackageBinding binding;
  uint64_t total = 0;  // users to export when the first stream began
  PackageProgress progress;
};

// Tells one package from another. Thread-safe, like all here.
uint64_t SpecHash(const PackageSpec& spec);

std::string EncodePackageToken(const PackageToken& token);
// Errors: kInvalidArgument (BAD_RESUME_TOKEN) at "resume_token" when EncodePackageToken did not
// make it.
absl::StatusOr<PackageToken> DecodePackageToken(std::string_view text);
absl::Status BadResumeToken(std::string_view message);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_PACKAGE_TOKEN_H_
