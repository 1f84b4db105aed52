// The crowds of a snapshot as one caller may see them. A crowd is as sensitive as the most
// sensitive tag beneath it: beneath its rule, its versions, and the crowds that it rests on.
//
//   CrowdView view(snapshot, context.visibility);
//   const index::CrowdEntry* spring = view.Find("spring");   // nullptr: unknown or not visible
//
// Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_CROWD_VIEW_H_
#define THRONG_SERVER_ENGINE_CROWD_VIEW_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/catalogue.h"
#include "index/crowd.h"
#include "index/snapshot.h"

namespace throng::engine {

// The longest chain of references from a crowd, itself included.
inline constexpr uint32_t kCrowdDepthMax = 16;

// Borrows the snapshot. Not thread-safe.
class CrowdView {
 public:
  CrowdView(const index::Snapshot& snapshot, const index::Visibility& visibility)
      : snapshot_(snapshot), visibility_(visibility) {}

  // Deleted ones included.
  const index::CrowdEntry* Find(std::string_view name) const;
  bool Sees(const index::CrowdEntry& crowd) const;
  // The visible crowd, not deleted, whose name is nearest; empty if none is near.
  std::string Nearest(std::string_view name) const;
  // kNotFound (UNKNOWN_CROWD) at `field`, with the nearest name.
  absl::Status Unknown(std::string_view name, std::string_view field) const;
  // As Find. Errors: as Unknown.
  absl::StatusOr<const index::CrowdEntry*> Require(std::string_view name,
                                                   std::string_view field) const;

 private:
  bool SeesTags(const std::vector<uint32_t>& tags) const;
  bool SeesBelow(const index::CrowdEntry& crowd, uint32_t depth) const;

  const index::Snapshot& snapshot_;
  const index::Visibility visibility_;
  mutable std::map<uint32_t, bool> seen_;  // by id
};

// How crowds rest on each other. Borrows the catalogue. Not thread-safe.
class CrowdGraph {
 public:
  explicit CrowdGraph(const index::CrowdCatalogue& crowds) : crowds_(crowds) {}

  // Whether crowd `id` (0: a new one, of `name`) may rest on `references`. Errors: kInvalidArgument
  // (CROWD_CYCLE, with the path; CROWDS_TOO_DEEP), without a field.
  absl::Status Check(uint32_t id, std::string_view name,
                     const std::vector<uint32_t>& references) const;
  // Crowds that are not deleted and rest directly on `id`, in order of name.
  std::vector<const index::CrowdEntry*> UsersOf(uint32_t id) const;
  // The longest chain of references from the crowd, itself included.
  uint32_t DepthOf(uint32_t id) const;

 private:
  // The path from `from` to `to`, both included; empty: there is none.
  std::vector<uint32_t> PathTo(uint32_t from, uint32_t to) const;
  uint32_t HeightOf(uint32_t id) const;
  std::string NameOf(uint32_t id) const;

  const index::CrowdCatalogue& crowds_;
  mutable std::map<uint32_t, uint32_t> depths_;
  mutable std::map<uint32_t, uint32_t> heights_;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_CROWD_VIEW_H_
