// Feeds any text to the reader of schema files. A mistake must have its line.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cli/schema.h"
#include "fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<throng::cli::Schema> schema = throng::cli::ParseSchema(text, "s.toml");
  if (!schema.ok()) {
    throng::fuzz::Require(schema.status().message().find("s.toml") != absl::string_view::npos,
                          "a mistake without its place", text);
    return 0;
  }
  for (const throng::cli::TagSchema& tag : schema->tags) {
    throng::fuzz::Require(!tag.name.empty(), "a tag without a name", text);
    throng::fuzz::Require(tag.type != throng::v1::TAG_TYPE_UNSPECIFIED, "no type", text);
  }
  return 0;
}
