// Splits as `throng split` prints them.
//
//   PrintSplit(split, options);
//
// Thread-safe functions, but for what prints.
#ifndef THRONG_CLI_SPLIT_OUTPUT_H_
#define THRONG_CLI_SPLIT_OUTPUT_H_

#include <string>

#include "cli/global_options.h"
#include "cli/json_output.h"
#include "throng/v1/split.pb.h"

namespace throng::cli {

// "populations/default/splits/copy".
std::string SplitName(const std::string& name, const GlobalOptions& options);

Json SplitJson(const v1::Split& split);
Json BalanceJson(const v1::SplitBalance& balance);

void PrintSplit(const v1::Split& split, const GlobalOptions& options);
void PrintBalance(const v1::SplitBalance& balance, const GlobalOptions& options);

}  // namespace throng::cli

#endif  // THRONG_CLI_SPLIT_OUTPUT_H_
