#include "cli/text_dictionary.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "absl/hash/hash.h"

namespace throng::cli {
namespace {

constexpr size_t kSlotsMin = 64;

}  // namespace

TextDictionary::TextDictionary() : slots_(kSlotsMin) {}

TextDictionary::Key TextDictionary::KeyOf(std::string_view text) {
  Key key{.bytes = static_cast<uint32_t>(text.size())};
  if (text.size() > sizeof(key.bits)) {
    key.bits = absl::HashOf(text);
  } else {
    if (!text.empty()) std::memcpy(&key.bits, text.data(), text.size());
  }
  return key;
}

size_t TextDictionary::FirstPlace(const Key& key) const {
  // Odd, with no pattern: the bits of all bytes come together in the highest ones.
  constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15;
  const uint64_t mixed = (key.bits ^ key.bits >> 32 ^ key.bytes) * kMultiplier;
  return static_cast<size_t>(mixed >> (64 - std::countr_zero(slots_.size())));
}

size_t TextDictionary::Probe(std::string_view text, const Key& key) const {
  const size_t mask = slots_.size() - 1;
  size_t place = FirstPlace(key);
  while (slots_[place].code != kFree) {
    const Slot& slot = slots_[place];
    if (slot.key == key && (key.bytes <= sizeof(key.bits) || this->text(slot.code) == text)) break;
    place = (place + 1) & mask;
  }
  return place;
}

uint32_t TextDictionary::Add(std::string_view text) {
  const Key key = KeyOf(text);
  size_t place = Probe(text, key);
  if (slots_[place].code != kFree) return slots_[place].code;
  if ((ends_.size() + 1) * 2 > slots_.size()) {
    Grow();
    place = Probe(text, key);
  }
  const uint32_t code = static_cast<uint32_t>(ends_.size());
  data_.append(text);
  ends_.push_back(data_.size());
  slots_[place] = Slot{.key = key, .code = code};
  return code;
}

std::optional<uint32_t> TextDictionary::Find(std::string_view text) const {
  const Slot& slot = slots_[Probe(text, KeyOf(text))];
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
    size_t place = FirstPlace(slot.key);
    while (slots_[place].code != kFree) place = (place + 1) & mask;
    slots_[place] = slot;
  }
}

}  // namespace throng::cli
