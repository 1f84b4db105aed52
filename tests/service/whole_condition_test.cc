// What conditions do and curves, through a whole server.
#include <string>

#include "gtest/gtest.h"
#include "tests/service/status_matchers.h"
#include "tests/service/whole_fixture.h"

namespace throng::service {
namespace {

class WholeConditionTest : public WholeServerTest {
 protected:
  grpc::Status Curve(const v1::CurveRequest& request, v1::CurveResponse* response) {
    grpc::ClientContext context;
    return insights_->Curve(&context, request, response);
  }
};

TEST_F(WholeConditionTest, ExplainsConditions) {
  v1::ExplainRequest request;
  request.mutable_selection()->set_expression("graduate and not views >= 500 and rent < 1.00");
  v1::ExplainResponse response;
  for (const bool only : {true, false}) {
    request.set_conditions_only(only);
    grpc::ClientContext context;
    const grpc::Status status = selections_->Explain(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.count(), 25u);
    EXPECT_EQ(response.nodes().empty(), only);
    ASSERT_EQ(response.conditions_size(), 3);
    EXPECT_EQ(response.conditions(0).count(), 250u);
    EXPECT_EQ(response.conditions(0).without(), 100u);
    EXPECT_EQ(response.conditions(0).changed(), 75u);
    EXPECT_EQ(response.conditions(1).count(), 500u);
    EXPECT_TRUE(response.conditions(1).has_changed());
    EXPECT_EQ(response.conditions(1).changed(), 0u);
    EXPECT_EQ(response.conditions(2).without(), 125u);
    ASSERT_EQ(response.waterfall_size(), 3);
    EXPECT_EQ(response.waterfall(1).operand(), "not views >= 500");
    EXPECT_EQ(response.waterfall(1).left(), 125u);
    ASSERT_EQ(response.info().warnings_size(), 1);
    EXPECT_EQ(response.info().warnings(0).reason(), "REDUNDANT_CONDITION");
    EXPECT_EQ(response.info().warnings(0).column(), 18u);
  }
  request.set_conditions_only(true);
  request.set_analyze(true);
  grpc::ClientContext context;
  EXPECT_EQ(DetailOf(selections_->Explain(&context, request, &response)).field(),
            "conditions_only");
}

TEST_F(WholeConditionTest, DrawsACurve) {
  v1::CurveRequest request;
  request.mutable_selection()->set_expression("graduate and rent between 1.00 and 2.00");
  request.set_tag("rent");
  request.set_bound(v1::CURVE_BOUND_UPPER);
  request.set_reach(100);
  v1::CurveResponse response;
  const grpc::Status status = Curve(request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.count(), 26u);
  EXPECT_EQ(response.condition(), 2u);
  EXPECT_EQ(response.operator_(), "<=");
  EXPECT_EQ(response.threshold().decimal(), "2.00");
  ASSERT_EQ(response.points_size(), 226);  // 1.00 to 9.96 by 0.04, and one below
  EXPECT_TRUE(response.every_value());
  for (const v1::CurvePoint& point :
       {response.points(0), response.points(25), response.points(225)}) {
    EXPECT_EQ(point.count(),
              Count("graduate and rent between 1.00 and " + point.threshold().decimal()).count())
        << point.threshold().decimal();
  }
  EXPECT_EQ(response.reached().count(), 100u);
  EXPECT_EQ(response.reached().threshold().decimal(), "4.96");
  EXPECT_EQ(response.nearest().count(), 100u);
  request.set_points(10'001);
  EXPECT_EQ(DetailOf(Curve(request, &response)).field(), "points");
  request.set_points(0);
  request.set_tag("views");
  EXPECT_EQ(DetailOf(Curve(request, &response)).reason(), "NO_SUCH_CONDITION");
  request.set_bound(static_cast<v1::CurveBound>(9));
  EXPECT_EQ(DetailOf(Curve(request, &response)).field(), "bound");
}

}  // namespace
}  // namespace throng::service
