// The main job on the sample population: load, count, explain, break down, page, export, show one
// user. Every number is computed a second time, from the file by plain loops.
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/e2e/live_server_test.h"
#include "tests/e2e/refusal.h"
#include "tests/e2e/sample_users.h"

namespace throng::e2e {
namespace {

using User = SampleUsers::User;

constexpr int kUsers = 20'000;
constexpr const char* kCrowd = "city in ('Beijing', 'Tianjin') and views_7d > 3";

bool InCrowd(const User& user) {
  return (user.Is("city", "Beijing") || user.Is("city", "Tianjin")) && user.Has("views_7d") &&
         user.Number("views_7d") > 3;
}

class MainJobTest : public LiveServerTest {
 protected:
  void SetUp() override {
    const CommandResult made =
        throng().Run({"sample", "--users", std::to_string(kUsers), "--output-dir", File("sample")});
    ASSERT_EQ(made.exit_code, 0) << made;
    users_ = std::make_unique<SampleUsers>(File("sample/users.csv"));
    ASSERT_EQ(users_->all().size(), size_t{kUsers});
    summary_ = Load(throng(), File("sample/users.csv"), File("sample/schema.toml"));
  }

  const SampleUsers& users() const { return *users_; }
  // Exports a crowd and returns the file's lines.
  std::vector<std::string> Export(const std::string& expression, const std::string& format,
                                  const std::string& tags = "") const {
    const std::string file = File("crowd." + format);
    std::vector<std::string> arguments = {"export",   expression, "-o",     file,
                                          "--format", format,     "--force"};
    if (!tags.empty()) arguments.insert(arguments.end(), {"--tags", tags});
    Json summary = throng().Ask(arguments);
    EXPECT_EQ(summary["file"], file);
    EXPECT_EQ(summary["bytes"], ReadFile(file).size());
    EXPECT_EQ(summary["data_version"], throng().DataVersion());
    EXPECT_TRUE(summary["engine_us"].is_number_integer()) << summary;
    return LinesOf(ReadFile(file));
  }

  std::unique_ptr<SampleUsers> users_;
  Json summary_;
};

TEST_F(MainJobTest, TheLoadSaysWhatItDid) {
  EXPECT_EQ(summary_["rows"], kUsers);
  EXPECT_EQ(summary_["users_created"], kUsers);
  EXPECT_EQ(summary_["rows_refused"], 0);
  EXPECT_EQ(summary_["rows_skipped"], 0);
  EXPECT_EQ(summary_["batches_repeated"], 0);
  EXPECT_EQ(summary_["data_version"], throng().DataVersion());
  for (const char* field : {"seconds", "rows_per_second"}) {
    EXPECT_TRUE(summary_[field].is_number()) << summary_;
  }
}

TEST_F(MainJobTest, CountsAreThoseOfTheFile) {
  const std::vector<std::pair<std::string, std::function<bool(const User&)>>> cases = {
      {"all()", [](const User&) { return true; }},
      {"none()", [](const User&) { return false; }},
      {kCrowd, InCrowd},
      {"is_graduate", [](const User& u) { return u.Is("is_graduate", "1"); }},
      {"not is_graduate or lease_expiring",
       [](const User& u) { return !u.Is("is_graduate", "1") || u.Is("lease_expiring", "1"); }},
      {"exists(city) and not exists(gender)",
       [](const User& u) { return u.Has("city") && !u.Has("gender"); }},
      {"gender != 'f'", [](const User& u) { return u.Has("gender") && !u.Is("gender", "f"); }},
      {"not gender = 'f'", [](const User& u) { return !u.Is("gender", "f"); }},
      {"not views_7d > 3",
       [](const User& u) { return !u.Has("views_7d") || u.Number("views_7d") <= 3; }},
      {"views_7d <= 3",
       [](const User& u) { return u.Has("views_7d") && u.Number("views_7d") <= 3; }},
      {"budget between 2000 and 4000 exclusive",
       [](const User& u) {
         return u.Has("budget") && u.Number("budget") >= 2'000 && u.Number("budget") < 4'000;
       }},
      {"credit_score >= 650.5",
       [](const User& u) {
         return u.Has("credit_score") && std::stod(u["credit_score"]) > 650.45;
       }},
      {"register_date >= '2024-01-01' and register_date < '2025-01-01'",
       [](const User& u) { return u["register_date"].starts_with("2024"); }},
      {"last_login = '2026-06-30'",
       [](const User& u) { return u["last_login"].starts_with("2026-06-30"); }},
      {"last_login > '2026-06-15 12:00:00'",
       [](const User& u) { return u["last_login"] > "2026-06-15 12:00:00"; }},
      {"ids(10000001, '10000002', 10020000, 10020001, 'x')",
       [](const User& u) {
         return u.Is("user_id", "10000001") || u.Is("user_id", "10000002") ||
                u.Is("user_id", "10020000");
       }},
  };
  for (const auto& [expression, matches] : cases) {
    EXPECT_EQ(throng().Count(expression), users().Count(matches)) << expression;
  }
  Json labels = throng().Ask({"tags", "values", "interests", "--limit", "2"});
  ASSERT_EQ(labels["values"].size(), 2);
  const std::string a = labels["values"][0]["value"];
  const std::string b = labels["values"][1]["value"];
  EXPECT_EQ(throng().Count(fmt::format("interests = '{}' and interests = '{}'", a, b)),
            users().Count([&](const User& u) {
              return u.HasLabel("interests", a) && u.HasLabel("interests", b);
            }));
  EXPECT_EQ(throng().Count(fmt::format("interests not in ('{}', '{}')", a, b)),
            users().Count([&](const User& u) {
              return u.Has("interests") && !u.HasLabel("interests", a) &&
                     !u.HasLabel("interests", b);
            }));
}

TEST_F(MainJobTest, TimesAreRelativeToTheRequest) {
  const auto count = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"count", "last_login >= today() - 7d"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return throng().Ask(arguments);
  };
  Json utc = count({"--at", "2026-06-30T20:00:00Z"});
  EXPECT_EQ(utc["count"],
            users().Count([](const User& u) { return u["last_login"] >= "2026-06-23"; }));
  EXPECT_EQ(utc["reference_time"], "2026-06-30T20:00:00Z");
  EXPECT_EQ(utc["time_zone"], "UTC");
  // In Shanghai it is the next day already, which began at 16:00 in UTC.
  Json shanghai = count({"--at", "2026-06-30T20:00:00Z", "--zone", "Asia/Shanghai"});
  EXPECT_EQ(shanghai["count"],
            users().Count([](const User& u) { return u["last_login"] >= "2026-06-23 16:00:00"; }));
  EXPECT_EQ(shanghai["time_zone"], "Asia/Shanghai");
  EXPECT_NE(shanghai["count"], utc["count"]);
}

TEST_F(MainJobTest, ExpressionsComeFromThreePlaces) {
  const int64_t expected = users().Count(InCrowd);
  Json answer = throng().Ask({"count", kCrowd});
  EXPECT_EQ(answer["count"], expected);
  EXPECT_EQ(answer["canonical_expression"], kCrowd);
  EXPECT_EQ(answer["exact"], true);
  EXPECT_EQ(answer["warnings"], Json::array());
  EXPECT_TRUE(answer["engine_us"].is_number_integer());
  EXPECT_EQ(throng().Ask({"count", "--file", Write("crowd.txt", kCrowd)})["count"], expected);
  const CommandResult piped = throng().Run({"count", "-", "--json"}, kCrowd);
  EXPECT_EQ(piped.json()["count"], expected);
  const CommandResult readable = throng().Run({"count", "all()"});
  EXPECT_EQ(readable.output.substr(0, 13), "20,000 users\n");
  EXPECT_NE(readable.output.find(fmt::format("data version {}, ", throng().DataVersion())),
            std::string::npos)
      << readable;
}

TEST_F(MainJobTest, ExportsHoldTheCrowd) {
  std::set<std::string> expected;
  for (const User& user : users().all()) {
    if (InCrowd(user)) expected.insert(user["user_id"]);
  }
  ASSERT_GT(expected.size(), 100);
  const std::vector<std::string> ids = Export(kCrowd, "txt");
  EXPECT_EQ(ids.size(), expected.size());
  EXPECT_EQ(std::set(ids.begin(), ids.end()), expected);

  const std::vector<std::string> bitmap = Export(kCrowd, "roaring");
  const std::string bytes = ReadFile(File("crowd.roaring"));
  uint64_t maps = 0;
  ASSERT_GT(bytes.size(), sizeof(maps));
  std::memcpy(&maps, bytes.data(), sizeof(maps));
  EXPECT_EQ(maps, 1) << "all ids have the same upper half";

  const CommandResult piped = throng().Run({"export", kCrowd, "-o", "-"});
  EXPECT_EQ(piped.exit_code, 0) << piped;
  const std::vector<std::string> piped_ids = LinesOf(piped.output);
  EXPECT_EQ(std::set(piped_ids.begin(), piped_ids.end()), expected);
  EXPECT_EQ(Export("none()", "txt").size(), 0);
}

TEST_F(MainJobTest, ExportedTagsAreThoseOfTheFile) {
  const std::string tags =
      "city,is_graduate,spend,interests,views_7d,register_date,last_login,user_id";
  const std::string columns = tags.substr(0, tags.rfind(','));
  std::map<std::string, const User*> by_id;
  for (const User& user : users().all()) by_id[user["user_id"]] = &user;

  const std::vector<std::string> csv = Export("all()", "csv", columns);
  ASSERT_EQ(csv.size(), size_t{kUsers} + 1);
  EXPECT_EQ(csv[0], "user_id," + columns);
  for (size_t i = 1; i < csv.size(); ++i) {
    const std::vector<std::string> row = Split(csv[i], ',');
    const User& user = *by_id.at(row[0]);
    const auto login =
        user.Has("last_login")
            ? fmt::format("{}T{}Z", user["last_login"].substr(0, 10), user["last_login"].substr(11))
            : "";
    const std::vector<std::string> expected = {
        row[0],
        user["city"],
        user.Is("is_graduate", "1") ? "true" : "false",
        user["spend"],
        fmt::format("{}", fmt::join(user.Labels("interests"), "|")),
        user["views_7d"],
        user["register_date"],
        login};
    ASSERT_EQ(row, expected);
  }

  const std::vector<std::string> ndjson = Export("all()", "ndjson", columns);
  ASSERT_EQ(ndjson.size(), size_t{kUsers});
  for (const std::string& line : ndjson) {
    Json row = Json::parse(line, nullptr, false);
    const User& user = *by_id.at(row["user_id"]);
    Json views = user.Has("views_7d") ? Json(user.Number("views_7d")) : Json(nullptr);
    Json spend = user.Has("spend") ? Json(user["spend"]) : Json(nullptr);
    ASSERT_EQ(row["views_7d"], views) << line;
    ASSERT_EQ(row["spend"], spend) << line;
    ASSERT_EQ(row["interests"], Json(user.Labels("interests"))) << line;
    ASSERT_EQ(row["is_graduate"], user.Is("is_graduate", "1")) << line;
  }
  ExpectRefused(
      throng().Run({"export", "all()", "-o", File("x"), "--format", "ndjson", "--tags", tags}), 2,
      {"user_id"});
}

// Expects one row of a breakdown to be what the counts make it.
void ExpectRow(Json row, int64_t count, int64_t crowd, int64_t baseline_count, int64_t baseline) {
  const double share = static_cast<double>(count) / static_cast<double>(crowd);
  const double baseline_share = static_cast<double>(baseline_count) / static_cast<double>(baseline);
  EXPECT_EQ(row["count"], count) << row;
  EXPECT_EQ(row["baseline_count"], baseline_count) << row;
  EXPECT_NEAR(row["share"].get<double>(), share, 1e-12) << row;
  EXPECT_NEAR(row["baseline_share"].get<double>(), baseline_share, 1e-12) << row;
  if (baseline_count == 0) {
    EXPECT_TRUE(row["tgi"].is_null()) << row;
  } else {
    EXPECT_NEAR(row["tgi"].get<double>(), share / baseline_share * 100, 1e-9) << row;
  }
}

TEST_F(MainJobTest, InsightIsComputedFromCounts) {
  const auto baseline = [](const User& u) { return u.Has("stage") && !u.Is("is_graduate", "1"); };
  Json insight =
      throng().Ask({"insight", kCrowd, "--by", "stage,is_graduate,interests", "--by", "education",
                    "--baseline", "exists(stage) and not is_graduate", "--top", "3"});
  const int64_t crowd_size = users().Count(InCrowd);
  const int64_t baseline_size = users().Count(baseline);
  EXPECT_EQ(insight["count"], crowd_size);
  EXPECT_EQ(insight["baseline_count"], baseline_size);
  ASSERT_EQ(insight["tags"].size(), 4);
  EXPECT_EQ(insight["tags"][3]["tag"], "education");
  for (Json& tag : insight["tags"]) {
    const std::string name = tag["tag"];
    SCOPED_TRACE(name);
    if (name == "is_graduate") continue;  // users who are none are not missing
    const auto has = [&](const User& u, const std::string& value) {
      return name == "interests" ? u.HasLabel(name, value) : u.Is(name, value);
    };
    int64_t last = crowd_size;
    int64_t sum = 0;
    EXPECT_LE(tag["rows"].size(), 3);
    for (Json& row : tag["rows"]) {
      const std::string value = row["value"];
      const int64_t count =
          users().Count([&](const User& u) { return InCrowd(u) && has(u, value); });
      ExpectRow(row, count, crowd_size,
                users().Count([&](const User& u) { return baseline(u) && has(u, value); }),
                baseline_size);
      EXPECT_LE(count, last) << "largest first";
      last = count;
      sum += count;
    }
    ExpectRow(tag["missing"],
              users().Count([&](const User& u) { return InCrowd(u) && !u.Has(name); }), crowd_size,
              users().Count([&](const User& u) { return baseline(u) && !u.Has(name); }),
              baseline_size);
    if (name == "interests") continue;  // several a user
    EXPECT_EQ(sum + tag["missing"]["count"].get<int64_t>() + tag["others"]["count"].get<int64_t>(),
              crowd_size);
    EXPECT_EQ(tag["others"]["values"],
              throng().Ask({"tags", "get", name})["value_count"].get<int64_t>() - 3);
  }
  Json& flag = insight["tags"][1]["rows"];
  ASSERT_EQ(flag.size(), 2);
  Json& graduate = flag[flag[0]["value"] == true ? 0 : 1];
  EXPECT_EQ(graduate["value"], true);
  EXPECT_GT(graduate["count"], 0);
  EXPECT_EQ(flag[0]["count"].get<int64_t>() + flag[1]["count"].get<int64_t>(), crowd_size);
  EXPECT_EQ(graduate["baseline_count"], 0);
  EXPECT_TRUE(graduate["tgi"].is_null());
  const CommandResult table = throng().Run({"insight", kCrowd, "--by", "stage"});
  EXPECT_NE(table.output.find("(missing)"), std::string::npos) << table;
  EXPECT_NE(table.output.find("TGI"), std::string::npos) << table;
}

TEST_F(MainJobTest, ExplainTellsThePlanThatRan) {
  const std::string expression = std::string(kCrowd) + " and not is_graduate";
  Json explained = throng().Ask({"explain", expression});
  const int64_t count = throng().Count(expression);
  EXPECT_EQ(explained["count"], count);
  ASSERT_FALSE(explained["plan"].empty());
  EXPECT_EQ(explained["plan"][0]["depth"], 0);
  EXPECT_EQ(explained["plan"][0]["actual_users"], count);
  int last = -1;
  for (Json& node : explained["plan"]) {
    EXPECT_LE(node["depth"].get<int>(), last + 1) << "not in pre-order: " << explained["plan"];
    last = node["depth"];
    EXPECT_NE(node["operator"], "");
    for (const char* field : {"estimated_users", "actual_users", "chunks", "time_us"}) {
      EXPECT_TRUE(node[field].is_number()) << node;
    }
  }
  // The conditions as they were written, each with its own count.
  ASSERT_EQ(explained["conditions"].size(), 3);
  for (Json& condition : explained["conditions"]) {
    const size_t column = condition["column"].get<size_t>() - 1;
    const std::string text = expression.substr(column, condition["length"].get<size_t>());
    EXPECT_EQ(condition["count"], throng().Count(text)) << condition;
    EXPECT_EQ(condition["count"], throng().Count(condition["condition"])) << condition;
  }
  EXPECT_GE(explained["stages"].size(), 2);
  Json planned = throng().Ask({"explain", expression, "--plan-only"});
  EXPECT_TRUE(planned["count"].is_null());
  EXPECT_TRUE(planned["plan"][0]["actual_users"].is_null());
  EXPECT_TRUE(planned["conditions"][0]["count"].is_null());
  EXPECT_TRUE(planned["plan"][0]["estimated_users"].is_number());
}

TEST_F(MainJobTest, PagesMakeUpTheCrowd) {
  std::set<std::string> ids;
  std::string token;
  uint64_t version = 0;
  int pages = 0;
  do {
    std::vector<std::string> arguments = {"members", "is_graduate", "--page-size", "700"};
    if (!token.empty()) arguments.insert(arguments.end(), {"--page-token", token});
    Json page = throng().Ask(arguments);
    ASSERT_TRUE(page.is_object());
    EXPECT_LE(page["ids"].size(), 700);
    for (Json& id : page["ids"]) EXPECT_TRUE(ids.insert(id).second) << id << " comes twice";
    EXPECT_EQ(page["total"], users().Count([](const User& u) { return u.Is("is_graduate", "1"); }));
    if (pages > 0) {
      EXPECT_EQ(page["data_version"], version);
    }
    version = page["data_version"];
    token = page["next_page_token"];
    ++pages;
    // A write between two pages is not seen by the next one.
    Load(throng(), Write("new.csv", fmt::format("user_id,is_graduate\n{},1\n", 90'000'000 + pages)),
         Write("new.toml", "id_column = \"user_id\"\n" + Tag("is_graduate", "FLAG")));
  } while (!token.empty() && pages < 100);
  EXPECT_GT(pages, 1);
  std::set<std::string> expected;
  for (const User& user : users().all()) {
    if (user.Is("is_graduate", "1")) expected.insert(user["user_id"]);
  }
  EXPECT_EQ(ids, expected);
  // The same crowd can still be counted at that version.
  EXPECT_EQ(
      throng().Ask({"count", "is_graduate", "--read-version", std::to_string(version)})["count"],
      expected.size());
  EXPECT_EQ(throng().Count("is_graduate"), static_cast<int64_t>(expected.size()) + pages);
}

TEST_F(MainJobTest, PortraitsAreRowsOfTheFile) {
  for (const size_t place : {size_t{0}, size_t{777}, size_t{kUsers} - 1}) {
    const User& user = users().all()[place];
    Json portrait = throng().Ask({"portrait", user["user_id"]});
    EXPECT_EQ(portrait["id"], user["user_id"]);
    EXPECT_EQ(portrait["data_version"], throng().DataVersion());
    Json& tags = portrait["tags"];
    for (const char* name : {"city", "gender", "spend", "register_date", "lease_end", "stage"}) {
      EXPECT_EQ(tags.value(name, ""), user[name]) << name;
    }
    EXPECT_EQ(tags.value("interests", Json::array()), Json(user.Labels("interests")));
    EXPECT_EQ(tags.contains("views_7d"), user.Has("views_7d"));
    if (user.Has("views_7d")) {
      EXPECT_EQ(tags["views_7d"], user.Number("views_7d"));
    }
    EXPECT_EQ(tags.value("is_verified", false), user.Is("is_verified", "1"));
  }
}

}  // namespace
}  // namespace throng::e2e
