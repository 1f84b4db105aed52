#include "cli/text_dictionary.h"

#include <algorithm>

#include "absl/hash/hash.h"

namespace throng::cli {
namespace {

constexpr size_t kSlotsMin = 64;

uint32_t HashOf(std::string_view text) {
  const uint64_t hash = absl::HashOf(text);
  return static_cast<uint32_t>(hash ^ (hash >> 32));
}

}  // namespace

TextDictionary::TextDictionary() : slots_(kSlotsMin) {}

size_t TextDictionary::Probe(std::string_view text, uint32_t hash) const {
  const size_t mask = slots_.size() - 1;
  size_t place = hash & mask;
  while (slots_[place].code != kFree) {
    if (slots_[place].hash == hash && this->text(slots_[place].code) == text) break;
    place = (place + 1) & mask;
  }
  return place;
}

uint32_t TextDictionary::Add(std::string_view text) {
  const uint32_t hash = HashOf(text);
  size_t place = Probe(text, hash);
  if (slots_[place].code != kFree) return slots_[place].code;
  if ((ends_.size() + 1) * 2 > slots_.size()) {
    Grow();
    place = Probe(text, hash);
  }
  const uint32_t code = static_cast<uint32_t>(ends_.size());
  data_.append(text);
  ends_.push_back(data_.size());
  slots_[place] = Slot{.hash = hash, .code = code};
  return code;
}

std::optional<uint32_t> TextDictionary::Find(std::string_view text) const {
  const Slot& slot = slots_[Probe(text, HashOf(text))];
  if (slot.code == kFree) return std::nullopt;
  return slot.code;
}

std::string_view TextDictionary::text(uint32_t code) const {
  const uint64_t begin = code == 0 ? 0 : ends_[code - 1];
  return std::string_view(data_).substr(begin, ends_[code] - begin);
}

void TextDictionary::Clear() {
  data_.clear();
  ends_.clear();
  std::fill(slots_.begin(), slots_.end(), Slot());
}

void TextDictionary::Grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  const size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.code == kFree) continue;
    size_t place = slot.hash & mask;
    while (slots_[place].code != kFree) place = (place + 1) & mask;
    slots_[place] = slot;
  }
}

}  // namespace throng::cli
