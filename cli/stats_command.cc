// throng stats: what the server is doing and what its populations take.
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/table.h"
#include "cli/terminal_text.h"
#include "cli/value_text.h"
#include "fmt/format.h"
#include "throng/v1/admin.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng stats
  throng stats --json | jq .write_state
Commits are timed from the call until they are visible. Memory is that of the newest version.)help";

std::uint64_t TotalBytes(const v1::MemoryStats& memory) {
  return memory.bitmap_blocks() + memory.bitmap_deltas() + memory.bitmap_overhead() +
         memory.columns() + memory.column_deltas() + memory.dictionary();
}

Json MemoryJson(const v1::MemoryStats& memory) {
  return {{"bitmap_blocks", memory.bitmap_blocks()},
          {"bitmap_deltas", memory.bitmap_deltas()},
          {"bitmap_overhead", memory.bitmap_overhead()},
          {"columns", memory.columns()},
          {"column_deltas", memory.column_deltas()},
          {"dictionary", memory.dictionary()},
          {"total", TotalBytes(memory)}};
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
               {"memory_bytes", MemoryJson(stats.memory())},
               {"leased_versions", stats.leased_versions()},
               {"oldest_leased_version", stats.oldest_leased_version()}};
  if (stats.has_last_fold_time()) json["last_fold_us"] = Microseconds(stats.last_fold_time());
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

void PrintPopulation(const v1::PopulationStats& stats) {
  const v1::MemoryStats& memory = stats.memory();
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
  table.AddRow({"memory", FormatCount(TotalBytes(memory)) + " bytes"});
  table.AddRow(
      {"  bitmaps",
       fmt::format("{} blocks, {} deltas, {} overhead", FormatCount(memory.bitmap_blocks()),
                   FormatCount(memory.bitmap_deltas()), FormatCount(memory.bitmap_overhead()))});
  table.AddRow({"  columns", fmt::format("{} blocks, {} deltas", FormatCount(memory.columns()),
                                         FormatCount(memory.column_deltas()))});
  table.AddRow({"  ids", FormatCount(memory.dictionary())});
  table.AddRow({"leased versions",
                stats.leased_versions() == 0
                    ? std::string("0")
                    : fmt::format("{}, the oldest {}", FormatCount(stats.leased_versions()),
                                  stats.oldest_leased_version())});
  fmt::print("\n{}", table.Render());
}

int RunStats(const GlobalOptions& options) {
  const auto stub = v1::AdminService::NewStub(Connect(options));
  grpc::ClientContext context;
  SetDeadline(options, context);
  v1::ServerStats stats;
  const grpc::Status status = stub->GetStats(&context, {}, &stats);
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
  command->callback([&options, &exit_code] { exit_code = RunStats(options); });
}

}  // namespace throng::cli
