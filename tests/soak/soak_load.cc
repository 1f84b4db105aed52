#include "tests/soak/soak_load.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "fmt/format.h"

namespace throng::soak {
namespace {

constexpr uint32_t kCities = 50;
constexpr uint32_t kViews = 1000;
constexpr uint32_t kGenerations = 8;
constexpr uint32_t kBatchRows = 10'000;
constexpr uint32_t kErasedMax = 4;
constexpr size_t kBackupsKept = 2;
constexpr std::chrono::milliseconds kReadPause{2};
constexpr std::chrono::milliseconds kSleepStep{20};

uint32_t Below(std::mt19937_64& random, uint64_t bound) {
  return static_cast<uint32_t>(random() % bound);
}

// Every writer has mortal users.
bool IsMortal(uint32_t user) { return user / SoakLoad::kWriters % 8 == 0; }

// With all values.
SoakUser RandomUser(uint32_t index, std::mt19937_64& random) {
  SoakUser user{.index = index,
                .city = Below(random, kCities),
                .views = Below(random, kViews),
                .paired = Below(random, 2) == 0,
                .labels = {}};
  for (auto& label : user.labels) label = Below(random, kLabelsPerGroup);
  return user;
}

// With some values; at least the pair.
SoakUser RandomChange(uint32_t index, std::mt19937_64& random) {
  SoakUser user = RandomUser(index, random);
  if (Below(random, 2) == 0) user.city.reset();
  if (Below(random, 2) == 0) user.views.reset();
  for (auto& label : user.labels) {
    if (Below(random, 4) != 0) label.reset();
  }
  return user;
}

std::string RandomExpression(std::mt19937_64& random) {
  const uint32_t city = Below(random, kCities);
  const uint32_t views = Below(random, kViews);
  switch (Below(random, 5)) {
    case 0:
      return fmt::format("city = 'c{}' and views > {}", city, views);
    case 1:
      return fmt::format("left and not city in ('c{}', 'c{}')", city, (city + 1) % kCities);
    case 2:
      return fmt::format("interests in ('{}', '{}') or views between {} and {}",
                         Label(0, city % kLabelsPerGroup), Label(1, views % kLabelsPerGroup), views,
                         views + 100);
    case 3:
      return fmt::format("not exists(cohort) or sample(10%, 's{}')", city);
    default:
      return fmt::format("right and bucket('b{}', 0, {}) and views < {}", city, 1 + views * 1000,
                         views);
  }
}

absl::Status Broken(const std::string& text) { return absl::InternalError(text); }

// Whether nothing in the portrait is half of a pair. An immortal user has all tags and a phone.
absl::Status CheckPortrait(uint32_t user, const v1::Portrait& portrait) {
  std::set<std::string> tags;
  for (const v1::PortraitEntry& entry : portrait.entries()) tags.insert(entry.tag());
  if (tags.contains("left") != tags.contains("right")) {
    return Broken(fmt::format("the portrait of {} has one flag of a pair", UserId(user)));
  }
  const bool is_whole = tags.contains("city") && tags.contains("views") &&
                        tags.contains("interests") && tags.contains("cohort");
  if (IsMortal(user) || (is_whole && portrait.ids_size() == 1)) return absl::OkStatus();
  return Broken(fmt::format("the portrait of {} has {} and {} phones", UserId(user),
                            fmt::join(tags, " "), portrait.ids_size()));
}

// A replaced tag shows one generation at a time.
absl::Status CheckGenerations(const v1::TagBreakdown& cohort) {
  std::set<std::string> generations;
  for (const v1::BreakdownRow& row : cohort.rows()) {
    const std::string& value = row.value().text();
    if (row.count() > 0) generations.insert(value.substr(0, value.find('_')));
  }
  if (generations.size() <= 1) return absl::OkStatus();
  return Broken(fmt::format("cohort is half replaced: {}", fmt::join(generations, " ")));
}

}  // namespace

SoakLoad::SoakLoad(LoadOptions options) : options_(std::move(options)) {}

SoakLoad::~SoakLoad() { Stop(); }

absl::Status SoakLoad::Fill() {
  SoakClient client(options_.address);
  absl::Status status = client.CreateTags();
  if (!status.ok()) return status;
  std::mt19937_64 random(options_.seed);
  uint32_t loaded = 0;
  status = client.Upsert(
      [&] {
        std::vector<SoakUser> users;
        for (const uint32_t end = std::min(options_.users, loaded + kBatchRows); loaded < end;) {
          users.push_back(RandomUser(loaded++, random));
        }
        return users;
      },
      /*are_new=*/true);
  for (uint32_t user = 0; user < options_.users && status.ok();) {
    std::vector<SoakClient::Phone> phones;
    for (const uint32_t end = std::min(options_.users, user + kBatchRows); user < end; ++user) {
      phones.push_back({user, fmt::format("p{}", user)});
    }
    status = client.Link(phones, phones.size());
  }
  if (!status.ok()) return status;
  return client.ReplaceCohort(options_.users, generation_);
}

void SoakLoad::Start() {
  const std::chrono::milliseconds none{0};
  for (uint32_t i = 0; i < kWriters; ++i) {
    threads_.emplace_back([=, this] { Run("writer", i, &SoakLoad::WriteStep, none); });
  }
  for (uint32_t i = 0; i < kReaders; ++i) {
    threads_.emplace_back([=, this] { Run("reader", i, &SoakLoad::ReadStep, kReadPause); });
  }
  threads_.emplace_back(
      [=, this] { Run("replacer", 0, &SoakLoad::ReplaceStep, options_.replace_interval); });
  threads_.emplace_back(
      [=, this] { Run("backup", 0, &SoakLoad::BackupStep, options_.backup_interval); });
}

void SoakLoad::Stop() {
  is_stopped_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void SoakLoad::Run(const std::string& who, uint32_t number, Step step,
                   std::chrono::milliseconds pause) {
  std::seed_seq seeds{options_.seed, static_cast<uint64_t>(number), uint64_t{who.size()}};
  Actor actor{.number = number,
              .random = std::mt19937_64(seeds),
              .client = SoakClient(options_.address),
              .unlinked = {}};
  while (Sleep(pause)) {
    const absl::Status status = (this->*step)(actor);
    if (status.ok()) continue;
    index::MutexLock lock(mutex_);
    if (failure_.empty()) {
      failure_ = fmt::format("{} {}: {} (code {})", who, number, std::string(status.message()),
                             static_cast<int>(status.code()));
    }
    is_stopped_ = true;
  }
}

bool SoakLoad::Sleep(std::chrono::milliseconds time) const {
  const auto end = std::chrono::steady_clock::now() + time;
  while (!is_stopped()) {
    const auto left = end - std::chrono::steady_clock::now();
    if (left <= left.zero()) return true;
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(left, kSleepStep));
  }
  return false;
}

std::string SoakLoad::failure() const {
  index::MutexLock lock(mutex_);
  return failure_;
}

std::vector<uint64_t> SoakLoad::calls() const { return {calls_.begin(), calls_.end()}; }

absl::Status SoakLoad::TallyIfOk(Call call, absl::Status status) {
  if (status.ok()) Tally(call);
  return status;
}

std::vector<uint32_t> SoakLoad::Pick(Actor& actor, uint32_t count, Which which) const {
  std::set<uint32_t> users;
  for (uint32_t i = 1 + Below(actor.random, count); i > 0; --i) {
    const uint32_t user = Below(actor.random, options_.users / kWriters) * kWriters + actor.number;
    if (which == Which::kAny || IsMortal(user) == (which == Which::kMortal)) users.insert(user);
  }
  return {users.begin(), users.end()};
}

absl::Status SoakLoad::WriteStep(Actor& actor) {
  const uint32_t kind = Below(actor.random, 20);
  if (kind == 0) return EraseSome(actor);
  if (kind == 1) return LinkSome(actor);
  return kind < 4 ? UpsertSome(actor) : WriteSome(actor);
}

absl::Status SoakLoad::WriteSome(Actor& actor) {
  std::vector<SoakUser> users;
  for (uint32_t user : Pick(actor, 100, Which::kAny)) {
    users.push_back(RandomChange(user, actor.random));
  }
  return TallyIfOk(Call::kWrite, actor.client.Write(users, /*are_new=*/false));
}

absl::Status SoakLoad::UpsertSome(Actor& actor) {
  int batches = 3;
  const absl::Status status = actor.client.Upsert(
      [&] {
        std::vector<SoakUser> users;
        if (batches-- == 0) return users;
        for (uint32_t user : Pick(actor, 100, Which::kAny)) {
          users.push_back(RandomUser(user, actor.random));
        }
        return users;
      },
      /*are_new=*/false);
  return TallyIfOk(Call::kUpsert, status);
}

absl::Status SoakLoad::LinkSome(Actor& actor) {
  std::vector<SoakClient::Phone> phones;
  // Never the same phone again, so that the ids of erased users must be let go.
  for (uint32_t user : actor.unlinked) {
    phones.push_back({user, fmt::format("w{}n{}", actor.number, ++actor.phones)});
  }
  actor.unlinked.clear();
  const size_t linked = phones.size();
  for (uint32_t user : Pick(actor, 20, Which::kImmortal)) {
    phones.push_back({user, fmt::format("p{}", user)});
  }
  if (phones.empty()) return absl::OkStatus();
  return TallyIfOk(Call::kLink, actor.client.Link(phones, linked));
}

absl::Status SoakLoad::EraseSome(Actor& actor) {
  std::vector<uint32_t> users = Pick(actor, 8 * kErasedMax, Which::kMortal);
  if (users.size() > kErasedMax) users.resize(kErasedMax);
  if (users.empty()) return absl::OkStatus();
  const absl::Status status = actor.client.Erase(users);
  if (!status.ok()) return status;
  actor.unlinked.insert(users.begin(), users.end());
  std::vector<SoakUser> again;
  for (uint32_t user : users) again.push_back(RandomUser(user, actor.random));
  return TallyIfOk(Call::kErase, actor.client.Write(again, /*are_new=*/true));
}

absl::Status SoakLoad::ReadStep(Actor& actor) {
  const uint32_t kind = Below(actor.random, 40);
  if (kind == 0) return ExportSome(actor);
  if (kind < 5) return BreakDown(actor);
  if (kind < 15) return CountPinned(actor);
  return kind < 25 ? ShowPortrait(actor) : CountSome(actor);
}

absl::Status SoakLoad::CountSome(Actor& actor) {
  const bool is_all = Below(actor.random, 4) == 0;
  const std::string expression = is_all ? "all()" : RandomExpression(actor.random);
  const auto count = actor.client.Count(expression);
  if (!count.ok()) return count.status();
  Tally(Call::kCount);
  // Few are erased at a time.
  const uint64_t users_min = is_all ? options_.users - kWriters * kErasedMax : 0;
  if (count->count() >= users_min && count->count() <= options_.users) return absl::OkStatus();
  return Broken(
      fmt::format("{} counts {} of {} users", expression, count->count(), options_.users));
}

absl::Status SoakLoad::CountPinned(Actor& actor) {
  const std::string condition = RandomExpression(actor.random);
  const auto left = actor.client.Count(fmt::format("left and ({})", condition));
  if (!left.ok()) return left.status();
  Tally(Call::kCount);
  const uint64_t version = left->info().data_version();
  const auto right = actor.client.Count(fmt::format("right and ({})", condition), version);
  // So many versions were handed out meanwhile that this one is no longer kept.
  if (right.status().code() == absl::StatusCode::kFailedPrecondition) {
    Tally(Call::kPinnedGone);
    return absl::OkStatus();
  }
  if (!right.ok()) return right.status();
  Tally(Call::kPinned);
  if (right->info().data_version() == version && right->count() == left->count()) {
    return absl::OkStatus();
  }
  return Broken(fmt::format("of {}, left counts {} at version {}, right counts {} at {}", condition,
                            left->count(), version, right->count(), right->info().data_version()));
}

absl::Status SoakLoad::BreakDown(Actor& actor) {
  const std::string expression =
      Below(actor.random, 2) == 0 ? "all()" : RandomExpression(actor.random);
  const auto answer =
      actor.client.Breakdown(expression, {"city", "interests", "left", "right", "cohort"});
  if (!answer.ok()) return answer.status();
  Tally(Call::kBreakdown);
  if (answer->tags_size() != 5) return Broken("a breakdown has not the tags asked for");
  uint64_t users = answer->tags(0).missing().count();
  for (const v1::BreakdownRow& row : answer->tags(0).rows()) users += row.count();
  if (users != answer->count()) {
    return Broken(fmt::format("the cities of {} sum up to {} of {} users", expression, users,
                              answer->count()));
  }
  return CheckGenerations(answer->tags(4));
}

absl::Status SoakLoad::ShowPortrait(Actor& actor) {
  const uint32_t user = Below(actor.random, options_.users / kWriters * kWriters);
  const auto portrait = actor.client.GetPortrait(user);
  if (portrait.status().code() == absl::StatusCode::kNotFound && IsMortal(user)) {
    return absl::OkStatus();
  }
  if (!portrait.ok()) return portrait.status();
  Tally(Call::kPortrait);
  return CheckPortrait(user, *portrait);
}

absl::Status SoakLoad::ExportSome(Actor& actor) {
  const auto rows =
      actor.client.Export(fmt::format("city = 'c{}' and left", Below(actor.random, kCities)));
  return TallyIfOk(Call::kExport, rows.status());
}

absl::Status SoakLoad::ReplaceStep(Actor& actor) {
  generation_ = (generation_ + 1) % kGenerations;
  return TallyIfOk(Call::kReplace, actor.client.ReplaceCohort(options_.users, generation_));
}

absl::Status SoakLoad::BackupStep(Actor& actor) {
  backups_.push_back(fmt::format("soak-{}", ++backups_made_));
  absl::Status status = actor.client.CreateBackup(backups_.back());
  if (!status.ok()) return status;
  Tally(Call::kBackup);
  for (; backups_.size() > kBackupsKept; backups_.pop_front()) {
    const std::string path = fmt::format("{}/{}", options_.backup_directory, backups_.front());
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (error) return Broken(fmt::format("{} cannot be removed: {}", path, error.message()));
  }
  const auto listed = actor.client.ListBackups();
  if (!listed.ok()) return listed.status();
  if (std::equal(listed->begin(), listed->end(), backups_.begin(), backups_.end())) {
    return absl::OkStatus();
  }
  return Broken(fmt::format("backups {} are listed, {} were made", fmt::join(*listed, " "),
                            fmt::join(backups_, " ")));
}

absl::Status SoakLoad::CheckInvariants() const {
  const SoakClient client(options_.address);
  std::vector<std::pair<std::string, uint64_t>> counts = {
      {"all()", options_.users},
      {"exists(city)", options_.users},
      {"views between 0 and 999", options_.users},
      {"left and not right or right and not left", 0},
  };
  for (uint32_t group = 0; group < kLabelGroups; ++group) {
    std::vector<std::string> labels;
    for (uint32_t i = 0; i < kLabelsPerGroup; ++i) labels.push_back(Label(group, i));
    counts.emplace_back(fmt::format("interests in ('{}')", fmt::join(labels, "', '")),
                        options_.users);
  }
  for (const auto& [expression, expected] : counts) {
    const auto count = client.Count(expression);
    if (!count.ok()) return count.status();
    if (count->count() == expected) continue;
    return Broken(fmt::format("{} counts {} users, not {}", expression, count->count(), expected));
  }
  const auto left = client.Count("left");
  const auto right = client.Count("right");
  if (!left.ok()) return left.status();
  if (!right.ok()) return right.status();
  if (left->count() != right->count()) {
    return Broken(fmt::format("left counts {} users, right {}", left->count(), right->count()));
  }
  const auto rows = client.Export("all()");
  if (!rows.ok()) return rows.status();
  if (*rows == options_.users) return absl::OkStatus();
  return Broken(fmt::format("{} users are exported, not {}", *rows, options_.users));
}

}  // namespace throng::soak
