#include "server/settings.h"

#include <sys/stat.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "fmt/format.h"

namespace throng {
namespace {

// The name by which a setting is known in the file; empty for what is of the command line alone.
std::string KeyOf(const CLI::Option& option) {
  const std::vector<std::string>& names = option.get_lnames();
  if (names.empty()) return {};
  const std::string& name = names.front();
  const bool is_of_command_line = name == "help" || name == "version" || name == "config";
  return is_of_command_line ? std::string() : name;
}

// The key of `keys` that `key` was probably meant to be: with '_' for '-', or the beginning of it.
std::string Guess(const CLI::App& app, const std::string& key) {
  std::string dashed = key;
  std::replace(dashed.begin(), dashed.end(), '_', '-');
  for (const CLI::Option* option : app.get_options()) {
    const std::string known = KeyOf(*option);
    if (!known.empty() && (known == dashed || known.starts_with(dashed))) return known;
  }
  return {};
}

enum class Kind { kText, kWhole, kNumber, kFlag };

// What the values of a setting are, by CLI11's names of types and by ours.
Kind KindOf(const CLI::Option& option) {
  if (option.get_items_expected_max() == 0) return Kind::kFlag;
  const std::string type = option.get_type_name();
  for (const char* whole : {"INT", "UINT", "BYTES"}) {
    if (type.starts_with(whole)) return Kind::kWhole;
  }
  return type.starts_with("FLOAT") ? Kind::kNumber : Kind::kText;
}

const char* Wanted(Kind kind) {
  switch (kind) {
    case Kind::kText:
      return "a text in quotes";
    case Kind::kWhole:
      return "a whole number without quotes";
    case Kind::kNumber:
      return "a number without quotes";
    case Kind::kFlag:
      return "true or false without quotes";
  }
  return "";
}

// As a message says it.
std::string Shown(const toml::node& node) {
  if (const auto* value = node.as_string()) return fmt::format("\"{}\"", value->get());
  if (const auto* value = node.as_integer()) return fmt::format("{}", value->get());
  if (const auto* value = node.as_floating_point()) return fmt::format("{}", value->get());
  if (const auto* value = node.as_boolean()) return value->get() ? "true" : "false";
  return node.is_array() ? "a list" : node.is_table() ? "a table" : "a time";
}

// As a flag would have it; nullopt: it is not of that kind.
std::optional<std::string> TextOf(const toml::node& node, Kind kind) {
  if (kind == Kind::kText) {
    const auto* value = node.as_string();
    return value == nullptr ? std::nullopt : std::optional<std::string>(value->get());
  }
  const bool fits = kind == Kind::kFlag
                        ? node.is_boolean()
                        : node.is_integer() || (kind == Kind::kNumber && node.is_floating_point());
  return fits ? std::optional<std::string>(Shown(node)) : std::nullopt;
}

// Empty, or what is wrong: CLI11 reads 030 as octal and 0x1e as well, which nobody means.
std::string CheckDecimal(const std::string& text) {
  std::string_view digits = text;
  if (digits.starts_with('-') || digits.starts_with('+')) digits.remove_prefix(1);
  const bool is_decimal = !digits.empty() && std::all_of(digits.begin(), digits.end(), [](char c) {
    return c >= '0' && c <= '9';
  });
  if (is_decimal && (digits.size() == 1 || digits.front() != '0')) return {};
  return fmt::format("{} is not a whole number in decimal{}", text,
                     is_decimal ? ": write it without the zeros in front" : "");
}

absl::Status CheckReadable(const std::string& path) {
  const auto cannot = [&] {
    return absl::UnavailableError(
        fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  };
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) {
    if (errno != ENOENT) return cannot();
    return absl::NotFoundError(fmt::format("{}: there is no such file", path));
  }
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(
        fmt::format("{}: is {}, not a regular file", path,
                    S_ISDIR(info.st_mode) ? "a directory" : "a pipe or a device"));
  }
  return access(path.c_str(), R_OK) == 0 ? absl::OkStatus() : cannot();
}

absl::Status AtLine(const std::string& path, const toml::node& node, const std::string& message) {
  return absl::InvalidArgumentError(
      fmt::format("{}, line {}: {}", path, node.source().begin.line, message));
}

}  // namespace

Settings::Settings(CLI::App& app) : app_(app) {
  for (CLI::Option* option : app_.get_options()) {
    if (KeyOf(*option).empty() || KindOf(*option) != Kind::kWhole) continue;
    // Before the checks of the range, which read it as CLI11 does.
    option->transform(CLI::Validator([](std::string& text) { return CheckDecimal(text); }, ""));
  }
}

std::string Settings::Variable(const std::string& key) {
  std::string name = "THRONGD_";
  for (const char c : key) {
    name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

CLI::Option* Settings::Find(const std::string& key) const {
  const std::vector<CLI::Option*> options = app_.get_options();
  const auto found = std::find_if(options.begin(), options.end(), [&](const CLI::Option* option) {
    return KeyOf(*option) == key && !key.empty();
  });
  return found == options.end() ? nullptr : *found;
}

std::string Settings::Set(CLI::Option& option, const std::string& text, Source source) {
  try {
    option.add_result(text);
    option.run_callback();
  } catch (const CLI::Error& error) {
    return error.what();
  }
  sources_[KeyOf(option)] = source;
  return {};
}

absl::Status Settings::ApplyEnvironment() {
  for (CLI::Option* option : app_.get_options()) {
    const std::string key = KeyOf(*option);
    if (key.empty() || option->count() > 0) continue;
    const std::string name = Variable(key);
    const char* value = std::getenv(name.c_str());
    if (value == nullptr || *value == '\0') continue;  // `X= throngd` takes nothing away
    const std::string mistake = Set(*option, value, Source::kEnvironment);
    if (!mistake.empty()) {
      return absl::InvalidArgumentError(
          fmt::format("the environment variable {}: {}", name, mistake));
    }
  }
  return absl::OkStatus();
}

absl::Status Settings::ApplyFile(const std::string& path) {
  if (absl::Status status = CheckReadable(path); !status.ok()) return status;
  toml::table table;
  try {
    table = toml::parse_file(path);
  } catch (const toml::parse_error& wrong) {
    return absl::InvalidArgumentError(
        fmt::format("{}, line {}: {}", path, wrong.source().begin.line, wrong.description()));
  }
  for (const auto& [toml_key, node] : table) {
    const std::string key(toml_key.str());
    CLI::Option* option = Find(key);
    if (option == nullptr) {
      const std::string guess = Guess(app_, key);
      return AtLine(path, node,
                    fmt::format("there is no setting {}{}", key,
                                guess.empty() ? std::string("; `throngd --help` has them all")
                                              : fmt::format("; did you mean {}?", guess)));
    }
    const Kind kind = KindOf(*option);
    const std::optional<std::string> text = TextOf(node, kind);
    if (!text.has_value()) {
      return AtLine(path, node,
                    fmt::format("{} must be {}, not {}", key, Wanted(kind), Shown(node)));
    }
    if (option->count() > 0) continue;
    const std::string mistake = Set(*option, *text, Source::kFile);
    if (!mistake.empty()) return AtLine(path, node, fmt::format("{}: {}", key, mistake));
  }
  return absl::OkStatus();
}

std::map<std::string, std::string> Settings::Values() const {
  std::map<std::string, std::string> values;
  for (const CLI::Option* option : app_.get_options()) {
    const std::string key = KeyOf(*option);
    if (key.empty()) continue;
    const std::string absent = KindOf(*option) == Kind::kFlag ? "false" : option->get_default_str();
    values[key] = option->count() > 0 ? option->results().back() : absent;
  }
  return values;
}

std::string Settings::Describe() const {
  std::string text;
  for (const CLI::Option* option : app_.get_options()) {
    const std::string key = KeyOf(*option);
    if (key.empty()) continue;
    const auto source = sources_.find(key);
    const bool is_set = option->count() > 0;
    const char* from = !is_set                           ? "default"
                       : source == sources_.end()        ? "flag"
                       : source->second == Source::kFile ? "file"
                                                         : "environment";
    const std::string value = is_set ? option->results().back() : option->get_default_str();
    text += fmt::format("{:<28} {:<11} {}\n", key, from, value);
  }
  return text;
}

}  // namespace throng
