#include "cli/sample_population.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string_view>

#include "absl/time/civil_time.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

constexpr size_t kFlushBytes = size_t{1} << 20;

constexpr std::string_view kHeader =
    "user_id,city,gender,age_band,education,occupation,is_graduate,device,channel,is_verified,"
    "push_allowed,register_date,membership,spend,credit_score,product_type,contracts,"
    "lease_expiring,lease_end,stage,budget,interests,districts,views_7d,last_active_days,"
    "last_login\n";

constexpr std::string_view kAgeBands[] = {"18-22", "23-26", "27-30", "31-35",
                                          "36-40", "41-50", "51+"};
constexpr std::string_view kEducation[] = {"bachelor",  "college", "master",
                                           "secondary", "doctor",  "other"};
constexpr std::string_view kOccupations[] = {
    "software",  "sales",   "student",  "teaching", "design",        "finance",  "service", "media",
    "logistics", "medical", "catering", "law",      "civil service", "research", "retail",  "arts"};
constexpr std::string_view kDevices[] = {"android", "ios", "mini-program", "web"};
constexpr std::string_view kChannels[] = {
    "app store",     "search",      "friend",       "mini-program", "short video",
    "subway ad",     "employer",    "university",   "map",          "news feed",
    "housing forum", "social post", "street store", "lift ad",      "coupon",
    "bank partner",  "phone call",  "trade fair",   "radio",        "other"};
constexpr std::string_view kMemberships[] = {"none", "silver", "gold", "platinum", "black"};
constexpr std::string_view kProducts[] = {"shared room", "whole flat",   "serviced flat",
                                          "dormitory",   "holiday home", "villa"};
constexpr std::string_view kStages[] = {"looking", "renting", "visited",
                                        "left",    "signing", "renewing"};
constexpr uint32_t kTitlePercent = 94;  // users whose gender is known

// The last day in the data. It is fixed, so that the same seed gives the same file on any day.
constexpr int kLastYear = 2026;
constexpr int kLastMonth = 6;
constexpr int kLastDay = 30;
constexpr uint32_t kDaysOpen = 3'000;

// A value near the normal distribution with mean 0 and deviation 1: the sum of four uniform ones,
// from one draw. Never beyond 3.5.
double NearNormal(SplitMix64& random) {
  const uint64_t bits = random.Next();
  const uint64_t sum =
      (bits & 0xFFFF) + ((bits >> 16) & 0xFFFF) + ((bits >> 32) & 0xFFFF) + (bits >> 48);
  return (static_cast<double>(sum) / 65536.0 - 2.0) * 1.7320508;
}

// A count with a heavy tail: most are small, few are thousands.
uint32_t HeavyTail(SplitMix64& random, double shape, uint32_t most) {
  const double uniform = (static_cast<double>(random.Next() >> 11) + 1.0) / 9007199254740993.0;
  return static_cast<uint32_t>(
      std::min(std::pow(uniform, -shape) - 1.0, static_cast<double>(most)));
}

// Makes the lines of users.csv one after the other. Thread-compatible.
class SampleWriter {
 public:
  explicit SampleWriter(const SampleOptions& options) : options_(options), random_(options.seed) {
    // Days as text, made once.
    const absl::CivilDay last(kLastYear, kLastMonth, kLastDay);
    for (int day = -static_cast<int>(kDaysOpen) - 60; day <= 400; ++day) {
      const absl::CivilDay civil = last + day;
      days_.push_back(fmt::format("{:04}-{:02}-{:02}", civil.year(), civil.month(), civil.day()));
    }
  }

  void AppendRow(uint64_t index, std::string& out) {
    position_ = static_cast<double>(index) / static_cast<double>(options_.users);
    text_ = &out;
    fmt::format_int id(kSampleFirstId + index);
    out.append(id.data(), id.size());
    AppendPerson();
    AppendContact();
    AppendValue();
    AppendLease();
    AppendSearch();
    AppendActivity();
    out += '\n';
  }

 private:
  void Text(std::string_view value) {
    text_->push_back(',');
    text_->append(value);
  }
  void Number(uint64_t value) {
    const fmt::format_int digits(value);
    Text({digits.data(), digits.size()});
  }
  void Flag(bool value) { Text(value ? "1" : "0"); }
  // `offset` days after the last day of the data.
  std::string_view Day(int offset) const {
    const int first = -static_cast<int>(kDaysOpen) - 60;
    return days_[static_cast<size_t>(std::clamp(offset, first, 400) - first)];
  }

  void AppendPerson() {
    // The company opened city after city: two in five users are of the newest ones of their time.
    const auto newest = static_cast<uint32_t>(position_ * 290.0);
    city_ = random_.Chance(60) ? cities_.Draw(random_) : newest + random_.Below(10);
    Text(SampleCities()[city_]);
    const bool titled = random_.Chance(kTitlePercent);
    Text(!titled ? "" : random_.Chance(city_ % 3 == 0 ? 54 : 47) ? "f" : "m");
    // Users of later years are younger.
    const double age = 2.2 + NearNormal(random_) * 1.5 - position_;
    age_band_ = static_cast<uint32_t>(std::clamp(age, 0.0, 6.0));
    const bool aged = random_.Chance(91);
    Text(aged ? kAgeBands[age_band_] : "");
    Text(random_.Chance(25) ? "" : kEducation[education_.Draw(random_)]);
    Text(random_.Chance(35) ? "" : kOccupations[occupation_.Draw(random_)]);
    graduate_ = random_.Chance(age_band_ == 0 ? 30 : age_band_ == 1 ? 22 : 1);
    Flag(graduate_);
  }

  void AppendContact() {
    Text(random_.Chance(2)
             ? ""
             : kDevices[random_.Chance(age_band_ < 3 ? 45 : 25) ? 1 : device_.Draw(random_)]);
    // Campaigns come and go: half the users of a time came by the same few channels.
    const uint32_t season = static_cast<uint32_t>(position_ * 40.0) * 7;
    Text(kChannels[random_.Chance(50) ? (season + random_.Below(3)) % std::size(kChannels)
                                      : channel_.Draw(random_)]);
    Flag(random_.Chance(62));
    Flag(random_.Chance(71));
    register_offset_ =
        static_cast<int>((position_ - 1.0) * kDaysOpen) - static_cast<int>(random_.Below(30));
    Text(Day(register_offset_));
  }

  void AppendValue() {
    const double wealth = NearNormal(random_) + 0.15 * age_band_;
    buyer_ = random_.Chance(44);
    const auto level = static_cast<uint32_t>(std::clamp(wealth * 1.2 + 0.6, 0.0, 4.0));
    Text(kMemberships[buyer_ ? level : 0]);
    if (buyer_) {
      const auto cents = static_cast<uint64_t>(std::exp(wealth * 0.9 + 9.6) * 100.0);
      Number(cents / 100);
      text_->push_back('.');
      text_->push_back(static_cast<char>('0' + cents % 100 / 10));
      text_->push_back(static_cast<char>('0' + cents % 10));
    } else {
      Text("");
    }
    if (random_.Chance(40)) {
      const auto tenths =
          static_cast<uint64_t>(std::clamp(6500.0 + 600.0 * NearNormal(random_), 3500.0, 9500.0));
      Number(tenths / 10);
      text_->push_back('.');
      text_->push_back(static_cast<char>('0' + tenths % 10));
    } else {
      Text("");
    }
  }

  void AppendLease() {
    Text(!buyer_
             ? ""
             : kProducts[(product_.Draw(random_) + (city_ < 10 ? 0 : 1)) % std::size(kProducts)]);
    Number(buyer_ ? 1 + HeavyTail(random_, 0.45, 60) : 0);
    // Leases of a year, so the ends follow the starts.
    const int end = buyer_ && random_.Chance(70) ? static_cast<int>(random_.Below(365)) : -1;
    Flag(end >= 0 && end <= 60);
    Text(end < 0 ? "" : Day(end));
    Text(kStages[buyer_ ? (end >= 0 && end <= 60 ? 5 : 1) : stage_.Draw(random_)]);
  }

  void AppendSearch() {
    if (random_.Chance(30)) {
      Text("");
    } else {
      const double budget = 3'000.0 * std::exp(0.5 * NearNormal(random_) - city_ / 400.0);
      Number(static_cast<uint64_t>(budget / 100.0) * 100);
    }
    // What a user looks at turns around one or two kinds of home.
    const uint32_t count = random_.Chance(8) ? 0 : 1 + random_.Below(8);
    const uint32_t home = (home_.Draw(random_) + (buyer_ ? 1 : 0)) % 5;
    text_->push_back(',');
    for (uint32_t i = 0; i < count; ++i) {
      if (i > 0) text_->push_back('|');
      const uint32_t kind = random_.Chance(80) ? home : random_.Below(5);
      text_->append(SampleInterests()[kind * 40 + feature_.Draw(random_)]);
    }
    const uint32_t districts = random_.Chance(55) ? 0 : 1 + random_.Below(3);
    text_->push_back(',');
    for (uint32_t i = 0; i < districts; ++i) {
      if (i > 0) text_->push_back('|');
      text_->append(SampleDistricts()[(district_.Draw(random_) + city_ * 7) % 120]);
    }
  }

  void AppendActivity() {
    if (random_.Chance(5)) {  // never came back
      Text(random_.Chance(50) ? "" : "0");
      Text("");
      Text("");
      return;
    }
    const uint32_t idle = std::min<uint32_t>(HeavyTail(random_, graduate_ ? 0.8 : 1.3, 1'500),
                                             static_cast<uint32_t>(std::max(0, -register_offset_)));
    Number(idle >= 7 ? 0 : HeavyTail(random_, 0.8, 3'000));
    Number(idle);
    Text(Day(-static_cast<int>(idle)));
    const uint32_t second = random_.Below(86'400);
    const char time[] = {' ',
                         static_cast<char>('0' + second / 36'000),
                         static_cast<char>('0' + second / 3'600 % 10),
                         ':',
                         static_cast<char>('0' + second / 600 % 6),
                         static_cast<char>('0' + second / 60 % 10),
                         ':',
                         static_cast<char>('0' + second / 10 % 6),
                         static_cast<char>('0' + second % 10)};
    text_->append(time, sizeof(time));
  }

  const SampleOptions options_;
  SplitMix64 random_;
  std::vector<std::string> days_;
  const ZipfTable cities_{300, 1.0};
  const ZipfTable education_{6, 1.0};
  const ZipfTable occupation_{16, 0.8};
  const ZipfTable device_{4, 1.2};
  const ZipfTable channel_{20, 1.0};
  const ZipfTable product_{6, 1.1};
  const ZipfTable stage_{5, 1.0};
  const ZipfTable home_{5, 0.7};
  const ZipfTable feature_{40, 0.8};
  const ZipfTable district_{120, 0.9};
  // The user at hand.
  std::string* text_ = nullptr;
  double position_ = 0;  // along the ids, 0 to 1
  uint32_t city_ = 0;
  uint32_t age_band_ = 0;
  bool graduate_ = false;
  bool buyer_ = false;
  int register_offset_ = 0;
};

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

absl::Status CannotWrite(const std::string& path, int error) {
  return absl::UnavailableError(fmt::format("{}: cannot write: {}", path, std::strerror(error)));
}

absl::Status WriteUsers(const SampleOptions& options, const std::string& path) {
  File file(std::fopen(path.c_str(), "wb"));
  if (file == nullptr) return CannotWrite(path, errno);
  SampleWriter writer(options);
  std::string buffer(kHeader);
  for (uint64_t i = 0; i < options.users; ++i) {
    writer.AppendRow(i, buffer);
    if (buffer.size() < kFlushBytes && i + 1 < options.users) continue;
    if (std::fwrite(buffer.data(), 1, buffer.size(), file.get()) != buffer.size()) {
      return CannotWrite(path, errno);
    }
    buffer.clear();
  }
  if (std::fclose(file.release()) != 0) return CannotWrite(path, errno);
  return absl::OkStatus();
}

}  // namespace

absl::Status WriteSamplePopulation(const SampleOptions& options, const std::string& directory) {
  if (options.users == 0 || options.users > kSampleUsersMax) {
    return absl::InvalidArgumentError(
        fmt::format("the number of users must be from 1 to {}", kSampleUsersMax));
  }
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return CannotWrite(directory, error.value());
  const std::filesystem::path base(directory);
  if (absl::Status status = WriteUsers(options, (base / "users.csv").string()); !status.ok()) {
    return status;
  }
  const std::string schema_path = (base / "schema.toml").string();
  File file(std::fopen(schema_path.c_str(), "wb"));
  if (file == nullptr) return CannotWrite(schema_path, errno);
  const std::string schema = SampleSchema();
  const bool written = std::fwrite(schema.data(), 1, schema.size(), file.get()) == schema.size();
  if (std::fclose(file.release()) != 0 || !written) return CannotWrite(schema_path, errno);
  return absl::OkStatus();
}

}  // namespace throng::cli
