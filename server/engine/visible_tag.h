// Finds the tags that a request names in a list.
//
//   absl::StatusOr<const index::TagEntry*> tag = FindVisibleTag(view, request.tags[2], 2);
//   tag = FindVisibleTag(view, request.rows.tag, "rows.tag");
//
// Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_VISIBLE_TAG_H_
#define THRONG_SERVER_ENGINE_VISIBLE_TAG_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/catalogue.h"

namespace throng::engine {

// The entry of `name`, the `i`-th of the request's "tags"; valid as long as the view's catalogue.
// Errors: kInvalidArgument (UNKNOWN_TAG) at "tags[i]" with the nearest visible name, for a tag that
// is not there and for one beyond the caller's level alike. Thread-safe.
absl::StatusOr<const index::TagEntry*> FindVisibleTag(const index::CatalogueView& view,
                                                      std::string_view name, size_t i);

// The same for a name that stands alone in the field `field`.
absl::StatusOr<const index::TagEntry*> FindVisibleTag(const index::CatalogueView& view,
                                                      std::string_view name,
                                                      std::string_view field);

// All of the request's "tags", in its order. Errors: as above; kInvalidArgument (DUPLICATE_TAG) at
// "tags[i]" for one that stands there twice.
absl::StatusOr<std::vector<const index::TagEntry*>> FindVisibleTags(
    const index::CatalogueView& view, const std::vector<std::string>& names);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_VISIBLE_TAG_H_
