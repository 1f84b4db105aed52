#include "index/id_type.h"

#include <algorithm>

#include "fmt/format.h"
#include "index/error.h"
#include "index/id_chunk.h"
#include "index/id_fault.h"
#include "index/utf8.h"

namespace throng::index {
namespace {

constexpr size_t kNameBytesMax = 128;
constexpr size_t kDisplayNameBytesMax = 4'096;
constexpr std::string_view kSpace = " \t\n\v\f\r";

bool IsHex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

void Lowercase(std::string* text) {
  for (char& c : *text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
}

void Trim(std::string* text) {
  const size_t first = text->find_first_not_of(kSpace);
  if (first == std::string::npos) {
    text->clear();
    return;
  }
  text->erase(text->find_last_not_of(kSpace) + 1);
  text->erase(0, first);
}

// False when `text` is not what the normalizer takes.
bool ApplyTo(IdNormalizer normalizer, std::string* text) {
  switch (normalizer) {
    case IdNormalizer::kTrim:
      Trim(text);
      return true;
    case IdNormalizer::kLowercaseHex:
      if (!std::all_of(text->begin(), text->end(), IsHex)) return false;
      Lowercase(text);
      return true;
    case IdNormalizer::kPhoneDigits:
      std::erase_if(*text, [](char c) { return c < '0' || c > '9'; });
      return true;
    case IdNormalizer::kLowercase:
      Lowercase(text);
      return true;
  }
  return false;
}

absl::Status ValidateText(std::string_view field, std::string_view text, size_t bytes_max) {
  if (text.size() > bytes_max) {
    return WithField(
        LimitExceeded(absl::StatusCode::kInvalidArgument, "TEXT_TOO_LONG",
                      fmt::format("the length of {} in bytes", field), bytes_max, text.size()),
        field);
  }
  if (IsValidUtf8(text)) return absl::OkStatus();
  return InvalidArgument("INVALID_UTF8", field, fmt::format("{} is not UTF-8", field));
}

}  // namespace

std::string_view IdNormalizerName(IdNormalizer normalizer) {
  switch (normalizer) {
    case IdNormalizer::kTrim:
      return "TRIM";
    case IdNormalizer::kLowercaseHex:
      return "LOWERCASE_HEX";
    case IdNormalizer::kPhoneDigits:
      return "PHONE_DIGITS";
    case IdNormalizer::kLowercase:
      return "LOWERCASE";
  }
  return "UNKNOWN";
}

absl::Status Validate(const IdTypeDefinition& definition) {
  if (definition.name.empty()) {
    return InvalidArgument("INVALID_NAME", "id_type.name", "an id type needs a name");
  }
  THRONG_RETURN_IF_ERROR(ValidateText("id_type.name", definition.name, kNameBytesMax));
  for (const char32_t code_point : DecodeUtf8(definition.name)) {
    if (IsControl(code_point) || code_point == U'/') {
      return InvalidArgument("INVALID_NAME", "id_type.name",
                             "an id type's name must not hold control characters or '/'");
    }
  }
  THRONG_RETURN_IF_ERROR(
      ValidateText("id_type.display_name", definition.display_name, kDisplayNameBytesMax));
  if (definition.normalizers.size() > kIdNormalizersMax) {
    return WithField(LimitExceeded(absl::StatusCode::kInvalidArgument, "TOO_MANY_NORMALIZERS",
                                   "the number of normalizers", kIdNormalizersMax,
                                   definition.normalizers.size()),
                     "id_type.normalizers");
  }
  for (const IdNormalizer normalizer : definition.normalizers) {
    if (normalizer >= IdNormalizer::kTrim && normalizer <= IdNormalizer::kLowercase) continue;
    return InvalidArgument("VALUE_OUT_OF_RANGE", "id_type.normalizers",
                           fmt::format("there is no normalizer {}", static_cast<int>(normalizer)));
  }
  return absl::OkStatus();
}

std::string_view IdFaultName(IdFault fault) {
  switch (fault) {
    case IdFault::kNone:
      return "";
    case IdFault::kNotHex:
      return "NOT_HEX";
    case IdFault::kEmpty:
      return "EMPTY_ID";
    case IdFault::kTooLong:
      return "ID_TOO_LONG";
    case IdFault::kInvalidUtf8:
      return "INVALID_UTF8";
  }
  return "UNKNOWN";
}

IdFault NormalizeInto(const IdTypeDefinition& definition, std::string_view id, std::string* kept) {
  kept->assign(id);
  for (const IdNormalizer normalizer : definition.normalizers) {
    if (!ApplyTo(normalizer, kept)) return IdFault::kNotHex;
  }
  if (kept->empty()) return IdFault::kEmpty;
  if (kept->size() > kIdBytesMax) return IdFault::kTooLong;
  return IsValidUtf8(*kept) ? IdFault::kNone : IdFault::kInvalidUtf8;
}

absl::StatusOr<std::string> NormalizeId(const IdTypeDefinition& definition, std::string_view id) {
  std::string text;
  const IdFault fault = NormalizeInto(definition, id, &text);
  const std::string_view reason = IdFaultName(fault);
  switch (fault) {
    case IdFault::kNone:
      return text;
    case IdFault::kNotHex:
      return InvalidArgument(
          reason, "",
          fmt::format("an id of type \"{}\" consists of hexadecimal digits", definition.name));
    case IdFault::kEmpty:
      return InvalidArgument(
          reason, "",
          id.empty()
              ? "the id is empty"
              : fmt::format("nothing of the id is left in the form of \"{}\"", definition.name));
    case IdFault::kTooLong:
      return LimitExceeded(absl::StatusCode::kInvalidArgument, reason, "the id's length in bytes",
                           kIdBytesMax, text.size());
    case IdFault::kInvalidUtf8:
      break;
  }
  return InvalidArgument(reason, "", "the id is not UTF-8");
}

}  // namespace throng::index
