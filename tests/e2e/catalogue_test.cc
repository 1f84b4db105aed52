// Tags, populations, expressions as trees, repeated loads and replaced content, and the shapes of
// their JSON as docs/cli.md gives them.
#include <set>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/e2e/live_server_test.h"
#include "tests/e2e/refusal.h"

namespace throng::e2e {
namespace {

class CatalogueTest : public LiveServerTest {
 protected:
  // Five users; the last has no city.
  void LoadFive(const std::vector<std::string>& more = {}) {
    Load(throng(),
         Write("users.csv",
               "user_id,city,hobbies,vip,rent\n"
               "1,Paris,go|chess,1,10.50\n"
               "2,Rome,go,0,20\n"
               "3,Paris,,1,\n"
               "4,Oslo,chess,0,0.01\n"
               "5,,,0,\n"),
         Write("schema.toml", "id_column = \"user_id\"\n" + Tag("city", "CATEGORY") +
                                  Tag("hobbies", "LABELS", "separator = \"|\"") +
                                  Tag("vip", "FLAG") + Tag("rent", "DECIMAL", "scale = 2")),
         more);
  }
};

std::set<std::string> KeysOf(const Json& object) {
  std::set<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.insert(key);
  return keys;
}

TEST_F(CatalogueTest, TagsAreCreatedChangedAndListed) {
  Json created = throng().Ask({"tags", "create", "score", "--type", "decimal", "--scale", "3",
                               "--display-name", "Score", "--path", "model/risk", "--description",
                               "Of the risk model", "--owner", "risk", "--sensitivity", "4",
                               "--state", "draft"});
  EXPECT_EQ(
      KeysOf(created),
      (std::set<std::string>{"tag", "name", "type", "scale", "display_name", "path", "description",
                             "owner", "sensitivity", "state", "max_values", "user_count",
                             "value_count", "content_time", "freshness_seconds", "data_version"}));
  EXPECT_EQ(created["name"], "populations/default/tags/score");
  EXPECT_EQ(created["type"], "DECIMAL");
  EXPECT_EQ(created["scale"], 3);
  EXPECT_EQ(created["sensitivity"], 4);
  EXPECT_EQ(throng().Ask({"tags", "get", "score"}), created);

  Json updated = throng().Ask(
      {"tags", "update", "score", "--owner", "", "--state", "online", "--path", "model/credit"});
  EXPECT_EQ(updated["owner"], "");
  EXPECT_EQ(updated["state"], throng().Ask({"tags", "get", "score"})["state"]);
  EXPECT_NE(updated["state"], created["state"]);
  EXPECT_EQ(updated["description"], "Of the risk model");

  throng().Ask({"tags", "create", "models", "--type", "LABELS", "--path", "modelling"});
  const auto names = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"tags", "list"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    std::set<std::string> names;
    Json list = throng().Ask(arguments);
    for (Json& tag : list["tags"]) names.insert(tag["tag"]);
    return names;
  };
  EXPECT_EQ(names({}), (std::set<std::string>{"score", "models"}));
  EXPECT_EQ(names({"--path", "model"}), (std::set<std::string>{"score"}));
  EXPECT_EQ(names({"--path", "model/credit"}), (std::set<std::string>{"score"}));
  EXPECT_EQ(names({"--path", "model/risk"}), (std::set<std::string>{}));
}

TEST_F(CatalogueTest, ValuesComeWithTheirUsers) {
  LoadFive();
  Json city = throng().Ask({"tags", "values", "city"});
  EXPECT_EQ(city["tag"], "city");
  EXPECT_EQ(city["missing"], 1);
  EXPECT_EQ(city["truncated"], false);
  EXPECT_EQ(city["values"],
            Json::parse(R"([{"value":"Paris","user_count":2},{"value":"Oslo","user_count":1},
                            {"value":"Rome","user_count":1}])"));
  Json first = throng().Ask({"tags", "values", "city", "--limit", "1"});
  EXPECT_EQ(first["values"].size(), 1);
  EXPECT_EQ(first["truncated"], true);
  Json hobbies = throng().Ask({"tags", "values", "hobbies"});
  EXPECT_EQ(hobbies["missing"], 2);
  Json tag = throng().Ask({"tags", "get", "hobbies"});
  EXPECT_EQ(tag["user_count"], 3);
  EXPECT_EQ(tag["value_count"], 2);
  EXPECT_NE(tag["content_time"], "");
}

TEST_F(CatalogueTest, PopulationsStandSideBySide) {
  LoadFive();
  Json created = throng().Ask({"populations", "create", "owners", "--primary-id-type", "owner_id",
                               "--display-name", "Owners of homes"});
  EXPECT_EQ(KeysOf(created),
            (std::set<std::string>{"population", "name", "display_name", "primary_id_type",
                                   "user_count", "tag_count", "data_version"}));
  EXPECT_EQ(created["name"], "populations/owners");
  EXPECT_EQ(created["primary_id_type"], "owner_id");
  EXPECT_EQ(throng().Ask({"populations", "get", "owners"}), created);
  Json list = throng().Ask({"populations", "list"});
  ASSERT_EQ(list["populations"].size(), 2);
  EXPECT_EQ(list["populations"][0]["population"], "default");
  EXPECT_EQ(list["populations"][0]["user_count"], 5);
  EXPECT_EQ(list["populations"][0]["tag_count"], 4);
  EXPECT_EQ(list["populations"][1], created);
  EXPECT_EQ(throng().In("owners").Count("all()"), 0);
  ExpectRefused(throng().In("owners").Run({"count", "vip"}), 1, {"there is no tag \"vip\""});
  ExpectRefused(throng().Run({"populations", "create", "owners"}), 1, {"owners", "exists"});
  ExpectRefused(throng().Run({"populations", "create", "Not A Name"}), 1, {"Not A Name"});
}

TEST_F(CatalogueTest, TextAndTreeAreTheSame) {
  const std::vector<std::string> texts = {
      "a = 'x'",
      "not (a = 'it''s' and b not in (1, -2, 3.50)) or exists(\"odd name\")",
      "c between '2024-01-01' and today() - 30d exclusive and f",
      "ids('u1', 7) or bucket('s', 0, 500000) and sample(1.5%, 's')",
      "(a and b and c) or (d and (e or f)) or all() or none()",
      "城市 = '北京'"};
  for (const std::string& text : texts) {
    SCOPED_TRACE(text);
    const CommandResult parsed = throng().Run({"parse", text, "--json"});
    EXPECT_EQ(parsed.exit_code, 0) << parsed;
    Json answer = parsed.json();
    const std::string canonical = answer["canonical_expression"];
    EXPECT_TRUE(answer["tree"].is_object()) << parsed;
    const CommandResult formatted = throng().Run({"format", "-"}, parsed.output);
    EXPECT_EQ(formatted.output, canonical + "\n") << formatted;
    Json alone = throng().Ask({"format", Write("tree.json", answer["tree"].dump())});
    EXPECT_EQ(alone["expression"], canonical);
    EXPECT_EQ(throng().Ask({"parse", canonical}), answer) << "canonical text is its own";
  }
  EXPECT_EQ(throng().Ask({"parse", " VIEWS_7D>3 AND x in('a') "})["canonical_expression"],
            "VIEWS_7D > 3 and x = 'a'");
}

TEST_F(CatalogueTest, LoadingTwiceChangesNoCount) {
  LoadFive();
  const auto counts = [&] {
    std::vector<int64_t> counts;
    for (const char* text :
         {"all()", "city = 'Paris'", "hobbies = 'go'", "vip", "rent > 0.01", "exists(rent)"}) {
      counts.push_back(throng().Count(text));
    }
    return counts;
  };
  const std::vector<int64_t> before = counts();
  EXPECT_EQ(before, (std::vector<int64_t>{5, 2, 2, 2, 2, 3}));
  LoadFive();
  EXPECT_EQ(counts(), before);
  // Under a name, a repetition is not even applied.
  LoadFive({"--load-id", "once"});
  const uint64_t version = throng().DataVersion();
  Json summary = Load(throng(), File("users.csv"), File("schema.toml"), {"--load-id", "once"});
  EXPECT_EQ(summary["batches_repeated"], 1);
  EXPECT_EQ(throng().DataVersion(), version);
  EXPECT_EQ(counts(), before);
}

TEST_F(CatalogueTest, AnUpsertKeepsAndAReplaceTakesAway) {
  LoadFive();
  const std::string some = Write("some.csv", "user_id,city,hobbies\n3,Rome,\n6,Kyiv,tennis\n");
  const std::string tags = Tag("city", "CATEGORY") + Tag("hobbies", "LABELS");
  const std::string leave = Write("leave.toml", "id_column = \"user_id\"\n" + tags);
  const std::string clear =
      Write("clear.toml", "id_column = \"user_id\"\non_missing = \"clear\"\n" + tags);
  Load(throng(), some, leave);
  ExpectCounts(throng(), {{"all()", 6},
                          {"city = 'Paris'", 1},
                          {"city = 'Rome'", 2},
                          {"city = 'Kyiv'", 1},
                          {"exists(hobbies)", 4},
                          {"vip", 2}});
  Load(throng(), Write("gone.csv", "user_id,city,hobbies\n1,,go\n"), clear);
  EXPECT_EQ(throng().Count("city = 'Paris'"), 0);
  EXPECT_EQ(throng().Ask({"portrait", "1"})["tags"],
            Json::parse(R"({"hobbies":["go"],"vip":true,"rent":"10.50"})"));
  // The users stay, and so do the tags that the schema does not name.
  Load(throng(), some, leave, {"--mode", "replace"});
  ExpectCounts(throng(), {{"all()", 6},
                          {"exists(city)", 2},
                          {"city = 'Rome'", 1},
                          {"city = 'Oslo'", 0},
                          {"exists(hobbies)", 1},
                          {"vip", 2},
                          {"rent = 20", 1}});
}

TEST_F(CatalogueTest, UnknownIdsAsTold) {
  LoadFive();
  const std::string file = Write("more.csv", "user_id,city\n1,Bonn\n100,Bonn\n");
  const std::string schema =
      Write("city.toml", "id_column = \"user_id\"\n" + Tag("city", "CATEGORY"));
  Json skipped = Load(throng(), file, schema, {"--unknown-ids", "skip"});
  EXPECT_EQ(skipped["rows"], 1);
  EXPECT_EQ(skipped["rows_skipped"], 1);
  EXPECT_EQ(skipped["users_created"], 0);
  ExpectCounts(throng(), {{"all()", 5}, {"city = 'Bonn'", 1}});
  Json created = Load(throng(), file, schema);
  EXPECT_EQ(created["users_created"], 1);
  ExpectCounts(throng(), {{"all()", 6}, {"city = 'Bonn'", 2}});
}

TEST_F(CatalogueTest, PingAndVersion) {
  Json ping = throng().Ask({"ping", "--wait", "10s"});
  EXPECT_EQ(ping["serving"], true);
  EXPECT_EQ(ping["server"], server().address());
  EXPECT_TRUE(ping["waited_ms"].is_number_integer()) << ping;
  const CommandResult version = throng().Run({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_EQ(version.output.substr(0, 7), "throng ");
  for (const char* command :
       {"load", "count", "explain", "insight", "curve", "why", "members", "export", "portrait",
        "tags", "populations", "parse", "format", "ping", "schema", "sample"}) {
    const CommandResult help = throng().Run({command, "--help"});
    EXPECT_EQ(help.exit_code, 0) << help;
    EXPECT_NE(help.output.find("Examples:"), std::string::npos) << help;
  }
}

}  // namespace
}  // namespace throng::e2e
