// The access file: who may call, in TOML. People write it, and `throngd token` changes it without
// touching what else is written there.
//
//   [[principal]]
//   name = "cms"
//   token_sha256 = "9f86d081..."            # or subject = "CN=cms,O=Example", or both
//   expires = 2027-01-31T00:00:00Z          # may be left out: never
//
//   [[principal.grant]]
//   population = "renters"                  # "*": every population, and the server itself
//   roles = ["operator", "upload"]
//   sensitivity = 3                         # tags above it do not exist; left out: 0
//   minimum_count = 100                     # fewer users are not told; left out: any number is
//
//   absl::StatusOr<std::vector<Principal>> principals = ParseAccessFile(text, "access.toml");
//
// Keys that are not known are errors: a misspelt one must not mean less protection. Thread-safe.
#ifndef THRONG_SERVER_ACCESS_ACCESS_FILE_H_
#define THRONG_SERVER_ACCESS_ACCESS_FILE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/access/access_list.h"

namespace throng::access {

inline constexpr size_t kAccessFileBytesMax = 8 << 20;
inline constexpr size_t kPrincipalsMax = 10'000;
inline constexpr size_t kGrantsMax = 1'000;  // of a principal
inline constexpr size_t kPrincipalNameBytesMax = 128;

// `path` is named in errors. Errors: kInvalidArgument with the line and what to write instead.
absl::StatusOr<std::vector<Principal>> ParseAccessFile(std::string_view text,
                                                       std::string_view path);

// Errors: kUnavailable (cannot be read), kFailedPrecondition (everybody may write it),
// kInvalidArgument as above.
absl::StatusOr<std::vector<Principal>> ReadAccessFile(const std::string& path);

// `text` with `principal` behind it. Errors: kAlreadyExists (its name), kInvalidArgument.
absl::StatusOr<std::string> WithPrincipal(std::string_view text, std::string_view path,
                                          const Principal& principal);

// `text` in which the principal is revoked. Errors: kNotFound, kInvalidArgument.
absl::StatusOr<std::string> WithRevoked(std::string_view text, std::string_view path,
                                        std::string_view name);

// Replaces the file's text by what `change` makes of it, wholly or not at all; only its owner may
// read a new one. One change at a time, also of other processes. A missing file is empty text.
// Errors: `change`'s, kUnavailable.
absl::Status ChangeAccessFile(
    const std::string& path,
    const std::function<absl::StatusOr<std::string>(std::string_view text)>& change);

// "2027-01-31T00:00:00Z" of Unix microseconds, to the second.
std::string TimeText(int64_t unix_us);

}  // namespace throng::access

#endif  // THRONG_SERVER_ACCESS_ACCESS_FILE_H_
