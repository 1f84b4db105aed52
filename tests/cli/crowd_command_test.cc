// `throng crowd`: what is asked, what is printed, and what is refused before anything is asked.
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/json_output.h"
#include "fmt/format.h"
#include "gtest/gtest.h"
#include "tests/cli/fake_server.h"
#include "throng/v1/crowd.grpc.pb.h"

namespace throng::cli {
namespace {

v1::CrowdVersion Version(uint32_t number, uint64_t users) {
  v1::CrowdVersion version;
  version.set_version(number);
  version.set_computed_count(users + 1);
  version.set_current_count(users);
  version.set_data_version(40 + number);
  version.set_added(12);
  version.set_removed(3);
  version.mutable_create_time()->set_seconds(1'700'000'000);
  version.mutable_duration()->set_nanos(1'500'000);
  return version;
}

v1::Crowd Spring() {
  v1::Crowd crowd;
  crowd.set_name("populations/default/crowds/spring");
  crowd.set_kind(v1::CROWD_KIND_RULE);
  crowd.set_state(v1::CROWD_STATE_READY);
  crowd.set_expression("city = 'Paris'");
  crowd.set_folder("sale/2024");
  (*crowd.mutable_labels())["team"] = "crm";
  crowd.set_keep_last(10);
  crowd.set_version_count(7);
  *crowd.mutable_newest_version() = Version(7, 1'234);
  crowd.add_references("base");
  crowd.set_data_version(99);
  return crowd;
}

// Answers what it is told and keeps what it was asked.
class FakeCrowds final : public v1::CrowdService::Service {
 public:
  using Context = grpc::ServerContext;
  grpc::Status CreateCrowd(Context*, const v1::CreateCrowdRequest* request,
                           v1::Crowd* response) override {
    create = *request;
    return Answer(response);
  }
  grpc::Status GetCrowd(Context*, const v1::GetCrowdRequest* request,
                        v1::Crowd* response) override {
    name = request->name();
    return Answer(response);
  }
  grpc::Status ListCrowds(Context*, const v1::ListCrowdsRequest* request,
                          v1::ListCrowdsResponse* response) override {
    list = *request;
    *response->add_crowds() = Spring();
    if (request->page_token().empty()) response->set_next_page_token("more");
    return grpc::Status::OK;
  }
  grpc::Status UpdateCrowd(Context*, const v1::UpdateCrowdRequest* request,
                           v1::Crowd* response) override {
    update = *request;
    return Answer(response);
  }
  grpc::Status DeleteCrowd(Context*, const v1::DeleteCrowdRequest* request,
                           v1::Crowd* response) override {
    remove = *request;
    return Answer(response);
  }
  grpc::Status UndeleteCrowd(Context*, const v1::UndeleteCrowdRequest* request,
                             v1::Crowd* response) override {
    name = request->name();
    return Answer(response);
  }
  grpc::Status BatchRefreshCrowds(Context*, const v1::BatchRefreshCrowdsRequest* request,
                                  v1::BatchRefreshCrowdsResponse* response) override {
    refresh = *request;
    v1::RefreshedCrowd* crowd = response->add_crowds();
    crowd->set_name("populations/default/crowds/spring");
    *crowd->mutable_version() = Version(8, 1'243);
    response->set_read_version(48);
    response->set_data_version(49);
    response->set_rules_computed(1);
    return failure;
  }
  grpc::Status FreezeCrowd(Context*, const v1::FreezeCrowdRequest* request,
                           v1::Crowd* response) override {
    name = request->name();
    return Answer(response);
  }
  grpc::Status ListCrowdVersions(Context*, const v1::ListCrowdVersionsRequest* request,
                                 v1::ListCrowdVersionsResponse* response) override {
    name = request->parent();
    *response->add_versions() = Version(7, 1'234);
    *response->add_versions() = Version(6, 1'225);
    response->mutable_versions(1)->set_pinned(true);
    return failure;
  }
  grpc::Status DiffCrowdVersions(Context*, const v1::DiffCrowdVersionsRequest* request,
                                 v1::DiffCrowdVersionsResponse* response) override {
    diff = *request;
    response->set_from_version(6);
    response->set_to_version(7);
    response->set_added(12);
    response->set_removed(3);
    if (request->side() == v1::DiffCrowdVersionsRequest::SIDE_UNSPECIFIED) return failure;
    response->add_ids(request->page_token().empty() ? "u1" : "u2");
    if (request->page_token().empty()) response->set_next_page_token("more");
    return failure;
  }
  grpc::Status PinCrowdVersion(Context*, const v1::PinCrowdVersionRequest* request,
                               v1::CrowdVersion* response) override {
    pin = *request;
    *response = Version(7, 1);
    response->set_pinned(request->pinned());
    return failure;
  }

  grpc::Status failure;
  std::string name;
  v1::CreateCrowdRequest create;
  v1::UpdateCrowdRequest update;
  v1::DeleteCrowdRequest remove;
  v1::ListCrowdsRequest list;
  v1::BatchRefreshCrowdsRequest refresh;
  v1::DiffCrowdVersionsRequest diff;
  v1::PinCrowdVersionRequest pin;

 private:
  grpc::Status Answer(v1::Crowd* response) const {
    *response = Spring();
    return failure;
  }
};

class CrowdCommandTest : public ::testing::Test {
 protected:
  CrowdCommandTest() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&fake_);
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

  FakeCrowds fake_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

TEST_F(CrowdCommandTest, Create) {
  const CliRun run =
      Run({"crowd", "create", "spring", "city = 'Paris'", "--folder", "sale/2024", "--label",
           "team=crm", "--label", "n=", "--keep-last", "5", "--zone", "Asia/Shanghai", "--at",
           "2024-05-01T10:00:00+08:00", "--online", "--dry-run"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const v1::Crowd& crowd = fake_.create.crowd();
  EXPECT_EQ(fake_.create.parent(), "populations/default");
  EXPECT_EQ(fake_.create.crowd_id(), "spring");
  EXPECT_TRUE(fake_.create.validate_only());
  EXPECT_EQ(crowd.kind(), v1::CROWD_KIND_RULE);
  EXPECT_EQ(crowd.expression(), "city = 'Paris'");
  EXPECT_EQ(crowd.folder(), "sale/2024");
  EXPECT_EQ(crowd.labels().at("team"), "crm");
  EXPECT_EQ(crowd.labels().at("n"), "");
  EXPECT_EQ(crowd.keep_last(), 5u);
  EXPECT_EQ(crowd.time_zone(), "Asia/Shanghai");
  EXPECT_EQ(crowd.reference_time().seconds(), 1'714'528'800);
  EXPECT_TRUE(crowd.online());
  for (const std::string line : {"crowd", "spring", "city = 'Paris'", "team=crm", "1,234 users"}) {
    EXPECT_NE(run.out.find(line), std::string::npos) << run.out;
  }
  EXPECT_EQ(Run({"crowd", "create", "u", "--kind", "UPLOAD"}).exit_code, 0);
  EXPECT_EQ(fake_.create.crowd().kind(), v1::CROWD_KIND_UPLOAD);
}

TEST_F(CrowdCommandTest, BadUsageAsksNothing) {
  const std::vector<std::vector<std::string>> bad = {
      {"crowd"},
      {"crowd", "create", "x"},
      {"crowd", "create", "x", "all()", "--label", "team"},
      {"crowd", "create", "x", "all()", "--at", "yesterday"},
      {"crowd", "create", "x", "all()", "--kind", "SPLIT"},
      {"crowd", "update", "x"},
      {"crowd", "rename", "x"},
      {"crowd", "refresh"},
      {"crowd", "delete", "x", "--keep", "long"},
      {"crowd", "diff", "x", "--ids", "all"},
      {"crowd", "pin", "x"},
  };
  for (const auto& arguments : bad) {
    EXPECT_EQ(Run(arguments).exit_code, 2) << arguments.back();
  }
  EXPECT_EQ(fake_.create.crowd_id(), "");
}

TEST_F(CrowdCommandTest, UpdateAndRename) {
  EXPECT_EQ(Run({"crowd", "update", "spring", "--owner", "me", "--no-online"}).exit_code, 0);
  EXPECT_EQ(fake_.update.crowd().name(), "populations/default/crowds/spring");
  ASSERT_EQ(fake_.update.update_mask().paths_size(), 2);
  EXPECT_EQ(fake_.update.update_mask().paths(0), "owner");
  EXPECT_EQ(fake_.update.update_mask().paths(1), "online");
  EXPECT_EQ(Run({"crowd", "update", "spring", "all()"}).exit_code, 0);
  EXPECT_EQ(fake_.update.update_mask().paths(0), "expression");
  EXPECT_EQ(Run({"crowd", "rename", "spring", "autumn"}).exit_code, 0);
  EXPECT_EQ(fake_.update.new_crowd_id(), "autumn");
  EXPECT_TRUE(fake_.update.update_mask().paths().empty());
}

TEST_F(CrowdCommandTest, GetListDelete) {
  const Json crowd = RunJson({"crowd", "get", "spring"});
  EXPECT_EQ(fake_.name, "populations/default/crowds/spring");
  EXPECT_EQ(crowd["crowd"], "spring");
  EXPECT_EQ(crowd["state"], "READY");
  EXPECT_EQ(crowd["labels"]["team"], "crm");
  EXPECT_EQ(crowd["newest_version"]["current_count"], 1'234);
  EXPECT_EQ(crowd["references"], Json::array({"base"}));
  const Json list = RunJson({"crowd", "list", "--filter", "folder:sale", "--deleted"});
  EXPECT_EQ(list["crowds"].size(), 2u) << "both pages";
  EXPECT_EQ(fake_.list.filter(), "folder:sale");
  EXPECT_TRUE(fake_.list.show_deleted());
  EXPECT_EQ(Run({"crowd", "delete", "spring", "--keep", "168h"}).exit_code, 0);
  EXPECT_EQ(fake_.remove.kept_time().seconds(), 7 * 86'400);
  EXPECT_EQ(Run({"crowd", "delete", "spring"}).exit_code, 0);
  EXPECT_FALSE(fake_.remove.has_kept_time());
  EXPECT_EQ(Run({"crowd", "undelete", "spring"}).exit_code, 0);
}

TEST_F(CrowdCommandTest, RefreshFreezeVersions) {
  const CliRun run = Run({"crowd", "refresh", "base", "spring", "--zone", "UTC"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  ASSERT_EQ(fake_.refresh.names_size(), 2);
  EXPECT_EQ(fake_.refresh.names(1), "populations/default/crowds/spring");
  EXPECT_NE(run.out.find("spring        8  1,243    12     3  1.5"), std::string::npos) << run.out;
  EXPECT_NE(run.out.find("computed on data version 48, visible from 49 on"), std::string::npos);
  const Json json = RunJson({"crowd", "refresh", "spring"});
  EXPECT_EQ(json["crowds"][0]["duration_us"], 1'500);
  EXPECT_EQ(json["rules_computed"], 1);
  EXPECT_EQ(Run({"crowd", "freeze", "spring"}).exit_code, 0);
  const Json versions = RunJson({"crowd", "versions", "spring"});
  EXPECT_EQ(versions["versions"][1]["pinned"], true);
  EXPECT_EQ(Run({"crowd", "unpin", "spring", "7"}).out, "version 7 is not pinned\n");
  EXPECT_EQ(fake_.pin.name(), "populations/default/crowds/spring/versions/7");
}

TEST_F(CrowdCommandTest, Diff) {
  EXPECT_EQ(Run({"crowd", "diff", "spring"}).out, "version 6 to 7: 12 came, 3 went\n");
  const CliRun ids = Run({"crowd", "diff", "spring", "--ids", "added"});
  EXPECT_EQ(ids.out, "version 6 to 7: 12 came, 3 went\nu1\nu2\n");
  EXPECT_EQ(fake_.diff.to_version(), 7u) << "further pages are of the same versions";
  EXPECT_EQ(fake_.diff.side(), v1::DiffCrowdVersionsRequest::SIDE_ADDED);
  const Json cut = RunJson({"crowd", "diff", "spring", "--ids", "removed", "--limit", "1"});
  EXPECT_EQ(cut["ids"], Json::array({"u1"}));
  EXPECT_EQ(cut["truncated"], true);
}

TEST_F(CrowdCommandTest, RefusalsAreTold) {
  v1::ErrorDetail detail;
  detail.set_reason("CROWD_IN_USE");
  fake_.failure = MakeStatus(grpc::StatusCode::FAILED_PRECONDITION, "used by \"a\"", detail);
  const CliRun run = Run({"crowd", "delete", "spring"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_NE(run.err.find("used by \"a\""), std::string::npos) << run.err;
}

}  // namespace
}  // namespace throng::cli
