// Id types: the kinds of ids by which users are known besides the primary one, as a population
// declares them, and the form in which their ids are kept and looked up.
//
//   IdTypeDefinition phone{.id = 1, .name = "phone", .normalizers = {IdNormalizer::kPhoneDigits}};
//   absl::StatusOr<std::string> id = NormalizeId(phone, "+86 138-0000-1111");  // "8613800001111"
//
// Types are values, thread-compatible; functions are thread-safe.
#ifndef THRONG_INDEX_ID_TYPE_H_
#define THRONG_INDEX_ID_TYPE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace throng::index {

inline constexpr uint32_t kIdTypesMax = 64;  // a population, besides the primary one
inline constexpr uint32_t kIdNormalizersMax = 8;
inline constexpr uint32_t kIdsOfTypeMax = 16;  // of one user

// The primary type has this id; its ids are kept as they are given.
inline constexpr uint32_t kPrimaryIdType = 0;

// Numbers are part of the disk format (storage/FORMAT.md): never renumbered.
enum class IdNormalizer : uint8_t {
  kTrim = 1,          // ASCII white space at both ends is dropped
  kLowercaseHex = 2,  // 'A' to 'F' become lower case; what is no hexadecimal digit is refused
  kPhoneDigits = 3,   // the digits stay, all else is dropped, a leading '+' too
  kLowercase = 4,     // 'A' to 'Z' become lower case
};

std::string_view IdNormalizerName(IdNormalizer normalizer);  // "TRIM"

struct IdTypeDefinition {
  uint32_t id = 0;  // 1 and up, never reused
  std::string name;
  std::string display_name;
  std::vector<IdNormalizer> normalizers;  // applied in this order

  friend bool operator==(const IdTypeDefinition&, const IdTypeDefinition&) = default;
};

// Checks name, display name and normalizers. Errors: kInvalidArgument with field "id_type.<field>".
absl::Status Validate(const IdTypeDefinition& definition);

// The form in which an id of the type is kept: 1 to kIdBytesMax bytes of UTF-8. Errors:
// kInvalidArgument (NOT_HEX, EMPTY_ID, ID_TOO_LONG, INVALID_UTF8) without a field.
absl::StatusOr<std::string> NormalizeId(const IdTypeDefinition& definition, std::string_view id);

}  // namespace throng::index

#endif  // THRONG_INDEX_ID_TYPE_H_
