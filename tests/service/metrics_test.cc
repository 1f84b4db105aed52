// The metrics of a whole server: exact numbers for a known history, a disk that fails, calls of
// every kind of end, and what the endpoint refuses.
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "grpcpp/client_context.h"
#include "gtest/gtest.h"
#include "server/service/metrics_endpoint.h"
#include "tests/service/health_check.h"
#include "tests/service/whole_fixture.h"
#include "tests/testing/failing_disk.h"
#include "tests/testing/scrape.h"

namespace throng::service {
namespace {

using testing::FailingDisk;
using testing::Faults;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::MetricLabels;
using testing::Scrape;
using ::testing::StartsWith;

// The label of a method of the API, e.g. "SelectionService/Count".
std::string Method(const std::string& name) { return "throng.v1." + name; }

std::unique_ptr<MetricsEndpoint> StartEndpoint(const EngineGate& gate, const CallMetrics& calls,
                                               const LoadMetrics& load) {
  absl::StatusOr<std::unique_ptr<MetricsEndpoint>> endpoint =
      MetricsEndpoint::Start("127.0.0.1:0", gate, calls, load);
  EXPECT_TRUE(endpoint.ok()) << endpoint.status();
  return endpoint.ok() ? *std::move(endpoint) : nullptr;
}

class MetricsTest : public WholeServerTest {
 protected:
  MetricsTest() { options_.file_system = disk_.hook(); }
  ~MetricsTest() override {
    endpoint_.reset();
    Stop();  // before the disk goes
  }
  void SetUp() override {
    WholeServerTest::SetUp();
    endpoint_ = StartEndpoint(server_->gate(), call_metrics_, server_->load_metrics());
    ASSERT_NE(endpoint_, nullptr);
  }

  Scrape Metrics() { return testing::ScrapeMetrics(endpoint_->port()); }
  // Scrapes until `name` has the value.
  bool Becomes(const std::string& name, const MetricLabels& labels, double value) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (std::chrono::steady_clock::now() < end) {
      if (Metrics().Value(name, labels) == value) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

  FailingDisk disk_;
  std::unique_ptr<MetricsEndpoint> endpoint_;
};

TEST_F(MetricsTest, NamesFollowTheConventions) {
  const Scrape scrape = Metrics();
  EXPECT_THAT(Faults(scrape), IsEmpty());
  EXPECT_GE(scrape.families.size(), 25u);
}

TEST_F(MetricsTest, ACallOfEachMethodIsCountedOnceWithItsCode) {
  for (int i = 0; i < 5; ++i) Count("all()");
  v1::Selection wrong;
  wrong.set_expression("nothing = 1");
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(CountStatus(wrong).ok());
  v1::ExportMembersRequest request;
  request.mutable_selection()->set_expression("all()");
  Export(request);
  const Scrape scrape = Metrics();
  const std::string count = Method("SelectionService/Count");
  const auto requests = [&](const std::string& method, const std::string& code) {
    return scrape.Value("throng_rpc_requests_total", {{"method", method}, {"code", code}});
  };
  EXPECT_EQ(requests(count, "OK"), 5);
  EXPECT_EQ(requests(count, "INVALID_ARGUMENT"), 2);
  EXPECT_EQ(requests(count, "NOT_FOUND"), std::nullopt) << "made when there is one";
  EXPECT_EQ(requests(Method("SelectionService/ExportMembers"), "OK"), 1);
  EXPECT_EQ(requests(Method("UserService/Load"), "OK"), 1);      // the fixture's
  EXPECT_EQ(requests(Method("TagService/CreateTag"), "OK"), 7);  // likewise
  EXPECT_EQ(requests(Method("TagService/UpdateTag"), "OK"), 0) << "rates need a zero to start from";
  EXPECT_EQ(scrape.Sum("throng_rpc_requests_total"), 5 + 2 + 1 + 1 + 7);
  EXPECT_EQ(scrape.Sum("throng_rpc_duration_seconds_count"), 5 + 2 + 1 + 1 + 7);
  EXPECT_EQ(scrape.Value("throng_rpc_duration_seconds_count", {{"method", count}}), 7);
  EXPECT_GT(*scrape.Value("throng_rpc_duration_seconds_sum", {{"method", count}}), 0);
  EXPECT_EQ(scrape.Sum("throng_rpc_in_flight"), 0);
}

TEST_F(MetricsTest, OnlyMethodsOfTheApiAreLabels) {
  Health(channel_, "");
  std::string response;
  for (const char* method : {"/throng.v1.SelectionService/Nothing", "/made.up.Service/Count"}) {
    EXPECT_EQ(CallWithBytes(channel_, method, "", &response).error_code(),
              grpc::StatusCode::UNIMPLEMENTED);
  }
  const Scrape scrape = Metrics();
  size_t methods = 0;
  for (const auto& [labels, value] :
       scrape.families.at("throng_rpc_in_flight").samples.at("throng_rpc_in_flight")) {
    ++methods;
    EXPECT_THAT(labels.at("method"), StartsWith("throng.v1."));
  }
  EXPECT_EQ(methods, 64u);  // the methods in proto/throng/v1
  EXPECT_EQ(scrape.Sum("throng_rpc_requests_total"), 1 + 7) << "the fixture's";
}

TEST_F(MetricsTest, ACallUnderWayIsInFlight) {
  const MetricLabels load = {{"method", Method("UserService/Load")}};
  grpc::ClientContext context;
  const auto stream = users_->Load(&context);
  v1::LoadRequest request;
  *request.mutable_header() = Header(v1::LOAD_MODE_UPSERT, {"city"});
  ASSERT_TRUE(stream->Write(request));
  EXPECT_TRUE(Becomes("throng_rpc_in_flight", load, 1));
  context.TryCancel();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(Becomes("throng_rpc_in_flight", load, 0));
  EXPECT_EQ(Metrics().Value("throng_rpc_requests_total",
                            {{"method", Method("UserService/Load")}, {"code", "CANCELLED"}}),
            1);
}

TEST_F(MetricsTest, APopulationIsWhatGetStatsSays) {
  const Scrape scrape = Metrics();
  const absl::StatusOr<engine::ServerStats> stats =
      engine_->administration().Stats(engine::CallContext(), "");
  ASSERT_TRUE(stats.ok()) << stats.status();
  ASSERT_EQ(stats->populations.size(), 1u);
  const engine::PopulationStats& population = stats->populations[0];
  const auto value = [&](const std::string& name) {
    return scrape.Value("throng_population_" + name, {{"population", "default"}});
  };
  EXPECT_EQ(value("users"), kUsers);
  EXPECT_EQ(value("tags"), 7);
  EXPECT_EQ(value("data_version"), population.data_version);
  EXPECT_GT(population.data_version, 0u);
  EXPECT_EQ(value("folded_version"), population.folded_version);
  EXPECT_EQ(value("log_bytes"), population.log_bytes);
  EXPECT_GT(population.log_bytes, 0u);
  EXPECT_EQ(value("commit_duration_seconds_count"), population.commits.count);
  EXPECT_GT(population.commits.count, 0u);
  EXPECT_NEAR(*value("commit_duration_seconds_sum"), population.commits.total.count() / 1e9, 1e-9);
  EXPECT_NEAR(*value("commit_duration_max_seconds"), population.commits.longest.count() / 1e9,
              1e-9);
  EXPECT_EQ(value("leased_versions"), population.leased_versions);
  EXPECT_EQ(scrape.Sum("throng_population_memory_bytes"), population.memory.total());
  EXPECT_EQ(
      scrape.Value("throng_population_memory_bytes", {{"population", "default"}, {"kind", "ids"}}),
      population.memory.ids);
}

TEST_F(MetricsTest, ASecondPopulationIsALabelAndACommitIsSeen) {
  v1::CreatePopulationRequest request;
  request.set_population_id("houses");
  request.mutable_population()->set_primary_id_type("house_id");
  grpc::ClientContext context;
  v1::Population population;
  const grpc::Status created = populations_->CreatePopulation(&context, request, &population);
  ASSERT_TRUE(created.ok()) << created.error_message();
  const MetricLabels mine = {{"population", "default"}};
  const double version = *Metrics().Value("throng_population_data_version", mine);
  ASSERT_TRUE(WriteUser("somebody").ok());
  const Scrape scrape = Metrics();
  EXPECT_EQ(scrape.Value("throng_population_data_version", mine), version + 1);
  EXPECT_EQ(scrape.Value("throng_population_users", mine), kUsers + 1);
  EXPECT_EQ(scrape.Value("throng_population_users", {{"population", "houses"}}), 0);
  EXPECT_THAT(Faults(scrape), IsEmpty());
}

TEST_F(MetricsTest, AFoldIsSeen) {
  const MetricLabels mine = {{"population", "default"}};
  EXPECT_EQ(Metrics().Value("throng_population_last_fold_duration_seconds", mine), std::nullopt);
  ASSERT_TRUE(engine_->administration().Fold().ok());
  const Scrape scrape = Metrics();
  EXPECT_EQ(scrape.Value("throng_population_folded_version", mine),
            scrape.Value("throng_population_data_version", mine));
  EXPECT_EQ(scrape.Value("throng_population_log_bytes", mine), 0);
  EXPECT_GT(*scrape.Value("throng_population_last_fold_duration_seconds", mine), 0);
}

TEST_F(MetricsTest, TheProcessIsThere) {
  const Scrape scrape = Metrics();
  EXPECT_GT(*scrape.Value("process_resident_memory_bytes"), 1 << 20);
  EXPECT_GT(*scrape.Value("process_virtual_memory_bytes"),
            *scrape.Value("process_resident_memory_bytes"));
  EXPECT_GT(*scrape.Value("process_open_fds"), 3);
  EXPECT_GT(*scrape.Value("process_max_fds"), *scrape.Value("process_open_fds"));
  EXPECT_TRUE(scrape.Value("process_cpu_seconds_total").has_value());
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const double now_seconds = std::chrono::duration<double>(now).count();
  // Boot times are whole seconds.
  EXPECT_LT(*scrape.Value("process_start_time_seconds"), now_seconds + 2);
  EXPECT_GT(*scrape.Value("process_start_time_seconds"), now_seconds - 24 * 3600);
}

TEST_F(MetricsTest, OtherPathsAreNotFound) {
  EXPECT_THAT(testing::HttpGet(endpoint_->port(), "/"), HasSubstr(" 404 "));
  EXPECT_THAT(testing::HttpGet(endpoint_->port(), "/metrics/../../etc/passwd"), HasSubstr(" 404 "));
}

class ReadOnlyMetricsTest : public MetricsTest {
 protected:
  ReadOnlyMetricsTest() {
    options_.resume_pause_ms = 1;
    options_.resume_pause_ms_max = 20;
  }

  void GoesOneWayAndBack(FailingDisk::Error error, const std::string& reason,
                         const std::string& other) {
    const std::string name = "throng_store_read_only";
    Scrape scrape = Metrics();
    EXPECT_EQ(scrape.Sum(name), 0);
    EXPECT_EQ(scrape.Value("throng_store_read_only_seconds"), 0);
    EXPECT_EQ(scrape.Value("throng_store_resume_attempts_total"), 0);
    disk_.Fail(error);
    ASSERT_FALSE(WriteUser("nobody").ok());
    ASSERT_TRUE(Becomes(name, {{"reason", reason}}, 1));
    scrape = Metrics();
    EXPECT_EQ(scrape.Value(name, {{"reason", other}}), 0);
    EXPECT_GT(*scrape.Value("throng_store_read_only_seconds"), 0);
    EXPECT_LT(*scrape.Value("throng_store_read_only_seconds"), 24 * 3600);
    EXPECT_EQ(scrape.Value("throng_population_users", {{"population", "default"}}), kUsers);
    EXPECT_EQ(scrape.Value("throng_serving"), 1) << "reads go on";
    EXPECT_THAT(Faults(scrape), IsEmpty());
    disk_.Heal();
    ASSERT_TRUE(Becomes(name, {{"reason", reason}}, 0));
    scrape = Metrics();
    EXPECT_EQ(scrape.Sum(name), 0);
    EXPECT_EQ(scrape.Value("throng_store_read_only_seconds"), 0);
    EXPECT_GE(*scrape.Value("throng_store_resume_attempts_total"), 1);
    EXPECT_TRUE(WriteUser("somebody").ok());
  }
};

TEST_F(ReadOnlyMetricsTest, AFullDisk) {
  GoesOneWayAndBack(FailingDisk::Error::kFull, "DISK_FULL", "READ_ONLY");
}

TEST_F(ReadOnlyMetricsTest, ABrokenDisk) {
  GoesOneWayAndBack(FailingDisk::Error::kBroken, "READ_ONLY", "DISK_FULL");
}

TEST(MetricsEndpointTest, SaysHowFarLoadingIs) {
  EngineGate gate;
  const CallMetrics calls(ServiceNames());
  const LoadMetrics load;
  const std::unique_ptr<MetricsEndpoint> endpoint = StartEndpoint(gate, calls, load);
  ASSERT_NE(endpoint, nullptr);
  gate.ReportLoading(42, 100);
  const Scrape scrape = testing::ScrapeMetrics(endpoint->port());
  EXPECT_EQ(scrape.Value("throng_serving"), 0);
  EXPECT_EQ(scrape.Value("throng_loading_ratio"), 0.42);
  EXPECT_EQ(scrape.families.count("throng_population_users"), 0u);
  EXPECT_EQ(scrape.families.count("throng_store_read_only"), 0u);
  EXPECT_THAT(Faults(scrape), IsEmpty());
}

TEST(MetricsEndpointTest, SaysWhyItCannotListen) {
  EngineGate gate;
  const CallMetrics calls(ServiceNames());
  const LoadMetrics load;
  const std::unique_ptr<MetricsEndpoint> endpoint = StartEndpoint(gate, calls, load);
  ASSERT_NE(endpoint, nullptr);
  const std::string address = fmt::format("127.0.0.1:{}", endpoint->port());
  const absl::Status taken = MetricsEndpoint::Start(address, gate, calls, load).status();
  EXPECT_EQ(taken.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(taken.message(),
            fmt::format("cannot listen on {} for metrics: Address already in use", address));
  for (const std::string bad : {"127.0.0.1", "127.0.0.1:x", "1,127.0.0.1:0", "[::1]:0"}) {
    EXPECT_EQ(MetricsEndpoint::Start(bad, gate, calls, load).status().code(),
              absl::StatusCode::kInvalidArgument)
        << bad;
  }
}

TEST(ScrapeTest, FaultsAreFound) {
  const auto faults = [](const std::string& body) { return Faults(testing::ParseScrape(body)); };
  const std::string good = "# HELP throng_a_total A.\n# TYPE throng_a_total counter\n";
  EXPECT_THAT(faults(good + "throng_a_total{x=\"y\",z=\"1\"} 1\nthrong_a_total 2\n"), IsEmpty());
  for (const std::string bad :
       {"throng_b 1\n", "throng_a_total -1\n", "throng_a_total{x=y} 1\n", "throng_a_total\n",
        "throng_a_total 1\nthrong_a_total 1\n", "# HELP throng_b B.\n", "# TYPE throng_b gauge\n",
        "# HELP throng_b B.\n# TYPE throng_b counter\n",
        "# HELP throng_b_total B.\n# TYPE throng_b_total gauge\n",
        "# HELP other_b B.\n# TYPE other_b gauge\n", "# HELP throng_B B.\n# TYPE throng_B gauge\n",
        "# HELP throng_b B.\n# TYPE throng_b summary\nthrong_b_sum 1\nthrong_b_count 1\n"}) {
    EXPECT_FALSE(faults(good + bad).empty()) << bad;
  }
  const std::string histogram =
      "# HELP throng_b_seconds B.\n# TYPE throng_b_seconds histogram\nthrong_b_seconds_sum 1\n"
      "throng_b_seconds_count 2\nthrong_b_seconds_bucket{le=\"0.5\"} 1\n";
  EXPECT_THAT(faults(histogram + "throng_b_seconds_bucket{le=\"+Inf\"} 2\n"), IsEmpty());
  EXPECT_FALSE(faults(histogram + "throng_b_seconds_bucket{le=\"+Inf\"} 0\n").empty());
  EXPECT_FALSE(faults(histogram + "throng_b_seconds_bucket{le=\"+Inf\"} 3\n").empty());
}

}  // namespace
}  // namespace throng::service
