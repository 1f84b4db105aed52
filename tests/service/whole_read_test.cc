// Reading, end to end: the real engine behind the real services.
#include <set>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "grpcpp/client_context.h"
#include "index/roaring_codec.h"
#include "server/service/service_limits.h"
#include "tests/service/status_matchers.h"
#include "tests/service/whole_fixture.h"

namespace throng::service {
namespace {

using WholeReadTest = WholeServerTest;

TEST_F(WholeReadTest, Counts) {
  EXPECT_EQ(Count("all()").count(), kUsers);
  EXPECT_EQ(Count("city = 'Beijing'").count(), 300u);  // 334 less 34 without a city
  EXPECT_EQ(Count("not exists(city)").count(), 100u);
  EXPECT_EQ(Count("graduate and views < 100").count(), 25u);
  EXPECT_EQ(Count("rent between 1.00 and 1.99").count(), 100u);
  EXPECT_EQ(Count("likes in ('a') and born = '1970-01-03'").count(), 1u);
  const v1::CountResponse response = Count("city='Beijing'  AND views>=990");
  EXPECT_EQ(response.count(), 3u);  // 993, 996, 999
  EXPECT_EQ(response.info().canonical_expression(), "city = 'Beijing' and views >= 990");
  EXPECT_EQ(response.info().time_zone(), "UTC");
  EXPECT_TRUE(response.info().exact());
  EXPECT_GT(response.info().data_version(), 0u);
}

TEST_F(WholeReadTest, ATreeMeansWhatItsTextMeans) {
  grpc::ClientContext context;
  v1::ParseExpressionRequest parse;
  parse.set_expression("not (city = 'Beijing') and views > 3");
  v1::ParseExpressionResponse parsed;
  ASSERT_TRUE(selections_->ParseExpression(&context, parse, &parsed).ok());
  v1::CountRequest request;
  *request.mutable_selection()->mutable_tree() = parsed.tree();
  grpc::ClientContext count_context;
  v1::CountResponse response;
  ASSERT_TRUE(selections_->Count(&count_context, request, &response).ok());
  EXPECT_EQ(response.count(), Count(parse.expression()).count());
  grpc::ClientContext format_context;
  v1::FormatExpressionRequest format;
  *format.mutable_tree() = parsed.tree();
  v1::FormatExpressionResponse formatted;
  ASSERT_TRUE(selections_->FormatExpression(&format_context, format, &formatted).ok());
  EXPECT_EQ(formatted.expression(), parsed.canonical_expression());
}

// What is longer than the limit is not sent back.
TEST_F(WholeReadTest, ALongExpressionIsEchoedUpToItsLimit) {
  std::string text = "city in ('Beijing'";
  for (int i = 0; text.size() + 200 < kCanonicalEchoBytesMax; ++i)
    text += fmt::format(", 'v{}'", i);
  text += ", '" + std::string(kCanonicalEchoBytesMax - text.size() - 5, 'x') + "')";
  ASSERT_EQ(text.size(), kCanonicalEchoBytesMax);
  EXPECT_EQ(Count(text).info().canonical_expression(), text);
  const std::string longer = text.substr(0, text.size() - 2) + "x')";
  const v1::CountResponse response = Count(longer);
  EXPECT_EQ(response.count(), 300u);
  EXPECT_EQ(response.info().canonical_expression(), "");
}

TEST_F(WholeReadTest, ErrorsSayWhere) {
  v1::Selection selection;
  EXPECT_EQ(DetailOf(CountStatus(selection)).field(), "selection.what");
  selection.set_expression("citty = 'Beijing'");
  grpc::Status status = CountStatus(selection);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(DetailOf(status).reason(), "UNKNOWN_TAG");
  EXPECT_EQ(DetailOf(status).field(), "selection.expression");
  EXPECT_EQ(DetailOf(status).column(), 1u);
  EXPECT_EQ(DetailOf(status).length(), 5u);
  EXPECT_EQ(DetailOf(status).suggestion(), "city");
  selection.set_expression("city = ");
  EXPECT_EQ(DetailOf(CountStatus(selection)).reason(), "SYNTAX_ERROR");
  selection.set_expression("all()");
  selection.set_time_zone("Mars/Olympus");
  EXPECT_EQ(DetailOf(CountStatus(selection)).field(), "selection.time_zone");
  selection.clear_time_zone();
  selection.set_population("populations/nobody");
  status = CountStatus(selection);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(DetailOf(status).field(), "selection.population");
  EXPECT_EQ(DetailOf(status).reason(), "UNKNOWN_POPULATION");
  selection.clear_population();
  selection.set_read_version(1'000'000);
  status = CountStatus(selection);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION) << status.error_message();
  EXPECT_EQ(DetailOf(status).field(), "selection.read_version");
  selection.clear_read_version();
  selection.set_expression(std::string((32 << 20) + 1, ' '));
  EXPECT_EQ(DetailOf(CountStatus(selection)).reason(), "EXPRESSION_TOO_LONG");
}

TEST_F(WholeReadTest, ExplainCountsEachCondition) {
  grpc::ClientContext context;
  v1::ExplainRequest request;
  request.mutable_selection()->set_expression("city = 'Beijing' and graduate");
  v1::ExplainResponse response;
  const grpc::Status status = selections_->Explain(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.count(), Count("city = 'Beijing' and graduate").count());
  ASSERT_EQ(response.conditions_size(), 2);
  EXPECT_EQ(response.conditions(0).count(), 300u);
  EXPECT_EQ(response.conditions(1).count(), 250u);
  EXPECT_EQ(response.conditions(1).column(), 22u);
  ASSERT_GT(response.nodes_size(), 0);
  EXPECT_EQ(response.nodes(0).depth(), 0u);
  EXPECT_EQ(response.nodes(0).actual_users(), response.count());
}

TEST_F(WholeReadTest, ExplainAnalyzeTellsFormsAndWhatRan) {
  v1::ExplainRequest request;
  request.mutable_selection()->set_expression("city = 'Beijing' and graduate");
  request.set_analyze(true);
  v1::ExplainResponse response;
  {
    grpc::ClientContext context;
    const grpc::Status status = selections_->Explain(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  ASSERT_EQ(response.nodes_size(), 3);
  EXPECT_TRUE(response.has_run_time());
  EXPECT_EQ(response.nodes(0).run().users(), response.count());
  EXPECT_FALSE(response.nodes(0).has_exact_users());
  EXPECT_EQ(response.nodes(1).exact_users(), 250u);
  EXPECT_EQ(response.nodes(1).form(), "bitmap");
  EXPECT_EQ(response.nodes(1).run().chunks_in_parent(), response.nodes(1).run().chunks());
  request.set_plan_only(true);
  grpc::ClientContext context;
  const grpc::Status status = selections_->Explain(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(DetailOf(status).field(), "analyze");
}

TEST_F(WholeReadTest, PagesGiveEveryMemberOnceOnOneVersion) {
  v1::ListMembersRequest request;
  request.mutable_selection()->set_expression("graduate");
  request.set_page_size(60);
  std::set<std::string> seen;
  uint64_t data_version = 0;
  int pages = 0;
  do {
    grpc::ClientContext context;
    v1::ListMembersResponse response;
    const grpc::Status status = selections_->ListMembers(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.total(), 250u);
    if (pages++ == 0) data_version = response.info().data_version();
    EXPECT_EQ(response.info().data_version(), data_version);
    for (const std::string& id : response.ids()) EXPECT_TRUE(seen.insert(id).second) << id;
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(pages, 5);
  EXPECT_EQ(seen.size(), 250u);
  EXPECT_TRUE(seen.contains("996"));
  request.set_page_token("nonsense");
  grpc::ClientContext context;
  v1::ListMembersResponse response;
  EXPECT_EQ(DetailOf(selections_->ListMembers(&context, request, &response)).reason(),
            "BAD_PAGE_TOKEN");
}

TEST_F(WholeReadTest, ExportsNumbersWithColumns) {
  v1::ExportMembersRequest request;
  request.mutable_selection()->set_expression("views < 10");
  for (const char* tag : {"likes", "rent", "city", "born"}) request.add_tags(tag);
  const std::vector<v1::ExportMembersResponse> frames = Export(request);
  ASSERT_EQ(frames.size(), 1u);
  const v1::ExportMembersResponse& frame = frames[0];
  EXPECT_TRUE(frame.complete());
  EXPECT_EQ(frame.total(), 10u);
  EXPECT_EQ(frame.info().data_version(), Count("all()").info().data_version());
  ASSERT_EQ(frame.numbers_size(), 10);
  ASSERT_EQ(frame.columns_size(), 4);
  for (int row = 0; row < 10; ++row) {
    const uint64_t id = frame.numbers(row);
    EXPECT_EQ(frame.columns(0).values(row), id % 2 == 0 ? "a|b" : "") << id;
    EXPECT_EQ(frame.columns(1).values(row), "0.0" + std::to_string(id));
    EXPECT_EQ(frame.columns(2).values(row), id == 0 ? "" : id % 3 == 0 ? "Beijing" : "Tianjin");
    EXPECT_EQ(frame.columns(3).values(row),
              id == 9 ? "1970-01-10" : "1970-01-0" + std::to_string(id + 1));
  }
}

TEST_F(WholeReadTest, ExportsABitmap) {
  v1::ExportMembersRequest request;
  request.mutable_selection()->set_expression("graduate");
  request.set_roaring(true);
  std::string bitmap;
  for (const auto& frame : Export(request)) bitmap += frame.roaring();
  const absl::StatusOr<std::vector<uint64_t>> ids = index::DecodeNumbers(bitmap, kUsers);
  ASSERT_TRUE(ids.ok()) << ids.status();
  ASSERT_EQ(ids->size(), 250u);
  EXPECT_EQ(ids->back(), 996u);
  request.add_tags("city");
  grpc::ClientContext context;
  const auto reader = selections_->ExportMembers(&context, request);
  v1::ExportMembersResponse frame;
  EXPECT_FALSE(reader->Read(&frame));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(WholeReadTest, BreaksDownAgainstABaseline) {
  grpc::ClientContext context;
  v1::BreakdownRequest request;
  request.mutable_selection()->set_expression("graduate");
  request.add_tags("city");
  request.add_tags("graduate");
  v1::BreakdownResponse response;
  const grpc::Status status = insights_->Breakdown(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.count(), 250u);
  EXPECT_EQ(response.baseline_count(), kUsers);
  ASSERT_EQ(response.tags_size(), 2);
  const v1::TagBreakdown& city = response.tags(0);
  uint64_t sum = city.missing().count() + city.others().count();
  for (const v1::BreakdownRow& row : city.rows()) sum += row.count();
  EXPECT_EQ(sum, 250u);
  EXPECT_EQ(city.rows(0).value().text(), "Tianjin");
  EXPECT_EQ(city.missing().count(), 50u);
  EXPECT_TRUE(response.tags(1).rows(0).value().has_flag());
  request.mutable_baseline()->set_population("populations/other");
  request.mutable_baseline()->set_expression("all()");
  grpc::ClientContext other;
  EXPECT_EQ(DetailOf(insights_->Breakdown(&other, request, &response)).reason(),
            "OTHER_POPULATION");
}

TEST_F(WholeReadTest, PortraysOneUser) {
  grpc::ClientContext context;
  v1::GetPortraitRequest request;
  request.set_id("12");
  v1::Portrait portrait;
  const grpc::Status status = users_->GetPortrait(&context, request, &portrait);
  ASSERT_TRUE(status.ok()) << status.error_message();
  std::string text;
  for (const v1::PortraitEntry& entry : portrait.entries()) {
    text += entry.tag() + ":";
    for (const v1::Value& value : entry.values()) text += " " + value.ShortDebugString();
    text += "\n";
  }
  EXPECT_EQ(text,
            "born: date { year: 1970 month: 1 day: 13 }\n"
            "city: text: \"Beijing\"\n"
            "graduate: flag: true\n"
            "likes: text: \"a\" text: \"b\"\n"
            "rent: decimal: \"0.12\"\n"
            "seen: date_time { seconds: 12 }\n"
            "views: integer: 12\n");
  request.set_id("nobody");
  grpc::ClientContext other;
  EXPECT_EQ(DetailOf(users_->GetPortrait(&other, request, &portrait)).reason(), "UNKNOWN_USER");
}

TEST_F(WholeReadTest, ListsTagsAndValuesByPages) {
  v1::ListTagsRequest request;
  request.set_parent("populations/default");
  request.set_page_size(3);
  std::vector<std::string> names;
  do {
    grpc::ClientContext context;
    v1::ListTagsResponse response;
    ASSERT_TRUE(tags_->ListTags(&context, request, &response).ok());
    EXPECT_LE(response.tags_size(), 3);
    for (const v1::Tag& tag : response.tags()) names.push_back(tag.name().substr(25));
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(names, (std::vector<std::string>{"born", "city", "graduate", "likes", "rent", "seen",
                                             "views"}));
  v1::ListTagValuesRequest values;
  values.set_name("populations/default/tags/city");
  values.set_page_size(1);
  v1::ListTagValuesResponse response;
  grpc::ClientContext first;
  ASSERT_TRUE(tags_->ListTagValues(&first, values, &response).ok());
  ASSERT_EQ(response.values_size(), 1);
  EXPECT_EQ(response.values(0).value().text(), "Tianjin");
  EXPECT_EQ(response.values(0).user_count(), 600u);
  EXPECT_EQ(response.missing(), 100u);
  values.set_page_token(response.next_page_token());
  grpc::ClientContext second;
  ASSERT_TRUE(tags_->ListTagValues(&second, values, &response).ok());
  EXPECT_EQ(response.values(0).user_count(), 300u);
  EXPECT_EQ(response.next_page_token(), "");
}

TEST_F(WholeReadTest, ErrorsAboutResourcesNameTheRequestsField) {
  v1::ListTagsRequest list;
  list.set_parent("populations/nobody");
  v1::ListTagsResponse listed;
  grpc::ClientContext list_context;
  EXPECT_EQ(DetailOf(tags_->ListTags(&list_context, list, &listed)).field(), "parent");
  v1::GetTagRequest get;
  v1::Tag tag;
  for (const char* name : {"populations/nobody/tags/city", "populations/default/tags/citty"}) {
    get.set_name(name);
    grpc::ClientContext context;
    const grpc::Status status = tags_->GetTag(&context, get, &tag);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_EQ(DetailOf(status).field(), "name") << name;
  }
  v1::GetPortraitRequest portrait;
  portrait.set_id("1");
  portrait.set_read_version(1'000'000);
  v1::Portrait shown;
  grpc::ClientContext context;
  EXPECT_EQ(DetailOf(users_->GetPortrait(&context, portrait, &shown)).field(), "read_version");
}

}  // namespace
}  // namespace throng::service
