#include "tests/cli/fake_server.h"

#include <utility>

#include "absl/time/clock.h"
#include "cli/run_cli.h"
#include "fmt/format.h"
#include "gtest/gtest.h"

namespace throng::cli {
namespace {

// Answers `response` with a copy of `answer` unless the server is to fail.
template <typename Message>
grpc::Status Answer(const FakeServer& fake, const Message& answer, Message* response) {
  if (fake.failure.ok()) *response = answer;
  return fake.failure;
}

// The page whose number is the token; the token of the next one is set.
template <typename Page>
Page PageOf(const std::vector<Page>& pages, const std::string& token) {
  const std::size_t number = token.empty() ? 0 : std::stoul(token);
  Page page = number < pages.size() ? pages[number] : Page();
  if (number + 1 < pages.size()) page.set_next_page_token(std::to_string(number + 1));
  return page;
}

}  // namespace

CliRun RunThrong(const std::vector<std::string>& arguments) {
  std::vector<const char*> argv = {"throng"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  CliRun run;
  run.exit_code = RunCli(static_cast<int>(argv.size()), argv.data());
  run.out = testing::internal::GetCapturedStdout();
  run.err = testing::internal::GetCapturedStderr();
  return run;
}

grpc::Status MakeStatus(grpc::StatusCode code, const std::string& message,
                        const v1::ErrorDetail& detail) {
  v1::Status trailer;
  trailer.set_code(code);
  trailer.set_message(message);
  trailer.add_details()->PackFrom(detail);
  return {code, message, trailer.SerializeAsString()};
}

class FakeServer::Selections final : public v1::SelectionService::Service {
 public:
  explicit Selections(FakeServer& fake) : fake_(fake) {}
  grpc::Status Count(grpc::ServerContext* context, const v1::CountRequest* request,
                     v1::CountResponse* response) override {
    fake_.count_request = *request;
    if (!fake_.next_counts.empty()) {
      const auto [status, answer] = fake_.next_counts.front();
      fake_.next_counts.pop_front();
      *response = answer;
      return status;
    }
    const absl::Time end = absl::Now() + fake_.delay;
    while (absl::Now() < end && !context->IsCancelled()) absl::SleepFor(absl::Milliseconds(5));
    return Answer(fake_, fake_.count, response);
  }
  grpc::Status Explain(grpc::ServerContext*, const v1::ExplainRequest* request,
                       v1::ExplainResponse* response) override {
    fake_.explain_request = *request;
    return Answer(fake_, fake_.explain, response);
  }
  grpc::Status ListMembers(grpc::ServerContext*, const v1::ListMembersRequest* request,
                           v1::ListMembersResponse* response) override {
    fake_.members_request = *request;
    return Answer(fake_, fake_.members, response);
  }
  grpc::Status ExportMembers(grpc::ServerContext*, const v1::ExportMembersRequest* request,
                             grpc::ServerWriter<v1::ExportMembersResponse>* writer) override {
    fake_.export_request = *request;
    if (!fake_.failure.ok()) return fake_.failure;
    for (const v1::ExportMembersResponse& frame : fake_.export_frames) writer->Write(frame);
    return fake_.export_end;
  }
  grpc::Status ParseExpression(grpc::ServerContext*, const v1::ParseExpressionRequest* request,
                               v1::ParseExpressionResponse* response) override {
    fake_.parse_request = *request;
    return Answer(fake_, fake_.parse, response);
  }
  grpc::Status FormatExpression(grpc::ServerContext*, const v1::FormatExpressionRequest* request,
                                v1::FormatExpressionResponse* response) override {
    fake_.format_request = *request;
    return Answer(fake_, fake_.format, response);
  }

 private:
  FakeServer& fake_;
};

class FakeServer::Insights final : public v1::InsightService::Service {
 public:
  explicit Insights(FakeServer& fake) : fake_(fake) {}
  grpc::Status Breakdown(grpc::ServerContext*, const v1::BreakdownRequest* request,
                         v1::BreakdownResponse* response) override {
    fake_.breakdown_request = *request;
    return Answer(fake_, fake_.breakdown, response);
  }
  grpc::Status Curve(grpc::ServerContext*, const v1::CurveRequest* request,
                     v1::CurveResponse* response) override {
    fake_.curve_request = *request;
    return Answer(fake_, fake_.curve, response);
  }
  grpc::Status CrossTab(grpc::ServerContext*, const v1::CrossTabRequest* request,
                        v1::CrossTabResponse* response) override {
    fake_.cross_tab_request = *request;
    return Answer(fake_, fake_.cross_tab, response);
  }
  grpc::Status Compare(grpc::ServerContext*, const v1::CompareRequest* request,
                       v1::CompareResponse* response) override {
    fake_.compare_request = *request;
    return Answer(fake_, fake_.compare, response);
  }
  grpc::Status Overlap(grpc::ServerContext*, const v1::OverlapRequest* request,
                       v1::OverlapResponse* response) override {
    fake_.overlap_request = *request;
    return Answer(fake_, fake_.overlap, response);
  }
  grpc::Status Statistics(grpc::ServerContext*, const v1::StatisticsRequest* request,
                          v1::StatisticsResponse* response) override {
    fake_.statistics_request = *request;
    return Answer(fake_, fake_.statistics, response);
  }

 private:
  FakeServer& fake_;
};

class FakeServer::Memberships final : public v1::MembershipService::Service {
 public:
  explicit Memberships(FakeServer& fake) : fake_(fake) {}
  grpc::Status Check(grpc::ServerContext*, const v1::CheckRequest* request,
                     v1::CheckResponse* response) override {
    fake_.check_request = *request;
    return Answer(fake_, fake_.check, response);
  }
  grpc::Status BatchCheck(grpc::ServerContext*, const v1::BatchCheckRequest* request,
                          v1::BatchCheckResponse* response) override {
    fake_.batch_check_requests.push_back(*request);
    return Answer(fake_, fake_.batch_check, response);
  }
  grpc::Status StreamChecks(grpc::ServerContext*,
                            grpc::ServerReaderWriter<v1::StreamChecksResponse,
                                                     v1::StreamChecksRequest>* stream) override {
    v1::StreamChecksRequest request;
    while (stream->Read(&request)) {
      if (request.has_setup()) fake_.stream_setup = request.setup();
      v1::StreamChecksResponse response;
      for (const v1::StreamCheck& check : request.checks()) {
        v1::StreamAnswer* answer = response.add_answers();
        answer->set_sequence(check.sequence());
        for (const v1::MemberState state : fake_.stream_states) answer->add_states(state);
      }
      stream->Write(response);
    }
    return fake_.failure;
  }
  grpc::Status WhyMember(grpc::ServerContext*, const v1::WhyMemberRequest* request,
                         v1::WhyMemberResponse* response) override {
    fake_.why_request = *request;
    return Answer(fake_, fake_.why, response);
  }

 private:
  FakeServer& fake_;
};

class FakeServer::Populations final : public v1::PopulationService::Service {
 public:
  explicit Populations(FakeServer& fake) : fake_(fake) {}
  grpc::Status CreatePopulation(grpc::ServerContext*, const v1::CreatePopulationRequest* request,
                                v1::Population* response) override {
    fake_.create_population_request = *request;
    return Answer(fake_, fake_.population, response);
  }
  grpc::Status GetPopulation(grpc::ServerContext*, const v1::GetPopulationRequest* request,
                             v1::Population* response) override {
    fake_.get_population_request = *request;
    return Answer(fake_, fake_.population, response);
  }
  grpc::Status ListPopulations(grpc::ServerContext*, const v1::ListPopulationsRequest*,
                               v1::ListPopulationsResponse* response) override {
    if (fake_.populations_unavailable > 0) {
      --fake_.populations_unavailable;
      return {grpc::StatusCode::UNAVAILABLE, "loading"};
    }
    *response->add_populations() = fake_.population;
    return fake_.failure;
  }

 private:
  FakeServer& fake_;
};

class FakeServer::Tags final : public v1::TagService::Service {
 public:
  explicit Tags(FakeServer& fake) : fake_(fake) {}
  grpc::Status CreateTag(grpc::ServerContext*, const v1::CreateTagRequest* request,
                         v1::Tag* response) override {
    fake_.create_tag_request = *request;
    return Answer(fake_, fake_.tag, response);
  }
  grpc::Status UpdateTag(grpc::ServerContext*, const v1::UpdateTagRequest* request,
                         v1::Tag* response) override {
    fake_.update_tag_request = *request;
    return Answer(fake_, fake_.tag, response);
  }
  grpc::Status GetTag(grpc::ServerContext*, const v1::GetTagRequest* request,
                      v1::Tag* response) override {
    const auto found = fake_.tags.find(request->name());
    if (found == fake_.tags.end())
      return {grpc::StatusCode::NOT_FOUND, "no tag " + request->name()};
    return Answer(fake_, found->second, response);
  }
  grpc::Status ListTags(grpc::ServerContext*, const v1::ListTagsRequest* request,
                        v1::ListTagsResponse* response) override {
    fake_.list_tags_request = *request;
    return Answer(fake_, PageOf(fake_.tag_pages, request->page_token()), response);
  }
  grpc::Status ListTagValues(grpc::ServerContext*, const v1::ListTagValuesRequest* request,
                             v1::ListTagValuesResponse* response) override {
    fake_.values_request = *request;
    return Answer(fake_, PageOf(fake_.value_pages, request->page_token()), response);
  }

 private:
  FakeServer& fake_;
};

class FakeServer::Users final : public v1::UserService::Service {
 public:
  explicit Users(FakeServer& fake) : fake_(fake) {}
  grpc::Status GetPortrait(grpc::ServerContext*, const v1::GetPortraitRequest* request,
                           v1::Portrait* response) override {
    fake_.portrait_request = *request;
    return Answer(fake_, fake_.portrait, response);
  }

 private:
  FakeServer& fake_;
};

FakeServer::FakeServer() {
  services_.push_back(std::make_unique<Selections>(*this));
  services_.push_back(std::make_unique<Insights>(*this));
  services_.push_back(std::make_unique<Memberships>(*this));
  services_.push_back(std::make_unique<Populations>(*this));
  services_.push_back(std::make_unique<Tags>(*this));
  services_.push_back(std::make_unique<Users>(*this));
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  for (const auto& service : services_) builder.RegisterService(service.get());
  server_ = builder.BuildAndStart();
  address_ = fmt::format("127.0.0.1:{}", port);
}

FakeServer::~FakeServer() { server_->Shutdown(); }

CliRun FakeServer::Run(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"--server", address_});
  return RunThrong(arguments);
}

}  // namespace throng::cli
