#include "cli/split_output.h"

#include <utility>

#include "cli/client.h"
#include "cli/compare_output.h"
#include "cli/crowd_output.h"
#include "cli/selection_options.h"
#include "cli/table.h"
#include "cli/terminal_text.h"
#include "cli/value_text.h"
#include "cli/withheld.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

constexpr auto kRight = Table::Align::kRight;

std::string_view RoleName(v1::SplitRole role) {
  switch (role) {
    case v1::SPLIT_ROLE_ARM:
      return "ARM";
    case v1::SPLIT_ROLE_HOLDOUT:
      return "HOLDOUT";
    default:
      return "UNKNOWN";
  }
}

std::string Percent(double share) { return fmt::format("{:.4g}%", share * 100); }
std::string MillionthsText(std::uint32_t millionths) {
  return Percent(static_cast<double>(millionths) / 1'000'000);
}
std::string ChanceText(double p_value) {
  return p_value < 0.0001 ? "< 0.0001" : fmt::format("{:.4f}", p_value);
}
std::string MeanText(bool has, double mean) { return has ? fmt::format("{:.6g}", mean) : "-"; }

std::string RangesText(const v1::SplitArm& arm) {
  std::string text;
  for (const v1::BucketRange& range : arm.ranges()) {
    text += fmt::format("{}{} to {}", text.empty() ? "" : ", ", range.from(), range.to());
  }
  return text;
}

std::string RenderArms(const v1::Split& split) {
  Table table({{"ARM"},
               {"CROWD"},
               {"WEIGHT", kRight},
               {"SHARE", kRight},
               {"BUCKETS"},
               {"STATE"},
               {"USERS", kRight}});
  for (const v1::SplitArm& arm : split.arms()) {
    std::uint32_t buckets = 0;
    for (const v1::BucketRange& range : arm.ranges()) buckets += range.to() - range.from();
    const bool has_version = arm.has_newest_version();
    table.AddRow({arm.name(), LastPart(arm.crowd()), std::to_string(arm.weight()),
                  MillionthsText(buckets), RangesText(arm),
                  std::string(CrowdStateName(arm.state())),
                  has_version ? CountText(arm.newest_version()) : "-"});
  }
  return table.Render();
}

Json ArmJson(const v1::SplitArm& arm) {
  Json ranges = Json::array();
  for (const v1::BucketRange& range : arm.ranges()) {
    ranges.push_back({{"from", range.from()}, {"to", range.to()}});
  }
  Json json{{"arm", arm.name()},
            {"crowd", LastPart(arm.crowd())},
            {"role", RoleName(arm.role())},
            {"weight", arm.weight()},
            {"ranges", std::move(ranges)},
            {"state", CrowdStateName(arm.state())}};
  if (arm.has_newest_version()) json["newest_version"] = CrowdVersionJson(arm.newest_version());
  return json;
}

std::string RenderSizes(const v1::SplitBalance& balance) {
  Table table({{"ARM"},
               {"USERS", kRight},
               {"SHARE", kRight},
               {"EXPECTED", kRight},
               {"DEVIATIONS", kRight},
               {"P", kRight}});
  for (const v1::ArmBalance& arm : balance.arms()) {
    table.AddRow({arm.name(), NumberText(arm, "count", arm.count()),
                  OrWithheld(arm, "share", Percent(arm.share())), Percent(arm.expected_share()),
                  OrWithheld(arm, "deviations", fmt::format("{:+.2f}", arm.deviations())),
                  OrWithheld(arm, "p_value", ChanceText(arm.p_value()))});
  }
  return table.Render();
}

std::string RenderTags(const v1::SplitBalance& balance) {
  Table table({{"TAG"},
               {"ARM"},
               {"DIFFERENCE", kRight},
               {"BY CHANCE", kRight},
               {"P", kRight},
               {"MEAN", kRight},
               {"OF ALL", kRight}});
  const int tags = balance.arms_size() == 0 ? 0 : balance.arms(0).tags_size();
  for (int i = 0; i < tags; ++i) {
    for (const v1::ArmBalance& arm : balance.arms()) {
      if (i >= arm.tags_size()) continue;
      const v1::ArmTag& tag = arm.tags(i);
      table.AddRow({tag.comparison().tag(), arm.name(), Percent(tag.comparison().difference()),
                    Percent(tag.comparison().by_chance()), ChanceText(tag.comparison().p_value()),
                    MeanText(tag.has_mean(), tag.mean()),
                    MeanText(tag.has_source_mean(), tag.source_mean())});
    }
  }
  return table.empty() ? "" : fmt::format("\n{}", table.Render());
}

}  // namespace

std::string SplitName(const std::string& name, const GlobalOptions& options) {
  return fmt::format("{}/splits/{}", PopulationName(options), name);
}

Json SplitJson(const v1::Split& split) {
  Json arms = Json::array();
  for (const v1::SplitArm& arm : split.arms()) arms.push_back(ArmJson(arm));
  return {{"split", LastPart(split.name())},
          {"source", split.source()},
          {"salt", split.salt()},
          {"share_millionths", split.share_millionths()},
          {"rest_millionths", split.rest_millionths()},
          {"winner", split.winner()},
          {"arms", std::move(arms)},
          {"data_version", split.data_version()}};
}

Json BalanceJson(const v1::SplitBalance& balance) {
  Json arms = Json::array();
  for (const v1::ArmBalance& arm : balance.arms()) {
    Json tags = Json::array();
    for (const v1::ArmTag& tag : arm.tags()) {
      Json json = ComparedTagJson(tag.comparison());
      json["mean"] = tag.has_mean() ? Json(tag.mean()) : Json(nullptr);
      json["source_mean"] = tag.has_source_mean() ? Json(tag.source_mean()) : Json(nullptr);
      tags.push_back(std::move(json));
    }
    Json each = {{"arm", arm.name()},
                 {"crowd", LastPart(arm.crowd())},
                 {"role", RoleName(arm.role())},
                 {"count", arm.count()},
                 {"share", arm.share()},
                 {"expected_share", arm.expected_share()},
                 {"deviations", arm.deviations()},
                 {"p_value", arm.p_value()},
                 {"tags", std::move(tags)}};
    MarkWithheld(arm, each);
    arms.push_back(std::move(each));
  }
  Json json = {{"source", balance.source()},         {"source_count", balance.source_count()},
               {"rest_count", balance.rest_count()}, {"p_value", balance.p_value()},
               {"confidence", balance.confidence()}, {"arms", std::move(arms)}};
  MarkWithheld(balance, json);
  AppendInfo(balance.info(), json);
  return json;
}

void PrintSplit(const v1::Split& split, const GlobalOptions& options) {
  if (options.json) {
    PrintJson(SplitJson(split));
    return;
  }
  fmt::print(
      "{} of \"{}\", salt \"{}\", {} of the crowd in no arm{}\n\n{}",
      Printable(LastPart(split.name())), Printable(split.source()), Printable(split.salt()),
      MillionthsText(split.rest_millionths()),
      split.winner().empty() ? "" : fmt::format(", winner \"{}\"", Printable(split.winner())),
      RenderArms(split));
}

void PrintBalance(const v1::SplitBalance& balance, const GlobalOptions& options) {
  if (options.json) {
    PrintJson(BalanceJson(balance));
    return;
  }
  fmt::print("{} users in \"{}\", {} in no arm; p {} for all sizes\n{}\n\n{}{}",
             NumberText(balance, "source_count", balance.source_count()),
             Printable(balance.source()), NumberText(balance, "rest_count", balance.rest_count()),
             OrWithheld(balance, "p_value", ChanceText(balance.p_value())),
             InfoLine(balance.info()), RenderSizes(balance), RenderTags(balance));
}

}  // namespace throng::cli
