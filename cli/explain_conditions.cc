#include "cli/explain_conditions.h"

#include <algorithm>
#include <cstdint>

#include "cli/table.h"
#include "cli/terminal_text.h"
#include "cli/withheld.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

constexpr int kBarColumns = 20;
constexpr auto kRight = Table::Align::kRight;

// "+1,234", "-5", "0".
std::string ChangeText(std::uint64_t count, std::uint64_t without) {
  if (without == count) return "0";
  return without > count ? fmt::format("+{}", FormatCount(without - count))
                         : fmt::format("-{}", FormatCount(count - without));
}

std::string RenderEach(const v1::ExplainResponse& response) {
  Table table({{"#", kRight},
               {"CONDITION"},
               {"USERS", kRight},
               {"WITHOUT IT", kRight},
               {"CHANGE", kRight}});
  std::uint64_t number = 0;
  for (const v1::ConditionCount& condition : response.conditions()) {
    const bool known = condition.has_without();
    table.AddRow({FormatCount(++number), condition.condition(),
                  NumberText(condition, "count", condition.count()),
                  known ? FormatCount(condition.without()) : "-",
                  known ? ChangeText(response.count(), condition.without()) : "-"});
  }
  return table.empty() ? "" : table.Render();
}

std::string RenderSteps(const v1::ExplainResponse& response, bool bars) {
  // One step says no more than the count does.
  if (response.waterfall_size() < 2) return "";
  std::uint64_t most = 1;
  for (const v1::WaterfallStep& step : response.waterfall()) most = std::max(most, step.left());
  Table table({{"STEP BY STEP"}, {"LEFT", kRight}, {"LOST", kRight}, {""}});
  const v1::WaterfallStep* before = nullptr;
  for (const v1::WaterfallStep& step : response.waterfall()) {
    const double share = static_cast<double>(step.left()) / static_cast<double>(most);
    const bool known =
        before != nullptr && !IsWithheld(step, "left") && !IsWithheld(*before, "left");
    table.AddRow({step.operand(), NumberText(step, "left", step.left()),
                  known ? FormatCount(before->left() - step.left()) : "",
                  bars ? ShareBar(share, kBarColumns) : ""});
    before = &step;
  }
  return table.Render();
}

}  // namespace

std::string RenderConditions(const v1::ExplainResponse& response, bool bars) {
  const std::string each = RenderEach(response);
  const std::string steps = RenderSteps(response, bars);
  return each.empty() || steps.empty() ? each + steps : each + "\n" + steps;
}

}  // namespace throng::cli
