// throng stats: what the server is doing and what its populations take.
#include <cstdint>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/schema.h"
#include "cli/table.h"
#include "cli/terminal_text.h"
#include "cli/value_text.h"
#include "fmt/format.h"
#include "throng/v1/admin.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng stats
  throng stats --tags
  throng stats --json | jq .write_state
Commits are timed from the call until they are visible. Memory is that of the newest version, with
what the allocator adds; "older versions, besides" is what only older ones hold.)help";

// Tags that a table shows unless all are asked for, and more than a population has.
constexpr std::uint32_t kTagsShown = 10;
constexpr std::uint32_t kTagsAll = 1'000'000;

Json BlocksJson(const v1::BlockStats& blocks) {
  return {{"count", blocks.count()}, {"bytes", blocks.bytes()}};
}

Json MemoryJson(const v1::MemoryStats& memory) {
  return {{"bitmap_blocks", memory.bitmap_blocks()},
          {"bitmap_deltas", memory.bitmap_deltas()},
          {"bitmap_overhead", memory.bitmap_overhead()},
          {"columns", memory.columns()},
          {"column_deltas", memory.column_deltas()},
          {"dictionary", memory.dictionary()},
          {"value_dictionaries", memory.value_dictionaries()},
          {"total", memory.total()},
          {"of_columns", {{"codes", memory.code_columns()}}},
          {"of_dictionary", {{"linked_ids", memory.linked_ids()}}},
          {"of_bitmap_blocks",
           {{"arrays", BlocksJson(memory.arrays())},
            {"bitsets", BlocksJson(memory.bitsets())},
            {"runs", BlocksJson(memory.runs())},
            {"full", BlocksJson(memory.full())},
            {"small", BlocksJson(memory.small())}}}};
}

Json TagStatsJson(const v1::TagStats& stats) {
  return {{"tag", LastPart(stats.tag())},
          {"type", TagTypeName(stats.type())},
          {"user_count", stats.user_count()},
          {"value_count", stats.value_count()},
          {"memory_bytes", MemoryJson(stats.memory())}};
}

// The members of a population's statistics that say what is in memory.
void AddMemoryJson(const v1::PopulationStats& stats, Json* json) {
  const v1::OlderVersions& older = stats.older_versions();
  (*json)["memory_bytes"] = MemoryJson(stats.memory());
  (*json)["universe_memory_bytes"] = MemoryJson(stats.universe().memory());
  (*json)["older_versions"] = {{"count", older.count()},
                               {"oldest_version", older.oldest_version()},
                               {"oldest_age_us", Microseconds(older.oldest_age())},
                               {"bytes", older.bytes()}};
  (*json)["tags"] = Json::array();
  for (const v1::TagStats& tag : stats.tags()) (*json)["tags"].push_back(TagStatsJson(tag));
}

Json PopulationStatsJson(const v1::PopulationStats& stats) {
  Json json = {{"population", LastPart(stats.population())},
               {"user_count", stats.user_count()},
               {"tag_count", stats.tag_count()},
               {"data_version", stats.data_version()},
               {"folded_version", stats.folded_version()},
               {"log_bytes", stats.log_bytes()},
               {"last_fold_us", nullptr},
               {"commits", stats.commits().count()},
               {"commit_mean_us", Microseconds(stats.commits().mean_time())},
               {"commit_max_us", Microseconds(stats.commits().max_time())},
               {"leased_versions", stats.leased_versions()},
               {"oldest_leased_version", stats.oldest_leased_version()}};
  if (stats.has_last_fold_time()) json["last_fold_us"] = Microseconds(stats.last_fold_time());
  AddMemoryJson(stats, &json);
  return json;
}

Json StatsJson(const v1::ServerStats& stats, const GlobalOptions& options) {
  const v1::WriteState& state = stats.write_state();
  Json write_state = {{"writable", state.writable()},
                      {"reason", state.reason()},
                      {"message", state.message()},
                      {"since", nullptr},
                      {"resume_attempts", state.resume_attempts()}};
  if (state.has_since()) write_state["since"] = TimestampText(state.since());
  Json populations = Json::array();
  for (const v1::PopulationStats& population : stats.populations()) {
    populations.push_back(PopulationStatsJson(population));
  }
  return {{"server", options.server},
          {"version", stats.version()},
          {"uptime_us", Microseconds(stats.uptime())},
          {"write_state", std::move(write_state)},
          {"populations", std::move(populations)}};
}

void PrintServer(const v1::ServerStats& stats, const GlobalOptions& options) {
  Table table({{""}, {""}});
  table.AddRow({"server", options.server});
  table.AddRow({"version", stats.version()});
  table.AddRow(
      {"up", absl::FormatDuration(absl::Trunc(ToDuration(stats.uptime()), absl::Seconds(1)))});
  const v1::WriteState& state = stats.write_state();
  if (state.writable()) {
    table.AddRow({"writes", "accepted"});
  } else {
    table.AddRow({"writes", fmt::format("refused since {} ({}), {} attempts to go on",
                                        TimestampText(state.since()), state.reason(),
                                        FormatCount(state.resume_attempts()))});
    table.AddRow({"", state.message()});
  }
  fmt::print("{}", table.Render());
}

void PrintMemory(const v1::PopulationStats& stats) {
  const v1::MemoryStats& memory = stats.memory();
  Table table({{"MEMORY"}, {"BYTES", Table::Align::kRight}, {"PIECES", Table::Align::kRight}});
  const auto row = [&](const char* name, std::uint64_t bytes) {
    table.AddRow({name, FormatCount(bytes)});
  };
  const auto blocks = [&](const char* name, const v1::BlockStats& stats) {
    if (stats.count() == 0) return;
    table.AddRow({name, FormatCount(stats.bytes()), FormatCount(stats.count())});
  };
  blocks("bitmaps: arrays", memory.arrays());
  blocks("bitmaps: bitsets", memory.bitsets());
  blocks("bitmaps: runs", memory.runs());
  blocks("bitmaps: full", memory.full());
  blocks("bitmaps: small", memory.small());
  row("bitmaps: deltas", memory.bitmap_deltas());
  row("bitmaps: overhead", memory.bitmap_overhead());
  row("columns: numbers", memory.columns() - memory.code_columns());
  row("columns: codes", memory.code_columns());
  row("columns: deltas", memory.column_deltas());
  row("user ids", memory.dictionary() - memory.linked_ids());
  row("other ids", memory.linked_ids());
  row("value dictionaries", memory.value_dictionaries());
  row("total", memory.total());
  row("older versions, besides", stats.older_versions().bytes());
  fmt::print("\n{}", table.Render());
}

void AddTagRow(const v1::TagStats& stats, const std::string& name, Table* table) {
  const v1::MemoryStats& memory = stats.memory();
  table->AddRow({name, FormatCount(stats.user_count()), FormatCount(stats.value_count()),
                 FormatCount(memory.bitmap_blocks() + memory.bitmap_overhead()),
                 FormatCount(memory.columns()),
                 FormatCount(memory.bitmap_deltas() + memory.column_deltas()),
                 FormatCount(memory.value_dictionaries()), FormatCount(memory.total())});
}

void PrintTags(const v1::PopulationStats& stats) {
  if (stats.tags().empty()) return;
  constexpr auto kRight = Table::Align::kRight;
  Table table({{"TAG"},
               {"USERS", kRight},
               {"VALUES", kRight},
               {"BITMAPS", kRight},
               {"COLUMN", kRight},
               {"DELTAS", kRight},
               {"TEXTS", kRight},
               {"BYTES", kRight}});
  for (const v1::TagStats& tag : stats.tags()) {
    AddTagRow(tag, std::string(LastPart(tag.tag())), &table);
  }
  AddTagRow(stats.universe(), "(all users)", &table);
  fmt::print("\n{}", table.Render());
  if (static_cast<std::uint32_t>(stats.tags_size()) < stats.tag_count()) {
    fmt::print("{} of {} tags; --tags shows all\n", stats.tags_size(),
               FormatCount(stats.tag_count()));
  }
}

void PrintPopulation(const v1::PopulationStats& stats) {
  Table table({{""}, {""}});
  table.AddRow({"population", LastPart(stats.population())});
  table.AddRow({"users", FormatCount(stats.user_count())});
  table.AddRow({"tags", FormatCount(stats.tag_count())});
  table.AddRow({"data version", std::to_string(stats.data_version())});
  table.AddRow({"folded version", std::to_string(stats.folded_version())});
  table.AddRow({"log", FormatCount(stats.log_bytes()) + " bytes"});
  table.AddRow({"last fold", stats.has_last_fold_time()
                                 ? DurationText(ToDuration(stats.last_fold_time()))
                                 : std::string("none yet")});
  table.AddRow(
      {"commits", fmt::format("{}, mean {}, longest {}", FormatCount(stats.commits().count()),
                              DurationText(ToDuration(stats.commits().mean_time())),
                              DurationText(ToDuration(stats.commits().max_time())))});
  table.AddRow({"leased versions",
                stats.leased_versions() == 0
                    ? std::string("0")
                    : fmt::format("{}, the oldest {}", FormatCount(stats.leased_versions()),
                                  stats.oldest_leased_version())});
  const v1::OlderVersions& older = stats.older_versions();
  table.AddRow({"older versions",
                older.count() == 0 ? std::string("0")
                                   : fmt::format("{}, the oldest {}, replaced {} ago",
                                                 FormatCount(older.count()), older.oldest_version(),
                                                 DurationText(ToDuration(older.oldest_age())))});
  fmt::print("\n{}", table.Render());
  PrintMemory(stats);
  PrintTags(stats);
}

int RunStats(const GlobalOptions& options, bool has_all_tags) {
  const auto stub = v1::AdminService::NewStub(Connect(options));
  grpc::ClientContext context;
  SetDeadline(options, context);
  v1::ServerStats stats;
  v1::GetStatsRequest request;
  request.set_tags_max(has_all_tags || options.json ? kTagsAll : kTagsShown);
  const grpc::Status status = stub->GetStats(&context, request, &stats);
  if (!status.ok()) return ReportFailure(status, options);
  if (options.json) {
    PrintJson(StatsJson(stats, options));
    return kExitOk;
  }
  PrintServer(stats, options);
  for (const v1::PopulationStats& population : stats.populations()) PrintPopulation(population);
  return kExitOk;
}

}  // namespace

void RegisterStatsCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("stats", "What the server is doing, of all its populations");
  command->footer(kExamples);
  auto all_tags = std::make_shared<bool>(false);
  command->add_flag("--tags", *all_tags, "All tags, not only the ten that take most memory");
  command->callback([&options, &exit_code, all_tags] { exit_code = RunStats(options, *all_tags); });
}

}  // namespace throng::cli
