#include "cli/crowd_output.h"

#include <map>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "cli/client.h"
#include "cli/error_output.h"
#include "cli/terminal_text.h"
#include "cli/value_text.h"
#include "cli/withheld.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

std::string_view KindName(v1::CrowdKind kind) {
  switch (kind) {
    case v1::CROWD_KIND_RULE:
      return "RULE";
    case v1::CROWD_KIND_UPLOAD:
      return "UPLOAD";
    case v1::CROWD_KIND_SPLIT:
      return "SPLIT";
    default:
      return "UNKNOWN";
  }
}

std::string Joined(const google::protobuf::RepeatedPtrField<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    if (!text.empty()) text += ", ";
    text += name;
  }
  return text;
}

Json NamesJson(const google::protobuf::RepeatedPtrField<std::string>& names) {
  Json list = Json::array();
  for (const std::string& name : names) list.push_back(name);
  return list;
}

std::string VersionText(const v1::CrowdVersion& version) {
  return fmt::format("{} of {}: {} users, {} came, {} went{}", version.version(),
                     TimestampText(version.create_time()),
                     NumberText(version, "current_count", version.current_count()),
                     NumberText(version, "added", version.added()),
                     NumberText(version, "removed", version.removed()),
                     version.pinned() ? ", pinned" : "");
}

}  // namespace

std::string CountText(const v1::CrowdVersion& version) {
  return NumberText(version, "current_count", version.current_count());
}

std::string CrowdName(const std::string& name, const GlobalOptions& options) {
  return fmt::format("{}/crowds/{}", PopulationName(options), name);
}

absl::Status SetTime(std::string_view flag, const std::string& text,
                     const std::function<google::protobuf::Timestamp*()>& target) {
  if (text.empty()) return absl::OkStatus();
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
    return absl::InvalidArgumentError(
        fmt::format("{}: \"{}\" is not a time such as 2024-05-01T10:00:00+08:00", flag, text));
  }
  const int64_t micros = absl::ToUnixMicros(time);
  google::protobuf::Timestamp* proto = target();
  const int64_t seconds = micros >= 0 ? micros / 1'000'000 : -((-micros + 999'999) / 1'000'000);
  proto->set_seconds(seconds);
  proto->set_nanos(static_cast<int32_t>(micros - seconds * 1'000'000) * 1'000);
  return absl::OkStatus();
}

std::string_view CrowdStateName(v1::CrowdState state) {
  switch (state) {
    case v1::CROWD_STATE_NEW:
      return "NEW";
    case v1::CROWD_STATE_READY:
      return "READY";
    case v1::CROWD_STATE_FROZEN:
      return "FROZEN";
    case v1::CROWD_STATE_DELETED:
      return "DELETED";
    default:
      return "UNKNOWN";
  }
}

Json CrowdVersionJson(const v1::CrowdVersion& version) {
  Json json = {{"version", version.version()},
               {"computed_count", version.computed_count()},
               {"current_count", version.current_count()},
               {"data_version", version.data_version()},
               {"reference_time", TimestampText(version.reference_time())},
               {"create_time", TimestampText(version.create_time())},
               {"previous_version", version.previous_version()},
               {"added", version.added()},
               {"removed", version.removed()},
               {"duration_us", Microseconds(version.duration())},
               {"pinned", version.pinned()}};
  MarkWithheld(version, json);
  return json;
}

Json CrowdJson(const v1::Crowd& crowd) {
  Json labels = Json::object();
  // In order of key: the message's own order is not stable.
  const std::map<std::string, std::string> sorted(crowd.labels().begin(), crowd.labels().end());
  for (const auto& [key, value] : sorted) labels[key] = value;
  Json json{{"crowd", LastPart(crowd.name())},
            {"kind", KindName(crowd.kind())},
            {"state", CrowdStateName(crowd.state())},
            {"expression", crowd.expression()},
            {"time_zone", crowd.time_zone()},
            {"display_name", crowd.display_name()},
            {"description", crowd.description()},
            {"owner", crowd.owner()},
            {"folder", crowd.folder()},
            {"labels", std::move(labels)},
            {"keep_last", crowd.keep_last()},
            {"online", crowd.online()},
            {"byte_budget", crowd.byte_budget()},
            {"etag", crowd.etag()},
            {"create_time", TimestampText(crowd.create_time())},
            {"update_time", TimestampText(crowd.update_time())},
            {"version_count", crowd.version_count()},
            {"references", NamesJson(crowd.references())},
            {"used_by", NamesJson(crowd.used_by())},
            {"data_version", crowd.data_version()}};
  if (crowd.has_reference_time()) json["reference_time"] = TimestampText(crowd.reference_time());
  if (crowd.has_expire_time()) {
    json["delete_time"] = TimestampText(crowd.delete_time());
    json["expire_time"] = TimestampText(crowd.expire_time());
  }
  if (crowd.has_newest_version()) json["newest_version"] = CrowdVersionJson(crowd.newest_version());
  return json;
}

void AddCrowdRow(const v1::Crowd& crowd, Table* table) {
  const bool has_version = crowd.has_newest_version();
  table->AddRow({LastPart(crowd.name()), std::string(KindName(crowd.kind())),
                 std::string(CrowdStateName(crowd.state())),
                 has_version ? CountText(crowd.newest_version()) : "-",
                 has_version ? std::to_string(crowd.newest_version().version()) : "-",
                 crowd.folder(), crowd.display_name()});
}

void PrintCrowd(const v1::Crowd& crowd, std::string_view expression, const GlobalOptions& options) {
  if (options.json) {
    PrintJson(CrowdJson(crowd));
    return;
  }
  for (const v1::Warning& warning : crowd.warnings()) {
    fmt::print(stderr, "{}", RenderWarning(warning, expression));
  }
  Table table({{""}, {""}});
  const auto add = [&table](const char* label, const std::string& text) {
    if (!text.empty()) table.AddRow({label, text});
  };
  add("crowd", LastPart(crowd.name()));
  add("kind", std::string(KindName(crowd.kind())));
  add("state", std::string(CrowdStateName(crowd.state())));
  add("rule", crowd.expression());
  add("zone", crowd.time_zone());
  if (crowd.has_reference_time()) add("at", TimestampText(crowd.reference_time()));
  add("name", crowd.display_name());
  add("description", crowd.description());
  add("owner", crowd.owner());
  add("folder", crowd.folder());
  for (const auto& [key, value] :
       std::map<std::string, std::string>(crowd.labels().begin(), crowd.labels().end())) {
    add("label", fmt::format("{}={}", key, value));
  }
  if (crowd.has_newest_version()) add("version", VersionText(crowd.newest_version()));
  add("keeps", fmt::format("{} versions, has {}", crowd.keep_last(), crowd.version_count()));
  add("rests on", Joined(crowd.references()));
  add("used by", Joined(crowd.used_by()));
  if (crowd.has_expire_time()) {
    add("deleted", fmt::format("{}, can be undeleted until {}", TimestampText(crowd.delete_time()),
                               TimestampText(crowd.expire_time())));
  }
  add("data version", std::to_string(crowd.data_version()));
  fmt::print("{}", table.Render());
}

}  // namespace throng::cli
