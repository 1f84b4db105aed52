#include "server/engine/visible_tag.h"

#include <cstdint>
#include <set>
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

absl::StatusOr<std::vector<const index::TagEntry*>> FindVisibleTags(
    const index::CatalogueView& view, const std::vector<std::string>& names) {
  std::vector<const index::TagEntry*> tags;
  std::set<uint32_t> seen;
  for (size_t i = 0; i < names.size(); ++i) {
    THRONG_ASSIGN_OR_RETURN(tags.emplace_back(), FindVisibleTag(view, names[i], i));
    if (!seen.insert(tags.back()->definition.id).second) {
      return index::InvalidArgument("DUPLICATE_TAG", fmt::format("tags[{}]", i),
                                    fmt::format("tag \"{}\" stands twice in the list", names[i]));
    }
  }
  return tags;
}

}  // namespace throng::engine
