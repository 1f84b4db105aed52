// What a caller reads where the server withholds numbers.
#include "cli/withheld.h"

#include <string>

#include "cli/json_output.h"
#include "gtest/gtest.h"
#include "throng/v1/selection.pb.h"

namespace throng::cli {
namespace {

TEST(WithheldTest, NumbersAreSaidToBeWithheld) {
  v1::CountResponse response;
  response.set_count(1234);
  EXPECT_EQ(NumberText(response, "count", response.count()), "1,234");
  EXPECT_EQ(UsersText(response), "1,234 users");
  EXPECT_EQ(OrWithheld(response, "count", "12%"), "12%");
  response.set_count(0);
  response.add_withheld("count");
  response.mutable_info()->set_minimum_count(1'000);
  EXPECT_EQ(NumberText(response, "count", response.count()), "withheld");
  EXPECT_EQ(UsersText(response), "fewer than 1,000 users");
  EXPECT_EQ(OrWithheld(response, "count", "0%"), "withheld");
}

TEST(WithheldTest, JsonHasNullAndSaysWhere) {
  v1::CountResponse response;
  response.set_count(7);
  Json json = CountJson(response);
  EXPECT_EQ(json["count"], 7);
  EXPECT_FALSE(json.contains("withheld"));
  EXPECT_FALSE(json.contains("minimum_count"));
  response.set_count(0);
  response.add_withheld("count");
  response.mutable_info()->set_minimum_count(10);
  response.mutable_exclusions()->set_reachable(20);
  response.mutable_exclusions()->add_withheld("gross");
  json = CountJson(response);
  EXPECT_TRUE(json["count"].is_null());
  EXPECT_EQ(json["withheld"], Json({"count"}));
  EXPECT_EQ(json["minimum_count"], 10);
  EXPECT_TRUE(json["exclusions"]["gross"].is_null());
  EXPECT_EQ(json["exclusions"]["reachable"], 20);
}

}  // namespace
}  // namespace throng::cli
