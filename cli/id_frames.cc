#include "cli/id_frames.h"

#include <algorithm>
#include <charconv>

namespace throng::cli {
namespace {

constexpr size_t kFrameBytes = 128 << 10;
constexpr size_t kFrameIds = 16'384;
constexpr size_t kGapsMax = 1'000'000;

}  // namespace

std::optional<uint64_t> DecimalId(std::string_view text) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  if (text.front() < '0' || text.front() > '9') return std::nullopt;
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

void IdFrames::Add(std::string_view id, uint64_t line) {
  ++count_;
  const uint64_t ahead = line >= count_ ? line - count_ : 0;
  const bool is_gap = gaps_.empty() || gaps_.back().second != ahead;
  if (!is_gap || gaps_.size() < kGapsMax) {
    if (is_gap) gaps_.emplace_back(count_, ahead);
    if (known_ + 1 == count_) known_ = count_;
  }
  data_.append(id);
  ends_.push_back(static_cast<uint32_t>(data_.size()));
  if (!all_numbers_) return;
  const std::optional<uint64_t> number = DecimalId(id);
  all_numbers_ = number.has_value();
  if (all_numbers_) numbers_.push_back(*number);
}

bool IdFrames::full() const { return data_.size() >= kFrameBytes || ends_.size() >= kFrameIds; }

v1::UploadIdsRequest IdFrames::Take() {
  v1::UploadIdsRequest request;
  v1::IdColumn& ids = *request.mutable_ids();
  if (all_numbers_) {
    ids.mutable_numbers()->mutable_values()->Add(numbers_.begin(), numbers_.end());
  } else {
    *ids.mutable_texts()->mutable_data() = std::move(data_);
    ids.mutable_texts()->mutable_ends()->Add(ends_.begin(), ends_.end());
  }
  data_.clear();
  ends_.clear();
  numbers_.clear();
  all_numbers_ = true;
  return request;
}

uint64_t IdFrames::LineOf(uint64_t position) const {
  if (position == 0 || position > known_) return 0;
  const auto behind = std::upper_bound(
      gaps_.begin(), gaps_.end(), position,
      [](uint64_t value, const std::pair<uint64_t, uint64_t>& gap) { return value < gap.first; });
  return position + std::prev(behind)->second;
}

}  // namespace throng::cli
