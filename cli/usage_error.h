// What a command line that cannot be understood says.
//
//   UsageMessage(app, error)   // there is no command "show"; did you mean get?
#ifndef THRONG_CLI_USAGE_ERROR_H_
#define THRONG_CLI_USAGE_ERROR_H_

#include <string>

#include "CLI/CLI.hpp"

namespace throng::cli {

// "throng tags create": the command that was named, as far as it was understood.
std::string CommandPath(const CLI::App& app);

// What is wrong with what `app` was given, after its parse threw `error`: the word that is no
// command, or the flag that the command has not, with the nearest that there is. Otherwise what
// `error` says.
std::string UsageMessage(const CLI::App& app, const CLI::ParseError& error);

}  // namespace throng::cli

#endif  // THRONG_CLI_USAGE_ERROR_H_
