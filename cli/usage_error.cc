#include "cli/usage_error.h"

#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "cli/schema.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

// The command that was named last: the one whose words were not understood.
const CLI::App& Named(const CLI::App& app) {
  const std::vector<CLI::App*> named = app.get_subcommands();
  return named.empty() ? app : Named(*named.back());
}

std::vector<std::string> CommandsOf(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

// The long flags of a command and of those that it is a part of.
std::vector<std::string> FlagsOf(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* part = &app; part != nullptr; part = part->get_parent()) {
    for (const CLI::Option* option : part->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

std::string Suggestion(const std::string& text, const std::vector<std::string>& names) {
  const std::string nearest = NearestName(text, names);
  return nearest.empty() ? std::string() : fmt::format("; did you mean {}?", nearest);
}

}  // namespace

std::string CommandPath(const CLI::App& app) {
  std::string path = app.get_name();
  for (const CLI::App* named : app.get_subcommands()) path += " " + CommandPath(*named);
  return path;
}

std::string UsageMessage(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& named = Named(app);
  const std::vector<std::string> left = app.remaining(true);
  const std::vector<std::string> commands = CommandsOf(named);
  const bool not_understood = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr ||
                              dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
  if (!not_understood || (left.empty() && commands.empty())) return error.what();
  if (left.empty()) {
    return fmt::format("{} is followed by one of: {}", CommandPath(app),
                       absl::StrJoin(commands, ", "));
  }
  const std::string& word = left.front();
  if (word.starts_with("-")) {
    const std::string flag = word.substr(0, word.find('='));
    return fmt::format("there is no flag {}{}", flag, Suggestion(flag, FlagsOf(named)));
  }
  if (commands.empty()) return fmt::format("nothing is expected at \"{}\"", word);
  const std::string suggestion = Suggestion(word, commands);
  return fmt::format(
      "there is no command \"{}\"{}", word,
      suggestion.empty() ? "; there are: " + absl::StrJoin(commands, ", ") : suggestion);
}

}  // namespace throng::cli
