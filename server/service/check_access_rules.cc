// Run by the build: says which calls of the API have no rule of access, and fails.
#include <cstdio>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "server/service/access_rules.h"

int main() {
  const std::vector<std::string> findings =
      throng::service::CheckAccessRows(throng::service::AccessRows());
  for (const std::string& finding : findings) fmt::print(stderr, "error: {}\n", finding);
  return findings.empty() ? 0 : 1;
}
