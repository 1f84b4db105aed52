#include "server/engine/crowd_rules.h"

#include <charconv>
#include <functional>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <variant>

#include "fmt/format.h"
#include "index/error.h"
#include "index/overloaded.h"
#include "query/formatter.h"
#include "query/lexer.h"
#include "query/parser.h"
#include "server/engine/split_definition.h"

namespace throng::engine {
namespace {

using query::Condition;
using query::CrowdRef;
using query::Expression;

// Calls the visitors for every tag and crowd that the expression names, in the order written.
// Stops at the first error.
class NameWalk {
 public:
  NameWalk(std::function<void(const std::string&)> tag,
           std::function<absl::Status(CrowdRef&)> crowd)
      : tag_(std::move(tag)), crowd_(std::move(crowd)) {}

  absl::Status Walk(Expression& expression) {
    return std::visit(index::Overloaded{
                          [&](query::And& node) { return WalkAll(node.operands); },
                          [&](query::Or& node) { return WalkAll(node.operands); },
                          [&](query::Not& node) { return WalkAll(node.operand); },
                          [&](query::Limited& node) {
                            const auto* order = std::get_if<query::ByTag>(&node.order);
                            if (order != nullptr) tag_(order->tag);
                            return WalkAll(node.operand);
                          },
                          [&](Condition& node) {
                            tag_(node.tag);
                            return absl::OkStatus();
                          },
                          [&](CrowdRef& node) { return crowd_(node); },
                          [](auto&) { return absl::OkStatus(); },
                      },
                      expression.node);
  }

 private:
  absl::Status WalkAll(std::vector<Expression>& operands) {
    for (Expression& operand : operands) THRONG_RETURN_IF_ERROR(Walk(operand));
    return absl::OkStatus();
  }

  const std::function<void(const std::string&)> tag_;
  const std::function<absl::Status(CrowdRef&)> crowd_;
};

// The id of a kept name: "#17".
std::optional<uint32_t> KeptId(std::string_view name) {
  uint32_t id = 0;
  if (!name.starts_with('#')) return std::nullopt;
  const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), id);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return id;
}

}  // namespace

absl::Status UnknownReference(const CrowdRef& crowd, const CrowdView& view) {
  return query::MakeSyntaxError(
      "UNKNOWN_CROWD",
      {.span = crowd.name_span,
       .message = fmt::format("there is no crowd \"{}\"", query::Excerpt(crowd.name)),
       .expected = "the name of a crowd",
       .suggestion = view.Nearest(crowd.name)});
}

absl::Status DeletedReference(const CrowdRef& crowd) {
  return index::MakeError(
      absl::StatusCode::kFailedPrecondition,
      fmt::format("crowd \"{}\" was deleted: undelete it, or take another one", crowd.name),
      {.reason = "CROWD_DELETED",
       .line = crowd.name_span.line,
       .column = crowd.name_span.column,
       .length = crowd.name_span.length});
}

absl::StatusOr<KeptRule> KeepRule(const Expression& expression, const index::Snapshot& snapshot,
                                  const CrowdView& view) {
  Expression kept = expression;
  std::set<uint32_t> tags;
  std::set<uint32_t> references;
  NameWalk walk(
      [&](const std::string& name) {
        const index::TagEntry* tag = snapshot.catalogue().Find(name);
        if (tag != nullptr) tags.insert(tag->definition.id);
      },
      [&](CrowdRef& reference) -> absl::Status {
        const index::CrowdEntry* crowd = view.Find(reference.name);
        if (crowd == nullptr) return UnknownReference(reference, view);
        if (crowd->definition->deleted()) return DeletedReference(reference);
        references.insert(crowd->definition->id);
        reference.name = fmt::format("#{}", crowd->definition->id);
        return absl::OkStatus();
      });
  THRONG_RETURN_IF_ERROR(walk.Walk(kept));
  KeptRule rule{.text = query::Format(kept),
                .references = {references.begin(), references.end()},
                .tags = {tags.begin(), tags.end()}};
  if (rule.text.size() > index::kCrowdRuleBytesMax) {
    return index::LimitExceeded(absl::StatusCode::kInvalidArgument, "RULE_TOO_LONG",
                                "the rule's canonical text in bytes", index::kCrowdRuleBytesMax,
                                rule.text.size());
  }
  return rule;
}

bool HasRule(const index::CrowdDefinition& definition) {
  return definition.kind != index::CrowdKind::kUpload && !definition.frozen;
}

absl::StatusOr<Expression> NamedRule(const index::CrowdDefinition& definition,
                                     const index::CrowdCatalogue& crowds) {
  if (definition.kind == index::CrowdKind::kSplit) {
    THRONG_ASSIGN_OR_RETURN(const ArmDefinition arm, DecodeArm(definition));
    const index::CrowdEntry* source = crowds.FindById(arm.source);
    return ArmExpression(
        arm, source == nullptr ? fmt::format("#{}", arm.source) : source->definition->name);
  }
  absl::StatusOr<Expression> rule = query::Parse(definition.rule, query::ExpressionLimits());
  if (!rule.ok()) {
    return absl::DataLossError(
        fmt::format("the rule of crowd \"{}\" cannot be read", definition.name));
  }
  NameWalk walk([](const std::string&) {},
                [&](CrowdRef& reference) {
                  const index::CrowdEntry* crowd =
                      crowds.FindById(KeptId(reference.name).value_or(0));
                  if (crowd != nullptr) reference.name = crowd->definition->name;
                  return absl::OkStatus();
                });
  THRONG_RETURN_IF_ERROR(walk.Walk(*rule));
  return rule;
}

std::string NamedRuleText(const index::CrowdDefinition& definition,
                          const index::CrowdCatalogue& crowds) {
  const bool is_arm = definition.kind == index::CrowdKind::kSplit && !definition.frozen;
  if (definition.rule.empty() && !is_arm) return {};
  const absl::StatusOr<Expression> rule = NamedRule(definition, crowds);
  return rule.ok() ? query::Format(*rule) : definition.rule;
}

}  // namespace throng::engine
