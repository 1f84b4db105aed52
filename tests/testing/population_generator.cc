#include "tests/testing/population_generator.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "fmt/format.h"

namespace throng::testing {
namespace {

constexpr int64_t kMicrosPerDay = 86'400'000'000;
constexpr uint32_t kEdge = 40;  // ordinals on either side of a chunk's end

index::TagType TypeOf(PlainType type) {
  switch (type) {
    case PlainType::kFlag:
      return index::TagType::kFlag;
    case PlainType::kCategory:
      return index::TagType::kCategory;
    case PlainType::kLabels:
      return index::TagType::kLabels;
    case PlainType::kInteger:
      return index::TagType::kInteger;
    case PlainType::kDecimal:
      return index::TagType::kDecimal;
    case PlainType::kDate:
      return index::TagType::kDate;
    case PlainType::kDateTime:
      break;
  }
  return index::TagType::kDateTime;
}

bool HasTexts(PlainType type) { return type == PlainType::kCategory || type == PlainType::kLabels; }

}  // namespace

PopulationGenerator::PopulationGenerator(const PopulationOptions& options, uint64_t seed)
    : options_(options), random_(seed) {
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  AddTag({"is_vip", PlainType::kFlag}, {.missing = 0.6, .cluster = 3'000});
  AddTag({"churned", PlainType::kFlag}, {.missing = 0.99});
  AddTag({"city", PlainType::kCategory}, {.texts = 20, .missing = 0.1, .cluster = 5'000});
  AddTag({"plan", PlainType::kCategory}, {.texts = 3, .missing = 0.4});
  AddTag({"channel.no", PlainType::kCategory}, {.texts = 400, .missing = 0.02});
  AddTag({"hobbies", PlainType::kLabels}, {.texts = 12, .missing = 0.4});
  AddTag({"areas", PlainType::kLabels}, {.texts = 70, .missing = 0.8, .cluster = 900});
  AddTag({"views", PlainType::kInteger}, {.low = 0, .high = 60, .missing = 0.3});
  AddTag({"balance", PlainType::kInteger}, {.low = kLeast, .high = kMost, .missing = 0.5});
  AddTag({"score", PlainType::kDecimal, 2}, {.low = -700, .high = 700, .missing = 0.2});
  AddTag({"joined", PlainType::kDate},
         {.low = 19'600, .high = 19'900, .missing = 0.1, .cluster = 2'000});
  AddTag({"seen", PlainType::kDateTime},
         {.low = 19'700 * kMicrosPerDay, .high = 19'800 * kMicrosPerDay, .missing = 0.6});
}

void PopulationGenerator::AddTag(PlainTag tag, const TagShape& shape) {
  std::vector<std::string> texts;
  // A few values more than the first load uses: updates bring new ones.
  for (uint32_t i = 0; HasTexts(tag.type) && i < shape.texts + 3; ++i) {
    texts.push_back(i % 7 == 3 ? fmt::format("{} | '春' {}", tag.name, i)
                               : fmt::format("{}{}", tag.name, i));
  }
  tags_.push_back(std::move(tag));
  shapes_.push_back(shape);
  texts_.push_back(std::move(texts));
}

std::vector<GeneratorTag> PopulationGenerator::expression_tags() const {
  std::vector<GeneratorTag> tags;
  for (size_t i = 0; i < tags_.size(); ++i) {
    tags.push_back({.name = tags_[i].name,
                    .type = TypeOf(tags_[i].type),
                    .scale = tags_[i].scale,
                    .texts = texts_[i],
                    .low = shapes_[i].low,
                    .high = shapes_[i].high});
  }
  return tags;
}

std::string PopulationGenerator::IdOf(uint32_t user) const {
  const uint64_t number = uint64_t{user} * 7'919 + 12;
  switch (options_.ids) {
    case IdStyle::kNumbers:
      return std::to_string(number);
    case IdStyle::kTexts:
      return fmt::format("user-{:x}", number);
    case IdStyle::kMixed:
      break;
  }
  // The first ids are numbers, then others turn up, some of which only look like numbers.
  if (user < 50 || user % 3 != 0) return std::to_string(number);
  return fmt::format("0{}", number);
}

std::vector<std::string> PopulationGenerator::some_text_ids(size_t count) {
  std::vector<std::string> ids;
  while (ids.size() < count) {
    ids.push_back(IdOf(static_cast<uint32_t>(Below(uint64_t{next_user_} + 3))));
  }
  return ids;
}

std::vector<uint64_t> PopulationGenerator::some_numeric_ids(size_t count) {
  std::vector<uint64_t> ids;
  while (ids.size() < count) ids.push_back(Below(uint64_t{next_user_} + 3) * 7'919 + 12);
  return ids;
}

bool PopulationGenerator::HasTags(uint32_t user) const {
  if (!options_.edges_only) return true;
  const uint32_t offset = user & 0xffff;
  return offset < kEdge || offset >= 0x10000 - kEdge || user % 9'001 < 3;
}

PlainColumn PopulationGenerator::EmptyColumn(uint32_t tag) const {
  PlainColumn column;
  column.tag = tag;
  column.texts = texts_[tag];
  return column;
}

uint32_t PopulationGenerator::PickText(uint32_t tag, uint32_t user, bool is_new) {
  const uint32_t texts = static_cast<uint32_t>(texts_[tag].size());
  const uint32_t cluster = shapes_[tag].cluster;
  if (cluster > 0 && !Chance(0.1)) return (user / cluster) % shapes_[tag].texts;
  if (is_new) {
    // Skewed: the first values are by far the most frequent.
    const uint64_t x = Below(1'000);
    return static_cast<uint32_t>(shapes_[tag].texts * x * x * x / 1'000'000'000);
  }
  return static_cast<uint32_t>(Below(texts));
}

int64_t PopulationGenerator::PickNumber(uint32_t tag, uint32_t user) {
  const TagShape& shape = shapes_[tag];
  if (tags_[tag].type == PlainType::kFlag) return 1;
  if (Chance(0.02)) return Chance(0.5) ? shape.low : shape.high;
  const uint64_t width = static_cast<uint64_t>(shape.high) - static_cast<uint64_t>(shape.low);
  if (width == std::numeric_limits<uint64_t>::max()) {
    // Mostly small numbers, seldom any.
    return Chance(0.9) ? static_cast<int64_t>(Below(200)) - 100 : static_cast<int64_t>(random_());
  }
  if (shape.cluster > 0 && !Chance(0.1)) {
    return shape.low + static_cast<int64_t>((user / shape.cluster) % (width + 1));
  }
  return shape.low + static_cast<int64_t>(std::min(Below(width + 1), Below(width + 1)));
}

void PopulationGenerator::AddCell(uint32_t user, CellKind kind, bool is_new, PlainColumn* column) {
  column->kinds.push_back(kind);
  const PlainType type = tags_[column->tag].type;
  if (type == PlainType::kLabels) {
    std::vector<uint32_t> labels;
    for (uint64_t count = kind == CellKind::kSet ? 1 + Below(4) : 0; count > 0; --count) {
      labels.push_back(PickText(column->tag, user, is_new));
    }
    column->labels.push_back(std::move(labels));
  } else if (kind != CellKind::kSet) {
    column->numbers.push_back(0);
  } else {
    column->numbers.push_back(type == PlainType::kCategory ? PickText(column->tag, user, is_new)
                                                           : PickNumber(column->tag, user));
  }
}

PlainBatch PopulationGenerator::NextUsers(uint32_t count) {
  PlainBatch batch;
  const uint32_t end = next_user_ + count;
  for (uint32_t user = next_user_; user < end; ++user) batch.ids.push_back(IdOf(user));
  for (uint32_t tag = 0; tag < tags_.size(); ++tag) {
    PlainColumn column = EmptyColumn(tag);
    const TagShape& shape = shapes_[tag];
    for (uint32_t user = next_user_; user < end; ++user) {
      bool missing = !HasTags(user) || Chance(shape.missing);
      // Flags that come in runs: full chunks' parts and gaps.
      if (tags_[tag].type == PlainType::kFlag && shape.cluster > 0 && HasTags(user)) {
        missing = (user / shape.cluster) % 2 == 0 ? Chance(0.01) : Chance(shape.missing);
      }
      AddCell(user, missing ? CellKind::kLeave : CellKind::kSet, true, &column);
    }
    batch.columns.push_back(std::move(column));
  }
  next_user_ = end;
  return batch;
}

PlainBatch PopulationGenerator::MakeUpdate(uint32_t rows) {
  PlainBatch batch;
  std::vector<uint32_t> users;
  for (uint32_t i = 0; i < rows; ++i) {
    const bool is_new = Chance(0.03);
    users.push_back(is_new ? next_user_++ : static_cast<uint32_t>(Below(next_user_)));
    if (Chance(0.05)) users.push_back(users.back());
  }
  for (const uint32_t user : users) batch.ids.push_back(IdOf(user));
  for (uint32_t tag = 0; tag < tags_.size(); ++tag) {
    PlainColumn column = EmptyColumn(tag);
    for (const uint32_t user : users) {
      const uint64_t kind = Below(10);
      AddCell(user,
              kind < 4   ? CellKind::kLeave
              : kind < 6 ? CellKind::kClear
                         : CellKind::kSet,
              false, &column);
      // A FLAG that is set to false is as good as cleared.
      if (tags_[tag].type == PlainType::kFlag) column.numbers.back() = Chance(0.5) ? 1 : 0;
    }
    batch.columns.push_back(std::move(column));
  }
  return batch;
}

PlainLabelsEdit PopulationGenerator::MakeLabelsEdit() {
  PlainLabelsEdit edit;
  edit.id = IdOf(static_cast<uint32_t>(Below(next_user_)));
  do {
    edit.tag = static_cast<uint32_t>(Below(tags_.size()));
  } while (tags_[edit.tag].type != PlainType::kLabels);
  const std::vector<std::string>& texts = texts_[edit.tag];
  for (uint64_t i = Below(3); i > 0; --i) edit.add.push_back(texts[Below(texts.size())]);
  for (uint64_t i = Below(5); i > 0; --i) edit.remove.push_back(texts[Below(texts.size())]);
  return edit;
}

PlainBatch PopulationGenerator::MakeReplacement(uint32_t tag, uint32_t rows) {
  PlainBatch batch;
  PlainColumn column = EmptyColumn(tag);
  for (uint32_t i = 0; i < rows; ++i) {
    const uint32_t user = static_cast<uint32_t>(Below(next_user_));
    batch.ids.push_back(IdOf(user));
    AddCell(user, CellKind::kSet, false, &column);
  }
  batch.columns.push_back(std::move(column));
  return batch;
}

}  // namespace throng::testing
