// Expressions with a limit through a whole server: as text and as trees.
#include <string>
#include <vector>

#include "grpcpp/client_context.h"
#include "gtest/gtest.h"
#include "tests/service/status_matchers.h"
#include "tests/service/whole_fixture.h"

namespace throng::service {
namespace {

class WholeLimitTest : public WholeServerTest {
 protected:
  v1::ListMembersResponse Members(const v1::Selection& selection) {
    v1::ListMembersRequest request;
    *request.mutable_selection() = selection;
    v1::ListMembersResponse response;
    grpc::ClientContext context;
    const grpc::Status status = selections_->ListMembers(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
};

// Views are the ids; every fourth is a graduate.
TEST_F(WholeLimitTest, TextsAndTreesMeanTheSameUsers) {
  v1::ParseExpressionRequest parse;
  parse.set_expression("graduate TOP 3 BY views DESC");
  v1::ParseExpressionResponse parsed;
  grpc::ClientContext parse_context;
  ASSERT_TRUE(selections_->ParseExpression(&parse_context, parse, &parsed).ok());
  EXPECT_EQ(parsed.canonical_expression(), "graduate top 3 by views desc");
  EXPECT_EQ(parsed.tree().limited().users(), 3u);
  EXPECT_EQ(parsed.tree().limited().top().direction(), v1::TopBy::DIRECTION_DESCENDING);

  v1::FormatExpressionRequest format;
  *format.mutable_tree() = parsed.tree();
  v1::FormatExpressionResponse formatted;
  grpc::ClientContext format_context;
  ASSERT_TRUE(selections_->FormatExpression(&format_context, format, &formatted).ok());
  EXPECT_EQ(formatted.expression(), parsed.canonical_expression());

  v1::Selection text;
  text.set_expression(parse.expression());
  v1::Selection tree;
  *tree.mutable_tree() = parsed.tree();
  for (const v1::Selection& selection : {text, tree}) {
    const v1::ListMembersResponse page = Members(selection);
    EXPECT_EQ(page.total(), 3u);
    ASSERT_EQ(page.ids_size(), 3);
    EXPECT_EQ(page.ids(0), "988");
    EXPECT_EQ(page.ids(2), "996");
    EXPECT_EQ(page.info().canonical_expression(), parsed.canonical_expression());
    EXPECT_EQ(page.info().warnings_size(), 0);
  }
  EXPECT_EQ(Count(parse.expression()).count(), 3u);
  EXPECT_EQ(Count("graduate any 251 by 's'").count(), 250u);
}

TEST_F(WholeLimitTest, InsightsAndExportsReadExactlyThese) {
  v1::ExportMembersRequest request;
  request.mutable_selection()->set_expression("all() any 333 by 'spring'");
  const std::vector<v1::ExportMembersResponse> frames = Export(request);
  ASSERT_FALSE(frames.empty());
  EXPECT_EQ(frames[0].total(), 333u);
  int ids = 0;
  for (const v1::ExportMembersResponse& frame : frames) ids += frame.numbers_size();
  EXPECT_EQ(ids, 333);
  v1::BreakdownRequest breakdown;
  *breakdown.mutable_selection() = request.selection();
  breakdown.add_tags("city");
  v1::BreakdownResponse counts;
  grpc::ClientContext context;
  ASSERT_TRUE(insights_->Breakdown(&context, breakdown, &counts).ok());
  EXPECT_EQ(counts.count(), 333u);
  EXPECT_EQ(Count("all() any 333 by 'spring'").count(), 333u);
}

TEST_F(WholeLimitTest, ExplainEndsWithTheLimit) {
  v1::ExplainRequest request;
  request.mutable_selection()->set_expression("graduate and views < 500 top 10 by views");
  request.set_conditions_only(true);
  v1::ExplainResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(selections_->Explain(&context, request, &response).ok());
  EXPECT_EQ(response.count(), 10u);
  ASSERT_EQ(response.waterfall_size(), 3);
  EXPECT_EQ(response.waterfall(1).left(), 125u);
  EXPECT_EQ(response.waterfall(2).operand(), "top 10 by views asc");
  EXPECT_EQ(response.waterfall(2).left(), 10u);
  ASSERT_EQ(response.info().warnings_size(), 1);
  EXPECT_EQ(response.info().warnings(0).reason(), "TOP_ASCENDING");
  EXPECT_EQ(response.info().warnings(0).column(), 26u);
}

TEST_F(WholeLimitTest, ErrorsNameThePlace) {
  v1::Selection selection;
  selection.set_expression("(graduate top 3 by views) and views > 3");
  const v1::ErrorDetail text = DetailOf(CountStatus(selection));
  EXPECT_EQ(text.reason(), "MISPLACED_LIMIT");
  EXPECT_EQ(text.column(), 11u);
  v1::Limited* limited =
      selection.mutable_tree()->mutable_negation()->mutable_operand()->mutable_limited();
  limited->mutable_operand()->mutable_all_users();
  limited->set_users(3);
  limited->mutable_any();
  const v1::ErrorDetail tree = DetailOf(CountStatus(selection));
  EXPECT_EQ(tree.reason(), "MISPLACED_LIMIT");
  EXPECT_EQ(tree.field(), "selection.tree.negation.operand.limited");
}

}  // namespace
}  // namespace throng::service
