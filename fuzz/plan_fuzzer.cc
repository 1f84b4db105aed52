// Makes a population, with blocks of every form and deltas, and plans out of the input, and
// compares what the engine selects with a naive evaluation (tests/testing/plan_case.h).
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/testing/plan_case.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string wrong = throng::testing::CheckPlanCase({data, size});
  if (wrong.empty()) return 0;
  std::fprintf(stderr, "%s\n", wrong.c_str());
  std::abort();
}
