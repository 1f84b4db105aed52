// An arm of a split as its crowd keeps it, and the rule that makes buckets of weights. The rule is
// documented, with test vectors, so that another system can say who is in which arm (docs/api.md).
//
//   PartitionBuckets({1, 1, 1}, 1'000'000);   // [0, 333334) [333334, 666667) [666667, 1000000)
//   ArmExpression(arm, "base");               // crowd('base') and bucket('salt', 0, 333334)
//
// Internal to the engine. Types are values; functions are thread-safe.
#ifndef THRONG_SERVER_ENGINE_SPLIT_DEFINITION_H_
#define THRONG_SERVER_ENGINE_SPLIT_DEFINITION_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/crowd.h"
#include "query/expression.h"

namespace throng::engine {

// Numbers are part of the disk format (storage/FORMAT.md): never renumbered.
enum class ArmRole : uint8_t {
  kArm = 1,
  kHoldout = 2,  // is left alone, and cannot win
};
std::string_view ArmRoleName(ArmRole role);  // "ARM"

// Buckets [from, to) of index::kBuckets.
struct BucketRange {
  uint32_t from = 0;
  uint32_t to = 0;
  uint32_t size() const { return to - from; }
  friend bool operator==(const BucketRange&, const BucketRange&) = default;
};

struct ArmDefinition {
  std::string split;
  std::string arm;
  ArmRole role = ArmRole::kArm;
  uint32_t position = 0;  // among the arms of the split, from 0; the holdout is the last
  uint32_t weight = 0;
  uint32_t share = 0;   // buckets of all arms together when the split was made
  uint32_t source = 0;  // id of the crowd that is split
  std::string salt;
  std::vector<BucketRange> ranges;  // ascending, disjoint, not adjacent
  bool won = false;                 // got the buckets from `share` on

  uint32_t buckets() const;
  friend bool operator==(const ArmDefinition&, const ArmDefinition&) = default;
};

// The buckets [0, `buckets`) cut into one range a weight, in order: the whole part of its quota
// weight * buckets / sum of weights, and one more for each of the largest remainders, the first of
// equal ones, until none is left. REQUIRES: weights of 1 or more, their sum and `buckets` below
// 2^32.
std::vector<BucketRange> PartitionBuckets(std::span<const uint32_t> weights, uint32_t buckets);

// What the winner has from now on: its ranges and the buckets from `share` on. Nobody else's
// change.
ArmDefinition Winning(ArmDefinition arm);

// CrowdDefinition::details, and back. Errors: kDataLoss when they are no arm's.
std::string EncodeArm(const ArmDefinition& arm);
absl::StatusOr<ArmDefinition> DecodeArm(const index::CrowdDefinition& definition);

// Who is in the arm, when the source is named so.
query::Expression ArmExpression(const ArmDefinition& arm, std::string_view source);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_SPLIT_DEFINITION_H_
