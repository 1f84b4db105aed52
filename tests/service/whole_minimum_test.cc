// What callers with a minimum are told, asked of a server over gRPC: every kind of answer.
#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/guarded_fixture.h"
#include "throng/v1/crowd.pb.h"
#include "throng/v1/error.pb.h"
#include "throng/v1/insight.pb.h"
#include "throng/v1/membership.pb.h"
#include "throng/v1/population.pb.h"
#include "throng/v1/selection.pb.h"
#include "throng/v1/split.pb.h"
#include "throng/v1/tag.pb.h"
#include "throng/v1/user.pb.h"

namespace throng::service {
namespace {

using google::protobuf::Message;
using grpc::StatusCode;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr uint64_t kMinimum = 10;

// The users 0 to 99 with `income`, their number, and `city`, "a" or "b" by turns. `low` counts from
// 10 users on, `boss` any.
class WholeMinimumTest : public GuardedServerTest {
 protected:
  void SetUp() override {
    Allow("boss", {{"*", "admin", 9}});
    Allow("low", {{"*", "operator", 9, kMinimum}});
    Start();
  }

  template <typename Response>
  Response Ask(const std::string& method, const Message& request,
               const std::string& name = "low") const {
    Response response;
    const grpc::Status status = Call(name, method, request, &response);
    EXPECT_TRUE(status.ok()) << method << ": " << status.error_message();
    return response;
  }
  void Refused(const std::string& method, const Message& request, const std::string& field) const {
    const grpc::Status status = Call("low", method, request);
    EXPECT_EQ(status.error_code(), StatusCode::PERMISSION_DENIED) << method;
    EXPECT_EQ(ReasonOf(status), "MINIMUM_COUNT") << method;
    EXPECT_THAT(status.error_message(), HasSubstr("a grant without a minimum"));
    EXPECT_THAT(status.error_message(), HasSubstr(field));
  }
  v1::CountResponse Count(const std::string& expression, const std::string& name = "low") const {
    v1::CountRequest request;
    request.mutable_selection()->set_expression(expression);
    return Ask<v1::CountResponse>("SelectionService/Count", request, name);
  }
  void MakeCrowd(const std::string& crowd, const std::string& expression) const {
    v1::CreateCrowdRequest create;
    create.set_parent("populations/default");
    create.set_crowd_id(crowd);
    create.mutable_crowd()->set_kind(v1::CROWD_KIND_RULE);
    create.mutable_crowd()->set_expression(expression);
    Ask<v1::Crowd>("CrowdService/CreateCrowd", create, "boss");
    Refresh(crowd, "boss");
  }
  v1::RefreshedCrowd Refresh(const std::string& crowd, const std::string& name) const {
    v1::RefreshCrowdRequest refresh;
    refresh.set_name("populations/default/crowds/" + crowd);
    return Ask<v1::RefreshedCrowd>("CrowdService/RefreshCrowd", refresh, name);
  }
};

TEST_F(WholeMinimumTest, CountsBelowItAreWithheld) {
  EXPECT_EQ(Count("income < 10").count(), 10);
  EXPECT_THAT(Count("income < 10").withheld(), IsEmpty());
  for (const char* few : {"income < 9", "income < 1", "income < 0", "income = 77"}) {
    const v1::CountResponse response = Count(few);
    EXPECT_EQ(response.count(), 0) << few;
    EXPECT_THAT(response.withheld(), ElementsAre("count")) << few;
    EXPECT_EQ(response.info().minimum_count(), kMinimum);
  }
  EXPECT_EQ(Count("income < 9", "boss").count(), 9);
  EXPECT_EQ(Count("income < 9", "boss").info().minimum_count(), 0);
  EXPECT_THAT(Count("income < 9", "boss").withheld(), IsEmpty());
}

TEST_F(WholeMinimumTest, NobodyIsSaidWhereNobodyIs) {
  v1::CountRequest request;
  request.mutable_selection()->set_population("populations/other");
  request.mutable_selection()->set_expression("all()");
  EXPECT_THAT(Ask<v1::CountResponse>("SelectionService/Count", request).withheld(), IsEmpty());
}

TEST_F(WholeMinimumTest, ExclusionsDoNotSayWhatIsLostToFew) {
  MakeCrowd("few", "income < 5");
  MakeCrowd("many", "income > 49");
  v1::CountRequest request;
  request.mutable_selection()->set_expression("all()");
  request.mutable_selection()->add_exclude()->set_crowd("many");
  v1::CountResponse response = Ask<v1::CountResponse>("SelectionService/Count", request);
  EXPECT_EQ(response.exclusions().gross(), 100);
  EXPECT_EQ(response.exclusions().losses(0).loss(), 50);
  request.mutable_selection()->add_exclude()->set_crowd("few");
  response = Ask<v1::CountResponse>("SelectionService/Count", request);
  EXPECT_EQ(response.count(), 45);
  EXPECT_THAT(response.exclusions().withheld(), ElementsAre("gross"));
  EXPECT_THAT(response.exclusions().losses(1).withheld(), ElementsAre("overlap", "loss"));
  EXPECT_EQ(response.exclusions().losses(0).loss(), 50);
}

TEST_F(WholeMinimumTest, ExplanationsShowNumbersThatAreApart) {
  v1::ExplainRequest request;
  request.mutable_selection()->set_expression("income > 4 and city = 'a' and income < 98");
  const auto response = Ask<v1::ExplainResponse>("SelectionService/Explain", request);
  EXPECT_EQ(response.count(), 46);
  EXPECT_THAT(response.nodes(), IsEmpty());
  EXPECT_THAT(response.stages(), IsEmpty());
  EXPECT_THAT(response.withheld(), ElementsAre("nodes", "stages"));
  EXPECT_THAT(response.info().warnings(), IsEmpty());
  std::vector<uint64_t> shown;
  for (const v1::WaterfallStep& step : response.waterfall()) {
    if (step.withheld().empty()) shown.push_back(step.left());
  }
  EXPECT_THAT(shown, ElementsAre(95, 46));  // and not 47, who are one more
  ASSERT_EQ(response.conditions_size(), 3);
  for (const v1::ConditionCount& condition : response.conditions()) {
    EXPECT_THAT(condition.withheld(), ElementsAre("count", "without", "changed"));
    EXPECT_EQ(condition.count(), 0);
    EXPECT_FALSE(condition.has_without());
    EXPECT_FALSE(condition.has_changed());
  }
}

// 62 and 40 of 100 users: all far apart, and two in both.
TEST_F(WholeMinimumTest, WhoIsInBothConditionsDoesNotFollow) {
  v1::ExplainRequest request;
  request.mutable_selection()->set_expression("income < 62 or income > 59");
  const auto whole = Ask<v1::ExplainResponse>("SelectionService/Explain", request, "boss");
  ASSERT_EQ(whole.conditions_size(), 2);
  EXPECT_EQ(whole.conditions(0).count() + whole.conditions(1).count() - whole.count(), 2);
  const auto shown = Ask<v1::ExplainResponse>("SelectionService/Explain", request);
  EXPECT_EQ(shown.count(), 100);
  for (const v1::ConditionCount& condition : shown.conditions()) EXPECT_EQ(condition.count(), 0);
}

std::vector<std::string> ReasonsOf(
    const google::protobuf::RepeatedPtrField<v1::Warning>& warnings) {
  std::vector<std::string> reasons;
  for (const v1::Warning& warning : warnings) reasons.push_back(warning.reason());
  return reasons;
}

TEST_F(WholeMinimumTest, WarningsThatCountOrNameAreWithheld) {
  const auto reasons = [&](const std::string& expression, const std::string& name) {
    v1::ExplainRequest request;
    request.mutable_selection()->set_expression(expression);
    return ReasonsOf(
        Ask<v1::ExplainResponse>("SelectionService/Explain", request, name).info().warnings());
  };
  for (const auto& [expression, reason] : std::vector<std::pair<std::string, std::string>>{
           {"city = 'a' any 60 by 's'", "LIMIT_NOT_REACHED"},
           {"city != 'a'", "NEGATED_MISSING"},
           {"ids('0', 'nobody') or city = 'a'", "UNKNOWN_IDS"},
           {"city in ('a', 'aa')", "UNKNOWN_VALUE"},
           {"city = 'a' and city = 'b'", "ALWAYS_EMPTY"},
           {"city = 'a' or not city = 'a'", "ALWAYS_EVERYBODY"},
           {"city != 'a' or city != 'b'", "REDUNDANT_OR"},
           {"income > 500 and city = 'a'", "CONDITION_EMPTY"},
           {"income >= 0 and city = 'a'", "CONDITION_EVERYBODY"},
           {"income < 60 and income < 80", "REDUNDANT_CONDITION"},
           {"income < 1 and city = 'b'", "CONTRADICTION"},
       }) {
    EXPECT_THAT(reasons(expression, "boss"), Contains(reason)) << expression;
    EXPECT_THAT(reasons(expression, "low"), IsEmpty()) << expression;
  }
  EXPECT_THAT(reasons("income = 2.5 or city = 'a'", "low"), ElementsAre("INEXACT_LITERAL"));
  EXPECT_THAT(reasons("city = 'a' top 20 by income", "low"), ElementsAre("TOP_ASCENDING"));
}

TEST_F(WholeMinimumTest, WarningsOfRulesAreWithheld) {
  MakeCrowd("many", "city = 'a'");
  for (const bool validate_only : {true, false}) {
    v1::CreateCrowdRequest create;
    create.set_parent("populations/default");
    create.set_validate_only(validate_only);
    create.mutable_crowd()->set_kind(v1::CROWD_KIND_RULE);
    create.mutable_crowd()->set_expression("city in ('a', 'aa')");
    v1::UpdateCrowdRequest update;
    update.set_validate_only(validate_only);
    update.mutable_crowd()->set_name("populations/default/crowds/many");
    update.mutable_crowd()->set_expression("city in ('b', 'bb')");
    update.mutable_update_mask()->add_paths("expression");
    for (const char* name : {"boss", "low"}) {
      create.set_crowd_id(std::string("of_") + name);
      const auto created = Ask<v1::Crowd>("CrowdService/CreateCrowd", create, name);
      const auto updated = Ask<v1::Crowd>("CrowdService/UpdateCrowd", update, name);
      const bool is_told = std::string(name) == "boss";
      EXPECT_EQ(created.warnings_size() > 0, is_told);
      EXPECT_EQ(updated.warnings_size() > 0, is_told);
    }
  }
}

TEST_F(WholeMinimumTest, FiguresAreOfNoOneUser) {
  v1::StatisticsRequest request;
  request.mutable_selection()->set_expression("city = 'a'");
  request.add_tags("income");
  for (const char* percent : {"0", "10", "20", "22", "50", "78", "80", "100"}) {
    request.add_percentiles(percent);
  }
  v1::TagStatistics tag = Ask<v1::StatisticsResponse>("InsightService/Statistics", request).tags(0);
  EXPECT_FALSE(tag.has_min());
  EXPECT_FALSE(tag.has_max());
  std::vector<std::string> shown;
  for (const v1::PercentileValue& each : tag.percentiles()) {
    if (each.has_value()) shown.push_back(each.percentile());
  }
  // Of 50 users the 11th to the 40th have ten on both sides; the 39th and the 40th are neighbours.
  EXPECT_THAT(shown, ElementsAre("22", "50", "78"));
  // Nobody is without a value: so it is not said how many have one either, nor a sum of so many.
  EXPECT_THAT(tag.withheld(), ElementsAre("min", "max", "with_value", "missing", "sum", "sum_error",
                                          "average", "average_time"));
  EXPECT_EQ(tag.with_value(), 0);
  EXPECT_FALSE(tag.has_sum());
  EXPECT_FALSE(tag.has_average());
  v1::TagEdges* edges = request.add_edges();
  edges->set_tag("income");
  for (const int edge : {6, 50}) edges->add_edges()->set_integer(edge);
  tag = Ask<v1::StatisticsResponse>("InsightService/Statistics", request).tags(0);
  for (const v1::PercentileValue& each : tag.percentiles()) EXPECT_FALSE(each.has_value());
  ASSERT_EQ(tag.histogram().bins_size(), 3);  // of 3, 22 and 25 users
  EXPECT_EQ(tag.histogram().bins(0).count(), 0);
  EXPECT_EQ(tag.histogram().bins(1).count(), 0);
  EXPECT_EQ(tag.histogram().bins(2).count(), 25);
  for (const v1::HistogramBin& bin : tag.histogram().bins()) EXPECT_EQ(bin.share(), 0);
}

TEST_F(WholeMinimumTest, FiguresOfFewAreWithheld) {
  v1::StatisticsRequest request;
  request.mutable_selection()->set_expression("income < 9");
  request.add_tags("income");
  request.add_percentiles("50");
  const auto response = Ask<v1::StatisticsResponse>("InsightService/Statistics", request);
  const v1::TagStatistics& tag = response.tags(0);
  EXPECT_THAT(response.withheld(), ElementsAre("count"));
  EXPECT_FALSE(tag.has_average());
  EXPECT_FALSE(tag.has_sum());
  EXPECT_FALSE(tag.percentiles(0).has_value());
  request.set_bins(10);
  Refused("InsightService/Statistics", request, "bins");
}

TEST_F(WholeMinimumTest, CurvesHaveUsersOnBothSidesOfEveryPoint) {
  v1::CurveRequest request;
  request.mutable_selection()->set_expression("income >= 50");
  request.set_tag("income");
  request.set_reach(33);
  const auto curve = Ask<v1::CurveResponse>("InsightService/Curve", request);
  EXPECT_EQ(curve.count(), 50);
  EXPECT_FALSE(curve.has_threshold());
  ASSERT_GT(curve.points_size(), 3);
  std::vector<uint64_t> counts = {curve.count()};
  for (const v1::CurvePoint& point : curve.points()) counts.push_back(point.count());
  std::sort(counts.begin(), counts.end());
  EXPECT_GE(counts.front(), kMinimum);
  EXPECT_LE(counts.back(), 100 - kMinimum);
  for (size_t i = 1; i < counts.size(); ++i) EXPECT_GE(counts[i] - counts[i - 1], kMinimum);
  EXPECT_GE(curve.reached().count(), 33);
  EXPECT_THAT(counts, Contains(curve.nearest().count()));
}

// Fifty users are in the count at every threshold: they hide nobody.
TEST_F(WholeMinimumTest, CurvesOfAnOrHaveUsersBeyondItsOtherSide) {
  v1::CurveRequest request;
  request.mutable_selection()->set_expression("city = 'a' or income >= 50");
  request.set_tag("income");
  const auto curve = Ask<v1::CurveResponse>("InsightService/Curve", request);
  EXPECT_EQ(curve.count(), 75);
  ASSERT_GT(curve.points_size(), 1);
  for (const v1::CurvePoint& point : curve.points()) {
    EXPECT_GE(point.count(), 50 + kMinimum);
    EXPECT_LE(point.count(), 100 - kMinimum);
  }
}

TEST_F(WholeMinimumTest, BreakdownsOfFewSayNothing) {
  v1::BreakdownRequest request;
  request.mutable_selection()->set_expression("income < 9");
  request.add_tags("city");
  const auto response = Ask<v1::BreakdownResponse>("InsightService/Breakdown", request);
  EXPECT_THAT(response.withheld(), ElementsAre("count"));
  EXPECT_THAT(response.tags(0).rows(), IsEmpty());
  EXPECT_EQ(response.tags(0).missing().count(), 0);
  EXPECT_EQ(response.tags(0).missing().baseline_count(), 0);
  request.mutable_selection()->set_expression("all()");
  request.mutable_sample()->set_millionths(500'000);
  Refused("InsightService/Breakdown", request, "sample");
}

// A crowd beside everybody who is not in it.
TEST_F(WholeMinimumTest, ABaselineThatIsAlmostTheCrowdIsWithheld) {
  v1::BreakdownRequest request;
  request.mutable_selection()->set_expression("income > 4");
  request.add_tags("city");
  const auto response = Ask<v1::BreakdownResponse>("InsightService/Breakdown", request);
  EXPECT_EQ(response.count(), 95);
  EXPECT_THAT(response.withheld(), ElementsAre("baseline_count"));
  for (const v1::BreakdownRow& row : response.tags(0).rows()) {
    EXPECT_EQ(row.baseline_count(), 0);
    EXPECT_EQ(row.baseline_share(), 0);
    EXPECT_FALSE(row.has_tgi());
  }
}

TEST_F(WholeMinimumTest, WhatCannotBeMadeSafeIsRefused) {
  v1::OverlapRequest overlap;
  v1::AllocateCrowdsRequest allocate;
  for (const char* name : {"a", "b"}) {
    for (v1::NamedSelection* each : {overlap.add_selections(), allocate.add_selections()}) {
      each->set_name(name);
      each->mutable_selection()->set_expression(fmt::format("city = '{}'", name));
    }
  }
  Refused("InsightService/Overlap", overlap, "Overlap");
  Refused("SplitService/AllocateCrowds", allocate, "AllocateCrowds");
  v1::CompareRequest compare;
  compare.mutable_selection()->set_expression("city = 'a'");
  Refused("InsightService/Compare", compare, "Compare");
  v1::CheckRequest check;
  check.mutable_user()->set_id("7");
  Refused("MembershipService/Check", check, "Check");
  v1::StreamChecksRequest checks;
  checks.mutable_setup()->add_crowds()->set_crowd("half");
  Refused("MembershipService/StreamChecks", checks, "StreamChecks");
  v1::CountRequest count;
  count.mutable_selection()->set_expression("all()");
  count.mutable_sample()->set_millionths(500'000);
  Refused("SelectionService/Count", count, "sample");
  v1::ExplainRequest explain;
  explain.mutable_selection()->set_expression("all()");
  explain.set_analyze(true);
  Refused("SelectionService/Explain", explain, "analyze");
  explain.set_analyze(false);
  explain.set_plan_only(true);
  Refused("SelectionService/Explain", explain, "plan_only");
}

TEST_F(WholeMinimumTest, TagsAndTheirValues) {
  v1::GetTagRequest get;
  get.set_name("populations/default/tags/city");
  EXPECT_EQ(Ask<v1::Tag>("TagService/GetTag", get).user_count(), 100);
  v1::WriteUsersRequest write;
  write.set_unknown_ids(v1::UNKNOWN_IDS_CREATE);
  for (const char* city : {"c", "d"}) {
    v1::UserChange* user = write.add_users();
    user->set_id(std::string("of_") + city);
    user->add_changes()->set_tag("city");
    user->mutable_changes(0)->mutable_set()->set_text(city);
  }
  Ask<v1::WriteUsersResponse>("UserService/WriteUsers", write, "boss");
  v1::ListTagValuesRequest list;
  list.set_name("populations/default/tags/city");
  const auto values = Ask<v1::ListTagValuesResponse>("TagService/ListTagValues", list);
  EXPECT_EQ(values.values_size(), 2);  // "a" and "b"
  EXPECT_THAT(values.withheld(), ElementsAre("missing"));
  EXPECT_THAT(values.DebugString(), Not(HasSubstr("\"c\"")));
  // Nor does the token of a page that would end with "c" say how many users it has.
  list.set_page_size(3);
  const auto whole = Ask<v1::ListTagValuesResponse>("TagService/ListTagValues", list, "boss");
  EXPECT_EQ(whole.values_size(), 3);
  EXPECT_NE(whole.next_page_token(), "");
  const auto page = Ask<v1::ListTagValuesResponse>("TagService/ListTagValues", list);
  EXPECT_EQ(page.values_size(), 2);
  EXPECT_EQ(page.next_page_token(), "");
  v1::GetPopulationRequest population;
  population.set_name("populations/default");
  EXPECT_EQ(Ask<v1::Population>("PopulationService/GetPopulation", population).user_count(), 102);
}

TEST_F(WholeMinimumTest, CrowdsAndTheirVersions) {
  MakeCrowd("few", "income < 9");
  MakeCrowd("many", "income < 60");
  v1::GetCrowdRequest get;
  get.set_name("populations/default/crowds/few");
  v1::CrowdVersion version = Ask<v1::Crowd>("CrowdService/GetCrowd", get).newest_version();
  EXPECT_THAT(version.withheld(),
              ElementsAre("current_count", "computed_count", "added", "removed"));
  EXPECT_EQ(version.current_count() + version.computed_count() + version.added(), 0);
  get.set_name("populations/default/crowds/many");
  version = Ask<v1::Crowd>("CrowdService/GetCrowd", get).newest_version();
  EXPECT_EQ(version.current_count(), 60);
  EXPECT_EQ(version.computed_count(), 0);  // none or few were erased
  // One who comes is not seen in the difference of two versions.
  v1::UpdateCrowdRequest update;
  update.mutable_crowd()->set_name("populations/default/crowds/many");
  update.mutable_crowd()->set_expression("income < 61");
  update.mutable_update_mask()->add_paths("expression");
  Ask<v1::Crowd>("CrowdService/UpdateCrowd", update, "boss");
  version = Refresh("many", "low").version();
  EXPECT_EQ(version.current_count(), 61);
  EXPECT_EQ(version.added(), 0);
  v1::ListCrowdVersionsRequest list;
  list.set_parent("populations/default/crowds/many");
  const auto versions = Ask<v1::ListCrowdVersionsResponse>("CrowdService/ListCrowdVersions", list);
  ASSERT_EQ(versions.versions_size(), 2);
  EXPECT_EQ(versions.versions(0).current_count(), 61);
  EXPECT_EQ(versions.versions(1).current_count(), 0);
  v1::DiffCrowdVersionsRequest diff;
  diff.set_name("populations/default/crowds/many");
  EXPECT_THAT(Ask<v1::DiffCrowdVersionsResponse>("CrowdService/DiffCrowdVersions", diff).withheld(),
              ElementsAre("added", "removed"));
}

// Neither what rests on each other nor what only overlaps: 60 and 38 of 96, two in both.
TEST_F(WholeMinimumTest, CrowdsOfOneListAreNotSubtracted) {
  MakeCrowd("first", "income < 60");
  MakeCrowd("second", "income > 57 and income < 96");
  MakeCrowd("both", "income < 96");
  v1::ListCrowdsRequest list;
  list.set_parent("populations/default");
  const auto crowds = Ask<v1::ListCrowdsResponse>("CrowdService/ListCrowds", list);
  ASSERT_EQ(crowds.crowds_size(), 3);
  for (const v1::Crowd& crowd : crowds.crowds()) {
    EXPECT_EQ(crowd.newest_version().current_count(), 0) << crowd.name();
    EXPECT_THAT(crowd.newest_version().withheld(), Contains("current_count")) << crowd.name();
  }
  list.set_filter("name = first");
  const auto one = Ask<v1::ListCrowdsResponse>("CrowdService/ListCrowds", list);
  ASSERT_EQ(one.crowds_size(), 1);
  EXPECT_EQ(one.crowds(0).newest_version().current_count(), 60);
}

TEST_F(WholeMinimumTest, ArmsOfASplitHideBehindEachOther) {
  MakeCrowd("base", "all()");
  v1::CreateSplitRequest create;
  create.set_parent("populations/default");
  create.set_split_id("copy");
  create.mutable_split()->set_source("base");
  create.mutable_split()->set_salt("salt");
  for (const auto& [name, weight] : {std::pair("A", 45), std::pair("B", 50), std::pair("C", 5)}) {
    v1::SplitArm* arm = create.mutable_split()->add_arms();
    arm->set_name(name);
    arm->set_weight(static_cast<uint32_t>(weight));
  }
  Ask<v1::Split>("SplitService/CreateSplit", create, "boss");
  v1::GetSplitBalanceRequest request;
  request.set_name("populations/default/splits/copy");
  const auto whole = Ask<v1::SplitBalance>("SplitService/GetSplitBalance", request, "boss");
  ASSERT_LT(whole.arms(2).count(), kMinimum);
  const auto balance = Ask<v1::SplitBalance>("SplitService/GetSplitBalance", request);
  EXPECT_EQ(balance.source_count(), 100);
  EXPECT_THAT(balance.withheld(), ElementsAre("p_value"));
  int hidden = 0;
  for (const v1::ArmBalance& arm : balance.arms()) {
    if (arm.withheld().empty()) continue;
    ++hidden;
    EXPECT_EQ(arm.count(), 0);
    EXPECT_EQ(arm.share(), 0);
    EXPECT_EQ(arm.deviations(), 0);
  }
  EXPECT_EQ(hidden, 2);
  request.add_tags("city");
  Refused("SplitService/GetSplitBalance", request, "tags");
}

// The log of what was done says what was found, not what was told.
TEST_F(WholeMinimumTest, TheAuditLogHasTheNumber) {
  Count("income < 9");
  std::ifstream file(audit_path_);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  EXPECT_THAT(text, HasSubstr("\"count\":9"));
}

}  // namespace
}  // namespace throng::service
