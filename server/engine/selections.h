// Counting, explaining, listing and exporting the users a selection means.
//
//   engine.selections().Count(context, {.what = "is_graduate and city = 'Beijing'"})->count;
#ifndef THRONG_SERVER_ENGINE_SELECTIONS_H_
#define THRONG_SERVER_ENGINE_SELECTIONS_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "query/leaf_choice.h"
#include "query/physical_plan.h"
#include "query/plan_estimate.h"
#include "server/engine/call_context.h"
#include "server/engine/exclusions.h"
#include "server/engine/quick_turns.h"
#include "server/engine/sample.h"
#include "server/engine/selection.h"

namespace throng::engine {

class Universes;

inline constexpr uint32_t kPageSizeMax = 100'000;
inline constexpr uint32_t kExportTagsMax = 64;
// Counts that are answered on the thread that asks: what one is reckoned to take at most.
inline constexpr uint64_t kQuickCountNs = 200'000;
// And what it may take where that was reckoned wrongly, before it is left to others.
inline constexpr std::chrono::milliseconds kQuickCountMax{2};

struct CountResult {
  uint64_t count = 0;
  ResultInfo info;
  // Where a sample was asked for: `count` is an estimate.
  std::optional<SampleReport> sample = std::nullopt;
  SampleRange range = {};
  // Where the selection has exclusions and no sample was asked for.
  std::optional<ExclusionReport> exclusions = std::nullopt;
};

// What an operator did while the plan was counted as Count counts it.
struct ExplainRun {
  std::optional<uint64_t> users;  // given to its parent; unset where nobody counted them
  uint64_t chunks = 0;
  uint64_t chunks_in_parent = 0;  // of `chunks`: in one pass with its parent's other operands
  uint64_t chunks_skipped = 0;
  std::chrono::nanoseconds time{0};
  query::LeafAccesses accesses;
};
struct ExplainNode {
  uint32_t depth = 0;
  std::string operator_name;
  std::string detail;
  uint64_t estimated_users = 0;
  query::OperatorEstimate estimate;
  query::PlanRewrite rewrite;
  uint64_t values_asked = 0;  // values, ranges or ids that are asked for
  uint64_t values_of_tag = 0;
  uint64_t actual_users = 0;
  uint64_t chunks = 0;
  std::chrono::nanoseconds time{0};
  std::optional<ExplainRun> run;  // ExplainOptions::analyze
};
struct ExplainCondition {
  std::string text;
  uint64_t count = 0;  // of who matches it, whatever the rest says
  query::SourceSpan span;
  // The count of the expression without it, and the users that are in one of the two crowds only
  // (query/marginals.h says what "without" means). Absent where nothing ran or they are left out.
  std::optional<uint64_t> without;
  std::optional<uint64_t> changed;
};
// An operand of the outermost and, with the users that are left after it and those written before;
// else the expression. The last one is the limit, if there is one.
struct ExplainStep {
  std::string text;
  uint64_t left = 0;
};
struct ExplainStage {
  std::string name;
  std::string text;
};
// Of an expression with a limit: all but `count` and the last step is of what it is taken of.
struct ExplainResult {
  uint64_t count = 0;
  std::vector<ExplainNode> nodes;  // pre-order
  std::vector<ExplainCondition> conditions;
  std::vector<ExplainStep> waterfall;
  std::vector<ExplainStage> stages;
  std::chrono::nanoseconds run_time{0};  // of the analysed count, from start to end
  ResultInfo info;
};
struct ExplainOptions {
  bool plan_only = false;  // estimates, nothing runs
  bool analyze = false;    // what ran; not with plan_only
  // No nodes and no stages: what an editor shows, for little more than a count. Not with the above.
  bool conditions_only = false;
};

struct MembersPage {
  std::vector<std::string> ids;
  std::string next_page_token;  // empty: the last page
  uint64_t total = 0;
  ResultInfo info;
};

// Rows of an export, at most 8,192 a frame.
struct ExportFrame {
  bool numeric = false;
  std::vector<uint64_t> numbers;                  // numeric
  std::vector<std::string> ids;                   // otherwise
  std::vector<std::vector<std::string>> columns;  // a tag asked for, a text a row
};
struct ExportStart {
  uint64_t total = 0;
  ResultInfo info;
};
// Called in order, on the caller's thread: once start, then frames. An error ends the export.
struct ExportSink {
  std::function<absl::Status(const ExportStart&)> start;
  std::function<absl::Status(ExportFrame)> frame;
  std::function<absl::Status(std::string bytes)> roaring;  // the whole bitmap
};
struct ExportOptions {
  std::vector<std::string> tags;
  bool roaring = false;
};

// Thread-safe. Errors of all calls: kInvalidArgument (expression: where and why), kNotFound
// (UNKNOWN_POPULATION), kFailedPrecondition (VERSION_GONE), kDeadlineExceeded, kCancelled.
class Selections {
 public:
  explicit Selections(Universes& universes, uint32_t query_threads = 1);

  absl::StatusOr<CountResult> Count(const CallContext& context, const Selection& selection);
  // The same where it is reckoned to take no more than kQuickCountNs on one core and needs neither
  // the disk nor another crowd's rule: on the calling thread, without waiting. Nothing where it is
  // more, where an error is to be told, and while quick_turns_ has no turn: ask Count then.
  std::optional<CountResult> CountNow(const CallContext& context, const Selection& selection);
  // An estimate from a sample, with its range. Errors: as CheckSample.
  absl::StatusOr<CountResult> CountSample(const CallContext& context, const Selection& selection,
                                          const SampleRequest& sample);
  // Warns also of what the data says: conditions that change nothing or contradict each other
  // (server/engine/diagnosis.h). Errors: kInvalidArgument (field "analyze" with plan_only,
  // "conditions_only" with either).
  absl::StatusOr<ExplainResult> Explain(const CallContext& context, const Selection& selection,
                                        const ExplainOptions& options);
  // `page_size` 1 to kPageSizeMax. Errors: kInvalidArgument (BAD_PAGE_TOKEN, page_size).
  absl::StatusOr<MembersPage> ListMembers(const CallContext& context, const Selection& selection,
                                          uint32_t page_size, const std::string& page_token);
  absl::Status Export(const CallContext& context, const Selection& selection,
                      const ExportOptions& options, const ExportSink& sink);

 private:
  Universes& universes_;
  QuickTurns quick_turns_;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_SELECTIONS_H_
