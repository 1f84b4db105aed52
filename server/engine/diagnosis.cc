#include "server/engine/diagnosis.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "fmt/format.h"
#include "index/error.h"
#include "query/condition_tree.h"
#include "query/executor.h"
#include "query/linter.h"
#include "query/normalizer.h"

namespace throng::engine {
namespace {

constexpr size_t kWarningsMax = 100;
// Operands that are tried together with the one that leaves nobody: each is a count.
constexpr size_t kPairsMax = 32;
constexpr size_t kTextBytesMax = 120;

// `text` in a message, cut between two characters.
std::string Quoted(std::string_view text) {
  if (text.size() <= kTextBytesMax) return fmt::format("[{}]", text);
  size_t size = kTextBytesMax;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  return fmt::format("[{}...]", text.substr(0, size));
}

class Diagnosis {
 public:
  Diagnosis(const ResolvedSelection& bound, ExplainResult* result)
      : bound_(bound), result_(*result), by_logic_(result->info.warnings) {}

  void OfConditions() {
    const uint64_t everybody = bound_.snapshot->user_count();
    if (everybody == 0) return;
    for (size_t i = 0; i < result_.conditions.size(); ++i) {
      const ExplainCondition& condition = result_.conditions[i];
      // The linter has said it. By number, not by place: a tree's conditions have none.
      if (query::Judge(bound_.resolved.conditions[i].plan) != query::Verdict::kSome) continue;
      if (condition.count == 0) {
        Warn("CONDITION_EMPTY", condition.span,
             fmt::format("nobody matches {} now", Quoted(condition.text)));
      } else if (condition.count == everybody) {
        Warn("CONDITION_EVERYBODY", condition.span,
             fmt::format("everybody matches {} now", Quoted(condition.text)));
      } else if (condition.changed == 0 && result_.count > 0) {
        // In an empty crowd all conditions but those that empty it change nothing.
        Warn("REDUNDANT_CONDITION", condition.span,
             fmt::format("without {} the crowd is the same now", Quoted(condition.text)));
      }
    }
  }

  absl::Status OfConjunction() {
    if (result_.count > 0 || bound_.snapshot->user_count() == 0) return absl::OkStatus();
    const auto* conjunction = std::get_if<query::LogicalAnd>(&bound_.resolved.plan.node);
    const std::vector<ExplainStep>& steps = result_.waterfall;
    if (conjunction == nullptr || conjunction->operands.size() != steps.size() || IsSaid()) {
      return absl::OkStatus();
    }
    size_t last = 0;
    while (last + 1 < steps.size() && steps[last].left > 0) ++last;
    THRONG_ASSIGN_OR_RETURN(const uint64_t own, CountAll({conjunction->operands[last]}));
    if (own == 0) {
      Warn("CONTRADICTION", {}, fmt::format("nobody matches {} now", Quoted(steps[last].text)));
      return absl::OkStatus();
    }
    for (size_t i = 0; i < std::min(last, kPairsMax); ++i) {
      THRONG_ASSIGN_OR_RETURN(const uint64_t both,
                              CountAll({conjunction->operands[i], conjunction->operands[last]}));
      if (both > 0) continue;
      Warn("CONTRADICTION", {},
           fmt::format("nobody matches both {} and {} now", Quoted(steps[i].text),
                       Quoted(steps[last].text)));
      return absl::OkStatus();
    }
    Warn("CONTRADICTION", {},
         fmt::format("nobody matches the first {} conditions together now; {} leave before {}",
                     last + 1, steps[last - 1].left, Quoted(steps[last].text)));
    return absl::OkStatus();
  }

 private:
  // Whether a warning already says why nobody is left: of the logic, or of conditions that nobody
  // matches. Those may stand where they empty nothing.
  bool IsSaid() const {
    const bool by_logic =
        std::holds_alternative<query::Nobody>(bound_.normalized.node) &&
        std::any_of(by_logic_.begin(), by_logic_.end(),
                    [](const query::Warning& warning) { return warning.reason == "ALWAYS_EMPTY"; });
    return by_logic || IsDecided(query::MakeConditionTree(bound_.expression), false);
  }
  // Whether it follows from the conditions that nobody matches that nobody matches the node, or
  // that `everybody` does.
  bool IsDecided(const query::ConditionNode& node, bool everybody) const {
    using Kind = query::ConditionNode::Kind;
    const bool all = everybody != node.negated;
    const auto is_decided = [&](const query::ConditionNode& operand) {
      return IsDecided(operand, all);
    };
    switch (node.kind) {
      case Kind::kCondition:
        return !all && result_.conditions[node.condition].count == 0;
      case Kind::kEverybody:
        return all;
      case Kind::kNobody:
        return !all;
      case Kind::kAnd:
      case Kind::kOr:
        break;
    }
    const std::vector<query::ConditionNode>& operands = node.operands;
    return (node.kind == Kind::kAnd) == all
               ? std::all_of(operands.begin(), operands.end(), is_decided)
               : std::any_of(operands.begin(), operands.end(), is_decided);
  }

  absl::StatusOr<uint64_t> CountAll(std::vector<query::LogicalPlan> operands) const {
    query::LogicalPlan plan = operands.size() == 1
                                  ? std::move(operands.front())
                                  : query::LogicalPlan{query::LogicalAnd{std::move(operands)}};
    return query::CountUsers(
        query::MakePhysicalPlan(query::Normalize(std::move(plan), bound_.snapshot->catalogue()),
                                *bound_.snapshot),
        *bound_.snapshot, bound_.universe->parallel(), bound_.check);
  }

  void Warn(std::string_view reason, const query::SourceSpan& span, std::string message) {
    if (result_.info.warnings.size() - by_logic_.size() >= kWarningsMax) return;
    result_.info.warnings.push_back({std::string(reason), std::move(message), span});
  }

  const ResolvedSelection& bound_;
  ExplainResult& result_;
  const std::vector<query::Warning> by_logic_;
};

}  // namespace

void AddMissingCounts(const index::Snapshot& snapshot, std::vector<query::Warning>* warnings) {
  for (query::Warning& warning : *warnings) {
    if (warning.tag.empty()) continue;
    const index::TagEntry* entry = snapshot.catalogue().Find(warning.tag);
    const index::TagContent* content = snapshot.content(entry->definition.id);
    const uint64_t with_value = content == nullptr ? 0 : content->ExistsCardinality();
    warning.message += fmt::format("; they are {} now", snapshot.user_count() - with_value);
  }
}

absl::Status Diagnose(const ResolvedSelection& bound, ExplainResult* result) {
  Diagnosis diagnosis(bound, result);
  diagnosis.OfConditions();
  return diagnosis.OfConjunction();
}

}  // namespace throng::engine
