#include "tests/testing/plan_case.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/id_hash.h"
#include "index/snapshot.h"
#include "query/collector.h"
#include "query/executor.h"
#include "query/normalizer.h"
#include "query/physical_plan.h"
#include "query/plan_estimate.h"

namespace throng::testing {
namespace {

using query::LogicalPlan;

// A whole chunk and a part of one.
constexpr uint32_t kUsers = index::kChunkSize + 700;
using Users = std::bitset<kUsers>;

constexpr uint32_t kFlag = 1;
constexpr uint32_t kFew = 2;     // CATEGORY
constexpr uint32_t kMany = 3;    // CATEGORY, of codes of two bytes
constexpr uint32_t kLabels = 4;  // LABELS
constexpr uint32_t kNumber = 5;  // INTEGER
constexpr uint32_t kTags = 6;    // 0 is the universe
constexpr std::array<uint32_t, kTags> kCodes = {0, 1, 5, 300, 40, 0};
constexpr const char* kSalt = "s";

// Users, ids and definitions, and in which bucket each user is: made once.
struct Base {
  index::SnapshotRef snapshot;
  std::vector<uint32_t> buckets;
};

Base MakeBase() {
  index::CommitRecord record{.version = 1};
  record.definitions = {{.id = kFlag, .name = "flag", .type = index::TagType::kFlag},
                        {.id = kFew, .name = "few", .type = index::TagType::kCategory},
                        {.id = kMany, .name = "many", .type = index::TagType::kCategory},
                        {.id = kLabels, .name = "labels", .type = index::TagType::kLabels},
                        {.id = kNumber, .name = "number", .type = index::TagType::kInteger}};
  for (uint32_t tag : {kFew, kMany, kLabels}) {
    index::NewValues values{.tag = tag};
    for (uint32_t code = 0; code < kCodes[tag]; ++code) {
      values.values.push_back(std::to_string(code));
    }
    record.new_values.push_back(std::move(values));
  }
  Base base;
  for (uint32_t user = 0; user < kUsers; ++user) {
    record.new_users.push_back(std::to_string(user));
    base.buckets.push_back(
        index::BucketOf(index::IdHash(record.new_users.back()), index::SaltHash(kSalt)));
  }
  index::Parallel parallel(1);
  base.snapshot = index::Apply(index::Snapshot(), record, parallel);
  return base;
}

const Base& TheBase() {
  static const Base& base = *new Base(MakeBase());
  return base;
}

class Bytes {
 public:
  explicit Bytes(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  uint32_t Below(uint32_t bound) { return (Next() << 8 | Next()) % bound; }
  uint32_t Next() {
    if (bytes_.empty()) return 0;
    const uint32_t next = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return next;
  }
  bool empty() const { return bytes_.empty(); }

 private:
  std::span<const uint8_t> bytes_;
};

class PlanCase {
 public:
  explicit PlanCase(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  std::string Check();

 private:
  Users MakeUsers();
  void MakeFlagAndLabels();
  void MakeCategory(uint32_t tag);
  void MakeNumbers();
  void MakeDelta(uint32_t tag);
  void SetContent(uint32_t tag, index::TagType type, index::TagShard shard);
  void ChangeUser(uint32_t tag, uint32_t user, index::TagChange* change);
  int64_t MakeNumber();

  LogicalPlan MakePlan(int depth);
  LogicalPlan MakeLeaf();
  LogicalPlan MakeRanges();
  LogicalPlan MakeValues(uint32_t tag);
  Users Select(const LogicalPlan& plan) const;
  Users Exists(uint32_t tag) const;
  std::string Compare(const LogicalPlan& plan);

  Bytes bytes_;
  std::map<std::pair<uint32_t, uint32_t>, Users> values_;  // by tag and code
  std::vector<std::optional<int64_t>> numbers_ = std::vector<std::optional<int64_t>>(kUsers);
  std::vector<index::TagContentRef> contents_ = std::vector<index::TagContentRef>(kTags);
  int nodes_left_ = 40;
  index::Parallel parallel_{1};
  index::SnapshotRef snapshot_;
};

// In each chunk: nobody, a few, an array, a bitset, runs, all, or all but a few.
Users PlanCase::MakeUsers() {
  Users users;
  for (const auto& [first, last] :
       {std::pair(0u, index::kChunkSize), {index::kChunkSize, kUsers}}) {
    const uint32_t form = bytes_.Next() % 8;
    std::minstd_rand random(1 + bytes_.Next());
    const uint32_t size = last - first;
    if (form >= 6) {
      for (uint32_t user = first; user < last; ++user) users.set(user);
    }
    if (form == 1 || form == 7) {
      for (uint32_t i = 1 + random() % 60; i > 0; --i) users.flip(first + random() % size);
    } else if (form == 2) {
      for (uint32_t i = random() % 1'500; i > 0; --i) users.set(first + random() % size);
    } else if (form == 3 || form == 4) {
      const uint32_t one_in = form == 3 ? 2 + random() % 30 : 30 + random() % 60;
      for (uint32_t user = first; user < last; ++user) users.set(user, random() % one_in == 0);
    } else if (form == 5) {
      for (uint32_t user = first; user < last;) {
        const uint32_t end = std::min<uint32_t>(last, user + 1 + random() % 9'000);
        for (; user < end; ++user) users.set(user);
        user += 1 + random() % 9'000;
      }
    }
  }
  return users;
}

index::BitmapShardRef ShardOf(const Users& users) {
  std::array<index::BlockRef, index::kChunksPerShard> blocks;
  bool any = false;
  for (uint32_t chunk = 0; chunk * index::kChunkSize < kUsers; ++chunk) {
    index::ChunkWords words = {};
    uint32_t count = 0;
    for (uint32_t offset = 0; offset < index::kChunkSize; ++offset) {
      const uint32_t user = chunk * index::kChunkSize + offset;
      if (user >= kUsers || !users[user]) continue;
      words.words[offset / 64] |= uint64_t{1} << offset % 64;
      ++count;
    }
    blocks[chunk] = index::MakeBlock(index::ChunkSet::Bitset(words.words, count));
    any |= count > 0;
  }
  return any ? index::MakeBitmapShard(blocks) : index::BitmapShardRef();
}

void PlanCase::SetContent(uint32_t tag, index::TagType type, index::TagShard shard) {
  index::Derive(type, &shard);
  auto content = std::make_shared<index::TagContent>();
  content->shards.push_back(std::make_shared<const index::TagShard>(std::move(shard)));
  contents_[tag] = std::move(content);
}

void PlanCase::MakeFlagAndLabels() {
  values_[{kFlag, 0}] = MakeUsers();
  const uint32_t labels = bytes_.Below(kCodes[kLabels] + 1);
  for (uint32_t code = 0; code < labels; ++code) values_[{kLabels, code}] = MakeUsers();
}

// Later values take users from earlier ones.
void PlanCase::MakeCategory(uint32_t tag) {
  const uint32_t painted = 1 + bytes_.Below(12);
  for (uint32_t i = 0; i < painted; ++i) {
    const uint32_t code = bytes_.Below(kCodes[tag]);
    const Users users = MakeUsers();
    for (uint32_t other = 0; other < kCodes[tag]; ++other) {
      const auto found = values_.find({tag, other});
      if (found != values_.end()) found->second &= ~users;
    }
    values_[{tag, code}] |= users;
  }
  // Many values of a few users each.
  const uint32_t step = bytes_.Next();
  const Users taken = Exists(tag);
  for (uint32_t user = 0; tag == kMany && step > 0 && user < kUsers; user += step) {
    if (!taken[user]) values_[{tag, user / step % kCodes[tag]}].set(user);
  }
}

int64_t PlanCase::MakeNumber() {
  const int64_t small = static_cast<int64_t>(bytes_.Next()) - 128;
  switch (bytes_.Next() % 6) {
    case 0:
      return small * 500;
    case 1:
      return small * 10'000'000;
    case 2:
      return small * 10'000'000'000'000'000;
    case 3:
      return small < 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
    default:
      return small;
  }
}

// Codes of 1, 2, 4 and 8 bytes, exceptions and whole values.
void PlanCase::MakeNumbers() {
  const uint32_t painted = bytes_.Below(5);
  for (uint32_t i = 0; i < painted; ++i) {
    const Users users = MakeUsers();
    const int64_t number = MakeNumber();
    const uint32_t spread = 1 + bytes_.Next() * bytes_.Next();
    for (uint32_t user = 0; user < kUsers; ++user) {
      if (!users[user]) continue;
      const auto more = static_cast<int64_t>(user * 7919 % spread);
      numbers_[user] = number > std::numeric_limits<int64_t>::max() - more ? number : number + more;
    }
  }
  std::array<index::ColumnBlockRef, index::kChunksPerShard> blocks;
  const auto unpacked = std::make_unique<index::ColumnChunk>();
  for (uint32_t chunk = 0; chunk * index::kChunkSize < kUsers; ++chunk) {
    *unpacked = {};
    for (uint32_t offset = 0; offset < index::kChunkSize; ++offset) {
      const uint32_t user = chunk * index::kChunkSize + offset;
      if (user < kUsers && numbers_[user].has_value()) unpacked->Set(offset, *numbers_[user]);
    }
    blocks[chunk] = index::EncodeColumn(*unpacked);
  }
  index::TagShard shard{.version = 1};
  if (std::any_of(blocks.begin(), blocks.end(), [](const auto& b) { return b != nullptr; })) {
    shard.column = index::MakeColumnShard(blocks);
  }
  if (shard.column != nullptr) SetContent(kNumber, index::TagType::kInteger, std::move(shard));
}

// Another value for a user, or none.
void PlanCase::ChangeUser(uint32_t tag, uint32_t user, index::TagChange* change) {
  change->ordinals.push_back(user);
  const bool clear = bytes_.Next() % 4 == 0;
  if (tag == kNumber) {
    numbers_[user] = MakeNumber();
    change->cells.push_back(*numbers_[user]);
    change->cleared.push_back(clear);
    if (clear) numbers_[user].reset();
    return;
  }
  for (uint32_t code = 0; code < kCodes[tag]; ++code) {
    const auto found = values_.find({tag, code});
    if (found != values_.end()) found->second.reset(user);
  }
  const uint32_t code = bytes_.Below(kCodes[tag]);
  if (!clear) values_[{tag, code}].set(user);
  if (tag == kLabels) {
    if (!clear) change->label_changes.push_back(code << 1 | 1);
    change->label_ends.push_back(static_cast<uint32_t>(change->label_changes.size()));
    change->replaced.push_back(true);
    return;
  }
  change->cells.push_back(tag == kFlag ? (clear ? 0 : 1) : code);
  if (tag != kFlag) change->cleared.push_back(clear);
}

void PlanCase::MakeDelta(uint32_t tag) {
  index::TagChange change{.tag = tag};
  const uint32_t changed = bytes_.Next() % 24;
  uint32_t user = 0;
  for (uint32_t i = 0; i < changed; ++i) {
    user += 1 + (bytes_.Next() % 16 == 0 ? index::kChunkSize - 40 : bytes_.Next());
    if (user >= kUsers) break;
    ChangeUser(tag, user, &change);
  }
  if (change.ordinals.empty()) return;
  const index::TagType type = TheBase().snapshot->catalogue().FindById(tag)->definition.type;
  contents_[tag] = index::ApplyToContent(contents_[tag], type, change, 2);
}

LogicalPlan PlanCase::MakeValues(uint32_t tag) {
  query::TagValues values{.tag = tag};
  const uint32_t way = bytes_.Next() % 4;
  std::minstd_rand random(1 + bytes_.Next());
  const uint32_t left_out = way == 3 ? random() % kCodes[tag] : 0;
  for (uint32_t code = 0; code < kCodes[tag]; ++code) {
    const bool in = way == 0   ? random() % 3 == 0
                    : way == 1 ? random() % 8 == 0
                    : way == 2 ? random() % 20 != 0
                               : code != left_out;
    if (in) values.codes.push_back(code);
  }
  if (values.codes.empty()) values.codes.push_back(bytes_.Below(kCodes[tag]));
  return {values};
}

LogicalPlan PlanCase::MakeRanges() {
  query::NumericRanges ranges{.tag = kNumber};
  int64_t low = bytes_.Next() % 4 == 0 ? std::numeric_limits<int64_t>::min() : MakeNumber();
  for (uint32_t i = 1 + bytes_.Next() % 3; i > 0; --i) {
    const int64_t width = bytes_.Next() % 5 == 0 ? 1'000'000'000'000 : bytes_.Next();
    if (low > std::numeric_limits<int64_t>::max() - 2 - width - 500) {
      ranges.intervals.push_back({low, std::numeric_limits<int64_t>::max()});
      break;
    }
    ranges.intervals.push_back({low, low + width});
    low += width + 2 + bytes_.Next();
  }
  return {ranges};
}

LogicalPlan PlanCase::MakeLeaf() {
  switch (bytes_.Next() % 12) {
    case 0:
      return {query::TagValues{kFlag, {0}}};
    case 1:
      return {query::TagExists{2 + bytes_.Next() % 4}};
    case 2:
    case 3:
      return MakeRanges();
    case 4: {
      index::OrdinalSet::Builder builder;
      for (uint32_t i = bytes_.Next() % 32; i > 0; --i) {
        builder.Add((bytes_.Next() << 16 | bytes_.Next() << 8 | bytes_.Next()) % kUsers);
      }
      return {query::Ordinals{builder.Build()}};
    }
    case 5: {
      const uint32_t from = bytes_.Below(1'000'000);
      const uint32_t to = from + bytes_.Next() * 4'000;
      return {query::HashBuckets{index::SaltHash(kSalt), kSalt, from, std::min(to, 1'000'000u)}};
    }
    case 6:
      return bytes_.Next() % 2 == 0 ? LogicalPlan{query::Everybody{}}
                                    : LogicalPlan{query::Nobody{}};
    case 7:
    case 8:
      return MakeValues(kLabels);
    case 9:
      return MakeValues(kFew);
    default:
      return MakeValues(kMany);
  }
}

LogicalPlan PlanCase::MakePlan(int depth) {
  const uint32_t kind = bytes_.Next() % 8;
  if (depth == 0 || --nodes_left_ <= 0 || kind < 2) return MakeLeaf();
  if (kind == 2) return {query::LogicalNot{{MakePlan(depth - 1)}}};
  std::vector<LogicalPlan> operands;
  for (uint32_t i = 2 + bytes_.Next() % 3; i > 0; --i) operands.push_back(MakePlan(depth - 1));
  if (kind < 6) return {query::LogicalAnd{std::move(operands)}};
  return {query::LogicalOr{std::move(operands)}};
}

Users PlanCase::Exists(uint32_t tag) const {
  Users users;
  for (uint32_t user = 0; tag == kNumber && user < kUsers; ++user) {
    users.set(user, numbers_[user].has_value());
  }
  for (const auto& [key, of_value] : values_) {
    if (key.first == tag) users |= of_value;
  }
  return users;
}

// By definition.
Users PlanCase::Select(const LogicalPlan& plan) const {
  Users users;
  if (const auto* all = std::get_if<query::LogicalAnd>(&plan.node)) {
    users.set();
    for (const LogicalPlan& operand : all->operands) users &= Select(operand);
  } else if (const auto* any = std::get_if<query::LogicalOr>(&plan.node)) {
    for (const LogicalPlan& operand : any->operands) users |= Select(operand);
  } else if (const auto* negation = std::get_if<query::LogicalNot>(&plan.node)) {
    users = ~Select(negation->operand.front());
  } else if (const auto* values = std::get_if<query::TagValues>(&plan.node)) {
    for (uint32_t code : values->codes) {
      const auto found = values_.find({values->tag, code});
      if (found != values_.end()) users |= found->second;
    }
  } else if (const auto* exists = std::get_if<query::TagExists>(&plan.node)) {
    users = Exists(exists->tag);
  } else if (const auto* ranges = std::get_if<query::NumericRanges>(&plan.node)) {
    for (uint32_t user = 0; user < kUsers; ++user) {
      for (const query::Interval& interval : ranges->intervals) {
        const std::optional<int64_t>& number = numbers_[user];
        if (number && interval.low <= *number && *number <= interval.high) users.set(user);
      }
    }
  } else if (const auto* ids = std::get_if<query::Ordinals>(&plan.node)) {
    for (uint32_t user = 0; user < kUsers; ++user) users.set(user, ids->set->Contains(user));
  } else if (const auto* buckets = std::get_if<query::HashBuckets>(&plan.node)) {
    for (uint32_t user = 0; user < kUsers; ++user) {
      const uint32_t bucket = TheBase().buckets[user];
      users.set(user, buckets->from <= bucket && bucket < buckets->to);
    }
  } else if (std::holds_alternative<query::Everybody>(plan.node)) {
    users.set();
  }
  return users;
}

std::string PlanCase::Compare(const LogicalPlan& plan) {
  const Users expected = Select(plan);
  const uint64_t users = expected.count();
  const query::PhysicalPlan physical =
      query::MakePhysicalPlan(query::Normalize(plan, snapshot_->catalogue()), *snapshot_);
  const auto count = query::CountUsers(physical, *snapshot_, parallel_, {});
  if (*count != users) return fmt::format("counted {}, there are {}", *count, users);
  query::SetCollector collector;
  if (!query::Execute(physical, *snapshot_, parallel_, {}, collector).ok()) return "no members";
  Users members;
  const auto set = collector.Build();
  for (uint32_t chunk = 0; chunk < set->chunk_count(); ++chunk) {
    index::ForEach(set->chunk(chunk),
                   [&](uint32_t offset) { members.set(chunk * index::kChunkSize + offset); });
  }
  if (members != expected) return "other members";
  const auto analyzed = query::AnalyzeCount(physical, *snapshot_, parallel_, {});
  if (analyzed->count != users) return "analyzed otherwise";
  if (analyzed->operators.front().users != users) return "the root gave others";
  const auto profiled = query::ProfilePlans({physical}, *snapshot_, parallel_, {});
  if (profiled->front().count != users) return "profiled otherwise";
  const auto estimates = query::EstimatePlan(physical, *snapshot_, parallel_, {});
  if (estimates->front().exact_users.value_or(users) != users) return "estimated otherwise";
  return "";
}

std::string PlanCase::Check() {
  MakeFlagAndLabels();
  MakeCategory(kFew);
  MakeCategory(kMany);
  for (uint32_t tag : {kFlag, kFew, kMany, kLabels}) {
    index::TagShard shard{.version = 1};
    for (uint32_t code = 0; code < kCodes[tag]; ++code) {
      const auto found = values_.find({tag, code});
      if (found == values_.end() || found->second.none()) continue;
      shard.values.Set(code, ShardOf(found->second));
    }
    if (Exists(tag).none()) continue;
    SetContent(tag, TheBase().snapshot->catalogue().FindById(tag)->definition.type,
               std::move(shard));
  }
  MakeNumbers();
  for (uint32_t tag = 1; tag < kTags; ++tag) MakeDelta(tag);
  contents_[index::kUniverseTag] = TheBase().snapshot->contents()[index::kUniverseTag];
  snapshot_ = std::make_shared<const index::Snapshot>(2, TheBase().snapshot->shared_catalogue(),
                                                      TheBase().snapshot->ids(), contents_);
  // One population serves several plans: making it takes longer than asking it.
  for (int plans = 0; plans == 0 || (plans < 8 && !bytes_.empty()); ++plans) {
    nodes_left_ = 40;
    const LogicalPlan plan = MakePlan(4);
    const std::string wrong = Compare(plan);
    if (!wrong.empty()) return wrong + ": " + query::ToString(plan, snapshot_->catalogue());
  }
  return "";
}

}  // namespace

std::string CheckPlanCase(std::span<const uint8_t> bytes) { return PlanCase(bytes).Check(); }

}  // namespace throng::testing
