#include "server/engine/upload_frame.h"

#include <algorithm>
#include <optional>

#include "index/id_chunk.h"

namespace throng::engine {
namespace {

// Enough to be worth handing over, and few enough that all threads have some of a usual frame.
constexpr size_t kSliceIds = 2'048;

}  // namespace

template <typename Fill>
void UploadFrame::ForSlices(size_t count, Fill fill) {
  used_ = (count + kSliceIds - 1) / kSliceIds;
  if (slices_.size() < used_) slices_.resize(used_);
  parallel_.For(static_cast<uint32_t>(used_), [&](uint32_t i, uint32_t) {
    Slice& slice = slices_[i];
    slice.begin = static_cast<uint32_t>(i * kSliceIds);
    slice.end = static_cast<uint32_t>(std::min(count, (i + 1) * kSliceIds));
    slice.kept.clear();
    slice.ends.clear();
    slice.ids.clear();
    slice.refused.clear();
    fill(&slice);
  });
}

void UploadFrame::LookUp(std::span<const uint64_t> numbers) {
  is_numeric_ = true;
  numbers_ = numbers;
  ForSlices(numbers.size(), [&](Slice* slice) {
    FindUsers(
        snapshot_, type_, slice->end - slice->begin,
        [&](size_t i, char* buffer) { return index::MakeIdKey(numbers[slice->begin + i], buffer); },
        [&](size_t, const index::IdKey& key, std::optional<uint32_t> user) {
          slice->ids.push_back(
              {.hash = key.hash, .user = user.value_or(0), .is_known = user.has_value()});
        });
  });
}

void UploadFrame::LookUp(const TextsView& texts) {
  is_numeric_ = false;
  texts_ = texts;
  ForSlices(texts.ends.size(), [&](Slice* slice) {
    Normalize(slice);
    FindUsers(
        snapshot_, type_, slice->ends.size(),
        [&](size_t i, char*) { return index::MakeIdKey(slice->KeptAt(i)); },
        [&](size_t, const index::IdKey& key, std::optional<uint32_t> user) {
          slice->ids.push_back(
              {.hash = key.hash, .user = user.value_or(0), .is_known = user.has_value()});
        });
  });
}

void UploadFrame::Normalize(Slice* slice) const {
  static const index::IdTypeDefinition kPrimary;
  const index::IdTypeDefinition& type = type_ == nullptr ? kPrimary : *type_;
  std::string kept;
  for (uint32_t place = slice->begin; place < slice->end; ++place) {
    const index::IdFault fault = index::NormalizeInto(type, TextAt(place), &kept);
    if (fault != index::IdFault::kNone) {
      slice->refused.push_back({.place = place, .fault = fault});
      continue;
    }
    slice->kept.append(kept);
    slice->ends.push_back(static_cast<uint32_t>(slice->kept.size()));
  }
}

}  // namespace throng::engine
