// Compared tags as `throng compare` and `throng split balance` print them.
//
//   Json json = ComparedTagJson(tag);
//
// Thread-safe functions.
#ifndef THRONG_CLI_COMPARE_OUTPUT_H_
#define THRONG_CLI_COMPARE_OUTPUT_H_

#include "cli/json_output.h"
#include "throng/v1/compare.pb.h"

namespace throng::cli {

Json ComparedRowJson(const v1::ComparedRow& row);
Json ComparedTagJson(const v1::ComparedTag& tag);

}  // namespace throng::cli

#endif  // THRONG_CLI_COMPARE_OUTPUT_H_
