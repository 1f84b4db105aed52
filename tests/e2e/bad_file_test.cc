// Files that cannot be loaded, one test a kind: the words say where and what to do, and the
// population is as it was.
#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/e2e/live_server_test.h"
#include "tests/e2e/refusal.h"

namespace throng::e2e {
namespace {

constexpr const char* kGoodUsers =
    "user_id,city,views,born,interests,vip,rent\n"
    "1,Paris,5,2000-01-31,a|b,1,10.50\n"
    "2,Rome,7,1999-12-31,b,0,\n"
    "3,,,,,,\n";

std::string GoodSchema() {
  return "id_column = \"user_id\"\n" + Tag("city", "CATEGORY") + Tag("views", "INTEGER") +
         Tag("born", "DATE") + Tag("interests", "LABELS", "separator = \"|\"") +
         Tag("vip", "FLAG") + Tag("rent", "DECIMAL", "scale = 2");
}

// The population "default" has three users and their six tags.
class BadFileTest : public LiveServerTest {
 protected:
  void SetUp() override {
    schema_ = Write("schema.toml", GoodSchema());
    Load(throng(), Write("good.csv", kGoodUsers), schema_);
    ASSERT_EQ(throng().Count("all()"), 3);
  }

  // Expects `throng load FILE --schema SCHEMA MORE` to be refused and to change nothing.
  void ExpectLoadRefused(const std::string& file, const std::vector<std::string>& words,
                         const std::vector<std::string>& more = {}, int exit_code = 1) {
    const PopulationState before(throng());
    std::vector<std::string> arguments = {"load", file, "--schema", schema_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    ExpectRefused(throng().Run(arguments), exit_code, words);
    EXPECT_EQ(PopulationState(throng()), before);
  }

  // As above for one row under the good header.
  void ExpectRowRefused(const std::string& row, const std::vector<std::string>& words) {
    SCOPED_TRACE(row.substr(0, 200));
    const std::string header(LinesOf(kGoodUsers)[0]);
    ExpectLoadRefused(Write("bad.csv", header + "\n9,Oslo,1,2001-01-01,c,1,1.00\n" + row + "\n"),
                      words);
  }

  std::string schema_;
};

TEST_F(BadFileTest, CellsOfTheWrongType) {
  ExpectRowRefused("4,Rome,thirty,,,,",
                   {"bad.csv:3: column 'views': value 'thirty': not a whole number"});
  ExpectRowRefused("4,Rome,7.5,,,,", {"bad.csv:3: column 'views': value '7.5'"});
  ExpectRowRefused("4,Rome,7,yesterday,,,", {"bad.csv:3: column 'born': value 'yesterday'"});
  ExpectRowRefused("4,Rome,7,,,maybe,", {"bad.csv:3: column 'vip': value 'maybe'"});
  ExpectRowRefused("4,Rome,7,,,,ten", {"bad.csv:3: column 'rent': value 'ten'"});
  // Two cells of one row are both named; "nothing was sent" says what became of row 2.
  ExpectRowRefused("4,Rome,x,y,,,", {"column 'views': value 'x'", "column 'born': value 'y'",
                                     "nothing was sent", "1 of 2 rows cannot be used"});
}

TEST_F(BadFileTest, ValuesOutOfRange) {
  ExpectRowRefused("4,Rome,9223372036854775808,,,,",
                   {"bad.csv:3: column 'views': value '9223372036854775808'"});
  ExpectRowRefused("4,Rome,7,2023-02-29,,,", {"bad.csv:3: column 'born': value '2023-02-29'"});
  ExpectRowRefused("4,Rome,7,,,,1.005", {"bad.csv:3: column 'rent': value '1.005'"});
  ExpectRowRefused("4,Rome,7,,,,1234567890123456789", {"bad.csv:3: column 'rent'"});
  ExpectRowRefused("4," + std::string(1'025, 'x') + ",7,,,,",
                   {"bad.csv:3: column 'city'", "1025 bytes", "1024"});
  ExpectRowRefused("4,Rome,7,,ok|" + std::string(1'025, 'x') + ",,",
                   {"bad.csv:3: column 'interests'", "1025 bytes", "1024"});
}

TEST_F(BadFileTest, ValuesAtTheEdgeOfTheRange) {
  const std::string header(LinesOf(kGoodUsers)[0]);
  Load(throng(),
       Write("edge.csv", header + "\n4," + std::string(1'024, 'x') +
                             ",9223372036854775807,9999-12-31,c,1,9999999999999999.99\n" +
                             "5,Rome,-9223372036854775808,0001-01-01,c,1,-9999999999999999.99\n"),
       schema_);
  ExpectCounts(throng(), {{"all()", 5},
                          {"views = 9223372036854775807", 1},
                          {"views <= -9223372036854775808", 1},
                          {"born = '9999-12-31'", 1},
                          {"born = '0001-01-01'", 1},
                          {"rent = 9999999999999999.99", 1},
                          {"rent < 0", 1},
                          {"city = '" + std::string(1'024, 'x') + "'", 1}});
}

TEST_F(BadFileTest, Ids) {
  ExpectRowRefused(std::string(129, 'i') + ",Rome,7,,,,",
                   {"bad.csv:3: column 'user_id'", "the id has 129 bytes, more than 128"});
  ExpectRowRefused(",Rome,7,,,,", {"bad.csv:3: column 'user_id'", "the id is missing"});
  ExpectLoadRefused(Write("unknown.csv", "user_id,city\n77,Rome\n"), {"header has no column"});
  schema_ = Write("city.toml", "id_column = \"user_id\"\n" + Tag("city", "CATEGORY"));
  ExpectLoadRefused(File("unknown.csv"), {"unknown.csv:2: ", "77"}, {"--unknown-ids", "error"});
  const std::string longest(128, 'i');
  Load(throng(), Write("longest.csv", "user_id,city\n" + longest + ",Rome\n"), schema_);
  EXPECT_EQ(throng().Count("ids('" + longest + "')"), 1);
}

TEST_F(BadFileTest, EmptyAndHeaderOnly) {
  ExpectLoadRefused(Write("empty.csv", ""), {"empty.csv: the file is empty"});
  const CommandResult inferred = throng().Run({"schema", "infer", File("empty.csv")});
  ExpectRefused(inferred, 1, {"empty.csv: the file is empty"});
  ExpectLoadRefused(Write("header.csv", LinesOf(kGoodUsers)[0] + "\n"),
                    {"header.csv: the file has a header and no rows"});
}

TEST_F(BadFileTest, FilesThatEndInTheMiddle) {
  const std::string header = LinesOf(kGoodUsers)[0] + "\n";
  ExpectLoadRefused(Write("open.csv", header + "8,Oslo,1,,,,\n9,\"Par"),
                    {"open.csv:3: the file ends in the middle: the quote that opens on this line "
                     "is never closed"});
  ExpectLoadRefused(Write("row.csv", header + "8,Oslo,1,,,,\n9,Paris,"),
                    {"row.csv:3: 3 fields where the first line has 7", "was it cut off?"});
  std::string rows = header;
  for (int i = 10; i < 20'000; ++i) rows += fmt::format("{},City {},{},,,,\n", i, i * 7 % 997, i);
  WriteGzip(File("whole.csv.gz"), rows);
  const std::string packed = ReadFile(File("whole.csv.gz"));
  ExpectLoadRefused(Write("cut.csv.gz", packed.substr(0, packed.size() / 2)),
                    {"cut.csv.gz: the file ends in the middle: its gzip data is cut off after"});
  std::string damaged = packed;
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
  ExpectLoadRefused(Write("damaged.csv.gz", damaged), {"damaged.csv.gz: the gzip data is damaged"});
  ExpectLoadRefused(Write("plain.csv.gz", rows), {"plain.csv.gz: its name ends in .gz but"});
  ExpectLoadRefused(Write("packed.csv", packed), {"packed.csv: the file is packed with gzip"});
}

TEST_F(BadFileTest, WrongDelimiterAndColumns) {
  std::string semicolons = kGoodUsers;
  std::replace(semicolons.begin(), semicolons.end(), ',', ';');
  ExpectLoadRefused(Write("semicolons.csv", semicolons),
                    {"semicolons.csv:1: the first line is a single column when split at ','; the "
                     "delimiter seems to be ';'"});
  ExpectLoadRefused(
      Write("names.csv", "user_id,City,views,born,interests,vip,rent\n4,Rome,7,,,,\n"),
      {"names.csv: tag 'city': the header has no column 'city'; did you mean 'City'?"});
  ExpectRowRefused("4,Rome", {"bad.csv:3: 2 fields where the first line has 7"});
  ExpectRowRefused("4,Rome,7,,,,,,", {"bad.csv:3: 9 fields where the first line has 7"});
}

TEST_F(BadFileTest, TextThatIsNotUtf8) {
  ExpectRowRefused(
      "4,Orl\xE9"
      "ans,7,,,,",
      {"bad.csv:3: not UTF-8: byte 0xE9 at line 3, column 6"});
  ExpectRowRefused(std::string("4,Ro\0me,7,,,,", 13), {"bad.csv:3: NUL byte at line 3, column 5"});
  ExpectLoadRefused(Write("wide.csv", std::string_view("\xFF\xFEu\0s\0", 6)),
                    {"wide.csv: the file is UTF-16; it must be UTF-8"});
}

TEST_F(BadFileTest, ALineOfAHundredMegabytes) {
  const std::string header = LinesOf(kGoodUsers)[0] + "\n";
  {
    std::ofstream file(File("long.csv"), std::ios::binary);
    file << header << "8,";
    const std::string megabyte(1'000'000, 'x');
    for (int i = 0; i < 100; ++i) file << megabyte;
    file << ",1,,,,\n";
  }
  ExpectLoadRefused(File("long.csv"), {"long.csv:2: the line is longer than 16777216 bytes"});
  // Within a line that may be read, the field is too long.
  ExpectRowRefused("4," + std::string((1 << 20) + 1, 'x') + ",7,,,,",
                   {"bad.csv:3: ", "the field has 1048577 bytes, more than 1048576"});
}

TEST_F(BadFileTest, MaxErrorsIsTheLimit) {
  const std::string header = LinesOf(kGoodUsers)[0] + "\n";
  const std::string two_bad =
      Write("two.csv", header + "10,Oslo,1,,,,\n11,Oslo,x,,,,\n12,Oslo,y,,,,\n13,Oslo,2,,,,\n");
  ExpectLoadRefused(two_bad, {"two.csv:3: ", "two.csv:4: ", "more than --max-errors 1"},
                    {"--max-errors", "1"});
  Json summary = Load(throng(), two_bad, schema_, {"--max-errors", "2"});
  EXPECT_EQ(summary["rows"], 2);
  EXPECT_EQ(summary["rows_refused"], 2);
  ExpectCounts(throng(), {{"all()", 5}, {"city = 'Oslo'", 2}, {"ids(11, 12)", 0}});
  // Twenty are named, the others are counted.
  std::string many = header;
  for (int i = 0; i < 30; ++i) many += fmt::format("{},Oslo,x,,,,\n", 100 + i);
  ExpectLoadRefused(Write("many.csv", many), {"many.csv:21: ", "... and 10 more errors"});
}

TEST_F(BadFileTest, WhatOnlyTheServerCanRefuse) {
  EXPECT_EQ(throng().Run({"tags", "update", "city", "--max-values", "3"}).exit_code, 0);
  const std::string header = LinesOf(kGoodUsers)[0] + "\n";
  const std::string rows = header + "10,Oslo,1,,,,\n11,Bonn,2,,,,\n";
  ExpectLoadRefused(Write("values.csv", rows), {"values.csv:3: ", "city", "3"});
  // A REPLACE that the server refuses leaves the old content, whatever came before.
  const std::string many = rows + "12,Kyiv,2,,,,\n13,Lima,2,,,,\n";
  ExpectLoadRefused(Write("replace.csv", many), {"city"}, {"--mode", "replace"});
  EXPECT_EQ(throng().Count("city = 'Paris'"), 1);
}

TEST_F(BadFileTest, AReplaceThatBreaksOffLeavesTheOldContent) {
  const std::string header = LinesOf(kGoodUsers)[0] + "\n";
  std::string rows = header;
  for (int i = 0; i < 100; ++i) rows += fmt::format("{},Oslo,1,,,,\n", 1 + i % 3);
  const std::string late = Write("late.csv", rows + "3,Oslo,late,,,,\n");
  const std::string cut = Write("cut.csv", rows + "3,\"Os");
  const std::string before = PopulationState(throng()).users();
  const auto load = [&](const std::string& file, const std::string& mode) {
    return throng().Run(
        {"load", file, "--schema", schema_, "--no-check", "--batch-rows", "10", "--mode", mode});
  };
  ExpectRefused(load(late, "replace"), 1, {"late.csv:102: ", "the old content stays"});
  EXPECT_EQ(PopulationState(throng()).users(), before);
  ExpectRefused(load(cut, "replace"), 1, {"cut.csv:102: the file ends in the middle"});
  EXPECT_EQ(PopulationState(throng()).users(), before);
  // UPSERT without a check keeps what it has sent, and says so.
  ExpectRefused(load(late, "upsert"), 1, {"late.csv:102: ", "the load was stopped"});
  // One that ends well shows all of it, and only it.
  Json summary = Load(throng(), Write("all.csv", rows), schema_, {"--mode", "replace"});
  EXPECT_EQ(summary["rows"], 100);
  ExpectCounts(throng(), {{"all()", 3},
                          {"city = 'Oslo'", 3},
                          {"city = 'Paris'", 0},
                          {"views = 1", 3},
                          {"exists(born)", 0},
                          {"vip", 0}});
}

TEST_F(BadFileTest, SchemasThatCannotBeUsed) {
  const std::string users = File("good.csv");
  const auto expect = [&](const std::string& schema, const std::vector<std::string>& words) {
    SCOPED_TRACE(schema);
    schema_ = Write("bad.toml", schema);
    ExpectLoadRefused(users, words, {}, 2);
  };
  const std::string id = "id_column = \"user_id\"\n";
  const std::string city = Tag("city", "CATEGORY");
  expect(id + city + city, {"bad.toml:", "tag 'city' is there twice"});
  expect(id + Tag("city", "TEXT"), {"bad.toml:4", "'TEXT' is not one of FLAG, CATEGORY"});
  expect(id + Tag("rent", "DECIMAL"), {"tag 'rent': scale is missing"});
  expect(id + "colour = 1\n" + city, {"bad.toml:2: unknown key 'colour'"});
  expect("delimeter = \";\"\n" + id + city, {"did you mean 'delimiter'?"});
  expect(id, {"there must be at least one [[tag]]"});
  expect("id_column = \"user_id\n" + city, {"bad.toml:1"});
  expect(city, {"id_column"});
  schema_ = File("absent.toml");
  ExpectLoadRefused(users, {"absent.toml", "No such file"}, {}, 2);
  schema_ = File("schema.toml");
  ExpectLoadRefused(File("absent.csv"), {"absent.csv: cannot open: No such file"}, {}, 2);
}

TEST_F(BadFileTest, SchemasThatDoNotFitTheServer) {
  const std::string users = File("good.csv");
  schema_ = Write("other.toml", "id_column = \"user_id\"\n" + Tag("city", "LABELS") +
                                    Tag("rent", "DECIMAL", "scale = 1"));
  ExpectLoadRefused(users, {"tag 'city' is CATEGORY on the server and LABELS in the schema",
                            "tag 'rent' is DECIMAL of scale 2 on the server and DECIMAL of "
                            "scale 1 in the schema"});
  schema_ =
      Write("new.toml", "id_column = \"user_id\"\n" + Tag("town", "CATEGORY", "column = \"city\""));
  ExpectLoadRefused(users, {"the server does not have tag 'town'", "--no-create-tags"},
                    {"--no-create-tags"});
  const PopulationState before(throng());
  ExpectRefused(throng().In("nowhere").Run({"load", users, "--schema", schema_}), 1, {"nowhere"});
  ExpectRefused(throng().Run({"tags", "create", "city", "--type", "FLAG"}), 1, {"city", "exists"});
  EXPECT_EQ(PopulationState(throng()), before);
}

}  // namespace
}  // namespace throng::e2e
