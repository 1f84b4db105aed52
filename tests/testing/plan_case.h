// A population with blocks of every form, deltas and a plan, all made from bytes; and whether the
// engine selects whom a naive evaluation does.
//
//   std::string wrong = CheckPlanCase(bytes);   // "" when all agree
//
// The naive side keeps a std::bitset a value and shares no code with blocks, columns, kernels or
// execution. Any bytes make a valid case; those that are missing are 0.
#ifndef THRONG_TESTS_TESTING_PLAN_CASE_H_
#define THRONG_TESTS_TESTING_PLAN_CASE_H_

#include <cstdint>
#include <span>
#include <string>

namespace throng::testing {

// Compares the count, the members, the analysed count, the profile and what the estimate calls
// exact. Returns what differs and the plan. Thread-safe.
std::string CheckPlanCase(std::span<const uint8_t> bytes);

}  // namespace throng::testing

#endif  // THRONG_TESTS_TESTING_PLAN_CASE_H_
