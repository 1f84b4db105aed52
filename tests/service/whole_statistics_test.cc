// Statistics, end to end: the real engine behind the real services.
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "grpcpp/client_context.h"
#include "server/service/convert_statistics.h"
#include "tests/service/status_matchers.h"
#include "tests/service/whole_fixture.h"
#include "throng/v1/error.pb.h"

namespace throng::service {
namespace {

class WholeStatisticsTest : public WholeServerTest {
 protected:
  WholeStatisticsTest() { request_.mutable_selection()->set_expression("all()"); }

  grpc::Status Ask(v1::StatisticsResponse* response) {
    grpc::ClientContext context;
    return insights_->Statistics(&context, request_, response);
  }
  v1::StatisticsResponse Answer() {
    v1::StatisticsResponse response;
    const grpc::Status status = Ask(&response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  v1::ErrorDetail Detail() {
    v1::StatisticsResponse response;
    return DetailOf(Ask(&response));
  }
  // Of the only tag.
  std::string Histogram() {
    const v1::StatisticsResponse response = Answer();
    std::string text;
    for (const v1::HistogramBin& bin : response.tags(0).histogram().bins()) {
      text += fmt::format("{}{}:{}", text.empty() ? "" : " ",
                          bin.period().empty()
                              ? fmt::format("{}..{}", bin.lower().decimal(), bin.upper().decimal())
                              : bin.period(),
                          bin.count());
    }
    return text;
  }

  v1::StatisticsRequest request_;
};

TEST_F(WholeStatisticsTest, FiguresAndPercentilesOfEveryType) {
  for (const char* tag : {"views", "rent", "born", "seen"}) request_.add_tags(tag);
  for (const char* percentile : {"50", "099.90", "0", "100"}) request_.add_percentiles(percentile);
  const v1::StatisticsResponse response = Answer();
  EXPECT_EQ(response.count(), kUsers);
  EXPECT_EQ(response.info().canonical_expression(), "all()");
  ASSERT_EQ(response.tags_size(), 4);
  const v1::TagStatistics& views = response.tags(0);
  EXPECT_EQ(views.tag(), "views");
  EXPECT_EQ(views.with_value(), kUsers);
  EXPECT_EQ(views.missing(), 0u);
  EXPECT_EQ(views.sum().integer(), 499'500);
  EXPECT_FALSE(views.has_sum_error());
  EXPECT_DOUBLE_EQ(views.average(), 499.5);
  EXPECT_FALSE(views.has_average_time());
  EXPECT_EQ(views.max().integer(), 999);
  ASSERT_EQ(views.percentiles_size(), 4);
  EXPECT_EQ(views.percentiles(0).percentile(), "50");
  EXPECT_EQ(views.percentiles(0).value().integer(), 499);
  EXPECT_EQ(views.percentiles(1).percentile(), "99.9");
  EXPECT_EQ(views.percentiles(1).value().integer(), 998);
  EXPECT_EQ(views.percentiles(2).value().integer(), 0);
  EXPECT_FALSE(views.has_histogram());
  const v1::TagStatistics& rent = response.tags(1);
  EXPECT_EQ(rent.sum().decimal(), "4995.00");
  EXPECT_DOUBLE_EQ(rent.average(), 4.995);
  EXPECT_EQ(rent.percentiles(3).value().decimal(), "9.99");
  const v1::TagStatistics& born = response.tags(2);
  EXPECT_FALSE(born.has_sum());
  EXPECT_FALSE(born.has_average());
  EXPECT_EQ(born.average_time().seconds(), 499 * 86'400 + 43'200);
  EXPECT_EQ(born.min().date().year(), 1970);
  const v1::TagStatistics& seen = response.tags(3);
  EXPECT_EQ(seen.average_time().seconds(), 499);
  EXPECT_EQ(seen.average_time().nanos(), 500'000'000);
  EXPECT_EQ(seen.percentiles(0).value().date_time().seconds(), 499);
}

TEST_F(WholeStatisticsTest, Histograms) {
  request_.add_tags("rent");
  request_.set_bins(5);
  EXPECT_EQ(Histogram(),
            "0.00..2.00:200 2.00..4.00:200 4.00..6.00:200 6.00..8.00:200 "
            "8.00..10.00:200");
  EXPECT_TRUE(Answer().tags(0).histogram().bins(4).includes_upper());
  EXPECT_DOUBLE_EQ(Answer().tags(0).histogram().bins(4).share(), 0.2);
  v1::TagEdges* edges = request_.add_edges();
  edges->set_tag("rent");
  edges->add_edges()->set_decimal("2.5");
  EXPECT_EQ(Histogram(), "..2.50:250 2.50..:750");
  request_.Clear();
  request_.mutable_selection()->set_expression("views < 100");
  request_.add_tags("born");
  request_.set_period(v1::PERIOD_MONTH);
  EXPECT_EQ(Histogram(), "1970-01:31 1970-02:28 1970-03:31 1970-04:10");
  EXPECT_EQ(Answer().tags(0).histogram().bins(0).upper().date().month(), 2);
  // A second after midnight in Shanghai, and from there on.
  request_.set_tags(0, "seen");
  request_.set_period(v1::PERIOD_DAY);
  EXPECT_EQ(Histogram(), "1970-01-01:100");
  request_.mutable_selection()->set_time_zone("Africa/Monrovia");  // 44 min 30 s behind
  EXPECT_EQ(Histogram(), "1969-12-31:100");
}

TEST_F(WholeStatisticsTest, ASumBeyond64BitsIsAnErrorOfTheSum) {
  ASSERT_TRUE(CreateTag("big", v1::TAG_TYPE_INTEGER).ok());
  v1::WriteUsersRequest write;
  write.set_unknown_ids(v1::UNKNOWN_IDS_CREATE);
  for (const char* id : {"1", "2"}) {
    v1::UserChange* user = write.add_users();
    user->set_id(id);
    v1::TagChange* change = user->add_changes();
    change->set_tag("big");
    change->mutable_set()->set_integer(std::numeric_limits<int64_t>::max());
  }
  v1::WriteUsersResponse written;
  grpc::ClientContext context;
  const grpc::Status status = users_->WriteUsers(&context, write, &written);
  ASSERT_TRUE(status.ok()) << status.error_message();
  request_.add_tags("big");
  const v1::TagStatistics big = Answer().tags(0);
  EXPECT_FALSE(big.has_sum());
  EXPECT_EQ(big.sum_error().code(), grpc::StatusCode::OUT_OF_RANGE);
  v1::ErrorDetail detail;
  ASSERT_EQ(big.sum_error().details_size(), 1);
  ASSERT_TRUE(big.sum_error().details(0).UnpackTo(&detail));
  EXPECT_EQ(detail.reason(), "SUM_OUT_OF_RANGE");
  EXPECT_EQ(big.max().integer(), std::numeric_limits<int64_t>::max());
  EXPECT_TRUE(big.has_average());
}

TEST_F(WholeStatisticsTest, ErrorsSayWhere) {
  EXPECT_EQ(Detail().field(), "tags");
  request_.add_tags("city");
  EXPECT_EQ(Detail().reason(), "NO_NUMBERS");
  request_.set_tags(0, "views");
  request_.add_percentiles("50");
  request_.add_percentiles("99.99999999");
  EXPECT_EQ(Detail().reason(), "BAD_PERCENTILE");
  EXPECT_EQ(Detail().field(), "percentiles[1]");
  request_.clear_percentiles();
  request_.set_period(static_cast<v1::Period>(9));
  EXPECT_EQ(Detail().field(), "period");
  request_.set_period(v1::PERIOD_DAY);
  EXPECT_EQ(Detail().reason(), "NOT_APPLICABLE");
  request_.clear_period();
  request_.set_bins(1'001);
  EXPECT_EQ(Detail().limit(), 1'000u);
  request_.clear_bins();
  request_.add_edges()->set_tag("views");
  EXPECT_EQ(Detail().field(), "edges[0].edges");
  request_.mutable_edges(0)->add_edges();
  EXPECT_EQ(Detail().field(), "edges[0].edges[0].kind");
  request_.clear_edges();
  request_.mutable_selection()->set_expression("citty = 'x'");
  EXPECT_EQ(Detail().field(), "selection.expression");
}

TEST(PercentTextTest, MillionthsThereAndBack) {
  for (const auto& [text, percent] :
       std::vector<std::pair<std::string, uint32_t>>{{"0", 0},
                                                     {"100", 100'000'000},
                                                     {"99.9", 99'900'000},
                                                     {"0.000001", 1},
                                                     {"50.25", 50'250'000}}) {
    EXPECT_EQ(ToPercent(text), percent);
    EXPECT_EQ(PercentText(percent), text);
  }
  EXPECT_EQ(ToPercent("050.0"), 50'000'000u);
  for (const char* text : {"", "-1", "100.000001", "0.0000001", "1e1", "50%", "101", " 5", "nan"}) {
    EXPECT_FALSE(ToPercent(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace throng::service
