// States of users in crowds as `throng check` prints them.
//
//   StateName(v1::MEMBER_STATE_UNKNOWN_USER);   // "unknown"
//   StateLine("u17", response.states());        // "u17,member,not\n"
//
// Thread-safe functions.
#ifndef THRONG_CLI_MEMBER_STATES_H_
#define THRONG_CLI_MEMBER_STATES_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cli/json_output.h"
#include "google/protobuf/repeated_field.h"
#include "throng/v1/membership.pb.h"

namespace throng::cli {

// "member", "not", "unknown", "invalid" or "no version".
std::string_view StateName(int state);

// A line of CSV: the id, then a state a crowd.
std::string StateLine(std::string_view id, const google::protobuf::RepeatedField<int>& states);
// {"id": ..., "crowds": {"spring": "member"}}
Json StatesJson(std::string_view id, const std::vector<std::string>& crowds,
                const google::protobuf::RepeatedField<int>& states);

// How many users have each state, by its number. "2 members, 1 not, 3 unknown": what is 0 but for
// members is left out.
std::string CountsText(const std::map<int, uint64_t>& counts);

}  // namespace throng::cli

#endif  // THRONG_CLI_MEMBER_STATES_H_
