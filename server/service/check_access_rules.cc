// Run by the build: says which calls of the API have no rule of access or none of callers
// with a minimum, and fails.
#include <cstdio>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "server/service/access_rules.h"
#include "server/service/minimum_rules.h"

int main() {
  std::vector<std::string> findings =
      throng::service::CheckAccessRows(throng::service::AccessRows());
  const std::vector<std::string> more =
      throng::service::CheckMinimumRows(throng::service::MinimumRows());
  findings.insert(findings.end(), more.begin(), more.end());
  for (const std::string& finding : findings) fmt::print(stderr, "error: {}\n", finding);
  return findings.empty() ? 0 : 1;
}
