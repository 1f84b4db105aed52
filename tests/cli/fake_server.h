// A Throng server of canned answers in the test's own process, and the `throng` command run
// against it.
//
//   FakeServer server;
//   server.count.set_count(12);
//   CliRun run = server.Run({"count", "city = 'Beijing'"});
//   EXPECT_EQ(run.out, "12 users\n...");
//   EXPECT_EQ(server.count_request.selection().expression(), "city = 'Beijing'");
#ifndef THRONG_TESTS_CLI_FAKE_SERVER_H_
#define THRONG_TESTS_CLI_FAKE_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "throng/v1/error.pb.h"
#include "throng/v1/insight.grpc.pb.h"
#include "throng/v1/membership.grpc.pb.h"
#include "throng/v1/population.grpc.pb.h"
#include "throng/v1/selection.grpc.pb.h"
#include "throng/v1/tag.grpc.pb.h"
#include "throng/v1/user.grpc.pb.h"

namespace throng::cli {

// What a run of `throng` left behind.
struct CliRun {
  int exit_code = 0;
  std::string out;
  std::string err;
};

// Runs `throng` in this process with its streams captured. Not thread-safe: the streams are the
// process's.
CliRun RunThrong(const std::vector<std::string>& arguments);

// A status as the server sends it: with the detail in the trailer.
grpc::Status MakeStatus(grpc::StatusCode code, const std::string& message,
                        const v1::ErrorDetail& detail);

// Listens on a port of its own. Set answers before a run, read requests after it. Every call
// answers `failure` if that is not OK. Not thread-safe.
class FakeServer {
 public:
  FakeServer();
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  // "127.0.0.1:PORT".
  const std::string& address() const { return address_; }

  // RunThrong with --server.
  CliRun Run(std::vector<std::string> arguments) const;

  grpc::Status failure;
  // How long Count waits before it answers, unless the call is given up.
  absl::Duration delay;

  v1::CountRequest count_request;
  v1::CountResponse count;
  // What the next calls of Count answer, before `count` and `failure`.
  std::deque<std::pair<grpc::Status, v1::CountResponse>> next_counts;
  v1::ExplainRequest explain_request;
  v1::ExplainResponse explain;
  v1::ListMembersRequest members_request;
  v1::ListMembersResponse members;
  v1::ExportMembersRequest export_request;
  std::vector<v1::ExportMembersResponse> export_frames;
  // Sent after the frames.
  grpc::Status export_end;
  v1::ParseExpressionRequest parse_request;
  v1::ParseExpressionResponse parse;
  v1::FormatExpressionRequest format_request;
  v1::FormatExpressionResponse format;
  v1::BreakdownRequest breakdown_request;
  v1::BreakdownResponse breakdown;
  v1::CompareRequest compare_request;
  v1::CompareResponse compare;
  v1::CurveRequest curve_request;
  v1::CurveResponse curve;
  v1::CrossTabRequest cross_tab_request;
  v1::CrossTabResponse cross_tab;
  v1::OverlapRequest overlap_request;
  v1::OverlapResponse overlap;
  v1::StatisticsRequest statistics_request;
  v1::StatisticsResponse statistics;
  v1::CheckRequest check_request;
  v1::CheckResponse check;
  std::vector<v1::BatchCheckRequest> batch_check_requests;
  v1::BatchCheckResponse batch_check;
  // A stream answers each check with these states, and ends with `failure`.
  v1::CheckSetup stream_setup;
  std::vector<v1::MemberState> stream_states;
  v1::WhyMemberRequest why_request;
  v1::WhyMemberResponse why;
  v1::GetPortraitRequest portrait_request;
  v1::Portrait portrait;
  v1::CreatePopulationRequest create_population_request;
  v1::GetPopulationRequest get_population_request;
  v1::Population population;
  // Calls of ListPopulations that answer UNAVAILABLE first.
  int populations_unavailable = 0;
  v1::CreateTagRequest create_tag_request;
  v1::UpdateTagRequest update_tag_request;
  v1::ListTagsRequest list_tags_request;
  // One page each.
  std::vector<v1::ListTagsResponse> tag_pages;
  v1::ListTagValuesRequest values_request;
  std::vector<v1::ListTagValuesResponse> value_pages;
  // By resource name; GetTag answers NOT_FOUND for others. Create and Update answer `tag`.
  std::map<std::string, v1::Tag> tags;
  v1::Tag tag;

 private:
  class Selections;
  class Insights;
  class Memberships;
  class Populations;
  class Tags;
  class Users;

  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace throng::cli

#endif  // THRONG_TESTS_CLI_FAKE_SERVER_H_
