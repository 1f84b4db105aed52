// The orders that a limit takes the first users of: by the number of a tag, or by place under a
// salt. Each gives a user a rank, the least first, and splits sets by rank.
//
//   HashRanks order(salt_hash, snapshot, parallel, check);
//   absl::StatusOr<RankSplit> split = order.Split(users, low, high);
//   split->below, split->within   // with a rank of less than low; from low to high
//
// Internal to the folder. Thread-compatible.
#ifndef THRONG_QUERY_USER_ORDER_H_
#define THRONG_QUERY_USER_ORDER_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "index/ordinal_set.h"
#include "index/parallel.h"
#include "index/snapshot.h"
#include "query/executor.h"
#include "query/limit.h"
#include "query/logical_plan.h"

namespace throng::query {

using OrdinalSetRef = std::shared_ptr<const index::OrdinalSet>;

struct RankSplit {
  OrdinalSetRef below;
  OrdinalSetRef within;
};

// What an execution needs. Borrowed.
struct ExecutionContext {
  const index::Snapshot& snapshot;
  index::Parallel& parallel;
  const Check& check;
};

// The users of two plans, in one pass. Errors: the check's.
absl::StatusOr<RankSplit> SelectBoth(const LogicalPlan& below, const LogicalPlan& within,
                                     const ExecutionContext& context);

class UserOrder {
 public:
  virtual ~UserOrder() = default;
  // REQUIRES: the user has one.
  virtual uint64_t RankOf(uint32_t ordinal) const = 0;
  // Both ends belong to the range. Errors: the check's.
  virtual absl::StatusOr<RankSplit> Split(const OrdinalSetRef& users, uint64_t low,
                                          uint64_t high) const = 0;
};

// Of users who have a number. Larger numbers have larger ranks, descending smaller ones.
class NumberRanks final : public UserOrder {
 public:
  NumberRanks(const NumberOrder& order, const ExecutionContext& context)
      : order_(order), context_(context) {}

  uint64_t RankOf(uint32_t ordinal) const override;
  absl::StatusOr<RankSplit> Split(const OrdinalSetRef& users, uint64_t low,
                                  uint64_t high) const override;

 private:
  LogicalPlan Within(const OrdinalSetRef& users, uint64_t low, uint64_t high) const;

  const NumberOrder order_;
  const ExecutionContext context_;
};

// The place under the salt.
class HashRanks final : public UserOrder {
 public:
  HashRanks(const HashOrder& order, const ExecutionContext& context)
      : order_(order), context_(context) {}

  uint64_t RankOf(uint32_t ordinal) const override;
  absl::StatusOr<RankSplit> Split(const OrdinalSetRef& users, uint64_t low,
                                  uint64_t high) const override;

 private:
  const HashOrder order_;
  const ExecutionContext context_;
};

}  // namespace throng::query

#endif  // THRONG_QUERY_USER_ORDER_H_
