#include "tests/query/plan_world.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "index/id_hash.h"
#include "query/collector.h"
#include "query/executor.h"
#include "query/normalizer.h"
#include "query/physical_plan.h"

namespace throng::query {
namespace {

index::CommitRecord Definitions(uint32_t users, uint32_t codes) {
  index::CommitRecord record{.version = 1};
  record.definitions = {{.id = kCity, .name = "city", .type = index::TagType::kCategory},
                        {.id = kInterests, .name = "interests", .type = index::TagType::kLabels},
                        {.id = kViews, .name = "views", .type = index::TagType::kInteger},
                        {.id = kGraduate, .name = "graduate", .type = index::TagType::kFlag}};
  for (uint32_t tag : {kCity, kInterests}) {
    index::NewValues values{.tag = tag};
    for (uint32_t code = 0; code < codes; ++code) values.values.push_back(std::to_string(code));
    record.new_values.push_back(std::move(values));
  }
  for (uint32_t i = 0; i < users; ++i) record.new_users.push_back(std::to_string(i));
  return record;
}

}  // namespace

PlanWorld::PlanWorld(std::mt19937_64& random, uint32_t users, uint32_t codes, bool deltas)
    : users_(users), codes_(codes) {
  snapshot_ = index::Apply(index::Snapshot(), Definitions(users, codes), parallel_);
  Change(random, 2, 1);
  if (deltas) Change(random, 3, 50);
}

// Few of the first codes are what most users have, if there are many.
uint32_t PlanWorld::RandomCode(std::mt19937_64& random) const {
  const auto code = static_cast<uint32_t>(random() % codes_);
  return codes_ > 6 ? static_cast<uint32_t>(random() % (code + 1)) : code;
}

// About as many as 1 in 3, of many codes also nearly none or nearly all.
std::vector<uint32_t> PlanWorld::RandomCodes(std::mt19937_64& random) const {
  std::vector<uint32_t> codes;
  const uint64_t percent = codes_ > 6 ? std::array{2u, 33u, 70u, 98u}[random() % 4] : 33;
  for (uint32_t code = 0; code < codes_; ++code) {
    if (random() % 100 < percent) codes.push_back(code);
  }
  if (codes.empty()) codes.push_back(static_cast<uint32_t>(random() % codes_));
  return codes;
}

void PlanWorld::Change(std::mt19937_64& random, uint64_t version, uint64_t one_in) {
  index::CommitRecord record{.version = version, .first_ordinal = snapshot_->ordinal_end()};
  index::TagChange city{.tag = kCity};
  index::TagChange interests{.tag = kInterests};
  index::TagChange views{.tag = kViews};
  index::TagChange graduate{.tag = kGraduate};
  for (uint32_t ordinal = 0; ordinal < users_.size(); ++ordinal) {
    if (random() % one_in != 0) continue;
    User& user = users_[ordinal];
    user = {};
    if (random() % 3 != 0) user.city = RandomCode(random);
    if (random() % 3 != 0) user.views = static_cast<int64_t>(random() % 26) - 5;
    user.graduate = random() % 4 == 0;
    for (uint64_t i = random() % 4; i > 0; --i) {
      user.interests.insert(RandomCode(random));
    }
    city.ordinals.push_back(ordinal);
    city.cells.push_back(user.city.value_or(0));
    city.cleared.push_back(!user.city.has_value());
    views.ordinals.push_back(ordinal);
    views.cells.push_back(user.views.value_or(0));
    views.cleared.push_back(!user.views.has_value());
    graduate.ordinals.push_back(ordinal);
    graduate.cells.push_back(user.graduate ? 1 : 0);
    interests.ordinals.push_back(ordinal);
    for (uint32_t code : user.interests) interests.label_changes.push_back(code << 1 | 1);
    interests.label_ends.push_back(static_cast<uint32_t>(interests.label_changes.size()));
    interests.replaced.push_back(true);
  }
  record.tag_changes = {city, interests, views, graduate};
  snapshot_ = index::Apply(*snapshot_, record, parallel_);
}

LogicalPlan PlanWorld::RandomLeaf(std::mt19937_64& random) const {
  switch (random() % 12) {
    case 0:
      return {Everybody{}};
    case 1:
      return {Nobody{}};
    case 2:
      return {TagValues{kGraduate, {0}}};
    case 3:
      return {TagExists{random() % 2 == 0 ? kCity : kViews}};
    case 4:
      return {TagExists{kInterests}};
    case 5:
    case 6: {
      const int64_t low = static_cast<int64_t>(random() % 26) - 5;
      return {NumericRanges{kViews, {{low, low + static_cast<int64_t>(random() % 10)}}}};
    }
    case 7: {
      index::OrdinalSet::Builder builder;
      for (int i = 0; i < 40; ++i) builder.Add(static_cast<uint32_t>(random() % users_.size()));
      return {Ordinals{builder.Build()}};
    }
    case 8: {
      const auto from = static_cast<uint32_t>(random() % 900'000);
      return {HashBuckets{index::SaltHash("s"), "s", from, from + 100'000}};
    }
    case 9:
      return {TagValues{kInterests, RandomCodes(random)}};
    default:
      return {TagValues{kCity, RandomCodes(random)}};
  }
}

LogicalPlan PlanWorld::RandomPlan(std::mt19937_64& random, int depth) const {
  if (depth == 0 || random() % 5 == 0) return RandomLeaf(random);
  if (random() % 4 == 0) return {LogicalNot{{RandomPlan(random, depth - 1)}}};
  std::vector<LogicalPlan> operands;
  for (uint64_t i = 1 + random() % 4; i > 0; --i) operands.push_back(RandomPlan(random, depth - 1));
  if (random() % 4 == 0) operands.push_back(operands.front());
  if (random() % 6 == 0) operands.push_back({LogicalNot{{operands.front()}}});
  if (random() % 2 == 0) return {LogicalAnd{std::move(operands)}};
  return {LogicalOr{std::move(operands)}};
}

bool PlanWorld::Matches(const LogicalPlan& plan, uint32_t ordinal) const {
  const User& user = users_[ordinal];
  if (const auto* node = std::get_if<LogicalAnd>(&plan.node)) {
    return std::all_of(node->operands.begin(), node->operands.end(),
                       [&](const LogicalPlan& p) { return Matches(p, ordinal); });
  }
  if (const auto* node = std::get_if<LogicalOr>(&plan.node)) {
    return std::any_of(node->operands.begin(), node->operands.end(),
                       [&](const LogicalPlan& p) { return Matches(p, ordinal); });
  }
  if (const auto* node = std::get_if<LogicalNot>(&plan.node)) {
    return !Matches(node->operand.front(), ordinal);
  }
  if (const auto* node = std::get_if<TagValues>(&plan.node)) {
    const auto is = [&](uint32_t code) {
      return node->tag == kGraduate ? user.graduate
             : node->tag == kCity   ? user.city == code
                                    : user.interests.contains(code);
    };
    return std::any_of(node->codes.begin(), node->codes.end(), is);
  }
  if (const auto* node = std::get_if<TagExists>(&plan.node)) {
    return node->tag == kCity    ? user.city.has_value()
           : node->tag == kViews ? user.views.has_value()
                                 : !user.interests.empty();
  }
  if (const auto* node = std::get_if<NumericRanges>(&plan.node)) {
    return user.views.has_value() &&
           std::any_of(node->intervals.begin(), node->intervals.end(), [&](const Interval& i) {
             return i.low <= *user.views && *user.views <= i.high;
           });
  }
  if (const auto* node = std::get_if<Ordinals>(&plan.node)) return node->set->Contains(ordinal);
  if (const auto* node = std::get_if<HashBuckets>(&plan.node)) {
    const uint32_t bucket =
        index::BucketOf(index::IdHash(std::to_string(ordinal)), node->salt_hash);
    return node->from <= bucket && bucket < node->to;
  }
  return std::holds_alternative<Everybody>(plan.node);
}

std::set<uint32_t> PlanWorld::Matching(const LogicalPlan& plan) const {
  std::set<uint32_t> matching;
  for (uint32_t ordinal = 0; ordinal < users_.size(); ++ordinal) {
    if (Matches(plan, ordinal)) matching.insert(matching.end(), ordinal);
  }
  return matching;
}

std::set<uint32_t> PlanWorld::Executed(const LogicalPlan& plan) {
  const PhysicalPlan physical = MakePhysicalPlan(Normalize(plan, catalogue()), *snapshot_);
  SetCollector collector;
  std::set<uint32_t> users;
  if (!Execute(physical, *snapshot_, parallel_, {}, collector).ok()) return users;
  const auto set = collector.Build();
  for (uint32_t chunk = 0; chunk < set->chunk_count(); ++chunk) {
    index::ForEach(set->chunk(chunk), [&](uint32_t offset) {
      users.insert(users.end(), chunk << index::kChunkBits | offset);
    });
  }
  return users;
}

namespace {

int64_t TakeNumber(std::string_view* text) {
  int64_t number = 0;
  const char* end = std::from_chars(text->data(), text->data() + text->size(), number).ptr;
  text->remove_prefix(static_cast<size_t>(end - text->data()));
  return number;
}

bool Take(std::string_view* text, std::string_view token) {
  if (!text->starts_with(token)) return false;
  text->remove_prefix(token.size());
  return true;
}

LogicalPlan TakePlan(std::string_view* text);

std::vector<LogicalPlan> TakeOperands(std::string_view* text) {
  std::vector<LogicalPlan> operands;
  do {
    operands.push_back(TakePlan(text));
  } while (Take(text, ", "));
  Take(text, ")");
  return operands;
}

LogicalPlan TakePlan(std::string_view* text) {
  if (Take(text, "and(")) return {LogicalAnd{TakeOperands(text)}};
  if (Take(text, "or(")) return {LogicalOr{TakeOperands(text)}};
  if (Take(text, "not(")) return {LogicalNot{TakeOperands(text)}};
  if (Take(text, "all")) return {Everybody{}};
  if (Take(text, "none")) return {Nobody{}};
  if (Take(text, "ec")) return {TagExists{kCity}};
  if (Take(text, "ei")) return {TagExists{kInterests}};
  if (Take(text, "ev")) return {TagExists{kViews}};
  if (Take(text, "g")) return {TagValues{kGraduate, {0}}};
  if (Take(text, "v")) {
    NumericRanges ranges{.tag = kViews};
    do {
      const int64_t low = TakeNumber(text);
      Take(text, "..");
      ranges.intervals.push_back({low, TakeNumber(text)});
    } while (Take(text, "|"));
    return {ranges};
  }
  TagValues values{.tag = text->starts_with("c") ? kCity : kInterests};
  text->remove_prefix(1);
  do {
    values.codes.push_back(static_cast<uint32_t>(TakeNumber(text)));
  } while (Take(text, "|"));
  return {values};
}

}  // namespace

LogicalPlan PlanOf(std::string_view text) { return TakePlan(&text); }

}  // namespace throng::query
