// CrowdService over the network: the real server, the real engine.
#include <string>
#include <vector>

#include "fmt/format.h"
#include "server/service/status_mapping.h"
#include "tests/service/status_matchers.h"
#include "tests/service/whole_fixture.h"
#include "throng/v1/crowd.grpc.pb.h"

namespace throng::service {
namespace {

constexpr const char* kParent = "populations/default";

std::string NameOf(const std::string& crowd) { return fmt::format("{}/crowds/{}", kParent, crowd); }

std::string VersionNameOf(const std::string& crowd, const std::string& number) {
  return fmt::format("{}/versions/{}", NameOf(crowd), number);
}

class WholeCrowdTest : public WholeServerTest {
 protected:
  void SetUp() override {
    WholeServerTest::SetUp();
    crowds_ = v1::CrowdService::NewStub(channel_);
  }

  // Calls, and fails the test on an error.
  template <typename Response, typename Request>
  Response Must(grpc::Status (v1::CrowdService::Stub::*call)(grpc::ClientContext*, const Request&,
                                                             Response*),
                const Request& request) {
    Response response;
    grpc::ClientContext context;
    const grpc::Status status = ((*crowds_).*call)(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  template <typename Response, typename Request>
  grpc::Status Try(grpc::Status (v1::CrowdService::Stub::*call)(grpc::ClientContext*,
                                                                const Request&, Response*),
                   const Request& request) {
    Response response;
    grpc::ClientContext context;
    return ((*crowds_).*call)(&context, request, &response);
  }

  static v1::CreateCrowdRequest CreateRequest(const std::string& name, const std::string& rule) {
    v1::CreateCrowdRequest request;
    request.set_parent(kParent);
    request.set_crowd_id(name);
    request.mutable_crowd()->set_kind(v1::CROWD_KIND_RULE);
    request.mutable_crowd()->set_expression(rule);
    return request;
  }
  v1::Crowd Create(const std::string& name, const std::string& rule) {
    return Must(&v1::CrowdService::Stub::CreateCrowd, CreateRequest(name, rule));
  }
  v1::BatchRefreshCrowdsResponse Refresh(const std::vector<std::string>& names) {
    v1::BatchRefreshCrowdsRequest request;
    request.set_parent(kParent);
    for (const std::string& name : names) request.add_names(NameOf(name));
    return Must(&v1::CrowdService::Stub::BatchRefreshCrowds, request);
  }

  static void Expect(const grpc::Status& status, grpc::StatusCode code, const std::string& reason,
                     const std::string& field) {
    EXPECT_EQ(status.error_code(), code) << status.error_message();
    EXPECT_EQ(DetailOf(status).reason(), reason) << status.error_message();
    EXPECT_EQ(DetailOf(status).field(), field) << status.error_message();
  }

  using Stub = v1::CrowdService::Stub;
  static constexpr auto kInvalid = grpc::StatusCode::INVALID_ARGUMENT;
  std::unique_ptr<v1::CrowdService::Stub> crowds_;
};

// views is the id, 0 to 999.
TEST_F(WholeCrowdTest, ACrowdIsMadeComputedAndRead) {
  v1::CreateCrowdRequest create = CreateRequest("spring", "views<100 AND graduate");
  create.mutable_crowd()->set_display_name("Spring");
  create.mutable_crowd()->set_folder("sale/2024");
  const v1::Crowd created = Must(&v1::CrowdService::Stub::CreateCrowd, create);
  EXPECT_EQ(created.name(), NameOf("spring"));
  EXPECT_EQ(created.state(), v1::CROWD_STATE_NEW);
  EXPECT_EQ(created.expression(), "views < 100 and graduate");
  EXPECT_EQ(created.keep_last(), 10u);
  EXPECT_GT(created.create_time().seconds(), 0);

  v1::RefreshCrowdRequest refresh;
  refresh.set_name(NameOf("spring"));
  const v1::RefreshedCrowd refreshed = Must(&v1::CrowdService::Stub::RefreshCrowd, refresh);
  EXPECT_EQ(refreshed.version().name(), VersionNameOf("spring", "1"));
  EXPECT_EQ(refreshed.version().computed_count(), 25u);
  EXPECT_EQ(refreshed.version().added(), 25u);

  // As text, as a tree, and as the crowd itself.
  const v1::CountResponse counted = Count("crowd('spring') and views >= 50");
  EXPECT_EQ(counted.count(), 12u);
  ASSERT_EQ(counted.info().crowds_size(), 1);
  EXPECT_EQ(counted.info().crowds(0).crowd(), "spring");
  EXPECT_EQ(counted.info().crowds(0).version(), 1u);
  EXPECT_EQ(counted.info().crowds(0).data_version(), refreshed.version().data_version());
  v1::CountRequest count;
  count.mutable_selection()->mutable_crowd()->set_crowd("spring");
  grpc::ClientContext context;
  v1::CountResponse of_crowd;
  ASSERT_TRUE(selections_->Count(&context, count, &of_crowd).ok());
  EXPECT_EQ(of_crowd.count(), 25u);
  EXPECT_EQ(of_crowd.info().canonical_expression(), "crowd('spring')");
  v1::Selection tree;
  tree.mutable_tree()->mutable_negation()->mutable_operand()->mutable_crowd_ref()->set_crowd(
      "spring");
  EXPECT_TRUE(CountStatus(tree).ok());
}

TEST_F(WholeCrowdTest, ACrowdIsChangedComparedAndDeleted) {
  v1::CreateCrowdRequest create = CreateRequest("spring", "views < 100 and graduate");
  (*create.mutable_crowd()->mutable_labels())["team"] = "crm";
  const v1::Crowd created = Must(&v1::CrowdService::Stub::CreateCrowd, create);
  Refresh({"spring"});
  v1::UpdateCrowdRequest update;
  update.mutable_crowd()->set_name(NameOf("spring"));
  update.mutable_crowd()->set_expression("views < 50 and graduate");
  update.mutable_crowd()->set_etag(created.etag());
  update.mutable_update_mask()->add_paths("expression");
  update.set_new_crowd_id("spring 2024");
  const v1::Crowd updated = Must(&v1::CrowdService::Stub::UpdateCrowd, update);
  EXPECT_EQ(updated.name(), NameOf("spring 2024"));
  EXPECT_EQ(updated.newest_version().current_count(), 25u) << "versions stay";
  Refresh({"spring 2024"});

  v1::DiffCrowdVersionsRequest diff;
  diff.set_name(NameOf("spring 2024"));
  diff.set_side(v1::DiffCrowdVersionsRequest::SIDE_REMOVED);
  diff.set_page_size(3);
  const v1::DiffCrowdVersionsResponse difference =
      Must(&v1::CrowdService::Stub::DiffCrowdVersions, diff);
  EXPECT_EQ(difference.removed(), 12u);
  EXPECT_EQ(difference.added(), 0u);
  EXPECT_EQ(std::vector<std::string>(difference.ids().begin(), difference.ids().end()),
            (std::vector<std::string>{"52", "56", "60"}));
  EXPECT_NE(difference.next_page_token(), "");

  v1::PinCrowdVersionRequest pin;
  pin.set_name(VersionNameOf("spring 2024", "1"));
  pin.set_pinned(true);
  EXPECT_TRUE(Must(&v1::CrowdService::Stub::PinCrowdVersion, pin).pinned());
  v1::ListCrowdVersionsRequest versions;
  versions.set_parent(NameOf("spring 2024"));
  const auto listed = Must(&v1::CrowdService::Stub::ListCrowdVersions, versions);
  ASSERT_EQ(listed.versions_size(), 2);
  EXPECT_EQ(listed.versions(0).version(), 2u);
  EXPECT_TRUE(listed.versions(1).pinned());

  v1::FreezeCrowdRequest freeze;
  freeze.set_name(NameOf("spring 2024"));
  EXPECT_EQ(Must(&v1::CrowdService::Stub::FreezeCrowd, freeze).state(), v1::CROWD_STATE_FROZEN);

  v1::DeleteCrowdRequest remove;
  remove.set_name(NameOf("spring 2024"));
  remove.mutable_kept_time()->set_seconds(3'600);
  const v1::Crowd deleted = Must(&v1::CrowdService::Stub::DeleteCrowd, remove);
  EXPECT_EQ(deleted.state(), v1::CROWD_STATE_DELETED);
  EXPECT_EQ(deleted.expire_time().seconds() - deleted.delete_time().seconds(), 3'600);
  v1::ListCrowdsRequest list;
  list.set_parent(kParent);
  EXPECT_EQ(Must(&v1::CrowdService::Stub::ListCrowds, list).crowds_size(), 0);
  list.set_filter("state = DELETED AND labels.team = crm");
  EXPECT_EQ(Must(&v1::CrowdService::Stub::ListCrowds, list).crowds_size(), 1);
  v1::UndeleteCrowdRequest undelete;
  undelete.set_name(NameOf("spring 2024"));
  EXPECT_EQ(Must(&v1::CrowdService::Stub::UndeleteCrowd, undelete).state(), v1::CROWD_STATE_FROZEN);
}

TEST_F(WholeCrowdTest, ManyAreComputedOnOneDataVersion) {
  Create("base", "views < 500");
  Create("above", "crowd('base') and graduate");
  const v1::BatchRefreshCrowdsResponse response = Refresh({"above", "base"});
  ASSERT_EQ(response.crowds_size(), 2);
  EXPECT_EQ(response.crowds(0).name(), NameOf("above"));
  EXPECT_EQ(response.crowds(0).version().computed_count(), 125u);
  EXPECT_EQ(response.crowds(1).version().computed_count(), 500u);
  EXPECT_EQ(response.crowds(0).version().data_version(), response.read_version());
  EXPECT_EQ(Count("views < 500 and graduate", response.read_version()).count(), 125u);
  EXPECT_EQ(response.rules_computed(), 2u);
}

TEST_F(WholeCrowdTest, ErrorsNameTheFieldOfTheRequest) {
  Expect(Try(&Stub::CreateCrowd, CreateRequest("", "all()")), kInvalid, "REQUIRED", "crowd_id");
  Expect(Try(&Stub::CreateCrowd, CreateRequest("#x", "all()")), kInvalid, "BAD_CROWD", "crowd_id");
  Expect(Try(&Stub::CreateCrowd, CreateRequest("x", "citty = 'a'")), kInvalid, "UNKNOWN_TAG",
         "crowd.expression");
  v1::CreateCrowdRequest create = CreateRequest("x", "all()");
  create.mutable_crowd()->clear_rule();
  Expect(Try(&Stub::CreateCrowd, create), kInvalid, "REQUIRED", "crowd.rule");
  create.mutable_crowd()->mutable_tree()->mutable_crowd_ref()->set_crowd("nobody");
  Expect(Try(&Stub::CreateCrowd, create), kInvalid, "UNKNOWN_CROWD", "crowd.tree");
  create = CreateRequest("x", "all()");
  create.mutable_crowd()->set_kind(v1::CROWD_KIND_UNSPECIFIED);
  Expect(Try(&Stub::CreateCrowd, create), kInvalid, "UNSPECIFIED", "crowd.kind");
  create.mutable_crowd()->set_kind(v1::CROWD_KIND_SPLIT);
  Expect(Try(&Stub::CreateCrowd, create), kInvalid, "NOT_SPLIT", "crowd.kind");
  create.mutable_crowd()->set_kind(v1::CROWD_KIND_UNSPECIFIED);
  create = CreateRequest("x", "all()");
  create.set_parent("populations/none");
  Expect(Try(&Stub::CreateCrowd, create), grpc::StatusCode::NOT_FOUND, "UNKNOWN_POPULATION",
         "parent");
  create = CreateRequest("x", "all()");
  create.mutable_crowd()->set_keep_last(101);
  Expect(Try(&Stub::CreateCrowd, create), kInvalid, "BAD_KEEP_LAST", "crowd.keep_last");
}

TEST_F(WholeCrowdTest, ErrorsAboutCrowdsThatAreThere) {
  Create("taken", "all()");
  Expect(Try(&Stub::CreateCrowd, CreateRequest("taken", "all()")), grpc::StatusCode::ALREADY_EXISTS,
         "CROWD_EXISTS", "crowd_id");
  v1::UpdateCrowdRequest update;
  update.mutable_crowd()->set_name(NameOf("taken"));
  Expect(Try(&Stub::UpdateCrowd, update), kInvalid, "REQUIRED", "update_mask");
  update.mutable_update_mask()->add_paths("colour");
  Expect(Try(&Stub::UpdateCrowd, update), kInvalid, "BAD_FIELD_MASK", "update_mask.paths[0]");
  update.mutable_update_mask()->set_paths(0, "expression");
  update.mutable_crowd()->set_expression("crowd('taken')");
  Expect(Try(&Stub::UpdateCrowd, update), kInvalid, "CROWD_CYCLE", "crowd.expression");
  update.mutable_crowd()->set_name("taken");
  Expect(Try(&Stub::UpdateCrowd, update), kInvalid, "BAD_RESOURCE_NAME", "crowd.name");

  v1::GetCrowdRequest get;
  get.set_name(NameOf("takn"));
  const grpc::Status unknown = Try(&Stub::GetCrowd, get);
  Expect(unknown, grpc::StatusCode::NOT_FOUND, "UNKNOWN_CROWD", "name");
  EXPECT_EQ(DetailOf(unknown).suggestion(), "taken");
  v1::BatchRefreshCrowdsRequest refresh;
  refresh.set_parent(kParent);
  Expect(Try(&Stub::BatchRefreshCrowds, refresh), kInvalid, "REQUIRED", "names");
  refresh.add_names(NameOf("taken"));
  refresh.add_names(NameOf("other"));
  Expect(Try(&Stub::BatchRefreshCrowds, refresh), grpc::StatusCode::NOT_FOUND, "UNKNOWN_CROWD",
         "names[1]");
  v1::PinCrowdVersionRequest pin;
  pin.set_name(VersionNameOf("taken", "x"));
  Expect(Try(&Stub::PinCrowdVersion, pin), kInvalid, "BAD_RESOURCE_NAME", "name");
  pin.set_name(VersionNameOf("taken", "7"));
  Expect(Try(&Stub::PinCrowdVersion, pin), grpc::StatusCode::NOT_FOUND, "UNKNOWN_VERSION", "name");
  v1::DeleteCrowdRequest remove;
  remove.set_name(NameOf("taken"));
  remove.mutable_kept_time()->set_seconds(366 * 86'400);
  Expect(Try(&Stub::DeleteCrowd, remove), kInvalid, "BAD_KEPT_TIME", "kept_time");
  v1::ListCrowdsRequest list;
  list.set_parent(kParent);
  list.set_filter("colour = red");
  Expect(Try(&Stub::ListCrowds, list), kInvalid, "BAD_FILTER", "filter");

  v1::Selection selection;
  selection.mutable_crowd();
  Expect(CountStatus(selection), kInvalid, "REQUIRED", "selection.crowd.crowd");
  selection.mutable_crowd()->set_crowd("taken");
  Expect(CountStatus(selection), grpc::StatusCode::FAILED_PRECONDITION, "CROWD_NOT_REFRESHED",
         "selection.crowd");
  selection.mutable_crowd()->set_version(0);
  Expect(CountStatus(selection), kInvalid, "VALUE_OUT_OF_RANGE", "selection.crowd.version");
  selection.mutable_crowd()->set_live(true);
  EXPECT_TRUE(CountStatus(selection).ok());
}

TEST_F(WholeCrowdTest, ARetryChangesNothing) {
  v1::CreateCrowdRequest create = CreateRequest("once", "views < 10");
  create.set_request_id("c1");
  const v1::Crowd created = Must(&v1::CrowdService::Stub::CreateCrowd, create);
  EXPECT_EQ(Must(&v1::CrowdService::Stub::CreateCrowd, create).etag(), created.etag());
  v1::RefreshCrowdRequest refresh;
  refresh.set_name(NameOf("once"));
  refresh.set_request_id("r1");
  const v1::RefreshedCrowd first = Must(&v1::CrowdService::Stub::RefreshCrowd, refresh);
  const v1::RefreshedCrowd again = Must(&v1::CrowdService::Stub::RefreshCrowd, refresh);
  EXPECT_EQ(again.version().version(), 1u);
  EXPECT_EQ(again.data_version(), first.data_version());
  refresh.set_time_zone("Asia/Shanghai");
  EXPECT_EQ(DetailOf(Try(&v1::CrowdService::Stub::RefreshCrowd, refresh)).reason(),
            "REQUEST_ID_REUSED");
}

class SmallResultTest : public WholeCrowdTest {
 protected:
  SmallResultTest() { options_.result_bytes_max = 1; }
};

TEST_F(SmallResultTest, ARefreshThatTakesTooMuchMemoryIsRefused) {
  Create("nobody", "none()");
  Create("some", "city = 'Beijing'");
  v1::BatchRefreshCrowdsRequest request;
  request.set_parent(kParent);
  request.add_names(NameOf("nobody"));
  request.add_names(NameOf("some"));
  const grpc::Status status =
      Try<v1::BatchRefreshCrowdsResponse>(&v1::CrowdService::Stub::BatchRefreshCrowds, request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(DetailOf(status).reason(), "RESULT_TOO_LARGE");
  EXPECT_EQ(DetailOf(status).limit(), 1u);
}

}  // namespace
}  // namespace throng::service
