// throng watch: a count that follows the data.
#include <csignal>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/error_output.h"
#include "cli/flag_checks.h"
#include "cli/json_output.h"
#include "cli/selection_options.h"
#include "cli/terminal_text.h"
#include "cli/withheld.h"
#include "fmt/format.h"
#include "throng/v1/selection.grpc.pb.h"

namespace throng::cli {
namespace {

constexpr const char* kExamples = R"help(Examples:
  throng watch "city = 'Beijing' and views_7d > 3"
  throng watch "crowd('spring_sale')" --interval 200ms
  throng watch "register_date = today()" --count 10 --json

Counts again and again, each time on the newest data version, and says how many users there are
whenever the data version or the count has changed: on a terminal one line is drawn again, elsewhere
each change is a line. While the server is away it is asked again. Ctrl-C ends it, as does --count
after so many changes.)help";

struct WatchArguments {
  SelectionOptions selection;
  absl::Duration interval = absl::Seconds(1);
  std::uint64_t changes = 0;
};

volatile std::sig_atomic_t g_stopped = 0;

// Ctrl-C ends the watch in good order while one of these lives; a second one ends the process.
class StopSignal {
 public:
  StopSignal() {
    g_stopped = 0;
    struct sigaction action = {};
    action.sa_handler = [](int) { g_stopped = 1; };
    action.sa_flags = SA_RESETHAND;
    sigaction(SIGINT, &action, &before_);
  }
  ~StopSignal() { sigaction(SIGINT, &before_, nullptr); }
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  bool stopped() const { return g_stopped != 0; }
  // Returns early when it is stopped.
  void Sleep(absl::Duration duration) const {
    const absl::Time end = absl::Now() + duration;
    while (!stopped() && absl::Now() < end) {
      absl::SleepFor(std::min(end - absl::Now(), absl::Milliseconds(50)));
    }
  }

 private:
  struct sigaction before_ = {};
};

// Draws one line again on a terminal, or writes one after the other.
class WatchLine {
 public:
  explicit WatchLine(bool json) : json_(json), drawn_again_(!json && IsTerminal(stdout)) {}

  void Show(const v1::CountResponse& response) {
    if (json_) {
      PrintJson(CountJson(response));
    } else {
      const std::string text = Text(response);
      fmt::print("{}", drawn_again_ ? fmt::format("\r\x1b[K{}", text) : fmt::format("{}\n", text));
    }
    std::fflush(stdout);
    before_.reset();
    if (!IsWithheld(response, "count")) before_ = response.count();
    has_shown_ = true;
  }
  void Say(std::string_view message) const {
    fmt::print(stderr, "{}{}\n", drawn_again_ ? "\r\x1b[K" : "", PrintableLines(message));
  }
  void Finish() const {
    if (drawn_again_ && has_shown_) fmt::print("\n");
  }

 private:
  // "12,345 users (+3), data version 7, 10:31:07"
  std::string Text(const v1::CountResponse& response) const {
    std::string change;
    const bool is_known = !IsWithheld(response, "count");
    if (is_known && before_.has_value() && response.count() != *before_) {
      const bool more = response.count() > *before_;
      change = fmt::format(
          " ({}{})", more ? '+' : '-',
          FormatCount(more ? response.count() - *before_ : *before_ - response.count()));
    }
    return fmt::format("{}{}, data version {}, {}", UsersText(response), change,
                       response.info().data_version(),
                       absl::FormatTime("%H:%M:%S", absl::Now(), absl::LocalTimeZone()));
  }

  const bool json_;
  const bool drawn_again_;
  bool has_shown_ = false;
  std::optional<std::uint64_t> before_;  // empty: nothing, or what was withheld
};

// Whether it is worth asking again. A server that ends cancels what comes meanwhile.
bool IsAway(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE ||
         status.error_code() == grpc::StatusCode::CANCELLED ||
         status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED ||
         status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED;
}

int Watch(const WatchArguments& arguments, const v1::CountRequest& request,
          const GlobalOptions& options) {
  const auto stub = v1::SelectionService::NewStub(Connect(options));
  const StopSignal stop;
  WatchLine line(options.json);
  std::optional<v1::CountResponse> shown;
  std::uint64_t changes = 0;
  bool is_away = false;
  while (!stop.stopped()) {
    v1::CountResponse response;
    grpc::ClientContext context;
    SetDeadline(options, context);
    const grpc::Status status = stub->Count(&context, request, &response);
    if (!status.ok() && (!shown.has_value() || !IsAway(status))) {
      line.Finish();
      return ReportFailure(status, options, request.selection().expression());
    }
    if (status.ok() == is_away) {
      is_away = !is_away;
      line.Say(is_away ? fmt::format("{}: trying again", FailureMessage(status, options.server))
                       : "the server is back");
    }
    const bool changed =
        status.ok() && (!shown.has_value() || shown->count() != response.count() ||
                        shown->info().data_version() != response.info().data_version());
    if (changed) {
      if (!shown.has_value() && !options.json) {
        PrintWarnings(response.info(), request.selection().expression());
      }
      line.Show(response);
      shown = response;
      if (++changes == arguments.changes) break;
    }
    stop.Sleep(arguments.interval);
  }
  line.Finish();
  return kExitOk;
}

int RunWatch(const WatchArguments& arguments, const GlobalOptions& options) {
  const absl::StatusOr<v1::Selection> selection = MakeSelection(arguments.selection, options);
  if (!selection.ok()) return ReportUsage(selection.status(), options);
  if (selection->read_version() != 0) {
    return ReportUsage("--read-version does not change: use throng count", options);
  }
  v1::CountRequest request;
  *request.mutable_selection() = *selection;
  return Watch(arguments, request, options);
}

}  // namespace

void RegisterWatchCommand(CLI::App& app, GlobalOptions& options, int& exit_code) {
  CLI::App* command = app.add_subcommand("watch", "A count that follows the data");
  auto arguments = std::make_shared<WatchArguments>();
  AddSelectionOptions(*command, arguments->selection);
  command
      ->add_option_function<std::string>(
          "--interval",
          [arguments](const std::string& text) { absl::ParseDuration(text, &arguments->interval); },
          "Between two counts, e.g. 200ms; 1s unless given")
      ->type_name("DURATION")
      ->check(CheckDuration, "");
  command->add_option("--count", arguments->changes, "End after so many changes; 0: go on")
      ->type_name("NUMBER")
      ->check(CheckWholeNumber, "");
  command->footer(kExamples);
  command->callback(
      [arguments, &options, &exit_code] { exit_code = RunWatch(*arguments, options); });
}

}  // namespace throng::cli
