#include "tests/server/engine_world.h"

#include <numeric>
#include <set>

#include "tests/testing/owned_column_batch.h"

namespace throng::engine {
namespace {

using index::TagType;

TagType TypeOf(testing::PlainType type) {
  switch (type) {
    case testing::PlainType::kFlag:
      return TagType::kFlag;
    case testing::PlainType::kCategory:
      return TagType::kCategory;
    case testing::PlainType::kLabels:
      return TagType::kLabels;
    case testing::PlainType::kInteger:
      return TagType::kInteger;
    case testing::PlainType::kDecimal:
      return TagType::kDecimal;
    case testing::PlainType::kDate:
      return TagType::kDate;
    case testing::PlainType::kDateTime:
      break;
  }
  return TagType::kDateTime;
}

}  // namespace

query::Value Text(std::string text) { return {.literal = std::move(text), .span = {}}; }
query::Value Whole(int64_t number) { return Decimal(number, 0); }
query::Value Decimal(int64_t units, int scale) {
  return {.literal = query::DecimalLiteral{.units = units, .scale = scale}, .span = {}};
}
query::Value Flag(bool flag) { return {.literal = flag, .span = {}}; }
query::Value Date(int year, int month, int day) {
  return {.literal = query::DateLiteral{year, month, day}, .span = {}};
}
query::Value Micros(int64_t unix_us) {
  return {.literal = query::TimestampLiteral{unix_us}, .span = {}};
}

std::string ReasonOf(const absl::Status& status) {
  const std::optional<index::ErrorDetail> detail = index::GetErrorDetail(status);
  return detail.has_value() ? detail->reason : "";
}
std::string FieldOf(const absl::Status& status) {
  const std::optional<index::ErrorDetail> detail = index::GetErrorDetail(status);
  return detail.has_value() ? detail->field : "";
}

EngineWorld::EngineWorld(EngineOptions options) : options_(std::move(options)) {
  options_.directory = directory_.path();
  options_.sync = false;  // no power is lost here
  if (!options_.clock_us) options_.clock_us = [this] { return now_us_.load(); };
  Open();
}

void EngineWorld::Open() { engine_ = Must(Engine::Open(options_)); }

void EngineWorld::Reopen() {
  engine_.reset();
  Open();
}

CallContext EngineWorld::Seeing(int sensitivity_max) {
  CallContext context;
  context.visibility.sensitivity_max = sensitivity_max;
  return context;
}

void EngineWorld::CreateTag(index::TagDefinition definition) {
  MustBeOk(engine_->tags().Create(context_, "default", definition, {}).status());
}

void EngineWorld::CreateTags(const std::vector<testing::PlainTag>& tags) {
  for (const testing::PlainTag& tag : tags) {
    CreateTag({.name = tag.name, .type = TypeOf(tag.type), .scale = tag.scale});
  }
}

uint64_t EngineWorld::Write(const std::string& id,
                            const std::vector<std::pair<std::string, query::Value>>& set) {
  WriteUsersRequest request{.unknown_ids = UnknownIds::kCreate};
  UserChange& user = request.users.emplace_back();
  user.id = id;
  for (const auto& [tag, value] : set) user.changes.push_back({tag, SetValue{value}});
  return Must(engine_->writer().WriteUsers(context_, request)).data_version;
}

uint64_t EngineWorld::Write(const std::vector<testing::PlainLabelsEdit>& edits,
                            const std::vector<testing::PlainTag>& tags) {
  WriteUsersRequest request{.unknown_ids = UnknownIds::kError};
  for (const testing::PlainLabelsEdit& edit : edits) {
    UserChange& user = request.users.emplace_back();
    user.id = edit.id;
    user.changes.push_back({tags[edit.tag].name, ChangeLabels{edit.add, edit.remove}});
  }
  return Must(engine_->writer().WriteUsers(context_, request)).data_version;
}

uint64_t EngineWorld::AddLabels(const std::string& id, const std::string& tag,
                                const std::vector<std::string>& labels) {
  const testing::PlainLabelsEdit edit{.id = id, .add = labels};
  return Write({edit}, {{.name = tag, .type = testing::PlainType::kLabels}});
}

uint64_t EngineWorld::Load(const testing::PlainBatch& batch,
                           const std::vector<testing::PlainTag>& tags, LoadMode mode) {
  LoadHeader header{
      .mode = mode,
      .unknown_ids = mode == LoadMode::kUpsert ? UnknownIds::kCreate : UnknownIds::kError,
      .confirms_coverage_fall = true};
  for (const testing::PlainColumn& column : batch.columns) {
    header.tags.push_back(tags[column.tag].name);
  }
  const auto load = Must(engine_->writer().StartLoad(context_, header));
  const testing::OwnedColumnBatch columns(batch, tags, 1);
  MustBeOk(load->Write(context_, columns.view()).status());
  return Must(load->Finish(context_)).data_version;
}

void EngineWorld::LoadNumbers(uint64_t first, uint32_t users) {
  const index::TagDefinition loaded{.name = "loaded", .type = TagType::kFlag};
  static_cast<void>(engine_->tags().Create(context_, "default", loaded, {}).ok());
  const auto load = Must(engine_->writer().StartLoad(
      context_, {.unknown_ids = UnknownIds::kCreate, .tags = {"loaded"}}));
  for (uint32_t begin = 0; begin < users; begin += kBatchRowsMax) {
    std::vector<uint64_t> ids(std::min(kBatchRowsMax, users - begin));
    std::iota(ids.begin(), ids.end(), first + begin);
    ColumnBatch batch{.number = begin / kBatchRowsMax + 1};
    batch.ids = std::span<const uint64_t>(ids);
    MustBeOk(load->Write(context_, batch).status());
  }
  MustBeOk(load->Finish(context_).status());
}

uint64_t EngineWorld::Count(const std::string& expression) {
  return Must(selections().Count(context_, {.what = expression})).count;
}

std::vector<std::string> EngineWorld::Members(const Selection& selection, uint32_t page_size) {
  std::vector<std::string> ids;
  std::string token;
  do {
    MembersPage page = Must(selections().ListMembers(context_, selection, page_size, token));
    ids.insert(ids.end(), page.ids.begin(), page.ids.end());
    token = page.next_page_token;
  } while (!token.empty());
  return ids;
}

void FillRental(EngineWorld* world) {
  world->CreateTag({.name = "is_graduate", .type = TagType::kFlag});
  world->CreateTag({.name = "city", .type = TagType::kCategory, .display_name = "City"});
  world->CreateTag({.name = "interests", .type = TagType::kLabels});
  world->CreateTag({.name = "views", .type = TagType::kInteger});
  world->CreateTag({.name = "score", .type = TagType::kDecimal, .scale = 2});
  world->CreateTag({.name = "birthday", .type = TagType::kDate});
  world->CreateTag({.name = "seen", .type = TagType::kDateTime});
  world->CreateTag({.name = "income", .type = TagType::kCategory, .sensitivity = 7});
  world->CreateTag({.name = "nobody", .type = TagType::kCategory});
  constexpr int64_t kMinute = 60'000'000;
  world->Write("u1", {{"is_graduate", Flag(true)},
                      {"city", Text("Beijing")},
                      {"interests", Text("metro")},
                      {"views", Whole(5)},
                      {"score", Decimal(125, 2)},
                      {"birthday", Date(2000, 2, 29)},
                      {"seen", Micros(EngineWorld::kStartUs - kMinute)},
                      {"income", Text("high")}});
  world->AddLabels("u1", "interests", {"garden"});
  world->Write("u2", {{"is_graduate", Flag(true)},
                      {"city", Text("Tianjin")},
                      {"interests", Text("metro")},
                      {"views", Whole(3)},
                      {"score", Decimal(-5, 1)},
                      {"birthday", Date(1999, 12, 31)},
                      {"seen", Micros(EngineWorld::kStartUs - 630 * kMinute)},
                      {"income", Text("low")}});
  world->Write("u3", {{"city", Text("Beijing")},
                      {"interests", Text("garden")},
                      {"views", Whole(0)},
                      {"birthday", Date(2024, 3, 15)},
                      {"income", Text("high")}});
  world->Write("u4", {{"city", Text("Wuhan")},
                      {"interests", Text("pool")},
                      {"views", Whole(-7)},
                      {"score", Whole(10)}});
  world->AddLabels("u4", "interests", {"a|b\\c"});
  world->Write("u5", {{"is_graduate", Flag(true)}});
  world->Write("6", {});
}

}  // namespace throng::engine
