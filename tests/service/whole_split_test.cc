// SplitService, and exclusions, over the network: the real server, the real engine.
#include <memory>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "tests/service/status_matchers.h"
#include "tests/service/whole_fixture.h"
#include "throng/v1/crowd.grpc.pb.h"
#include "throng/v1/split.grpc.pb.h"

namespace throng::service {
namespace {

constexpr const char* kParent = "populations/default";

std::string CrowdNameOf(const std::string& name) {
  return fmt::format("{}/crowds/{}", kParent, name);
}
std::string SplitNameOf(const std::string& name) {
  return fmt::format("{}/splits/{}", kParent, name);
}

class WholeSplitTest : public WholeServerTest {
 protected:
  void SetUp() override {
    WholeServerTest::SetUp();
    crowds_ = v1::CrowdService::NewStub(channel_);
    splits_ = v1::SplitService::NewStub(channel_);
    CreateCrowd("base", "views < 900");
    Refresh({"base"});
  }

  using Stub = v1::SplitService::Stub;
  template <typename Response, typename Request>
  grpc::Status Try(grpc::Status (Stub::*call)(grpc::ClientContext*, const Request&, Response*),
                   const Request& request, Response* response) {
    grpc::ClientContext context;
    return ((*splits_).*call)(&context, request, response);
  }
  template <typename Response, typename Request>
  Response Must(grpc::Status (Stub::*call)(grpc::ClientContext*, const Request&, Response*),
                const Request& request) {
    Response response;
    const grpc::Status status = Try(call, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  template <typename Response, typename Request>
  void Refuse(grpc::Status (Stub::*call)(grpc::ClientContext*, const Request&, Response*),
              const Request& request, grpc::StatusCode code, const std::string& reason,
              const std::string& field) {
    Response response;
    const grpc::Status status = Try(call, request, &response);
    EXPECT_EQ(status.error_code(), code) << status.error_message();
    EXPECT_EQ(DetailOf(status).reason(), reason) << status.error_message();
    EXPECT_EQ(DetailOf(status).field(), field) << status.error_message();
  }

  void CreateCrowd(const std::string& name, const std::string& rule) {
    v1::CreateCrowdRequest request;
    request.set_parent(kParent);
    request.set_crowd_id(name);
    request.mutable_crowd()->set_kind(v1::CROWD_KIND_RULE);
    request.mutable_crowd()->set_expression(rule);
    grpc::ClientContext context;
    v1::Crowd crowd;
    ASSERT_TRUE(crowds_->CreateCrowd(&context, request, &crowd).ok());
  }
  v1::BatchRefreshCrowdsResponse Refresh(const std::vector<std::string>& names) {
    v1::BatchRefreshCrowdsRequest request;
    request.set_parent(kParent);
    for (const std::string& name : names) request.add_names(CrowdNameOf(name));
    grpc::ClientContext context;
    v1::BatchRefreshCrowdsResponse response;
    const grpc::Status status = crowds_->BatchRefreshCrowds(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  static v1::CreateSplitRequest CreateRequest(const std::string& name,
                                              const std::vector<std::string>& arms,
                                              uint32_t share = 0) {
    v1::CreateSplitRequest request;
    request.set_parent(kParent);
    request.set_split_id(name);
    request.mutable_split()->set_source("base");
    request.mutable_split()->set_share_millionths(share);
    for (const std::string& arm : arms) request.mutable_split()->add_arms()->set_name(arm);
    return request;
  }

  std::unique_ptr<v1::CrowdService::Stub> crowds_;
  std::unique_ptr<v1::SplitService::Stub> splits_;
};

TEST_F(WholeSplitTest, ACopyRaceFromTheFirstToTheLastCall) {
  v1::CreateSplitRequest create = CreateRequest("race", {"A", "B", "C", "D"}, 100'000);
  create.set_request_id("r1");
  create.mutable_split()->set_folder("copy");
  const v1::Split made = Must(&Stub::CreateSplit, create);
  EXPECT_EQ(made.name(), SplitNameOf("race"));
  EXPECT_EQ(made.rest_millionths(), 900'000u);
  EXPECT_FALSE(made.salt().empty());
  ASSERT_EQ(made.arms_size(), 4);
  EXPECT_EQ(made.arms(3).crowd(), CrowdNameOf("race.D"));
  EXPECT_EQ(made.arms(3).state(), v1::CROWD_STATE_NEW);
  EXPECT_EQ(made.arms(3).ranges(0).from(), 75'000u);
  EXPECT_EQ(Must(&Stub::CreateSplit, create).salt(), made.salt()) << "a retry";

  Refresh({"race.A", "race.B", "race.C", "race.D"});
  v1::AwardSplitRequest award;
  award.set_name(SplitNameOf("race"));
  award.set_winner("D");
  const v1::Split awarded = Must(&Stub::AwardSplit, award);
  EXPECT_EQ(awarded.winner(), "D");
  EXPECT_EQ(awarded.rest_millionths(), 0u);
  Refresh({"race.D"});
  uint64_t all = 0;
  v1::GetSplitRequest get;
  get.set_name(SplitNameOf("race"));
  const v1::Split split_now = Must(&Stub::GetSplit, get);
  for (const v1::SplitArm& arm : split_now.arms()) {
    all += arm.newest_version().current_count();
  }
  EXPECT_EQ(all, 900u);
  grpc::ClientContext context;
  v1::GetCrowdRequest get_crowd;
  get_crowd.set_name(CrowdNameOf("race.D"));
  v1::Crowd crowd;
  ASSERT_TRUE(crowds_->GetCrowd(&context, get_crowd, &crowd).ok());
  EXPECT_EQ(crowd.kind(), v1::CROWD_KIND_SPLIT);
  EXPECT_EQ(crowd.expression(),
            fmt::format("crowd('base') and bucket('{}', 75000, 1000000)", made.salt()));
  EXPECT_EQ(crowd.folder(), "copy");

  v1::GetSplitBalanceRequest balance;
  balance.set_name(SplitNameOf("race"));
  balance.add_tags("views");
  balance.add_tags("city");
  const v1::SplitBalance measured = Must(&Stub::GetSplitBalance, balance);
  EXPECT_EQ(measured.source_count(), 900u);
  ASSERT_EQ(measured.arms_size(), 4);
  EXPECT_EQ(measured.arms(0).tags(0).comparison().tag(), "views");
  EXPECT_DOUBLE_EQ(measured.arms(0).tags(0).source_mean(), 449.5);
  EXPECT_FALSE(measured.arms(0).tags(1).has_mean());
  EXPECT_DOUBLE_EQ(measured.confidence(), 0.95);

  v1::ListSplitsRequest list;
  list.set_parent(kParent);
  Must(&Stub::CreateSplit, CreateRequest("second", {"x", "y"}));
  list.set_page_size(1);
  const v1::ListSplitsResponse first = Must(&Stub::ListSplits, list);
  ASSERT_EQ(first.splits_size(), 1);
  list.set_page_token(first.next_page_token());
  EXPECT_EQ(Must(&Stub::ListSplits, list).splits(0).name(), SplitNameOf("second"));
  v1::DeleteSplitRequest remove;
  remove.set_name(SplitNameOf("race"));
  EXPECT_EQ(Must(&Stub::DeleteSplit, remove).arms(0).state(), v1::CROWD_STATE_DELETED);
}

TEST_F(WholeSplitTest, ErrorsNameTheRequestsFields) {
  constexpr auto kInvalid = grpc::StatusCode::INVALID_ARGUMENT;
  Refuse(&Stub::CreateSplit, CreateRequest("", {"A", "B"}), kInvalid, "REQUIRED", "split_id");
  Refuse(&Stub::CreateSplit, CreateRequest("s", {"A"}), kInvalid, "TOO_FEW_ARMS", "split.arms");
  Refuse(&Stub::CreateSplit, CreateRequest("s", {"A", "B"}, 1'000'001), kInvalid,
         "VALUE_OUT_OF_RANGE", "split.share_millionths");
  Refuse(&Stub::CreateSplit, CreateRequest("s", {"A", "A"}), kInvalid, "DUPLICATE_ARM",
         "split.arms[1].name");
  v1::CreateSplitRequest request = CreateRequest("s", {"A", "B"});
  request.mutable_split()->set_source("gone");
  Refuse(&Stub::CreateSplit, request, grpc::StatusCode::NOT_FOUND, "UNKNOWN_CROWD", "split.source");
  request.mutable_split()->clear_source();
  Refuse(&Stub::CreateSplit, request, kInvalid, "REQUIRED", "split.source");
  request = CreateRequest("s", {"A", "B"});
  request.set_parent("populations/other");
  Refuse(&Stub::CreateSplit, request, grpc::StatusCode::NOT_FOUND, "UNKNOWN_POPULATION", "parent");
  v1::GetSplitRequest get;
  get.set_name(SplitNameOf("gone"));
  Refuse(&Stub::GetSplit, get, grpc::StatusCode::NOT_FOUND, "UNKNOWN_SPLIT", "name");
  get.set_name(CrowdNameOf("base"));
  Refuse(&Stub::GetSplit, get, kInvalid, "BAD_RESOURCE_NAME", "name");
  Must(&Stub::CreateSplit, CreateRequest("s", {"A", "B"}));
  v1::DeleteSplitRequest remove;
  remove.set_name(SplitNameOf("s"));
  remove.mutable_kept_time()->set_seconds(-1);
  Refuse(&Stub::DeleteSplit, remove, kInvalid, "BAD_KEPT_TIME", "kept_time");
}

TEST_F(WholeSplitTest, ExclusionsAreLeftOutAndSaid) {
  CreateCrowd("graduates", "graduate");
  CreateCrowd("first", "views < 100");
  Refresh({"graduates", "first"});
  v1::CountRequest request;
  request.mutable_selection()->set_expression("views < 200");
  request.mutable_selection()->add_exclude()->set_crowd("graduates");
  v1::CrowdRef* live = request.mutable_selection()->add_exclude();
  live->set_crowd("first");
  live->set_live(true);
  v1::CountResponse response;
  grpc::ClientContext context;
  const grpc::Status status = selections_->Count(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.count(), 75u);
  EXPECT_EQ(response.exclusions().gross(), 200u);
  EXPECT_EQ(response.exclusions().reachable(), 75u);
  EXPECT_EQ(response.exclusions().losses(0).loss(), 50u);
  EXPECT_EQ(response.exclusions().losses(1).overlap(), 100u);
  EXPECT_EQ(response.exclusions().losses(1).loss(), 75u);
  EXPECT_TRUE(response.exclusions().losses(1).crowd().live());
  v1::Selection unknown = request.selection();
  unknown.mutable_exclude(1)->set_crowd("gone");
  const grpc::Status refused = CountStatus(unknown);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(DetailOf(refused).field(), "selection.exclude[1]");
  unknown.mutable_exclude(1)->clear_crowd();
  EXPECT_EQ(DetailOf(CountStatus(unknown)).field(), "selection.exclude[1].crowd");
  for (int i = 0; i < 63; ++i) unknown.add_exclude()->set_crowd("first");
  EXPECT_EQ(DetailOf(CountStatus(unknown)).reason(), "TOO_MANY_EXCLUSIONS");
  v1::ExportMembersRequest exported;
  *exported.mutable_selection() = request.selection();
  EXPECT_EQ(Export(exported).front().total(), 75u);
  // A baseline has its own.
  v1::CompareRequest compare;
  compare.mutable_selection()->set_expression("all()");
  compare.mutable_baseline()->set_expression("all()");
  compare.mutable_baseline()->add_exclude()->set_crowd("first");
  compare.add_tags("city");
  grpc::ClientContext compare_context;
  v1::CompareResponse compared;
  ASSERT_TRUE(insights_->Compare(&compare_context, compare, &compared).ok());
  EXPECT_EQ(compared.baseline_count(), 900u);
  EXPECT_EQ(compared.count(), 1'000u);
}

TEST_F(WholeSplitTest, CrowdsGoToTheFirstThatHasThem) {
  v1::AllocateCrowdsRequest request;
  const auto add = [&](const std::string& name, const std::string& expression) {
    v1::NamedSelection* added = request.add_selections();
    added->set_name(name);
    added->mutable_selection()->set_expression(expression);
  };
  add("few", "views < 10");
  Refuse(&Stub::AllocateCrowds, request, grpc::StatusCode::INVALID_ARGUMENT, "NO_SELECTIONS",
         "selections");
  add("graduates", "graduate");
  add("all", "all()");
  request.mutable_selections(2)->mutable_selection()->add_exclude()->set_crowd("base");
  request.set_save(true);
  request.set_request_id("r");
  const v1::AllocateCrowdsResponse response = Must(&Stub::AllocateCrowds, request);
  ASSERT_EQ(response.crowds_size(), 3);
  EXPECT_EQ(response.crowds(1).count(), 250u);
  EXPECT_EQ(response.crowds(1).kept(), 247u);
  ASSERT_EQ(response.crowds(1).losses_size(), 1);
  EXPECT_EQ(response.crowds(1).losses(0).name(), "few");
  EXPECT_EQ(response.crowds(1).losses(0).count(), 3u);
  EXPECT_EQ(response.crowds(2).kept(), 75u);
  EXPECT_EQ(response.union_count(), 10u + 247 + 75);
  Must(&Stub::AllocateCrowds, request);
  const v1::BatchRefreshCrowdsResponse refreshed = Refresh({"all", "graduates", "few"});
  EXPECT_EQ(refreshed.crowds(0).version().current_count(), 75u);
  EXPECT_EQ(refreshed.crowds(1).version().current_count(), 247u);
  request.mutable_selections(1)->mutable_selection()->set_expression("graduat");
  request.set_request_id("");
  Refuse(&Stub::AllocateCrowds, request, grpc::StatusCode::INVALID_ARGUMENT, "UNKNOWN_TAG",
         "selections[1].selection.expression");
}

}  // namespace
}  // namespace throng::service
