// Feeds any text to the reader of throngd's settings file. Whatever it says, a number stays in
// its range, a flag of the command line is not set, and a mistake names the file.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "CLI/CLI.hpp"
#include "fuzz/memory_file.h"
#include "fuzz/require.h"
#include "server/settings.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  CLI::App app;
  std::string data_dir;
  uint32_t threads = 1;
  double share = 0;
  bool is_loud = false;
  app.add_option("--data-dir", data_dir)->required();
  app.add_option("--threads", threads)->check(CLI::Range(1U, 64U));
  app.add_option("--share", share);
  app.add_flag("--loud", is_loud);
  app.add_flag("--version");

  const throng::fuzz::MemoryFile file({reinterpret_cast<const char*>(data), size});
  throng::Settings settings(app);
  const absl::Status read = settings.ApplyFile(file.path());
  throng::fuzz::Require(threads >= 1 && threads <= 64, "a number out of its range");
  throng::fuzz::Require(app.get_option("--version")->count() == 0, "a flag of the command line");
  if (!read.ok()) {
    throng::fuzz::Require(
        std::string_view(read.message().data(), read.message().size()).starts_with(file.path()),
        "a mistake without its file");
  }
  throng::fuzz::Require(!settings.Describe().empty(), "settings without a description");
  return 0;
}
