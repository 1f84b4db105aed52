#include "server/engine/package_rows.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"

namespace throng::engine {
namespace {

constexpr size_t kNumberBytesMax = 20;
constexpr size_t kNumbersAtOnce = 1'024;
// Users whose columns are read at once; at most index::kArrayMax.
constexpr size_t kColumnRows = 1'024;
static_assert(kColumnRows <= index::kArrayMax);

// LABELS come joined by '|'; '|' and '\\' within one stand behind a '\\' (value_text.h).
void AppendJsonLabels(std::string_view labels, std::string* bytes) {
  *bytes += '[';
  std::string label;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == '\\' && i + 1 < labels.size()) {
      label += labels[++i];
    } else if (labels[i] == '|') {
      AppendJsonText(std::exchange(label, {}), bytes);
      *bytes += ',';
    } else {
      label += labels[i];
    }
  }
  AppendJsonText(label, bytes);
  *bytes += ']';
}

void AppendJsonValue(std::string_view value, index::TagType type, std::string* bytes) {
  switch (type) {
    case index::TagType::kFlag:
    case index::TagType::kInteger:
      *bytes += value;
      return;
    case index::TagType::kLabels:
      AppendJsonLabels(value, bytes);
      return;
    case index::TagType::kCategory:
    case index::TagType::kDecimal:
    case index::TagType::kDate:
    case index::TagType::kDateTime:
      AppendJsonText(value, bytes);
      return;
  }
}

}  // namespace

void AppendCsvField(std::string_view field, std::string* bytes) {
  if (field.find_first_of(",\"\r\n") == std::string_view::npos) {
    *bytes += field;
    return;
  }
  *bytes += '"';
  for (const char c : field) {
    if (c == '"') *bytes += '"';
    *bytes += c;
  }
  *bytes += '"';
}

void AppendJsonText(std::string_view text, std::string* bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  *bytes += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      *bytes += '\\';
      *bytes += c;
    } else if (byte < 0x20) {
      *bytes += "\\u00";
      *bytes += kDigits[byte >> 4];
      *bytes += kDigits[byte & 15];
    } else {
      *bytes += c;
    }
  }
  *bytes += '"';
}

PackageRows::PackageRows(const PackageSource& source)
    : source_(source),
      format_(source.manifest.spec.format),
      is_plain_numbers_(format_ == PackageFormat::kText && source.id_type == nullptr &&
                        source.manifest.spec.hashing == IdHashing::kNone),
      linked_(source.id_type == nullptr ? nullptr
                                        : source.snapshot->linked_ids(source.id_type->id)),
      hasher_(source.manifest.spec.hashing) {
  for (const index::TagEntry* tag : source.tags) readers_.emplace_back(*source.snapshot, *tag);
}

void PackageRows::AppendHead(std::string* bytes) const {
  if (format_ != PackageFormat::kCsv) return;
  AppendCsvField(source_.manifest.spec.id_type, bytes);
  for (const index::TagEntry* tag : source_.tags) {
    *bytes += ',';
    AppendCsvField(tag->definition.name, bytes);
  }
  *bytes += '\n';
}

absl::StatusOr<uint64_t> PackageRows::Append(uint64_t first, uint64_t end, size_t bytes_most,
                                             std::string* bytes, PackageCounts* counts) {
  const uint64_t end_of_users = uint64_t{source_.users->chunk_count()} << index::kChunkBits;
  const uint64_t last = std::min(end, end_of_users);
  while (first < last && bytes->size() < bytes_most) {
    const auto chunk = static_cast<uint32_t>(first >> index::kChunkBits);
    LoadChunk(chunk);
    const uint64_t chunk_begin = uint64_t{chunk} << index::kChunkBits;
    const auto place_of = [&](uint64_t ordinal) -> size_t {
      if (ordinal - chunk_begin >= index::kChunkSize) return offsets_.size();
      const auto offset = static_cast<uint16_t>(ordinal - chunk_begin);
      return static_cast<size_t>(std::lower_bound(offsets_.begin(), offsets_.end(), offset) -
                                 offsets_.begin());
    };
    const size_t begin = place_of(first);
    const size_t places_end = place_of(last);
    size_t written = 0;
    if (begin < places_end && is_plain_numbers_ && source_.snapshot->ids().chunk(chunk).numeric()) {
      written = AppendNumbers(std::span(offsets_).subspan(begin, places_end - begin), bytes_most,
                              bytes, counts);
    } else {
      THRONG_ASSIGN_OR_RETURN(written, AppendUsers(begin, places_end, bytes_most, bytes, counts));
    }
    first = begin + written < offsets_.size() ? chunk_begin | offsets_[begin + written]
                                              : chunk_begin + index::kChunkSize;
  }
  return first < last ? first : end;
}

void PackageRows::LoadChunk(uint32_t chunk) {
  if (chunk_ == chunk) return;
  chunk_ = chunk;
  columns_begin_ = columns_end_ = 0;
  offsets_.clear();
  offsets_.reserve(source_.users->chunk(chunk).cardinality);
  index::ForEach(source_.users->chunk(chunk),
                 [this](uint32_t offset) { offsets_.push_back(static_cast<uint16_t>(offset)); });
}

size_t PackageRows::AppendNumbers(std::span<const uint16_t> offsets, size_t bytes_most,
                                  std::string* bytes, PackageCounts* counts) const {
  const index::IdChunk& ids = source_.snapshot->ids().chunk(*chunk_);
  size_t written = 0;
  while (written < offsets.size() && bytes->size() < bytes_most) {
    const std::span<const uint16_t> part =
        offsets.subspan(written, std::min(kNumbersAtOnce, offsets.size() - written));
    const size_t begin = bytes->size();
    bytes->resize(begin + part.size() * (kNumberBytesMax + 1));
    char* out = bytes->data() + begin;
    const char* const enough = bytes->data() + std::min(bytes_most, bytes->size());
    for (const uint16_t offset : part) {
      if (out >= enough) break;
      out = std::to_chars(out, out + kNumberBytesMax, ids.number(offset)).ptr;
      *out++ = '\n';
      ++written;
    }
    bytes->resize(static_cast<size_t>(out - bytes->data()));
  }
  counts->users += written;
  counts->rows += written;
  return written;
}

absl::StatusOr<size_t> PackageRows::AppendUsers(size_t begin, size_t end, size_t bytes_most,
                                                std::string* bytes, PackageCounts* counts) {
  size_t place = begin;
  for (; place < end && bytes->size() < bytes_most; ++place) {
    THRONG_RETURN_IF_ERROR(AppendUser(place, bytes, counts));
  }
  return place - begin;
}

absl::Status PackageRows::AppendUser(size_t place, std::string* bytes, PackageCounts* counts) {
  if (source_.id_type == nullptr) {
    const index::IdChunk& ids = source_.snapshot->ids().chunk(*chunk_);
    const uint16_t offset = offsets_[place];
    ++counts->users;
    ++counts->rows;
    if (!ids.numeric()) return AppendRow(ids.view(offset), place, bytes);
    char digits[kNumberBytesMax];
    const char* end = std::to_chars(digits, digits + kNumberBytesMax, ids.number(offset)).ptr;
    return AppendRow(std::string_view(digits, static_cast<size_t>(end - digits)), place, bytes);
  }
  const uint32_t ordinal = *chunk_ << index::kChunkBits | offsets_[place];
  if (linked_ == nullptr || linked_->CountOf(ordinal) == 0) {
    ++counts->without_id;
    return absl::OkStatus();
  }
  ++counts->users;
  for (const std::string& id : linked_->IdsOf(ordinal)) {
    ++counts->rows;
    THRONG_RETURN_IF_ERROR(AppendRow(id, place, bytes));
  }
  return absl::OkStatus();
}

absl::Status PackageRows::AppendRow(std::string_view id, size_t place, std::string* bytes) {
  if (hasher_.hashes()) {
    hashed_.clear();
    hasher_.Append(id, &hashed_);
    id = hashed_;
  }
  if (!readers_.empty()) LoadColumns(place);
  const size_t row = place - columns_begin_;
  switch (format_) {
    case PackageFormat::kText:
      if (id.find_first_of("\r\n") != std::string_view::npos) {
        return index::MakeError(absl::StatusCode::kFailedPrecondition,
                                "an id has a line end in it, which txt cannot write: use csv or "
                                "ndjson",
                                {.reason = "LINE_END_IN_ID", .field = "spec.format"});
      }
      *bytes += id;
      break;
    case PackageFormat::kCsv:
      AppendCsvField(id, bytes);
      for (const std::vector<std::string>& column : columns_) {
        *bytes += ',';
        AppendCsvField(column[row], bytes);
      }
      break;
    case PackageFormat::kNdjson:
      AppendJsonRow(id, row, bytes);
      break;
    case PackageFormat::kRoaring32:
    case PackageFormat::kRoaring64:
      return absl::InternalError("a bitmap has no rows");
  }
  *bytes += '\n';
  return absl::OkStatus();
}

void PackageRows::AppendJsonRow(std::string_view id, size_t row, std::string* bytes) const {
  *bytes += '{';
  AppendJsonText(source_.manifest.spec.id_type, bytes);
  *bytes += ':';
  AppendJsonText(id, bytes);
  for (size_t i = 0; i < columns_.size(); ++i) {
    const std::string& value = columns_[i][row];
    if (value.empty()) continue;
    *bytes += ',';
    AppendJsonText(source_.tags[i]->definition.name, bytes);
    *bytes += ':';
    AppendJsonValue(value, source_.tags[i]->definition.type, bytes);
  }
  *bytes += '}';
}

void PackageRows::LoadColumns(size_t place) {
  if (place >= columns_begin_ && place < columns_end_) return;
  columns_begin_ = place;
  columns_end_ = std::min(place + kColumnRows, offsets_.size());
  columns_.resize(readers_.size());
  const std::span<const uint16_t> users = std::span(offsets_).subspan(place, columns_end_ - place);
  for (size_t i = 0; i < readers_.size(); ++i) {
    columns_[i].clear();
    readers_[i].AppendTexts(*chunk_, users, &columns_[i]);
  }
}

}  // namespace throng::engine
