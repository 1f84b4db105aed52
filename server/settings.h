// throngd's settings: flags over the environment over one TOML file, all by the same names.
//
//   CLI::App app;                       // with the options of the server
//   Settings settings(app);
//   app.parse(argc, argv);
//   settings.ApplyEnvironment();        // THRONGD_DATA_DIR, for --data-dir
//   settings.ApplyFile("/etc/throng/throngd.toml");   // data-dir = "/var/lib/throng"
//
// A key of the file is the name of a flag without its dashes; nothing else may stand in it, and a
// value is of its setting's type: a text in quotes, a whole number, true or false. A setting that a
// flag gave is left as it is, one of the environment by the file; an empty variable of the
// environment is none. Whole numbers are decimal everywhere, without leading zeros.
// Thread-compatible.
#ifndef THRONG_SERVER_SETTINGS_H_
#define THRONG_SERVER_SETTINGS_H_

#include <map>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"

namespace throng {

class Settings {
 public:
  // The options that `app` has now are the settings, but for those that are of the command line
  // alone (help, version, config). What is wrong with a number that a flag gives is said by
  // parsing, like all that is wrong with flags.
  explicit Settings(CLI::App& app);

  // Errors: kInvalidArgument, with the variable's name and what is wrong with its value.
  absl::Status ApplyEnvironment();
  // Errors: kNotFound, kUnavailable (it cannot be read), kInvalidArgument: with file, line, key and
  // what is wrong with it.
  absl::Status ApplyFile(const std::string& path);

  // A line each: the key, its value and where it is from ("flag", "environment", "file",
  // "default").
  std::string Describe() const;
  // What every setting is now, by its key.
  std::map<std::string, std::string> Values() const;
  // The name of a setting's variable: THRONGD_DATA_DIR for data-dir.
  static std::string Variable(const std::string& key);

 private:
  enum class Source { kEnvironment, kFile };
  // Null when there is no such setting.
  CLI::Option* Find(const std::string& key) const;
  // Empty, or what is wrong with the value.
  std::string Set(CLI::Option& option, const std::string& text, Source source);

  CLI::App& app_;
  std::map<std::string, Source> sources_;  // by key
};

}  // namespace throng

#endif  // THRONG_SERVER_SETTINGS_H_
