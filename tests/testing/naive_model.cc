#include "tests/testing/naive_model.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>

namespace throng::testing {
namespace {

using query::Int128;

uint64_t Hash(const std::string& text) { return XXH64(text.data(), text.size(), 0); }

// The place under a salt: docs/expressions.md.
uint64_t PlaceOf(uint64_t id_hash, uint64_t salt_hash) {
  uint64_t x = id_hash ^ salt_hash;
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdULL;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ULL;
  return x ^ (x >> 33);
}

// 0 to 999,999.
uint64_t BucketOf(uint64_t id_hash, uint64_t salt_hash) {
  const uint64_t x = PlaceOf(id_hash, salt_hash);
  // floor(x * 1,000,000 / 2^64) from 32-bit halves.
  const uint64_t low = (x & 0xffffffffULL) * 1'000'000;
  const uint64_t high = (x >> 32) * 1'000'000;
  return (high + (low >> 32)) >> 32;
}

// Where the decimal stands among whole numbers of 10^-scale.
NaiveSpan PlaceDecimal(query::DecimalLiteral literal, int scale) {
  const Int128 beyond = static_cast<Int128>(1) << 100;
  while (literal.scale < scale) {
    if (literal.units > beyond || literal.units < -beyond) break;  // every int64 is nearer to 0
    literal.units *= 10;
    ++literal.scale;
  }
  bool exact = true;
  Int128 floor = literal.units;
  for (; literal.scale > scale; --literal.scale) {
    const Int128 digit = ((floor % 10) + 10) % 10;
    if (digit != 0) exact = false;
    floor = (floor - digit) / 10;
  }
  return exact ? NaiveSpan{.low = floor, .high = floor}
               : NaiveSpan{.low = floor + 1, .high = floor};
}

// -1: the number is below the literal, 0: it is it, 1: above.
int Compare(int64_t number, const NaiveSpan& literal) {
  if (number < literal.low) return -1;
  return number > literal.high ? 1 : 0;
}

std::string KeyOf(const query::CrowdRef& crowd) {
  std::string key = crowd.name;
  key.push_back('/');
  key.append(crowd.live ? std::string("live") : std::to_string(crowd.version));
  return key;
}

}  // namespace

NaiveModel::NaiveModel(std::vector<PlainTag> tags)
    : tags_(std::move(tags)), columns_(tags_.size()) {}

size_t NaiveModel::UserOf(const std::string& id) {
  const auto [place, is_new] = users_.emplace(id, ids_.size());
  if (!is_new) return place->second;
  ids_.push_back(id);
  hashes_.push_back(Hash(id));
  for (size_t tag = 0; tag < tags_.size(); ++tag) {
    if (tags_[tag].type == PlainType::kLabels) {
      columns_[tag].labels.emplace_back();
    } else {
      columns_[tag].numbers.emplace_back();
    }
  }
  return place->second;
}

int64_t NaiveModel::CodeOf(uint32_t tag, const std::string& text) {
  Column& column = columns_[tag];
  const auto [place, is_new] =
      column.codes.emplace(text, static_cast<int64_t>(column.texts.size()));
  if (is_new) column.texts.push_back(text);
  return place->second;
}

void NaiveModel::Write(const PlainColumn& column, size_t row, size_t user) {
  if (column.kinds[row] == CellKind::kLeave) return;
  const bool cleared = column.kinds[row] == CellKind::kClear;
  const PlainType type = tags_[column.tag].type;
  if (type == PlainType::kLabels) {
    std::set<int64_t>& labels = columns_[column.tag].labels[user];
    labels.clear();
    if (cleared) return;
    for (const uint32_t label : column.labels[row]) {
      labels.insert(CodeOf(column.tag, column.texts[label]));
    }
    return;
  }
  std::optional<int64_t> number;
  if (!cleared) number = column.numbers[row];
  if (number.has_value() && type == PlainType::kCategory) {
    number = CodeOf(column.tag, column.texts[static_cast<size_t>(*number)]);
  }
  if (type == PlainType::kFlag && number == 0) number.reset();  // not set is false
  columns_[column.tag].numbers[user] = number;
}

void NaiveModel::Apply(const PlainBatch& batch) {
  for (size_t row = 0; row < batch.ids.size(); ++row) {
    const size_t user = UserOf(batch.ids[row]);
    for (const PlainColumn& column : batch.columns) Write(column, row, user);
  }
}

void NaiveModel::Apply(const PlainLabelsEdit& edit) {
  std::set<int64_t>& labels = columns_[edit.tag].labels[UserOf(edit.id)];
  for (const std::string& label : edit.add) labels.insert(CodeOf(edit.tag, label));
  for (const std::string& label : edit.remove) labels.erase(CodeOf(edit.tag, label));
}

void NaiveModel::ClearTag(uint32_t tag) {
  for (auto& number : columns_[tag].numbers) number.reset();
  for (auto& labels : columns_[tag].labels) labels.clear();
}

bool NaiveModel::Link(const std::string& id_type, const std::string& id, const std::string& user) {
  const size_t place = users_.at(user);
  if (const std::optional<size_t> owner = Find(id_type, id)) return *owner == place;
  links_[id_type].emplace_back(id, place);
  return true;
}

void NaiveModel::Erase(const std::string& user) {
  const size_t place = users_.at(user);
  users_.erase(user);
  erased_.insert(place);
  for (auto& [type, links] : links_) {
    std::erase_if(links, [&](const auto& link) { return link.second == place; });
  }
}

std::optional<size_t> NaiveModel::Find(const std::string& id_type, const std::string& id) const {
  if (id_type.empty()) {
    const auto user = users_.find(id);
    return user == users_.end() ? std::nullopt : std::optional(user->second);
  }
  const auto links = links_.find(id_type);
  if (links == links_.end()) return std::nullopt;
  for (const auto& [linked, user] : links->second) {
    if (linked == id) return user;
  }
  return std::nullopt;
}

std::vector<std::string> LinkedIdsOf(const NaiveModel& model, const std::string& id_type,
                                     size_t user) {
  std::vector<std::string> ids;
  const auto links = model.links_.find(id_type);
  if (links == model.links_.end()) return ids;
  for (const auto& [id, owner] : links->second) {
    if (owner == user) ids.push_back(id);
  }
  return ids;
}

uint32_t NaiveModel::TagOf(const std::string& name) const {
  for (size_t tag = 0; tag < tags_.size(); ++tag) {
    if (tags_[tag].name == name) return static_cast<uint32_t>(tag);
  }
  std::abort();
}

bool NaiveModel::Has(uint32_t tag, size_t user) const {
  const Column& column = columns_[tag];
  if (tags_[tag].type == PlainType::kLabels) return !column.labels[user].empty();
  return column.numbers[user].has_value();
}

NaiveSpan NaiveModel::Place(uint32_t tag, const query::Value& value,
                            const NaiveClock& clock) const {
  switch (tags_[tag].type) {
    case PlainType::kFlag: {
      const int64_t wanted = std::get<bool>(value.literal) ? 1 : 0;
      return {.low = wanted, .high = wanted};
    }
    case PlainType::kCategory:
    case PlainType::kLabels: {
      const auto code = columns_[tag].codes.find(std::get<std::string>(value.literal));
      if (code == columns_[tag].codes.end()) return {.low = -1, .high = -1};
      return {.low = code->second, .high = code->second};
    }
    case PlainType::kInteger:
    case PlainType::kDecimal:
      return PlaceDecimal(std::get<query::DecimalLiteral>(value.literal), tags_[tag].scale);
    case PlainType::kDate:
      return clock.Days(value);
    case PlainType::kDateTime:
      return clock.Micros(value);
  }
  std::abort();
}

std::vector<bool> NaiveModel::HasAny(uint32_t tag, const std::vector<query::Value>& values,
                                     const NaiveClock& clock) const {
  std::vector<NaiveSpan> wanted;
  for (const query::Value& value : values) wanted.push_back(Place(tag, value, clock));
  const auto is_wanted = [&](int64_t number) {
    return std::any_of(wanted.begin(), wanted.end(),
                       [&](const NaiveSpan& span) { return Compare(number, span) == 0; });
  };
  std::vector<bool> users(size());
  for (size_t user = 0; user < size(); ++user) {
    const Column& column = columns_[tag];
    if (tags_[tag].type == PlainType::kLabels) {
      const std::set<int64_t>& labels = column.labels[user];
      users[user] = std::any_of(labels.begin(), labels.end(), is_wanted);
    } else if (tags_[tag].type == PlainType::kFlag) {
      users[user] = is_wanted(column.numbers[user].value_or(0));
    } else {
      users[user] = column.numbers[user].has_value() && is_wanted(*column.numbers[user]);
    }
  }
  return users;
}

std::vector<bool> NaiveModel::InRange(uint32_t tag, const query::Range& range,
                                      const NaiveClock& clock) const {
  std::optional<NaiveSpan> lower;
  std::optional<NaiveSpan> upper;
  if (range.lower.has_value()) lower = Place(tag, *range.lower, clock);
  if (range.upper.has_value()) upper = Place(tag, *range.upper, clock);
  std::vector<bool> users(size());
  for (size_t user = 0; user < size(); ++user) {
    const std::optional<int64_t>& number = columns_[tag].numbers[user];
    bool inside = number.has_value();
    if (inside && lower.has_value()) {
      const int order = Compare(*number, *lower);
      inside = order > 0 || (order == 0 && range.lower_inclusive);
    }
    if (inside && upper.has_value()) {
      const int order = Compare(*number, *upper);
      inside = order < 0 || (order == 0 && range.upper_inclusive);
    }
    users[user] = inside;
  }
  return users;
}

std::vector<bool> NaiveModel::TestNode(const query::Condition& node,
                                       const NaiveClock& clock) const {
  const uint32_t tag = TagOf(node.tag);
  const bool flag = tags_[tag].type == PlainType::kFlag;
  if (const auto* any = std::get_if<query::AnyOf>(&node.test)) {
    return HasAny(tag, any->values, clock);
  }
  if (const auto* range = std::get_if<query::Range>(&node.test)) return InRange(tag, *range, clock);
  std::vector<bool> users(size());
  if (const auto* none = std::get_if<query::NoneOf>(&node.test)) {
    users = HasAny(tag, none->values, clock);
    for (size_t i = 0; i < size(); ++i) users[i] = (flag || Has(tag, i)) && !users[i];
    return users;
  }
  const bool exists = std::holds_alternative<query::Exists>(node.test);
  for (size_t i = 0; i < size(); ++i) users[i] = (exists && flag) || Has(tag, i);
  return users;
}

std::vector<bool> NaiveModel::TestNode(const query::And& node, const NaiveClock& clock) const {
  std::vector<bool> users(size(), true);
  for (const query::Expression& operand : node.operands) {
    const std::vector<bool> other = Test(operand, clock);
    for (size_t i = 0; i < size(); ++i) users[i] = users[i] && other[i];
  }
  return users;
}

std::vector<bool> NaiveModel::TestNode(const query::Or& node, const NaiveClock& clock) const {
  std::vector<bool> users(size(), false);
  for (const query::Expression& operand : node.operands) {
    const std::vector<bool> other = Test(operand, clock);
    for (size_t i = 0; i < size(); ++i) users[i] = users[i] || other[i];
  }
  return users;
}

std::vector<bool> NaiveModel::TestNode(const query::Not& node, const NaiveClock& clock) const {
  std::vector<bool> users = Test(node.operand.front(), clock);
  users.flip();
  return users;
}

std::vector<bool> NaiveModel::TestNode(const query::IdSet& node, const NaiveClock&) const {
  std::vector<bool> users(size(), false);
  const auto add = [&](const std::string& id) {
    if (const auto user = users_.find(id); user != users_.end()) users[user->second] = true;
  };
  for (const std::string& id : node.ids) add(id);
  for (const uint64_t number : node.numbers) add(std::to_string(number));
  return users;
}

std::vector<bool> NaiveModel::InBuckets(const std::string& salt, uint32_t from, uint32_t to) const {
  std::vector<bool> users(size());
  for (size_t i = 0; i < size(); ++i) {
    const uint64_t bucket = BucketOf(hashes_[i], Hash(salt));
    users[i] = from <= bucket && bucket < to;
  }
  return users;
}

std::vector<bool> NaiveModel::TestNode(const query::Bucket& node, const NaiveClock&) const {
  return InBuckets(node.salt, node.from, node.to);
}
std::vector<bool> NaiveModel::TestNode(const query::Sample& node, const NaiveClock&) const {
  return InBuckets(node.salt, 0, node.millionths);
}
std::vector<bool> NaiveModel::TestNode(const query::AllUsers&, const NaiveClock&) const {
  return std::vector<bool>(size(), true);
}
std::vector<bool> NaiveModel::TestNode(const query::NoUsers&, const NaiveClock&) const {
  return std::vector<bool>(size(), false);
}

std::vector<bool> NaiveModel::TestNode(const query::CrowdRef& node, const NaiveClock&) const {
  std::vector<bool> members(size(), false);
  const auto crowd = crowds_.find(KeyOf(node));
  if (crowd == crowds_.end()) return members;
  for (size_t user = 0; user < crowd->second.size(); ++user) {
    members[user] = crowd->second[user] && erased_.count(user) == 0;
  }
  return members;
}

void SetCrowd(const query::CrowdRef& crowd, const std::vector<bool>& selected, NaiveModel* model) {
  model->crowds_[KeyOf(crowd)] = selected;
}

std::vector<bool> NaiveModel::TestNode(const query::Limited& node, const NaiveClock& clock) const {
  const auto* by_tag = std::get_if<query::ByTag>(&node.order);
  const uint64_t salt =
      Hash(by_tag != nullptr ? std::string() : std::get<query::BySalt>(node.order).salt);
  const uint32_t tag = by_tag == nullptr ? 0 : TagOf(by_tag->tag);
  const std::vector<bool> matching = Test(node.operand.front(), clock);
  // Whoever comes first has the least of these: no number, the number, the place, the id, and where
  // the user stands.
  std::vector<std::tuple<bool, Int128, uint64_t, std::string_view, size_t>> order;
  for (size_t user = 0; user < size(); ++user) {
    if (!matching[user]) continue;
    std::optional<int64_t> number = 0;
    if (by_tag != nullptr) number = Number(tag, user);
    const Int128 value = number.value_or(0);
    const bool turned = by_tag != nullptr && by_tag->descending;
    order.emplace_back(!number.has_value(), turned ? -value : value, PlaceOf(hashes_[user], salt),
                       ids_[user], user);
  }
  std::sort(order.begin(), order.end());
  std::vector<bool> users(size(), false);
  for (size_t i = 0; i < order.size() && i < node.users; ++i) users[std::get<4>(order[i])] = true;
  return users;
}

std::vector<bool> NaiveModel::Test(const query::Expression& expression,
                                   const NaiveClock& clock) const {
  std::vector<bool> selected =
      std::visit([&](const auto& node) { return TestNode(node, clock); }, expression.node);
  for (const size_t user : erased_) selected[user] = false;
  return selected;
}

std::vector<std::string> NaiveModel::Select(const query::Expression& expression,
                                            const NaiveClock& clock) const {
  const std::vector<bool> selected = Test(expression, clock);
  std::vector<std::string> ids;
  for (size_t i = 0; i < size(); ++i) {
    if (selected[i]) ids.push_back(ids_[i]);
  }
  return ids;
}

std::map<std::string, uint64_t> NaiveModel::CountValues(uint32_t tag,
                                                        const std::vector<bool>& selected) const {
  std::map<std::string, uint64_t> counts;
  for (size_t i = 0; i < size(); ++i) {
    if (!selected[i]) continue;
    for (const std::string& text : Texts(tag, i)) ++counts[text];
  }
  return counts;
}

uint64_t NaiveModel::CountHaving(uint32_t tag, const std::vector<bool>& selected) const {
  uint64_t count = 0;
  for (size_t i = 0; i < size(); ++i) count += selected[i] && Has(tag, i) ? 1 : 0;
  return count;
}

std::optional<int64_t> NaiveModel::Number(uint32_t tag, size_t user) const {
  return columns_[tag].numbers[user];
}

std::set<std::string> NaiveModel::Texts(uint32_t tag, size_t user) const {
  const Column& column = columns_[tag];
  std::set<std::string> texts;
  if (tags_[tag].type == PlainType::kLabels) {
    for (const int64_t code : column.labels[user]) {
      texts.insert(column.texts[static_cast<size_t>(code)]);
    }
  } else if (column.numbers[user].has_value()) {
    texts.insert(column.texts[static_cast<size_t>(*column.numbers[user])]);
  }
  return texts;
}

}  // namespace throng::testing
