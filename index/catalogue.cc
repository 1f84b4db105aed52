#include "index/catalogue.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "index/memory_use.h"
#include "index/utf8.h"

namespace throng::index {
namespace {

constexpr size_t kNamesMax = 100'000;
// Cells of the distance matrix that one NearestName may fill: a few tens of milliseconds.
constexpr int64_t kCellsMax = 20'000'000;

absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }

absl::Status ValidateName(std::string_view name) {
  if (name.empty()) return InvalidArgument("INVALID_NAME", "tag.name", "a tag needs a name");
  if (name.size() > static_cast<size_t>(kTagNameBytesMax)) {
    return WithField(LimitExceeded(absl::StatusCode::kInvalidArgument, "TEXT_TOO_LONG",
                                   "the tag name's length in bytes", kTagNameBytesMax, name.size()),
                     "tag.name");
  }
  if (!IsValidUtf8(name)) {
    return InvalidArgument("INVALID_UTF8", "tag.name", "the tag name is not UTF-8");
  }
  for (const char32_t code_point : DecodeUtf8(name)) {
    if (IsControl(code_point) || code_point == U'/') {
      return InvalidArgument("INVALID_NAME", "tag.name",
                             "a tag name must not hold control characters or '/'");
    }
  }
  return absl::OkStatus();
}

absl::Status ValidateText(std::string_view field, std::string_view text) {
  const std::string path = fmt::format("tag.{}", field);
  if (text.size() > static_cast<size_t>(kTagTextBytesMax)) {
    return WithField(LimitExceeded(absl::StatusCode::kInvalidArgument, "TEXT_TOO_LONG",
                                   fmt::format("the length of {} in bytes", path), kTagTextBytesMax,
                                   text.size()),
                     path);
  }
  if (!IsValidUtf8(text)) {
    return InvalidArgument("INVALID_UTF8", path, fmt::format("{} is not UTF-8", path));
  }
  return absl::OkStatus();
}

absl::Status ValidateInt(std::string_view field, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return InvalidArgument(
      "VALUE_OUT_OF_RANGE", fmt::format("tag.{}", field),
      fmt::format("tag.{} is {}; it must be {} to {}", field, value, least, most));
}

std::u32string FoldCase(std::string_view text) {
  std::u32string folded = DecodeUtf8(text);
  for (char32_t& c : folded) {
    if (c >= U'A' && c <= U'Z') c += U'a' - U'A';
  }
  return folded;
}

// The restricted Damerau-Levenshtein distance (optimal string alignment) of `name` to one
// candidate after the other, in three rows of scratch.
class EditDistance {
 public:
  explicit EditDistance(const std::u32string& name) : name_(name) {}

  // Returns the distance, or anything above `most` if it is above. Only the cells within `most` of
  // the diagonal can matter, so only these are filled.
  int Compute(const std::u32string& other, int most) {
    const int rows = static_cast<int>(name_.size());
    const int columns = static_cast<int>(other.size());
    const int above = most + 1;
    if (std::abs(rows - columns) > most) return above;
    current_.assign(columns + 1, above);
    previous_.assign(columns + 1, above);
    before_.assign(columns + 1, above);
    for (int j = 0; j <= std::min(columns, most); ++j) previous_[j] = j;
    for (int i = 1; i <= rows; ++i) {
      const int first = std::max(1, i - most);
      const int last = std::min(columns, i + most);
      std::fill(current_.begin(), current_.end(), above);
      if (i <= most) current_[0] = i;
      int least = current_[0];
      for (int j = first; j <= last; ++j) {
        least = std::min(least, current_[j] = Cell(other, i, j));
      }
      cells_ += columns + 1;
      if (least > most) return above;
      std::swap(before_, previous_);
      std::swap(previous_, current_);
    }
    return previous_[columns];
  }

  int64_t cells() const { return cells_; }

 private:
  int Cell(const std::u32string& other, int i, int j) const {
    const int substitution = previous_[j - 1] + (name_[i - 1] == other[j - 1] ? 0 : 1);
    int least = std::min({substitution, previous_[j] + 1, current_[j - 1] + 1});
    if (i > 1 && j > 1 && name_[i - 1] == other[j - 2] && name_[i - 2] == other[j - 1]) {
      least = std::min(least, before_[j - 2] + 1);
    }
    return least;
  }

  const std::u32string& name_;
  std::vector<int> current_;
  std::vector<int> previous_;
  std::vector<int> before_;
  int64_t cells_ = 0;
};

}  // namespace

std::string_view TagTypeName(TagType type) {
  switch (type) {
    case TagType::kFlag:
      return "FLAG";
    case TagType::kCategory:
      return "CATEGORY";
    case TagType::kLabels:
      return "LABELS";
    case TagType::kInteger:
      return "INTEGER";
    case TagType::kDecimal:
      return "DECIMAL";
    case TagType::kDate:
      return "DATE";
    case TagType::kDateTime:
      return "DATETIME";
  }
  return "UNKNOWN";
}

absl::Status Validate(const TagDefinition& definition) {
  THRONG_RETURN_IF_ERROR(ValidateName(definition.name));
  THRONG_RETURN_IF_ERROR(ValidateInt("type", static_cast<int>(definition.type),
                                     static_cast<int>(TagType::kFlag),
                                     static_cast<int>(TagType::kDateTime)));
  const int scale_max = definition.type == TagType::kDecimal ? kDecimalScaleMax : 0;
  THRONG_RETURN_IF_ERROR(ValidateInt("scale", definition.scale, 0, scale_max));
  THRONG_RETURN_IF_ERROR(ValidateText("display_name", definition.display_name));
  THRONG_RETURN_IF_ERROR(ValidateText("path", definition.path));
  THRONG_RETURN_IF_ERROR(ValidateText("description", definition.description));
  THRONG_RETURN_IF_ERROR(ValidateText("owner", definition.owner));
  THRONG_RETURN_IF_ERROR(ValidateInt("sensitivity", definition.sensitivity, 0, 9));
  THRONG_RETURN_IF_ERROR(ValidateInt("state", static_cast<int>(definition.state),
                                     static_cast<int>(TagState::kDraft),
                                     static_cast<int>(TagState::kOffline)));
  THRONG_RETURN_IF_ERROR(ValidateInt("max_values", definition.values_max, 1, kTagValuesMax));
  return ValidateInt("freshness", definition.freshness_s, 0, kFreshnessSecondsMax);
}

std::shared_ptr<const ValueDictionary> ValueDictionary::Extend(
    const ValueDictionary& base, const std::vector<std::string>& added) {
  auto extended = std::make_shared<ValueDictionary>(base);  // texts are shared, keys stay valid
  extended->values_.reserve(base.size() + added.size());
  extended->codes_.reserve(base.size() + added.size());
  for (const std::string& value : added) {
    if (value.empty()) {
      extended->values_.push_back(std::make_shared<const std::string>());
      ++extended->dropped_;
      continue;
    }
    auto text = std::make_shared<const std::string>(value);
    const bool inserted = extended->codes_.emplace(ToAbsl(*text), extended->size()).second;
    assert(inserted);
    static_cast<void>(inserted);
    extended->values_.push_back(std::move(text));
  }
  return extended;
}

std::shared_ptr<const ValueDictionary> ValueDictionary::Drop(const ValueDictionary& base,
                                                             const std::vector<uint32_t>& codes) {
  auto rest = std::make_shared<ValueDictionary>(base);
  for (const uint32_t code : codes) {
    std::shared_ptr<const std::string>& text = rest->values_[code];
    if (text->empty()) continue;  // when replayed
    rest->codes_.erase(ToAbsl(*text));
    text = std::make_shared<const std::string>();
    ++rest->dropped_;
  }
  return rest;
}

std::optional<uint32_t> ValueDictionary::Find(std::string_view value) const {
  const auto it = codes_.find(ToAbsl(value));
  if (it == codes_.end()) return std::nullopt;
  return it->second;
}

size_t ValueDictionary::memory_bytes(const ValueDictionary* beside) const {
  if (beside == this) return 0;
  size_t bytes = SharedBytes<ValueDictionary>();
  if (values_.empty()) return bytes;
  // The map has a byte of control beside each slot.
  bytes += HeapBytes(values_.capacity() * sizeof(values_[0])) +
           HeapBytes(codes_.capacity() * (sizeof(*codes_.begin()) + 1));
  for (uint32_t code = 0; code < size(); ++code) {
    if (beside != nullptr && code < beside->size() && beside->values_[code] == values_[code])
      continue;
    const std::string& text = *values_[code];
    const bool is_apart = text.capacity() > std::string().capacity();
    bytes += SharedBytes<std::string>() + (is_apart ? HeapBytes(text.capacity() + 1) : 0);
  }
  return bytes;
}

std::shared_ptr<const Catalogue> Catalogue::With(std::vector<Entry> entries) const {
  auto changed = std::make_shared<Catalogue>(*this);
  for (Entry& entry : entries) {
    const uint32_t id = entry->definition.id;
    assert(id != 0 && entry->values != nullptr);
    if (changed->by_id_.size() < id) changed->by_id_.resize(id);
    const Entry replaced = std::exchange(changed->by_id_[id - 1], entry);
    if (replaced != nullptr && replaced->definition.name != entry->definition.name) {
      changed->by_name_.erase(replaced->definition.name);
    }
    std::string name = entry->definition.name;
    changed->by_name_.insert_or_assign(std::move(name), std::move(entry));
  }
  return changed;
}

std::shared_ptr<const Catalogue> Catalogue::WithIdType(IdTypeDefinition definition) const {
  assert(definition.id == id_types_->size() + 1);
  auto types = std::make_shared<std::vector<IdTypeDefinition>>(*id_types_);
  types->push_back(std::move(definition));
  auto changed = std::make_shared<Catalogue>(*this);
  changed->id_types_ = std::move(types);
  return changed;
}

const IdTypeDefinition* Catalogue::FindIdType(std::string_view name) const {
  for (const IdTypeDefinition& type : *id_types_) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

const TagEntry* Catalogue::Find(std::string_view name) const {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : it->second.get();
}

const TagEntry* Catalogue::FindById(uint32_t id) const {
  if (id == 0 || id > by_id_.size()) return nullptr;
  return by_id_[id - 1].get();
}

Catalogue::Entry Catalogue::Share(uint32_t id) const {
  if (id == 0 || id > by_id_.size()) return nullptr;
  return by_id_[id - 1];
}

const TagEntry* CatalogueView::Find(std::string_view name) const {
  const TagEntry* entry = catalogue_->Find(name);
  return entry != nullptr && Sees(*entry) ? entry : nullptr;
}

std::string CatalogueView::NearestTag(std::string_view name) const {
  std::vector<std::string_view> names;
  for (const auto& [key, entry] : catalogue_->by_name()) {
    if (Sees(*entry)) names.push_back(key);
  }
  return NearestName(name, names);
}

std::vector<const TagEntry*> CatalogueView::List() const {
  std::vector<const TagEntry*> entries;
  for (const auto& [name, entry] : catalogue_->by_name()) {
    if (Sees(*entry)) entries.push_back(entry.get());
  }
  return entries;
}

std::string NearestName(std::string_view name, const std::vector<std::string_view>& names) {
  if (name.size() > static_cast<size_t>(kTagValueBytesMax)) return "";
  const std::u32string folded = FoldCase(name);
  EditDistance distance(folded);
  std::string_view nearest;
  int best = static_cast<int>(kTagValueBytesMax);
  const size_t count = std::min(names.size(), kNamesMax);
  for (size_t i = 0; i < count && best > 0 && distance.cells() < kCellsMax; ++i) {
    const std::u32string candidate = FoldCase(names[i]);
    const int longer = static_cast<int>(std::max(folded.size(), candidate.size()));
    const int most = std::min(longer / 3, best - 1);
    const int found = distance.Compute(candidate, most);
    if (found > most) continue;
    best = found;
    nearest = names[i];
  }
  return std::string(nearest);
}

}  // namespace throng::index
