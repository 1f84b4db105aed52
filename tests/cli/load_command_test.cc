#include "cli/load_command.h"

#include <random>

#include "cli/client.h"
#include "cli/json_output.h"
#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/fake_load_server.h"
#include "tests/cli/file_fixture.h"
#include "tests/cli/row_fixture.h"

namespace throng::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kSchema = R"(
id_column = "id"
[[tag]]
name = "age"
type = "INTEGER"
path = "profile"
[[tag]]
name = "spend"
type = "DECIMAL"
scale = 2
)";

class LoadCommandTest : public testing::Test {
 protected:
  LoadCommandTest() {
    arguments_.schema = directory_.Write("schema.toml", kSchema);
    options_ = server_.Options();
  }

  void UseFile(std::string_view rows, std::string_view name = "users.csv") {
    const std::string text = "id,age,spend\n" + std::string(rows);
    arguments_.file = directory_.Write(name, name.ends_with(".gz") ? Gzip(text) : text);
  }
  // `count` good rows.
  static std::string Rows(int count) {
    std::string rows;
    for (int i = 1; i <= count; ++i) rows += fmt::format("{},{},{}.5\n", i, i % 90, i);
    return rows;
  }
  int Run() {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int exit_code = RunLoad(arguments_, options_);
    output_ = testing::internal::GetCapturedStdout();
    errors_ = testing::internal::GetCapturedStderr();
    return exit_code;
  }
  Json Output() const { return Json::parse(output_, nullptr, false); }

  const TemporaryDirectory directory_;
  FakeLoadServer server_;
  LoadArguments arguments_;
  GlobalOptions options_;
  std::string output_;
  std::string errors_;
};

TEST_F(LoadCommandTest, SendsTheWholeFileInBatches) {
  UseFile(Rows(5));
  arguments_.batch_rows = 2;
  arguments_.load_id = "nightly";
  arguments_.max_errors = 7;
  arguments_.unknown_ids = "skip";
  EXPECT_EQ(Run(), kExitOk) << output_ << errors_;
  const SeenLoads seen = server_.users.seen();
  ASSERT_EQ(seen.headers.size(), 1);
  const v1::LoadHeader& header = seen.headers[0];
  EXPECT_EQ(header.population(), "populations/default");
  EXPECT_EQ(header.mode(), v1::LOAD_MODE_UPSERT);
  EXPECT_EQ(header.unknown_ids(), v1::UNKNOWN_IDS_SKIP);
  EXPECT_THAT(header.tags(), ElementsAre("age", "spend"));
  EXPECT_EQ(header.load_id(), "nightly");
  EXPECT_EQ(header.max_errors(), 7);
  ASSERT_EQ(seen.batches.size(), 3);
  EXPECT_EQ(seen.batches[2].batch_number(), 3);
  const DecodedBatch second = Decode(seen.batches[1]);
  EXPECT_THAT(second.ids, ElementsAre("3", "4"));
  EXPECT_EQ(second.rows[0], (DecodedRow{{"age", "3"}, {"spend", "350"}}));
  EXPECT_TRUE(seen.completed);
  const Json json = Output();
  EXPECT_EQ(json["rows"], 5);
  EXPECT_EQ(json["rows_refused"], 0);
  EXPECT_EQ(json["rows_skipped"], 0);
  EXPECT_EQ(json["users_created"], 5);
  EXPECT_EQ(json["data_version"], 103);
  EXPECT_TRUE(json["seconds"].is_number());
  EXPECT_TRUE(json["rows_per_second"].is_number());
}

TEST_F(LoadCommandTest, PrintsASummaryForPeople) {
  UseFile(Rows(3));
  options_.json = false;
  EXPECT_EQ(Run(), kExitOk);
  EXPECT_THAT(output_, HasSubstr("3 rows loaded in "));
  EXPECT_THAT(output_, HasSubstr("users created"));
}

TEST_F(LoadCommandTest, CreatesTheTagsOfTheSchema) {
  UseFile(Rows(1));
  EXPECT_EQ(Run(), kExitOk);
  auto tags = server_.tags.tags();
  ASSERT_EQ(tags.size(), 2);
  EXPECT_EQ(tags["age"].type(), v1::TAG_TYPE_INTEGER);
  EXPECT_EQ(tags["age"].path(), "profile");
  EXPECT_EQ(tags["spend"].scale(), 2);
}

TEST_F(LoadCommandTest, RefusesMissingTagsWhereTold) {
  UseFile(Rows(1));
  server_.tags.Add("age", v1::TAG_TYPE_INTEGER);
  arguments_.create_tags = false;
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_THAT(output_, HasSubstr("does not have tag 'spend'"));
  EXPECT_EQ(server_.tags.tags().size(), 1);
  EXPECT_THAT(server_.users.seen().headers, IsEmpty());
}

TEST_F(LoadCommandTest, RefusesTagsOfAnotherTypeBeforeAnythingIsSent) {
  UseFile(Rows(1));
  server_.tags.Add("age", v1::TAG_TYPE_CATEGORY);
  server_.tags.Add("spend", v1::TAG_TYPE_DECIMAL, 4);
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_THAT(output_, HasSubstr("tag 'age' is CATEGORY on the server and INTEGER in the schema"));
  EXPECT_THAT(output_, HasSubstr("tag 'spend' is DECIMAL of scale 4 on the server and DECIMAL of "
                                 "scale 2 in the schema"));
  EXPECT_THAT(server_.users.seen().headers, IsEmpty());
}

TEST_F(LoadCommandTest, ABadRowChangesNothing) {
  UseFile(Rows(3) + "4,old,1\n");
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_THAT(errors_,
              HasSubstr(arguments_.file + ":5: column 'age': value 'old': not a whole number"));
  EXPECT_EQ(Output()["error"]["reason"], "ROWS_REFUSED");
  EXPECT_THAT(output_, HasSubstr("1 of 4 rows cannot be used, more than --max-errors 0"));
  EXPECT_THAT(server_.users.seen().headers, IsEmpty());
  EXPECT_THAT(server_.tags.tags(), IsEmpty());
}

TEST_F(LoadCommandTest, LeavesOutAsManyBadRowsAsAllowed) {
  UseFile("x,y,z\n" + Rows(3) + "4,old\n");
  arguments_.max_errors = 2;
  EXPECT_EQ(Run(), kExitOk) << errors_;
  EXPECT_EQ(Output()["rows"], 3);
  EXPECT_EQ(Output()["rows_refused"], 2);
  EXPECT_THAT(errors_, HasSubstr(":2: column 'age': value 'y': not a whole number"));
  EXPECT_THAT(errors_, HasSubstr(":6: 2 fields where the first line has 3"));
  EXPECT_EQ(server_.users.seen().headers[0].max_errors(), 0);
}

TEST_F(LoadCommandTest, PrintsTwentyErrorsAndCountsTheRest) {
  std::string rows;
  for (int i = 0; i < 30; ++i) rows += "1,x,1\n";
  UseFile(rows);
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_THAT(errors_, HasSubstr(":21: column"));
  EXPECT_THAT(errors_, Not(HasSubstr(":22: column")));
  EXPECT_THAT(errors_, HasSubstr("... and 10 more errors"));
}

TEST_F(LoadCommandTest, NamesTheLinesThatTheServerRefused) {
  UseFile(Rows(2) + "\n" + Rows(2));  // the empty line is no row
  arguments_.batch_rows = 2;
  arguments_.max_errors = 2;
  server_.users.behaviour.refused_rows = {1};
  EXPECT_EQ(Run(), kExitOk) << output_ << errors_;
  EXPECT_THAT(errors_, HasSubstr("users.csv:3: tag 'age': not this one"));
  EXPECT_THAT(errors_, HasSubstr("users.csv:6: tag 'age': not this one"));
  EXPECT_EQ(Output()["rows"], 2);
  EXPECT_EQ(Output()["rows_refused"], 2);
}

TEST_F(LoadCommandTest, KeepsFewBatchesUnanswered) {
  UseFile(Rows(40));
  arguments_.batch_rows = 2;
  server_.users.behaviour.answer_after = 4;
  EXPECT_EQ(Run(), kExitOk) << output_ << errors_;
  const SeenLoads seen = server_.users.seen();
  EXPECT_EQ(seen.batches.size(), 20);
  EXPECT_EQ(seen.unanswered_most, 4);
}

TEST_F(LoadCommandTest, CancelsAReplaceWhoseFileTurnsOutBad) {
  UseFile(Rows(500) + "x,y,z\n");
  arguments_.batch_rows = 10;
  arguments_.mode = "replace";
  arguments_.no_check = true;
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_THAT(output_, HasSubstr("the old content stays"));
  const SeenLoads seen = server_.users.seen();
  EXPECT_EQ(seen.headers[0].mode(), v1::LOAD_MODE_REPLACE);
  EXPECT_TRUE(seen.cancelled);
  EXPECT_FALSE(seen.completed);
}

TEST_F(LoadCommandTest, CancelsAReplaceWhoseFileEndsInTheMiddle) {
  std::mt19937 random(1);
  std::string rows;
  for (int i = 0; i < 500'000; ++i) rows += fmt::format("{},{},1\n", i, random() % 90);
  UseFile(rows, "users.csv.gz");
  const std::string packed = ReadFile(arguments_.file);
  directory_.Write("users.csv.gz", packed.substr(0, packed.size() / 2));
  arguments_.batch_rows = 1'000;
  arguments_.mode = "replace";
  arguments_.no_check = true;
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_THAT(output_, HasSubstr("the file ends in the middle"));
  const SeenLoads seen = server_.users.seen();
  EXPECT_FALSE(seen.batches.empty());
  EXPECT_TRUE(seen.cancelled);
  EXPECT_FALSE(seen.completed);
}

TEST_F(LoadCommandTest, ReportsAFailureInTheMiddle) {
  UseFile(Rows(400));
  arguments_.batch_rows = 10;
  server_.users.behaviour.fail_at_batch = 8;
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_EQ(Output()["error"]["code"], "INVALID_ARGUMENT");
  EXPECT_EQ(Output()["error"]["reason"], "TOO_MANY_ERRORS");
  // The first row of the eighth batch of ten.
  EXPECT_THAT(errors_, HasSubstr("users.csv:72: one row was refused"));
}

TEST_F(LoadCommandTest, LoadsTheLongForm) {
  arguments_.schema = directory_.Write("long.toml", R"(
user_column = "u"
tag_column = "t"
value_column = "v"
id_column = "u"
[[tag]]
name = "areas"
type = "LABELS"
)");
  arguments_.format = "long";
  arguments_.file = directory_.Write("long.csv", "u,t,v\n7,areas,a\n8,areas,b\n7,areas,c\n");
  EXPECT_EQ(Run(), kExitOk) << output_ << errors_;
  const SeenLoads seen = server_.users.seen();
  ASSERT_EQ(seen.batches.size(), 1);
  const DecodedBatch batch = Decode(seen.batches[0]);
  EXPECT_THAT(batch.ids, ElementsAre("7", "8"));
  EXPECT_EQ(batch.rows[0].at("areas"), "a|c");
}

TEST_F(LoadCommandTest, ABadRowOfTheLongFormChangesNothing) {
  arguments_.schema = directory_.Write("long.toml", R"(
form = "long"
user_column = "u"
tag_column = "t"
value_column = "v"
[[tag]]
name = "areas"
type = "LABELS"
)");
  arguments_.file = directory_.Write("long.csv", "u,t,v\n7,areas,a\n8,aeras,b\n");
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_THAT(errors_, HasSubstr("did you mean 'areas'?"));
  EXPECT_THAT(server_.users.seen().headers, IsEmpty());
}

TEST_F(LoadCommandTest, RefusesFilesThatAreNotWhatTheySeem) {
  struct Case {
    std::string content;
    std::string message;
  };
  const Case cases[] = {
      {"", "the file is empty"},
      {"id,age,spend\n", "the file has a header and no rows"},
      {"id;age;spend\n1;2;3\n", "the delimiter seems to be ';'"},
      {"id,age\n1,2\n", "tag 'spend': the header has no column 'spend'"},
      {"id,age,spend\n1,2,\"3\n", "the file ends in the middle"},
      {"id,age,spend\n1,2," + std::string(20 << 20, '1') + "\n", ":2: the line is longer than"},
  };
  for (const Case& c : cases) {
    arguments_.file = directory_.Write("odd.csv", c.content);
    EXPECT_EQ(Run(), kExitFailed) << c.message;
    EXPECT_THAT(output_, HasSubstr(c.message));
  }
  EXPECT_THAT(server_.users.seen().headers, IsEmpty());
  EXPECT_THAT(server_.tags.tags(), IsEmpty());
}

TEST_F(LoadCommandTest, TellsUsageFromFailure) {
  UseFile(Rows(1));
  const LoadArguments good = arguments_;
  arguments_.file = directory_.Path("none.csv");
  EXPECT_EQ(Run(), kExitUsage);
  EXPECT_THAT(output_, HasSubstr("none.csv: cannot open"));
  arguments_ = good;
  arguments_.schema = directory_.Write("bad.toml", "id_column = 1\n");
  EXPECT_EQ(Run(), kExitUsage);
  EXPECT_THAT(output_, HasSubstr("bad.toml:1: id_column: must be a text"));
  arguments_ = good;
  arguments_.file = "-";
  EXPECT_EQ(Run(), kExitUsage);
  EXPECT_THAT(output_, HasSubstr("--no-check"));
  arguments_ = good;
  options_.server = "127.0.0.1:1";
  options_.timeout = absl::Seconds(5);
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_EQ(Output()["error"]["code"], "UNAVAILABLE");
}

}  // namespace
}  // namespace throng::cli
