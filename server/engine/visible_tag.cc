#include "server/engine/visible_tag.h"

#include <string>

#include "fmt/format.h"
#include "index/error.h"
#include "index/utf8.h"

namespace throng::engine {

absl::StatusOr<const index::TagEntry*> FindVisibleTag(const index::CatalogueView& view,
                                                      std::string_view name, size_t i) {
  return FindVisibleTag(view, name, fmt::format("tags[{}]", i));
}

absl::StatusOr<const index::TagEntry*> FindVisibleTag(const index::CatalogueView& view,
                                                      std::string_view name,
                                                      std::string_view field) {
  if (const index::TagEntry* entry = view.Find(name)) return entry;
  // A name that no tag can have is not repeated: it may be long, or no text.
  const bool sayable =
      name.size() <= static_cast<size_t>(index::kTagNameBytesMax) && index::IsValidUtf8(name);
  return index::MakeError(
      absl::StatusCode::kInvalidArgument,
      sayable ? fmt::format("there is no tag \"{}\"", name) : "there is no tag of such a name",
      {.reason = "UNKNOWN_TAG",
       .field = std::string(field),
       .expected = "the name of a tag",
       .suggestion = sayable ? view.NearestTag(name) : ""});
}

}  // namespace throng::engine
