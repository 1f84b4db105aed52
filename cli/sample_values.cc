// The values and the schema of the sample population.
#include <array>
#include <cmath>
#include <string_view>

#include "cli/sample_population.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

constexpr std::string_view kLargeCities[] = {
    "Beijing", "Shanghai", "Shenzhen",  "Guangzhou", "Hangzhou",  "Chengdu", "Wuhan",   "Nanjing",
    "Tianjin", "Suzhou",   "Chongqing", "Xian",      "Changsha",  "Qingdao", "Dalian",  "Xiamen",
    "Ningbo",  "Foshan",   "Dongguan",  "Zhengzhou", "Jinan",     "Hefei",   "Fuzhou",  "Wuxi",
    "Kunming", "Shenyang", "Harbin",    "Nanchang",  "Guiyang",   "Nanning", "Taiyuan", "Zhuhai",
    "Lanzhou", "Weihai",   "Sanya",     "Wenzhou",   "Changchun", "Urumqi",  "Hohhot",  "Yinchuan"};
constexpr std::string_view kFirstSyllables[] = {
    "An",  "Bao", "Chang", "Da",   "Fu",   "Guang", "Hai",  "Hong", "Jin",
    "Kai", "Lin", "Long",  "Ming", "Ning", "Ping",  "Qing", "Rui",  "Song",
    "Tai", "Wan", "Wu",    "Xin",  "Yi",   "Yong",  "Yu",   "Zhong"};
constexpr std::string_view kLastSyllables[] = {"shan", "yang", "he", "ping", "cheng",
                                               "lin",  "hua",  "pu", "tai",  "kou"};
constexpr std::string_view kHomes[] = {"shared room", "studio", "two-room", "three-room", "house"};
constexpr std::string_view kFeatures[] = {
    "near subway",   "balcony",        "own bathroom",  "pets welcome", "furnished",
    "lift",          "south facing",   "parking",       "short lease",  "open kitchen",
    "gym nearby",    "near school",    "near hospital", "near park",    "quiet",
    "high floor",    "low floor",      "new building",  "river view",   "smart lock",
    "air condition", "floor heating",  "washer",        "dishwasher",   "fast internet",
    "desk",          "large wardrobe", "garden",        "terrace",      "bicycle room",
    "no deposit",    "monthly rent",   "no agent",      "women only",   "near university",
    "near offices",  "near mall",      "storage",       "bathtub",      "cleaning included"};
constexpr std::string_view kDistricts[] = {
    "centre",       "old town",      "north gate",     "south gate",      "east lake",
    "west lake",    "riverside",     "high-tech zone", "university town", "harbour",
    "airport",      "station",       "garden hill",    "silver bay",      "new district",
    "science park", "market",        "stadium",        "temple",          "bund",
    "film studio",  "software park", "expo",           "hot spring",      "canal",
    "forest park",  "bridge head",   "fair ground",    "tea hill",        "long street"};
constexpr std::string_view kDirections[] = {"north", "east", "south", "west"};

struct SampleTag {
  std::string_view name;
  std::string_view type;
  std::string_view display_name;
  std::string_view path;
  std::string_view more;  // further lines of TOML
};

// In the order of the columns.
constexpr SampleTag kTags[] = {
    {"city", "CATEGORY", "City", "profile/place", ""},
    {"gender", "CATEGORY", "Gender", "profile/person", "sensitivity = 1\n"},
    {"age_band", "CATEGORY", "Age band", "profile/person", "sensitivity = 1\n"},
    {"education", "CATEGORY", "Education", "profile/person", ""},
    {"occupation", "CATEGORY", "Occupation", "profile/person", ""},
    {"is_graduate", "FLAG", "Graduated this year", "profile/person", ""},
    {"device", "CATEGORY", "Device", "profile/contact", ""},
    {"channel", "CATEGORY", "Channel that brought the user", "profile/contact", ""},
    {"is_verified", "FLAG", "Identity verified", "profile/contact", ""},
    {"push_allowed", "FLAG", "Push messages allowed", "profile/contact", ""},
    {"register_date", "DATE", "Registered on", "profile/contact", ""},
    {"membership", "CATEGORY", "Membership", "business/value", ""},
    {"spend", "DECIMAL", "Spent in 12 months", "business/value", "scale = 2\nsensitivity = 2\n"},
    {"credit_score", "DECIMAL", "Credit score", "business/value", "scale = 1\nsensitivity = 3\n"},
    {"product_type", "CATEGORY", "Product rented", "business/lease", ""},
    {"contracts", "INTEGER", "Contracts so far", "business/lease", ""},
    {"lease_expiring", "FLAG", "Lease ends within 60 days", "business/lease", ""},
    {"lease_end", "DATE", "Lease ends on", "business/lease", ""},
    {"stage", "CATEGORY", "Stage of the journey", "behaviour/house-search", ""},
    {"budget", "INTEGER", "Monthly budget", "behaviour/house-search", ""},
    {"interests", "LABELS", "Interests", "behaviour/house-search", "separator = \"|\"\n"},
    {"districts", "LABELS", "Districts looked at", "behaviour/house-search", "separator = \"|\"\n"},
    {"views_7d", "INTEGER", "Homes viewed in 7 days", "behaviour/activity", ""},
    {"last_active_days", "INTEGER", "Days since last active", "behaviour/activity", ""},
    {"last_login", "DATETIME", "Last login", "behaviour/activity", ""},
};

std::vector<std::string> MakeCities() {
  std::vector<std::string> cities(std::begin(kLargeCities), std::end(kLargeCities));
  for (const std::string_view last : kLastSyllables) {
    for (const std::string_view first : kFirstSyllables) {
      cities.push_back(fmt::format("{}{}", first, last));
    }
  }
  return cities;
}

template <size_t kOuter, size_t kInner>
std::vector<std::string> Pairs(const std::string_view (&outer)[kOuter],
                               const std::string_view (&inner)[kInner]) {
  std::vector<std::string> pairs;
  for (const std::string_view a : outer) {
    for (const std::string_view b : inner) pairs.push_back(fmt::format("{} {}", a, b));
  }
  return pairs;
}

}  // namespace

const std::vector<std::string>& SampleCities() {
  static const auto& cities = *new std::vector<std::string>(MakeCities());
  return cities;
}

const std::vector<std::string>& SampleInterests() {
  static const auto& interests = *new std::vector<std::string>(Pairs(kHomes, kFeatures));
  return interests;
}

const std::vector<std::string>& SampleDistricts() {
  static const auto& districts = *new std::vector<std::string>(Pairs(kDistricts, kDirections));
  return districts;
}

std::string SampleSchema() {
  std::string text =
      "# The sample population of a home-rental company, made by `throng sample`.\n"
      "delimiter = \",\"\n"
      "id_column = \"user_id\"\n"
      "missing = [\"\"]\n"
      "on_missing = \"clear\"\n";
  for (const SampleTag& tag : kTags) {
    text += fmt::format(
        "\n[[tag]]\nname = \"{}\"\ntype = \"{}\"\n{}display_name = \"{}\"\npath = \"{}\"\n",
        tag.name, tag.type, tag.more, tag.display_name, tag.path);
  }
  return text;
}

ZipfTable::ZipfTable(uint32_t count, double exponent) : ranks_(size_t{1} << 16) {
  double total = 0;
  for (uint32_t rank = 0; rank < count; ++rank) total += std::pow(rank + 1, -exponent);
  double sum = 0;
  size_t place = 0;
  for (uint32_t rank = 0; rank < count; ++rank) {
    sum += std::pow(rank + 1, -exponent);
    const auto end = static_cast<size_t>(sum / total * static_cast<double>(ranks_.size()) + 0.5);
    for (; place < end && place < ranks_.size(); ++place) {
      ranks_[place] = static_cast<uint16_t>(rank);
    }
  }
}

}  // namespace throng::cli
