#include "server/settings.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <system_error>
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

// As a flag would have it. False: neither text, number nor truth value.
bool TextOf(const toml::node& node, std::string* text) {
  if (const auto* value = node.as_string()) {
    *text = value->get();
  } else if (const auto* value = node.as_integer()) {
    *text = fmt::format("{}", value->get());
  } else if (const auto* value = node.as_floating_point()) {
    *text = fmt::format("{}", value->get());
  } else if (const auto* value = node.as_boolean()) {
    *text = value->get() ? "true" : "false";
  } else {
    return false;
  }
  return true;
}

absl::Status AtLine(const std::string& path, const toml::node& node, const std::string& message) {
  return absl::InvalidArgumentError(
      fmt::format("{}, line {}: {}", path, node.source().begin.line, message));
}

}  // namespace

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
    if (value == nullptr) continue;
    const std::string mistake = Set(*option, value, Source::kEnvironment);
    if (!mistake.empty()) {
      return absl::InvalidArgumentError(
          fmt::format("the environment variable {}: {}", name, mistake));
    }
  }
  return absl::OkStatus();
}

absl::Status Settings::ApplyFile(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return absl::NotFoundError(fmt::format("{}: there is no such file", path));
  }
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
    std::string text;
    if (!TextOf(node, &text)) {
      return AtLine(path, node, fmt::format("{} must be a text, a number, true or false", key));
    }
    if (option->count() > 0) continue;
    const std::string mistake = Set(*option, text, Source::kFile);
    if (!mistake.empty()) return AtLine(path, node, fmt::format("{}: {}", key, mistake));
  }
  return absl::OkStatus();
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
