#include "benchmarks/write_rows.h"

#include <cmath>

#include "fmt/format.h"

namespace throng::bench {
namespace {

struct Shape {
  const char* name;
  index::TagType type;
  uint32_t values;  // codes or labels; or numbers are below it
  double skew;      // uniform^skew: 1 is even
};

constexpr Shape kShapes[] = {
    {"gender", index::TagType::kCategory, 3, 1},
    {"age_band", index::TagType::kCategory, 8, 1.5},
    {"city", index::TagType::kCategory, 300, 3},
    {"device", index::TagType::kCategory, 5, 1.5},
    {"membership", index::TagType::kCategory, 5, 2},
    {"product_type", index::TagType::kCategory, 20, 2},
    {"channel", index::TagType::kCategory, 50, 2},
    {"interests", index::TagType::kLabels, 200, 2},
    {"is_graduate", index::TagType::kFlag, 50, 0},
    {"lease_expiring", index::TagType::kFlag, 140, 0},
    {"last_active_days", index::TagType::kInteger, 366, 2},
    {"views_7d", index::TagType::kInteger, 100, 4},
    {"spend", index::TagType::kInteger, 100'000, 4},
};

uint32_t Draw(const Shape& shape, Random& random) {
  if (shape.type == index::TagType::kFlag) return random.Next() % shape.values == 0;
  return static_cast<uint32_t>(std::pow(random.Uniform(), shape.skew) * shape.values);
}

// Views of "v0", "v1", ...
const std::vector<std::string_view>& ValueNames() {
  static const auto& names = *[] {
    auto* texts = new std::vector<std::string>();
    for (int i = 0; i < 300; ++i) texts->push_back(fmt::format("v{}", i));
    return new std::vector<std::string_view>(texts->begin(), texts->end());
  }();
  return names;
}

query::Value Number(int64_t number) { return {.literal = query::DecimalLiteral{.units = number}}; }

}  // namespace

const std::vector<index::TagDefinition>& WriteTags() {
  static const auto& tags = *[] {
    auto* made = new std::vector<index::TagDefinition>();
    for (const Shape& shape : kShapes) made->push_back({.name = shape.name, .type = shape.type});
    return made;
  }();
  return tags;
}

uint64_t WriteId(uint32_t user) { return 100'000'000 + uint64_t{user} * 7; }

WriteRows::WriteRows(uint32_t first, uint32_t rows, uint64_t seed) {
  Random random(seed * 1'000'003 + first);
  for (uint32_t row = 0; row < rows; ++row) ids_.push_back(WriteId(first + row));
  batch_.number = first / engine::kBatchRowsMax + 1;
  batch_.ids = std::span<const uint64_t>(ids_);
  for (size_t t = 0; t < kTags; ++t) {
    const Shape& shape = kShapes[t];
    engine::TagColumn& column = batch_.columns.emplace_back();
    column.tag = shape.name;
    const std::vector<std::string_view> names(
        ValueNames().begin(), ValueNames().begin() + std::min<uint32_t>(shape.values, 300));
    switch (shape.type) {
      case index::TagType::kCategory:
        for (uint32_t row = 0; row < rows; ++row) codes_[t].push_back(Draw(shape, random));
        column.values = engine::CodedView{.values = names, .codes = codes_[t]};
        break;
      case index::TagType::kLabels:
        for (uint32_t row = 0; row < rows; ++row) {
          for (uint64_t i = random.Next() % 9; i > 0; --i) {
            codes_[t].push_back(Draw(shape, random));
          }
          label_ends_.push_back(static_cast<uint32_t>(codes_[t].size()));
        }
        column.values =
            engine::LabelsView{.values = names, .codes = codes_[t], .ends = label_ends_};
        break;
      case index::TagType::kFlag:
        flags_[t].assign((rows + 7) / 8, '\0');
        for (uint32_t row = 0; row < rows; ++row) {
          if (Draw(shape, random) != 0) flags_[t][row / 8] |= static_cast<char>(1 << row % 8);
        }
        column.values = engine::FlagsView{.bits = flags_[t]};
        break;
      case index::TagType::kInteger:
      case index::TagType::kDecimal:
      case index::TagType::kDate:
      case index::TagType::kDateTime:
        for (uint32_t row = 0; row < rows; ++row) numbers_[t].push_back(Draw(shape, random));
        column.values = engine::IntegersView{.values = numbers_[t]};
        break;
    }
  }
}

engine::UserChange WriteChange(uint32_t user, Random& random) {
  engine::UserChange change;
  change.id = std::to_string(WriteId(user));
  for (const Shape& shape : kShapes) {
    const uint32_t drawn = Draw(shape, random);
    query::Value value;
    if (shape.type == index::TagType::kFlag) {
      value.literal = drawn != 0;
    } else if (shape.type == index::TagType::kInteger) {
      value = Number(drawn);
    } else {
      value.literal = std::string(ValueNames()[drawn]);
    }
    change.changes.push_back({shape.name, engine::SetValue{value}});
  }
  return change;
}

}  // namespace throng::bench
