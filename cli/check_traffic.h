// Checks of users as they come, over one stream: what `throng check --stream` does.
//
//   CheckTraffic traffic{.population = "populations/default", .crowds = {"spring"}};
//   return CheckStreamOf(traffic, *lines, options);
#ifndef THRONG_CLI_CHECK_TRAFFIC_H_
#define THRONG_CLI_CHECK_TRAFFIC_H_

#include <string>
#include <vector>

#include "cli/global_options.h"
#include "cli/id_lines.h"

namespace throng::cli {

// A plain value; thread-compatible.
struct CheckTraffic {
  std::string population;
  std::string id_type;
  std::vector<std::string> crowds;
  bool skip_missing = false;
};

// Sends each id and prints its answer, in order, as soon as it comes. Returns the exit code.
int CheckStreamOf(const CheckTraffic& traffic, IdLines& lines, const GlobalOptions& options);

}  // namespace throng::cli

#endif  // THRONG_CLI_CHECK_TRAFFIC_H_
