#include "index/roaring_codec.h"

#include <limits>
#include <memory>

#include "fmt/format.h"
#include "index/error.h"
#include "roaring/roaring.h"
#include "roaring/roaring64.h"

namespace throng::index {
namespace {

struct FreeBitmap {
  void operator()(roaring_bitmap_t* bitmap) const { roaring_bitmap_free(bitmap); }
  void operator()(roaring64_bitmap_t* bitmap) const { roaring64_bitmap_free(bitmap); }
};
using Bitmap = std::unique_ptr<roaring_bitmap_t, FreeBitmap>;
using Bitmap64 = std::unique_ptr<roaring64_bitmap_t, FreeBitmap>;

// The one place where foreign bytes become a bitmap: a read that stays inside the bytes, all of
// them used, and a check of the structure. `why` says what was wrong when the result is null.
Bitmap SafeRead(std::string_view bytes, std::string* why) {
  if (roaring_bitmap_portable_deserialize_size(bytes.data(), bytes.size()) != bytes.size()) {
    *why = "the bytes are not one whole bitmap";
    return nullptr;
  }
  Bitmap bitmap(roaring_bitmap_portable_deserialize_safe(bytes.data(), bytes.size()));
  const char* reason = "it cannot be read";
  if (bitmap != nullptr && roaring_bitmap_internal_validate(bitmap.get(), &reason)) return bitmap;
  *why = reason;
  return nullptr;
}

Bitmap64 SafeRead64(std::string_view bytes, std::string* why) {
  if (roaring64_bitmap_portable_deserialize_size(bytes.data(), bytes.size()) != bytes.size()) {
    *why = "the bytes are not one whole bitmap";
    return nullptr;
  }
  Bitmap64 bitmap(roaring64_bitmap_portable_deserialize_safe(bytes.data(), bytes.size()));
  const char* reason = "it cannot be read";
  if (bitmap != nullptr && roaring64_bitmap_internal_validate(bitmap.get(), &reason)) return bitmap;
  *why = reason;
  return nullptr;
}

absl::Status TooLong(uint64_t limit, uint64_t requested) {
  return LimitExceeded(absl::StatusCode::kInvalidArgument, "LIST_TOO_LONG", "the id list's length",
                       limit, requested);
}

}  // namespace

std::string EncodeNumbers(const std::vector<uint64_t>& numbers) {
  Bitmap64 bitmap(roaring64_bitmap_create());
  roaring64_bitmap_add_many(bitmap.get(), numbers.size(), numbers.data());
  roaring64_bitmap_run_optimize(bitmap.get());
  std::string bytes(roaring64_bitmap_portable_size_in_bytes(bitmap.get()), '\0');
  roaring64_bitmap_portable_serialize(bitmap.get(), bytes.data());
  return bytes;
}

absl::StatusOr<std::string> EncodeNumbers32(const std::vector<uint64_t>& numbers) {
  Bitmap bitmap(roaring_bitmap_create());
  roaring_bulk_context_t place = {};
  for (const uint64_t number : numbers) {
    if (number > std::numeric_limits<uint32_t>::max()) {
      return InvalidArgument(
          "ID_TOO_LARGE", "",
          fmt::format("{} does not fit a 32-bit bitmap: use one of 64 bits", number));
    }
    roaring_bitmap_add_bulk(bitmap.get(), &place, static_cast<uint32_t>(number));
  }
  roaring_bitmap_run_optimize(bitmap.get());
  std::string bytes(roaring_bitmap_portable_size_in_bytes(bitmap.get()), '\0');
  roaring_bitmap_portable_serialize(bitmap.get(), bytes.data());
  return bytes;
}

absl::StatusOr<std::vector<uint64_t>> DecodeNumbers(std::string_view bytes, uint64_t members_max) {
  std::string why;
  if (const Bitmap bitmap = SafeRead(bytes, &why); bitmap != nullptr) {
    const uint64_t size = roaring_bitmap_get_cardinality(bitmap.get());
    if (size > members_max) return TooLong(members_max, size);
    std::vector<uint32_t> members(size);
    roaring_bitmap_to_uint32_array(bitmap.get(), members.data());
    return std::vector<uint64_t>(members.begin(), members.end());
  }
  const Bitmap64 bitmap = SafeRead64(bytes, &why);
  if (bitmap == nullptr) {
    return InvalidArgument("BAD_ROARING", "",
                           fmt::format("not a portable 32- or 64-bit Roaring bitmap: {}", why));
  }
  const uint64_t size = roaring64_bitmap_get_cardinality(bitmap.get());
  if (size > members_max) return TooLong(members_max, size);
  std::vector<uint64_t> members(size);
  roaring64_bitmap_to_uint64_array(bitmap.get(), members.data());
  return members;
}

}  // namespace throng::index
