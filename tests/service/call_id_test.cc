// The id of a call, from its metadata to its trailer and the logs; and the log of slow calls.
#include "server/service/call_id.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <sstream>
#include <string>
#include <thread>

#include "grpcpp/client_context.h"
#include "server/service/retry_hint.h"
#include "server/service/server.h"
#include "spdlog/sinks/ostream_sink.h"
#include "spdlog/spdlog.h"
#include "tests/service/status_matchers.h"
#include "tests/service/toy_server.h"
#include "tests/service/whole_fixture.h"

namespace throng::service {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The log goes into a text while this lives.
class CapturedLog {
 public:
  CapturedLog() : before_(spdlog::default_logger()) {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "captured", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_)));
  }
  ~CapturedLog() { spdlog::set_default_logger(before_); }
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  const std::shared_ptr<spdlog::logger> before_;
};

// What comes back of an id; empty: none, or more than one.
std::string ReturnedId(const grpc::ClientContext& context) {
  const auto [first, end] = context.GetServerTrailingMetadata().equal_range(kCallIdKey);
  if (first == end || std::next(first) != end) return "";
  return std::string(first->second.data(), first->second.size());
}

class CallIdTest : public ::testing::Test {
 protected:
  CallIdTest() {
    server_.on_count = [this](const CallScope& scope, const auto&, auto*) {
      seen_ = scope.caller.call_id;
      return answer_;
    };
  }
  // The id that comes back of a count that is sent with `sent`.
  std::string Count(const std::string& sent) {
    grpc::ClientContext context;
    if (!sent.empty()) context.AddMetadata(kCallIdKey, sent);
    v1::CountResponse response;
    server_.selections().Count(&context, v1::CountRequest(), &response);
    return ReturnedId(context);
  }

  ToyServer server_{{}};
  std::string seen_;
  absl::Status answer_;
};

TEST_F(CallIdTest, TheCallersIsReturned) {
  const std::string longest(kCallIdBytesMax, 'x');
  for (const std::string& id : {std::string("a"), std::string("8f0e-1.2_3:4/5+6=@Z"), longest}) {
    EXPECT_EQ(Count(id), id);
    EXPECT_EQ(seen_, id);
  }
  answer_ = absl::InternalError("no");
  EXPECT_EQ(Count("of-an-error"), "of-an-error");
}

TEST_F(CallIdTest, OneThatIsNotFitIsReplaced) {
  for (const std::string& id : {std::string(kCallIdBytesMax + 1, 'x'), std::string("a b"),
                                std::string("a\"b"), std::string("event=x;")}) {
    const std::string returned = Count(id);
    EXPECT_NE(returned, id);
    EXPECT_FALSE(returned.empty());
    EXPECT_EQ(returned, seen_);
  }
  EXPECT_NE(Count(""), Count(""));
}

TEST_F(CallIdTest, AFailureOfTheServerIsLoggedWithIt) {
  const CapturedLog log;
  answer_ = absl::InternalError("broken");
  Count("find-me");
  EXPECT_THAT(log.text(), HasSubstr("event=call_failed call_id=find-me"));
}

class SlowCallTest : public WholeServerTest {};

TEST_F(SlowCallTest, HasALineWithItsPlanAndNoIds) {
  ServiceLimits limits;
  limits.slow_call_min = std::chrono::milliseconds(0);
  server_->SetLimits(limits);
  {
    const CapturedLog log;
    Count("city = 'Beijing'");
    EXPECT_EQ(log.text(), "");
  }
  limits.slow_call_min = std::chrono::milliseconds(1);
  server_->SetLimits(limits);
  const CapturedLog log;
  // Long enough to take a millisecond, and longer than a line may be.
  std::string slow = "ids('12345678'";
  for (int i = 0; i < 200'000; ++i) slow += ", '" + std::to_string(900'000'000 + i) + "'";
  Count(slow + ") or city = 'Beijing'");
  EXPECT_THAT(log.text(), HasSubstr("event=slow_call call_id="));
  EXPECT_THAT(log.text(), HasSubstr("method=SelectionService/Count code=OK queue_ms="));
  EXPECT_THAT(log.text(), HasSubstr("expression=\"ids(200001 ids) or city = 'Beijing'\""));
  EXPECT_THAT(log.text(), Not(HasSubstr("12345678")));
  EXPECT_THAT(log.text(), Not(HasSubstr("plan=")));
}

TEST_F(SlowCallTest, ThePlanIsThatOfTheExpression) {
  engine::CallNotes notes(engine::CallNotes::Detail::kBrief);
  engine::CallContext context;
  context.notes = &notes;
  ASSERT_TRUE(engine_->selections().Count(context, {.what = "graduate and city = 'Beijing'"}).ok());
  const EndedCall call{.method = "SelectionService/Count",
                       .caller = context,
                       .notes = notes,
                       .data_version = 0,
                       .code = absl::StatusCode::kOk,
                       .took = std::chrono::seconds(1)};
  const std::string plan = PlanOf(*engine_, call);
  EXPECT_THAT(plan, HasSubstr("graduate"));
  EXPECT_THAT(plan, HasSubstr("Beijing"));
  const CapturedLog log;
  LogSlowCall(engine_.get(), call);
  EXPECT_THAT(log.text(), HasSubstr("plan=\""));
  EXPECT_THAT(log.text(), HasSubstr("engine_ms=1000.0 data_version="));
}

}  // namespace
}  // namespace throng::service
