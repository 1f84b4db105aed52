#include "cli/column_profile.h"

#include <algorithm>

#include "cli/cell_parser.h"

namespace throng::cli {
namespace {

constexpr size_t kDistinctMax = 1'000'000;
constexpr size_t kPartsMax = 100'000;
constexpr size_t kScaleMax = 9;
constexpr size_t kDecimalDigitsMax = 18;
// Up to so many different values a text is a category whatever the number of rows.
constexpr size_t kFewValues = 50;
constexpr size_t kCategoryValuesMax = 65'535;

constexpr std::string_view kMissingTexts[] = {"NULL", "null", "NA",  "N/A", "n/a",
                                              "\\N",  "NaN",  "nan", "?"};
constexpr std::string_view kDateFormats[] = {"",         "%Y/%m/%d", "%d/%m/%Y",
                                             "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y"};
constexpr std::string_view kTimeFormats[] = {"",
                                             "%Y/%m/%d %H:%M:%S",
                                             "%Y-%m-%d %H:%M",
                                             "%d/%m/%Y %H:%M:%S",
                                             "%d/%m/%Y %H:%M",
                                             "%m/%d/%Y %H:%M:%S",
                                             "%m/%d/%Y %H:%M",
                                             "%d.%m.%Y %H:%M:%S",
                                             "%d.%m.%Y %H:%M"};

template <size_t kCount>
std::vector<CellParser> MakeParsers(v1::TagType type, const std::string_view (&formats)[kCount]) {
  std::vector<CellParser> parsers;
  for (const std::string_view format : formats) {
    TagSchema tag;
    tag.type = type;
    tag.format = format;
    parsers.emplace_back(tag, Schema());
  }
  return parsers;
}

const std::vector<CellParser>& DateParsers() {
  static const auto& parsers =
      *new std::vector<CellParser>(MakeParsers(v1::TAG_TYPE_DATE, kDateFormats));
  return parsers;
}

const std::vector<CellParser>& TimeParsers() {
  static const auto& parsers =
      *new std::vector<CellParser>(MakeParsers(v1::TAG_TYPE_DATE_TIME, kTimeFormats));
  return parsers;
}

const CellParser& FlagParser() {
  static const auto& parser = *[] {
    TagSchema tag;
    tag.type = v1::TAG_TYPE_FLAG;
    return new CellParser(tag, Schema());
  }();
  return parser;
}

// Drops the formats that do not read `cell`.
void KeepFitting(const std::vector<CellParser>& parsers, std::string_view cell,
                 std::vector<bool>& fits) {
  for (size_t i = 0; i < parsers.size(); ++i) {
    if (fits[i]) fits[i] = parsers[i].ParseNumber(cell).ok();
  }
}

template <size_t kCount>
std::optional<std::string> FirstFitting(const std::string_view (&formats)[kCount],
                                        const std::vector<bool>& fits) {
  const auto it = std::find(fits.begin(), fits.end(), true);
  if (it == fits.end()) return std::nullopt;
  return std::string(formats[static_cast<size_t>(it - fits.begin())]);
}

}  // namespace

ColumnProfile::ColumnProfile()
    : date_fits_(std::size(kDateFormats), true), time_fits_(std::size(kTimeFormats), true) {}

void ColumnProfile::Add(std::string_view cell) {
  const bool stands_for_missing = std::find(std::begin(kMissingTexts), std::end(kMissingTexts),
                                            cell) != std::end(kMissingTexts);
  if (cell.empty() || stands_for_missing) {
    ++missing_;
    if (stands_for_missing) missing_texts_.emplace(cell);
    return;
  }
  ++values_;
  // A value that was seen tells nothing new.
  const size_t known = distinct_.size();
  const bool is_new = known >= kDistinctMax || distinct_.Add(cell) == known;
  AddParts(cell);
  if (!is_new) return;
  if (flag_) flag_ = FlagParser().ParseFlag(cell).ok();
  AddNumber(cell);
  KeepFitting(DateParsers(), cell, date_fits_);
  KeepFitting(TimeParsers(), cell, time_fits_);
}

void ColumnProfile::AddNumber(std::string_view cell) {
  // 007 is a code, not a number.
  const size_t first = std::min(cell.find_first_not_of("+-"), cell.size());
  const bool code = first + 1 < cell.size() && cell[first] == '0' && cell[first + 1] != '.';
  if (integer_) integer_ = !code && ParseInteger(cell, false).ok();
  if (integral_float_) integral_float_ = !code && ParseInteger(cell, true).ok();
  if (!decimal_) return;
  const size_t point = cell.find('.');
  const size_t decimals = point == cell.npos ? 0 : cell.size() - point - 1;
  if (code || decimals > kScaleMax || !ParseDecimal(cell, static_cast<int32_t>(decimals)).ok()) {
    decimal_ = false;
    return;
  }
  scale_ = std::max(scale_, static_cast<int32_t>(decimals));
  const size_t whole_digits = std::min(point, cell.size()) - first;
  whole_digits_ = std::max(whole_digits_, whole_digits);
  // Every value must fit beside the decimals of the longest fraction.
  decimal_ = whole_digits_ + static_cast<size_t>(scale_) <= kDecimalDigitsMax;
}

void ColumnProfile::AddParts(std::string_view cell) {
  for (size_t i = 0; i < kSeparators.size(); ++i) {
    if (distinct_parts_[i].size() >= kPartsMax) continue;
    size_t begin = 0;
    while (true) {
      const size_t stop = cell.find(kSeparators[i], begin);
      ++parts_[i];
      distinct_parts_[i].Add(cell.substr(begin, stop == cell.npos ? cell.npos : stop - begin));
      if (stop == cell.npos) break;
      begin = stop + 1;
    }
    if (begin > 0) ++separated_[i];
  }
}

// Whether many cells hold the separator and what it separates recurs more than the cells do.
bool ColumnProfile::SeemsLabels(size_t separator) const {
  const size_t distinct = distinct_parts_[separator].size();
  return separated_[separator] * 20 >= values_ && separated_[separator] >= 2 &&
         distinct < kPartsMax && distinct * 2 <= parts_[separator];
}

std::string_view ColumnProfile::only_value() const {
  return distinct() == 1 ? distinct_.text(0) : std::string_view();
}

std::optional<TagSchema> ColumnProfile::GuessTag(const std::string& name) const {
  if (values_ == 0) return std::nullopt;
  TagSchema tag;
  tag.name = name;
  const std::optional<std::string> date_format = FirstFitting(kDateFormats, date_fits_);
  const std::optional<std::string> time_format = FirstFitting(kTimeFormats, time_fits_);
  if (flag_ && distinct() <= 2) {
    tag.type = v1::TAG_TYPE_FLAG;
  } else if (integer_ || integral_float_) {
    tag.type = v1::TAG_TYPE_INTEGER;
    tag.integral_floats = !integer_;
  } else if (decimal_) {
    tag.type = v1::TAG_TYPE_DECIMAL;
    tag.scale = scale_;
  } else if (date_format) {
    tag.type = v1::TAG_TYPE_DATE;
    tag.format = *date_format;
  } else if (time_format) {
    tag.type = v1::TAG_TYPE_DATE_TIME;
    tag.format = *time_format;
  } else if (SeemsLabels(0) || SeemsLabels(1)) {
    tag.type = v1::TAG_TYPE_LABELS;
    tag.separator = kSeparators[SeemsLabels(0) ? 0 : 1];
  } else if (distinct() <= kFewValues ||
             (distinct() <= kCategoryValuesMax && distinct() * 2 <= values_)) {
    tag.type = v1::TAG_TYPE_CATEGORY;
  } else {
    return std::nullopt;
  }
  return tag;
}

}  // namespace throng::cli
