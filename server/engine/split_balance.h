// How even the arms of a split are: their sizes against what their buckets promise, and each arm
// against the whole source over chosen tags.
//
//   const SplitBalance balance = *splits.Balance(context, {.split = "copy", .tags = {"city"}});
//   balance.p_value;                     // that chance makes sizes so uneven
//   balance.arms[0].tags[0].p_value;     // that chance makes the cities so uneven
//
// Arms are taken as they are now: of the source's newest version, whether or not the arm was
// refreshed since; a frozen arm is its last version. What the measures of tags mean is said in
// server/engine/compare.h. Types are values; thread-compatible.
#ifndef THRONG_SERVER_ENGINE_SPLIT_BALANCE_H_
#define THRONG_SERVER_ENGINE_SPLIT_BALANCE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/engine/call_context.h"
#include "server/engine/compare.h"
#include "server/engine/selection.h"
#include "server/engine/split_definition.h"

namespace throng::engine {

class Universes;
struct SplitInfo;

inline constexpr size_t kBalanceTagsMax = 32;

struct BalanceRequest {
  std::string population = "default";
  std::string split;
  std::vector<std::string> tags;  // of any type; none: sizes only
  uint32_t rows_max = 20;         // of a tag
  double confidence = 0.95;       // that an arm's intervals hold at once; 0.5 to 0.9999
};

// An arm's numbers beside the source's: of INTEGER and DECIMAL tags, users with a value only.
struct MeanDeviation {
  std::optional<double> mean;  // in the tag's unit; absent: nobody has one
  std::optional<double> source_mean;
};

struct ArmBalance {
  ArmDefinition arm;
  std::string crowd;
  uint64_t count = 0;
  double share = 0;                  // of the source, 0 to 1
  double expected_share = 0;         // its buckets
  double deviations = 0;             // of the count from the expected one, in standard deviations
  double p_value = 1;                // that chance makes the count deviate so far
  std::vector<ComparedTag> tags;     // in the order asked for
  std::vector<MeanDeviation> means;  // of each tag
};

struct SplitBalance {
  std::string source;
  uint64_t source_count = 0;
  uint64_t rest_count = 0;  // users of the source in no arm
  // That chance makes the sizes of all arms, and of the rest, so uneven: chi-square. Below 0.001
  // it is time to look for what is wrong.
  double p_value = 1;
  std::vector<ArmBalance> arms;
  ResultInfo info;
};

// Internal to the engine. Errors: as Splits::Balance.
absl::StatusOr<SplitBalance> MeasureBalance(Universes& universes, const CallContext& context,
                                            const SplitInfo& split, const BalanceRequest& request);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_SPLIT_BALANCE_H_
