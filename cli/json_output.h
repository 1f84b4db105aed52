// The JSON that `--json` prints: one stable shape an answer, documented in docs/cli.md.
//
//   PrintJson(CountJson(response));
//   // {"count":12,"data_version":7,"engine_us":431,...}
//
// Counts, versions and times are JSON numbers; exact decimals, days and times are strings. Fields
// keep their order; new ones may be added, none is renamed.
#ifndef THRONG_CLI_JSON_OUTPUT_H_
#define THRONG_CLI_JSON_OUTPUT_H_

#include <grpcpp/grpcpp.h>

#include <string>
#include <string_view>

#include "nlohmann/json.hpp"
#include "throng/v1/insight.pb.h"
#include "throng/v1/population.pb.h"
#include "throng/v1/selection.pb.h"
#include "throng/v1/tag.pb.h"
#include "throng/v1/user.pb.h"

namespace throng::cli {

using Json = nlohmann::ordered_json;

// One line on stdout. Text that is not UTF-8 is replaced, never thrown over.
void PrintJson(const Json& json);

// Whole microseconds.
std::int64_t Microseconds(const google::protobuf::Duration& duration);

// data_version, engine_us, canonical_expression, reference_time, time_zone, exact, warnings, and
// crowds where some were read: the fields that every answer about users ends with.
void AppendInfo(const v1::ResultInfo& info, Json& json);

Json CountJson(const v1::CountResponse& response);
Json ExplainJson(const v1::ExplainResponse& response, bool plan_only);
Json BreakdownJson(const v1::BreakdownResponse& response);
Json MembersJson(const v1::ListMembersResponse& response);
Json PortraitJson(const v1::Portrait& portrait);
Json TagJson(const v1::Tag& tag);
Json PopulationJson(const v1::Population& population);

// A tag's value: INTEGER a number, FLAG a boolean, all else a string.
Json ValueJson(const v1::Value& value);

// {"error": {...}}.
Json FailureJson(const grpc::Status& status, std::string_view server);
Json UsageJson(std::string_view message);

}  // namespace throng::cli

#endif  // THRONG_CLI_JSON_OUTPUT_H_
