// Cross-tabs, overlaps and comparisons, end to end: the real engine behind the real services.
#include <string>
#include <vector>

#include "fmt/format.h"
#include "grpcpp/client_context.h"
#include "tests/service/status_matchers.h"
#include "tests/service/whole_fixture.h"

namespace throng::service {
namespace {

class WholeInsightTest : public WholeServerTest {
 protected:
  grpc::Status Cross(const v1::CrossTabRequest& request, v1::CrossTabResponse* response) {
    grpc::ClientContext context;
    return insights_->CrossTab(&context, request, response);
  }
  grpc::Status Lay(const v1::OverlapRequest& request, v1::OverlapResponse* response) {
    grpc::ClientContext context;
    return insights_->Overlap(&context, request, response);
  }
  static void Add(const std::string& name, const std::string& expression,
                  v1::OverlapRequest* request) {
    v1::NamedSelection* added = request->add_selections();
    added->set_name(name);
    added->mutable_selection()->set_expression(expression);
  }
};

std::vector<uint64_t> CountsOf(const v1::CrossTabRow& row) {
  return {row.counts().begin(), row.counts().end()};
}

TEST_F(WholeInsightTest, CrossTabsWithAllShares) {
  v1::CrossTabRequest request;
  request.mutable_selection()->set_expression("all()");
  request.mutable_rows()->set_tag("city");
  request.mutable_columns()->set_tag("graduate");
  v1::CrossTabResponse response;
  const grpc::Status status = Cross(request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.count(), kUsers);
  ASSERT_EQ(response.rows().entries_size(), 2);
  EXPECT_EQ(response.rows().entries(0).value().text(), "Tianjin");
  EXPECT_EQ(response.rows().entries(0).count(), 600u);
  EXPECT_DOUBLE_EQ(response.rows().missing().share(), 0.1);
  EXPECT_TRUE(response.columns().entries(0).value().flag());
  ASSERT_EQ(response.cells_size(), 4);
  EXPECT_EQ(CountsOf(response.cells(0)),
            (std::vector<uint64_t>{Count("city = 'Tianjin' and graduate").count(),
                                   Count("city = 'Tianjin' and not graduate").count(), 0, 0}));
  EXPECT_EQ(CountsOf(response.cells(3)), (std::vector<uint64_t>{50, 50, 0, 0}));
  EXPECT_DOUBLE_EQ(response.cells(3).row_shares(0), 0.5);
  EXPECT_DOUBLE_EQ(response.cells(3).column_shares(0), 0.2);
  EXPECT_DOUBLE_EQ(response.cells(3).total_shares(0), 0.05);
  EXPECT_EQ(response.info().canonical_expression(), "all()");
}

TEST_F(WholeInsightTest, BinsHaveBoundsOfTheTagsType) {
  v1::CrossTabRequest request;
  request.mutable_selection()->set_expression("all()");
  request.mutable_rows()->set_tag("rent");
  request.mutable_rows()->add_edges()->set_decimal("2.5");
  request.mutable_columns()->set_tag("born");
  request.mutable_columns()->add_edges()->set_text("1970-01-11");
  v1::CrossTabResponse response;
  const grpc::Status status = Cross(request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_FALSE(response.rows().entries(0).has_lower());
  EXPECT_EQ(response.rows().entries(0).upper().decimal(), "2.50");
  EXPECT_EQ(response.columns().entries(1).lower().date().day(), 11);
  EXPECT_FALSE(response.columns().entries(1).has_value());
  EXPECT_EQ(CountsOf(response.cells(0)), (std::vector<uint64_t>{10, 240, 0, 0}));
  request.mutable_columns()->add_edges();
  EXPECT_EQ(DetailOf(Cross(request, &response)).field(), "columns.edges[1].kind");
}

TEST_F(WholeInsightTest, CrossTabErrorsSayWhere) {
  v1::CrossTabRequest request;
  v1::CrossTabResponse response;
  EXPECT_EQ(DetailOf(Cross(request, &response)).field(), "selection.what");
  request.mutable_selection()->set_expression("citty = 'x'");
  request.mutable_rows()->set_tag("city");
  request.mutable_columns()->set_tag("views");
  EXPECT_EQ(DetailOf(Cross(request, &response)).field(), "selection.expression");
  request.mutable_selection()->set_expression("all()");
  EXPECT_EQ(DetailOf(Cross(request, &response)).field(), "columns.edges");
  for (int i = 0; i < 1'000; ++i) {
    request.mutable_columns()->add_edges()->set_integer(i);
    request.mutable_rows()->add_edges()->set_integer(i);
  }
  request.mutable_rows()->set_tag("views");
  const grpc::Status status = Cross(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(DetailOf(status).reason(), "TOO_MANY_CELLS");
  EXPECT_EQ(DetailOf(status).limit(), 100'000u);
  EXPECT_EQ(DetailOf(status).requested(), 1'003u * 1'003u);
}

TEST_F(WholeInsightTest, OverlapsOnOneVersion) {
  v1::OverlapRequest request;
  Add("graduates", "graduate", &request);
  Add("local", "city = 'Beijing'", &request);
  v1::OverlapResponse response;
  const grpc::Status status = Lay(request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  const uint64_t both = Count("graduate and city = 'Beijing'").count();
  ASSERT_EQ(response.pairs_size(), 2);
  EXPECT_EQ(response.pairs(0).counts(0), 250u);
  EXPECT_EQ(response.pairs(0).counts(1), both);
  EXPECT_EQ(response.union_count(), 550 - both);
  EXPECT_DOUBLE_EQ(response.pairs(1).jaccard(0),
                   static_cast<double>(both) / static_cast<double>(550 - both));
  EXPECT_EQ(response.selections(0).unique(), 250 - both);
  EXPECT_DOUBLE_EQ(response.selections(0).unique_share(), static_cast<double>(250 - both) / 250);
  EXPECT_EQ(response.selections(1).canonical_expression(), "city = 'Beijing'");
  ASSERT_EQ(response.intersections_size(), 3);
  EXPECT_EQ(response.intersections(0).selections(0), 1u);
  EXPECT_EQ(response.intersections(0).count(), 300 - both);
  EXPECT_FALSE(response.has_intersections_error());
  EXPECT_EQ(response.info().canonical_expression(), "");
  EXPECT_GT(response.info().data_version(), 0u);
}

TEST_F(WholeInsightTest, OverlapErrorsSayWhichSelection) {
  v1::OverlapRequest request;
  v1::OverlapResponse response;
  EXPECT_EQ(DetailOf(Lay(request, &response)).reason(), "NO_SELECTIONS");
  Add("a", "all()", &request);
  Add("b", "citty = 'x'", &request);
  EXPECT_EQ(DetailOf(Lay(request, &response)).field(), "selections[1].selection.expression");
  v1::Selection* second = request.mutable_selections(1)->mutable_selection();
  second->set_expression("all()");
  second->set_time_zone("Asia/Shanghai");
  EXPECT_EQ(DetailOf(Lay(request, &response)).reason(), "OTHER_TIME_ZONE");
  request.mutable_selections(0)->mutable_selection()->set_time_zone("Asia/Shanghai");
  EXPECT_TRUE(Lay(request, &response).ok());
  second->set_population("populations/other");
  EXPECT_EQ(DetailOf(Lay(request, &response)).reason(), "OTHER_POPULATION");
  second->clear_population();
  second->set_read_version(7);
  EXPECT_EQ(DetailOf(Lay(request, &response)).reason(), "OTHER_READ_VERSION");
  second->clear_read_version();
  second->mutable_reference_time()->set_seconds(7);
  EXPECT_EQ(DetailOf(Lay(request, &response)).reason(), "OTHER_REFERENCE_TIME");
  second->clear_reference_time();
  request.mutable_selections(0)->mutable_selection()->set_population("populations/nobody");
  const grpc::Status status = Lay(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(DetailOf(status).field(), "selections[0].selection.population");
  while (request.selections_size() < 65) {
    Add(fmt::format("s{}", request.selections_size()), "all()", &request);
  }
  EXPECT_EQ(DetailOf(Lay(request, &response)).reason(), "TOO_MANY_SELECTIONS");
}

TEST_F(WholeInsightTest, ComparesTwoCrowds) {
  v1::CompareRequest request;
  request.mutable_selection()->set_expression("graduate");
  request.mutable_baseline()->set_expression("not graduate");
  request.add_tags("city");
  request.add_tags("rent");
  request.add_tags("graduate");
  v1::CompareResponse response;
  const auto compare = [&] {
    grpc::ClientContext context;
    return insights_->Compare(&context, request, &response);
  };
  const grpc::Status status = compare();
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.count() + response.baseline_count(), kUsers);
  EXPECT_EQ(response.common_count(), 0u);
  EXPECT_EQ(response.baseline_expression(), "not graduate");
  EXPECT_EQ(response.confidence(), 0.95);
  ASSERT_EQ(response.tags_size(), 3);
  EXPECT_EQ(response.tags(0).tag(), "graduate");
  EXPECT_EQ(response.tags(0).difference(), 1);
  EXPECT_TRUE(response.tags(0).rows(0).value().has_flag());
  ASSERT_GE(response.features_size(), 1);
  EXPECT_EQ(response.features(0).tag(), "graduate");
  EXPECT_TRUE(response.features(0).row().value().flag());
  for (const v1::ComparedTag& tag : response.tags()) {
    uint64_t users = tag.missing().count();
    for (const v1::ComparedRow& row : tag.rows()) {
      users += row.count();
      if (tag.tag() == "rent") {
        EXPECT_TRUE(row.has_lower() || row.has_upper());
        EXPECT_EQ((row.has_lower() ? row.lower() : row.upper()).kind_case(), v1::Value::kDecimal);
      }
    }
    EXPECT_EQ(users, response.count()) << tag.tag();
  }
  request.mutable_baseline()->set_population("populations/other");
  EXPECT_EQ(DetailOf(compare()).field(), "baseline.population");
  request.mutable_baseline()->set_population("");
  request.mutable_baseline()->set_expression("graduat");
  EXPECT_EQ(DetailOf(compare()).field(), "baseline.expression");
  request.clear_baseline();
  request.set_bins(1);
  EXPECT_EQ(DetailOf(compare()).field(), "bins");
}

}  // namespace
}  // namespace throng::service
