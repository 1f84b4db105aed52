// Names in schemas: columns, types, and the nearest known name for an unknown one.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <numeric>

#include "cli/schema.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

struct TypeName {
  std::string_view name;
  v1::TagType type;
};
constexpr TypeName kTypeNames[] = {
    {"FLAG", v1::TAG_TYPE_FLAG},          {"CATEGORY", v1::TAG_TYPE_CATEGORY},
    {"LABELS", v1::TAG_TYPE_LABELS},      {"INTEGER", v1::TAG_TYPE_INTEGER},
    {"DECIMAL", v1::TAG_TYPE_DECIMAL},    {"DATE", v1::TAG_TYPE_DATE},
    {"DATETIME", v1::TAG_TYPE_DATE_TIME},
};

// Changed, added, removed and exchanged bytes between `a` and `b` (optimal string alignment).
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  std::iota(last.begin(), last.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] =
          std::min({last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1), last[j] + 1, row[j - 1] + 1});
      const bool exchanged = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (exchanged) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::string ColumnRef::ToString() const { return number ? fmt::format("#{}", *number) : name; }

ColumnRef ParseColumnRef(std::string_view text) {
  if (text.size() > 1 && text[0] == '#') {
    uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size()) {
      return ColumnRef{.name = "", .number = number};
    }
  }
  return ColumnRef{.name = std::string(text), .number = {}};
}

std::string_view TagTypeName(v1::TagType type) {
  for (const TypeName& entry : kTypeNames) {
    if (entry.type == type) return entry.name;
  }
  return "UNSPECIFIED";
}

std::optional<v1::TagType> ParseTagType(std::string_view name) {
  std::string upper(name);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (upper == "DATE_TIME") upper = "DATETIME";
  for (const TypeName& entry : kTypeNames) {
    if (entry.name == upper) return entry.type;
  }
  return std::nullopt;
}

std::string NearestName(std::string_view text, const std::vector<std::string>& names) {
  constexpr size_t kLengthMax = 128;
  std::string_view best;
  size_t best_distance = std::max<size_t>(1, text.size() / 3) + 1;
  for (const std::string& name : names) {
    if (name.size() > kLengthMax || text.size() > kLengthMax) continue;
    const size_t distance = EditDistance(text, name);
    if (distance < best_distance) {
      best = name;
      best_distance = distance;
    }
  }
  return std::string(best);
}

}  // namespace throng::cli
