#include "cli/selection_options.h"

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "cli/client.h"
#include "cli/error_output.h"
#include "cli/flag_checks.h"
#include "cli/terminal_text.h"
#include "cli/value_text.h"
#include "fmt/format.h"
#include "google/protobuf/util/time_util.h"

namespace throng::cli {
namespace {

constexpr std::size_t kTextFileBytesMax = 64 << 20;

absl::StatusOr<std::string> ReadAll(std::FILE* file, const std::string& name) {
  std::string text;
  char buffer[1 << 16];
  std::size_t bytes = 0;
  while ((bytes = std::fread(buffer, 1, sizeof(buffer), file)) > 0) {
    text.append(buffer, bytes);
    if (text.size() > kTextFileBytesMax) {
      return absl::InvalidArgumentError(
          fmt::format("{} is larger than {} bytes", name, kTextFileBytesMax));
    }
  }
  if (std::ferror(file) != 0) {
    return absl::InvalidArgumentError(fmt::format("cannot read {}: {}", name, strerror(errno)));
  }
  return text;
}

}  // namespace

void AddExpressionSource(CLI::App& command, ExpressionSource& source) {
  source.argument_option =
      command.add_option("EXPR", source.argument, "The expression; \"-\" reads it from stdin")
          ->type_name("");
  command.add_option("--file", source.file, "Read the expression from a file instead")
      ->type_name("FILE");
}

void AddSelectionOptions(CLI::App& command, SelectionOptions& arguments) {
  AddExpressionSource(command, arguments.source);
  AddFrameOptions(command, arguments);
}

void AddFrameOptions(CLI::App& command, SelectionOptions& arguments) {
  command
      .add_option("--zone", arguments.time_zone, "Time zone of relative dates, e.g. Asia/Shanghai")
      ->type_name("ZONE");
  command
      .add_option("--at", arguments.reference_time,
                  "What now() is, in RFC 3339, e.g. 2024-05-01T08:00:00Z")
      ->type_name("TIME");
  AddReadVersion(command, arguments.read_version);
  command
      .add_option("--exclude", arguments.exclude,
                  "Leave the users of a crowd out, NAME, NAME@live or NAME@VERSION; may be given "
                  "often")
      ->type_name("CROWD")
      ->allow_extra_args(false);
}

void AddReadVersion(CLI::App& command, std::uint64_t& read_version) {
  command
      .add_option("--read-version", read_version, "Read the data version an earlier answer gave")
      ->type_name("N")
      ->check(CheckWholeNumber, "");
}

absl::StatusOr<std::string> ReadExpression(const ExpressionSource& source) {
  const bool has_argument =
      source.argument_option != nullptr && source.argument_option->count() > 0;
  if (has_argument && !source.file.empty()) {
    return absl::InvalidArgumentError("give the expression or --file, not both");
  }
  if (!source.file.empty()) return ReadTextFile(source.file);
  if (!has_argument)
    return absl::InvalidArgumentError("EXPR is missing: give one, \"-\" or --file");
  if (source.argument == "-") return ReadTextFile("-");
  return source.argument;
}

absl::StatusOr<v1::Selection> MakeSelection(const SelectionOptions& arguments,
                                            const GlobalOptions& options) {
  absl::StatusOr<std::string> expression = ReadExpression(arguments.source);
  if (!expression.ok()) return expression.status();
  return MakeSelection(*std::move(expression), arguments, options);
}

absl::StatusOr<v1::Selection> MakeSelection(std::string expression,
                                            const SelectionOptions& arguments,
                                            const GlobalOptions& options) {
  v1::Selection selection;
  selection.set_population(PopulationName(options));
  selection.set_expression(std::move(expression));
  selection.set_time_zone(arguments.time_zone);
  selection.set_read_version(arguments.read_version);
  for (const std::string& crowd : arguments.exclude) *selection.add_exclude() = ParseCrowd(crowd);
  if (!arguments.reference_time.empty() &&
      !google::protobuf::util::TimeUtil::FromString(arguments.reference_time,
                                                    selection.mutable_reference_time())) {
    return absl::InvalidArgumentError(
        fmt::format("--at: \"{}\" is not a time: expected RFC 3339, e.g. 2024-05-01T08:00:00Z",
                    arguments.reference_time));
  }
  return selection;
}

v1::CrowdRef ParseCrowd(std::string_view text) {
  v1::CrowdRef crowd;
  const std::size_t at = text.rfind('@');
  const std::string_view which = at == std::string_view::npos ? "" : text.substr(at + 1);
  std::uint32_t version = 0;
  const auto [end, error] = std::from_chars(which.data(), which.data() + which.size(), version);
  const bool is_version =
      !which.empty() && error == std::errc() && end == which.data() + which.size() && version > 0;
  if (which == "live") crowd.set_live(true);
  if (is_version) crowd.set_version(version);
  crowd.set_crowd(std::string(which == "live" || is_version ? text.substr(0, at) : text));
  return crowd;
}

std::string CrowdText(const v1::CrowdRef& crowd) {
  if (crowd.live()) return fmt::format("{}@live", crowd.crowd());
  if (crowd.version() > 0) return fmt::format("{}@{}", crowd.crowd(), crowd.version());
  return crowd.crowd();
}

void PrintWarnings(const v1::ResultInfo& info, std::string_view expression) {
  for (const v1::Warning& warning : info.warnings()) {
    fmt::print(stderr, "{}", RenderWarning(warning, expression));
  }
}

std::string InfoLine(const v1::ResultInfo& info) {
  return fmt::format("data version {}, {} in the engine{}", info.data_version(),
                     DurationText(ToDuration(info.engine_time())),
                     info.exact() ? "" : ", of a sample");
}

absl::StatusOr<std::string> ReadTextFile(const std::string& path) {
  if (path == "-") return ReadAll(stdin, "standard input");
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             std::fclose);
  if (file == nullptr) {
    return absl::InvalidArgumentError(fmt::format("cannot read {}: {}", path, strerror(errno)));
  }
  return ReadAll(file.get(), path);
}

absl::StatusOr<std::vector<std::string>> SplitNames(std::string_view text) {
  std::vector<std::string> names;
  std::string name;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' && quoted && text.substr(i + 1, 1) == "\"") {
      name += text[i++];
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == ',' && !quoted) {
      names.push_back(std::exchange(name, {}));
    } else {
      name += text[i];
    }
  }
  names.push_back(name);
  if (quoted) return absl::InvalidArgumentError(fmt::format("\"{}\": a quote is not closed", text));
  for (const std::string& each : names) {
    if (each.empty())
      return absl::InvalidArgumentError(fmt::format("\"{}\": a name is empty", text));
  }
  return names;
}

}  // namespace throng::cli
