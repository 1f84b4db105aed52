// `throng split`, `throng allocate` and --exclude: what is asked, what is printed, and what is
// refused before anything is asked.
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/json_output.h"
#include "cli/selection_options.h"
#include "fmt/format.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/cli/fake_server.h"
#include "throng/v1/crowd.grpc.pb.h"
#include "throng/v1/split.grpc.pb.h"

namespace throng::cli {
namespace {

v1::Split Race() {
  v1::Split split;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(
        name: "populations/default/splits/race"
        source: "base"
        salt: "race/17"
        share_millionths: 100000
        rest_millionths: 900000
        arms {
          name: "A"
          weight: 3
          role: SPLIT_ROLE_ARM
          ranges { to: 75000 }
          crowd: "populations/default/crowds/race.A"
          state: CROWD_STATE_READY
          newest_version { version: 2 current_count: 1234 }
        }
        arms {
          name: "holdout"
          weight: 1
          role: SPLIT_ROLE_HOLDOUT
          ranges { from: 75000 to: 100000 }
          crowd: "populations/default/crowds/race.holdout"
          state: CROWD_STATE_FROZEN
        })pb",
      &split));
  return split;
}

// Answers what it is told and keeps what it was asked.
class FakeSplits final : public v1::SplitService::Service {
 public:
  using Context = grpc::ServerContext;
  grpc::Status CreateSplit(Context*, const v1::CreateSplitRequest* request,
                           v1::Split* response) override {
    create = *request;
    *response = Race();
    return failure;
  }
  grpc::Status GetSplit(Context*, const v1::GetSplitRequest* request,
                        v1::Split* response) override {
    name = request->name();
    *response = Race();
    return grpc::Status::OK;
  }
  grpc::Status ListSplits(Context*, const v1::ListSplitsRequest* request,
                          v1::ListSplitsResponse* response) override {
    list = *request;
    *response->add_splits() = Race();
    if (request->page_token().empty()) response->set_next_page_token("more");
    return grpc::Status::OK;
  }
  grpc::Status AwardSplit(Context*, const v1::AwardSplitRequest* request,
                          v1::Split* response) override {
    award = *request;
    *response = Race();
    response->set_winner(request->winner());
    return grpc::Status::OK;
  }
  grpc::Status DeleteSplit(Context*, const v1::DeleteSplitRequest* request,
                           v1::Split* response) override {
    remove = *request;
    *response = Race();
    return grpc::Status::OK;
  }
  grpc::Status GetSplitBalance(Context*, const v1::GetSplitBalanceRequest* request,
                               v1::SplitBalance* response) override {
    balance = *request;
    response->set_source("base");
    response->set_source_count(10'000);
    response->set_rest_count(8'900);
    response->set_p_value(0.25);
    v1::ArmBalance* arm = response->add_arms();
    arm->set_name("A");
    arm->set_count(1'100);
    arm->set_share(0.11);
    arm->set_expected_share(0.1);
    arm->set_deviations(3.333);
    arm->set_p_value(0.00001);
    v1::ArmTag* tag = arm->add_tags();
    tag->mutable_comparison()->set_tag("spend");
    tag->mutable_comparison()->set_difference(0.02);
    tag->mutable_comparison()->set_p_value(0.5);
    tag->set_mean(12.5);
    tag->set_source_mean(13);
    return grpc::Status::OK;
  }
  grpc::Status AllocateCrowds(Context*, const v1::AllocateCrowdsRequest* request,
                              v1::AllocateCrowdsResponse* response) override {
    allocate = *request;
    response->set_union_count(1'500);
    for (const char* each : {"vip", "new"}) {
      v1::AllocatedCrowd* crowd = response->add_crowds();
      crowd->set_name(each);
      crowd->set_count(1'000);
      crowd->set_kept(1'000);
    }
    response->mutable_crowds(1)->set_kept(500);
    v1::LostUsers* lost = response->mutable_crowds(1)->add_losses();
    lost->set_name("vip");
    lost->set_count(500);
    return failure;
  }

  grpc::Status failure;
  std::string name;
  v1::CreateSplitRequest create;
  v1::ListSplitsRequest list;
  v1::AwardSplitRequest award;
  v1::DeleteSplitRequest remove;
  v1::GetSplitBalanceRequest balance;
  v1::AllocateCrowdsRequest allocate;
};

class FakeRefresh final : public v1::CrowdService::Service {
 public:
  grpc::Status BatchRefreshCrowds(grpc::ServerContext*,
                                  const v1::BatchRefreshCrowdsRequest* request,
                                  v1::BatchRefreshCrowdsResponse*) override {
    refresh = *request;
    return grpc::Status::OK;
  }
  v1::BatchRefreshCrowdsRequest refresh;
};

class SplitCommandTest : public ::testing::Test {
 protected:
  SplitCommandTest() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&splits_);
    builder.RegisterService(&crowds_);
    server_ = builder.BuildAndStart();
  }

  CliRun Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--server", fmt::format("127.0.0.1:{}", port_)});
    return RunThrong(arguments);
  }
  Json RunJson(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "--json");
    const CliRun run = Run(std::move(arguments));
    EXPECT_EQ(run.exit_code, 0) << run.out << run.err;
    return Json::parse(run.out, nullptr, /*allow_exceptions=*/false);
  }

  FakeSplits splits_;
  FakeRefresh crowds_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

TEST_F(SplitCommandTest, Create) {
  const CliRun run =
      Run({"split", "create", "race", "base", "--arm", "A=3", "--arm", "a=b", "--holdout", "1"});
  EXPECT_EQ(run.exit_code, 2) << "b is no weight";
  EXPECT_EQ(splits_.create.split_id(), "");
  const CliRun made = Run({"split", "create", "race", "base", "--arm", "A=3", "--arm", "B",
                           "--holdout", "1", "--share", "12.5%", "--salt", "s", "--refresh"});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  const v1::Split& split = splits_.create.split();
  EXPECT_EQ(splits_.create.split_id(), "race");
  EXPECT_EQ(split.source(), "base");
  EXPECT_EQ(split.share_millionths(), 125'000u);
  EXPECT_EQ(split.salt(), "s");
  ASSERT_EQ(split.arms_size(), 2);
  EXPECT_EQ(split.arms(0).weight(), 3u);
  EXPECT_EQ(split.arms(1).weight(), 1u);
  EXPECT_EQ(split.holdout_weight(), 1u);
  ASSERT_EQ(crowds_.refresh.names_size(), 1) << "not the frozen one";
  EXPECT_EQ(crowds_.refresh.names(0), "populations/default/crowds/race.A");
  for (const std::string text : {"race of \"base\", salt \"race/17\"", "90% of the crowd in no arm",
                                 "race.holdout", "0 to 75000", "7.5%", "1,234", "FROZEN"}) {
    EXPECT_NE(made.out.find(text), std::string::npos) << text << "\n" << made.out;
  }
}

TEST_F(SplitCommandTest, GetListAwardDelete) {
  const Json split = RunJson({"split", "get", "race"});
  EXPECT_EQ(splits_.name, "populations/default/splits/race");
  EXPECT_EQ(split["arms"][1]["role"], "HOLDOUT");
  EXPECT_EQ(split["arms"][0]["ranges"][0]["to"], 75'000);
  EXPECT_EQ(split["arms"][0]["newest_version"]["current_count"], 1'234);
  EXPECT_EQ(RunJson({"split", "list", "--deleted"})["splits"].size(), 2u) << "both pages";
  EXPECT_TRUE(splits_.list.show_deleted());
  EXPECT_EQ(RunJson({"split", "award", "race", "A", "--dry-run", "--refresh"})["winner"], "A");
  EXPECT_TRUE(splits_.award.validate_only());
  EXPECT_EQ(crowds_.refresh.names_size(), 0);
  EXPECT_EQ(Run({"split", "refresh", "race"}).exit_code, 0);
  EXPECT_EQ(crowds_.refresh.names_size(), 1);
  EXPECT_EQ(Run({"split", "delete", "race", "--keep", "168h"}).exit_code, 0);
  EXPECT_EQ(splits_.remove.kept_time().seconds(), 7 * 86'400);
}

TEST_F(SplitCommandTest, Balance) {
  const CliRun run = Run({"split", "balance", "race", "--by", "spend,city", "--by", "x",
                          "--confidence", "99%", "--rows", "3"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  ASSERT_EQ(splits_.balance.tags_size(), 3);
  EXPECT_EQ(splits_.balance.tags(1), "city");
  EXPECT_EQ(splits_.balance.rows(), 3u);
  EXPECT_DOUBLE_EQ(splits_.balance.confidence(), 0.99);
  for (const std::string text : {"10,000 users in \"base\", 8,900 in no arm; p 0.2500", "+3.33",
                                 "< 0.0001", "spend", "12.5", "11%"}) {
    EXPECT_NE(run.out.find(text), std::string::npos) << text << "\n" << run.out;
  }
  const Json json = RunJson({"split", "balance", "race"});
  EXPECT_EQ(json["arms"][0]["tags"][0]["source_mean"], 13);
  EXPECT_EQ(json["arms"][0]["count"], 1'100);
}

TEST_F(SplitCommandTest, Allocate) {
  const CliRun run = Run({"allocate", "vip=spend > 5", "new=all()", "--exclude", "no_consent",
                          "--save", "--folder", "f"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  ASSERT_EQ(splits_.allocate.selections_size(), 2);
  EXPECT_EQ(splits_.allocate.selections(0).name(), "vip");
  EXPECT_EQ(splits_.allocate.selections(0).selection().expression(), "spend > 5");
  EXPECT_EQ(splits_.allocate.selections(1).selection().exclude(0).crowd(), "no_consent");
  EXPECT_TRUE(splits_.allocate.save());
  EXPECT_EQ(splits_.allocate.folder(), "f");
  for (const std::string text : {"1,500 users in 2 crowds", "500 to vip", "saved"}) {
    EXPECT_NE(run.out.find(text), std::string::npos) << text << "\n" << run.out;
  }
  const Json json = RunJson({"allocate", "vip=spend > 5", "new=all()"});
  EXPECT_EQ(json["crowds"][1]["losses"][0]["count"], 500);
  EXPECT_EQ(json["union_count"], 1'500);
}

TEST_F(SplitCommandTest, BadUsageAsksNothing) {
  const std::vector<std::vector<std::string>> bad = {
      {"split"},
      {"split", "create", "x"},
      {"split", "create", "x", "base", "--arm", "A=0"},
      {"split", "create", "x", "base", "--arm", "A=-1"},
      {"split", "create", "x", "base", "--arm", "A=4294967296"},
      {"split", "create", "x", "base", "--arm", "=1"},
      {"split", "create", "x", "base", "--arm", "A", "--share", "0%"},
      {"split", "create", "x", "base", "--arm", "A", "--share", "101%"},
      {"split", "create", "x", "base", "--arm", "A", "--holdout", "-1"},
      {"split", "award", "x"},
      {"split", "balance", "x", "--by", "a,,b"},
      {"split", "balance", "x", "--confidence", "0.95"},
      {"split", "delete", "x", "--keep", "long"},
      {"allocate"},
      {"allocate", "a"},
      {"allocate", "--file", "/nonexistent/file"},
  };
  for (const auto& arguments : bad) {
    EXPECT_EQ(Run(arguments).exit_code, 2) << testing::PrintToString(arguments);
  }
  EXPECT_EQ(splits_.create.split_id(), "");
  EXPECT_EQ(splits_.allocate.selections_size(), 0);
}

TEST(ExcludeTest, CrowdsOfTheCommandLine) {
  struct Case {
    const char* text;
    const char* crowd;
    bool live;
    uint32_t version;
  };
  for (const Case& c : std::vector<Case>{{"contacted", "contacted", false, 0},
                                         {"contacted@live", "contacted", true, 0},
                                         {"contacted@7", "contacted", false, 7},
                                         {"a@b", "a@b", false, 0},
                                         {"a@0", "a@0", false, 0},
                                         {"a@", "a@", false, 0},
                                         {"a@live@7", "a@live", false, 7},
                                         {"a@7x", "a@7x", false, 0}}) {
    const v1::CrowdRef crowd = ParseCrowd(c.text);
    EXPECT_EQ(crowd.crowd(), c.crowd) << c.text;
    EXPECT_EQ(crowd.live(), c.live) << c.text;
    EXPECT_EQ(crowd.version(), c.version) << c.text;
    EXPECT_EQ(CrowdText(crowd), c.text);
  }
}

TEST(ExcludeTest, CountSaysWhatIsLost) {
  FakeServer fake;
  fake.count.set_count(2);
  v1::ExclusionReport* report = fake.count.mutable_exclusions();
  report->set_gross(1'006);
  report->set_reachable(2);
  v1::ExclusionLoss* loss = report->add_losses();
  loss->mutable_crowd()->set_crowd("contacted");
  loss->mutable_crowd()->set_live(true);
  loss->set_overlap(1'005);
  loss->set_loss(1'004);
  const CliRun run = fake.Run({"count", "all()", "--exclude", "contacted@live", "--exclude", "b"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  ASSERT_EQ(fake.count_request.selection().exclude_size(), 2);
  EXPECT_TRUE(fake.count_request.selection().exclude(0).live());
  EXPECT_EQ(fake.count_request.selection().exclude(1).crowd(), "b");
  for (const std::string text :
       {"2 users", "1,006 gross, 2 reachable", "contacted@live", "1,005", "1,004"}) {
    EXPECT_NE(run.out.find(text), std::string::npos) << text << "\n" << run.out;
  }
  const CliRun json = fake.Run({"--json", "count", "all()", "--exclude", "b"});
  const Json parsed = Json::parse(json.out, nullptr, /*allow_exceptions=*/false);
  EXPECT_EQ(parsed["exclusions"]["losses"][0]["loss"], 1'004);
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"members", "all()"}, {"explain", "all()"}, {"compare", "all()"}}) {
    std::vector<std::string> arguments = command;
    arguments.insert(arguments.end(), {"--exclude", "b"});
    EXPECT_EQ(fake.Run(arguments).exit_code, 0) << command[0];
  }
  EXPECT_EQ(fake.members_request.selection().exclude(0).crowd(), "b");
  EXPECT_EQ(fake.explain_request.selection().exclude(0).crowd(), "b");
  EXPECT_EQ(fake.compare_request.selection().exclude(0).crowd(), "b");
}

}  // namespace
}  // namespace throng::cli
