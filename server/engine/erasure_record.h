// What the erasure of users changes, as a record.
//
//   std::vector<TagsOfUser> tags = FillErasure(newest, {17, 90}, view, &record);
//
// Internal to the engine; thread-safe functions.
#ifndef THRONG_SERVER_ENGINE_ERASURE_RECORD_H_
#define THRONG_SERVER_ENGINE_ERASURE_RECORD_H_

#include <cstdint>
#include <vector>

#include "index/catalogue.h"
#include "index/change.h"
#include "index/snapshot.h"

namespace throng::engine {

// The change that clears a tag of the users `ordinals`.
index::TagChange ClearedTag(uint32_t tag, index::TagType type, std::vector<uint32_t> ordinals);

// Adds the erasure of `ordinals` (ascending) to a record on `newest`: tags cleared, values that
// nobody else has dropped, users out of the universe. Returns, for each of them, how many tags it
// had among those that `view` shows.
std::vector<uint32_t> FillErasure(const index::Snapshot& newest,
                                  const std::vector<uint32_t>& ordinals,
                                  const index::CatalogueView& view, index::CommitRecord* record);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_ERASURE_RECORD_H_
